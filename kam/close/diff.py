"""What differs between two versions of a month, or between its last version and what a close would give now.

A difference is a cell of a result table: its row (by the table's grain), its column, its value before and after. Beside
it are the source rows that are known on one side only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from kam.build import MartColumn, Model, marts
from kam.close.versions import last_version
from kam.errors import KamError, UsageError
from kam.periods import month_name
from kam.site import FEEDS, Feed
from kam.warehouse import Connection, literal, rows, sql_text

NOW = "now"
_CELL_ORDER = "is_money AND change IS NOT NULL DESC, abs(change) DESC NULLS LAST, table_name, account_id, key, measure"
_SOURCE_ORDER = "rank, feed, account_id, key"
_NUMBERS = ("DECIMAL", "BIGINT", "INTEGER", "DOUBLE")
# The account of a row that does not name one, by the feed and the column that leads to it.
_ACCOUNT_BY = {"deliveries": ("orders", "order_id"), "instalments": ("invoices", "invoice_id")}


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: a version of a month, or the candidate in `build.*` when `version` is None."""

    month: date
    version: int | None
    as_of_load: int

    @property
    def name(self) -> str:
        """Its name on the console."""
        return NOW if self.version is None else f"version {self.version}"

    def rows_of(self, mart: Model) -> str:
        """A SELECT of this side's rows of a mart."""
        names = ", ".join(column.name for column in mart.all_columns)
        table = f"build.{mart.name}" if self.version is None else f"marts.{mart.name}"
        version = "" if self.version is None else f" AND close_version = {self.version}"
        return f"SELECT {names} FROM {table} WHERE period_month = DATE '{self.month}'{version}"


@dataclass(frozen=True)
class TableChange:
    """How many rows of a table came, went and changed."""

    table: str
    added_count: int
    removed_count: int
    changed_count: int


@dataclass(frozen=True)
class CellChange:
    """One value that differs. `change` = after − before, None for texts and where one of them is undefined."""

    table: str
    account_id: str | None
    key: str
    measure: str
    before: str | None
    after: str | None
    change: Decimal | None


@dataclass(frozen=True)
class FigureChange:
    """A headline figure on both sides; None where it is undefined or not there."""

    figure: str
    plan_version: str
    unit: str
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True)
class SourceChange:
    """One source row that is known on one side only, or with other values: `what` is new, gone or corrected."""

    feed: str
    account_id: str | None
    key: str
    what: str
    values: str
    load_id: int
    source: str
    source_row: int


@dataclass(frozen=True)
class Difference:
    """What differs between two sides: counts by table, and the largest of the cells and of the rows behind them.

    `figures` are the headline figures that differ; `cells` are of accounts, unless none of these differs.
    """

    before: Side
    after: Side
    tables: Sequence[TableChange] = ()
    figures: Sequence[FigureChange] = ()
    cells: Sequence[CellChange] = ()
    cell_count: int = 0
    sources: Sequence[SourceChange] = ()
    source_count: int = 0
    reasons: Sequence[str] = field(default=())


def version_side(con: Connection, month: date, version: int) -> Side:
    """A committed version. Raises `UsageError` when the month does not have it."""
    found = con.execute(
        f"SELECT as_of_load FROM ops.closes WHERE period_month = DATE '{month}' AND close_version = {version}"
    ).fetchall()
    if not found:
        newest = last_version(con, month)
        known = f"its versions are 1 to {newest}" if newest > 1 else "its only version is 1"
        message = f"{month_name(month)} has no version {version}; {known}"
        if version < 1:
            message = f"{month_name(month)}: version 1 is the first, so there is none before it to compare"
        if not newest:
            message = f"{month_name(month)} is not closed, so there is no version to compare"
        raise UsageError(message)
    return Side(month, version, int(found[0][0]))


