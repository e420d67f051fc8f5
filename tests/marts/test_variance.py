"""Plan against actual: what is compared with what, and how the bridge explains the gap."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from kam.build import prepare_marts
from kam.periods import months_between, parse_month
from kam.warehouse import Connection, literal, memory, prepare
from tests.expectations.cases import Tampering
from tests.support import SHARED, build, build_case, fetch, long, settings_of

# One change of a table for each rule of its own; see tests/expectations/test_broken_inputs.py.
TAMPERINGS = (
    Tampering("sales_plan_variance.account_is_given", "account_id = NULL", "plan_version = 'AOP FY2027'"),
    Tampering("sales_plan_summary.account_is_given", "account_id = NULL", "level = 'account'"),
    Tampering("sales_plan_variance.lanes_add_up", "mix_effect = mix_effect + 0.01", "mix_effect IS NOT NULL"),
    Tampering("sales_plan_variance.counts_all_sales", "actual_quantity = actual_quantity + 1", "actual_quantity > 0"),
    Tampering(
        "sales_plan_variance.undefined_has_a_reason", "prior_year_amount_reason = NULL", "prior_year_amount IS NULL"
    ),
    Tampering(
        "sales_plan_summary.lanes_add_up", "ytd_mix_effect = ytd_mix_effect + 0.01", "ytd_mix_effect IS NOT NULL"
    ),
    Tampering("sales_plan_summary.adds_up_the_rows", "actual_amount = actual_amount + 0.01", "level = 'total'"),
    Tampering(
        "sales_plan_summary.undefined_has_a_reason", "prior_year_amount_reason = NULL", "prior_year_amount IS NULL"
    ),
)


Row = dict[str, Any]

LANES = (
    "volume_effect",
    "mix_effect",
    "price_effect",
    "fx_effect",
    "new_effect",
    "lost_effect",
    "adjustment_effect",
)


def planned(product: str | None = "P", quantity: Any = None, unit_price: Any = None, **given: Any) -> Row:
    """A line of plan AOP for June 2026 and account A, with what is given changed."""
    line = {
        "plan_version": "AOP",
        "month": "2026-06-01",
        "account_id": "A",
        "product_id": product,
        "quantity": quantity,
        "unit_price": unit_price,
    }
    return line | given


def sold(product: str | None = "P", quantity: Any = None, net_amount: Any = 0, **given: Any) -> Row:
    """An invoice line to account A of 10 June 2026, with what is given changed."""
    line = {
        "account_id": "A",
        "product_id": product,
        "invoice_date": "2026-06-10",
        "quantity": quantity,
        "net_amount": net_amount,
    }
    return line | given


def compare(
    sales_plan: Sequence[Row],
    invoices: Sequence[Row] = (),
    *,
    months: Sequence[str] = ("2026-06",),
    settings: Mapping[str, Any] | None = None,
    **feeds: Sequence[Row],
) -> Connection:
    """The candidates of these months; invoices without a number get one."""
    numbered = [{"invoice_id": f"I{number}"} | invoice for number, invoice in enumerate(invoices)]
    given = {"sales_plan": sales_plan, "invoices": numbered, **feeds}
    return build_case(
        given,
        settings=settings,
        periods=months,
        feeds=("sales_plan", "invoices", "orders"),
        tables=["sales_plan_variance", "sales_plan_summary"],
    )


def items(con: Connection, key: str = "product_id", month: str = "2026-06") -> dict[Any, Row]:
    """The rows of a month by one of their grain columns."""
    found = fetch(con, f"FROM build.sales_plan_variance WHERE period_month = '{month}-01'")
    by_key = {row[key]: row for row in found}
    assert len(by_key) == len(found)
    return by_key


def item(con: Connection, month: str = "2026-06") -> Row:
    """The only row of a month."""
    (row,) = fetch(con, f"FROM build.sales_plan_variance WHERE period_month = '{month}-01'")
    return row


def total(con: Connection, month: str = "2026-06") -> Row:
    """The total of the only plan version compared in a month."""
    (row,) = fetch(con, f"FROM build.sales_plan_summary WHERE level = 'total' AND period_month = '{month}-01'")
    return row


def lanes(row: Row) -> dict[str, float]:
    """The lanes that are not zero, by their name without `_effect`."""
    return {lane.removesuffix("_effect"): float(row[lane]) for lane in LANES if row[lane] != 0}


def rate(currency: str, value: Any, rate_type: str = "average", rate_date: str = "2026-06-01") -> Row:
    return {"currency": currency, "rate_date": rate_date, "rate": value, "rate_type": rate_type}


# --- the bridge


def test_a_higher_price_is_the_price_effect() -> None:
    """10 planned at 5.00, 10 sold for 60.00: nothing but price, 60 - 10 × 5 = 10."""
    row = item(compare([planned("P", 10, 5)], [sold("P", 10, 60)]))

    assert lanes(row) == {"price": 10}
    assert (row["plan_amount"], row["actual_amount"], row["variance_amount"]) == (50, 60, 10)
    assert row["variance_ratio"] == Decimal("0.2")
    assert row["bridge_status"] == "complete"


def test_a_plan_amount_sets_the_planned_price() -> None:
    """10 planned for 60.00 in all is 6.00 a piece, whatever the line's unit price; selling 5 loses 5 × 6 in volume."""
    row = item(compare([planned("P", 10, 5, amount=60)], [sold("P", 5, 30)]))

    assert row["plan_amount"] == 60
    assert lanes(row) == {"volume": -30}


def test_what_rounding_leaves_goes_to_mix() -> None:
    """1.00 USD nobody planned, r0 = 0.3330, r1 = 0.6667: actual 0.67, new 0.33, fx 0.3337 = 0.33, so 0.01 is left."""
    con = compare(
        [planned("P", 1, 1)],
        [sold("P", 1, 1), sold("Q", 1, 1, currency="USD")],
        fx_rates=[rate("USD", "0.3330", "budget"), rate("USD", "0.6667")],
    )
    row = items(con)["Q"]

    assert row["variance_amount"] == Decimal("0.67")
    assert lanes(row) == {"new": 0.33, "fx": 0.33, "mix": 0.01}


def test_thirds_add_up_to_the_cent() -> None:
    """Planned 1 and 2 at 10.00, sold 1 and 1: Q1 - Q0 = -1 of 3. Volume -10/3 and -20/3, mix the rest of 0 and -10."""
    rows = items(compare([planned("X", 1, 10), planned("Y", 2, 10)], [sold("X", 1, 10), sold("Y", 1, 10)]))

    assert lanes(rows["X"]) == {"volume": -3.33, "mix": 3.33}
    assert lanes(rows["Y"]) == {"volume": -6.67, "mix": -3.33}


def test_one_item_sold_in_two_currencies() -> None:
    """100 planned at 10 EUR; 60 sold for 600 EUR and 40 for 500 USD, r0 = 0.80, r1 = 0.90.

    a(r0) = 600 + 400 = 1,000 is the plan, so price is 0; a(r1) = 600 + 450 = 1,050, so fx is 50.
    """
    con = compare(
        [planned("P", 100, 10)],
        [sold("P", 60, 600), sold("P", 40, 500, currency="USD")],
        fx_rates=[rate("USD", "0.80", "budget"), rate("USD", "0.90")],
    )

    assert item(con)["actual_amount"] == 1050
    assert lanes(item(con)) == {"fx": 50}


