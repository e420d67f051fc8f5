"""Visits: what was planned and held, line by line and added up."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, shares_within_0_and_1, suite, undefined_has_a_reason

SUITES = (
    suite(
        "visits",
        account_is_given("visits"),
        holds(
            "visits",
            "is_planned_or_held",
            "(is_planned OR is_held) AND is_held_as_planned = (is_planned AND is_held) AND NOT (is_planned AND is_unplanned)"
            " AND (visit_date IS NOT NULL OR NOT is_held)",
            sentence="Every visit of the list is planned for the month or held in it, and its flags agree.",
            finding="{of} <visit> (is|are) neither planned nor held in the month, or (has|have) flags that disagree",
            if_it_fails="The list does not explain the figures; the model gives a visit to another month.",
            shown=("planned_date", "visit_date", "is_planned", "is_held", "is_held_as_planned", "is_unplanned"),
        ),
    ),
    suite(
        "visit_performance",
        account_is_given("visit_performance"),
        shares_within_0_and_1("visit_performance", "held_as_planned_ratio"),
        holds(
            "visit_performance",
            "parts_within_the_visits",
            "held_as_planned <= planned AND held_as_planned + unplanned <= held AND trainings <= held AND reported <= held",
            sentence="Visits held as planned, unplanned, reported and trainings are among the visits held.",
            finding="{of} <row> of visit_performance (counts|count) more visits as planned or reported than were held",
            if_it_fails="Shares of visits are too high; the model counts them over different visits.",
            shown=("planned", "held", "held_as_planned", "unplanned", "trainings", "reported"),
        ),
        undefined_has_a_reason("visit_performance"),
    ),
    suite(
        "visit_plans",
        holds(
            "visit_plans",
            "submitted_within_the_planned",
            "submitted <= planned AND (submitted = 0) = (submitted_at IS NULL)",
            sentence="Visits whose plan was submitted are among those planned.",
            finding="{of} <row> of visit_plans (counts|count) more visits submitted than planned",
            if_it_fails="A manager seems to have planned in time; the model counts visits of other months.",
            shown=("planned", "submitted", "submitted_at"),
        ),
        undefined_has_a_reason("visit_plans"),
    ),
)
