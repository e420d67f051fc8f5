"""Figures against their targets, made from sums at the level of the target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kam.build.measures import measures
from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch, long

TAMPERINGS = (
    Tampering("target_attainment.is_met_as_the_ratio_says", "is_met = NOT is_met", "is_met IS NOT NULL"),
    Tampering("target_attainment.undefined_has_a_reason", "attainment_ratio = NULL", "attainment_ratio IS NOT NULL"),
)

Row = dict[str, Any]


def target(measure: str, value: float, account_id: str | None = None, account_manager: str | None = None) -> Row:
    given = {"month": "2026-06-01", "measure": measure, "target": value}
    return given | {"account_id": account_id, "account_manager": account_manager}


def delivered(account_id: str, quantity: int, rejected: int) -> dict[str, Row]:
    order = {"order_id": f"O{account_id}", "account_id": account_id}
    return {
        "orders": order | {"order_date": "2026-06-01", "promised_date": "2026-06-20", "quantity": quantity},
        "deliveries": {"delivery_id": f"D{account_id}", "order_id": f"O{account_id}", "delivered_date": "2026-06-18"}
        | {"quantity": quantity, "rejected_quantity": rejected},
        "invoices": {"invoice_id": f"I{account_id}", "account_id": account_id, "invoice_date": "2026-06-18"}
        | {"due_date": "2026-06-20", "quantity": quantity, "net_amount": quantity},
    }


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """Ito has A, of which 1 of 100 was rejected, and B with 3 of 900; C of Lee was sold 50 in yen without a rate."""
    trade = [delivered("A", 100, 1), delivered("B", 900, 3), delivered("C", 50, 0)]
    given = {feed: [rows[feed] for rows in trade] for feed in ("orders", "deliveries", "invoices")}
    given["invoices"][2]["currency"] = "JPY"
    given["accounts"] = [
        {"account_id": account, "account_manager": manager}
        for account, manager in (("A", "Ito"), ("B", "Ito"), ("C", "Lee"), ("D", "Lee"))
    ]
    ppm, sales = "quality_performance.ppm", "sales.net_amount"
    given["targets"] = [
        *(target(ppm, 5000, "A"), target(ppm, 5000, None, "Ito"), target(ppm, 3800), target(ppm, 10, "D")),
        *(target(sales, 90, "A", "Ito"), target(sales, 1000, None, "Ito"), target(sales, 1, "C"), target(sales, 1)),
        *(target(sales, 10, "D"), target("receivables_kpis_by_account.window_days", 40, "A")),
        *(
            target("receivables_kpis_by_account.window_days", 40),
            target("receivables_kpis_total.closing_amount", 9, "A"),
        ),
        *(target("receivables_kpis_by_account.overdue_amount", 50, "A"), target("sales.list_amount", 9, "A")),
        *(target("sales_plan_variance.variance_amount", 0, "A"), target("delivery_performance.otif_ratio", 0.5, "A")),
        *(target("receivables_kpis_by_account.overdue_amount", 50, "D"), target("sales.net_amuont", 9)),
        *(target("sales_bridge.actual_amount", 9, "A"), target("visit_performance.held", 9, "A")),
        *(target("issue_performance.opened", 1, "A"), target("price_trend.price_index", 1, "B")),
    ]
    given |= {"issues": [], "products": []}
    given["invoices"].append(given["invoices"][0] | {"invoice_id": "I0", "invoice_date": "2025-05-18"})
    with build_case(given, periods=["2026-06"], tables=["target_attainment"]) as built:
        yield built


def attained(con: Connection, measure: str, account_id: str | None = None, manager: str | None = None) -> Row:
    (found,) = (
        row
        for row in fetch(con, "FROM build.target_attainment")
        if (row["measure"], row["account_id"], row["account_manager"]) == (measure, account_id, manager)
    )
    return found


def figures(found: Row) -> list[object]:
    actual, ratio = (None if found[name] is None else float(found[name]) for name in ("actual", "attainment_ratio"))
    return [actual, ratio, found["is_met"]]


def reasons(found: Row) -> list[object]:
    assert found["actual"] is None
    assert found["is_met"] is None
    return [found["actual_reason"]]


def test_a_ratio_of_a_manager_or_of_all_is_made_from_sums(con: Connection) -> None:
    ppm = "quality_performance.ppm"
    # 1 of 100; 4 of 1,000, where the mean of 10,000 and 3,333 would be 6,667; 4 of 1,050.
    assert figures(attained(con, ppm, "A")) == [10000, 0.5, False]
    assert figures(attained(con, ppm, manager="Ito")) == [4000, 1.25, True]
    assert figures(attained(con, ppm)) == [3809.52381, 0.9975, False]


def test_an_amount_is_added_up_and_one_without_a_rate_is_not_left_out(con: Connection) -> None:
    sales = "sales.net_amount"
    # The target of an account may name its manager.
    assert figures(attained(con, sales, "A", "Ito")) == [100, 1.111111, True]
    assert figures(attained(con, sales, manager="Ito")) == [1000, 1, True]
    assert reasons(attained(con, sales, "C")) == reasons(attained(con, sales)) == ["no rate for JPY"]


def test_what_has_no_row_is_0_if_it_adds_up_and_unknown_if_not(con: Connection) -> None:
    assert figures(attained(con, "sales.net_amount", "D")) == [0, 0, False]
    assert reasons(attained(con, "quality_performance.ppm", "D")) == ["nothing to divide by"]
    # Nothing overdue: no ratio can be told, and the target is met.
    found = attained(con, "receivables_kpis_by_account.overdue_amount", "D")
    assert (figures(found), found["attainment_ratio_reason"]) == ([0, None, True], "the actual is not above zero")


def test_a_figure_that_does_not_add_up_has_a_target_where_it_has_one_row(con: Connection) -> None:
    days = "receivables_kpis_by_account.window_days"
    assert figures(attained(con, days, "A")) == [91, None, None]
    assert reasons(attained(con, days)) == ["the figure does not add up"]
    assert reasons(attained(con, "sales_bridge.actual_amount", "A")) == ["the table has rows that must not be added up"]


def test_what_a_target_cannot_be_compared_with_says_why(con: Connection) -> None:
    assert reasons(attained(con, "receivables_kpis_total.closing_amount", "A")) == ["the table is not by account"]
    assert reasons(attained(con, "sales.net_amuont")) == ["no such measure"]
    assert reasons(attained(con, "visit_performance.held", "A")) == ["the feed visits is not declared"]
    assert reasons(attained(con, "sales_plan_variance.variance_amount", "A")) == ["the feed sales_plan is not declared"]
    neither = attained(con, "sales.list_amount", "A")
    assert (neither["attainment_ratio_reason"], neither["is_met"]) == ("neither more nor less is better", None)


def test_delivery_counts_by_the_default_basis(con: Connection) -> None:
    assert figures(attained(con, "delivery_performance.otif_ratio", "A")) == [1, 2, True]


@long
def test_every_measure_can_be_read() -> None:
    """Of each measure one target of all: the SQL that adds it up runs."""
    names = [*measures()]
    with build_case(
        {"targets": [target(name, 1) for name in names]}, periods=["2026-06"], tables=["target_attainment"]
    ) as con:
        assert len(fetch(con, "FROM build.target_attainment")) == len(names) > 300