@pytest.mark.parametrize(
    ("plan_lines", "budget", "new", "fx"),
    [
        # Two lines of the version plan with 0.70: 100 × 0.70, and 100 × (0.90 - 0.70).
        ([("R", "0.70"), ("S", "0.70")], "0.75", 70, 20),
        # No line of the version has a rate: the budget rate 0.75.
        ([("R", None)], "0.75", 75, 15),
        # No budget rate either: the month's average, so that no fx effect is left.
        ([("R", None)], None, 90, 0),
    ],
    ids=["the_versions_rate", "the_budget_rate", "the_months_rate"],
)
def test_the_plan_rate_of_a_sale_without_plan(
    plan_lines: Sequence[tuple[str, str | None]], budget: str | None, new: float, fx: float
) -> None:
    con = compare(
        [planned(product, 1, 1, currency="USD", fx_rate=line_rate) for product, line_rate in plan_lines],
        [sold("P", 1, 100, currency="USD")],
        fx_rates=[rate("USD", "0.90"), *([rate("USD", budget, "budget", "2026-01-01")] if budget else [])],
    )
    row = items(con)["P"]

    assert (row["new_effect"], row["fx_effect"], row["actual_amount"]) == (new, fx, 90)


def test_the_plan_lines_own_rate_comes_first() -> None:
    """Planned 1 at 100 USD and 0.80, two other lines at 0.70; sold as planned at 0.90: fx = 100 × (0.90 - 0.80)."""
    con = compare(
        [
            planned("P", 1, 100, currency="USD", fx_rate="0.80"),
            planned("R", 1, 1, currency="USD", fx_rate="0.70"),
            planned("S", 1, 1, currency="USD", fx_rate="0.70"),
        ],
        [sold("P", 1, 100, currency="USD")],
        fx_rates=[rate("USD", "0.90")],
    )

    assert items(con)["P"]["plan_amount"] == 80
    assert lanes(items(con)["P"]) == {"fx": 10}


def test_a_currency_with_a_budget_rate_only_can_be_planned_in() -> None:
    """100 USD planned at 0.75, nothing sold: the whole plan is lost, and no other rate is asked for."""
    con = compare([planned("P", 1, 100, currency="USD")], fx_rates=[rate("USD", "0.75", "budget", "2026-01-01")])

    assert item(con)["plan_amount"] == 75
    assert lanes(item(con)) == {"lost": -75}


def test_without_an_average_rate_the_mean_of_the_months_spot_rates_counts() -> None:
    """Spot 1.00 and 1.10 in June; the rates of May and July do not count: 100 USD are 105.00."""
    spots = [("2026-05-31", "2.00"), ("2026-06-02", "1.00"), ("2026-06-20", "1.10"), ("2026-07-01", "3.00")]
    con = compare(
        [planned("P", 1, 100)],
        [sold("P", 1, 100, currency="USD")],
        fx_rates=[rate("USD", value, "spot", day) for day, value in spots],
    )

    assert item(con)["actual_amount"] == 105


def test_without_any_rate_in_the_month_the_latest_spot_before_it_counts() -> None:
    """Spot 1.10 in April and 1.20 in May: 100 USD of June are 120.00."""
    con = compare(
        [planned("P", 1, 100)],
        [sold("P", 1, 100, currency="USD")],
        fx_rates=[rate("USD", "1.10", "spot", "2026-04-30"), rate("USD", "1.20", "spot", "2026-05-31")],
    )

    assert item(con)["actual_amount"] == 120


def test_mix_is_within_the_account_by_default() -> None:
    """Each account sells one part, so there is no mix: A sold 10 more at 10.00, B as planned."""
    rows = items(_two_accounts(None), "account_id")

    assert lanes(rows["A"]) == {"volume": 100}
    assert lanes(rows["B"]) == {}


def test_a_mix_group_the_plan_does_not_have_is_the_whole_plan() -> None:
    """Q0 = 20, Q1 = 30: volume 100 × 10/20 and 200 × 10/20; mix (20 - 30 × 1/2) × 10 and (10 - 30 × 1/2) × 20."""
    rows = items(_two_accounts(["region"]), "account_id")

    assert lanes(rows["A"]) == {"volume": 50, "mix": 50}
    assert lanes(rows["B"]) == {"volume": 100, "mix": -100}


def _two_accounts(mix_group: Sequence[str] | None) -> Connection:
    return compare(
        [planned("P", 10, 10), planned("P", 10, 20, account_id="B")],
        [sold("P", 20, 200), sold("P", 10, 200, account_id="B")],
        settings={"variance": {"mix_group": mix_group}} if mix_group else None,
    )


def test_mix_within_the_manager() -> None:
    """Ann's X and Y are one group, Q0 = 20, Q1 = 30; Ben's X is another, sold as planned.

    X: volume 100 × 1/2 = 50, mix (20 - 30 × 1/2) × 10 = 50. Y: volume 200 × 1/2 = 100, mix (10 - 15) × 20 = -100.
    """
    con = compare(
        [
            planned("X", 10, 10, account_id=None, account_manager="Ann"),
            planned("Y", 10, 20, account_id=None, account_manager="Ann"),
            planned("X", 5, 10, account_id=None, account_manager="Ben"),
        ],
        [
            sold("X", 20, 200, account_manager="Ann"),
            sold("Y", 10, 200, account_manager="Ann"),
            sold("X", 5, 50, account_manager="Ben"),
        ],
        settings={"variance": {"mix_group": ["account_manager"]}},
    )
    found = fetch(con, "FROM build.sales_plan_variance ORDER BY document_account_manager, product_id")

    assert [lanes(row) for row in found] == [{"volume": 50, "mix": 50}, {"volume": 100, "mix": -100}, {}]


def test_a_part_nobody_planned_and_one_nobody_bought_are_no_mix() -> None:
    """X as planned; Y planned for 20, not sold; Z sold for 30, not planned. Y and Z do not enter X's quantities."""
    rows = items(compare([planned("X", 10, 1), planned("Y", 2, 10)], [sold("X", 10, 10), sold("Z", 3, 30)]))

    assert lanes(rows["X"]) == {}
    assert (lanes(rows["Y"]), rows["Y"]["bridge_status"]) == ({"lost": -20}, "lost")
    assert (lanes(rows["Z"]), rows["Z"]["bridge_status"]) == ({"new": 30}, "new")
    assert rows["Z"]["variance_ratio"] is None
    assert rows["Z"]["plan_amount"] == 0


def test_a_credit_note_for_goods_takes_off_quantity_and_amount() -> None:
    """10 sold for 100 and 2 returned for 20: 8 sold at the planned 10.00, so volume is -2 × 10."""
    row = item(compare([planned("P", 10, 10)], [sold("P", 10, 100), sold("P", 2, 20, document_type="credit_note")]))

    assert (row["actual_quantity"], row["actual_amount"]) == (8, 80)
    assert lanes(row) == {"volume": -20}


