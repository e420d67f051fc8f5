"""Sales and their bridge without any plan."""

from __future__ import annotations

from typing import Any

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("sales.parts_add_up", "discount_amount = discount_amount + 0.01", "discount_amount IS NOT NULL"),
    Tampering("sales_bridge.lanes_add_up", "mix_effect = mix_effect + 0.01", "mix_effect IS NOT NULL"),
    Tampering("sales.undefined_has_a_reason", "net_amount = NULL", "net_amount IS NOT NULL"),
)

LANES = ("volume_effect", "mix_effect", "price_effect", "fx_effect", "new_effect", "lost_effect", "adjustment_effect")

Row = dict[str, Any]


def invoice(number: str, on: str, **given: Any) -> Row:
    """A line of account A over 10 pieces of part X for 100."""
    line = {"invoice_id": number, "account_id": "A", "product_id": "X", "invoice_date": on, "quantity": 10}
    return line | {"net_amount": 100} | given


def sales(*periods: str, **given: list[Row]) -> Connection:
    return build_case(given, periods=periods, tables=["sales"])


def row(con: Connection, **keys: str) -> Row:
    where = " AND ".join(f"{name} = '{value}'" for name, value in keys.items())
    (found,) = fetch(con, f"FROM build.sales WHERE {where or 'true'}")
    return found


def test_a_list_price_is_the_line_s_else_the_part_s_else_the_price_paid() -> None:
    con = sales(
        "2026-06",
        products=[{"product_id": "X", "list_price": 12}, {"product_id": "Y"}],
        invoices=[
            invoice("I1", "2026-06-01", list_price=15),
            invoice("I2", "2026-06-02"),
            invoice("I3", "2026-06-03", product_id="Y"),
        ],
    )
    # 10 × 15 + 10 × 12 against 200; part Y has no list price, so no discount.
    assert (row(con, product_id="X")["list_amount"], row(con, product_id="X")["discount_amount"]) == (270, 70)
    assert (row(con, product_id="Y")["list_amount"], row(con, product_id="Y")["discount_amount"]) == (100, 0)


def test_goods_taken_back_count_as_returns_by_credit_note_or_negative_line() -> None:
    con = sales(
        "2026-06",
        invoices=[
            invoice("I1", "2026-06-01"),
            invoice("I1", "2026-06-01", line_no=2, quantity=-2, net_amount=-20),
            invoice("C1", "2026-06-05", document_type="credit_note", quantity=3, net_amount=30),
        ],
    )
    found = row(con)
    assert (found["net_quantity"], found["net_amount"]) == (5, 50)
    assert (found["return_quantity"], found["return_amount"]) == (5, 50)


def test_each_manager_of_a_line_has_a_row_beside_the_account_s_manager() -> None:
    con = sales(
        "2026-06",
        accounts=[{"account_id": "A", "account_manager": "Ito"}],
        invoices=[invoice("I1", "2026-06-01"), invoice("I2", "2026-06-02", account_manager="Lee", net_amount=7)],
    )
    amounts = {
        found["document_account_manager"]: (found["account_manager"], found["net_amount"])
        for found in fetch(con, "FROM build.sales")
    }
    assert amounts == {"Ito": ("Ito", 100), "Lee": ("Ito", 7)}


def test_foreign_sales_are_valued_at_the_average_rate_of_their_month_and_longer_windows_add_up_the_months() -> None:
    con = sales(
        "2026-05",
        "2026-06",
        products=[{"product_id": "X", "list_price": 20, "currency": "USD"}],
        fx_rates=[
            {"currency": "USD", "rate_date": "2026-05-01", "rate": "0.333333"},
            {"currency": "USD", "rate_date": "2026-06-01", "rate": "0.5"},
        ],
        invoices=[
            invoice("I1", "2026-05-05", currency="USD", net_amount=1),
            invoice("I2", "2026-06-05", currency="USD", net_amount=1),
        ],
    )
    may, june = row(con, period_month="2026-05-01"), row(con, period_month="2026-06-01")
    # 0.333333 and 0.50; a list price of 20 USD is 10 EUR in June.
    assert (str(may["net_amount"]), str(june["net_amount"]), june["list_amount"]) == ("0.33", "0.50", 100)
    assert (str(june["ytd_net_amount"]), str(june["rolling_12_net_amount"])) == ("0.83", "0.83")


def test_what_lacks_a_rate_or_a_record_is_unknown_and_says_why() -> None:
    con = sales(
        "2026-06",
        fx_rates=[{"currency": "USD", "rate_date": "2026-06-01", "rate": "0.5"}],
        invoices=[invoice("I1", "2026-04-05", currency="USD"), invoice("I2", "2026-06-05", currency="USD")],
    )
    found = row(con)
    assert (found["net_amount"], found["net_amount_reason"]) == (50, None)
    # April is before the first rate.
    assert (found["ytd_net_amount"], found["ytd_net_amount_reason"]) == (None, "no rate for USD")
    assert (found["ytd_net_quantity"], found["ytd_month_count"]) == (None, 3)
    assert (found["prior_year_net_amount"], found["prior_year_net_amount_reason"]) == (
        None,
        "no invoices on record by then",
    )
    assert (found["ordered_amount"], found["ordered_amount_reason"]) == (None, "the feed orders is not declared")


