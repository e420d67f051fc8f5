"""The figures of Tryton's reports beside ours, month by month, as they stand in docs/erp/tryton.md.

`make tryton-figures` lives through the year again and writes them there.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tests.support import REPOSITORY
from tests.tryton.explained import (
    Oracle,
    at_monthly_rate,
    day,
    given_up_or_returned,
    month_ends,
    month_of,
    rate_differences,
)

PAGE = REPOSITORY / "docs" / "erp" / "tryton.md"
_BEGIN, _END = "<!-- figures: written by `make tryton-figures` -->", "<!-- end of the figures -->"
Sums = dict[dt.date, Decimal]


def documented() -> str:
    """The figures as the page has them."""
    return PAGE.read_text(encoding="utf-8").partition(_BEGIN)[2].partition(_END)[0].strip()


def write(figures: str) -> None:
    """Put figures into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    PAGE.write_text(f"{before}{_BEGIN}\n\n{figures}\n\n{_END}{rest.partition(_END)[2]}", encoding="utf-8")


def written_figures(oracle: Oracle, published: Path) -> str:
    """All tables, as Markdown."""
    with duckdb.connect(str(published), read_only=True) as con:
        tables = [
            _receivables(oracle, con),
            _terms(oracle, con),
            _sales(oracle, con),
            _revenue(oracle, con),
            _shipments(oracle, con),
            _opportunities(oracle, con),
            _credit_limits(oracle, con),
        ]
    return "\n\n".join(tables)


def _receivables(oracle: Oracle, con: duckdb.DuckDBPyConnection) -> str:
    aged, ledger = _sums(oracle["aged_balance"], "balance"), _sums(oracle["ledger"], "balance")
    ours = _of(con, "SELECT as_of_date, sum(book_amount) FROM reporting.receivables_ageing GROUP BY ALL")
    at_month_end = _of(
        con, "SELECT last_day(period_month), sum(closing_amount) FROM reporting.receivables_rollforward GROUP BY ALL"
    )
    lines = []
    for end in month_ends(oracle):
        explained = sum(rate_differences(oracle, end).values(), Decimal("0.00"))
        lines.append([end, aged[end], ledger[end], ours[end], ours[end] - aged[end], explained, at_month_end[end]])
    head = (
        "Receivables",
        ("month end", "Aged Balance", "General Ledger", "`receivables_ageing.book_amount`", "difference",
         "of it part payments in dollars", "`receivables_rollforward.closing_amount`"),
    )  # fmt: skip
    return _table(*head, lines)


def _terms(oracle: Oracle, con: duckdb.DuckDBPyConnection) -> str:
    ours: dict[tuple[dt.date, int], Decimal] = defaultdict(lambda: Decimal("0.00"))
    for end, bucket, amount in con.execute(
        "SELECT as_of_date, bucket_no, sum(book_amount) FROM reporting.receivables_ageing GROUP BY ALL"
    ).fetchall():
        ours[end, bucket] = amount
    lines = []
    for end in month_ends(oracle):
        rows = [row for row in oracle["aged_balance"] if day(row["month"]) == end]
        terms = [sum((Decimal(row[f"term{term}"]) for row in rows), Decimal("0.00")) for term in range(4)]
        terms.insert(0, sum((Decimal(row["balance"]) for row in rows), Decimal("0.00")) - sum(terms))
        lines.append([end, *(cell for bucket, term in enumerate(terms) for cell in (term, ours[end, bucket]))])
    names = ("Aged Balance, not due", "Aged Balance, 0–29", "30–59", "60–89", "90 and more")
    ours_by_bucket = [f"`book_amount` in `bucket_no` {bucket}" for bucket in range(len(names))]
    return _table(
        "Receivables by days overdue",
        ("month end", *(cell for pair in zip(names, ours_by_bucket, strict=True) for cell in pair)),
        lines,
        "`book_amount` is that of `receivables_ageing`. What is due on the very day of the month end is 0–29 days overdue in Tryton, and not\n"
        "due here (`bucket_no` 0). The other differences are part payments and open credits, as said above.",
    )


def _sales(oracle: Oracle, con: duckdb.DuckDBPyConnection) -> str:
    theirs = _sums(oracle["sales"], "revenue")
    other, dollars = _by_month(given_up_or_returned(oracle)), _by_month(at_monthly_rate(oracle, "sale_lines"))
    ours = _of(con, "SELECT period_month, sum(ordered_amount) FROM reporting.sales GROUP BY ALL")
    lines = [
        [month, theirs[month], ours[month], ours[month] - theirs[month], other[month], dollars[month]]
        for month in (end.replace(day=1) for end in month_ends(oracle))
    ]
    names = (
        "month",
        "Sales by customer",
        "`sales.ordered_amount`",
        "difference",
        "of it given up or returned",
        "of it the rate of dollars",
    )
    return _table("Sales", names, lines)


