"""Delimited text files: what is refused at once, decompression, decoding, the header, and the file as a relation.

A good file goes to DuckDB's strict reader as it is. A file with records that this reader does not take, or with
several kinds of line ends, is read a second time, record by record; bad records are marked with what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from kam.errors import SourceRefusedError
from kam.ingest.readers.compression import uncompressed
from kam.ingest.readers.encoding import as_utf8, not_utf8, refuse_other_formats
from kam.ingest.readers.records import (
    BUFFER,
    LONGEST_RECORD,
    below_skipped,
    is_blank,
    line_numbers,
    open_lines,
    read_by_record,
    read_csv,
    records,
)
from kam.ingest.readers.relation import CHUNK, MEGABYTE, Relation
from kam.site import CsvDialect, IngestSection
from kam.warehouse import literal

_NO_CONTROLS = bytes((*b"\n\r", *range(0x20, 0x7F), *range(0x80, 0x100)))


@dataclass(frozen=True)
class _Shape:
    """What one pass over a file's bytes finds out about its structure."""

    quoted_line_ends: bool
    mixed_line_ends: bool
    has_controls: bool


def csv_relation(
    file: Path, dialect: CsvDialect, folder: Path, where: str, limits: IngestSection | None = None
) -> Relation:
    """The rows of a delimited text file, all columns as text.

    `folder` takes a decoded or decompressed copy where one is needed; `where` opens every message. Raises
    `SourceRefusedError` when the file is not what its dialect says.
    """
    plain = uncompressed(file, folder, where, limits or IngestSection())
    refuse_other_formats(plain, dialect, where)
    text = as_utf8(plain, dialect, folder, where)
    shape = _shape(text, dialect, where)
    header = _header(text, dialect, where)
    second_look = partial(read_by_record, text, dialect, folder, where, header)
    # DuckDB's threads take lines in a quoted cell for records, and one thread alone drops a quote that is never closed. Of a
    # single column it takes blank lines for empty cells.
    if shape.quoted_line_ends or shape.mixed_line_ends or len(header) == 1 or _header_is_uncommon(text, dialect):
        return second_look()
    options = (
        f"header = true, skip = {dialect.skip_rows}, delim = {literal(dialect.delimiter)}, "
        f"quote = {literal(dialect.quote)}, escape = {literal(dialect.quote)}, max_line_size = {LONGEST_RECORD}, "
        f"buffer_size = {BUFFER}"
    )
    columns = dict.fromkeys(header, "VARCHAR")
    return Relation(read_csv(text, columns, options), columns, second_look=second_look, has_controls=shape.has_controls)


def record_lines(file: Path, dialect: CsvDialect, folder: Path, limits: IngestSection) -> Iterator[int]:
    """The line of the file that each record of `csv_relation` starts on; raises as that does."""
    plain = uncompressed(file, folder, file.name, limits)
    return line_numbers(as_utf8(plain, dialect, folder, file.name), dialect, file.name)


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


def _shape(text: Path, dialect: CsvDialect, where: str) -> _Shape:
    """One pass over the bytes. Raises `SourceRefusedError` for NUL bytes and endless lines."""
    quote = dialect.quote.encode()
    line_feeds = returns = pairs = position = since_line_end = 0
    quotes = _OddQuotes(quote)
    has_controls = False
    expected = _NO_CONTROLS + dialect.delimiter.encode()
    last = b""
    with text.open("rb") as stream:
        while chunk := stream.read(4 * CHUNK):
            if b"\0" in chunk:
                raise _nul_byte(where, position + chunk.index(b"\0"))
            if b"\r" in chunk or returns:
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
                line_feeds += chunk.count(b"\n")
            elif not line_feeds and b"\n" in chunk:
                line_feeds = 1
            has_controls = has_controls or bool(chunk.translate(None, expected))
            if quote and quote in chunk:
                quotes.present = True
            if quotes.present:
                quotes.see(chunk)
            end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            since_line_end = since_line_end + len(chunk) if end < 0 else len(chunk) - end
            if since_line_end > LONGEST_RECORD + 4 * CHUNK:
                message = (
                    f"{where}: a line longer than {LONGEST_RECORD // MEGABYTE} MB. Is this a text file with lines?"
                )
                raise SourceRefusedError(message)
            position += len(chunk)
            last = chunk[-1:]
    mixed = returns > 0 and not returns == pairs == line_feeds
    return _Shape(quotes.odd, mixed, has_controls)


class _OddQuotes:
    """Whether any line has an odd number of quotes, as one has in which a quoted cell goes on to the next line."""

    def __init__(self, quote: bytes) -> None:
        self.present = self.odd = False
        self._quote = quote
        self._others = bytes(set(range(256)) - set(quote + b"\n\r"))
        self._rest = b""

    def see(self, chunk: bytes) -> None:
        """Take the next bytes into account."""
        if self.odd:
            return
        marks = self._rest + chunk.translate(None, self._others)
        end = max(marks.rfind(b"\n"), marks.rfind(b"\r")) + 1
        self.odd = self._quote in marks[:end].replace(self._quote * 2, b"")
        self._rest = marks[end:]


def _nul_byte(where: str, position: int) -> SourceRefusedError:
    message = f"{where}: NUL byte at position {position:,}: the file is damaged or not a text file. Download it again"
    return SourceRefusedError(message)


def _header(text: Path, dialect: CsvDialect, where: str) -> list[str]:
    try:
        with open_lines(text) as lines:
            first = next(records(below_skipped(lines, dialect), dialect), None)
    except UnicodeDecodeError as error:
        raise not_utf8(where, error) from None
    if first is not None and first.rule == "quotes":
        message = f"{where}: in the header, {first.message}"
        raise SourceRefusedError(message)
    header = [re.sub(r"\s*[\r\n]+\s*", " ", cell.strip()) for cell in first.cells] if first else []
    if not any(header):
        message = f"{where}: no header line. The first line must name the columns (csv.skip_rows skips lines above it)"
        raise SourceRefusedError(message)
    seen: set[str] = set()
    for number, name in enumerate(header, start=1):
        if name.lower() in seen and name:
            message = f"{where}: two columns are called {name!r}. Each needs its own name"
            raise SourceRefusedError(message)
        header[number - 1] = name or f"column{number}"
        seen.add(header[number - 1].lower())
    if len(seen) < len(header):
        message = f"{where}: a column without a name beside one that is called {min(set(header))!r}. Name it"
        raise SourceRefusedError(message)
    if len(header) == 1:
        _refuse_wrong_delimiter(header[0], dialect, where)
    return header


def _header_is_uncommon(text: Path, dialect: CsvDialect) -> bool:
    """Whether the header is not just the one line that DuckDB skips: a blank line is above, or it is two lines."""
    with open_lines(text) as lines:
        line = next(below_skipped(lines, dialect))
    odd = bool(dialect.quote) and line.count(dialect.quote) % 2 == 1
    return odd or is_blank(line, dialect)


def _refuse_wrong_delimiter(only: str, dialect: CsvDialect, where: str) -> None:
    likely = next((mark for mark in ";\t|," if mark != dialect.delimiter and mark in only), None)
    if likely:
        shown = "\\t" if likely == "\t" else likely
        message = (
            f"{where}: the header has one column, {only[:60]!r}; it looks separated by {shown!r}. "
            f'Say so in kam.toml: csv = {{ delimiter = "{shown}" }}'
        )
        raise SourceRefusedError(message)