@pytest.mark.parametrize("quantity", [None, 0])
def test_a_rebate_is_an_adjustment_and_leaves_the_price_alone(quantity: int | None) -> None:
    """10 planned and sold at 10.00, then a rebate of 7.00 in a note without quantity."""
    con = compare([planned("P", 10, 10)], [sold("P", 10, 100), sold("P", quantity, 7, document_type="credit_note")])

    assert lanes(item(con)) == {"adjustment": -7}
    assert item(con)["actual_quantity"] == 10


def test_more_returned_than_sold_is_an_adjustment_and_the_plan_is_lost() -> None:
    """5 sold for 50, 8 returned for 80: net -3 and -30.00. The plan of 100 is lost: -100 - 30 = -130."""
    row = item(compare([planned("P", 10, 10)], [sold("P", 5, 50), sold("P", 8, 80, document_type="credit_note")]))

    assert (row["actual_quantity"], row["actual_amount"], row["variance_amount"]) == (-3, -30, -130)
    assert lanes(row) == {"lost": -100, "adjustment": -30}


def test_an_adjustment_is_valued_at_the_months_rate() -> None:
    """A rebate of 10 USD, r0 = 0.80, r1 = 0.90: -9.00 and no fx effect."""
    con = compare(
        [planned("P", 10, 10)],
        [sold("P", 10, 100), sold("P", None, 10, currency="USD", document_type="credit_note")],
        fx_rates=[rate("USD", "0.80", "budget"), rate("USD", "0.90")],
    )

    assert lanes(item(con)) == {"adjustment": -9}


def test_returns_without_plan_are_new_and_no_more_than_an_adjustment() -> None:
    """3 returned for 30.00 of a part that was not planned."""
    con = compare([planned("P", 10, 10)], [sold("P", 10, 100), sold("Q", 3, 30, document_type="credit_note")])

    assert lanes(items(con)["Q"]) == {"adjustment": -30}
    assert items(con)["Q"]["bridge_status"] == "new"


def test_a_planned_zero_is_no_plan() -> None:
    """A dense plan says 0 pieces of Q: its sale is new; R, planned 0 and not sold, shows nothing to explain."""
    con = compare([planned("P", 1, 1), planned("Q", 0, 5), planned("R", 0, 5)], [sold("P", 1, 1), sold("Q", 2, 8)])
    rows = items(con)

    assert (lanes(rows["Q"]), rows["Q"]["bridge_status"], rows["Q"]["rag"]) == ({"new": 8}, "new", None)
    assert (rows["R"]["variance_amount"], rows["R"]["bridge_status"]) == (0, "nothing planned or sold")


# --- where there is no bridge


def test_a_plan_of_amounts_has_a_variance_and_no_lanes() -> None:
    """500 planned and 450 sold; 80 sold without plan. Lanes are unknown in the rows and in the total."""
    con = compare(
        [planned(None, amount=500)],
        [sold("P", 9, 450), sold("P", 1, 80, account_id="B")],
    )
    rows = items(con, "account_id")

    assert (rows["A"]["variance_amount"], rows["A"]["bridge_status"]) == (-50, "plan has no quantity")
    assert (rows["B"]["variance_amount"], rows["B"]["bridge_status"]) == (80, "new")
    assert (total(con)["variance_amount"], total(con)["bridge_status"]) == (30, "plan has no quantity")
    for row in (rows["A"], rows["B"], total(con)):
        assert [row[lane] for lane in LANES] == [None] * len(LANES)
        assert row["plan_quantity"] is None


def test_one_line_without_quantity_leaves_the_total_without_lanes() -> None:
    """P is bridged; Q is planned by amount only, so the total of the lanes would not explain the total variance."""
    con = compare([planned("P", 10, 10), planned("Q", amount=50)], [sold("P", 10, 110), sold("Q", 5, 40)])
    rows = items(con)

    assert lanes(rows["P"]) == {"price": 10}
    assert (rows["Q"]["volume_effect"], rows["Q"]["bridge_status"]) == (None, "plan has no quantity")
    assert (total(con)["variance_amount"], total(con)["price_effect"]) == (0, None)
    assert total(con)["bridge_status"] == "plan has no quantity"


def test_sales_in_a_currency_without_rate_are_unknown_not_zero() -> None:
    """Q is sold in GBP, for which there is no rate: Q and every total that holds it are NULL, P is not."""
    con = compare([planned("P", 1, 10), planned("Q", 1, 10)], [sold("P", 1, 10), sold("Q", 1, 10, currency="GBP")])
    rows = items(con)

    for row in (rows["Q"], total(con)):
        assert row["bridge_status"] == row["ytd_bridge_status"] == "no rate for GBP"
        for column in ("actual_amount", "variance_amount", "variance_ratio", "rag", "price_effect"):
            assert row[column] is None
            assert row.get(f"ytd_{column}") is None
    assert rows["Q"]["plan_amount"] == 10
    assert (rows["P"]["variance_amount"], rows["P"]["bridge_status"]) == (0, "complete")


def test_a_plan_in_a_currency_without_rate_is_unknown() -> None:
    row = item(compare([planned("P", 1, 10, currency="GBP")], [sold("P", 1, 10)]))

    assert (row["plan_amount"], row["actual_amount"], row["variance_amount"]) == (None, 10, None)
    assert row["bridge_status"] == "no rate for GBP"


# --- what is compared with what


def test_a_plan_by_manager_is_compared_by_manager() -> None:
    """The line's manager comes before the account's: of A's 80, Ben sold 30. Ben has no plan, Cid no sales."""
    con = compare(
        [
            planned(None, amount=100, account_id=None, account_manager="Ann"),
            planned(None, amount=40, account_id=None, account_manager="Cid"),
        ],
        [sold("P", 5, 50), sold("P", 3, 30, account_manager="Ben")],
        accounts=[{"account_id": "A", "account_manager": "Ann"}],
    )
    rows = items(con, "document_account_manager")

    assert {name: row["variance_amount"] for name, row in rows.items()} == {"Ann": -50, "Ben": 30, "Cid": -40}
    assert rows["Ben"]["bridge_status"] == "new"
    assert rows["Ann"]["account_id"] is None
    assert _levels(con) == {"total", "account_manager"}


def test_a_plan_by_product_line_takes_every_product_of_the_line() -> None:
    """P1 and P2 are glass, 70 together against 100; P9 is in no master data, its 5 are sold under unknown."""
    con = compare(
        [planned(None, amount=100, account_id=None, product_line="glass")],
        [sold("P1", 1, 40), sold("P2", 1, 30), sold("P9", 1, 5)],
        products=[{"product_id": product, "product_line": "glass"} for product in ("P1", "P2")],
    )

    assert {line: row["variance_amount"] for line, row in items(con, "product_line").items()} == {
        "glass": -30,
        "unknown": 5,
    }
    assert _levels(con) == {"total", "product_line"}


def test_a_plan_by_region_takes_the_accounts_region() -> None:
    con = compare(
        [planned(None, amount=100, account_id=None, region="North")],
        [sold("P", 1, 40), sold("P", 1, 7, account_id="B")],
        accounts=[{"account_id": "A", "region": "North"}],
    )

    assert {region: row["actual_amount"] for region, row in items(con, "region").items()} == {"North": 40, "unknown": 7}
    assert _levels(con) == {"total"}


