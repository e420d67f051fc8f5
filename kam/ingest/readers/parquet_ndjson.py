"""Parquet and NDJSON: files whose values have types of their own."""

from __future__ import annotations

import codecs
import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb

from kam.errors import SourceRefusedError
from kam.ingest.readers.compression import uncompressed
from kam.ingest.readers.relation import Relation, path_literal
from kam.site import CsvDialect, IngestSection
from kam.warehouse import Connection, literal, quoted

_PARQUET = b"PAR1"
_MOST_COLUMNS = 2_000
_LONGEST_LINE = 64 * 1024 * 1024
# Digits that a JSON number, a double in every reader, does not keep; a quote inside a text has a backslash before it.
_TOO_MANY_DIGITS = r'[^\\]"\s*:\s*-?([0-9]{20,}|[0-9]{14,}\.[0-9])'


def refuse_other_format(file: Path, mark: bytes, what: str, where: str) -> None:
    """Raise `SourceRefusedError` for a file that does not begin as its format does."""
    with file.open("rb") as stream:
        start = stream.read(512)
    if not start:
        message = f"{where}: the file has zero bytes. Is the export complete?"
        raise SourceRefusedError(message)
    if start.startswith(mark):
        return
    found = ""
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        found = "a web page or XML"
    elif start.startswith(b"\xd0\xcf\x11\xe0"):
        found = "an old or password-protected workbook"
    elif b"\x00" not in start:
        found = "text"
    message = f"{where}: this is {found or 'something else'}, not {what}, although its name says so"
    raise SourceRefusedError(message)


def refuse_same_names(names: Iterable[str], where: str) -> None:
    """Raise `SourceRefusedError` when two columns differ at most in small and capital letters."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            message = f"{where}: two columns are called {name!r}. Each needs a name of its own"
            raise SourceRefusedError(message)
        seen.add(name.lower())


def _reason(error: duckdb.Error, file: Path) -> str:
    """DuckDB's complaint in one line, without the path of a file in the archive."""
    return str(error).splitlines()[0].replace(str(file), "the file").strip().rstrip(".")


def parquet_relation(con: Connection, file: Path, limits: IngestSection, where: str) -> Relation:
    """The rows of a Parquet file with the types that it declares."""
    refuse_other_format(file, _PARQUET, "a Parquet file", where)
    path = path_literal(file)
    try:
        described = con.execute(f"DESCRIBE FROM read_parquet({path})").fetchall()
        declared = {name for (name,) in con.execute(f"SELECT name FROM parquet_schema({path})").fetchall()}
        rows, size = con.execute(
            f"SELECT coalesce(max(row_group_num_rows), 0), coalesce(sum(total_uncompressed_size), 0) "
            f"FROM parquet_metadata({path})"
        ).fetchall()[0]
    except duckdb.Error as error:
        message = f"{where}: the Parquet file is damaged or incomplete ({_reason(error, file)}). Fetch it again"
        raise SourceRefusedError(message) from None
    if max(rows, size) > limits.max_expanded_bytes:
        message = (
            f"{where}: expands to {max(rows, size):,} bytes. If that is right, raise "
            "ingest.max_expanded_gigabytes in kam.toml"
        )
        raise SourceRefusedError(message)
    # DuckDB gives a name that comes twice, in any case of its letters, a number.
    refuse_same_names((row[0] if row[0] in declared else row[0].rpartition("_")[0] for row in described), where)
    return Relation(f"read_parquet({path})", {row[0]: row[1] for row in described})


def ndjson_relation(
    con: Connection, file: Path, dialect: CsvDialect, folder: Path, limits: IngestSection, where: str
) -> Relation:
    """The rows of a file with one JSON object a line, all columns as text.

    Numbers are written as the feed's texts are; a key that a row lacks is NULL.
    """
    text = uncompressed(file, folder, where, limits)
    with text.open("rb") as stream:
        start = stream.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
    text = _without_mark(text, folder)
    if start and not start.startswith(b"{"):
        what = "a JSON array" if start.startswith(b"[") else "something else"
        message = f"{where}: this is {what}; expected NDJSON, one object in braces a line"
        raise SourceRefusedError(message)
    names = _keys(con, text, where)
    if not names:
        message = f"{where}: no object with a key. Is the export complete?"
        raise SourceRefusedError(message)
    columns = ", ".join(f"{literal(name)}: 'JSON'" for name in names)
    cells = ", ".join(f"{_text_of(name, dialect)} AS {quoted(name)}" for name in names)
    options = f"format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = {_LONGEST_LINE}"
    return Relation(
        f"(SELECT {cells} FROM read_json({path_literal(text)}, {options}))", dict.fromkeys(names, "VARCHAR")
    )


def _without_mark(text: Path, folder: Path) -> Path:
    """The file itself, or a copy of it without a byte-order mark, which DuckDB's reader does not take."""
    with text.open("rb") as stream:
        if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            return text
        copy = folder / "unmarked"
        with copy.open("wb") as out:
            shutil.copyfileobj(stream, out)
    return copy


def _keys(con: Connection, text: Path, where: str) -> list[str]:
    """The keys of all objects, in the order of their first appearance."""
    objects = f"read_ndjson_objects({path_literal(text)}, maximum_object_size = {_LONGEST_LINE})"
    try:
        faults = con.execute(
            f"""
            SELECT
                count(*) FILTER (json_type(json) <> 'OBJECT'),
                count(*) FILTER (
                    len(json_keys(json)) <> len(list_distinct(list_transform(json_keys(json), lambda key: lower(key))))
                ),
                count(*) FILTER (regexp_matches(json::VARCHAR, {literal(_TOO_MANY_DIGITS)}))
            FROM {objects}
            """
        ).fetchall()[0]
        names = con.execute(
            f"SELECT DISTINCT unnest(json_keys(json)) AS name FROM {objects} ORDER BY name LIMIT {_MOST_COLUMNS + 1}"
        ).fetchall()
    except duckdb.Error as error:
        message = f"{where}: not NDJSON ({_reason(error, text)}). Nothing was loaded"
        raise SourceRefusedError(message) from None
    reasons = (
        "lines hold something else than an object in braces",
        "lines have two keys of the same name",
        "lines have numbers of more digits than JSON readers keep. Export them as texts, in quotes",
    )
    for count, reason in zip(faults, reasons, strict=True):
        if count:
            message = f"{where}: {count:,} {reason}. Nothing was loaded"
            raise SourceRefusedError(message)
    if len(names) > _MOST_COLUMNS:
        message = f"{where}: more than {_MOST_COLUMNS:,} different keys; expected the same columns in every line"
        raise SourceRefusedError(message)
    refuse_same_names((name for (name,) in names), where)
    return [name for (name,) in names]


def _text_of(name: str, dialect: CsvDialect) -> str:
    """A JSON value as a cell: a text as it is, a number in the feed's format and without the `.0` of a whole one."""
    cell = quoted(name)
    text = f"({cell} ->> '$')"
    # A small number is written 1e-08, which no text of a number may be.
    small = f"coalesce(TRY_CAST({text} AS DECIMAL(38, 18))::VARCHAR, {text})"
    number = f"CASE WHEN {text} ILIKE '%e-%' THEN {small} ELSE regexp_replace({text}, '\\.0$', '') END"
    if dialect.decimal != ".":
        number = f"replace({number}, '.', {literal(dialect.decimal)})"
    numeric = "'DOUBLE', 'BIGINT', 'UBIGINT', 'HUGEINT'"
    return f"CASE WHEN json_type({cell}) IN ({numeric}) THEN {number} ELSE {text} END"
