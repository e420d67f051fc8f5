"""Rejected rows: kept with their faults, exported to be fixed, and settled by the load that brings them again."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import duckdb

from kam.errors import KamError, UsageError
from kam.ingest import documents, row_rules, totals
from kam.ingest.row_rules import HEADER_AGAIN, NOT_WANTED, PLACE, ROW_NUMBER, RULED_LINE, SOURCE_COLUMN, Reading
from kam.ingest.sources import too_wide
from kam.site import FEEDS, WORKBOOK_ENDINGS, CsvDialect, Feed, FeedSource, Site, require_feed
from kam.warehouse import Connection, literal, sql_text

DUPLICATE_KEY = "duplicate_key"
REPEATED_ROW = "repeated_row"
INCOMPLETE = "incomplete"
# A column of an exported file that says which reject a row was: `load-record`. The loader reads it where it is there.
MARK = "kam_reject"
EXPLANATIONS = (MARK, "kam_rule", "kam_message")
# The verdicts of rows of `incoming` that are loaded or already there; and of those that are no records, or left out.
ACCEPTED = "('good', 'repeat')"
LEFT_OUT = (HEADER_AGAIN, RULED_LINE, NOT_WANTED, "footer")
NOT_REJECTED = f"{ACCEPTED[:-1]}, {', '.join(map(literal, LEFT_OUT))})"
# With a repeat nothing is wrong, and it is listed all the same.
_NOT_LISTED = f"('good', {', '.join(map(literal, LEFT_OUT))})"
# What is given of a row beside its values looks at all columns of its source, and no fault needs it.
_OF_ALL_COLUMNS = (row_rules.LEFT_OUT, row_rules.RECORD_HASH)
UNEXPECTED_FOOTER = "unexpected footer"
# What of `staging.rejects` tells the rows of a load apart, and the mark of a row in an exported file.
ROW = "(source_row, source_column)"
_MARK_OF_ROW = "load_id || '-' || source_row || coalesce('-' || source_column, '')"
_BATCH = 10_000
_SHOWN_LETTERS = 1000


def reject_rows(con: Connection, reading: Reading, source: str) -> str:
    """A SELECT of one row per fault of the faulty rows in `incoming`, which are read again into `faulty_records`.

    Its columns: place, source_row, source_column, source, column_name, rule, value, message, business_key. Raises `SourceRefusedError` when
    the rows of the `source` have more columns than fit into memory.
    """
    feed = reading.feed
    # Looked up before anything is worked out: what is wrong with a row costs much more than to read it. What the source says of a row is
    # kept as one text, because a table of thousands of columns takes gigabytes.
    judged = replace(reading, given={name: sql for name, sql in reading.given.items() if name not in _OF_ALL_COLUMNS})
    faulty = f"({judged.rows_at(f'SELECT rowid + 1 FROM incoming WHERE verdict NOT IN {_NOT_LISTED}')})"
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE faulty_records AS {judged.select(columns='*', numbered_rows=faulty)}"
        )
    except duckdb.OutOfMemoryException:
        where = f"{feed.name}: {source}"
        raise too_wide(where, len(reading.relation.columns)) from None
    key = " || ' ' || ".join(f"coalesce({name}::VARCHAR, '')" for name in feed.key)
    on_key = ", ".join(_of_verdict(*verdict) for verdict in _verdicts(reading, key))
    of_total = _of_verdict(totals.TOTAL, "", "total_row", "NULL", totals.WHY_TOTAL)
    faults = ", ".join(part for part in (reading.fault_structs, on_key) if part)
    # What else is wrong with a total row is not worth a word.
    columns = (
        f"{PLACE}, {ROW_NUMBER}, {SOURCE_COLUMN}, record AS source, {_business_key(reading)} AS business_key, "
        f"CASE WHEN {_has_verdict(totals.TOTAL)} THEN [{of_total}] ELSE [{faults}] END AS faults"
    )
    return f"""
        SELECT
            place, source_row, source_column, source, fault.column_name, fault.rule, fault.value, fault.message, business_key
        FROM (
            SELECT
                place, source_row, source_column, source, business_key,
                unnest(list_filter(faults, lambda fault: fault IS NOT NULL)) AS fault
            FROM (SELECT {columns} FROM temp.faulty_records)
        )"""


def _verdicts(reading: Reading, key: str) -> Iterator[tuple[str, str, str, str, str]]:
    """The faults of a row beside others, by its verdict in `incoming`: verdict, column, rule, value as SQL, message."""
    feed = reading.feed
    names = ", ".join(feed.key)
    twice = f"the key {names} comes more than once with different content"
    before = f"the key {names} was loaded before with different content, and the mode is append"
    yield "double key", names, DUPLICATE_KEY, key, twice
    yield "changed key", names, DUPLICATE_KEY, key, before
    yield "repeat", names, REPEATED_ROW, key, "another row of this load says the same; it was loaded once"
    lacks = f"neither the file nor what was loaded before has all that the row needs ({_needed(feed)})"
    yield INCOMPLETE, names, INCOMPLETE, key, lacks
    footer = "the record is where skip_footer expects a footer, and reads as a row of the feed"
    yield UNEXPECTED_FOOTER, "", "footer", "NULL", footer
    if feed.grain is not None:
        columns = ", ".join(feed.grain.columns)
        filled = f"concat_ws(', ', {', '.join(f'CASE WHEN {name} IS NOT NULL THEN {literal(name)} END' for name in feed.grain.columns)})"
        message = (
            f"of {columns}, the row does not fill those that the other rows with its {', '.join(feed.grain.of)} fill"
        )
        yield totals.ODD_GRAIN, columns, "grain", f"'fills ' || coalesce(nullif({filled}, ''), 'none')", message
    if feed.sign and feed.sign.total:
        total = feed.sign.total[0]
        yield documents.VERDICT, total, "negative", f"{total}::VARCHAR", documents.why_rejected(reading)


def _has_verdict(verdict: str) -> str:
    return f"{PLACE} IN (SELECT rowid + 1 FROM incoming WHERE verdict = '{verdict}')"


def _of_verdict(verdict: str, column: str, rule: str, value: str, message: str) -> str:
    return (
        f"CASE WHEN {_has_verdict(verdict)} THEN {{'column_name': {literal(column)}, 'rule': {literal(rule)}, "
        f"'value': ({value})::VARCHAR, 'message': {literal(message)}}} END"
    )


def _needed(feed: Feed) -> str:
    rules = (
        " or ".join(" and ".join(group) for group in rule.any_of)
        + (f" with {rule.with_column}" if rule.with_column else "")
        for rule in feed.row_rules
    )
    return ", ".join((*feed.required, *rules))


def _business_key(reading: Reading) -> str:
    """The key of a typed row as text; NULL when a part of it has a fault of its own."""
    faults = [fault.condition for fault in reading.faults if fault.column in reading.feed.key]
    is_unknown = " OR ".join(f"coalesce({condition}, false)" for condition in faults) or "false"
    return f"CASE WHEN NOT ({is_unknown}) THEN {key_text(reading.feed)} END"


def key_text(feed: Feed) -> str:
    """SQL for the key of a row as a reject has it: a JSON list."""
    return f"to_json([{', '.join(f'{name}::VARCHAR' for name in feed.key)}])::VARCHAR"


def keep(con: Connection, reading: Reading, load_id: int, source: str, rejected: int) -> None:
    """List the faulty rows of `incoming` as open rejects. Raises `KamError` when there are not `rejected` of them."""
    con.execute(
        f"INSERT INTO staging.rejects BY NAME SELECT {load_id} AS load_id, ? AS feed, ? AS file, source_row, source_column, source, "
        f"column_name, rule, value, message, business_key, if(rule = '{REPEATED_ROW}', 'repeated', 'open') AS status, "
        f"if(rule = '{REPEATED_ROW}', {load_id}, NULL) AS resolved_load_id "
        f"FROM ({reject_rows(con, reading, source)}) ORDER BY place, rule",
        [reading.feed.name, source],
    )
    kept = con.execute(f"SELECT count(DISTINCT {ROW}) FROM staging.rejects WHERE load_id = {load_id}").fetchall()
    if kept[0][0] != rejected:
        message = (
            f"{reading.feed.name}: {source}: {rejected} rows are faulty but {kept[0][0]} were kept as rejects; "
            "nothing was loaded"
        )
        raise KamError(message)


def settle(con: Connection, feed: Feed, load_id: int, *, has_marks: bool, replaces: str) -> None:
    """End the open rejects of earlier loads whose rows came again in `incoming`.

    A row is known by its key, or by the mark of an exported file. `replaces` is a condition on `loads`, for earlier
    loads that this one replaces as a whole: what they rejected is either listed again or gone.
    """
    waiting = con.execute(
        f"SELECT count(*) FROM staging.rejects WHERE feed = '{feed.name}' AND status = 'open' AND load_id < {load_id}"
    )
    if not waiting.fetchall()[0][0]:
        return
    _find_waiting(con, feed, load_id, replaces)
    _find_came(con, feed, load_id, has_marks=has_marks)
    con.execute(
        f"""
        UPDATE staging.rejects AS reject
        SET status = CASE WHEN settled.is_good THEN 'resolved' ELSE 'replaced' END, resolved_load_id = $load_id
        FROM ({sql_text("ingest/settled_rejects.sql")}) AS settled
        WHERE reject.feed = $feed AND reject.status = 'open'
          AND reject.load_id = settled.load_id AND reject.source_row = settled.source_row
          AND reject.source_column IS NOT DISTINCT FROM settled.source_column
        """,
        {"feed": feed.name, "load_id": load_id},
    )
    con.execute("DROP TABLE waiting; DROP TABLE came")


def _find_waiting(con: Connection, feed: Feed, load_id: int, replaces: str) -> None:
    """Put into `waiting` the open rejects of earlier loads, one row a record."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE waiting AS
        SELECT DISTINCT
            reject.load_id, reject.source_row, reject.source_column, {_MARK_OF_ROW.replace("load_id", "reject.load_id")} AS mark, business_key, reject.source,
            {replaces} AS is_replaced
        FROM staging.rejects AS reject
        JOIN ops.loads AS loads ON loads.load_id = reject.load_id
        WHERE reject.feed = '{feed.name}' AND reject.status = 'open' AND reject.load_id < {load_id}
        """
    )


def _find_came(con: Connection, feed: Feed, load_id: int, *, has_marks: bool) -> None:
    """Put into `came` the keys and marks that this load has, and whether their rows are good now."""
    marked = f"UNION ALL SELECT NULL, {MARK}, verdict IN {ACCEPTED} FROM incoming WHERE {MARK} IS NOT NULL"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE came AS
        SELECT {key_text(feed)} AS business_key, NULL AS mark, true AS is_good FROM incoming
        WHERE verdict IN {ACCEPTED} AND {key_text(feed)} IN (SELECT business_key FROM waiting)
        UNION ALL
        SELECT business_key, NULL, false FROM staging.rejects WHERE load_id = {load_id}
        {marked if has_marks else ""}
        """
    )