def difference(con: Connection, before: Side, after: Side, *, limit: int = 20) -> Difference:
    """Compare two sides of a month; at most `limit` cells and source rows, the largest first.

    All of them stay in the temporary tables `diff_cells` and `diff_sources` of the connection.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE diff_cells (table_name VARCHAR, account_id VARCHAR, key VARCHAR, measure VARCHAR, "
        "state VARCHAR, is_money BOOLEAN, value_before VARCHAR, value_after VARCHAR, change DECIMAL(38, 6))"
    )
    tables = [change for mart in marts() if (change := _compare(con, mart, before, after))]
    _compare_sources(con, before, after)
    cells = rows(
        con,
        f"""
        SELECT table_name AS "table", account_id, key, measure, value_before AS before, value_after AS after, change
        FROM diff_cells
        WHERE account_id IS NOT NULL OR NOT EXISTS (FROM diff_cells WHERE account_id IS NOT NULL)
        ORDER BY {_CELL_ORDER} LIMIT {limit}
        """,
    )
    sources = rows(con, f"SELECT * EXCLUDE (rank) FROM diff_sources ORDER BY {_SOURCE_ORDER} LIMIT {limit}")
    return Difference(
        before,
        after,
        tables,
        figures(con, before, after),
        [CellChange(**cell) for cell in cells],
        _count(con, "diff_cells"),
        [SourceChange(**source) for source in sources],
        _count(con, "diff_sources"),
        _reasons(con, before, after),
    )


def export(con: Connection, folder: Path) -> list[Path]:
    """Write all cells and source rows of the last `difference` as CSV files. Raises `KamError` when that fails."""
    files = [folder / "cells.csv", folder / "source_rows.csv"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            file.write_text("")
    except OSError as error:
        message = f"{folder}: cannot be written to: {error.strerror}"
        raise KamError(message) from None
    con.execute(
        f"COPY (SELECT * EXCLUDE (is_money) FROM diff_cells ORDER BY {_CELL_ORDER}) TO {literal(str(files[0]))} (HEADER)"
    )
    con.execute(
        f"COPY (SELECT * EXCLUDE (rank) FROM diff_sources ORDER BY {_SOURCE_ORDER}) TO {literal(str(files[1]))} (HEADER)"
    )
    return files


def figures(con: Connection, before: Side, after: Side) -> list[FigureChange]:
    """The headline figures that differ."""
    sides = [
        f"SELECT figure_no, figure, plan_version, unit, value FROM ({side.rows_of(_headlines())})"
        for side in (before, after)
    ]
    found = rows(
        con,
        f"""
        SELECT figure, plan_version, unit, before.value AS before, after.value AS after
        FROM ({sides[0]}) AS before FULL JOIN ({sides[1]}) AS after USING (figure_no, figure, plan_version, unit)
        WHERE before.value IS DISTINCT FROM after.value
        ORDER BY figure_no, plan_version
        """,
    )
    return [FigureChange(**figure) for figure in found]


def _headlines() -> Model:
    return next(mart for mart in marts() if mart.name == "headline_figures")


def _compare(con: Connection, mart: Model, before: Side, after: Side) -> TableChange | None:
    """Add the cells of one mart that differ to `diff_cells`; how many rows do, None when none does."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE diff_rows AS
        WITH
            a AS ({before.rows_of(mart)} EXCEPT {after.rows_of(mart)}),
            b AS ({after.rows_of(mart)} EXCEPT {before.rows_of(mart)})
        SELECT
            a AS a, b AS b,
            CASE WHEN a.period_month IS NULL THEN 'added' WHEN b.period_month IS NULL THEN 'removed' ELSE 'changed' END AS state
        FROM a FULL JOIN b ON {" AND ".join(f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in mart.grain)}
        """
    )
    counts = dict(con.execute("SELECT state, count(*) FROM diff_rows GROUP BY state").fetchall())
    if not counts:
        return None
    grain = set(mart.grain)
    account = _either("account_id") if any(column.name == "account_id" for column in mart.columns) else "NULL"
    key = ", ".join(
        f"nullif({literal(name + ' ')} || coalesce({_either(name)}::VARCHAR, ''), {literal(name + ' ')})"
        for name in mart.grain
        if name not in ("period_month", "account_id")
    )
    cells = ", ".join(_cell(column) for column in mart.all_columns if column.name not in grain)
    con.execute(
        f"""
        INSERT INTO diff_cells BY NAME
        SELECT {literal(mart.name)} AS table_name, {account} AS account_id,
               {f"concat_ws(', ', {key})" if key else "''"} AS key, cell.measure, state, cell.is_money, cell.value_before, cell.value_after, cell.change
        FROM (SELECT a, b, state, unnest([{cells}]) AS cell FROM diff_rows)
        WHERE cell IS NOT NULL
        """
    )
    return TableChange(mart.name, counts.get("added", 0), counts.get("removed", 0), counts.get("changed", 0))


def _either(name: str) -> str:
    return f"coalesce(b.{name}, a.{name})"


def _cell(column: MartColumn) -> str:
    """A struct for a column that differs, NULL for one that does not; a row on one side only shows its figures."""
    name = column.name
    is_number = column.sql_type.startswith(_NUMBERS)
    change = f"(coalesce(b.{name}, 0) - coalesce(a.{name}, 0))::DECIMAL(38, 6)" if is_number else "NULL"
    defined = f"a.{name} IS NOT NULL AND b.{name} IS NOT NULL OR state <> 'changed'"
    struct = (
        f"{{'measure': {literal(name)}, 'is_money': {str(column.unit == 'reporting currency').lower()}, "
        f"'value_before': a.{name}::VARCHAR, 'value_after': b.{name}::VARCHAR, "
        f"'change': CASE WHEN {defined} THEN {change} END}}"
    )
    one_sided = f"coalesce(b.{name}, a.{name}, 0) <> 0" if is_number else "false"
    return f"CASE WHEN CASE WHEN state = 'changed' THEN a.{name} IS DISTINCT FROM b.{name} ELSE {one_sided} END THEN {struct} END"


def _compare_sources(con: Connection, before: Side, after: Side) -> None:
    """Put into `diff_sources` the rows that are known on one side only, of the accounts that differ, largest first."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE diff_sources (feed VARCHAR, account_id VARCHAR, key VARCHAR, what VARCHAR, "
        '"values" VARCHAR, load_id BIGINT, source VARCHAR, source_row BIGINT, rank BIGINT)'
    )
    low, high = sorted((before.as_of_load, after.as_of_load))
    feeds = con.execute(
        "SELECT DISTINCT feed FROM ops.loads WHERE status = 'loaded' AND loaded_count + superseded_count > 0 "
        f"AND load_id > {low} AND load_id <= {high}"
    ).fetchall()
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE diff_accounts AS
        SELECT account_id, row_number() OVER (ORDER BY largest DESC NULLS LAST, account_id) AS rank
        FROM (
            SELECT account_id, max(abs(change)) FILTER (is_money) AS largest FROM diff_cells
            WHERE account_id IS NOT NULL GROUP BY account_id
        )
        """
    )
    for (name,) in sorted(feeds):
        con.execute(f"INSERT INTO diff_sources BY NAME {_source_rows(FEEDS[name], before, after)}")


def _source_rows(feed: Feed, before: Side, after: Side) -> str:
    """A SELECT of the rows of a feed that are known on one side only, when they can matter for the month."""
    key = ", ".join(f"{_either(name)}::VARCHAR" for name in feed.key)
    others = [name for name in feed.column_names if name not in feed.key]
    corrected = ", ".join(
        f"CASE WHEN a.{name} IS DISTINCT FROM b.{name} THEN "
        f"{literal(name)} || ' ' || coalesce(a.{name}::VARCHAR, 'empty') || ' → ' || coalesce(b.{name}::VARCHAR, 'empty') END"
        for name in others
    )
    whole = ", ".join(f"{literal(name + ' ')} || {_either(name)}::VARCHAR" for name in others)
    account = _either("account_id") if "account_id" in feed.column_names else "NULL::VARCHAR"
    if feed.name in _ACCOUNT_BY:
        of, by = _ACCOUNT_BY[feed.name]
        account = f"(SELECT max(account_id) FROM staging.{of} AS named WHERE named.{by} = {_either(by)})"
    # What is dated after the month cannot have changed it, whichever its last day is.
    end = f"greatest((SELECT max(end_date) FROM staging.calendar WHERE period_month = DATE '{before.month}'), last_day(DATE '{before.month}'))"
    dates = ", ".join(f"a.{name}, b.{name}" for name in feed.date_columns)
    matters = f"coalesce(least({dates}) <= {end}, true)" if feed.is_read_by_date else "true"
    return sql_text(
        "close/source_changes.sql",
        feed=feed.name,
        known_before=_known(before.as_of_load),
        known_after=_known(after.as_of_load),
        account=account,
        key=key,
        whole=whole,
        corrected=corrected,
        same_key=feed.same_key("a", "b"),
        matters=matters,
    )


def _known(load_id: int) -> str:
    return f"load_id <= {load_id} AND (superseded_load_id IS NULL OR superseded_load_id > {load_id})"


def _reasons(con: Connection, before: Side, after: Side) -> list[str]:
    """What differs between two versions besides source rows: settings, models, the version they open from."""
    if before.version is None or after.version is None:
        return []
    found = rows(
        con,
        f"""
        SELECT
            count(DISTINCT settings_hash) > 1 AS "the settings differ",
            count(DISTINCT coalesce((manifest ->> '$.settings') -> '$.corrections', '[]')) > 1 AS "the corrections differ",
            count(DISTINCT models_hash) > 1 AS "the models differ",
            count(DISTINCT manifest ->> '$.opened_from_version') > 1
                AS "they open from different versions of the month before"
        FROM ops.closes
        WHERE period_month = DATE '{before.month}' AND close_version IN ({before.version}, {after.version})
        """,
    )[0]
    return [reason for reason, is_so in found.items() if is_so]


def _count(con: Connection, table: str) -> int:
    return int(con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
