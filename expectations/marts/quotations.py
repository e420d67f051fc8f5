"""Quotations: each counts in the state that its dates give it."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, shares_within_0_and_1, suite, undefined_has_a_reason

SUITES = (
    suite(
        "quotations",
        account_is_given("quotations"),
        holds(
            "quotations",
            "states_follow_from_dates",
            "is_open = (decided_date IS NULL) AND NOT (is_open AND (is_won OR is_lost OR is_declined OR is_withdrawn))"
            " AND is_won::INTEGER + is_lost::INTEGER + is_declined::INTEGER + is_withdrawn::INTEGER <= 1",
            sentence="A quotation is open or decided in one way, as its dates say.",
            finding="{of} <quotation> (has|have) a state that (its|their) dates do not give",
            if_it_fails="A quotation counts as open and as decided, or twice; the model reads its dates wrongly.",
            shown=("decision", "decided_date", "is_open", "is_won", "is_lost"),
        ),
    ),
    suite(
        "quotation_performance",
        account_is_given("quotation_performance"),
        holds(
            "quotation_performance",
            "parts_are_within_the_whole",
            "package_complete <= received AND quoted_with_date <= quoted AND quoted_on_time <= quoted_with_date"
            " AND decided = won + lost AND decided <= rolling_12_decided",
            sentence="No more quotations are complete than came in, nor in time than were quoted, nor won than were decided.",
            finding="{of} <row> of quotation_performance (counts|count) more complete, in time or won than there are",
            if_it_fails="A count is too high; the model counts a quotation twice.",
            shown=("received", "package_complete", "quoted", "quoted_with_date", "quoted_on_time", "won", "decided"),
        ),
        shares_within_0_and_1("quotation_performance", "quoted_on_time_ratio", "hit_ratio", "rolling_12_hit_ratio"),
        undefined_has_a_reason("quotation_performance"),
    ),
)