def export(con: Connection, site: Site, feed: str, file: Path) -> int:
    """Write the open rejects of a feed to a new file in the source's own columns and dialect; how many rows.

    A file that ends in .xlsx is a workbook, any other text, also of a feed whose files are workbooks (`loads_again`). The last columns say which reject a row is and what is wrong with it; the
    loader leaves them out. Without an open reject no file is written. Raises `UsageError` for a feed that is not declared, a
    file that is there already, and one of a kind that the feed does not take.
    """
    require_feed(site.settings, feed)
    source = site.settings.feeds[feed]
    dialect = source.csv
    is_workbook = file.name.lower().endswith(WORKBOOK_ENDINGS)
    if is_workbook:
        _require_kind(source, feed, file)
    columns = _source_columns(con, feed)
    if not columns:
        return 0
    try:
        file.open("xb").close()
    except FileExistsError:
        message = f"{file}: the file already exists. Choose another name"
        raise UsageError(message) from None
    except OSError as error:
        message = f"{file}: cannot be written to: {error.strerror}"
        raise KamError(message) from None
    try:
        if not is_workbook:
            with file.open("w", encoding=dialect.encoding, newline="") as out:
                return _write(out, dialect, columns, _open_rows(con, feed))
        from kam.ingest.rejected_sheets import write_sheets  # few sites have workbooks

        cells = (
            ([*map(json.loads(record).get, columns), mark, rules, messages], unread)
            for mark, rules, messages, record, unread in _open_rows(con, feed)
        )
        return write_sheets(file, source, [*columns, *EXPLANATIONS], cells, above=f"{MARK}s")
    except (ValueError, csv.Error, OSError) as error:
        file.unlink(missing_ok=True)
        message = f"{file}: a rejected row cannot be written in the feed's own format: {error}"
        raise KamError(message) from None