def test_a_plan_of_one_figure_a_month_is_compared_in_total() -> None:
    con = compare([planned(None, amount=100, account_id=None)], [sold("P", 1, 40), sold("Q", 1, 50, account_id="B")])

    assert (item(con)["plan_grain"], item(con)["variance_amount"]) == ("total", -10)
    assert _levels(con) == {"total"}


def _levels(con: Connection) -> set[str]:
    return {row["level"] for row in fetch(con, "SELECT DISTINCT level FROM build.sales_plan_summary")}


def test_every_level_adds_up_to_the_total() -> None:
    """Three accounts, one of them unknown to master data, and a line that names no product."""
    con = compare(
        [planned("P", 10, 10), planned("Q", 5, 10, account_id="B"), planned("P", 1, 10, account_id="Z")],
        [sold("P", 8, 90), sold("Q", 6, 55, account_id="B"), sold(None, None, 4, account_id="B"), sold("R", 1, 3)],
        accounts=[{"account_id": "A", "account_manager": "Ann"}, {"account_id": "B", "account_manager": "Ben"}],
        products=[{"product_id": "P", "product_line": "glass"}],
    )
    sums = fetch(
        con,
        f"""
        SELECT
            level, sum(plan_amount), sum(actual_amount), sum(variance_amount),
            {", ".join(f"sum({lane})" for lane in LANES)}
        FROM build.sales_plan_summary
        GROUP BY level
        """,
    )
    by_level = {row.pop("level"): row for row in sums}

    assert set(by_level) == {"total", "account", "account_manager", "product_line"}
    assert all(row == by_level["total"] for row in by_level.values())
    assert by_level["total"]["sum(actual_amount)"] == 152
    managers = fetch(con, "SELECT * FROM build.sales_plan_summary WHERE level = 'account_manager'")
    assert {row["account_manager"]: row["plan_amount"] for row in managers} == {"Ann": 100, "Ben": 50, "unknown": 10}


def test_an_account_outside_master_data_keeps_its_id() -> None:
    row = item(compare([planned("P", 1, 10, account_id="0042")], [sold("P", 1, 10, account_id="0042")]))

    assert (row["account_id"], row["account_name"], row["account_manager"]) == ("0042", "unknown", "unknown")


def test_each_plan_version_is_compared_with_all_sales() -> None:
    """AOP plans by account and part, RF by account: both see the 90 sold, each at its own grain."""
    con = compare(
        [planned("P", 10, 10), planned(None, amount=70, plan_version="RF")],
        [sold("P", 5, 50), sold("Q", 4, 40)],
    )
    totals = fetch(con, "SELECT * FROM build.sales_plan_summary WHERE level = 'total' ORDER BY plan_version")

    assert [(row["plan_version"], row["variance_amount"]) for row in totals] == [("AOP", -10), ("RF", 20)]
    assert len(fetch(con, "FROM build.sales_plan_variance WHERE plan_version = 'RF'")) == 1


def test_a_version_is_not_compared_in_a_fiscal_year_it_does_not_plan() -> None:
    """Last year's plan does not list this year's sales as new."""
    con = compare([planned("P", 1, 10, month="2025-06-01")], [sold("P", 1, 10)], months=["2025-06", "2026-06"])

    assert item(con, "2025-06")["variance_amount"] == -10
    assert not items(con, month="2026-06")


def test_a_month_the_plan_leaves_out_lists_its_sales_as_new() -> None:
    """Planned for May only: in June what is sold is new, and the year to date still holds May's plan."""
    row = item(compare([planned("P", 1, 10, month="2026-05-01")], [sold("P", 1, 8)]))

    assert (row["plan_amount"], row["variance_amount"], row["bridge_status"]) == (0, 8, "new")
    assert (row["ytd_plan_amount"], row["ytd_variance_amount"], row["ytd_bridge_status"]) == (10, -2, "complete")


def test_orders_are_the_actual_when_the_settings_say_so() -> None:
    """Ordered 3 × 10.00 and a cancelled line; what was invoiced does not count."""
    con = compare(
        [planned("P", 2, 10)],
        [sold("P", 9, 90)],
        settings={"variance": {"actual": "ordered"}},
        orders=[
            {
                "order_id": number,
                "account_id": "A",
                "product_id": "P",
                "order_date": "2026-06-30",
                "quantity": 3,
                "unit_price": 10,
                "status": status,
            }
            for number, status in (("O1", "open"), ("O2", "cancelled"))
        ],
    )

    assert (item(con)["actual_amount"], item(con)["actual_quantity"]) == (30, 3)


def test_sales_follow_the_business_calendar() -> None:
    """June begins on 31 May and ends on 27 June: the invoice of 31 May counts, that of 28 June does not."""
    con = compare(
        [planned("P", 10, 10)],
        [sold("P", 7, 70, invoice_date="2026-05-31"), sold("P", 1, 10, invoice_date="2026-06-28")],
        calendar=[
            {"period_month": "2026-06-01", "start_date": "2026-05-31", "end_date": "2026-06-27"},
            {"period_month": "2026-07-01", "start_date": "2026-06-28", "end_date": "2026-07-25"},
        ],
    )

    assert item(con)["actual_amount"] == 70


def test_without_plan_there_is_nothing_to_compare() -> None:
    con = compare([], [sold("P", 1, 10)])

    assert not items(con)
    assert not fetch(con, "FROM build.sales_plan_summary")


# --- fiscal year to date and the year before


def test_year_to_date_starts_with_the_fiscal_year() -> None:
    """Fiscal year from April. March 100 planned and 90 sold; April 100 and 80; May 100 and 120."""
    con = compare(
        [planned(None, amount=100, month=f"2026-{month}-01") for month in ("03", "04", "05")],
        [
            sold("P", 1, amount, invoice_date=f"2026-{month}-15")
            for month, amount in (("03", 90), ("04", 80), ("05", 120))
        ],
        months=["2026-03", "2026-05"],
        settings={"site": {"fiscal_year_start_month": 4}},
    )
    march, may = item(con, "2026-03"), item(con, "2026-05")

    assert (march["ytd_plan_amount"], march["ytd_actual_amount"]) == (100, 90)
    assert (may["ytd_plan_amount"], may["ytd_actual_amount"], may["ytd_variance_amount"]) == (200, 200, 0)
    assert may["variance_amount"] == 20
    assert may["ytd_variance_ratio"] == 0


def test_year_to_date_lanes_are_the_sums_of_the_months() -> None:
    """May: 10 planned, 12 sold at 10.00, volume 20. June: 10 planned and sold for 95.00, price -5."""
    con = compare(
        [planned("P", 10, 10, month="2026-05-01"), planned("P", 10, 10)],
        [sold("P", 12, 120, invoice_date="2026-05-15"), sold("P", 10, 95)],
    )
    row = item(con)

    assert (row["ytd_volume_effect"], row["ytd_price_effect"], row["ytd_variance_amount"]) == (20, -5, 15)
    assert (row["ytd_plan_quantity"], row["ytd_actual_quantity"]) == (20, 22)


