"""What the published file says about accounts: figures of three months, the lines behind them, and what charts and stories need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from kam.build import published_tables
from kam.periods import add_months
from kam.publish.reviews.sections import REVIEW, SECTIONS, SHOWN_LINES, SOURCES, Lines
from kam.warehouse import Connection, rows, sql_text

Row = Mapping[str, Any]
_NOW, _MONTH_BEFORE, _YEAR_BEFORE = 0, 1, 12
HISTORY_MONTHS = 13
EFFECTS: Mapping[str, str] = {
    "volume": "volume",
    "mix": "mix",
    "price": "price",
    "fx": "exchange rates",
    "new": "new parts",
    "lost": "lost parts",
    "adjustment": "adjustments",
}
"""The steps of a bridge: `<key>_effect` in the tables, and what people call it."""
_BRIDGE = f"""
    SELECT account_id, sum(plan_amount) AS before, sum(actual_amount) AS now,
        {", ".join(f"sum({effect}_effect) AS {effect}_effect" for effect in EFFECTS)}
    FROM reporting.sales_bridge WHERE period_month = $month AND plan_version = 'prior year' AND {{accounts}}
    GROUP BY account_id HAVING count(*) = count(variance_amount) AND count(*) = count(volume_effect)
"""
_BUCKETS = """
    SELECT account_id, period_month, bucket_no, bucket, outstanding_amount
    FROM reporting.receivables_summary WHERE period_month IN ($month, $last_month) AND {accounts}
    ORDER BY account_id, bucket_no
"""
_CAUSES = """
    SELECT gaps.account_id, gaps.dimension, gaps.cause, count(DISTINCT (document_id, line_no)) AS documents, sum(points) AS points,
        sum(points * coalesce(rating.weight, 100)) AS weighted_points
    FROM reporting.rating_gaps AS gaps
    LEFT JOIN reporting.vendor_rating AS rating USING (period_month, account_id, dimension)
    WHERE gaps.period_month = $month AND gaps.{accounts}
    GROUP BY ALL ORDER BY gaps.account_id, weighted_points DESC, gaps.dimension, gaps.cause
