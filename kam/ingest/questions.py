"""What a load asks before it changes what is there: whether it is another document, and whether columns are really gone.

A file that makes one of these questions is refused. `kam ingest --accept-changes` is the answer "load it as it is".
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence

from kam.errors import SourceRefusedError
from kam.ingest.rejects import ACCEPTED, EXPLANATIONS, MARK, key_text
from kam.ingest.row_rules import LEFT_OUT, NARROW, RECORD_HASH, ROW_NUMBER, Reading
from kam.ingest.sources import Extract
from kam.site import Feed, FeedSource, Site
from kam.warehouse import Connection, literal, sql_text

_SHOWN = 3
# A column is only missed in a file of so many rows, where so many loads of at least as many rows had it.
_LEAST_ROWS, _LOADS_BEFORE = 20, 3
# How like two names are, from 0 to 1: curr and currency, and tax_amout and tax_amount.
_SOMEWHAT, _ALMOST = 0.5, 0.85
_NOT_DATA = (ROW_NUMBER, *EXPLANATIONS)
_NEVER_GIVES_WHAT_IS_EMPTY = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz", ".ndjson.zst", ".jsonl.zst")


def require_one_document_a_number(con: Connection, site: Site, extract: Extract, reading: Reading) -> None:
    """Raise `SourceRefusedError` when rows of `incoming` with one number are of several documents."""
    identity = reading.feed.identity
    if identity is None or not identity.shared:
        return
    found = con.execute(
        sql_text(
            "ingest/documents_of_one_number.sql",
            document=identity.document,
            record=reading.record_number,
            side=_side(reading, "incoming"),
            differs=_differ_in_group(reading.feed, site.settings.ingest.redated_days),
        )
    ).fetchall()
    if found:
        examples = [
            f"{number} is {one} (record {first}) and {other} (record {second})"
            for number, one, first, other, second in found[:_SHOWN]
        ]
        what = _some(len(found), "number stands for two documents", "numbers stand for two documents each", examples)
        raise _refused(site, extract, [what + _how_to_go_on(reading.feed)])


def require_answers(
    con: Connection,
    site: Site,
    extract: Extract,
    reading: Reading,
    source: FeedSource,
    *,
    is_first: bool,
    was_read: bool,
) -> None:
    """Raise `SourceRefusedError` when the rows of `incoming` change what `matched` says is there in a way that must be asked.

    With `is_first` nothing is there yet. When these bytes were loaded before (`was_read`), only columns are asked about.
    """
    days = site.settings.ingest.redated_days
    lost = set() if is_first or source.mode == "patch" else _lost_columns(con, extract, reading, was_read=was_read)
    is_known = not lost and was_read
    questions = [] if is_known else [_about_columns(reading, _new_and_unused(con, extract, reading), lost, extract)]
    if not is_first and source.mode != "snapshot" and not was_read:
        found = [
            *_changed(con, reading, source, days),
            *_other_lines(con, reading, source, days),
            *([] if source.mode == "document" else _fewer_lines(con, reading)),
        ]
        if found:
            questions.append(". ".join(found) + _how_to_go_on(reading.feed))
        questions.append(_about_narrow_numbers(con, reading, days))
    if not is_first and not was_read:
        questions.append(_about_empty_columns(con, reading))
    if any(questions):
        raise _refused(site, extract, [question for question in questions if question])


def about_names(extract: Extract, reading: Reading) -> str:
    """What a first load would ask about columns whose names are almost right; empty without a question."""
    question = _about_columns(reading, unused_columns(reading), set(), extract)
    return f"{extract.feed}: {extract.source}: {question}" if question else ""


def _refused(site: Site, extract: Extract, questions: Sequence[str]) -> SourceRefusedError:
    accept = f"If the file is right as it is: {site.command('ingest', '--feed', extract.feed, '--accept-changes')}"
    return SourceRefusedError(f"{extract.feed}: {extract.source}: {' '.join(questions)} {accept}. Nothing was loaded")


def _some(count: int, one: str, several: str, examples: Sequence[str]) -> str:
    more = f"; and {count - len(examples):,} more" if count > len(examples) else ""
    return f"{count:,} {one if count == 1 else several}: {'; '.join(examples)}{more}"


def _how_to_go_on(feed: Feed) -> str:
    document = feed.identity.document if feed.identity else ""
    return (
        f". If the sender uses numbers again, [feeds.{feed.name}] key names the columns that tell the documents apart beside "
        f'{document}, such as key = ["fiscal_year"].'
    )


def _date(reading: Reading) -> str:
    """The date of a document; empty when the feed or the file has none."""
    name = reading.feed.date or ""
    return "" if name in reading.absent and not reading.is_patch else name


def _side(reading: Reading, rows: str) -> str:
    """SQL for what a message says of a document: account, type and date."""
    identity, date = reading.feed.identity, _date(reading)
    columns = (*(identity.fixed if identity else ()), *((date,) if date else ()))
    return f"concat_ws(', ', {', '.join(f'{rows}.{name}' for name in columns)})" if columns else "''"


def _differ(reading: Reading, left: str, right: str, days: int) -> str:
    """SQL condition that two rows of one number are of different documents."""
    identity, date = reading.feed.identity, _date(reading)
    conditions = [f"{left}.{name} IS DISTINCT FROM {right}.{name}" for name in (identity.fixed if identity else ())]
    if date:
        conditions.append(f"coalesce(abs({left}.{date} - {right}.{date}) > {days}, false)")
    return " OR ".join(conditions) or "false"


def _differ_in_group(feed: Feed, days: int) -> str:
    identity = feed.identity
    conditions = [f"min({name}) <> max({name})" for name in (identity.fixed if identity else ())]
    if feed.date:
        conditions.append(f"max({feed.date}) - min({feed.date}) > {days}")
    return " OR ".join(conditions)


def _changed(con: Connection, reading: Reading, source: FeedSource, days: int) -> list[str]:
    """Documents of which a row that is there gets another account, type or date. In append mode that is a reject."""
    feed = reading.feed
    identity = feed.identity
    if identity is None or source.mode == "append":
        return []
    found = con.execute(
        sql_text(
            "ingest/changed_documents.sql",
            feed=feed.name,
            document=identity.document,
            record=reading.record_number,
            kept_side=_side(reading, "kept"),
            side=_side(reading, "incoming"),
            differs=_differ(reading, "kept", "incoming", days),
        )
    ).fetchall()
    examples = [
        f"{number} is {one} in {where} and {other} here (record {record})"
        for number, one, where, other, record in found[:_SHOWN]
    ]
    return (
        [_some(len(found), "document would become another one", "documents would become other ones", examples)]
        if found
        else []
    )


def _other_lines(con: Connection, reading: Reading, source: FeedSource, days: int) -> list[str]:
    """Documents that are there, and none of whose lines comes again.

    In append mode, and where only what changed is read, lines may come alone, and revisions always may; in document mode the
    lines that a document had end. There only those of another account, type or date are asked about. A rejected line that was
    fixed may come alone as well.
    """
    feed = reading.feed
    identity = feed.identity
    if identity is None or not feed.key[1:]:
        return []
    lines = feed.key[1]
    may_come_alone = source.mode in {"append", "document"} or source.watermark is not None or identity.is_revised
    differs = _differ(reading, "kept", "incoming", days) if identity.shared else "false"
    is_fixed = f"{key_text(feed)} IN (SELECT business_key FROM staging.rejects WHERE feed = {literal(feed.name)} AND status = 'open')"
    if MARK in {name.lower() for name in reading.relation.columns}:
        is_fixed += f" OR {MARK} IS NOT NULL"
    found = con.execute(
        sql_text(
            "ingest/documents_with_other_lines.sql",
            feed=feed.name,
            document=identity.document,
            line=lines,
            record=reading.record_number,
            is_fixed=is_fixed,
            kept_side=_side(reading, "kept"),
            side=_side(reading, "incoming"),
            differs=differs,
            condition="is_other" if may_come_alone else "is_other OR NOT is_fixed",
        )
    ).fetchall()
    examples = [
        f"{number} is {one}, {lines} {old} in {where}, and {other}, {lines} {new} here (record {record})"
        for number, one, old, where, other, new, record in found[:_SHOWN]
    ]
    one, several = "document has none of the lines that it had", "documents have none of the lines that they had"
    return [_some(len(found), one, several, examples)] if found else []


def same_line(reading: Reading, left: str, right: str, days: int) -> str:
    """SQL condition that rows of one number, with and without the site's wider key, are the same line of the same document."""
    identity = reading.feed.identity
    same = [name for name in reading.feed.key if identity is None or name != identity.document]
    lines = (f"{left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in same)
    return " AND ".join((*lines, f"NOT ({_differ(reading, left, right, days)})"))


def same_document(reading: Reading, left: str, right: str) -> str:
    """SQL condition that rows of one number, with and without the site's wider key, may be of the same document, whatever its date."""
    fixed = reading.feed.identity.fixed if reading.feed.identity else ()
    return " AND ".join(f"{left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in fixed) or "true"


def _about_narrow_numbers(con: Connection, reading: Reading, days: int) -> str:
    """The question about documents of which other rows are there under the number without the site's wider key; empty without one."""
    identity = reading.feed.identity
    if identity is None or NARROW not in reading.values:
        return ""
    found = con.execute(
        sql_text(
            "ingest/documents_under_their_narrow_number.sql",
            feed=reading.feed.name,
            document=identity.document,
            narrow=NARROW,
            record=reading.record_number,
            kept_side=_side(reading, "kept"),
            side=_side(reading, "incoming"),
            same_document=same_document(reading, "kept", "incoming"),
            same_line=same_line(reading, "kept", "line", days),
        )
    ).fetchall()
    examples = [
        f"{number} is {one} in {where}, and {wide} is {other} here (record {record})"
        for number, one, where, wide, other, record in found[:_SHOWN]
    ]
    if not found:
        return ""
    one = "document is there under its bare number with another date or other lines"
    several = "documents are there under their bare numbers with other dates or other lines"
    return (
        f"{_some(len(found), one, several, examples)}. If these are other documents, put the files that have them into the landing "
        "folder again: they then get their wider numbers. If they are the same, this file replaces them: accept it."
    )


def _about_empty_columns(con: Connection, reading: Reading) -> str:
    """The question about columns that are empty in all rows of a file and were filled in the loads before; empty without one."""
    feed = reading.feed
    names = [
        column.name
        for column in feed.columns
        if not column.required and column.name not in (*feed.key, *reading.absent)
    ]
    counts = ", ".join(f"count(*) FILTER ({_is_filled(feed, name)})" for name in names)
    here = con.execute(f"SELECT count(*), {counts} FROM incoming AS kept WHERE verdict IN {ACCEPTED}").fetchall()[0]
    empty = [name for name, count in zip(names, here[1:], strict=True) if not count]
    if here[0] < _LEAST_ROWS or not empty:
        return ""
    loads = con.execute(
        f"""
        SELECT load_id, source FROM ops.loads
        WHERE feed = ? AND status = 'loaded' AND loaded_count >= {_LEAST_ROWS} AND NOT is_made_here(source)
        ORDER BY load_id DESC LIMIT {_LOADS_BEFORE}
        """,
        [feed.name],
    ).fetchall()
    for load_id, _ in loads:
        counts = ", ".join(f"count(*) FILTER ({_is_filled(feed, name)}) * 2 > count(*)" for name in empty)
        there = con.execute(f"SELECT {counts} FROM staging.{feed.name} AS kept WHERE load_id = {load_id}").fetchall()[0]
        empty = [name for name, is_filled in zip(empty, there, strict=True) if is_filled]
        if not empty:
            return ""
    if not loads:
        return ""
    return (
        f"{_words([_or_default(feed, name) for name in empty])} {'are' if len(empty) > 1 else 'is'} empty in all {here[0]:,} rows, and most rows of the last loads "
        f"({', '.join(source for _, source in loads)}) had a value. If the sender left it out, ask for the file again. If the values "
        "ended: accept it."
    )


def _fewer_lines(con: Connection, reading: Reading) -> list[str]:
    """Documents with fewer equal lines than they had, from a source that does not number them."""
    feed = reading.feed
    identity = feed.identity
    if identity is None or not feed.line or reading.is_numbered:
        return []
    found = con.execute(
        sql_text("ingest/documents_with_fewer_lines.sql", feed=feed.name, document=identity.document)
    ).fetchall()
    examples = [f"{number} has {had:,} lines in {where} and {has:,} here" for number, had, where, has in found[:_SHOWN]]
    one, several = "document without line numbers has fewer lines", "documents without line numbers have fewer lines"
    return [_some(len(found), one, several, examples)] if found else []


def _lost_columns(con: Connection, extract: Extract, reading: Reading, *, was_read: bool) -> set[str]:
    """Columns that the file does not have, and that rows which are there fill."""
    lost = _no_more_given(con, extract, reading)
    return lost if was_read else lost | _emptied(con, reading)


def _about_columns(reading: Reading, unused: Sequence[str], lost: set[str], extract: Extract) -> str:
    """The question about columns that are gone or have a name that is almost right; empty without one."""
    absent = [name for name in reading.feed.column_names if name in reading.absent]
    misspelt = {name: like for name in absent if name not in lost and (like := _most_like(name, unused, _ALMOST))}
    names = [name for name in absent if name in lost]
    if not names and not misspelt:
        return ""
    renamed = misspelt | {name: like for name in names if (like := _most_like(name, unused, _SOMEWHAT))}
    gone = [f"the file has no {_words(names)}, which {reading.feed.name} had until now."] if names else []
    listed = [f"Nothing uses its {_words(unused)}."] if unused else []
    to_map = renamed or {names[0]: "…"}
    mapping = ", ".join(f'{name} = "{like}"' for name, like in to_map.items())
    to_do = [f"If a column has another name: [feeds.{extract.feed}] columns = {{ {mapping} }}."]
    ended = (
        ['If files may leave columns out and their values stay: mode = "patch". If the values ended: accept it.']
        if names
        else []
    )
    return " ".join((*gone, *listed, *to_do, *ended))


def _words(names: Sequence[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _most_like(name: str, unused: Sequence[str], cutoff: float) -> str:
    """The unused column whose name is most like that of a column of the feed; empty when none is like it enough."""
    lower = {column.lower(): column for column in unused}
    found = difflib.get_close_matches(name, list(lower), n=1, cutoff=cutoff)
    return lower[found[0]] if found else ""


def _emptied(con: Connection, reading: Reading) -> set[str]:
    """Absent columns that rows fill which this load would replace."""
    absent = sorted(reading.absent - set(reading.feed.key))
    if not absent:
        return set()
    counts = ", ".join(f"count(*) FILTER ({_is_filled(reading.feed, name)})" for name in absent)
    found = con.execute(
        f"SELECT {counts} FROM matched JOIN staging.{reading.feed.name} AS kept ON kept.rowid = matched.kept_place"
    ).fetchall()[0]
    return {name for name, count in zip(absent, found, strict=True) if count}


def _or_default(feed: Feed, name: str) -> str:
    default = feed.column(name).default
    return name if default is None else f"{name} (or {default})"


def _is_filled(feed: Feed, name: str) -> str:
    column = feed.column(name)
    default = "" if column.default is None else f" AND kept.{name} <> {literal(column.default)}::{column.sql_type}"
    return f"kept.{name} IS NOT NULL{default}"


def _no_more_given(con: Connection, extract: Extract, reading: Reading) -> set[str]:
    """Absent columns that the last load with rows gave, and that rows of the feed fill.

    A default fills too where the file has a new column, which may be the same one under another name.
    """
    absent = sorted(reading.absent)
    last = _last_header(con, extract) if absent else None
    if last is None or not con.execute("SELECT 1 FROM incoming LIMIT 1").fetchone():
        return set()
    header, earlier = last
    header = [*header, earlier.unpivot.name, earlier.unpivot.value] if earlier.unpivot else header
    if extract.source.lower().endswith(_NEVER_GIVES_WHAT_IS_EMPTY) and set(reading.relation.columns) <= set(header):
        return set()
    given = {name.lower() for name in header} | set(earlier.columns)
    candidates = [name for name in absent if name in given]
    if not candidates:
        return set()
    is_new = bool(_new_and_unused(con, extract, reading))
    filled = (f"kept.{name} IS NOT NULL" if is_new else _is_filled(reading.feed, name) for name in candidates)
    counts = ", ".join(f"count(*) FILTER ({condition})" for condition in filled)
    found = con.execute(
        f"SELECT {counts} FROM staging.{reading.feed.name} AS kept "
        "WHERE superseded_load_id IS NULL AND load_id NOT IN (SELECT load_id FROM ops.loads WHERE is_made_here(source))"
    ).fetchall()[0]
    return {name for name, count in zip(candidates, found, strict=True) if count}


def _last_header(con: Connection, extract: Extract) -> tuple[list[str], FeedSource] | None:
    """The columns of the last source with rows, and how it was read; None when that is not known.

    After a change of the mapping that is the last reading of the same bytes.
    """
    found = con.execute(
        """
        SELECT header, reading FROM ops.loads
        WHERE feed = ? AND status = 'loaded' AND read_count > 0 AND NOT is_made_here(source) ORDER BY sha256 = ? DESC, load_id DESC LIMIT 1
        """,
        [extract.feed, extract.sha256],
    ).fetchone()
    if found is None or found[0] is None:
        return None
    return json.loads(found[0]), FeedSource.model_validate_json(found[1])


def _new_and_unused(con: Connection, extract: Extract, reading: Reading) -> list[str]:
    """Columns of a source that nothing uses, and that the last one did not have."""
    unused = unused_columns(reading)
    last = _last_header(con, extract) if unused else None
    known = set(last[0]) if last else set()
    return [name for name in unused if name not in known]


def unused_columns(reading: Reading) -> list[str]:
    """Columns of a source that no column of the feed is made of."""
    # These two look at whole records.
    given = (sql for name, sql in reading.given.items() if name not in (LEFT_OUT, RECORD_HASH))
    sql = " ".join((*given, *reading.tried.values()))
    return [
        name
        for name in reading.relation.columns
        if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE) and name.lower() not in _NOT_DATA
    ]