def test_orders_alone_have_sales_too() -> None:
    order = {"account_id": "A", "product_id": "X", "order_date": "2026-06-03", "quantity": 4, "unit_price": 5}
    con = sales(
        "2026-06",
        orders=[
            order | {"order_id": "O1"},
            order | {"order_id": "O2", "status": "cancelled"},
            order | {"order_id": "O3", "status": "cancelled", "cancelled_date": "2026-06-05"},
        ],
    )
    found = row(con)
    assert (found["ordered_quantity"], found["ordered_amount"]) == (8, 40)
    assert (found["net_amount"], found["net_amount_reason"]) == (None, "the feed invoices is not declared")


def test_rebates_without_a_part_have_a_row_of_their_own() -> None:
    con = sales(
        "2026-06", invoices=[invoice("I1", "2026-06-01", product_id=None, quantity=None, net_amount=-5)], products=[]
    )
    found = row(con)
    assert (found["product_id"], found["net_quantity"], found["net_amount"]) == (None, 0, -5)
    assert (found["adjustment_amount"], found["list_amount"], found["discount_amount"]) == (-5, 0, 0)


# --- The bridge ---


def bridge(*rows_of_invoices: Row, **given: Any) -> dict[tuple[str, str], Row]:
    """By plan version and part, the change of account A's sales in June 2026."""
    con = build_case(
        {"invoices": list(rows_of_invoices)} | given.pop("feeds", {}),
        periods=["2026-06"],
        tables=["sales_bridge"],
        **given,
    )
    return {(found["plan_version"], found["product_id"]): found for found in fetch(con, "FROM build.sales_bridge")}


def lanes(found: Row) -> dict[str, float]:
    """The lanes that are not 0."""
    return {lane.removesuffix("_effect"): found[lane] for lane in LANES if found[lane]}


def test_a_change_of_the_rate_alone_is_in_the_fx_lane() -> None:
    rates = [
        {"currency": "USD", "rate_date": "2025-06-01", "rate": "0.5"},
        {"currency": "USD", "rate_date": "2026-06-01", "rate": "0.8"},
    ]
    found = bridge(
        invoice("I0", "2025-06-05", currency="USD"),
        invoice("I1", "2026-06-05", currency="USD"),
        feeds={"fx_rates": rates},
    )["prior year", "X"]
    # 100 USD were 50 and are 80.
    assert (found["plan_amount"], found["actual_amount"], lanes(found)) == (50, 80, {"fx": 30})


def test_an_item_of_no_net_quantity_in_either_month_is_an_adjustment_as_a_whole() -> None:
    back = {"document_type": "credit_note", "quantity": 12, "net_amount": 120}
    found = bridge(
        invoice("I0", "2025-06-05"), invoice("C0", "2025-06-06", **back), invoice("I1", "2026-06-05", net_amount=90)
    )["prior year", "X"]
    # 100 less 120 were −20, and 90 are 110 more.
    assert (found["plan_quantity"], found["variance_amount"], lanes(found)) == (-2, 110, {"adjustment": 110})


def test_there_is_no_bridge_to_a_month_before_the_records_begin() -> None:
    found = bridge(invoice("I0", "2026-05-05"), invoice("I1", "2026-06-05", net_amount=120))
    # The price of ten pieces rose by 20.
    assert {version: lanes(row) for (version, _), row in found.items()} == {"prior month": {"price": 20}}


def test_without_a_rate_there_are_no_lanes_and_the_status_says_why() -> None:
    rates = [{"currency": "USD", "rate_date": "2026-06-01", "rate": "0.8"}]
    found = bridge(invoice("I0", "2025-06-05"), invoice("I1", "2026-06-05", currency="USD"), feeds={"fx_rates": rates})[
        "prior year", "X"
    ]
    assert (found["actual_amount"], lanes(found), found["bridge_status"]) == (80, {}, "no rate for USD")


def test_the_bridge_of_orders_counts_orders() -> None:
    order = {"account_id": "A", "product_id": "X", "quantity": 4, "unit_price": 5}
    orders = [
        order | {"order_id": "O0", "order_date": "2025-06-03"},
        order | {"order_id": "O1", "order_date": "2026-06-03", "quantity": 6},
    ]
    found = bridge(invoice("I1", "2026-06-05"), feeds={"orders": orders}, settings={"variance": {"actual": "ordered"}})[
        "prior year", "X"
    ]
    assert (found["plan_amount"], found["actual_amount"], lanes(found)) == (20, 30, {"volume": 10})
