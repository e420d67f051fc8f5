"""Issues: what came, what was closed, what is open."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "issues",
        account_is_given("issues"),
        holds(
            "issues",
            "states_follow_from_dates",
            "is_open = (closed_date IS NULL) AND (is_open OR NOT is_overdue) AND (is_closed OR NOT is_closed_on_time)"
            " AND NOT (is_open AND is_closed)",
            sentence="An issue is open or closed, as its dates say.",
            finding="{of} <issue> (has|have) a state that (its|their) dates do not give",
            if_it_fails="An issue counts as open and as closed, or as neither; the model reads its dates wrongly.",
            shown=("opened_date", "closed_date", "reopened_date", "is_open", "is_closed"),
        ),
    ),
    suite(
        "issue_performance",
        account_is_given("issue_performance"),
        holds(
            "issue_performance",
            "open_issues_have_one_age",
            "open = open_0_30 + open_31_60 + open_61_90 + open_over_90",
            sentence="Open issues add up over their ages.",
            finding="The ages of open issues do not add up in {of} <row> of issue_performance",
            if_it_fails="Open issues are missing from the ages, or in two of them.",
            shown=("open", "open_0_30", "open_31_60", "open_61_90", "open_over_90"),
        ),
        holds(
            "issue_performance",
            "parts_within_the_issues",
            "closed_on_time <= closed_with_target AND closed_with_target <= closed AND overdue_open <= open"
            " AND repeated <= opened",
            sentence="Issues closed on time are among those closed, overdue ones among the open ones.",
            finding="{of} <row> of issue_performance (counts|count) more on time than closed, or more overdue than open",
            if_it_fails="Shares of issues are too high; the model counts them over different issues.",
            shown=("opened", "closed", "closed_with_target", "closed_on_time", "open", "overdue_open", "repeated"),
        ),
        undefined_has_a_reason("issue_performance"),
    ),
)
