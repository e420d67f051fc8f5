"""What accounts, product lines and projects earn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.marts.test_sales import invoice
from tests.support import build_case, close_plainly, fetch, long, published, write_site

TAMPERINGS = (
    Tampering("product_line_profit.margin_adds_up", "cost_of_goods_amount = cost_of_goods_amount + 0.01"),
    Tampering(
        "product_line_profit.undefined_has_a_reason", "gross_margin_ratio = NULL", "gross_margin_ratio IS NOT NULL"
    ),
    Tampering("product_line_profit.costs_have_a_rate", "gross_margin_amount_reason = 'no rate for USD'"),
    Tampering("account_profit.steps_add_up", "other_amount = other_amount + 0.01"),
    Tampering("account_profit.undefined_has_a_reason", "breakeven_amount_reason = 'none'", "breakeven_amount > 0"),
    Tampering("account_costs.undefined_has_a_reason", "amount = NULL"),
    Tampering("business_cases.cash_adds_up", "cash_to_date_amount = cash_to_date_amount + 0.01"),
    Tampering("business_cases.undefined_has_a_reason", "payback_month = NULL, payback_month_reason = NULL"),
    Tampering("business_case_flows.undefined_has_a_reason", "present_value_reason = 'none'"),
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


def cost(account: str, month: str, cost_type: str, amount: float, **given: Any) -> dict[str, Any]:
    return {"account_id": account, "month": f"{month}-01", "cost_type": cost_type, "amount": amount} | given


def earning() -> dict[str, Any]:
    """A earns; B is not paid for X yet and costs francs; C only gets a visit; D sells at a loss."""
    return {
        "accounts": [{"account_id": "A", "account_name": "Alpha", "target_margin_ratio": 0.5}],
        "products": [{"product_id": "X", "product_line": "Tyres", "standard_cost": 6}],
        "fx_rates": [
            {"currency": "USD", "rate_date": "2026-06-01", "rate": "0.5"},
            {"currency": "USD", "rate_date": "2026-06-30", "rate": "0.9"},
        ],
        "account_costs": [
            # At the rate of the month's end: 100 × 0.9.
            cost("A", "2026-06", "freight", 100, currency="USD"),
            cost("A", "2026-06", "warranty", 10),
            cost("A", "2026-06", "service", 60),
            cost("A", "2026-05", "service", 999),
            cost("D", "2026-06", "other", 5),
        ],
        "visits": [
            {"visit_id": "V1", "account_id": "A", "visit_date": "2026-06-02", "cost": 20, "currency": "USD"},
            {"visit_id": "V2", "account_id": "C", "visit_date": "2026-06-03", "cost": 30},
            # Planned, not held.
            {"visit_id": "V3", "account_id": "A", "planned_date": "2026-06-04", "cost": 70},
        ],
        "invoices": [
            invoice("I1", "2026-06-01", quantity=100, net_amount=1000),
            invoice("I2", "2026-06-02", quantity=10, net_amount=50, account_id="D"),
        ],
        "payments": [
            {"payment_id": "P1", "account_id": "A", "invoice_id": "I1", "payment_date": "2026-06-20", "amount": 400}
        ],
    }


PROFIT = ("account_profit", "account_costs")
STEPS = (
    *("net_sales_amount", "gross_margin_amount", "contribution_amount", "fixed_cost_amount"),
    *("profit_amount", "breakeven_amount"),
)


@pytest.fixture(scope="module")
def earned() -> Iterator[dict[str, dict[str, Any]]]:
    """June 2026 by account; money costs 12 % per year."""
    settings = {"profit": {"receivables_rate": 0.12}}
    with build_case(earning(), settings=settings, periods=["2026-06"], tables=PROFIT) as con:
        yield {row["account_id"]: row for row in fetch(con, "FROM build.account_profit")}


def test_an_account_leaves_what_its_goods_its_sales_and_its_service_do_not_cost(earned: dict[str, Any]) -> None:
    found = earned["A"]
    # 1000 − 600 = 400; less freight of 90 and warranty of 10, 300, which is 0.3 of 1000.
    assert (found["gross_margin_amount"], found["contribution_amount"], found["contribution_ratio"]) == (
        400,
        300,
        Decimal("0.3"),
    )
    # A visit of 20 dollars on 2 June costs 10; 600 are owed, which costs 600 × 0.12 ÷ 12 = 6.
    assert (found["visit_cost_amount"], found["receivables_cost_amount"]) == (10, 6)
    # 60 + 10 + 6 = 76; 300 − 76 = 224; 76 ÷ 0.3 = 253.33.
    assert (found["fixed_cost_amount"], found["profit_amount"]) == (76, 224)
    assert (found["breakeven_amount"], found["profit_note"]) == (Decimal("253.33"), None)
    assert (found["account_name"], found["target_margin_ratio"]) == ("Alpha", Decimal("0.5"))


def test_an_account_without_sales_costs_what_its_visits_cost(earned: dict[str, Any]) -> None:
    assert [earned["C"][name] for name in STEPS] == [0, 0, 0, 30, -30, None]
    assert earned["C"]["breakeven_amount_reason"] == "sales with a cost are not above zero"


def test_an_account_that_sells_at_a_loss_never_breaks_even(earned: dict[str, Any]) -> None:
    # 50 − 60 = −10; 50 are owed, which costs 0.50, and 5 of other costs.
    assert [earned["D"][name] for name in STEPS] == [50, -10, -10, Decimal("5.5"), Decimal("-15.5"), None]
    assert earned["D"]["breakeven_amount_reason"] == "the contribution is not above zero"


def test_what_the_site_does_not_record_is_left_out_and_named() -> None:
    given = earning()
    del given["visits"], given["payments"]
    given["account_costs"].append(cost("D", "2026-06", "freight", 1, currency="CHF"))
    settings = {"profit": {"receivables_rate": 0.12}}
    con = build_case(given, settings=settings, periods=["2026-06"], tables=PROFIT)
    found = {row["account_id"]: row for row in fetch(con, "FROM build.account_profit")}
    # 1000 × 0.12 ÷ 12 = 10, and 60 of service.
    assert (found["A"]["visit_cost_amount"], found["A"]["fixed_cost_amount"]) == (None, 70)
    assert found["A"]["profit_note"] == (
        "visits are left out: the feed visits is not declared; "
        "all that was ever billed counts as owed: the feed payments is not declared"
    )
    # A cost without a rate is unknown, and so is all that contains it; the margin is not.
    assert (found["D"]["gross_margin_amount"], found["D"]["contribution_amount"], found["D"]["profit_amount"]) == (
        -10,
        None,
        None,
    )
    assert found["D"]["profit_amount_reason"] == "no rate for CHF"


def test_receivables_that_nobody_computes_have_no_cost_where_money_costs_something() -> None:
    settings = {"profit": {"receivables_rate": 0.12}, "receivables": {"enabled": False}}
    con = build_case(earning(), settings=settings, periods=["2026-06"], tables=PROFIT)
    found = {row["account_id"]: row for row in fetch(con, "FROM build.account_profit")}["A"]
    assert (found["contribution_amount"], found["profit_amount"]) == (300, None)
    assert found["profit_amount_reason"] == "[receivables] enabled is false"


@long
def test_a_month_earns_the_same_whatever_later_extracts_bring(tmp_path: Any) -> None:
    june = dt.date(2026, 6, 1)
    then, later = earning(), earning()
    later["account_costs"].append(cost("A", "2026-07", "freight", 500))
    later["standard_costs"] = [{"product_id": "X", "valid_from": "2026-07-01", "unit_cost": 9}]
    later["visits"][2]["visit_date"] = "2026-07-02"
    later["invoices"].append(invoice("C1", "2026-07-05", document_type="credit_note", quantity=10, net_amount=100))
    later["payments"].append(
        {"payment_id": "P2", "account_id": "A", "invoice_id": "I1", "payment_date": "2026-07-20", "amount": 600}
    )
    found = []
    for name, given in (("june", then), ("december", later)):
        (tmp_path / name).mkdir()
        site = write_site(
            tmp_path / name,
            {"standard_costs": [], **given},
            settings={"profit": {"receivables_rate": 0.12}},
            feeds=[*given, *(["standard_costs"] if "standard_costs" not in given else [])],
        )
        close_plainly(site, [june])
        found.append(published(site, "FROM reporting.account_profit ORDER BY account_id"))
    assert len(found[0]) == 3
    assert found[0] == found[1]


def flow(month: str, amount: float, case: str = "K", **given: Any) -> dict[str, Any]:
    return {"case_id": case, "month": f"{month}-01", "cash_flow": amount, "account_id": "A"} | given


@pytest.fixture(scope="module")
def cases() -> Iterator[Connection]:
    """June 2026: K of two currencies, EARNS never costs, LOSES never pays back, CHF has no rate."""
    given = {
        "fx_rates": [
            {"currency": "USD", "rate_date": "2026-05-31", "rate": "0.5"},
            {"currency": "USD", "rate_date": "2026-06-30", "rate": "0.8"},
        ],
        "visits": [{"visit_id": "V", "account_id": "A", "visit_date": "2026-05-02"}],
        "business_cases": [
            flow("2025-06", -100, discount_rate=0.21, project_id="P"),
            flow("2026-05", 20, currency="USD"),
            flow("2026-12", 100, currency="USD", discount_rate=0.5),
            flow("2027-06", 30),
            flow("2026-06", 5, "EARNS"),
            flow("2026-06", -5, "LOSES", discount_rate=0.1),
            flow("2026-07", 4.99, "LOSES"),
            flow("2026-06", -5, "CHF", currency="CHF", discount_rate=0.1),
            flow("2026-07", 7, "CHF", discount_rate=0.1),
        ],
    }
    tables = ["business_cases", "business_case_flows"]
    with build_case(given, periods=["2026-06"], tables=tables) as built:
        yield built


def case_of(con: Connection, case: str) -> dict[str, Any]:
    (row,) = fetch(con, f"FROM build.business_cases WHERE case_id = '{case}'")
    return row


def test_past_money_is_compounded_at_its_own_rate_and_later_money_discounted_at_the_newest(cases: Connection) -> None:
    found = fetch(cases, "FROM build.business_case_flows WHERE case_id = 'K' ORDER BY flow_month")
    assert [row["months_ahead"] for row in found] == [-12, -1, 6, 12]
    # 20 × 0.5 of May, 100 × 0.8 of June; the first discount rate counts.
    assert [row["cash_flow_amount"] for row in found] == [-100, 10, 80, 30]
    assert [row["cumulated_amount"] for row in found] == [-100, -90, -10, 20]
    assert {row["discount_rate"] for row in found} == {Decimal("0.21")}
    # −100 × 1.21, 80 ÷ 1.1 since 1.21 ^ 0.5 is 1.1, 30 ÷ 1.21.
    assert [found[i]["present_value"] for i in (0, 2, 3)] == [-121, Decimal("72.727273"), Decimal("24.793388")]
    case = case_of(cases, "K")
    assert (case["project_id"], case["account_id"], case["first_month"]) == ("P", "A", dt.date(2025, 6, 1))
    assert case["remaining_net_present_value"] == Decimal("97.52")
    # 10 × 1.21 ^ (1 ÷ 12) = 10.160119
    assert case["net_present_value"] == Decimal("-13.32")
    assert (case["cash_to_date_amount"], case["remaining_cash_amount"], case["total_cash_amount"]) == (-90, 110, 20)
    assert case["payback_month"] == dt.date(2027, 6, 1)


def test_a_case_that_does_not_pay_back_says_why(cases: Connection) -> None:
    columns = ("payback_month_reason", "net_present_value_reason", "total_cash_amount")
    assert [case_of(cases, "EARNS")[name] for name in columns] == ["never negative", "the case has no discount rate", 5]
    assert [case_of(cases, "LOSES")[name] for name in columns] == ["not paid back", None, Decimal("-0.01")]
    assert [case_of(cases, "CHF")[name] for name in columns] == ["no rate for CHF", "no rate for CHF", None]
    assert case_of(cases, "CHF")["remaining_cash_amount"] == 7
