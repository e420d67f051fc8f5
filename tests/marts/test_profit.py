"""What each product line leaves over the cost of its goods."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.expectations.cases import Tampering
from tests.marts.test_sales import invoice
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("product_line_profit.margin_adds_up", "cost_of_goods_amount = cost_of_goods_amount + 0.01"),
    Tampering(
        "product_line_profit.undefined_has_a_reason", "gross_margin_ratio = NULL", "gross_margin_ratio IS NOT NULL"
    ),
)


def profit(**given: Any) -> dict[str, dict[str, Any]]:
    """By product line, June 2026."""
    con = build_case(given, periods=["2026-06"], tables=["product_line_profit"])
    return {row["product_line"]: row for row in fetch(con, "FROM build.product_line_profit")}


def test_goods_cost_their_standard_cost_and_what_has_none_is_left_out_of_the_margin() -> None:
    found = profit(
        products=[
            {"product_id": "X", "product_line": "Tyres", "standard_cost": 8, "currency": "USD"},
            {"product_id": "Y", "product_line": "Tyres"},
        ],
        fx_rates=[{"currency": "USD", "rate_date": "2026-06-01", "rate": "0.5"}],
        invoices=[
            invoice("I1", "2026-06-01"),
            invoice("I2", "2026-06-02", product_id="Y", net_amount=30),
            invoice("C1", "2026-06-03", document_type="credit_note", quantity=2, net_amount=20),
            invoice("C2", "2026-06-04", document_type="credit_note", quantity=None, net_amount=5),
            invoice("C3", "2026-06-05", document_type="credit_note", quantity=None, net_amount=7, product_id=None),
        ],
    )
    tyres, rebate = found["Tyres"], found["unknown"]
    # X: 100 − 20 − 5 of sales; 8 pieces at 4 cost 32. Y: 30 without a cost.
    assert (tyres["net_sales_amount"], tyres["uncosted_amount"], tyres["cost_of_goods_amount"]) == (105, 30, 32)
    assert (tyres["gross_margin_amount"], tyres["gross_margin_ratio"]) == (43, Decimal("0.573333"))
    # A rebate without a part takes off the margin.
    assert (rebate["net_sales_amount"], rebate["uncosted_amount"], rebate["gross_margin_amount"]) == (-7, 0, -7)
    assert rebate["gross_margin_ratio"] is None


def test_without_costs_there_is_no_margin_and_few_prices_have_no_slope() -> None:
    found = profit(invoices=[invoice("I1", "2026-06-01"), invoice("I2", "2025-07-01", net_amount=80)])["unknown"]
    assert (found["net_sales_amount"], found["gross_margin_amount"]) == (100, None)
    assert found["gross_margin_amount_reason"] == "the feed products is not declared"
    assert (found["price_count"], found["price_elasticity"]) == (2, None)
    assert found["price_elasticity_reason"] == "fewer than 4 prices in the trailing 12 months"
    found = profit(products=[{"product_id": "X"}], invoices=[invoice("I1", "2026-06-01")])["unknown"]
    assert (found["uncosted_amount"], found["gross_margin_amount"]) == (100, 0)
    assert found["gross_margin_ratio_reason"] == "sales with a cost are not above zero"


def test_goods_cost_what_is_valid_on_the_day_of_their_invoice() -> None:
    found = profit(
        products=[
            {"product_id": "X", "product_line": "Tyres", "standard_cost": 99},
            {"product_id": "Y", "product_line": "Hoses"},
            {"product_id": "Z", "product_line": "Seals", "standard_cost": 2},
            {"product_id": "W", "product_line": "Mats", "standard_cost": 6},
        ],
        fx_rates=[{"currency": "USD", "rate_date": "2026-06-01", "rate": "0.5"}],
        standard_costs=[
            {"product_id": "X", "valid_from": "2015-01-01", "unit_cost": 6},
            {"product_id": "X", "valid_from": "2026-06-15", "unit_cost": 7},
            {"product_id": "X", "valid_from": "2026-07-01", "unit_cost": 50},
            {"product_id": "Y", "valid_from": "2026-06-15", "unit_cost": 8, "currency": "USD"},
            {"product_id": "Z", "valid_from": "2026-06-15", "unit_cost": 3},
            {"product_id": "W", "valid_from": "2026-06-15", "unit_cost": 7},
        ],
        invoices=[
            invoice("I1", "2026-06-10", quantity=100, net_amount=1000),
            invoice("I2", "2026-06-15", quantity=100, net_amount=1000),
            invoice("C1", "2026-06-25", document_type="credit_note", quantity=10, net_amount=100),
            # Without a cost until the 15th, and 4 euros from then on.
            invoice("I3", "2026-06-14", quantity=5, net_amount=60, product_id="Y"),
            invoice("I4", "2026-06-15", quantity=5, net_amount=61, product_id="Y"),
            # The master's cost before the first one that has a date.
            invoice("I5", "2026-06-14", quantity=5, net_amount=20, product_id="Z"),
            invoice("I6", "2026-06-16", quantity=5, net_amount=20, product_id="Z"),
            # Sold, and taken back when it costs more.
            invoice("I7", "2026-06-14", quantity=5, net_amount=20, product_id="W"),
            invoice("C7", "2026-06-16", document_type="credit_note", quantity=5, net_amount=20, product_id="W"),
        ],
    )
    columns = ("net_sales_amount", "uncosted_amount", "cost_of_goods_amount", "gross_margin_amount")
    # 100 × 6 + 100 × 7 − 10 × 7 = 1230
    assert [found["Tyres"][name] for name in columns] == [1900, 0, 1230, 670]
    assert [found["Hoses"][name] for name in columns] == [121, 60, 20, 41]
    # 5 × 2 + 5 × 3
    assert [found["Seals"][name] for name in columns] == [40, 0, 25, 15]
    # 5 × 6 − 5 × 7
    assert [found["Mats"][name] for name in columns] == [0, 0, -5, 5]


def test_costs_with_dates_do_without_the_master_and_need_a_rate() -> None:
    found = profit(
        standard_costs=[
            {"product_id": "X", "valid_from": "2026-01-01", "unit_cost": 6, "currency": "USD"},
        ],
        invoices=[invoice("I1", "2026-06-01")],
    )["unknown"]
    assert (found["gross_margin_amount"], found["gross_margin_amount_reason"]) == (None, "no rate for USD")
