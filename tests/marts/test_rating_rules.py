"""Rating rules: from when they hold, for whom, and the points that deductions take off."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from kam.warehouse import Connection, sql_text
from tests.support import build_case, fetch

Row = dict[str, Any]
TABLES = ["vendor_rating", "rating_gaps", "delivery_performance"]


def lines(account_id: str, count: int, late: int = 0, rejected: int = 0, month: str = "2026-10") -> list[Row]:
    """Order lines of 1000 pieces promised for the 20th; the first ones come two days late, the last one with rejects."""
    return [
        {
            "order_id": f"{account_id}-{month}-{number:02}",
            "account_id": account_id,
            "order_date": f"{month}-01",
            "requested_date": f"{month}-10",
            "promised_date": f"{month}-20",
            "delivered_date": f"{month}-{22 if number <= late else 20}",
            "quantity": 1000,
            "rejected_quantity": rejected if number == count else 0,
        }
        for number in range(1, count + 1)
    ]


def issue(account_id: str, name: str, **given: Any) -> Row:
    """An issue opened on 5 October."""
    return {"issue_id": f"{account_id}-{name}", "account_id": account_id, "opened_date": "2026-10-05"} | given


def build(rating: Mapping[str, Any], *periods: str, **feeds: list[Row]) -> Connection:
    return build_case(feeds, settings={"rating": rating}, periods=periods, tables=TABLES)


def scores(con: Connection, account_id: str, columns: str = "own_score", month: str = "2026-10") -> dict[str, Any]:
    """What the columns say of each dimension."""
    found = fetch(
        con,
        f"SELECT dimension, {columns} FROM build.vendor_rating "
        f"WHERE account_id = '{account_id}' AND period_month = '{month}-01'",
    )
    return {
        str(row.pop("dimension")): next(iter(row.values())) if len(row) == 1 else tuple(row.values()) for row in found
    }


def gaps(con: Connection, account_id: str, dimension: str) -> list[tuple[Any, ...]]:
    found = fetch(
        con,
        "SELECT cause, deduction, document_id, points FROM build.rating_gaps "
        f"WHERE account_id = '{account_id}' AND dimension = '{dimension}' ORDER BY cause DESC, deduction, document_id",
    )
    return [tuple(row.values()) for row in found]


# --- from when rules hold, and for whom ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dated() -> Connection:
    """100 ppm in September and in October: 60 points by the first rules, 50 by those of October."""
    rating = {
        "changes": [{"valid_from": "2026-10", "ppm_steps": [[100, 50]], "delivery_basis": "requested"}],
        "sets": {
            "strict": {
                "ppm_steps": [[100, 30]],
                "changes": [{"valid_from": "2026-10", "ppm_steps": [[100, 20]]}],
            }
        },
        "accounts": {
            "SET": {"set": "strict"},
            "OWN": {"set": "strict", "ppm_steps": [[100, 35]]},
            "LATER": {"ppm_steps": [[100, 77]], "changes": [{"valid_from": "2026-10", "set": "strict"}]},
            "LEFT": {"set": "strict", "changes": [{"valid_from": "2026-10", "set": "default"}]},
        },
    }
    orders = [
        line
        for account_id in ("ANY", "SET", "OWN", "LATER", "LEFT")
        for month in ("2026-09", "2026-10")
        for line in lines(account_id, 10, rejected=1, month=month)
    ]
    return build(rating, "2026-09", "2026-10", orders=orders)


def test_rules_hold_from_their_month_on_and_the_months_before_keep_theirs(dated: Connection) -> None:
    assert scores(dated, "ANY", month="2026-09")["quality"] == 60
    # The score before is by the rules of its own month.
    assert scores(dated, "ANY", "own_score, previous_score")["quality"] == (50, 60)
    # Promised for the 20th and delivered then; requested for the 10th.
    assert scores(dated, "ANY", "own_score, previous_score")["delivery"] == (0, 100)
    bases = fetch(
        dated, "SELECT DISTINCT period_month, basis FROM build.delivery_performance WHERE is_default_basis ORDER BY 1"
    )
    assert [row["basis"] for row in bases] == ["promised", "requested"]


def test_an_account_takes_its_set_with_its_own_rules_on_top(dated: Connection) -> None:
    found = {
        account_id: [
            scores(dated, account_id, "own_score, rule_set", month)["quality"] for month in ("2026-09", "2026-10")
        ]
        for account_id in ("SET", "OWN", "LATER", "LEFT")
    }
    assert found == {
        "SET": [(30, "strict"), (20, "strict")],
        "OWN": [(35, "strict"), (35, "strict")],
        # With the set its own rules end.
        "LATER": [(77, None), (20, "strict")],
        "LEFT": [(30, "strict"), (50, None)],
    }


# --- deductions ---------------------------------------------------------------------------------------------------------

DEDUCTIONS = [
    {"name": "late", "event": "late_line", "dimension": "delivery", "above": 1, "points": 10, "at_most": 15},
    {"name": "major", "event": "issue", "severity": ["Major"], "dimension": "quality", "points": 30},
    {"name": "lot", "event": "rejected_lot", "dimension": "quality", "points": 40},
    {"name": "freight", "event": "issue", "incident": ["premium freight"], "dimension": "cost", "points": 20},
    {"name": "stoppage", "event": "issue", "incident": ["line stoppage"], "dimension": "overall", "points": 5},
]


@pytest.fixture(scope="module")
def deducted() -> Connection:
    rating = {
        "deductions": DEDUCTIONS,
        "accounts": {
            "ONLY": {
                "only_deductions": ["delivery"],
                "deductions": [{"name": "late", "event": "late_line", "dimension": "delivery", "points": 10}],
            }
        },
    }
    orders = [
        *lines("A", 4, late=3),
        *lines("FLOOR", 20, rejected=1),
        *lines("ONLY", 2, late=2),
        *lines("ONLY", 1, month="2026-08"),
    ]
    issues = [
        issue("A", "1", severity="MAJOR", issue_type="complaint"),
        issue("A", "2", severity="minor"),
        issue("A", "3", incident="Line stoppage"),
        issue("FLOOR", "1", severity="major"),
        issue("FLOOR", "2", severity="major"),
        issue("FREIGHT", "1", incident="premium freight"),
        issue("FREIGHT", "2", opened_date="2026-08-01"),
    ]
    return build(rating, "2026-09", "2026-10", orders=orders, issues=issues)


def test_events_beyond_a_number_take_points_off_up_to_the_most(deducted: Connection) -> None:
    # 1 of 4 lines in time: 25. Three late, two beyond one: 20, at most 15. The three share them.
    assert scores(deducted, "A", "own_score, deducted_points")["delivery"] == (10, 15)
    late = [f"A-2026-10-{number:02}" for number in (1, 2, 3)]
    assert gaps(deducted, "A", "delivery") == [
        *(("late_line", None, line, 25) for line in late),
        *(("deduction", "late", line, 5) for line in late),
    ]


def test_words_of_the_source_match_in_any_case_and_others_cost_nothing(deducted: Connection) -> None:
    assert scores(deducted, "A", "own_score, deducted_points")["quality"] == (70, 30)
    assert gaps(deducted, "A", "quality") == [("deduction", "major", "A-1", 30)]


def test_points_off_the_total_come_after_the_weighted_mean(deducted: Connection) -> None:
    # (30 × 70 + 25 × 10) ÷ 55 = 42.727273, less 5.
    assert scores(deducted, "A", "own_score, deducted_points")["overall"] == (Decimal("37.727273"), 5)
    assert gaps(deducted, "A", "overall") == [("deduction", "stoppage", "A-3", 5)]


def test_a_score_ends_at_0_and_deductions_share_what_there_was(deducted: Connection) -> None:
    # 1 of 20,000 pieces rejected, 50 ppm: 80 points. 60 for two major issues and 40 for a lot want 100: they get 48 and 32.
    assert scores(deducted, "FLOOR", "own_score, deducted_points")["quality"] == (0, 80)
    assert gaps(deducted, "FLOOR", "quality") == [
        ("rejected_lot", None, "FLOOR-2026-10-20", 20),
        ("deduction", "lot", "FLOOR-2026-10-20", 32),
        ("deduction", "major", "FLOOR-1", 24),
        ("deduction", "major", "FLOOR-2", 24),
    ]


def test_an_event_takes_points_off_100_where_nothing_else_was_measured(deducted: Connection) -> None:
    assert scores(deducted, "FREIGHT", "own_score, own_score_reason")["cost"] == (80, None)
    assert scores(deducted, "A", "own_score, own_score_reason")["cost"] == (None, "no issue was due in the month")


def test_a_dimension_of_deductions_alone_starts_at_100_in_months_with_activity(deducted: Connection) -> None:
    assert scores(deducted, "ONLY", "own_score, deducted_points, own_score_reason")["delivery"] == (80, 20, None)
    assert [points for *_, points in gaps(deducted, "ONLY", "delivery")] == [10, 10]
    nothing = (None, None, "nothing was delivered, due or opened in the month")
    assert scores(deducted, "ONLY", "own_score, deducted_points, own_score_reason", "2026-09")["delivery"] == nothing


def test_a_deduction_that_cannot_be_judged_leaves_no_score() -> None:
    orders = [line | {"rejected_quantity": None} for line in lines("A", 1)]
    said = [{"account_id": "A", "month": "2026-10-01", "dimension": "cost", "score": 90}]
    deduction = {"name": "lots", "event": "rejected_lot", "dimension": "delivery", "points": 10}
    con = build({"deductions": [deduction]}, "2026-10", orders=orders, scorecards=said)
    reason = "the rules deduct for rejects, and no source says what was rejected"
    assert scores(con, "A", "own_score, own_score_reason")["delivery"] == (None, reason)
    # On time, and not counted.
    assert gaps(con, "A", "delivery") == []


def test_points_and_documents_tie_whatever_the_rules(deducted: Connection, dated: Connection) -> None:
    sides = sql_text("controls/rating_and_gaps.sql")
    for con in (deducted, dated):
        found = con.execute(
            f"SELECT control, item, sum(left_amount), sum(right_amount) FROM ({sides}) GROUP BY ALL"
            " HAVING sum(left_amount) <> sum(right_amount)"
        )
        assert found.fetchall() == []


# --- the sets that come with it -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built_in() -> Connection:
    """The worked examples of docs/operations/rating.md."""
    complaint = {"issue_type": "complaint"}
    due = {"target_close_date": "2026-10-20"}
    return build(
        {"accounts": {"N": {"set": "notices"}, "H": {"set": "from_100"}, "R": {"set": "report_card"}}},
        "2026-10",
        orders=[
            *lines("N", 10, late=1, rejected=2),
            *lines("H", 10, late=4, rejected=3),
            *lines("R", 10, late=1, rejected=2),
        ],
        issues=[
            issue("N", "1", severity="major", **complaint),
            issue("N", "2", severity="minor", **complaint),
            issue("N", "3", issue_type="request", incident="missing documents"),
            issue("H", "1", incident="line stoppage"),
            issue("H", "2", incident="premium freight"),
            issue("H", "3", incident="premium freight"),
            issue("H", "4", opened_date="2026-09-20", **due),
            issue("R", "1", **complaint, **due, closed_date="2026-10-12"),
            issue("R", "2", **complaint, **due),
        ],
    )


def test_the_set_of_notices_computes_its_worked_example(built_in: Connection) -> None:
    found = scores(built_in, "N")
    assert [found[name] for name in ("quality", "management", "delivery", "development", "cost")] == [
        84,
        65,
        90,
        80,
        None,
    ]
    # (50 × 84 + 20 × 65 + 15 × 90 + 5 × 80) ÷ 90
    assert scores(built_in, "N", "own_score, band")["overall"] == (Decimal("80.555556"), "yellow")


def test_the_set_from_100_computes_its_worked_example(built_in: Connection) -> None:
    # 100 − 10 − 15 for 300 ppm − 20 − 2 × 5 − 2 × 2 − 5
    assert scores(built_in, "H", "own_score, deducted_points, band")["overall"] == (36, 0, "red")
    assert scores(built_in, "H", "own_score, deducted_points")["quality"] == (36, 64)
    by_name: dict[str, Decimal] = {}
    for _, deduction, _, points in gaps(built_in, "H", "quality"):
        by_name[deduction] = by_name.get(deduction, Decimal(0)) + points
    assert by_name == {
        "ppm above 50": 10, "ppm above 250": 15, "line stoppage": 20, "premium freight": 10,
        "late lines beyond two": 4, "answer overdue": 5,
    }  # fmt: skip


def test_the_set_of_the_report_card_computes_its_worked_example(built_in: Connection) -> None:
    found = scores(built_in, "R")
    assert [found[name] for name in ("quality", "delivery", "management", "cost")] == [95, 90, 50, None]
    # (35 × 95 + 35 × 90 + 5 × 50) ÷ 75 = 89.666667, less 2 for two complaints and 1 for one not answered in time.
    assert scores(built_in, "R", "own_score, deducted_points, band")["overall"] == (Decimal("86.666667"), 3, "good")
