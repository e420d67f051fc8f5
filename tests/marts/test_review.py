"""account_review: the headline of each subject in three months, and the flags."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from kam.build.measures import Measure, measures
from kam.site import flag_rules
from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.marts.test_undeclared_feeds import full_case
from tests.support import build_case, fetch, long

TAMPERINGS = (
    Tampering("account_review.undefined_has_a_reason", "undefined_figures = NULL", "otif_ratio IS NULL"),
    Tampering("account_review.flags_are_counted", "last_month_flag_count = last_month_flag_count + 1"),
)

Row = dict[str, Any]


def _invoice(number: str, day: str, amount: float, due: str) -> Row:
    given = {"account_id": "A", "product_id": "X", "quantity": 1, "net_amount": amount}
    return {"invoice_id": number, "invoice_date": day, "due_date": due} | given


def _given() -> dict[str, list[Row]]:
    return {
        "accounts": [{"account_id": "A", "account_manager": "Kim", "credit_limit": 400}, {"account_id": "NEW"}],
        "invoices": [
            _invoice("I1", "2025-06-10", 150, "2025-07-10"),
            _invoice("I2", "2026-05-10", 200, "2026-06-10"),
            _invoice("I3", "2026-06-10", 300, "2026-07-10"),
        ],
        "payments": [
            {"payment_id": "P1", "account_id": "A", "invoice_id": "I1", "payment_date": "2025-07-10", "amount": 150}
        ],
        "visits": [
            # Held twice in May, once in June. What June's visit cost is 60 of 300.
            *({"visit_id": f"V{day}", "account_id": "A", "visit_date": day} for day in ("2026-05-04", "2026-05-11")),
            {"visit_id": "V3", "account_id": "A", "visit_date": "2026-06-12", "cost": 60},
        ],
        "issues": [
            # Open at the end of May and of June 2025; the first one is closed in June 2026.
            {"issue_id": "S1", "account_id": "A", "opened_date": "2025-06-20", "closed_date": "2026-06-02"},
            {"issue_id": "S2", "account_id": "A", "opened_date": "2026-05-20", "target_close_date": "2026-06-10"},
            {"issue_id": "S3", "account_id": "A", "opened_date": "2026-06-25"},
        ],
        "opportunities": [
            {
                "opportunity_id": "O1",
                "recorded_on": "2026-04-02",
                "account_id": "A",
                "value": 1000,
                "success_probability": 0.3,
            },
            {"opportunity_id": "O2", "recorded_on": "2026-04-03", "account_id": "A", "value": 500},
            {"opportunity_id": "O2", "recorded_on": "2026-06-20", "account_id": "A", "value": 450}
            | {"outcome": "won", "closed_on": "2026-06-18"},
        ],
    }


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    feeds = (*_given(), "sales_plan")
    with build_case(_given(), periods=["2026-06"], feeds=feeds, tables=["account_review"]) as built:
        yield built


def test_a_review_shows_this_month_the_last_one_and_a_year_ago(con: Connection) -> None:
    (found,) = fetch(con, "FROM build.account_review")

    def three(column: str) -> tuple[Any, Any, Any]:
        return found[column], found[f"last_month_{column}"], found[f"prior_year_{column}"]

    assert (found["account_id"], found["account_manager"]) == ("A", "Kim")
    assert three("net_sales_amount") == (300, 200, 150)
    assert three("outstanding_amount") == (500, 200, 150)
    # Of 500 the 200 of May; in May nothing was due.
    assert three("overdue_ratio") == (Decimal("0.4"), 0, 0)
    assert (found["exposure"], found["credit_limit"]) == (500, 400)
    assert three("open_issue_count") == (2, 2, 1)
    assert three("overdue_issue_count") == (1, 0, 0)
    assert three("visit_count") == (1, 2, None)
    # Before June no visit names its cost.
    assert three("visit_cost_ratio") == (Decimal("0.2"), None, None)
    assert three("open_opportunity_amount") == (1000, 1500, None)
    assert three("expected_opportunity_amount") == (300, 300, None)
    assert three("won_opportunity_amount") == (450, 0, None)


def test_a_review_says_why_figures_of_the_month_are_undefined(con: Connection) -> None:
    (found,) = fetch(con, "SELECT undefined_figures FROM build.account_review")
    reasons = dict(part.split(": ", 1) for part in found["undefined_figures"].split("; "))
    assert reasons["otif_ratio"] == "the feed orders is not declared"
    assert reasons["ytd_variance_ratio"] == "see sales_plan_summary_by_account"
    assert "net_sales_amount" not in reasons


def test_a_review_counts_its_flags(con: Connection) -> None:
    """Raised in June: over the limit, overdue from 0 to 40 %, the only issue due not closed, the first overdue issue ever.

    Since May, compared with the median of the months before: sales and receivables (most months 0), open issues (most months 1).
    """
    counts = ("flag_count", "last_month_flag_count", "critical_flag_count", "raised_flag_count", "cleared_flag_count")
    (found,) = fetch(con, f"SELECT {', '.join(counts)}, flags FROM build.account_review")
    assert [found[name] for name in counts] == [7, 3, 1, 4, 0]
    assert found["flags"].startswith(
        "Exposure 500 EUR, limit 400 EUR; Overdue share 40 % of what invoices owe, 0 % in 2026-05; Overall rating 0 points"
    )


# Which rows of a table a headline is of, where it is not all of the account's.
ROWS = {
    "vendor_rating.score": "dimension = 'overall'",
    "forecast_accuracy_by_account.wape": "lag = 1 AND forecast_step = 'sales'",
}
# What one of several rows says, such as the gate furthest behind: test_flags compares these with their tables.
OF_ONE_ROW = {
    "competitor_position.index_ratio",
    "contract_status.fulfilment_ratio",
    "gate_performance.slip_days_requested",
}


@long
def test_headlines_of_a_month_are_what_their_tables_add_up_to() -> None:
    """Each headline that a table has a number for, in a case in which every one has a figure."""
    named = [rule.measure for rule in flag_rules().values() if rule.fires == "change"]
    found = {name: measures()[name] for name in named if name in measures()}
    assert {*named} - {*found} == {"promises.state", "account_review.visit_cost_ratio"}
    found = {name: measure for name, measure in found.items() if name not in OF_ONE_ROW}
    with full_case() as con:
        compared = {name: (_added_up(con, measure), _headlines(con, name)) for name, measure in found.items()}
    assert [name for name, (of_table, headlines) in compared.items() if of_table != headlines] == []
    assert [name for name, (of_table, _) in compared.items() if None in {*of_table.values()} or not of_table] == []


def _headlines(con: Connection, name: str) -> dict[str, Any]:
    query = "SELECT account_id, figure FROM core.headlines WHERE looked_month = '2026-06-01' AND measure = ?"
    return dict(con.execute(query, [name]).fetchall())


def _added_up(con: Connection, measure: Measure) -> dict[str, Any]:
    parts = (
        (measure.numerator, "1")
        if measure.denominator == "NULL"
        else (measure.numerator, f"sum({measure.denominator})")
    )
    query = (
        f"SELECT account_id, shown_ratio(sum({parts[0]}) / {parts[1]}) FROM {measure.relation}"
        f" WHERE {measure.where} AND {ROWS.get(measure.name, 'true')} AND account_id IS NOT NULL GROUP BY account_id"
    )
    return dict(con.execute(query).fetchall())
