"""Markets: our share, what its change is worth, which source counts, what is no longer bought, and the indicators beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from kam.build import controls
from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("market.what_counts_is_named", "is_quantity_used = true", "total_quantity IS NULL"),
    Tampering("market.undefined_has_a_reason", "total_quantity_reason = NULL", "total_quantity IS NULL"),
    Tampering(
        "market_share.effects_add_up_to_the_change",
        "own_change_amount = 1, market_effect_amount = 0, share_effect_amount = 0",
    ),
    Tampering(
        "market_share.own_sales_are_of_a_known_market",
        "own_quantity = 1, own_quantity_reason = NULL",
        "total_quantity IS NULL",
    ),
    Tampering("market_share.undefined_has_a_reason", "share_ratio = NULL", "share_ratio IS NOT NULL"),
    Tampering("lost_items.last_bought_before_the_last_three_months", "last_bought_month = period_month"),
    Tampering("lost_items.undefined_has_a_reason", "bought_amount = NULL", "bought_amount IS NOT NULL"),
    Tampering("indicator_trends.change_is_from_a_year_before", "change_value = 1, value = 5, prior_year_value = 5"),
    Tampering("indicator_trends.undefined_has_a_reason", "value_reason = 'none'"),
)

Row = dict[str, Any]
TABLES = ("sales", "market_share", "market", "lost_items", "indicator_trends")


def size(
    month: str, amount: float | None, *, account: str | None = "A", line: str | None = "tyres", **given: Any
) -> Row:
    row = {"month": f"{month}-01", "account_id": account, "product_line": line, "total_amount": amount, "source": "S"}
    return row | given


def sale(
    number: str, day: str, amount: float, *, account: str = "A", product: str = "X", quantity: float | None = 10
) -> Row:
    return {"invoice_id": number, "account_id": account, "product_id": product, "invoice_date": day} | {
        "quantity": quantity,
        "net_amount": amount,
    }


def _given() -> dict[str, list[Row]]:
    return {
        "accounts": [
            {"account_id": "A", "region": "North"},
            {"account_id": "B", "region": "North"},
            {"account_id": "C", "region": "South"},
        ],
        "products": [
            {"product_id": "X", "product_line": "tyres", "unit": "pc"},
            {"product_id": "Y", "product_line": "tyres", "unit": "pc"},
            {"product_id": "H", "product_line": "hoses", "unit": "m"},
        ],
        "fx_rates": [{"currency": "USD", "rate_date": f"{month}-01", "rate": 0.5} for month in ("2025-06", "2026-06")],
        "market": [
            # 1000 of 3000 a year before, then 1000 of 4000: share 1/3, then 1/4.
            size("2025-06", 3000, total_quantity=100),
            size("2026-06", 8000, currency="USD", total_quantity=50),
            # What is no estimate goes before one, and then the first name; each says what the other does not.
            size("2026-06", 9999, source="A", is_estimate=True),
            size("2026-06", 7777, source="T"),
            size("2026-06", None, line="hoses", total_quantity=40, source="B"),
            size("2026-06", 600, line="hoses", source="C"),
            # The region buys all lines together.
            size("2026-06", 10000, account=None, region="North", line=None),
            # Known a year before only, and of an account that we never sold to.
            size("2025-06", 500, account="C"),
            size("2026-06", 0, account="D"),
            size("2026-07", 1, account="LATER"),
        ],
        "indicators": [
            {"indicator": "vehicles", "month": "2025-06-01", "value": 200, "unit": "1,000"},
            {"indicator": "vehicles", "month": "2026-06-01", "value": 190, "unit": "1,000"},
            {"indicator": "rubber", "month": "2025-06-01", "value": 2, "unit": "EUR per kg"},
            {"indicator": "rubber", "month": "2026-06-01", "value": 2000, "unit": "EUR per t"},
            {"indicator": "late", "month": "2025-06-01", "value": 5},
            {"indicator": "balance", "month": "2025-06-01", "value": -5},
            {"indicator": "balance", "month": "2026-06-01", "value": 5},
        ],
        "invoices": [
            sale("I1", "2025-06-10", 1000),
            sale("I2", "2026-06-10", 1000, quantity=20),
            sale("I3", "2026-06-10", 300, product="H", quantity=4),
            sale("I4", "2026-06-11", 500, account="B"),
            # Bought in April 2025, 14 months before June, and in March 2026; before that, and since April 2026, not lost.
            sale("L1", "2025-04-10", 70, product="OLDEST"),
            sale("L2", "2026-03-10", 80, product="Y"),
            sale("N1", "2025-03-10", 90, product="TOO OLD"),
            sale("N2", "2026-03-10", 90, product="BACK"),
            sale("N3", "2026-04-10", 90, product="BACK"),
            # A rebate in June is no purchase; what is billed without quantities counts by its amount.
            sale("L3", "2026-06-10", -5, product="Y", quantity=None),
            sale("L4", "2026-02-10", 40, account="B", product="SERVICE", quantity=None),
        ],
    }


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """June 2026."""
    with build_case(_given(), periods=["2026-06"], tables=TABLES) as built:
        yield built


def share(con: Connection, account: str | None, line: str | None) -> Row:
    (row,) = [
        row
        for row in fetch(con, "FROM build.market_share")
        if (row["account_id"], row["product_line"]) == (account, line)
    ]
    return row


def test_the_change_of_sales_is_split_into_market_and_share_to_the_cent(con: Connection) -> None:
    row = share(con, "A", "tyres")
    # 8000 USD at 0.5. L3 takes 5 off: 995 of 4000 after 1000 of 3000. Market: 1000 × 1/3 = 333.33; the rest of −5 is the share's.
    assert (row["own_amount"], row["total_amount"], row["share_ratio"]) == (995, 4000, Decimal("0.24875"))
    assert (row["own_change_amount"], row["market_effect_amount"]) == (-5, Decimal("333.33"))
    assert row["share_effect_amount"] == Decimal("-338.33")
    # 24.875 − 33.333333…
    assert row["share_change_points"] == Decimal("-8.458333")
    # 10 of 100, then 20 of 50: −50 × 0.1 and 50 × 0.3.
    assert (row["own_quantity"], row["quantity_share_ratio"]) == (20, Decimal("0.4"))
    assert (row["market_effect_quantity"], row["share_effect_quantity"]) == (-5, 15)


def test_of_several_sources_one_that_is_no_estimate_counts_then_the_first_by_name(con: Connection) -> None:
    used = fetch(
        con,
        "SELECT source, is_amount_used FROM build.market WHERE product_line = 'tyres' AND account_id = 'A' ORDER BY 1",
    )
    assert [tuple(row.values()) for row in used] == [("A", False), ("S", True), ("T", False)]
    # B knows the quantity, C the amount.
    row = share(con, "A", "hoses")
    assert (row["total_amount_source"], row["total_amount"]) == ("C", 600)
    assert (row["total_quantity_source"], row["quantity_share_ratio"]) == ("B", Decimal("0.1"))
    assert row["share_change_points_reason"] == "a year before: no market amount for the month"


def test_a_region_holds_what_all_its_accounts_buy(con: Connection) -> None:
    row = share(con, None, None)
    # A 995 and 300, B 500; pieces and metres have no sum.
    assert (row["market_of"], row["region"], row["own_amount"], row["share_ratio"]) == (
        "region",
        "North",
        1795,
        Decimal("0.1795"),
    )
    # OLDEST, Y and SERVICE.
    assert row["lost_item_count"] == 3


def test_our_sales_count_only_where_the_market_is_known(con: Connection) -> None:
    gone = share(con, "C", "tyres")
    assert (gone["own_amount"], gone["own_amount_reason"]) == (None, "no market amount for the month")
    assert (gone["prior_year_own_amount"], gone["prior_year_share_ratio"]) == (0, 0)
    nothing = share(con, "D", "tyres")
    assert (nothing["own_amount"], nothing["share_ratio_reason"]) == (0, "the market amount is 0")
    assert fetch(con, "FROM build.market_share WHERE account_id = 'LATER'") == []


def test_lost_is_what_was_bought_in_the_twelve_months_before_the_last_three(con: Connection) -> None:
    lost = fetch(
        con, "SELECT account_id, product_id, last_bought_month, bought_amount FROM build.lost_items ORDER BY ALL"
    )
    assert [tuple(row.values()) for row in lost] == [
        ("A", "OLDEST", dt.date(2025, 4, 1), 70),
        ("A", "Y", dt.date(2026, 3, 1), 80),
        ("B", "SERVICE", dt.date(2026, 2, 1), 40),
    ]
    assert share(con, "A", "tyres")["lost_item_count"] == 1


def test_own_sales_and_effects_tie_to_the_table_of_sales(con: Connection) -> None:
    def untied() -> list[tuple[Any, ...]]:
        sides = f"SELECT control, item, sum(left_amount), sum(right_amount) FROM ({controls()['market_and_sales'].sql})"
        return con.execute(f"{sides} GROUP BY ALL HAVING sum(left_amount) <> sum(right_amount)").fetchall()

    assert untied() == []
    con.execute("BEGIN")
    con.execute("UPDATE build.market_share SET share_effect_amount = -338, own_amount = 996 WHERE own_amount = 995")
    found = sorted(untied())
    con.execute("ROLLBACK")
    assert found == [
        ("sales less those of the prior year = effects of market and share", "account A", -5, Decimal("-4.67")),
        # 995 of tyres and 300 of hoses.
        ("sales of the month in known markets = market share", "account A", 1295, 1296),
    ]


def test_an_indicator_is_compared_with_a_year_before_in_the_same_unit(con: Connection) -> None:
    rows = {row["indicator"]: row for row in fetch(con, "FROM build.indicator_trends")}
    assert (rows["vehicles"]["change_value"], rows["vehicles"]["change_ratio"]) == (-10, Decimal("-0.05"))
    assert (rows["rubber"]["change_value"], rows["rubber"]["change_value_reason"]) == (None, "its unit changed")
    assert (rows["late"]["value_reason"], rows["late"]["prior_year_value"]) == ("no value for the month", 5)
    assert (rows["balance"]["change_value"], rows["balance"]["change_ratio_reason"]) == (
        10,
        "the value a year before is not above zero",
    )


def test_nothing_is_lost_before_something_is_on_record() -> None:
    products = [{"product_id": "X", "product_line": "tyres"}]
    given = {"market": [size("2026-06", 100)], "invoices": [sale("I1", "2026-04-10", 10)], "products": products}
    with build_case(given, periods=["2026-06"], tables=["market_share"]) as con:
        (row,) = fetch(con, "FROM build.market_share")
    assert (row["lost_item_count"], row["lost_item_count_reason"]) == (
        None,
        "no invoices on record before the last three months",
    )
    assert row["prior_year_own_amount_reason"] == "no invoices on record by then"


def test_nobody_knows_what_is_sold_of_a_product_line_or_region_without_its_master() -> None:
    markets = [size("2026-06", 100), size("2026-06", 100, account=None, region="North", line=None)]
    given = {
        "market": [*markets, size("2026-06", 100, account="B", line=None)],
        "invoices": [sale("I", "2026-06-10", 10)],
    }
    with build_case(given, periods=["2026-06"], tables=["market_share"]) as con:
        rows = fetch(con, "SELECT own_amount, own_amount_reason FROM build.market_share ORDER BY account_id NULLS LAST")
    assert [tuple(row.values()) for row in rows] == [
        (None, "the feed products is not declared"),
        (0, None),
        (None, "the feed accounts is not declared"),
    ]
