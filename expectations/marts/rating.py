"""Vendor rating: scores and shares stay in their range, and parts within their whole."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, shares_within_0_and_1, suite, undefined_has_a_reason

SUITES = (
    suite(
        "vendor_rating",
        account_is_given("vendor_rating"),
        holds(
            "vendor_rating",
            "scores_within_0_and_100",
            " AND ".join(
                f"coalesce({score} BETWEEN 0 AND 100, true)"
                for score in (
                    "customer_score",
                    "own_score",
                    "score",
                    "previous_score",
                    "moving_average_3m",
                    "moving_average_6m",
                    "moving_average_12m",
                )
            ),
            sentence="Every score lies between 0 and 100.",
            finding="{of} <score> (is|are) below 0 or above 100",
            if_it_fails="Scores of different customers cannot be compared; the model scales one of them wrongly.",
            shown=("customer_score", "own_score"),
        ),
        holds(
            "vendor_rating",
            "every_score_has_a_band",
            "(score IS NULL) = (band IS NULL)",
            sentence="Every score falls into one band.",
            finding="{of} <score> (falls|fall) into no band",
            if_it_fails="An account is missing from every band; the bands in the settings leave a gap.",
            shown=("score", "band"),
        ),
        undefined_has_a_reason("vendor_rating"),
    ),
    suite(
        "delivery_performance",
        account_is_given("delivery_performance"),
        shares_within_0_and_1(
            "delivery_performance", "on_time_ratio", "in_full_ratio", "otif_ratio", "quantity_on_time_ratio"
        ),
        holds(
            "delivery_performance",
            "parts_within_the_lines",
            "otif_count <= on_time_count AND otif_count <= in_full_count AND on_time_count <= line_count"
            " AND in_full_count <= line_count AND open_late_count <= late_count AND late_count <= line_count",
            sentence="Lines on time and in full are among those on time and those in full, all among the lines due.",
            finding="{of} <row> of delivery_performance (counts|count) more lines on time or in full than there are",
            if_it_fails="OTIF is not comparable with its parts; the model counts them over different lines.",
            shown=("line_count", "on_time_count", "in_full_count", "otif_count", "late_count", "open_late_count"),
        ),
        undefined_has_a_reason("delivery_performance"),
    ),
    suite(
        "quality_performance",
        account_is_given("quality_performance"),
        holds(
            "quality_performance",
            "ppm_needs_deliveries",
            "(quantity_reason IS NOT NULL OR (ppm IS NULL) = (delivered_quantity = 0 OR rejected_quantity IS NULL))"
            " AND (ytd_quantity_reason IS NOT NULL"
            " OR (ytd_ppm IS NULL) = (ytd_delivered_quantity = 0 OR ytd_rejected_quantity IS NULL))",
            sentence="PPM is given where something was delivered and rejects are on record, and only there.",
            finding="{of} <row> of quality_performance (has|have) a PPM without deliveries, or deliveries without one",
            if_it_fails="A month without deliveries looks like one without faults; the model divides wrongly.",
            shown=("delivered_quantity", "rejected_quantity", "ppm"),
        ),
        undefined_has_a_reason("quality_performance"),
    ),
    suite(
        "rating_gaps",
        account_is_given("rating_gaps"),
        holds(
            "rating_gaps",
            "points_are_lost",
            "points BETWEEN 0 AND 100",
            sentence="Every document named costs points.",
            finding="{of} <row> of rating_gaps (costs|cost) fewer than 0 or more than 100 points",
            if_it_fails="Documents are blamed for points that were not lost; the model shares them wrongly.",
            shown=("points",),
        ),
        holds(
            "rating_gaps",
            "documents_are_named",
            "document_id IS NOT NULL OR cause IN ('rating_rule', 'deduction')",
            sentence="Points that a document costs name it.",
            finding="{of} <row> of rating_gaps (costs|cost) points for a document that (it does|they do) not name",
            if_it_fails="Nobody can look at what cost the points; the model found no document for them.",
            shown=("points",),
        ),
    ),
)
