"""Where the fiscal year will end: sales so far, and what forecasts and plans say of the rest."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.expectations.cases import Tampering
from tests.marts.test_forecast import forecast, sale
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("full_year_outlook.parts_add_up", "rest_amount = rest_amount + 0.01", "outlook_amount IS NOT NULL"),
    Tampering("full_year_outlook.undefined_has_a_reason", "outlook_amount = NULL", "outlook_amount IS NOT NULL"),
)
Row = dict[str, Any]


def plan(month: str, amount: float | None, **given: Any) -> Row:
    return {"plan_version": "AOP", "month": f"{month}-01", "account_id": "A", "amount": amount} | given


def outlook(settings: Any = None, **given: Any) -> dict[tuple[str, str], Row]:
    """By plan version and account, as of October 2026."""
    con = build_case(given, settings=settings, periods=["2026-10"], tables=["full_year_outlook"])
    return {(row["plan_version"], row["account_id"]): row for row in fetch(con, "FROM build.full_year_outlook")}


def test_a_month_to_come_has_the_newest_forecast_else_the_plan() -> None:
    found = outlook(
        invoices=[sale("2026-02", 10, net_amount=100), sale("2026-03", 5, net_amount=40, account_id="B")],
        sales_plan=[
            plan("2026-10", 500),
            plan("2026-11", 600),
            plan("2026-12", 700),
            plan("2026-12", 1, account_id="C"),
        ],
        forecasts=[
            forecast("2026-09", "2026-11", 99),
            forecast("2026-10", "2026-11", 20),
            forecast("2026-10", "2026-11", 7, forecast_step="statistical"),
            forecast("2026-10", "2026-10", 5),
            forecast("2026-11", "2026-12", 8),
        ],
    )
    a = found["AOP", "A"]
    # 20 at the price of February, the last month with sales, 100 ÷ 10; December as planned: November's snapshot is not known yet.
    assert (a["actual_amount"], a["rest_forecast_amount"], a["rest_plan_amount"]) == (100, 200, 700)
    assert (a["snapshot_month"], a["outlook_amount"]) == (dt.date(2026, 10, 1), 1000)
    assert (a["year_plan_amount"], a["outlook_variance_amount"]) == (1800, -800)
    # The version ends with the year.
    assert (a["three_year_plan_amount"], a["three_year_outlook_amount"]) == (None, None)
    assert a["three_year_outlook_amount_reason"] == "the version plans nothing in fiscal year 2027"
    # Sales without a plan, and a plan without sales.
    assert [found["AOP", "B"][name] for name in ("actual_amount", "outlook_amount", "year_plan_amount")] == [40, 40, 0]
    assert [found["AOP", "C"][name] for name in ("actual_amount", "outlook_amount", "year_plan_amount")] == [0, 1, 1]


def test_a_part_without_sales_has_the_price_of_the_plan_else_its_list_price_else_none() -> None:
    given = {
        "products": [{"product_id": "L", "list_price": 4, "currency": "USD"}],
        "fx_rates": [
            {"currency": "USD", "rate_date": "2026-10-01", "rate": "0.5"},
            {"currency": "USD", "rate_date": "2026-11-01", "rate": 9},
            {"currency": "USD", "rate_date": "2026-11-01", "rate": 8, "rate_type": "budget"},
        ],
        "invoices": [sale("2026-10", 3, document_type="credit_note", product_id="P", net_amount=30)],
        "sales_plan": [
            plan("2026-10", 1, product_id="P", quantity=1),
            plan("2026-11", None, product_id="P", quantity=2, unit_price=6, currency="USD"),
        ],
    }
    forecasts = [forecast("2026-10", "2026-11", 10), forecast("2026-10", "2026-11", 10, product_id="L")]
    a = outlook(**given, forecasts=forecasts)["AOP", "A"]
    # Returns have no price. 10 at 6 USD and 10 at 4 USD, both at the rate that October knows.
    assert (a["actual_amount"], a["rest_forecast_amount"], a["year_plan_amount"]) == (-30, 50, 7)
    a = outlook(**given, forecasts=[*forecasts, forecast("2026-10", "2026-12", 1, product_id="N")])["AOP", "A"]
    assert (a["rest_amount"], a["rest_amount_reason"]) == (None, "no price for the part N")
    assert (a["outlook_variance_amount"], a["outlook_variance_amount_reason"]) == (None, "no price for the part N")


def test_the_first_step_of_the_settings_and_a_fiscal_year_that_is_not_the_calendar_s() -> None:
    found = outlook(
        settings={
            "site": {"name": "test", "fiscal_year_start_month": 10},
            "forecast": {"steps": ["statistical", "sales"]},
            "variance": {"plan_scope": {"part": "planned keys"}},
        },
        invoices=[
            sale("2026-09", 1, net_amount=1000),
            sale("2026-10", 1, net_amount=10),
            sale("2026-10", 1, product_id="Q"),
        ],
        sales_plan=[
            plan(month, 100, plan_version=version, product_id="P")
            for version in ("all", "part")
            for month in ("2026-10", "2027-09", "2027-10", "2028-10")
        ],
        forecasts=[
            forecast("2026-10", "2026-11", 50),
            forecast("2026-10", "2026-11", 2, forecast_step="statistical"),
            forecast("2026-10", "2026-11", 3, forecast_step="statistical", product_id="Q"),
            forecast("2026-10", "2027-10", 7, forecast_step="statistical"),
        ],
    )
    everything, part = found["all", "A"], found["part", "A"]
    # October 10 and 1; November 2 × 10 and 3 × 1, September 2027 as planned.
    assert (everything["actual_amount"], everything["rest_forecast_amount"], everything["rest_plan_amount"]) == (
        11,
        23,
        100,
    )
    # October 2027 is forecast: 70 instead of 100.
    assert (everything["three_year_plan_amount"], everything["three_year_outlook_amount"]) == (
        400,
        11 + 23 + 100 + 70 + 100,
    )
    # Part Q is outside the plan of part P: neither its sales nor its forecast count.
    assert (part["actual_amount"], part["rest_forecast_amount"], part["outlook_amount"]) == (10, 20, 130)