"""


@dataclass(frozen=True)
class Found:
    """The first lines of a table, and how many there are."""

    rows: Sequence[Row] = ()
    total: int = 0


@dataclass(frozen=True)
class Facts:
    """One account. `figures` are by table and column: of the month, the month before and a year before; months of `history` are in order."""

    month: date
    figures: Mapping[tuple[str, str], tuple[Any, Any, Any]] = field(default_factory=dict)
    lines: Mapping[str, Found] = field(default_factory=dict)
    history: Mapping[date, Row] = field(default_factory=dict)
    plan: Row = field(default_factory=dict)
    year_bridge: Row = field(default_factory=dict)
    buckets: Sequence[Row] = ()
    causes: Sequence[Row] = ()
    dates: Sequence[Row] = ()

    def now(self, column: str, table: str = REVIEW) -> Any:  # noqa: ANN401 - a value of any kind
        """A figure of this month."""
        return self.figures.get((table, column), (None,))[0]

    def last_month(self, column: str, table: str = REVIEW) -> Any:  # noqa: ANN401
        """A figure of the month before."""
        return self.figures.get((table, column), (None, None))[1]

    def year_ago(self, column: str, table: str = REVIEW) -> Any:  # noqa: ANN401
        """A figure of a year before."""
        return self.figures.get((table, column), (None, None, None))[2]


class _Reader:
    """Reads one query after the other for the same accounts."""

    def __init__(self, con: Connection, month: date, accounts: Sequence[str]) -> None:
        self._con, self._month, self._accounts = con, month, list(accounts)

    def by_account(self, query: str, **more: object) -> dict[str, list[Row]]:
        given = {
            "month": self._month,
            "last_month": add_months(self._month, -1),
            "year_ago": add_months(self._month, -12),
        }
        text = query.replace("{accounts}", "account_id IN (SELECT unnest($accounts))")
        named = {**given, **more, "accounts": self._accounts}
        found: dict[str, list[Row]] = defaultdict(list)
        for row in rows(self._con, text, {name: value for name, value in named.items() if f"${name}" in text}):
            found[row["account_id"]].append(row)
        return found


def facts_of(con: Connection, month: date, accounts: Sequence[str]) -> dict[str, Facts]:
    """The facts of accounts in a month that is published, by account."""
    reader = _Reader(con, month, accounts)
    figures = _figures(reader, month)
    lines = {one.name: reader.by_account(_lines_query(one), most=SHOWN_LINES) for one in _all_lines()}
    history = _history(reader, month)
    plans = reader.by_account(
        f"SELECT * {SOURCES['sales_plan_summary_by_account']} WHERE period_month = $month AND {{accounts}}"
    )
    bridges, buckets, causes = (reader.by_account(query) for query in (_BRIDGE, _BUCKETS, _CAUSES))
    end = add_months(month, 1)
    dates = reader.by_account(
        f"SELECT * FROM ({sql_text('publish/review_dates.sql')}) WHERE day >= $after AND day < $before AND {{accounts}} "
        "ORDER BY account_id, day, what, which",
        after=end,
        before=add_months(month, 4),
    )
    return {
        account: Facts(
            month=month,
            figures=figures[account],
            lines={name: _found(found[account]) for name, found in lines.items() if found.get(account)},
            history=history[account],
            plan=next(iter(plans.get(account, ())), {}),
            year_bridge=next(iter(bridges.get(account, ())), {}),
            buckets=buckets.get(account, ()),
            causes=causes.get(account, ()),
            dates=dates.get(account, ()),
        )
        for account in accounts
    }


def _all_lines() -> Iterator[Lines]:
    for section in SECTIONS:
        yield from section.lines


def _found(lines: Sequence[Row]) -> Found:
    return Found(lines, lines[0]["lines_in_all"])


def _lines_query(lines: Lines) -> str:
    columns = ", ".join(lines.columns)
    return f"""
        SELECT account_id, {columns}, count(*) OVER (PARTITION BY account_id) AS lines_in_all
        FROM (SELECT * {lines.rows}) WHERE period_month = $month AND {lines.where} AND {{accounts}}
        QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY {lines.order}) <= $most
        ORDER BY account_id, {lines.order}
    """


def _figures(reader: _Reader, month: date) -> dict[str, dict[tuple[str, str], tuple[Any, Any, Any]]]:
    found: dict[str, dict[tuple[str, str], tuple[Any, Any, Any]]] = defaultdict(dict)
    review_columns = {column.name for table in published_tables() if table.name == REVIEW for column in table.columns}
    for account, (row,) in reader.by_account(
        "FROM reporting.account_review WHERE period_month = $month AND {accounts}"
    ).items():
        for column in review_columns & row.keys():
            last, year = (row.get(f"{when}{column}") for when in ("last_month_", "prior_year_"))
            found[account][REVIEW, column] = (row[column], last, year)
    asked: dict[str, list[str]] = defaultdict(list)
    for section in SECTIONS:
        for table, columns in section.figures:
            asked[table].extend(columns)
    moments = {month: _NOW, add_months(month, -1): _MONTH_BEFORE, add_months(month, -12): _YEAR_BEFORE}
    for table, names in asked.items():
        if table == REVIEW:
            continue
        # Rows of an account add up; with one that is unknown, so is the sum.
        sums = ", ".join(f"CASE WHEN count({column}) = count(*) THEN sum({column}) END AS {column}" for column in names)
        source = SOURCES.get(table, f"FROM reporting.{table}")
        query = (
            f"SELECT account_id, period_month, {sums} FROM (SELECT * {source}) "
            "WHERE period_month IN ($month, $last_month, $year_ago) AND {accounts} GROUP BY ALL"
        )
        for account, of_account in reader.by_account(query).items():
            by_moment = {moments[row["period_month"]]: row for row in of_account}
            for column in names:
                now, last, year = (by_moment.get(ago, {}).get(column) for ago in (_NOW, _MONTH_BEFORE, _YEAR_BEFORE))
                found[account][table, column] = (now, last, year)
    return found


def _history(reader: _Reader, month: date) -> dict[str, dict[date, Row]]:
    """What charts show of the published months up to this one."""
    first = add_months(month, 1 - HISTORY_MONTHS)
    query = f"""
        SELECT review.account_id, review.period_month, net_sales_amount, prior_year_net_sales_amount, plan_amount, rating_score,
            customer_score, own_score, otif_ratio * 100 AS otif_percent, ppm
        FROM reporting.account_review AS review
        LEFT JOIN (SELECT * {SOURCES["sales_plan_summary_by_account"]}) AS plan USING (account_id, period_month)
        LEFT JOIN (SELECT * {SOURCES["vendor_rating"]}) AS rating USING (account_id, period_month)
        WHERE review.period_month BETWEEN $first AND $month AND review.{{accounts}} ORDER BY ALL
    """
    found: dict[str, dict[date, Row]] = defaultdict(dict)
    for account, months in reader.by_account(query, first=first).items():
        found[account] = {row["period_month"]: row for row in months}
    return found


def largest_effect(bridge: Row, difference: Decimal) -> tuple[str, Decimal] | None:
    """The effect that explains most of a difference: the largest one of the same sign; None if there is none or it is unknown."""
    effects = [(name, bridge.get(f"{key}_effect")) for key, name in EFFECTS.items()]
    known = [(name, effect) for name, effect in effects if effect is not None and effect * difference > 0]
    return max(known, key=lambda pair: abs(pair[1]), default=None)
