"""Each rule of the feeds: good rows pass, and one broken row fails with its count, month and key."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from expectations import CheckResult, Severity, feeds, validate
from expectations.checks import rule_from_file
from expectations.feeds import FEED_SUITES, feed_suites
from expectations.feeds.common import all_rows, has_rows, of_the_months, product_is_known
from expectations.feeds.events import (
    accounts_have_rows,
    is_fresh,
    not_in_the_future,
    price_is_usual,
    quantity_is_usual,
    row_count_is_usual,
)
from expectations.rules import Owner
from kam.site import FEEDS, Events
from kam.warehouse import SQL
from tests.expectations.cases import Given, loaded, outcome, passed, sample_keys
from tests.feeds import CASES
from tests.support import long, stage

MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)
Row = dict[str, Any]


def check(rule: str, given: Given, *periods: str) -> CheckResult:
    return outcome(loaded(given, *(periods or ("2026-06",))), FEED_SUITES, rule)


def keys(result: CheckResult) -> list[Mapping[str, Any]]:
    return [{name: value for name, value in keys.items() if name != "period_month"} for keys in sample_keys(result)]


def invoice(invoice_id: str = "I1", **columns: Any) -> Row:
    dates = {"invoice_date": "2026-06-10", "due_date": "2026-07-10"}
    return {"invoice_id": invoice_id, "account_id": "A", "net_amount": "100"} | dates | columns


def payment(payment_id: str = "P1", **columns: Any) -> Row:
    paid = {"invoice_id": "I1", "payment_date": "2026-06-20", "amount": "100"}
    return {"payment_id": payment_id, "account_id": "A"} | paid | columns


def order(order_id: str = "O1", **columns: Any) -> Row:
    return {"order_id": order_id, "account_id": "A", "order_date": "2026-06-10", "quantity": "5"} | columns


def delivery(**columns: Any) -> Row:
    return {"delivery_id": "D1", "order_id": "O1", "delivered_date": "2026-06-12", "quantity": "5"} | columns


def plan(**columns: Any) -> Row:
    return {"plan_version": "B", "month": "2026-06-01", "amount": "100"} | columns


def test_every_rule_says_what_it_means_and_has_a_name_of_its_own() -> None:
    rules = [rule for suite in FEED_SUITES for rule in suite.rules]
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.sentence.endswith(".")
        assert rule.if_it_fails.endswith(".")


def test_every_feed_has_a_suite() -> None:
    assert {suite.name for suite in FEED_SUITES} == {*FEEDS, "loads", "corrections", "currencies", "identifiers"}


def test_every_file_of_checks_can_be_read_as_a_rule() -> None:
    for file in (SQL / "checks").glob("*.*.sql"):
        assert rule_from_file(file.stem).name == file.stem


def test_a_suite_of_an_undeclared_feed_is_left_out() -> None:
    names = [suite.name for suite in feed_suites({"invoices"})]
    assert names == ["currencies", "identifiers", "loads", "invoices"]


def test_a_missing_master_is_not_held_against_the_rows() -> None:
    without = {rule.name for suite in feed_suites({"invoices"}) for rule in suite.rules}
    with_accounts = {rule.name for suite in feed_suites({"invoices", "accounts"}) for rule in suite.rules}
    assert "invoices.account_is_known" not in without
    assert "invoices.account_is_known" in with_accounts


def test_a_clean_month_breaks_no_rule() -> None:
    given = {feed: case.clean for feed, case in CASES.items()}
    results = validate(loaded(given, "2026-06"), feed_suites(FEEDS.keys()))
    assert [result.name for result in results if not passed(result)] == []
    assert {result.checked_count for result in results if result.suite == "invoices"} == {1}


def test_the_rows_of_every_feed_of_events_are_counted() -> None:
    con = loaded({feed: case.clean for feed, case in CASES.items()}, "2026-06")
    counted = dict(con.execute("SELECT feed, sum(row_count) FROM core.feed_activity GROUP BY feed").fetchall())
    assert counted == {feed: len(CASES[feed].clean) for feed in FEEDS if FEEDS[feed].events}


@pytest.mark.parametrize(
    ("make", "lacking"),
    [
        (lambda: is_fresh("issues", Owner.QUALITY, days=7), r"rule issues\.is_fresh needs events"),
        (lambda: row_count_is_usual("forecasts", Owner.DATA), r"rule forecasts\.row_count_is_usual needs events"),
        (lambda: not_in_the_future("products", Owner.DATA), r"rule products\.not_in_the_future needs the date of an event"),
        (lambda: accounts_have_rows("deliveries", Owner.LOGISTICS), r"deliveries\.accounts_have_rows needs the column account_id"),
        (lambda: quantity_is_usual("payments", Owner.DATA, shown_in="Cash"), r"quantity_is_usual needs the column product_id"),
        (lambda: price_is_usual("visits", Owner.DATA, shown_in="Costs"), r"visits\.price_is_usual needs the column product_id"),
        (lambda: has_rows("accounts", Owner.DATA), r"rule accounts\.has_rows needs a business date"),
        (lambda: product_is_known("visits"), r"rule visits\.product_is_known needs the column product_id"),
        (lambda: of_the_months("instalments"), r"rule instalments\.batch needs a business date"),
        (lambda: all_rows("orders"), r"rows of orders belong to months, by order_date"),
    ],
)  # fmt: skip
def test_a_rule_for_a_feed_that_lacks_what_the_rule_needs_cannot_be_made(
    make: Callable[[], object], lacking: str
) -> None:
    with pytest.raises(ValueError, match=lacking):
        make()


@pytest.mark.parametrize(
    ("events", "lacking"),
    [
        (Events(unit_price="unit_price"), r"orders\.price_is_usual needs a quantity.*kam/site/feeds\.py"),
        (Events(quantity="quantity"), r"orders\.price_is_usual needs a price.*expectations/feeds/orders\.py"),
    ],
)
def test_a_usual_price_needs_a_quantity_and_a_price(
    monkeypatch: pytest.MonkeyPatch, events: Events, lacking: str
) -> None:
    monkeypatch.setattr("expectations.feeds.events.FEEDS", {**FEEDS, "orders": replace(FEEDS["orders"], events=events)})
    with pytest.raises(ValueError, match=lacking):
        price_is_usual("orders", Owner.DATA, shown_in="Sales")


def test_a_feed_without_rules_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "FEEDS", {**FEEDS, "price_lists": FEEDS["orders"]})
    with pytest.raises(
        LookupError, match=r"the feed price_lists has no rules: write expectations/feeds/price_lists\.py"
    ):
        feeds._found()  # noqa: SLF001 - runs at import


@long
def test_the_empty_warehouse_month_breaks_completeness_only() -> None:
    results = validate(
        loaded({"visits": [{"visit_id": "V", "account_id": "A", "visit_date": "2026-06-03"}]}, "2026-06"), FEED_SUITES
    )
    broken = {result.name: result.severity for result in results if not passed(result)}
    assert all(name.endswith((".has_rows", ".account_is_known")) for name in broken)
    assert Severity.CRITICAL not in broken.values()


def test_a_month_without_rows_of_a_declared_feed_is_a_warning_for_that_month() -> None:
    result = check(
        "invoices.has_rows",
        {"invoices": [invoice()], "payments": [payment(payment_date="2026-07-02")]},
        "2026-06",
        "2026-07",
    )
    assert result.severity is Severity.WARNING
    assert result.failed_by_month == {JULY: 1}


def test_rows_of_other_months_are_not_checked() -> None:
    given = {"invoices": [invoice("old", invoice_date="2026-05-10", due_date="2026-05-01"), invoice()]}
    result = check("invoices.due_on_or_after_invoice_date", given)
    assert passed(result)
    assert result.checked_count == 1


def test_an_unknown_account_is_one_failure_however_many_rows_it_has() -> None:
    given = {
        "accounts": [{"account_id": "A"}],
        "invoices": [invoice("I1", account_id="B"), invoice("I2", account_id="B"), invoice("I3")],
    }
    result = check("invoices.account_is_known", given)
    assert (result.severity, result.failed_count, result.checked_count) == (Severity.WARNING, 1, 3)
    assert keys(result) == [{"account_id": "B", "row_count": 2}]


def test_an_unknown_product_is_named_and_a_line_without_product_is_not() -> None:
    given = {"products": [{"product_id": "X"}], "orders": [order("1", product_id="Y"), order("2")]}
    assert keys(check("orders.product_is_known", given)) == [{"product_id": "Y", "row_count": 1}]


def test_a_key_that_is_current_twice_stops_the_month() -> None:
    result = check("invoices.key_is_unique", {"invoices": [invoice(), invoice(), invoice("I2")]})
    assert result.stops(JUNE)
    assert keys(result) == [{"invoice_id": "I1", "line_no": 1}]


def test_a_due_date_before_the_invoice_date_counts_once_a_document() -> None:
    lines = [
        invoice(due_date="2026-06-09"),
        invoice(due_date="2026-06-09", line_no="2"),
        invoice("I2", due_date="2026-06-10"),
    ]
    result = check("invoices.due_on_or_after_invoice_date", {"invoices": lines})
    assert keys(result) == [{"invoice_id": "I1", "invoice_date": "2026-06-10", "due_date": "2026-06-09"}]


def test_an_invoice_without_due_date_is_information() -> None:
    lines = [invoice(due_date=None), invoice("C", due_date=None, document_type="credit_note")]
    result = check("invoices.due_date_is_given", {"invoices": lines})
    assert result.severity is Severity.INFO
    assert keys(result) == [{"invoice_id": "I1", "account_id": "A"}]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("account_id", "B"),
        ("invoice_date", "2026-06-11"),
        ("due_date", "2026-07-11"),
        ("due_date", None),
        ("currency", "USD"),
        ("document_type", "debit_note"),
    ],
)
def test_lines_that_disagree_about_their_document_stop_the_month(column: str, value: str | None) -> None:
    changed: dict[str, Any] = {column: value}
    lines = [invoice(), invoice(line_no="2", **changed), invoice("I2"), invoice("I2", line_no="2")]
    result = check("invoices.header_agrees", {"invoices": lines})
    assert result.stops(JUNE)
    assert keys(result) == [{"invoice_id": "I1", "differing_columns": column}]


def test_a_document_dated_in_two_months_stops_both() -> None:
    lines = [invoice(), invoice(line_no="2", invoice_date="2026-07-01")]
    result = check("invoices.header_agrees", {"invoices": lines}, "2026-06", "2026-07")
    assert result.failed_by_month == {JUNE: 1, JULY: 1}


def test_a_document_total_that_its_lines_miss_by_a_cent_stops_the_month() -> None:
    lines = [
        invoice("I1", invoice_total="119.01", tax_amount="19"),
        invoice("I2", invoice_total="200.00"),
        invoice("I2", line_no="2", invoice_total="200.00"),
        invoice("I3"),
    ]
    result = check("invoices.total_matches_lines", {"invoices": lines})
    assert result.stops(JUNE)
    assert keys(result) == [{"invoice_id": "I1", "lines_amount_doc": "119.0000", "invoice_total": "119.0100"}]


def test_instalments_that_do_not_add_up_are_reported_in_the_month_of_the_invoice() -> None:
    given = {
        "invoices": [invoice(), invoice("I2")],
        "instalments": [
            {"invoice_id": "I1", "instalment_no": "1", "due_date": "2026-07-10", "amount": "60"},
            {"invoice_id": "I1", "instalment_no": "2", "due_date": "2026-08-10", "amount": "30"},
            {"invoice_id": "I2", "instalment_no": "1", "due_date": "2026-07-10", "amount": "100"},
        ],
    }
    result = check("instalments.add_up_to_the_invoice", given)
    assert (result.severity, result.checked_count) == (Severity.WARNING, 3)
    assert result.failed_by_month == {JUNE: 1}
    assert keys(result) == [{"invoice_id": "I1", "instalments_amount_doc": "90.0000", "gross_amount_doc": "100.0000"}]


def test_an_instalment_of_an_unknown_invoice_is_named_in_the_month_it_falls_due() -> None:
    given = {
        "invoices": [invoice()],
        "instalments": [{"invoice_id": "?", "instalment_no": "1", "due_date": "2026-06-30", "amount": "1"}],
    }
    assert keys(check("instalments.invoice_is_known", given)) == [{"invoice_id": "?", "instalment_no": 1}]


def test_a_payment_for_an_unknown_invoice_is_named_and_unapplied_cash_is_not() -> None:
    given = {
        "invoices": [invoice()],
        "payments": [payment(), payment("P2", invoice_id="?"), payment("P3", invoice_id=None)],
    }
    result = check("payments.invoice_is_known", given)
    assert result.severity is Severity.WARNING
    assert keys(result) == [{"payment_id": "P2", "line_no": 1, "invoice_id": "?", "amount": "100.0000"}]


def test_a_payment_in_another_currency_than_its_invoice_is_named() -> None:
    given = {
        "invoices": [invoice()],
        "payments": [payment(), payment("P2", currency="USD"), payment("P3", currency="EUR")],
    }
    assert [row["payment_id"] for row in keys(check("payments.currency_is_the_invoices", given))] == ["P2"]


def test_a_parent_that_pays_is_information() -> None:
    given = {"invoices": [invoice()], "payments": [payment(), payment("P2", account_id="parent")]}
    result = check("payments.account_is_the_invoices", given)
    assert result.severity is Severity.INFO
    assert [(row["payment_id"], row["invoice_account_id"]) for row in keys(result)] == [("P2", "A")]


def test_payments_above_the_invoice_are_reported_in_the_month_that_exceeds_it() -> None:
    payments = [
        payment("P1", payment_date="2026-05-20", amount="60"),
        payment("P2", amount="40.01"),
        payment("P3", amount="500", currency="USD"),
    ]
    given = {"invoices": [invoice(invoice_date="2026-05-01")], "payments": payments}
    result = check("payments.within_the_invoice", given, "2026-05", "2026-06")
    assert result.failed_by_month == {JUNE: 1}
    assert keys(result) == [{"invoice_id": "I1", "paid_amount_doc": "100.0100", "gross_amount_doc": "100.0000"}]


def test_a_refund_takes_the_excess_back() -> None:
    payments = [payment("P1", amount="150"), payment("P2", amount="50", payment_type="refund")]
    assert passed(check("payments.within_the_invoice", {"invoices": [invoice()], "payments": payments}))


def test_a_currency_without_any_rate_stops_the_month() -> None:
    given = {
        "invoices": [invoice("I1", currency="USD"), invoice("I2", currency="GBP"), invoice("I3")],
        "fx_rates": [{"currency": "GBP", "rate_date": "2026-06-30", "rate": "1.2"}],
    }
    result = check("currencies.have_a_rate", given)
    assert result.stops(JUNE)
    assert keys(result) == [{"currency": "USD", "used_in": "invoices"}]


def test_a_rate_that_comes_after_the_month_end_does_not_help_that_month() -> None:
    given = {
        "invoices": [invoice(currency="USD")],
        "fx_rates": [{"currency": "USD", "rate_date": "2026-07-01", "rate": "0.9"}],
    }
    assert check("currencies.have_a_rate", given, "2026-06", "2026-07").failed_by_month == {JUNE: 1}


def test_a_plan_with_its_own_rate_needs_no_other() -> None:
    given = {"sales_plan": [plan(currency="USD", fx_rate="0.9")]}
    assert passed(check("currencies.have_a_rate", given))


def test_a_currency_with_an_average_rate_only_is_a_warning() -> None:
    given = {
        "invoices": [invoice("I1", currency="USD")],
        "fx_rates": [{"currency": "USD", "rate_date": "2026-06-30", "rate": "0.9", "rate_type": "average"}],
    }
    result = check("currencies.have_a_spot_rate", given)
    assert result.severity is Severity.WARNING
    assert [row["currency"] for row in keys(result)] == ["USD"]


def _rates(*given: tuple[str, str]) -> list[Row]:
    return [{"currency": currency, "rate_date": day, "rate": "0.9"} for currency, day in given]


@pytest.mark.parametrize(
    ("rates", "old"),
    [
        # 45 days before 30 June is 16 May.
        (_rates(("USD", "2026-05-16")), []),
        (_rates(("USD", "2026-05-15")), ["USD"]),
        (_rates(("USD", "2023-01-31"), ("USD", "2026-07-01")), ["USD"]),
        # Nobody owes or pays in it.
        (_rates(("USD", "2026-06-30"), ("TRY", "2023-01-31")), []),
    ],
)
def test_a_rate_is_not_older_than_45_days_at_the_month_end(rates: list[Row], old: list[str]) -> None:
    given = {"invoices": [invoice("I1", currency="USD", invoice_date="2026-01-10")], "fx_rates": rates}
    result = check("currencies.rate_is_recent", given)
    assert result.severity is Severity.WARNING
    assert [row["currency"] for row in keys(result)] == old


@pytest.mark.parametrize(
    ("due", "delivered", "names"),
    [
        ("2026-06-14", "2026-06-15", ["O1"]),
        ("2026-06-13", "2026-06-15", ["O1"]),
        ("2026-06-14", "2026-06-14", []),
        ("2026-06-14", "2026-06-16", []),
        ("2026-06-12", "2026-06-15", []),
    ],
)
def test_a_line_is_not_late_only_because_it_was_due_on_a_weekend(due: str, delivered: str, names: list[str]) -> None:
    given = {"orders": [order(promised_date=due)], "deliveries": [delivery(delivered_date=delivered)]}
    assert [row["order_id"] for row in keys(check("orders.late_on_a_working_day", given))] == names


def test_documents_before_the_first_rate_are_named_with_their_amounts() -> None:
    given = {
        "invoices": [
            invoice("I1", currency="USD", invoice_date="2026-06-02"),
            invoice("I2", currency="USD", invoice_date="2026-06-20"),
            invoice("I3", currency="USD", invoice_date="2026-02-20"),
        ],
        "payments": [payment("P1", currency="USD", payment_date="2026-06-03", amount="7")],
        "fx_rates": _rates(("USD", "2026-06-10")),
    }
    result = check("currencies.have_a_rate_at_the_document_date", given, "2026-06")
    assert result.severity is Severity.WARNING
    # February counts in the year to date.
    assert [(row["document_id"], row["amount_doc"]) for row in keys(result)] == [
        ("I1", "100.0000"),
        ("I3", "100.0000"),
        ("P1", "7.0000"),
    ]


@long
def test_plans_and_orders_before_the_first_rate_are_named_with_their_amounts() -> None:
    given = {
        "orders": [
            order("O1", currency="USD", order_date="2026-06-02", quantity="3", unit_price="5"),
            order("O2", currency="USD", order_date="2026-06-20", unit_price="5"),
        ],
        "sales_plan": [
            # The month of a plan counts with the rate of its end; a row's own rate and a budget rate do without.
            {"plan_version": "AOP", "month": "2026-04-01", "account_id": account, "amount": amount, "currency": "USD"}
            | own
            for account, amount, own in (("A", "40", {}), ("B", "2", {"fx_rate": "0.9"}))
        ]
        + [{"plan_version": "AOP", "month": "2026-06-01", "account_id": "A", "amount": "60", "currency": "USD"}],
        "invoices": [invoice("I1", currency="USD", invoice_date="2026-06-20")],
        "fx_rates": _rates(("USD", "2026-06-10")),
    }
    result = check("currencies.have_a_rate_at_the_document_date", given, "2026-06")
    assert [(row["feed"], row["document_id"], row["document_date"], row["amount_doc"]) for row in keys(result)] == [
        ("orders", "O1", "2026-06-02", "15.0000"),
        ("sales_plan", "AOP", "2026-04-30", "40.0000"),
    ]
    budget = [{"currency": "USD", "rate_date": "2026-01-01", "rate_type": "budget", "rate": "0.9"}]
    given["fx_rates"] = [*given["fx_rates"], *budget]
    result = check("currencies.have_a_rate_at_the_document_date", given, "2026-06")
    assert [row["feed"] for row in keys(result)] == ["orders"]


def _four_weeks(*starts: str, first: int) -> list[Row]:
    """Periods of four weeks that begin on these days, as the months from the number `first` on."""
    return [
        {
            "period_month": f"2026-{first + number:02}-01",
            "start_date": start,
            "end_date": str(date.fromisoformat(start) + timedelta(27)),
        }
        for number, start in enumerate(starts)
    ]


@pytest.mark.parametrize(
    ("calendar", "month", "stops"),
    [
        # June is declared from 1 to 28 June, and July is not: 29 and 30 June are in no declared month.
        (_four_weeks("2026-06-01", first=6), "2026-06", True),
        (_four_weeks("2026-06-01", first=6), "2026-07", True),
        (_four_weeks("2026-06-01", first=6), "2026-08", False),
        # A calendar that ends where the calendar month ends leaves nothing open.
        (_four_weeks("2026-02-01", first=2), "2026-03", False),
        (_four_weeks("2026-06-01", "2026-06-29", first=6), "2026-06", False),
        # July overlaps June by a day.
        (_four_weeks("2026-06-01", "2026-06-28", first=6), "2026-06", True),
    ],
)
def test_undeclared_months_beside_declared_ones_leave_no_gap(calendar: list[Row], month: str, *, stops: bool) -> None:
    given = {"calendar": calendar, "invoices": [invoice(invoice_date="2026-08-10")]}
    result = check("calendar.months_follow_each_other", given, month)
    assert result.stops(date.fromisoformat(f"{month}-01")) is stops


@pytest.mark.parametrize(("last_day", "stops"), [("2027-01-06", False), ("2027-01-07", True)])
def test_a_fiscal_year_has_at_most_53_weeks(last_day: str, *, stops: bool) -> None:
    months = [
        {
            "period_month": f"2026-{month:02}-01",
            "start_date": f"2026-{month:02}-01",
            "end_date": str(date(2026, month, monthrange(2026, month)[1])) if month < 12 else last_day,
        }
        for month in range(1, 13)
    ]
    result = check("calendar.year_has_at_most_53_weeks", {"calendar": months, "invoices": [invoice()]})
    assert result.stops(JUNE) is stops


def test_calendar_months_that_leave_a_gap_stop_the_months_beside_it() -> None:
    months = [
        {"period_month": "2026-04-01", "start_date": "2026-04-01", "end_date": "2026-04-26"},
        {"period_month": "2026-05-01", "start_date": "2026-04-27", "end_date": "2026-05-24"},
        {"period_month": "2026-06-01", "start_date": "2026-05-26", "end_date": "2026-06-30"},
    ]
    result = check("calendar.months_follow_each_other", {"calendar": months}, "2026-04", "2026-05", "2026-06")
    assert result.failed_by_month == {MAY: 1, JUNE: 1}
    assert result.stops(JUNE)


def test_a_plan_version_with_two_grains_stops_its_months() -> None:
    rows = [plan(account_id="A"), plan(product_id="X", month="2026-07-01"), plan(plan_version="C", account_id="A")]
    result = check("sales_plan.version_has_one_grain", {"sales_plan": rows}, "2026-06", "2026-07")
    assert result.failed_by_month == {JUNE: 1, JULY: 1}
    assert keys(result)[0] == {"plan_version": "B", "grains": "account_id and product_id"}
    assert result.stops(JUNE)


@long
def test_a_delivery_is_of_an_order_line_that_exists_and_not_before_it() -> None:
    given = {
        "orders": [order()],
        "deliveries": [
            delivery(),
            delivery(line_no="2", order_line_no="9"),
            delivery(line_no="3", delivered_date="2026-06-09"),
        ],
    }
    assert [row["line_no"] for row in keys(check("deliveries.order_line_is_known", given))] == [2]
    assert [row["line_no"] for row in keys(check("deliveries.not_before_order", given))] == [3]


def test_more_rejected_than_delivered_is_named() -> None:
    given = {"deliveries": [delivery(rejected_quantity="6"), delivery(line_no="2", rejected_quantity="5")]}
    assert [row["line_no"] for row in keys(check("deliveries.rejected_within_delivered", given))] == [1]


def test_a_score_above_its_maximum_is_named() -> None:
    cards = [
        {"account_id": "A", "month": "2026-06-01", "dimension": "quality", "score": "11", "max_score": "10"},
        {"account_id": "A", "month": "2026-06-01", "dimension": "cost", "score": "100"},
    ]
    assert [row["dimension"] for row in keys(check("scorecards.score_within_maximum", {"scorecards": cards}))] == [
        "quality"
    ]


def test_an_issue_closed_before_it_was_opened_is_named() -> None:
    given = {"issues": [{"issue_id": "S", "account_id": "A", "opened_date": "2026-06-03", "closed_date": "2026-06-02"}]}
    assert [row["issue_id"] for row in keys(check("issues.not_closed_before_opened", given))] == ["S"]


def test_a_forecast_made_in_its_own_month_is_named() -> None:
    given = {
        "forecasts": [
            {"snapshot_month": "2026-06-01", "target_month": "2026-06-01", "account_id": "A", "quantity": "1"}
        ]
    }
    assert check("forecasts.target_after_snapshot", given).failed_by_month == {JUNE: 1}


def every_month(first: int, last: int, count: int, row: Callable[..., Row], date: str, **columns: Any) -> list[Row]:
    """`count` rows on the 28th of each of these months of 2026."""
    return [
        row(f"{month}-{number}", **{date: f"2026-{month:02}-28"}, **columns)
        for month in range(first, last + 1)
        for number in range(count)
    ]


def orders_of(first: int, last: int, count: int = 1, **columns: Any) -> list[Row]:
    return every_month(first, last, count, order, "order_date", **columns)


def test_an_account_that_ordered_in_each_of_six_months_is_missed_in_the_seventh() -> None:
    given = {
        "orders": [
            *orders_of(1, 6),
            *(order(f"B{month}", account_id="B", order_date=f"2026-{month:02}-10") for month in (1, 2, 3, 4, 6)),
            order("C", account_id="C", order_date="2026-07-01"),
        ]
    }
    result = check("orders.accounts_have_rows", given, "2026-06", "2026-07")
    assert result.failed_by_month == {JULY: 1}
    assert keys(result) == [{"account_id": "A", "row_count_before": 6}]


def test_a_month_without_any_row_is_not_reported_for_each_account() -> None:
    given = {"orders": orders_of(1, 6), "visits": [{"visit_id": "V", "account_id": "A", "visit_date": "2026-07-01"}]}
    assert passed(check("orders.accounts_have_rows", given, "2026-07"))


@pytest.mark.parametrize(
    ("first_month", "usual", "in_june", "holds"),
    [
        (1, 20, 20, True),
        (1, 20, 9, True),  # five months of history only
        (-6, 20, 10, True),
        (-6, 20, 9, False),
        (-6, 20, 31, False),
        (-6, 19, 1, True),  # so few rows come as they come
    ],
)
def test_a_number_of_rows_beyond_half_more_or_less_than_usual_is_named(
    first_month: int, usual: int, in_june: int, holds: bool
) -> None:
    months = [*(f"2025-{month + 13:02}" for month in range(first_month, 0)), *(f"2026-{n:02}" for n in range(1, 6))]
    before = [order(f"{month}-{n}", order_date=f"{month}-15") for month in months for n in range(usual)]
    june = [order(f"6-{n}", order_date="2026-06-30") for n in range(in_june)]
    result = check("orders.row_count_is_usual", {"orders": [*before, *june]})
    assert passed(result) == holds
    if not holds:
        assert keys(result) == [{"feed": "orders", "row_count": in_june, "usual_row_count": 20}]


@pytest.mark.parametrize(("newest", "count", "holds"), [("23", 20, True), ("22", 20, False), ("22", 19, True)])
def test_orders_end_at_most_seven_days_before_the_month(newest: str, count: int, holds: bool) -> None:
    given = {"orders": [order(str(number), order_date=f"2026-06-{newest}") for number in range(count)]}
    result = check("orders.is_fresh", given)
    assert passed(result) == holds
    if not holds:
        assert keys(result) == [{"feed": "orders", "newest_date": "2026-06-22", "as_of_date": "2026-06-30"}]


def test_a_visit_that_is_only_planned_does_not_make_the_visits_fresh() -> None:
    visits = [{"visit_id": str(number), "account_id": "A", "visit_date": "2026-06-10"} for number in range(20)]
    planned = {"visit_id": "P", "account_id": "A", "planned_date": "2026-06-30"}
    assert keys(check("visits.is_fresh", {"visits": [*visits, planned]}))[0]["newest_date"] == "2026-06-10"


def test_a_date_far_after_all_others_concerns_every_month() -> None:
    given = {"orders": [order(), order("O2", order_date="2062-06-10")], "invoices": [invoice()]}
    result = check("orders.not_in_the_future", given)
    assert (result.failed_in(MAY), result.failed_in(JUNE)) == (1, 1)
    assert keys(result) == [
        {"order_id": "O2", "line_no": 1, "order_date": "2062-06-10", "last_date": "2026-06-10"},
    ]


def test_a_feed_that_goes_on_where_the_others_ended_is_not_in_the_future() -> None:
    given = {"orders": orders_of(1, 12), "invoices": [invoice(invoice_date="2026-01-10", due_date="2026-02-10")]}
    assert passed(check("orders.not_in_the_future", given))


def test_the_only_feed_of_events_has_nothing_to_be_ahead_of() -> None:
    assert passed(check("orders.not_in_the_future", {"orders": [order(), order("O2", order_date="2062-06-10")]}))


@pytest.mark.parametrize(
    ("price", "holds"), [("15", True), ("15.01", False), ("5", True), ("4.99", False), ("0", True)]
)
def test_a_price_beyond_half_more_or_less_than_usual_is_named(price: str, holds: bool) -> None:
    # 10 in most months; the wild one of April moves nothing.
    before = [*orders_of(1, 3, product_id="X", unit_price="10"), *orders_of(4, 4, product_id="X", unit_price="900")]
    result = check("orders.price_is_usual", {"orders": [*before, order(product_id="X", unit_price=price)]})
    assert passed(result) == holds
    if not holds:
        (found,) = keys(result)
        assert (found["order_id"], found["usual_price"]) == ("O1", "10.0000")


@pytest.mark.parametrize(
    "other", [{"currency": "USD"}, {"product_id": "Y"}, {"account_id": "B"}, {"status": "cancelled"}]
)
def test_a_price_is_compared_with_those_of_its_own_account_product_and_currency(other: dict[str, str]) -> None:
    before = orders_of(1, 5, product_id="X", unit_price="10")
    line = order(**{"product_id": "X", "unit_price": "900"} | other)
    assert passed(check("orders.price_is_usual", {"orders": [*before, line]}))


def test_two_months_with_sales_say_nothing_about_a_price() -> None:
    before = orders_of(4, 5, product_id="X", unit_price="10")
    assert passed(check("orders.price_is_usual", {"orders": [*before, order(product_id="X", unit_price="900")]}))


@long
def test_a_credit_note_has_no_unusual_price_or_quantity() -> None:
    before = every_month(1, 5, 1, invoice, "invoice_date", product_id="X", quantity="10", due_date="2027-01-01")
    rebate = invoice("C", document_type="credit_note", product_id="X", quantity="1", net_amount="900")
    for rule in ("invoices.price_is_usual", "invoices.quantity_is_usual"):
        assert passed(check(rule, {"invoices": [*before, rebate]}))
        sold = rebate | {"document_type": "invoice", "quantity": "0.9"}
        assert not passed(check(rule, {"invoices": [*before, sold]}))


@pytest.mark.parametrize(("quantity", "holds"), [("50", True), ("50.1", False), ("0.5", True), ("0.4", False)])
def test_ten_times_more_or_less_than_usual_is_named(quantity: str, holds: bool) -> None:
    given = {"orders": [*orders_of(1, 5, product_id="X"), order(product_id="X", quantity=quantity)]}
    assert passed(check("orders.quantity_is_usual", given)) == holds


def test_an_invoice_may_name_an_order_without_its_line() -> None:
    lines = [
        invoice("I1", order_id="O1"),
        invoice("I2", order_id="O1", order_line_no="1"),
        invoice("I3", order_id="O1", order_line_no="2"),
        invoice("I4", order_id="O9"),
        invoice("I5"),
    ]
    found = keys(check("invoices.order_line_is_known", {"orders": [order()], "invoices": lines}))
    assert [row["invoice_id"] for row in found] == ["I3", "I4"]


@long
def test_a_credit_note_corrects_an_invoice_not_another_credit_note() -> None:
    credit = {"document_type": "credit_note"}
    lines = [
        invoice("I1"),
        invoice("C1", **credit, reference_invoice_id="I1"),
        invoice("C2", **credit, reference_invoice_id="C1"),
        invoice("C3", **credit),
        invoice("C4", **credit, reference_invoice_id="I1", account_id="B"),
    ]
    found = check("invoices.reference_is_known", {"invoices": lines})
    assert [row["invoice_id"] for row in keys(found)] == ["C2"]
    other = check("invoices.reference_agrees", {"invoices": lines})
    assert [(row["invoice_id"], row["reference_account_id"]) for row in keys(other)] == [("C4", "A")]


def test_a_version_that_plans_nothing_of_the_year_is_not_incomplete() -> None:
    rows = [plan(month=f"2025-{month:02}-01") for month in (1, 2)] + [plan(plan_version="C", month="2026-12-01")]
    assert [row["plan_version"] for row in keys(check("sales_plan.complete_for_the_year", {"sales_plan": rows}))] == [
        "C"
    ]


@pytest.mark.parametrize(
    ("outside", "variance", "asked"),
    [
        # 75 of account A, which is planned, and 25 of B: a quarter is not more than a quarter.
        ("25", {}, False),
        ("26", {}, True),
        ("26", {"scope": "all"}, False),
        ("26", {"plan_scope": {"B": "planned keys"}}, False),
        ("26", {"plan_scope": {"C": "all"}}, True),
    ],
)
def test_a_plan_that_leaves_out_much_of_the_sales_is_asked_about(
    outside: str, variance: Mapping[str, Any], *, asked: bool
) -> None:
    invoices = [invoice("I1", net_amount="75"), invoice("I2", account_id="B", net_amount=outside)]
    given = {"sales_plan": [plan(account_id="A")], "invoices": invoices}
    found = outcome(
        loaded(given, "2026-06", settings={"variance": variance}), FEED_SUITES, "sales_plan.covers_the_sales"
    )
    assert [(row["plan_version"], float(row["outside_amount"])) for row in keys(found)] == [("B", 26)] * asked


def test_a_plan_in_total_covers_all_sales() -> None:
    given = {"sales_plan": [plan()], "invoices": [invoice()]}
    assert passed(check("sales_plan.covers_the_sales", given))


@pytest.mark.parametrize(
    ("submitted", "late"),
    [("2025-12-31 23:59:59", False), ("2026-01-01 00:00:00", True), (None, True)],
)
def test_a_plan_is_late_the_day_after_it_was_due_or_when_nobody_knows(submitted: str | None, late: bool) -> None:
    rows = [plan(submitted_at="2025-11-01 00:00:00") | {"submitted_at": submitted}, plan(plan_version="C")]
    con = loaded({"sales_plan": rows}, "2026-06", settings={"variance": {"plan_due": {"B": date(2025, 12, 31)}}})
    found = outcome(con, FEED_SUITES, "sales_plan.submitted_on_time")
    assert [row["plan_version"] for row in keys(found)] == (["B"] if late else [])


@pytest.mark.parametrize(
    ("forecast", "holds"),
    [
        ({"account_id": "A", "product_id": "X"}, True),
        ({"product_id": "X"}, True),
        ({"account_id": "A"}, True),
        ({}, True),
        ({"account_id": "A", "product_id": "Y"}, False),
        ({"product_id": "Y"}, False),
        ({"account_id": "B"}, False),
        ({"account_id": "A", "product_id": "X", "snapshot_month": "2026-07-01"}, False),
    ],
)
def test_an_item_sold_in_three_months_running_has_a_forecast_of_some_grain(forecast: Row, holds: bool) -> None:
    sold = every_month(3, 5, 1, invoice, "invoice_date", product_id="X", quantity="10", due_date="2027-01-01")
    row = {"snapshot_month": "2026-05-01", "target_month": "2026-06-01", "quantity": "1"} | forecast
    result = check("forecasts.active_items_have_one", {"invoices": sold, "forecasts": [row]})
    assert passed(result) == holds
    if not holds:
        assert keys(result) == [{"account_id": "A", "product_id": "X", "sold_quantity_before": "30.0000"}]


def test_a_forecast_of_our_own_does_not_stand_for_one_that_was_not_sent() -> None:
    def outcomes(*sent: Row) -> list[bool]:
        row = {
            "snapshot_month": "2026-05-01",
            "target_month": "2026-06-01",
            "account_id": "A",
            "product_id": "X",
            "quantity": "1",
        }
        sold = every_month(3, 5, 1, invoice, "invoice_date", product_id="X", quantity="10", due_date="2027-01-01")
        con = loaded({"invoices": sold, "forecasts": [row | other for other in sent]}, "2026-06")
        stage(con, {"forecasts": [row | {"forecast_step": "statistical"}]}, load_id=0)
        con.execute(
            "INSERT INTO ops.loads (load_id, feed, source, status) VALUES (0, 'forecasts', 'kam forecast 2026-05 statistical', 'loaded')"
        )
        rules = ("forecasts.has_rows", "forecasts.active_items_have_one")
        return [passed(outcome(con, FEED_SUITES, rule)) for rule in rules]

    assert outcomes() == [True, True]
    assert outcomes({"target_month": "2026-05-01", "snapshot_month": "2026-04-01"}) == [False, True]
    assert outcomes({"product_id": "Y"}) == [True, False]
    assert outcomes({}) == [True, True]


def loads(*rows: str) -> Any:
    con = loaded({"invoices": [invoice()]}, "2026-06")
    con.execute("SET VARIABLE as_of_load = 9")
    for row in rows:
        con.execute(
            f"INSERT INTO ops.loads (load_id, feed, source, status, read_count, rejected_count, message) VALUES ({row})"
        )
    return con


def test_a_load_with_more_than_one_in_a_hundred_rows_rejected_is_a_warning_for_every_month() -> None:
    con = loads("1, 'orders', 'a.csv', 'loaded', 100, 1, NULL", "2, 'orders', 'b.csv', 'loaded', 100, 2, NULL")
    result = outcome(con, FEED_SUITES, "loads.few_rows_rejected")
    assert (result.checked_count, result.failed_count, result.failed_in(JUNE)) == (2, 1, 1)
    assert keys(result) == [{"feed": "orders", "load_id": 2, "source": "b.csv", "read_count": 100, "rejected_count": 2}]


def test_a_fixed_row_that_broke_two_rules_takes_one_row_off_the_share() -> None:
    con = loads("1, 'orders', 'a.csv', 'loaded', 100, 3, NULL", "2, 'orders', 'b.csv', 'loaded', 1, 0, NULL")
    for rule in ("type", "required"):
        con.execute(
            "INSERT INTO staging.rejects (load_id, feed, source_row, rule, status, resolved_load_id) "
            f"VALUES (1, 'orders', 7, '{rule}', 'resolved', 2)"
        )
    assert not passed(outcome(con, FEED_SUITES, "loads.few_rows_rejected"))
    con.execute(
        "INSERT INTO staging.rejects (load_id, feed, source_row, rule, status, resolved_load_id) "
        "VALUES (1, 'orders', 8, 'type', 'resolved', 2)"
    )
    assert passed(outcome(con, FEED_SUITES, "loads.few_rows_rejected"))


def test_loads_that_an_earlier_close_has_seen_are_not_reported_again() -> None:
    con = loads("1, 'orders', 'a.csv', 'loaded', 100, 50, NULL", "2, 'orders', 'b.csv', 'loaded', 100, 50, NULL")
    con.execute("INSERT INTO ops.closes (period_month, close_version, as_of_load) VALUES (DATE '2026-05-01', 1, 1)")
    assert [row["load_id"] for row in keys(outcome(con, FEED_SUITES, "loads.few_rows_rejected"))] == [2]


@pytest.mark.parametrize(
    ("month", "reported"), [("2026-01-01", [2]), ("2026-05-01", []), ("2026-06-01", []), ("2026-07-01", [])]
)
def test_the_restatement_of_an_older_month_does_not_hide_a_load_from_the_next_month(
    month: str, reported: list[int]
) -> None:
    con = loads("1, 'orders', 'a.csv', 'loaded', 100, 50, NULL", "2, 'orders', 'b.csv', 'loaded', 100, 50, NULL")
    con.execute("INSERT INTO ops.closes (period_month, close_version, as_of_load) VALUES (DATE '2026-05-01', 1, 1)")
    con.execute(f"INSERT INTO ops.closes (period_month, close_version, as_of_load) VALUES (DATE '{month}', 2, 2)")
    failed = keys(outcome(con, FEED_SUITES, "loads.few_rows_rejected"))
    assert [row["load_id"] for row in failed] == reported


def test_what_a_withdrawn_version_reported_is_reported_again() -> None:
    con = loads("1, 'orders', 'a.csv', 'loaded', 100, 50, NULL")
    con.execute("INSERT INTO ops.closes (period_month, close_version, as_of_load) VALUES (DATE '2026-05-01', 1, 1)")
    con.execute("INSERT INTO ops.withdrawals (period_month, close_version) VALUES (DATE '2026-05-01', 1)")
    assert [row["load_id"] for row in keys(outcome(con, FEED_SUITES, "loads.few_rows_rejected"))] == [1]


@long
def test_a_refused_source_is_reported_until_it_is_loaded() -> None:
    refused = "1, 'orders', 'a.csv', 'failed', 0, 0, 'zero bytes'"
    assert keys(outcome(loads(refused), FEED_SUITES, "loads.no_source_refused"))[0]["message"] == "zero bytes"
    fixed = loads(refused, "2, 'orders', 'a.csv', 'loaded', 1, 0, NULL")
    assert passed(outcome(fixed, FEED_SUITES, "loads.no_source_refused"))