def test_an_item_stays_in_the_year_to_date_after_its_last_month() -> None:
    """Q is planned and sold in May only; in June it still belongs to the year's totals, with a month of zeros."""
    con = compare(
        [planned("P", 1, 10), planned("Q", 1, 30, month="2026-05-01")],
        [sold("P", 1, 10), sold("Q", 1, 20, invoice_date="2026-05-15")],
    )
    row = items(con)["Q"]

    assert (row["plan_amount"], row["actual_amount"], row["bridge_status"]) == (0, 0, "nothing planned or sold")
    assert (row["ytd_plan_amount"], row["ytd_actual_amount"]) == (30, 20)
    assert (total(con)["ytd_plan_amount"], total(con)["ytd_actual_amount"]) == (40, 30)
    assert total(con)["variance_amount"] == 0


def test_the_same_month_a_year_before() -> None:
    """June 2025: 70 of P and 30 of Q, which is neither planned nor sold now. The average rate of then counts."""
    con = compare(
        [planned("P", 1, 100)],
        [
            sold("P", 1, 100),
            sold("P", 1, 100, invoice_date="2025-06-15", currency="USD"),
            sold("Q", 1, 30, invoice_date="2025-06-15"),
            sold("P", 1, 999, invoice_date="2025-07-01"),
        ],
        fx_rates=[rate("USD", "0.70", rate_date="2025-06-01"), rate("USD", "0.90")],
    )
    rows = items(con)

    assert (rows["P"]["prior_year_amount"], rows["Q"]["prior_year_amount"]) == (70, 30)
    assert (rows["Q"]["plan_amount"], rows["Q"]["actual_amount"]) == (0, 0)
    assert total(con)["prior_year_amount"] == 100


def test_before_the_first_sale_on_record_the_year_before_is_unknown() -> None:
    row = item(compare([planned("P", 1, 10)], [sold("P", 1, 10)]))

    assert (row["prior_year_amount"], row["prior_year_amount_reason"]) == (None, "no sales on record by then")


@long
def test_several_months_at_once_equal_one_by_one() -> None:
    """Five months across the start of the fiscal year, two versions; every column of both tables."""
    months = ["2026-02", "2026-03", "2026-04", "2026-05", "2026-06"]
    dice = random.Random(5)  # noqa: S311 - examples, no secrets
    plan = [
        planned(product, dice.randint(0, 20), dice.randint(1, 9), month=f"{month}-01", plan_version=version)
        for version in ("AOP", "RF")
        for month in months
        for product in "PQRST"
        if dice.random() < 0.6
    ]
    invoices = [
        sold(dice.choice("PQRSTU"), dice.randint(1, 9), dice.randint(1, 99), invoice_date=f"{dice.choice(dates)}-05")
        for dates in [[*months, "2025-04", "2025-06"]]
        for _ in range(40)
    ]
    settings = {"site": {"fiscal_year_start_month": 4}}
    at_once = compare(plan, invoices, months=months, settings=settings)
    alone = [compare(plan, invoices, months=[month], settings=settings) for month in months]

    for mart in ("sales_plan_variance", "sales_plan_summary"):
        together = fetch(at_once, f"FROM build.{mart} ORDER BY ALL")
        one_by_one = [row for con in alone for row in fetch(con, f"FROM build.{mart} ORDER BY ALL")]
        assert together == one_by_one
        assert together


# --- verdicts


@pytest.mark.parametrize(
    ("actual", "colour"),
    [(96, "green"), (95, "green"), ("94.99", "amber"), (90, "amber"), ("89.99", "red"), (0, "red")],
)
def test_the_traffic_light_follows_the_variance_ratio(actual: Any, colour: str) -> None:
    con = compare([planned("P", 1, 100)], [sold("P", 1, actual)])

    assert (item(con)["rag"], total(con)["rag"], total(con)["ytd_rag"]) == (colour, colour, colour)


def test_the_traffic_lights_thresholds_are_settings() -> None:
    con = compare(
        [planned("P", 1, 100)],
        [sold("P", 1, 98)],
        settings={"variance": {"rag": {"green": -0.01, "amber": -0.02}}},
    )

    assert item(con)["rag"] == "amber"


@pytest.mark.parametrize(
    ("submitted_at", "on_time"),
    [("2025-11-30 23:59:00", True), ("2025-12-01 00:00:00", False), (None, None)],
)
def test_a_plan_is_submitted_on_time_when_its_last_row_was(submitted_at: str | None, on_time: bool | None) -> None:
    first = "2025-11-01 08:00:00" if submitted_at else None
    con = compare(
        [planned("P", 1, 1, submitted_at=first), planned("Q", 1, 1, submitted_at=submitted_at)],
        settings={"variance": {"plan_due": {"AOP": "2025-11-30"}}},
    )

    assert items(con)["P"]["submitted_on_time"] is on_time
    assert total(con)["submitted_on_time"] is on_time


def test_a_plan_without_a_due_date_is_neither_early_nor_late() -> None:
    con = compare([planned("P", 1, 1, submitted_at="2025-11-01 08:00:00")])

    assert total(con)["submitted_on_time"] is None


# --- an independent calculation


def test_random_plans_agree_with_the_definition_in_exact_fractions() -> None:
    """Three accounts, eight parts, two currencies, returns and rebates: each lane as its formula in docs/metrics.md says."""
    dice = random.Random(20260630)  # noqa: S311 - examples, no secrets
    rates = {"EUR": (Fraction(1), Fraction(1)), "USD": (Fraction("0.8137"), Fraction("0.8791"))}
    keys = [(account, product) for account in "ABC" for product in "PQRSTUVW"]
    plan: dict[tuple[str, str], tuple[Decimal, Decimal, str]] = {
        key: (
            Decimal(dice.randint(1, 900)) / 4,
            Decimal(dice.randint(100, 99999)) / 1000,
            dice.choice(["EUR", "USD"]),
        )
        for key in keys
        if dice.random() < 0.75
    }
    lines = [
        (
            dice.choice(keys),
            None if dice.random() < 0.1 else Decimal(dice.randint(1, 400)) / 4,
            Decimal(dice.randint(100, 999999)) / 100,
            dice.choice(["EUR", "USD"]),
            -1 if dice.random() < 0.2 else 1,
        )
        for _ in range(60)
    ]
    con = compare(
        [
            planned(product, quantity, price, account_id=account, currency=currency)
            for (account, product), (quantity, price, currency) in plan.items()
        ],
        [
            sold(
                product,
                quantity,
                amount,
                account_id=account,
                currency=currency,
                document_type="credit_note" if sign < 0 else "invoice",
            )
            for (account, product), quantity, amount, currency, sign in lines
        ],
        fx_rates=[rate("USD", "0.8137", "budget"), rate("USD", "0.8791")],
    )
    expected = _bridge(plan, lines, rates)
    found = {(row["account_id"], row["product_id"]): row for row in fetch(con, "FROM build.sales_plan_variance")}

    assert found.keys() == expected.keys()
    for key, exact in expected.items():
        row = found[key]
        assert sum(row[lane] for lane in LANES) == row["variance_amount"]
        for lane in LANES:
            if lane == "mix_effect":
                assert abs(Fraction(row[lane]) - exact[lane]) <= Fraction("0.04"), (key, lane)
            else:
                assert row[lane] == _cents(exact[lane]), (key, lane)
        assert row["plan_amount"] == _cents(exact["plan"])
        assert row["actual_amount"] == _cents(exact["actual"])
    assert {lane for row in found.values() for lane in lanes(row)} == {lane.removesuffix("_effect") for lane in LANES}


