"""Actions: each is counted in the state that its dates give it."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, shares_within_0_and_1, suite, undefined_has_a_reason

SUITES = (
    suite(
        "actions",
        account_is_given("actions", "account_name IS NOT NULL"),
        holds(
            "actions",
            "state_follows_from_dates",
            "is_open = (done_date IS NULL AND cancelled_date IS NULL) AND (is_open OR NOT is_overdue)",
            sentence="An action is open while it is neither done nor given up, and only an open one is overdue.",
            finding="{of} <action> (has|have) a state that (its|their) dates do not give",
            if_it_fails="What is done is chased, or what is forgotten is not seen.",
            shown=("is_open", "is_overdue", "done_date", "cancelled_date"),
        ),
        undefined_has_a_reason("actions"),
    ),
    suite(
        "action_status",
        account_is_given("action_status", "account_name IS NOT NULL"),
        holds(
            "action_status",
            "parts_are_within_the_whole",
            "overdue <= open AND not_updated_7_days <= open AND done_with_due <= done AND done_on_time <= done_with_due",
            sentence="No more actions are overdue or forgotten than are open, nor done in time than are done.",
            finding="{of} <row> of action_status (counts|count) more overdue than open, or more in time than done",
            if_it_fails="A count is too high; the model counts an action twice.",
            shown=("open", "overdue", "not_updated_7_days", "done", "done_with_due", "done_on_time"),
        ),
        shares_within_0_and_1("action_status", "done_on_time_ratio"),
        undefined_has_a_reason("action_status"),
    ),
)
