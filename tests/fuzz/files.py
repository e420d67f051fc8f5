"""Rows as the bytes of a delimited file, and what can happen to such bytes on their way."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl
import xlsxwriter
import zstandard
from hypothesis import strategies as st

from kam.site import Kind
from tests.fuzz.rows import BAD, Row, Table

ISO: Mapping[str, Any] = {}
GERMAN: Mapping[str, Any] = {
    "delimiter": ";", "encoding": "utf-16", "decimal": ",", "thousands": ".", "date_format": ["%d.%m.%Y", "%d.%m.%Y %H:%M:%S.%f"],
}  # fmt: skip
TABBED: Mapping[str, Any] = {"delimiter": "\t", "quote": "'", "null_values": ["(none)"], "skip_rows": 2}
dialects = st.sampled_from((ISO, GERMAN, TABBED))


def as_csv(table: Table, dialect: Mapping[str, Any] = ISO, *, line_end: str = "\n") -> bytes:
    """The table as a well-formed file in this dialect."""
    return written(table.columns, [cells(table, row, dialect) for row in table.rows], dialect, line_end=line_end)


def written(
    header: Sequence[str], records: Sequence[Sequence[str]], dialect: Mapping[str, Any] = ISO, *, line_end: str = "\n"
) -> bytes:
    """Cells as a well-formed file in this dialect."""
    lines = ["a title"] * dialect.get("skip_rows", 0)
    lines += [_line(record, dialect) for record in (header, *records)]
    text = "".join(line + line_end for line in lines)
    return text.encode(dialect.get("encoding", "utf-8"))


def _line(record: Sequence[str], dialect: Mapping[str, Any]) -> str:
    """A record with quotes where they are needed; Python's own writer leaves a carriage return bare."""
    delimiter, quote = dialect.get("delimiter", ","), dialect.get("quote", '"')
    special = {delimiter, quote, "\r", "\n"}
    return delimiter.join(
        quote + cell.replace(quote, quote * 2) + quote if special & set(cell) or len(record) == 1 else cell
        for cell in record
    )


def cells(table: Table, row: Row, dialect: Mapping[str, Any]) -> list[str]:
    """What a source writes for the values of a row."""
    return [_cell(row[name], dialect) for name in table.columns]


def _cell(value: object, dialect: Mapping[str, Any]) -> str:
    if value is None:
        return next(iter(dialect.get("null_values", ())), "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal) and dialect is GERMAN:
        return f"{value:,f}".translate(str.maketrans(",.", ".,"))
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.datetime) and dialect is GERMAN:
        return value.strftime("%d.%m.%Y %H:%M:%S.%f")
    if isinstance(value, dt.date) and dialect is GERMAN:
        return value.strftime("%d.%m.%Y")
    return str(value)


_TOKENS = (
    b"\x00", b"\r", b"\n", b"\r\n", b'"', b'""', b"'", b",", b";", b"\t", b"\\", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\x80",
    b"\xc3", b"\xe2\x80\xa8", b"\x1e", b"\x1f", b"\x0b", b"\x0c", b"\x1a", b"\x85", b"\xc2\xa0", b"#", b"<html>", b"PK\x03\x04",
    b"PAR1", b"\x1f\x8b", b"-", b"1e9", b"nan", b"inf", b"1_000", b"0x10", b"infinity", b"0000-00-00", b"2026-02-30",
    b"9" * 40, b"x" * 5_000,
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes after one to four accidents: some lost, doubled, moved, changed, or others put in."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 20)))
        match draw(st.sampled_from(("put in", "put in", "lose", "double", "replace", "cut off", "move", "flip"))):
            case "put in":
                content = content[:start] + draw(st.sampled_from(_TOKENS) | st.binary(max_size=3)) + content[start:]
            case "lose":
                content = content[:start] + content[end:]
            case "double":
                content = content[:end] + content[start:]
            case "replace":
                content = content[:start] + draw(st.binary(min_size=1, max_size=4)) + content[end:]
            case "cut off":
                content = content[:start]
            case "move":
                content = content[:start] + content[end:] + content[start:end]
            case _ if start < len(content):
                flipped = content[start] ^ (1 << draw(st.integers(0, 7)))
                content = content[:start] + bytes([flipped]) + content[start + 1 :]
    return content


def count_of_records(content: bytes) -> int | None:
    """The records below the header by Python's own strict reader; None where it does not take the file for UTF-8 CSV."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if "\x00" in text or "\r" in text:
        return None
    try:
        records = [record for record in csv.reader(io.StringIO(text, newline=""), strict=True) if record]
    except csv.Error:
        return None
    # A line with nothing but blanks is no record, one with blanks in quotes is; both look the same here.
    blank = [record for record in records if len(record) == 1 and record[0] and not record[0].strip(" \t\xa0\x1a")]
    if not records or (blank and '"' in text):
        return None
    return len(records) - len(blank) - 1


def as_ndjson(table: Table) -> bytes:
    """The table as one JSON object a line; numbers are numbers."""
    lines = [{name: _json_value(row[name]) for name in table.columns} for row in table.rows]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _json_value(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value if value is None or isinstance(value, bool | int) else str(value)


def as_parquet(table: Table) -> bytes:
    """The table as Parquet, with the types of the feed but for a column with a cell that cannot be read."""
    columns = {name: [row[name] for row in table.rows] for name in table.columns}
    texts = {name for name, values in columns.items() if BAD in values}
    frame = pl.DataFrame(
        {name: [_text(value) for value in values] if name in texts else values for name, values in columns.items()},
        schema={name: pl.String if name in texts else _POLARS[table.feed.column(name).kind] for name in columns},
    )
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def _text(value: object) -> str | None:
    return None if value is None else _cell(value, ISO)


_POLARS: Mapping[Kind, Any] = {
    Kind.ID: pl.String, Kind.TEXT: pl.String, Kind.CURRENCY: pl.String, Kind.ENUM: pl.String, Kind.MONEY: pl.Decimal(18, 4), Kind.PRICE: pl.Decimal(24, 10),
    Kind.QUANTITY: pl.Decimal(18, 4), Kind.NUMBER: pl.Decimal(18, 4), Kind.RATE: pl.Decimal(18, 10), Kind.INTEGER: pl.Int64,
    Kind.DATE: pl.Date, Kind.MONTH: pl.Date, Kind.TIMESTAMP: pl.Datetime("us"), Kind.BOOLEAN: pl.Boolean,
}  # fmt: skip


def as_workbook(table: Table) -> bytes:
    """The table as a workbook whose cells are all texts."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        # Else the time of day is in the bytes, and an example is not the same when it is tried again.
        book.set_properties({"created": dt.datetime(2026, 1, 1)})
        sheet = book.add_worksheet()
        for number, record in enumerate([table.columns, *(cells(table, row, ISO) for row in table.rows)]):
            for place, cell in enumerate(record):
                sheet.write_string(number, place, cell)
    return out.getvalue()


def _as_gzip(table: Table) -> bytes:
    return gzip.compress(as_csv(table), mtime=0)


def _as_zstandard(table: Table) -> bytes:
    return zstandard.compress(as_csv(table))


# By the ending of the name: how the table is written there.
FORMATS: Mapping[str, Callable[[Table], bytes]] = {
    ".csv": as_csv, ".csv.gz": _as_gzip, ".csv.zst": _as_zstandard, ".ndjson": as_ndjson, ".parquet": as_parquet,
    ".xlsx": as_workbook,
}  # fmt: skip
formats = st.sampled_from((".csv",) * 6 + (".ndjson",) * 3 + tuple(FORMATS))