def _bridge(
    plan: Mapping[tuple[str, str], tuple[Decimal, Decimal, str]],
    lines: Sequence[tuple[tuple[str, str], Decimal | None, Decimal, str, int]],
    rates: Mapping[str, tuple[Fraction, Fraction]],
) -> dict[tuple[str, str], dict[str, Fraction]]:
    """The bridge by item of one month, mix within the account, exactly as the definition writes it."""
    quantity: dict[Any, Fraction] = defaultdict(Fraction)
    at_plan_rate: dict[Any, Fraction] = defaultdict(Fraction)
    at_actual_rate: dict[Any, Fraction] = defaultdict(Fraction)
    rebates: dict[Any, Fraction] = defaultdict(Fraction)
    for key, line_quantity, amount, currency, sign in lines:
        r0, r1 = rates[currency]
        if line_quantity is None:
            rebates[key] += sign * Fraction(amount) * r1
        else:
            quantity[key] += sign * Fraction(line_quantity)
            at_plan_rate[key] += sign * Fraction(amount) * r0
            at_actual_rate[key] += sign * Fraction(amount) * r1
    is_sold = {key for key, value in quantity.items() if value > 0}
    result = {}
    for key in plan.keys() | quantity.keys() | rebates.keys():
        lane = dict.fromkeys(LANES, Fraction(0))
        q1 = quantity[key]
        q0, price_at_r0 = Fraction(0), Fraction(0)
        if key in plan:
            q0, price_at_r0 = Fraction(plan[key][0]), Fraction(plan[key][1]) * rates[plan[key][2]][0]
        lane["adjustment_effect"] = rebates[key] + (0 if key in is_sold else at_actual_rate[key])
        if key in is_sold:
            lane["fx_effect"] = at_actual_rate[key] - at_plan_rate[key]
        if key in is_sold and key in plan:
            group = [other for other in plan.keys() & is_sold if other[0] == key[0]]
            total_planned = sum((Fraction(plan[other][0]) for other in group), Fraction(0))
            total_sold = sum((quantity[other] for other in group), Fraction(0))
            share = q0 / total_planned
            lane["volume_effect"] = (total_sold - total_planned) * share * price_at_r0
            lane["mix_effect"] = (q1 - total_sold * share) * price_at_r0
            lane["price_effect"] = at_plan_rate[key] - price_at_r0 * q1
        elif key in is_sold:
            lane["new_effect"] = at_plan_rate[key]
        elif key in plan:
            lane["lost_effect"] = -price_at_r0 * q0
        result[key] = lane | {"plan": q0 * price_at_r0, "actual": at_actual_rate[key] + rebates[key]}
    return result


def _cents(exact: Fraction) -> Decimal:
    """Rounded half away from zero."""
    cents = int(abs(exact) * 100 + Fraction(1, 2))
    return Decimal(cents if exact >= 0 else -cents) / 100


# --- real data: 57,851 order lines and 809 monthly targets of salespeople, fiscal year from July


@pytest.fixture(scope="module")
def adventureworks() -> Connection:
    """All months from July 2017 to May 2020, compared by manager with the targets."""
    folder = SHARED / "data" / "adventureworks_sales"
    if not folder.is_dir():
        pytest.skip("the real data of ../shared/data/adventureworks_sales is absent")
    settings = settings_of(
        {"site": {"fiscal_year_start_month": 7}, "variance": {"actual": "ordered"}}, ("orders", "sales_plan")
    )
    con = memory()
    prepare(con, settings.site.reporting_currency)
    prepare_marts(con)

    def source(name: str) -> str:
        return f"read_csv({literal(str(folder / name))}, header = true, all_varchar = true)"

    con.execute(
        f"""
        INSERT INTO staging.orders
            (order_id, line_no, account_id, product_id, order_date, quantity, unit_price, account_manager, load_id)
        SELECT SalesOrderNumber, ProductKey, ResellerKey, ProductKey, OrderDate, Quantity, "Unit Price", Salesperson, 1
        FROM {source("Sales.csv")} JOIN {source("Salesperson.csv")} USING (EmployeeKey)
        """
    )
    con.execute(
        f"""
        INSERT INTO staging.sales_plan (plan_version, month, account_manager, amount, load_id)
        SELECT 'targets', TargetMonth, Salesperson, TargetAmount, 1
        FROM {source("Targets.csv")} JOIN {source("Salesperson.csv")} USING (EmployeeID)
        """
    )
    build(con, settings, months_between(parse_month("2017-07"), parse_month("2020-05")), as_of_load=1)
    return con


@long
def test_a_salespersons_orders_add_up_to_the_published_figure(adventureworks: Connection) -> None:
    """Michael Blythe sold 8,952,751.48 in all."""
    (row,) = fetch(
        adventureworks,
        "SELECT sum(actual_amount) AS amount FROM build.sales_plan_variance WHERE document_account_manager = 'Michael Blythe'",
    )

    assert row["amount"] == Decimal("8952751.48")


def test_the_fiscal_year_to_date_is_the_published_figure(adventureworks: Connection) -> None:
    """Fiscal year 2020, from July 2019 to May 2020: 33,139,748.07."""
    assert total(adventureworks, "2020-05")["ytd_actual_amount"] == Decimal("33139748.07")


def test_every_month_holds_all_targets_and_all_orders(adventureworks: Connection) -> None:
    """A target without orders and orders without target both stay: each month's totals are those of the two files."""
    different = fetch(
        adventureworks,
        """
        WITH ordered AS (
            SELECT date_trunc('month', order_date) AS period_month, sum(quantity * unit_price) AS amount
            FROM staging.orders
            GROUP BY 1
        ),

        targets AS (SELECT month AS period_month, sum(amount) AS amount FROM staging.sales_plan GROUP BY 1)

        SELECT summary.period_month
        FROM build.sales_plan_summary AS summary
        LEFT JOIN ordered USING (period_month)
        LEFT JOIN targets USING (period_month)
        WHERE level = 'total'
          AND (actual_amount <> coalesce(ordered.amount, 0) OR plan_amount <> coalesce(targets.amount, 0))
        """,
    )
    (size,) = fetch(adventureworks, "SELECT count(*) AS n, sum(amount) AS amount FROM staging.sales_plan")

    assert different == []
    assert (size["n"], size["amount"]) == (809, 676_210_000)


def test_a_manager_with_a_target_and_no_orders_misses_all_of_it(adventureworks: Connection) -> None:
    missed = fetch(
        adventureworks,
        "FROM build.sales_plan_variance WHERE plan_amount > 0 AND actual_amount = 0",
    )

    assert missed
    assert all(row["variance_amount"] == -row["plan_amount"] and row["variance_ratio"] == -1 for row in missed)
    assert {row["rag"] for row in missed} == {"red"}


