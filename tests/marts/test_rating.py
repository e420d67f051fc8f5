"""The vendor rating: what customers say, what our figures say, and where it is heading."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from kam.warehouse import memory
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch

# One change of a table for each rule of its own; see tests/expectations/test_broken_inputs.py.
TAMPERINGS = (
    Tampering("vendor_rating.scores_within_0_and_100", "score = 100.01, customer_score = 100.01"),
    Tampering("vendor_rating.every_score_has_a_band", "band = NULL", "score IS NOT NULL"),
    Tampering("vendor_rating.undefined_has_a_reason", "own_score_reason = NULL", "own_score IS NULL"),
)


Row = dict[str, Any]
MARTS = ("delivery_performance", "quality_performance", "vendor_rating")


def scorecard(month: str, score: float, dimension: str = "quality", account_id: str = "A", **given: Any) -> Row:
    """A scorecard of one dimension; `month` as 2026-01."""
    return {"account_id": account_id, "month": f"{month}-01", "dimension": dimension, "score": score} | given


def monthly(*scores: float | None, dimension: str = "quality", account_id: str = "A") -> list[Row]:
    """Scorecards of the months from January 2026 on; None = no scorecard in that month."""
    return [
        scorecard(f"2026-{number:02}", score, dimension, account_id)
        for number, score in enumerate(scores, start=1)
        if score is not None
    ]


def vendor_rating(given: Mapping[str, Sequence[Row]], *months: str, **rating: Any) -> list[Row]:
    """The rows of these months; `rating` holds settings of [rating]."""
    con = build_case(
        given,
        settings={"rating": rating},
        periods=months,
        feeds=("orders", "deliveries", "scorecards", "visits", "issues"),
        tables=["vendor_rating"],
    )
    return fetch(con, "SELECT * FROM build.vendor_rating ORDER BY period_month, account_id, dimension")


def rating(given: Mapping[str, Sequence[Row]], month: str, dimension: str = "quality", **settings: Any) -> Row:
    """The one row of the month and dimension."""
    (row,) = [row for row in vendor_rating(given, month, **settings) if row["dimension"] == dimension]
    return row


def trend(*scores: float | None) -> Row:
    """The quality row of the last of these months."""
    return rating({"scorecards": monthly(*scores)}, f"2026-{len(scores):02}")


def lines_due(month: str, failed: int, total: int, **given: Any) -> list[Row]:
    """Order lines of account A promised for the month, of which so many are never delivered."""
    line: Row = {
        "account_id": "A",
        "order_date": f"{month}-01",
        "promised_date": f"{month}-10",
        "quantity": 10,
        "rejected_quantity": 0,
    }
    return [
        line | {"order_id": f"{month}/{number}", "delivered_date": None if number <= failed else f"{month}-09"} | given
        for number in range(1, total + 1)
    ]


# --- what the customer says -------------------------------------------------------------------------------------------


def test_scorecard_is_normalised_by_its_maximum() -> None:
    row = rating({"scorecards": [scorecard("2026-03", 4, max_score=5)]}, "2026-03")
    assert (row["customer_score"], row["score_source"]) == (80, "customer")


def test_bonus_points_end_at_100() -> None:
    row = rating({"scorecards": [scorecard("2026-03", 6, max_score=5)]}, "2026-03")
    assert (row["customer_score"], row["band"]) == (100, "A")


def test_visits_held_in_the_month_count_where_there_is_no_scorecard() -> None:
    visit: Row = {"account_id": "A", "visit_date": "2026-03-05"}
    visits = [
        visit | {"visit_id": "V1", "rating_quality": 70, "rating_delivery": 40},
        visit | {"visit_id": "V2", "rating_quality": 81},
        visit | {"visit_id": "V3"},
        visit | {"visit_id": "V4", "visit_date": None, "planned_date": "2026-03-06", "rating_quality": 0},
        visit | {"visit_id": "V5", "visit_date": "2026-04-01", "rating_quality": 0},
    ]
    scorecards = [scorecard("2026-03", 90, "delivery")]
    found = vendor_rating({"visits": visits, "scorecards": scorecards}, "2026-03")
    scores = {row["dimension"]: row["customer_score"] for row in found}
    assert scores["quality"] == Decimal("75.5")
    assert scores["delivery"] == 90
    assert scores["cost"] is None


def test_overall_scales_the_weights_of_scored_dimensions_up() -> None:
    # (30 × 80 + 25 × 60) / 55 = 3900 / 55
    scorecards = [scorecard("2026-03", 80), scorecard("2026-03", 60, "delivery")]
    row = rating({"scorecards": scorecards}, "2026-03", "overall")
    assert row["customer_score"] == Decimal("70.909091")
    assert (row["weight"], row["band"]) == (100, "B")


def test_overall_of_all_dimensions_is_the_weighted_mean() -> None:
    # 0.30 × 90 + 0.20 × 60 + 0.25 × 80 + 0.10 × 50 + 0.15 × 40 = 27 + 12 + 20 + 5 + 6
    given = {"quality": 90, "cost": 60, "delivery": 80, "development": 50, "management": 40}
    scorecards = [scorecard("2026-03", score, dimension) for dimension, score in given.items()]
    assert rating({"scorecards": scorecards}, "2026-03", "overall")["customer_score"] == 70


def test_overall_of_the_customer_wins() -> None:
    scorecards = [scorecard("2026-03", 80), scorecard("2026-03", 55, "overall")]
    assert rating({"scorecards": scorecards}, "2026-03", "overall")["customer_score"] == 55


def test_dimension_without_weight_makes_no_overall() -> None:
    weights = {"quality": 0, "cost": 50, "delivery": 50}
    row = rating({"scorecards": [scorecard("2026-03", 80)]}, "2026-03", "overall", weights=weights)
    assert (row["customer_score"], row["score"], row["band"], row["rank"]) == (None, None, None, None)


# --- what our figures say ---------------------------------------------------------------------------------------------


def test_ppm_steps_include_their_upper_end() -> None:
    # One account for each number of parts rejected out of a million.
    steps = {0: 100, 1: 90, 25: 90, 26: 80, 50: 80, 100: 60, 101: 40, 250: 40, 500: 20, 501: 0, 1_000_000: 0}
    line: Row = {"order_date": "2026-03-01", "delivered_date": "2026-03-10", "quantity": 1_000_000}
    orders = [line | {"order_id": f"O{parts}", "account_id": f"{parts}", "rejected_quantity": parts} for parts in steps]
    found = vendor_rating({"orders": orders}, "2026-03")
    assert {int(row["account_id"]): row["own_score"] for row in found if row["dimension"] == "quality"} == steps


def test_delivery_score_is_otif() -> None:
    # 3 of 4 lines: 75. The customer says 90: 15 more than we do.
    given = {"orders": lines_due("2026-03", failed=1, total=4), "scorecards": [scorecard("2026-03", 90, "delivery")]}
    row = rating(given, "2026-03", "delivery")
    assert (row["own_score"], row["customer_score"], row["gap"], row["score"]) == (75, 90, 15, 90)


def test_own_overall_is_the_weighted_mean_of_own_scores() -> None:
    # Quality 100 (nothing rejected), delivery 75: (30 × 100 + 25 × 75) / 55 = 4875 / 55
    row = rating({"orders": lines_due("2026-03", failed=1, total=4)}, "2026-03", "overall")
    assert row["own_score"] == Decimal("88.636364")
    assert (row["customer_score"], row["gap"], row["score_source"]) == (None, None, "own")


def test_issues_due_in_the_month_score_their_dimension() -> None:
    issue: Row = {"account_id": "A", "opened_date": "2026-02-20", "target_close_date": "2026-03-20"}
    issues = [
        issue | {"issue_id": "I1", "dimension": "management", "closed_date": "2026-03-20"},
        issue | {"issue_id": "I2", "dimension": "overall", "closed_date": "2026-03-21"},
        issue | {"issue_id": "I3"},
        issue | {"issue_id": "I4", "dimension": "development", "closed_date": "2026-02-21"},
        issue | {"issue_id": "I5", "dimension": "quality"},
        issue | {"issue_id": "I6", "dimension": "cost", "target_close_date": "2026-04-20"},
        issue | {"issue_id": "I7", "dimension": "cost", "target_close_date": None},
    ]
    scores = {row["dimension"]: row for row in vendor_rating({"issues": issues}, "2026-03")}
    assert scores["management"]["own_score"] == Decimal("33.333333")
    assert scores["development"]["own_score"] == 100
    assert (scores["cost"]["own_score"], scores["cost"]["own_score_reason"]) == (None, "no issue was due in the month")
    assert (scores["quality"]["own_score"], scores["quality"]["own_score_reason"]) == (
        None,
        "nothing was delivered in the month, or no source says what was rejected",
    )


# --- the rules of one customer ----------------------------------------------------------------------------------------


def test_customer_has_rules_of_its_own() -> None:
    # Account A: quality 60, delivery 40, as requested, its own steps and bands. B keeps the default rules.
    rules = {
        "A": {
            "weights": {"quality": 60, "delivery": 40},
            "delivery_basis": "requested",
            "ppm_steps": [[10, 100], [1000, 50]],
            "bands": {"poor": 60, "good": 100},
        }
    }
    orders = [
        {
            "order_id": f"O{account_id}",
            "account_id": account_id,
            "order_date": "2026-03-01",
            "requested_date": "2026-03-05",
            "promised_date": "2026-03-10",
            "delivered_date": "2026-03-08",
            "quantity": 10000,
            "rejected_quantity": 1,  # 100 ppm
        }
        for account_id in ("A", "B")
    ]
    found = {
        (row["account_id"], row["dimension"]): row
        for row in vendor_rating({"orders": orders}, "2026-03", accounts=rules)
    }
    assert [found["A", name]["own_score"] for name in ("quality", "delivery", "overall")] == [50, 0, 30]
    assert [found["A", name]["weight"] for name in ("quality", "cost", "overall")] == [60, 0, 100]
    assert found["A", "overall"]["band"] == "poor"
    assert found["A", "overall"]["points_to_next_band"] == 30
    # B: quality 60, delivery 100: (30 × 60 + 25 × 100) / 55 = 4300 / 55
    assert [found["B", name]["own_score"] for name in ("quality", "delivery")] == [60, 100]
    assert found["B", "overall"]["own_score"] == Decimal("78.181818")
    assert found["B", "overall"]["band"] == "B"


# --- bands and ranks --------------------------------------------------------------------------------------------------


def test_band_includes_its_upper_end() -> None:
    # One account for each score; the points lead up to the upper end of its band.
    bands: dict[float, tuple[str, Decimal | None]] = {
        0: ("D", Decimal(50)),
        50: ("D", Decimal(0)),
        50.0001: ("C", Decimal("19.9999")),
        70: ("C", Decimal(0)),
        85: ("B", Decimal(0)),
        85.0001: ("A", None),
        100: ("A", None),
    }
    scorecards = [scorecard("2026-03", score, account_id=f"{score}") for score in bands]
    found = vendor_rating({"scorecards": scorecards}, "2026-03")
    assert {
        float(row["account_id"]): (row["band"], row["points_to_next_band"])
        for row in found
        if row["dimension"] == "quality"
    } == bands


def test_equal_scores_share_a_rank() -> None:
    given = {"A": 90, "B": 90, "C": 80}
    scorecards = [scorecard("2026-03", score, account_id=account) for account, score in given.items()]
    scorecards.append(scorecard("2026-03", 10, "cost", "D"))
    found = vendor_rating({"scorecards": scorecards}, "2026-03")
    ranks = {row["account_id"]: row["rank"] for row in found if row["dimension"] == "quality"}
    assert ranks == {"A": 1, "B": 1, "C": 3, "D": None}


# --- looking back -----------------------------------------------------------------------------------------------------


def test_moving_averages_look_back_3_6_and_12_months() -> None:
    # December 2025 is beyond twelve months. Trailing 3: (98 + 99 + 100) / 3; trailing 6: (3 × 90 + 297) / 6;
    # trailing 12: (6 × 78 + 567) / 12.
    scores = monthly(78, 78, 78, 78, 78, 78, 90, 90, 90, 98, 99, 100)
    row = rating({"scorecards": [scorecard("2025-12", 0), *scores]}, "2026-12")
    assert row["moving_average_3m"] == 99
    assert row["moving_average_6m"] == Decimal("94.5")
    assert row["moving_average_12m"] == Decimal("86.25")


def test_months_without_a_score_are_passed_over() -> None:
    row = trend(70, None, 80)
    assert (row["previous_score"], row["change"]) == (70, 10)
    assert f"{row['previous_score_month']}" == "2026-01-01"
    assert row["moving_average_3m"] == 75


def test_month_without_activity_has_no_score() -> None:
    given = {
        "scorecards": monthly(70, None),
        "issues": [{"issue_id": "I1", "account_id": "B", "opened_date": "2026-02-01"}],
    }
    row = rating(given, "2026-02")
    assert (row["customer_score"], row["own_score"], row["score"], row["score_source"]) == (None, None, None, None)
    assert (row["band"], row["rank"], row["change"], row["trend"]) == (None, None, None, None)
    assert (row["previous_score"], row["moving_average_3m"]) == (70, 70)
    assert row["trend_basis"] == "no score in the month"


def test_score_older_than_a_year_is_forgotten() -> None:
    given = {"scorecards": [scorecard("2025-03", 70), scorecard("2026-03", 80)]}
    assert rating(given, "2026-03")["previous_score"] is None
    given = {"scorecards": [scorecard("2025-04", 70), scorecard("2026-03", 80)]}
    assert rating(given, "2026-03")["previous_score"] == 70


def test_account_without_a_score_in_a_year_has_no_rows() -> None:
    given = {"scorecards": [scorecard("2025-03", 70), scorecard("2026-03", 80, account_id="B")]}
    assert {row["account_id"] for row in vendor_rating(given, "2026-03")} == {"B"}


def test_score_is_compared_with_its_own_source() -> None:
    # January: the customer says 60, our own figures 50. February: no scorecard, our own figures 100.
    orders = lines_due("2026-01", failed=1, total=2) + lines_due("2026-02", failed=0, total=1)
    given = {"scorecards": [scorecard("2026-01", 60, "delivery")], "orders": orders}
    row = rating(given, "2026-02", "delivery")
    assert (row["score"], row["score_source"], row["previous_score"], row["change"]) == (100, "own", 50, 50)


# --- trends -----------------------------------------------------------------------------------------------------------


def test_significant_slope_is_improving() -> None:
    # Slope: Σ(x - 2.5)y = -175 - 108 - 35.5 + 37 + 109.5 + 190 = 18; Σ(x - 2.5)² = 17.5; 18 / 17.5 = 1.028571.
    # Mann-Kendall: S = 5 + 2 + 3 + 0 + 1 = 11; variance 6 × 5 × 17 / 18 = 28.33; z = 10 / 5.323 = 1.879 > 1.645.
    row = trend(70, 72, 71, 74, 73, 76)
    assert row["slope_6m"] == Decimal("1.028571")
    assert (row["trend"], row["trend_basis"]) == ("improving", "slope")


def test_significant_slope_is_deteriorating() -> None:
    # The same upside down.
    row = trend(76, 73, 74, 71, 72, 70)
    assert row["slope_6m"] == Decimal("-1.028571")
    assert (row["trend"], row["trend_basis"]) == ("deteriorating", "slope")


def test_three_changes_the_same_way_decide_without_a_slope() -> None:
    # Slope 41 / 17.5 upwards, but S = 3 + 4 - 3 - 2 - 1 = 1 says nothing; 90, 85, 84, 83 fell three times.
    row = trend(80, 60, 90, 85, 84, 83)
    assert row["slope_6m"] == Decimal("2.342857")
    assert (row["trend"], row["trend_basis"]) == ("deteriorating", "three changes")


def test_three_changes_pass_over_months_without_a_score() -> None:
    row = trend(70, None, None, 71, None, None, 72, None, None, 73)
    assert row["slope_6m"] is None
    assert (row["trend"], row["trend_basis"]) == ("improving", "three changes")


def test_steep_but_insignificant_slope_is_stable() -> None:
    # Slope (-90 - 45 + 35 + 142.5) / 5 = 8.5; S = 3 + 0 + 1 = 4, z = 3 / √(4 × 3 × 13 / 18) = 1.019.
    row = trend(60, 90, 70, 95)
    assert row["slope_6m"] == Decimal("8.5")
    assert (row["trend"], row["trend_basis"]) == ("stable", "neither slope nor three changes")


def test_significant_but_flat_slope_is_stable() -> None:
    # S = 11 as above; slope 1.55 / 17.5.
    row = trend(80, 80.1, 80.3, 80.2, 80.5, 80.4)
    assert row["slope_6m"] == Decimal("0.088571")
    assert row["trend"] == "stable"


def test_slope_of_exactly_half_a_point_is_stable() -> None:
    # Slope (-175 - 106.5 - 35.25 + 36 + 107.25 + 182.25) / 17.5 = 8.75 / 17.5; S = 5 + 2 + 3 + 0 + 1 = 11.
    row = trend(70, 71, 70.5, 72, 71.5, 72.9)
    assert row["slope_6m"] == Decimal("0.5")
    assert row["trend"] == "stable"


def test_slope_counts_the_months_between_scores() -> None:
    # Months 0, 1, 3, 4: Σ(x - 2)y = -140 - 72 + 75 + 161 = 24; Σ(x - 2)² = 10.
    assert trend(70, 72, None, 75, 80.5)["slope_6m"] == Decimal("2.4")


def test_equal_scores_are_stable() -> None:
    row = trend(80, 80, 80, 80, 80, 80)
    assert (row["slope_6m"], row["change"], row["trend"]) == (0, 0, "stable")


def test_three_scores_make_no_trend() -> None:
    row = trend(70, 80, 90)
    assert (row["slope_6m"], row["trend"], row["trend_basis"]) == (None, None, "fewer than 4 months with a score")


def test_slope_looks_back_six_months_only() -> None:
    # Four scores in twelve months, three of them in the last six.
    row = trend(70, None, None, 75, 74, None, None, 76)
    assert (row["slope_6m"], row["trend"]) == (None, "stable")


def _mann_kendall(scores: Sequence[int]) -> tuple[int, float | None]:
    """S and z by the textbook (Gilbert 1987, chapter 16): signs of all pairs, variance corrected for ties."""
    s = sum((later > earlier) - (later < earlier) for earlier, later in itertools.combinations(scores, 2))
    n = len(scores)
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(scores).values())
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    if variance == 0:
        return s, None
    return s, math.copysign(abs(s) - 1, s) / math.sqrt(variance) if s else 0.0


def _z_of_macro(samples: Sequence[Sequence[int]]) -> list[float | None]:
    with memory() as con:
        con.execute("CREATE TABLE samples (number INTEGER, scores DECIMAL(18, 6)[])")
        con.execute(
            "INSERT INTO samples SELECT unnest(range(len($samples))), unnest($samples)",
            {"samples": [list(sample) for sample in samples]},
        )
        return [z for (z,) in con.execute("SELECT mann_kendall_z(scores) FROM samples ORDER BY number").fetchall()]


def test_mann_kendall_with_ties_agrees_with_the_textbook() -> None:
    samples = [sample for n in (4, 5, 6) for sample in itertools.product((0, 1, 2), repeat=n)]
    for sample, z in zip(samples, _z_of_macro(samples), strict=True):
        _, expected = _mann_kendall(sample)
        assert (z is None) == (expected is None)
        assert z is None or expected is None or math.isclose(z, expected, abs_tol=1e-12)


@pytest.mark.parametrize("n", [4, 5, 6])
def test_normal_approximation_judges_as_the_exact_distribution(n: int) -> None:
    # All orders of n different scores are equally likely without a trend: the exact two-sided probability of each S.
    samples = list(itertools.permutations(range(n)))
    statistics = [_mann_kendall(sample)[0] for sample in samples]
    for s, z in zip(statistics, _z_of_macro(samples), strict=True):
        probability = sum(abs(other) >= abs(s) for other in statistics) / len(samples)
        assert z is not None
        assert (abs(z) > 1.644854) == (probability <= 0.1)


# --- sets of months ---------------------------------------------------------------------------------------------------


def test_months_built_together_equal_months_built_alone() -> None:
    orders = [
        line
        for number in range(1, 10)
        for line in lines_due(
            f"2026-{number:02}", failed=number % 3, total=3 + number % 2, rejected_quantity=number % 4
        )
    ]
    deliveries = [
        {
            "delivery_id": "D1",
            "order_id": "2026-02/1",
            "delivered_date": "2026-02-08",
            "quantity": 4,
            "rejected_quantity": 1,
        },
        {"delivery_id": "D2", "order_id": "2026-02/1", "delivered_date": "2026-03-08", "quantity": 6},
    ]
    given = {
        "orders": orders,
        "deliveries": deliveries,
        "scorecards": [*monthly(70, 72, 71, None, 74, 73, 76, 75, 79), *monthly(50, None, 60, account_id="B")],
        "visits": [{"visit_id": "V1", "account_id": "A", "visit_date": "2026-05-05", "rating_cost": 61}],
        "issues": [
            {"issue_id": "I1", "account_id": "B", "opened_date": "2026-03-01", "target_close_date": "2026-05-01"}
        ],
    }
    together = build_case(given, periods=[f"2026-{number:02}" for number in range(1, 10)])
    for month in ("2026-02", "2026-05", "2026-09"):
        alone = build_case(given, periods=[month])
        for mart in MARTS:
            expected = alone.execute(f"SELECT * FROM build.{mart}").fetchall()
            found = together.execute(f"SELECT * FROM build.{mart} WHERE period_month = ?", [f"{month}-01"]).fetchall()
            assert found == expected


def test_empty_site_has_no_rows() -> None:
    rates = [{"currency": "USD", "rate_date": "2026-03-01", "rate": 1}]
    con = build_case({"accounts": [{"account_id": "A"}], "fx_rates": rates}, periods=["2026-03"])
    assert [con.execute(f"SELECT count(*) FROM build.{mart}").fetchall() for mart in MARTS] == [[(0,)]] * 3