def _revenue(oracle: Oracle, con: duckdb.DuckDBPyConnection) -> str:
    theirs: Sums = defaultdict(Decimal)
    for row in oracle["revenue"]:
        if row["account"] != "Exchange differences":
            theirs[month_of(row["month"])] += Decimal(row["credit"]) - Decimal(row["debit"])
    dollars = _by_month(at_monthly_rate(oracle, "invoices"))
    ours = _of(con, "SELECT period_month, sum(net_amount) FROM reporting.sales GROUP BY ALL")
    lines = [
        [month, theirs[month], ours[month], ours[month] - theirs[month], dollars[month]]
        for month in (end.replace(day=1) for end in month_ends(oracle))
    ]
    names = ("month", "General Ledger, revenue", "`sales.net_amount`", "difference", "of it the rate of dollars")
    return _table("Revenue", names, lines)


def _by_month(amounts: Mapping[tuple[dt.date, str], Decimal]) -> Sums:
    sums: Sums = defaultdict(lambda: Decimal("0.00"))
    for (month, _), amount in amounts.items():
        sums[month] += amount
    return sums


def _shipments(oracle: Oracle, con: duckdb.DuckDBPyConnection) -> str:
    late: Sums = defaultdict(Decimal)
    days: Sums = defaultdict(Decimal)
    for row in oracle["shipments"]:
        if row["state"] == "done":
            late[month_of(row["first_planned"])] += row["delay"] > 0
            days[month_of(row["first_planned"])] += max(row["delay"], 0)
    query = "SELECT period_month, sum({}) FROM reporting.delivery_performance WHERE basis = 'promised' GROUP BY ALL"
    ours, our_days = _of(con, query.format("late_count")), _of(con, query.format("days_late"))
    lines = [
        [month, late[month], days[month], ours[month], our_days[month]]
        for month in (end.replace(day=1) for end in month_ends(oracle))
    ]
    head = (
        "Shipments, by the day first planned",
        (
            "month",
            "Tryton, late shipments",
            "their days late",
            "`delivery_performance.late_count`, lines",
            "`delivery_performance.days_late`",
        ),
    )
    return _table(*head, lines)


def _opportunities(oracle: Oracle, con: duckdb.DuckDBPyConnection) -> str:
    begun, ended = oracle["opportunities"]["begun"], oracle["opportunities"]["ended"]
    counted = [_sums(begun, "number"), _sums(ended, "won"), _sums(ended, "won_amount"), _sums(ended, "lost")]
    ours = [
        _of(con, f"SELECT period_month, {what} FROM reporting.opportunities GROUP BY ALL")
        for what in (
            "count(*) FILTER (is_won)", "coalesce(sum(amount) FILTER (is_won), 0)", "count(*) FILTER (is_lost)"
        )
    ]  # fmt: skip
    first = _of(
        con,
        "SELECT month, count(*) FROM (SELECT min(period_month) AS month FROM reporting.opportunities GROUP BY opportunity_id) GROUP BY ALL",
    )
    lines = [
        [
            month,
            *(
                part
                for pair in zip(
                    (sums[month] for sums in counted), (sums[month] for sums in (first, *ours)), strict=True
                )
                for part in pair
            ),
        ]
        for month in (end.replace(day=1) for end in month_ends(oracle))
    ]
    head = (
        "Opportunities",
        (
            "month",
            "Tryton, begun",
            "`opportunities`, first month",
            "Tryton, won",
            "`opportunities.is_won`",
            "Tryton, amount won",
            "`opportunities.amount` of these",
            "Tryton, lost",
            "`opportunities.is_lost`",
        ),
    )
    return _table(*head, lines)


def _credit_limits(oracle: Oracle, con: duckdb.DuckDBPyConnection) -> str:
    ours = dict(con.execute("SELECT account_id, credit_limit FROM reporting.accounts").fetchall())
    lines = [
        [row["name"], row["limit"] and Decimal(row["limit"]).quantize(Decimal("0.01")), ours[row["party"]]]
        for row in sorted(oracle["credit_limits"], key=lambda row: str(row["name"]))
        if row["party"] in ours
    ]
    return _table("Credit limits", ("party", "Tryton, credit limit", "`accounts.credit_limit`"), lines)


def _sums(found: Iterable[Any], column: str) -> Sums:
    """By month end as the report has it, or by first day of the month where it has a day in it."""
    sums: Sums = defaultdict(Decimal)
    for row in found:
        date = day(row["month"])
        sums[date if column == "balance" else date.replace(day=1)] += Decimal(str(row[column]))
    return sums


def _of(con: duckdb.DuckDBPyConnection, sql: str) -> Sums:
    return defaultdict(Decimal, {date: Decimal(str(amount or 0)) for date, amount in con.execute(sql).fetchall()})


def _table(title: str, names: Sequence[str], lines: Sequence[Sequence[Any]], note: str = "") -> str:
    head = [
        f"### {title}",
        "",
        *([note, ""] if note else []),
        f"| {' | '.join(names)} |",
        f"|---|{'---:|' * (len(names) - 1)}",
    ]
    return "\n".join([*head, *(f"| {' | '.join(map(_cell, line))} |" for line in lines)])


def _cell(value: dt.date | Decimal | str | None) -> str:
    match value:
        case None:
            return "none"
        case str():
            return value
        case Decimal():
            whole = value == value.to_integral_value() and value.as_tuple().exponent == 0
            return f"{value:,.0f}" if whole else f"{value:,.2f}"
        case _:
            return value.isoformat() if value.day > 1 else f"{value:%Y-%m}"