# Units that have no common total, and one actual whatever it is compared with


def test_pieces_and_kilograms_are_no_mix() -> None:
    products = [{"product_id": "X", "unit": "pcs"}, {"product_id": "Y", "unit": "kg"}]
    plan = [planned("X", 100, 100), planned("Y", 10_000, 1)]
    con = compare(plan, [sold("X", 100, 10_000), sold("Y", 8_000, 8_000)], products=products)
    lanes = {name: (row["volume_effect"], row["mix_effect"]) for name, row in items(con).items()}
    assert lanes == {"X": (0, 0), "Y": (-2_000, 0)}
    (total,) = fetch(con, "FROM build.sales_plan_summary WHERE level = 'total'")
    assert (total["plan_quantity"], total["actual_quantity"]) == (None, None)
    assert total["quantity_reason"] == "items of different units"


@pytest.mark.parametrize("units", [("kg", "KG"), ("kg", None), (None, None)])
def test_parts_of_one_unit_have_a_total_quantity(units: tuple[str | None, str | None]) -> None:
    products = [{"product_id": name, "unit": unit} for name, unit in zip("XY", units, strict=True)]
    con = compare([planned("X", 1, 1), planned("Y", 2, 1)], [sold("X", 3, 3)], products=products)
    (total,) = fetch(con, "FROM build.sales_plan_summary WHERE level = 'total'")
    assert (total["plan_quantity"], total["actual_quantity"], total["quantity_reason"]) == (3, 3, None)


def test_sales_are_the_same_figure_whichever_plan_they_are_compared_with() -> None:
    invoices = [
        sold(None, None, amount, account_id=account_id, invoice_date=f"2026-{month}-10")
        for month in ("01", "02")
        for account_id, amount in (("A", "100.004"), ("B", "200.004"), ("C", "300.004"))
    ]
    by_account = [
        planned(None, account_id=account_id, amount=200, month=f"2026-{month}-01", plan_version="BY ACCOUNT")
        for month in ("01", "02")
        for account_id in "ABC"
    ]
    in_total = [
        planned(None, account_id=None, amount=600, month=f"2026-{month}-01", plan_version="TOTAL")
        for month in ("01", "02")
    ]
    con = compare([*by_account, *in_total], invoices, months=["2026-02"])
    found = {
        row["plan_version"]: tuple(
            map(
                float,
                (row["actual_amount"], row["ytd_actual_amount"], row["rounding_effect"], row["ytd_rounding_effect"]),
            )
        )
        for row in fetch(con, "FROM build.sales_plan_summary WHERE level = 'total'")
    }
    # 600.012 and 1,200.024; by account 3 × a cent's part is rounded away, month by month.
    assert found == {"BY ACCOUNT": (600.01, 1200.02, 0.01, 0.02), "TOTAL": (600.01, 1200.02, 0, 0)}


def test_rounding_has_a_lane_of_its_own() -> None:
    plan = [planned(name, 1, "0.333") for name in ("X", "Y", "Z")]
    con = compare(plan, [sold(name, 1, "0.336") for name in ("X", "Y", "Z")])
    (total,) = fetch(con, "FROM build.sales_plan_summary WHERE level = 'total'")
    # Planned 0.999, sold 1.008; the rows show three times 0.33 and 0.34.
    assert (total["plan_amount"], total["actual_amount"], total["variance_amount"]) == (
        Decimal("1.00"),
        Decimal("1.01"),
        Decimal("0.01"),
    )
    lanes = [total[lane] for lane in LANES]
    assert sum(lanes) == Decimal("0.03")
    assert total["rounding_effect"] == Decimal("-0.02")


def test_a_ratio_to_a_plan_of_next_to_nothing_is_shown() -> None:
    row = item(compare([planned("P", 1, 1)], [sold("P", 1, 18_000_000_000_000)]))
    assert (row["variance_amount"], row["variance_ratio"], row["rag"]) == (
        17_999_999_999_999,
        17_999_999_999_999,
        "green",
    )


def test_a_plan_of_billions_has_its_bridge() -> None:
    con = compare(
        [planned("P", 10_000, 1_200_000)], [sold("P", 11_000, 13_310_000_000)], settings={"variance": {"mix_group": []}}
    )
    row = item(con)
    assert (row["plan_amount"], row["variance_amount"], row["price_effect"]) == (
        12_000_000_000,
        1_310_000_000,
        110_000_000,
    )


# A plan for part of the business


def partial(scope: Mapping[str, Any], plan: Sequence[Row], invoices: Sequence[Row], **given: Any) -> Connection:
    """A plan with this scope in `[variance]`."""
    return compare(plan, invoices, settings={"variance": scope}, **given)


KEYS = {"scope": "planned keys"}


@long
def test_sales_outside_a_plan_of_one_account_are_no_surplus_over_it() -> None:
    """A is planned with 100 and buys 90; B, which nobody planned, buys 500, and bought 400 in June a year before."""
    plan = [planned(None, account_id="A", amount=100)]
    invoices = [
        sold(None, None, 90),
        sold(None, None, 500, account_id="B"),
        sold(None, None, 400, account_id="B", invoice_date="2025-06-10"),
    ]
    row = total(partial(KEYS, plan, invoices))
    figures = ("scope", "actual_amount", "variance_amount", "ytd_actual_amount", "prior_year_amount", "outside_amount")
    assert tuple(row[name] for name in figures) == ("planned keys", 90, -10, 90, 0, 500)
    row = total(partial({}, plan, invoices))
    assert tuple(row[name] for name in figures) == ("all", 590, 490, 590, 400, 0)


def test_sales_outside_a_plan_without_a_rate_are_unknown_and_say_why() -> None:
    plan = [planned(None, account_id="A", amount=100)]
    invoices = [sold(None, None, 90), sold(None, None, 500, account_id="B", currency="USD")]
    con = partial(KEYS, plan, invoices)
    assert (total(con)["outside_amount"], total(con)["outside_amount_reason"]) == (None, "no rate for USD")
    (account,) = fetch(con, "FROM build.sales_plan_summary WHERE level = 'account'")
    assert (account["outside_amount"], account["outside_amount_reason"]) == (None, "given in the total only")


@pytest.mark.parametrize(
    ("sale", "is_inside"),
    [
        # B is planned with Y only, but both are planned: X sold to B is new business of the plan.
        (sold("X", 1, 7, account_id="B"), True),
        (sold("Z", 1, 7, account_id="B"), False),
        (sold("X", 1, 7, account_id="C"), False),
        # A rebate of a planned account names no part.
        (sold(None, None, 7, account_id="B"), True),
        (sold(None, None, 7, account_id="C"), False),
    ],
)
def test_a_sale_is_inside_where_each_of_its_keys_is_planned(sale: Row, *, is_inside: bool) -> None:
    plan = [planned("X", 1, 10), planned("Y", 1, 10, account_id="B")]
    assert total(partial(KEYS, plan, [sale]))["actual_amount"] == (7 if is_inside else 0)


