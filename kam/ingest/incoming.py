"""The rows of an extract, typed, in the temporary table `incoming`: which are records, and which are faulty beside others."""

from __future__ import annotations

import dataclasses
from collections import Counter

import duckdb

from kam.errors import is_of_storage
from kam.ingest import documents, rejects, rounding, totals
from kam.ingest.documents import mark_negative_documents
from kam.ingest.patches import fill_patches
from kam.ingest.readers import READ_ERRORS, Relation
from kam.ingest.row_rules import LEFT_OUT, NARROW, RECORD_HASH, UNNUMBERED, Reading, plan_reading
from kam.ingest.sources import Extract, column_sql, unreadable
from kam.ingest.unpivot import unpivoted
from kam.site import FEEDS, FeedSource
from kam.warehouse import Connection, literal, number_of, sql_text

# What a load makes of a row of `incoming`. What is left out is not counted. All but good rows are rejected; with a repeat nothing is wrong.
_VERDICTS = (
    "good",
    "repeat",
    *rejects.LEFT_OUT,
    "unreadable",
    "double key",
    "changed key",
    documents.VERDICT,
    totals.TOTAL,
    totals.ODD_GRAIN,
    rejects.UNEXPECTED_FOOTER,
    rejects.INCOMPLETE,
)
_VERDICT = f"ENUM ({', '.join(map(literal, _VERDICTS))})"
_SMALL = 1_000_000  # bytes
_LEFTOVERS = (
    "incoming",
    "repeated",
    "matched",
    "vanished",
    "waiting",
    "came",
    "faulty_records",
    "faults",
    "suspects",
    "summed",
)


def read_rows(con: Connection, extract: Extract, source: FeedSource, relation: Relation) -> Reading:
    """Put all rows, typed, into `incoming`, in the order of the source, so that `rowid` is its place less one.

    A file with records that DuckDB cannot read is read once more, record by record; those become rejects.
    """
    try:
        try:
            reading = _read_relation(con, extract, source, relation)
        except READ_ERRORS as error:
            if relation.second_look is None or is_of_storage(error):
                raise
            reading = _read_relation(con, extract, source, relation.second_look())
    except duckdb.Error as error:
        if is_of_storage(error):
            raise
        raise unreadable(error, extract, source, len(relation.columns)) from None
    if source.skip_footer:
        _leave_out_footer(con, reading, source.skip_footer)
    totals.mark_totals(con, reading, kept_names(reading))
    return reading


def _read_relation(con: Connection, extract: Extract, source: FeedSource, relation: Relation) -> Reading:
    reading = plan_reading(con, FEEDS[extract.feed], source, extract, unpivoted(con, extract, source, relation))
    _fill_incoming(con, reading, is_small=sum(file.path.stat().st_size for file in extract.files) < _SMALL)
    return reading


def _fill_incoming(con: Connection, reading: Reading, *, is_small: bool) -> None:
    mark = mark_column(reading)
    if mark is not None:
        reading = dataclasses.replace(
            reading, given={**reading.given, rejects.MARK: f"trim({column_sql(mark)}::VARCHAR)"}
        )
    left_out = (
        f"WHEN given_{LEFT_OUT} IS NOT NULL THEN given_{LEFT_OUT}::{_VERDICT} " if LEFT_OUT in reading.given else ""
    )
    # Columns that the source lacks are left out: a temporary table stores their NULLs at full width.
    columns = (
        f"{', '.join(kept_names(reading))}, CASE {left_out}WHEN {reading.is_faulty} THEN 'unreadable'::{_VERDICT} "
        f"ELSE 'good'::{_VERDICT} END AS verdict"
        f"{f', given_{rejects.MARK} AS {rejects.MARK}' if mark is not None else ''}"
        f"{''.join(f', given_{name} AS {name}' for name in reading.kept)}"
        f"{f', {NARROW}' if NARROW in reading.values else ''}"
        f"{f', {rounding.rounded_column(reading.too_long)} AS {rounding.ROUNDED}' if reading.too_long else ''}"
    )
    # DuckDB makes a join of `x IN (…)` with many values, and the rows of a join are stored in any order.
    # Looking for expressions that occur twice takes a third of this statement for a small file, and saves it nothing.
    disabled = "in_clause,common_subexpressions" if is_small else "in_clause"
    con.execute(f"SET disabled_optimizers = '{disabled}'")
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS {reading.select(columns=columns)}")
    finally:
        con.execute("RESET disabled_optimizers")


