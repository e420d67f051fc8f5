"""Sales opportunities: what is open, what was decided, how good the probabilities were."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, shares_within_0_and_1, suite, undefined_has_a_reason

SUITES = (
    suite(
        "opportunities",
        account_is_given("opportunities"),
        holds(
            "opportunities",
            "states_follow_from_dates",
            "is_open = (closed_on IS NULL) AND is_open <> is_closed AND (is_closed OR NOT (is_won OR is_lost))"
            " AND NOT (is_won AND is_lost) AND (is_open OR NOT (is_slipped OR is_unrated))",
            sentence="An opportunity is open or closed, as its dates say.",
            finding="{of} <opportunity|opportunities> (has|have) a state that (its|their) dates do not give",
            if_it_fails="An opportunity counts as open and as decided, or as neither; the model reads its dates wrongly.",
            shown=("closed_on", "outcome", "is_open", "is_closed", "is_won", "is_lost"),
        ),
    ),
    suite(
        "pipeline",
        account_is_given("pipeline"),
        holds(
            "pipeline",
            "parts_within_the_open_ones",
            "unrated_count <= open_count AND slipped_count <= open_count"
            " AND coalesce(expected_amount BETWEEN 0 AND open_amount, true)",
            sentence="What is expected, slipped or without a probability is part of what is open.",
            finding="{of} <row> of the pipeline (expects|expect) or (counts|count) more than is open",
            if_it_fails="The pipeline looks fuller or later than it is; the model counts its parts over different opportunities.",
            shown=("open_count", "unrated_count", "slipped_count", "open_amount", "expected_amount"),
        ),
        undefined_has_a_reason("pipeline"),
    ),
    suite(
        "pipeline_calibration",
        holds(
            "pipeline_calibration",
            "probabilities_are_of_their_tenth",
            "won <= n AND stated_sum BETWEEN n * tenth * 0.1 AND n * (tenth + 1) * 0.1",
            sentence="Probabilities lie within their tenth, and no more is won than was decided.",
            finding="{of} <row> of pipeline_calibration (has|have) probabilities out of the tenth, or more won than decided",
            if_it_fails="A probability is compared with decisions of another range; the model sorts it wrongly.",
            shown=("n", "stated_sum", "won"),
        ),
        shares_within_0_and_1("pipeline_calibration", "stated_ratio", "won_ratio", "brier_score"),
    ),
)