@pytest.mark.parametrize(("line", "inside"), [("tyres", 7), ("wheels", 0), (None, 0)])
def test_a_plan_of_one_product_line_is_compared_with_that_line(line: str | None, inside: int) -> None:
    """A part without a line belongs to none that is planned."""
    plan = [planned(None, account_id=None, product_line="tyres", amount=10)]
    products = [{"product_id": "X", "product_line": line}]
    assert total(partial(KEYS, plan, [sold("X", 1, 7)], products=products))["actual_amount"] == inside


def test_a_row_in_any_month_of_the_fiscal_year_makes_a_key_and_one_of_another_year_does_not() -> None:
    """B is planned in November, with nothing; C in the year before."""
    plan = [
        planned(None, amount=10),
        planned(None, account_id="B", amount=0, month="2026-11-01"),
        planned(None, account_id="C", amount=10, month="2025-06-01"),
    ]
    con = partial(KEYS, plan, [sold(None, None, 7, account_id="B"), sold(None, None, 5, account_id="C")])
    assert set(items(con, "account_id")) == {"A", "B"}
    assert total(con)["actual_amount"] == 7


def test_a_plan_in_total_plans_everything() -> None:
    con = partial(KEYS, [planned(None, account_id=None, amount=10)], [sold("X", 1, 7)])
    assert (item(con)["scope"], item(con)["actual_amount"]) == ("planned keys", 7)


def test_the_scope_of_a_version_comes_before_that_of_all() -> None:
    plan = [planned(None, amount=10, plan_version=version) for version in ("PART", "WHOLE")]
    invoices = [sold(None, None, 7, account_id="B")]
    scope = {"scope": "planned keys", "plan_scope": {"WHOLE": "all"}}
    con = partial(scope, plan, invoices)
    found = fetch(con, "FROM build.sales_plan_summary WHERE level = 'total'")
    assert {row["plan_version"]: (row["scope"], row["actual_amount"]) for row in found} == {
        "PART": ("planned keys", 0),
        "WHOLE": ("all", 7),
    }


def test_a_plan_without_parts_is_not_compared_in_quantity_with_parts_of_different_units() -> None:
    """A, planned with 100 pieces for 1,000.00, bought 50 pieces and 20 kg: no quantity, and no lanes made of one."""
    products = [{"product_id": "X", "unit": "pcs"}, {"product_id": "Y", "unit": "kg"}]
    plan = [planned(None, 100, 10), planned(None, 10, 10, account_id="B")]
    invoices = [sold("X", 50, 500), sold("Y", 20, 300), sold("Y", 5, 60, account_id="B")]
    con = compare(plan, invoices, products=products)
    rows = items(con, "account_id")
    row = rows["A"]
    assert (row["actual_quantity"], row["ytd_actual_quantity"]) == (None, None)
    assert (row["quantity_reason"], row["bridge_status"]) == ("items of different units", "sold in different units")
    assert (row["variance_amount"], row["volume_effect"]) == (-200, None)
    # B bought one unit: 5 for 60.00, planned 10 at 10.00: volume -50, price 10.
    assert (rows["B"]["actual_quantity"], rows["B"]["quantity_reason"]) == (5, None)
    assert lanes(rows["B"]) == {"volume": -50, "price": 10}
    assert (total(con)["actual_quantity"], total(con)["quantity_reason"]) == (None, "items of different units")


def test_the_year_to_date_leaves_out_months_before_the_first_rate() -> None:
    """P in USD, whose first rate is of May: planned 10 and sold 12 a month at 0.50, Q 100 and 90 in euros.

    To date: January to June of Q, 600 and 540; May and June of P, 10 and 12. R was sold in March only, in USD.
    """
    months = [f"2026-{month:02}" for month in range(1, 7)]
    con = compare(
        [
            *(planned("P", 1, 10, month=f"{month}-01", currency="USD") for month in months),
            *(planned("Q", 1, 100, month=f"{month}-01") for month in months),
        ],
        [
            *(sold("P", 1, 12, invoice_date=f"{month}-10", currency="USD") for month in months),
            *(sold("Q", 1, 90, invoice_date=f"{month}-10") for month in months),
            sold("R", 1, 5, invoice_date="2026-03-10", currency="USD"),
        ],
        fx_rates=[rate("USD", "0.5", "spot", "2026-05-01")],
    )
    figures = ("ytd_plan_amount", "ytd_actual_amount", "ytd_variance_amount", "ytd_price_effect", "ytd_left_out")
    rows = {name: tuple(row[figure] for figure in figures) for name, row in items(con).items()}
    assert rows == {
        "P": (10, 12, 2, 2, "no rate for USD"),
        "Q": (600, 540, -60, -60, None),
        "R": (None, None, None, None, "no rate for USD"),
    }
    assert items(con)["R"]["ytd_bridge_status"] == "no rate for USD"
    row = total(con)
    assert tuple(row[figure] for figure in figures) == (610, 552, -58, -58, "no rate for USD")
    assert row["ytd_bridge_status"] == "complete"


@pytest.mark.parametrize(
    ("settings", "june", "july"),
    [
        # Two of five working days: 40.004 and 0.4.
        pytest.param({}, ("40.00", "0.4"), ("60.01", "0.6")),
        # Two of seven days: 28.57428… and 0.28571…
        pytest.param({"variance": {"week_split": "days"}}, ("28.57", "0.2857"), ("71.44", "0.7143"), marks=long),
    ],
)
def test_a_week_goes_to_two_months_exactly_and_the_later_takes_the_remainder(
    settings: Mapping[str, Any], june: tuple[str, str], july: tuple[str, str]
) -> None:
    plan = planned(quantity=1, amount="100.01", month=None, week="2026-06-29")
    with build_case(
        {"sales_plan": [plan], "invoices": [sold("Z", 1, 5, invoice_date="2026-07-10")]},
        settings=settings,
        periods=["2026-06", "2026-07"],
        tables=["sales_plan_variance"],
    ) as con:
        found = fetch(
            con,
            "SELECT plan_amount, plan_quantity FROM build.sales_plan_variance WHERE product_id = 'P' ORDER BY period_month",
        )
    assert [tuple(row.values()) for row in found] == [tuple(map(Decimal, june)), tuple(map(Decimal, july))]


@long
def test_a_week_goes_to_the_business_months_of_the_calendar() -> None:
    """June ends on Thursday 2 July: four of the five days from 29 June on are in it. The credit of 50 is split, too."""
    calendar = [
        {"period_month": "2026-06-01", "start_date": "2026-05-31", "end_date": "2026-07-02", "fiscal_year": 2026},
        {"period_month": "2026-07-01", "start_date": "2026-07-03", "end_date": "2026-07-31", "fiscal_year": 2026},
    ]
    given = {
        "sales_plan": [
            planned("P", amount=-50, month=None, week="2026-06-29"),
            planned("Q", amount=7, month="2026-07-01"),
        ],
        "invoices": [],
        "calendar": calendar,
    }
    with build_case(given, periods=["2026-06", "2026-07"], tables=["sales_plan_variance"]) as con:
        found = fetch(
            con,
            "SELECT product_id, plan_amount FROM build.sales_plan_variance WHERE plan_amount <> 0 ORDER BY period_month, product_id",
        )
    assert [tuple(row.values()) for row in found] == [("P", -40), ("P", -10), ("Q", 7)]