def loads_again(source: FeedSource, file: Path) -> bool:
    """Whether a pattern of the feed can find a file of this kind; text of a feed of workbooks is only to read."""
    return file.name.lower().endswith(WORKBOOK_ENDINGS) or source.takes_others


def _require_kind(source: FeedSource, feed: str, file: Path) -> None:
    """Raise `UsageError` for a workbook where no pattern of the feed finds one."""
    if not source.takes_workbooks:
        message = f"{file}: the files of {feed} are no workbooks. Choose a name that ends as they do"
        raise UsageError(message)


def _source_columns(con: Connection, feed: str) -> list[str]:
    """The columns of the rows to export, in the order of the sources."""
    is_open = f"feed = {literal(feed)} AND status = 'open'"
    found = con.execute(
        f"SELECT json_keys(source) AS names FROM staging.rejects WHERE {is_open} GROUP BY names ORDER BY min(load_id), names"
    ).fetchall()
    there = dict.fromkeys(name for (keys,) in found for name in keys)
    headers = con.execute(
        f"SELECT header FROM ops.loads WHERE load_id IN (SELECT load_id FROM staging.rejects WHERE {is_open}) ORDER BY load_id"
    ).fetchall()
    # The rows of wide files have some of the columns each.
    ordered = dict.fromkeys(name for (header,) in headers for name in json.loads(header or "[]") if name in there)
    return [name for name in (ordered | there) if name.lower() not in EXPLANATIONS]


