"""Delimited text files: what is refused at the door, decoding, the header, and the file as a relation."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import duckdb

from kam.errors import SourceRefusedError
from kam.settings import CsvDialect
from kam.warehouse import literal

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_OTHER_FORMATS: Mapping[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST_FIELD = 16 * 1024 * 1024


@dataclass(frozen=True)
class Relation:
    """Rows that DuckDB can read: `sql` stands after FROM, `columns` maps names to DuckDB types."""

    sql: str
    columns: Mapping[str, str]


def csv_relation(file: Path, dialect: CsvDialect, folder: Path, where: str) -> Relation:
    """The rows of a delimited text file, all columns as text.

    `folder` takes a decoded or decompressed copy where one is needed; `where` opens every message. Raises
    `SourceRefusedError` when the file is not what its dialect says.
    """
    _refuse_other_formats(file, dialect, where)
    text = _as_utf8(file, dialect, folder, where)
    header = _header(text, dialect, where)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    sql = (
        f"read_csv({literal(str(text))}, columns = {{{columns}}}, auto_detect = false, header = true, "
        f"skip = {dialect.skip_rows}, delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)}, "
        f"escape = {literal(dialect.quote)}, max_line_size = {_LONGEST_FIELD})"
    )
    return Relation(sql, dict.fromkeys(header, "VARCHAR"))


def read_error(error: duckdb.Error, where: str) -> SourceRefusedError:
    """DuckDB's complaint about a text file as one line: the line of the file and what is wrong with it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    found = [
        line
        for line in lines
        if line.startswith(
            ("Expected Number", "Value with unterminated", "Maximum line size", "Invalid unicode", "Error when")
        )
    ]
    place = next((line.split("Error on ", 1)[1] for line in lines if "CSV Error on Line" in line), "")
    reason = found[0] if found else lines[0]
    message = (
        f"{where}: {place}{': ' if place else ''}{reason}. Is csv.delimiter or csv.quote right? Nothing was loaded"
    )
    return SourceRefusedError(message)


def _refuse_other_formats(file: Path, dialect: CsvDialect, where: str) -> None:
    with file.open("rb") as stream:
        start = stream.read(512)
    if not start:
        message = f"{where}: the file has zero bytes. Is the export complete?"
        raise SourceRefusedError(message)
    for mark, what in _OTHER_FORMATS.items():
        if start.startswith(mark):
            message = f"{where}: this is {what}, not a CSV file"
            raise SourceRefusedError(message)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        message = f"{where}: this is a web page or XML, not a CSV file. Did the download fail?"
        raise SourceRefusedError(message)
    declares_utf16 = dialect.encoding.startswith(("utf-16", "utf-32"))
    if not declares_utf16 and (start.startswith(_UTF16_MARKS) or b"\x00" in start) and not start.startswith(_GZIP):
        message = f'{where}: this looks like UTF-16 text. Say so in kam.toml: csv = {{ encoding = "utf-16" }}'
        raise SourceRefusedError(message)


def _as_utf8(file: Path, dialect: CsvDialect, folder: Path, where: str) -> Path:
    """The file itself when it is plain UTF-8, else a decompressed and decoded copy in `folder`."""
    with file.open("rb") as stream:
        compressed = stream.read(2) == _GZIP
    if not compressed and dialect.encoding == "utf-8":
        return file
    copy = folder / "text.csv"
    try:
        with _opened(file, compressed=compressed) as source, copy.open("w", encoding="utf-8", newline="") as out:
            for text in _decoded(source, dialect.encoding):
                out.write(text)
    except UnicodeDecodeError as error:
        message = f"{where}: not {dialect.encoding} text ({error.reason} at byte {error.start} of a block). Set csv.encoding in kam.toml"
        raise SourceRefusedError(message) from None
    except UnicodeError as error:
        message = f"{where}: not {dialect.encoding} text ({error}). Set csv.encoding in kam.toml"
        raise SourceRefusedError(message) from None
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        message = f"{where}: the compressed file is damaged or incomplete ({error}). Fetch it again"
        raise SourceRefusedError(message) from None
    return copy


def _opened(file: Path, *, compressed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file, "rb")) if compressed else file.open("rb")


def _decoded(source: IO[bytes], encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    while chunk := source.read(_CHUNK):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _header(text: Path, dialect: CsvDialect, where: str) -> list[str]:
    try:
        with text.open(encoding="utf-8-sig", newline="") as stream:
            for _ in range(dialect.skip_rows):
                stream.readline(_LONGEST_FIELD)
            line = stream.readline(_LONGEST_FIELD)
    except UnicodeDecodeError as error:
        message = f"{where}: not UTF-8 text (byte {error.start}). Set csv.encoding in kam.toml, such as latin-1"
        raise SourceRefusedError(message) from None
    reader = csv.reader(io.StringIO(line), delimiter=dialect.delimiter, quotechar=dialect.quote)
    header = [name.strip() for name in next(reader, [])]
    if not any(header):
        message = f"{where}: no header line. The first line must name the columns (csv.skip_rows skips lines above it)"
        raise SourceRefusedError(message)
    seen: set[str] = set()
    for number, name in enumerate(header, start=1):
        if name.lower() in seen and name:
            message = f"{where}: two columns are called {name!r}. Each needs a name of its own"
            raise SourceRefusedError(message)
        seen.add(name.lower())
        header[number - 1] = name or f"column{number}"
    if len(header) == 1:
        _refuse_wrong_delimiter(header[0], dialect, where)
    return header


def _refuse_wrong_delimiter(only: str, dialect: CsvDialect, where: str) -> None:
    likely = next((mark for mark in ";\t|," if mark != dialect.delimiter and mark in only), None)
    if likely:
        shown = "\\t" if likely == "\t" else likely
        message = (
            f"{where}: the header has one column, {only[:60]!r}; it looks separated by {shown!r}. "
            f'Say so in kam.toml: csv = {{ delimiter = "{shown}" }}'
        )
        raise SourceRefusedError(message)
