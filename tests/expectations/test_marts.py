"""Each rule of the marts: what the models build passes, and a candidate that is tampered with fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from expectations import CheckResult, validate
from expectations.feeds import FEED_SUITES
from expectations.marts import MART_SUITES, mart_suites
from kam.build import marts
from kam.warehouse import Connection
from tests.expectations.cases import outcome, passed, sample_keys
from tests.support import build_case, long, settings_of

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)

# Two accounts, a dollar invoice, part payments, a plan that is missed, late goods, a visit and a forecast.
BOOKS = {
    "accounts": [{"account_id": "A", "account_manager": "Ito", "credit_limit": "500"}, {"account_id": "B"}],
    "products": [{"product_id": "X", "product_line": "Glass"}, {"product_id": "Y", "product_line": "Rubber"}],
    "fx_rates": [
        {"currency": "USD", "rate_date": "2026-05-01", "rate": "0.9"},
        {"currency": "USD", "rate_date": "2026-06-01", "rate": "0.8"},
    ],
    "invoices": [
        {
            "invoice_id": "I1",
            "account_id": "A",
            "product_id": "X",
            "quantity": "5",
            "invoice_date": "2026-05-03",
            "due_date": "2026-05-20",
            "net_amount": "100",
            "tax_amount": "19",
        },
        {
            "invoice_id": "I2",
            "account_id": "B",
            "product_id": "Y",
            "quantity": "3",
            "invoice_date": "2026-05-04",
            "due_date": "2026-06-10",
            "net_amount": "99.99",
            "currency": "USD",
        },
        {
            "invoice_id": "I3",
            "account_id": "A",
            "product_id": "Y",
            "quantity": "7",
            "invoice_date": "2026-06-03",
            "due_date": "2026-07-03",
            "net_amount": "210",
            "disputed": "true",
        },
        {
            "invoice_id": "C1",
            "document_type": "credit_note",
            "account_id": "A",
            "product_id": "Y",
            "quantity": "1",
            "invoice_date": "2026-06-20",
            "net_amount": "30",
            "reference_invoice_id": "I3",
        },
    ],
    "payments": [
        {"payment_id": "P1", "account_id": "A", "invoice_id": "I1", "payment_date": "2026-06-05", "amount": "60"},
        {"payment_id": "P2", "account_id": "B", "payment_date": "2026-06-06", "amount": "10"},
    ],
    "orders": [
        {
            "order_id": "O1",
            "account_id": "A",
            "product_id": "X",
            "order_date": "2026-05-02",
            "promised_date": "2026-06-09",
            "quantity": "5",
            "unit_price": "20",
        },
        {
            "order_id": "O2",
            "account_id": "A",
            "product_id": "Y",
            "order_date": "2026-05-02",
            "promised_date": "2026-06-09",
            "quantity": "5",
            "unit_price": "30",
        },
    ],
    "deliveries": [
        {
            "delivery_id": "D1",
            "order_id": "O1",
            "delivered_date": "2026-06-09",
            "quantity": "5",
            "rejected_quantity": "1",
        },
        {"delivery_id": "D2", "order_id": "O2", "delivered_date": "2026-06-12", "quantity": "4"},
    ],
    "visits": [{"visit_id": "V1", "account_id": "A", "visit_date": "2026-06-05", "rating_quality": "80"}],
    "sales_plan": [
        {
            "plan_version": "B",
            "month": "2026-05-01",
            "account_id": "A",
            "product_id": "X",
            "quantity": "4",
            "unit_price": "21",
        },
        {
            "plan_version": "B",
            "month": "2026-06-01",
            "account_id": "A",
            "product_id": "X",
            "quantity": "4",
            "unit_price": "21",
        },
        {
            "plan_version": "B",
            "month": "2026-06-01",
            "account_id": "A",
            "product_id": "Y",
            "quantity": "5",
            "unit_price": "29",
        },
    ],
    "forecasts": [
        {
            "snapshot_month": "2026-05-01",
            "target_month": "2026-06-01",
            "account_id": "A",
            "product_id": "X",
            "quantity": "4",
        },
        {
            "snapshot_month": "2026-05-01",
            "target_month": "2026-06-01",
            "account_id": "A",
            "product_id": "Y",
            "quantity": "9",
        },
    ],
}


@pytest.fixture(scope="module")
def books() -> Connection:
    return build_case(BOOKS, periods=["2026-05", "2026-06"])


@pytest.fixture
def con(books: Connection) -> Iterator[Connection]:
    """The candidates, to tamper with; undone after the test."""
    books.execute("BEGIN")
    yield books
    books.execute("ROLLBACK")


def check(con: Connection, rule: str) -> CheckResult:
    return outcome(con, MART_SUITES, rule)


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [rule.name for suite in (*FEED_SUITES, *MART_SUITES) for rule in suite.rules]
    assert len(set(names)) == len(names)


def test_every_mart_has_a_suite() -> None:
    assert sorted(suite.name for suite in MART_SUITES) == [mart.name for mart in marts()]


def test_every_mart_with_accounts_is_held_to_naming_them() -> None:
    held = {suite.name for suite in MART_SUITES for rule in suite.rules if rule.name.endswith(".account_is_given")}
    assert held == {mart.name for mart in marts() if "account_id" in {column.name for column in mart.columns}}


def test_marts_that_the_site_cannot_fill_are_left_out() -> None:
    names = {suite.name for suite in mart_suites(settings_of(feeds=["invoices"]).available)}
    assert "receivables_ageing" in names
    assert "vendor_rating" not in names


def test_what_the_models_build_breaks_no_rule(books: Connection) -> None:
    results = validate(books, mart_suites(settings_of().available))
    assert [(result.name, sample_keys(result)) for result in results if not passed(result)] == []
    checked = {result.table: result.checked_count for result in results}
    assert checked["build.receivables_ageing"] > 0
    assert checked["build.sales_plan_variance"] > 0
    assert checked["build.vendor_rating"] > 0
    assert checked["build.forecast_accuracy"] > 0


@long
def test_months_without_anything_break_no_rule() -> None:
    con = build_case(
        {"visits": [{"visit_id": "V", "account_id": "A", "visit_date": "2026-06-05"}]}, periods=["2026-06"]
    )
    assert [result.name for result in validate(con, MART_SUITES) if not passed(result)] == []


# One tampering for each rule is in tests/marts; these are other ways in which some of them fail.
@pytest.mark.parametrize(
    ("rule", "tampering"),
    [
        ("receivables_ageing.every_item_has_its_bucket", "UPDATE build.receivables_ageing SET bucket = NULL"),
        ("receivables_summary.buckets_add_up_the_items", "DELETE FROM build.receivables_summary"),
        (
            "receivables_rollforward.difference_is_zero",
            "UPDATE build.receivables_rollforward SET difference_doc = 0.01",
        ),
        (
            "receivables_rollforward.closes_on_the_open_items",
            "UPDATE build.receivables_ageing SET outstanding_amount_doc = outstanding_amount_doc + 0.01",
        ),
        ("receivables_rollforward.closes_on_the_open_items", "DELETE FROM build.receivables_rollforward"),
        ("sales_plan_variance.lanes_add_up", "UPDATE build.sales_plan_variance SET ytd_mix_effect = NULL"),
        ("sales_plan_summary.adds_up_the_rows", "DELETE FROM build.sales_plan_summary"),
    ],
)
def test_a_candidate_that_is_tampered_with_stops_the_month(con: Connection, rule: str, tampering: str) -> None:
    assert passed(check(con, rule))
    con.execute(tampering)
    assert check(con, rule).stops(JUNE)


def test_a_row_of_a_month_that_is_not_built_stops_all_that_are(con: Connection) -> None:
    con.execute("UPDATE build.receivables_ageing SET period_month = '2026-07-01' WHERE document_id = 'I2'")
    result = check(con, "receivables_ageing.rows_are_of_the_months")
    assert result.stops(MAY)
    assert result.stops(JUNE)
    assert {keys["row_month"] for keys in sample_keys(result)} == {"2026-07-01"}


def test_an_account_whose_items_and_ledger_differ_by_a_cent_is_named_with_both_figures(con: Connection) -> None:
    con.execute(
        "UPDATE build.receivables_ageing SET outstanding_amount_doc = outstanding_amount_doc + 0.01 "
        "WHERE document_id = 'I1' AND period_month = '2026-06-01'"
    )
    result = check(con, "receivables_rollforward.closes_on_the_open_items")
    assert result.failed_by_month == {JUNE: 1}
    (keys,) = sample_keys(result)
    # 119 less 60 paid, and 210 less 30 credited.
    assert (keys["account_id"], keys["currency"], keys["closing_amount_doc"], keys["item_amount_doc"]) == (
        "A",
        "EUR",
        "239.0000",
        "239.0100",
    )


def test_a_month_that_does_not_open_on_what_the_one_before_closed_with_is_stopped(con: Connection) -> None:
    con.execute("DELETE FROM build.receivables_rollforward WHERE period_month = '2026-05-01' AND account_id = 'B'")
    result = check(con, "receivables_rollforward.opens_on_the_last_closing")
    assert result.failed_by_month == {JUNE: 1}
    assert sample_keys(result)[0]["account_id"] == "B"


def test_the_first_month_opens_on_the_version_published_before(con: Connection) -> None:
    con.execute("DELETE FROM build.periods WHERE period_month = '2026-05-01'")
    con.execute("UPDATE build.periods SET previous_version = 2")
    con.execute(
        "INSERT INTO marts.receivables_rollforward BY NAME SELECT *, 2 AS close_version "
        "FROM build.receivables_rollforward WHERE period_month = '2026-05-01'"
    )
    con.execute("DELETE FROM build.receivables_rollforward WHERE period_month = '2026-05-01'")
    assert passed(check(con, "receivables_rollforward.opens_on_the_last_closing"))
    con.execute("UPDATE marts.receivables_rollforward SET closing_amount_doc = 1 WHERE account_id = 'A'")
    assert check(con, "receivables_rollforward.opens_on_the_last_closing").failed_by_month == {JUNE: 1}