def _leave_out_footer(con: Connection, reading: Reading, count: int) -> None:
    """The last records are left out; one with all that the records above it have is rejected, because it may be none of a footer."""
    wide = reading.relation.wide
    records = "incoming" if wide is None else wide.sql
    is_footer = f"{reading.record_number} > (SELECT count(*) FROM {records}) - {count}"
    names = kept_names(reading)
    filled = con.execute(
        f"SELECT count(*), {', '.join(f'count({name})' for name in names)} FROM incoming WHERE verdict = 'good' AND NOT {is_footer}"
    ).fetchall()[0]
    always = [name for name, there in zip(names, filled[1:], strict=True) if there == filled[0]]
    looks_good = " AND ".join(f"{name} IS NOT NULL" for name in always)
    con.execute(
        f"""
        UPDATE incoming SET verdict = CASE
            WHEN verdict = 'good' AND {filled[0]} > 0 AND {len(always)} > 1 AND {looks_good or "false"}
            THEN '{rejects.UNEXPECTED_FOOTER}' ELSE 'footer' END
        WHERE {is_footer}
        """
    )


def mark(con: Connection, reading: Reading, *, beside: str, fills: bool) -> None:
    """What is wrong with rows beside each other; `beside` is the staging table with the rows that an upsert keeps.

    With `fills` the rows of a patch get what is there in the columns that the file does not have.
    """
    totals.mark_odd_grain(con, reading.feed, kept_names(reading), beside=beside)
    _mark_repeated_keys(con, reading)
    if fills:
        fill_patches(con, reading)
    mark_negative_documents(con, reading, beside=beside)


def _mark_repeated_keys(con: Connection, reading: Reading) -> None:
    """All rows whose key comes with different contents are faulty; of equal rows, those after the first are repeats.

    Equal rows of a document whose source does not number its lines are lines of their own: they get the numbers 1, 2, 3 …
    """
    if not _has_repeated_keys(con, reading):
        return
    key = ", ".join(reading.feed.key)
    is_kept = (name for name in reading.kept if name in (RECORD_HASH, UNNUMBERED))
    content = ", ".join((*kept_names(reading), *is_kept))
    found = sql_text("ingest/repeated_rows.sql", key=key, columns=content)
    line = reading.feed.line
    is_unnumbered = (
        "true" if line and not reading.is_numbered else UNNUMBERED if UNNUMBERED in reading.kept else "false"
    )
    con.execute(
        f"""
        UPDATE incoming
        SET verdict = CASE WHEN found.is_double THEN 'double key' WHEN NOT {is_unnumbered} THEN 'repeat' ELSE 'good' END
            {f", {line} = CASE WHEN found.is_double THEN {line} WHEN {is_unnumbered} THEN occurrence ELSE {line} END" if line else ""}
        FROM ({found}) AS found
        WHERE incoming.rowid = found.place AND (found.is_double OR found.occurrence > 1)
        """
    )
    if is_unnumbered == UNNUMBERED and _has_repeated_keys(con, reading):
        # Some lines of the document have numbers of their own, and an unnumbered one got the same.
        con.execute(
            f"""
            UPDATE incoming SET verdict = 'double key' FROM ({found}) AS found
            WHERE incoming.rowid = found.place
            """
        )


def _has_repeated_keys(con: Connection, reading: Reading) -> bool:
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE repeated AS
        SELECT hash({", ".join(reading.feed.key)}) AS key_hash
        FROM incoming WHERE verdict = 'good' GROUP BY key_hash HAVING count(*) > 1
        """
    )
    return bool(number_of(con, "SELECT count(*) FROM repeated"))


def counted(con: Connection) -> tuple[Counter[str], str]:
    """How many rows of `incoming` have each verdict, without those that are left out; and these in words, empty for none."""
    counts = Counter(dict(con.execute("SELECT verdict, count(*) FROM incoming GROUP BY verdict").fetchall()))
    left_out = {name: counts.pop(name) for name in rejects.LEFT_OUT if counts[name]}
    words = {"where": "by where", "footer": "by skip_footer"}
    parts = (f"{count:,} {words.get(reason, reason)}" for reason, count in left_out.items())
    return counts, f"{sum(left_out.values()):,} left out ({', '.join(parts)})" if left_out else ""


def empty_columns(reading: Reading) -> frozenset[str]:
    """The columns that are NULL in every row, because the source does not have them; those of the key are kept."""
    if reading.is_patch:
        return frozenset()
    return frozenset(
        name for name, value in reading.values.items() if value.startswith("NULL::") and name not in reading.feed.key
    )


def kept_names(reading: Reading) -> list[str]:
    """The columns of `incoming` that come from the source."""
    empty = empty_columns(reading)
    return [name for name in reading.feed.column_names if name not in empty]


def columns_of(reading: Reading) -> str:
    """The feed's columns in a SELECT from `incoming`."""
    empty = empty_columns(reading)
    return ", ".join(f"NULL AS {name}" if name in empty else name for name in reading.feed.column_names)


def mark_column(reading: Reading) -> str | None:
    """The column that `kam rejects --export` adds, as the source calls it; None when it has none."""
    return next((name for name in reading.relation.columns if name.lower() == rejects.MARK), None)


def clean_up(con: Connection) -> None:
    """Remove the temporary tables that a load or an examination made."""
    for table in _LEFTOVERS:
        con.execute(f"DROP TABLE IF EXISTS temp.{table}")