def _open_rows(con: Connection, feed: str) -> Iterator[tuple[Any, ...]]:
    """Each open reject once: its mark, its rules, its messages, the source's values as JSON, and those that have no meaning.

    A record that does not fit the header is in its message as well, because its columns may not hold all of it.
    """
    record = f"CASE WHEN column_name = '' THEN coalesce(': ' || left(value, {_SHOWN_LETTERS}), '') ELSE '' END"
    cursor = con.execute(
        f"""
        SELECT {_MARK_OF_ROW}, string_agg(DISTINCT rule, '; ' ORDER BY rule),
               string_agg(DISTINCT message || {record}, '; ' ORDER BY message || {record}), any_value(source),
               coalesce(list(value) FILTER (rule IN ('type', 'error')), [])
        FROM staging.rejects WHERE feed = {literal(feed)} AND status = 'open'
        GROUP BY load_id, source_row, source_column ORDER BY load_id, source_row, min(rowid)
        """
    )
    while batch := cursor.fetchmany(_BATCH):
        yield from batch


def _write(out: IO[str], dialect: CsvDialect, columns: Sequence[str], found: Iterator[tuple[Any, ...]]) -> int:
    if dialect.quote:
        writer = csv.writer(out, delimiter=dialect.delimiter, quotechar=dialect.quote)
    else:
        writer = csv.writer(out, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE, quotechar=None)
    for _ in range(dialect.skip_rows):
        writer.writerow([f"{MARK}s"])
    written = 0
    writer.writerow([*columns, *EXPLANATIONS])
    for mark, rules, messages, source, _ in found:
        values = json.loads(source, parse_float=str, parse_int=str)
        explained = messages.encode(dialect.encoding, "replace").decode(dialect.encoding)
        writer.writerow([*(_cell(values.get(name)) for name in columns), mark, rules, explained])
        written += 1
    return written


def _cell(value: object) -> str:
    """A value as the source had it; of a source with types, as JSON writes it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def feed_to_export(con: Connection, site: Site, feed: str | None) -> str:
    """The feed that was named, else the only one with open rejects. Raises `UsageError` when there are several."""
    if feed is not None:
        return feed
    found = con.execute("SELECT DISTINCT feed FROM staging.rejects WHERE status = 'open' ORDER BY feed").fetchall()
    names = [name for (name,) in found if name in FEEDS]
    if len(names) != 1:
        has = f"{', '.join(names)} have" if names else f"no feed of {site.settings.site.name} has"
        message = f"--export writes the rejects of one feed, named by --feed; {has} open rejects"
        raise UsageError(message)
    return str(names[0])
