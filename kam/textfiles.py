"""Delimited text files: what is refused at the door, decompression, decoding, the header, and the file as a relation.

A good file goes to DuckDB's strict reader as it lies there. A file with records that this reader does not take, or with
several kinds of line ends, gets a second look, record by record: what is wrong with a record then stands in its place.
"""

from __future__ import annotations

import codecs
import csv
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

import duckdb
import zstandard

from kam.errors import SourceRefusedError
from kam.settings import CsvDialect, IngestSection
from kam.warehouse import literal

_CHUNK = 1 << 20
_MEGABYTE = 1 << 20
_GIGABYTE = 1 << 30
_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_OTHER_FORMATS: Mapping[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
}
_WEB_PAGE = (b"<!doctype", b"<html", b"<?xml", b"<!--", b"<head", b"<body")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF8_NAMES = ("utf-8", "utf-8-sig")
_C1_CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")
# Small files may well shrink a thousandfold: an empty template, a test.
_ALWAYS_EXPANDED = 64 * _MEGABYTE
_LONGEST_RECORD = 16 * _MEGABYTE
_BUFFER = 2 * _LONGEST_RECORD
_LARGEST_WINDOW = 128 * _MEGABYTE
_ZSTANDARD_PIECE = 4096
_MOST_RESCANNED = _GIGABYTE
# On a line of its own these are nothing: blanks, and the end-of-file sign that MS-DOS programs leave.
_NOTHING = " \t\xa0\x1a"

# What DuckDB raises while it reads a file whose content is at fault.
READ_ERRORS = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException)


@dataclass(frozen=True)
class RecordFaults:
    """Columns of a relation that say what is wrong with a record: rule, raw text and message; NULL for a good one."""

    rule: str
    text: str
    message: str


@dataclass(frozen=True)
class Relation:
    """Rows that DuckDB can read: `sql` stands after FROM, `columns` maps names to DuckDB types.

    `second_look` gives the rows of a file that DuckDB refuses, with its bad records marked by `record_faults`.
    """

    sql: str
    columns: Mapping[str, str]
    record_faults: RecordFaults | None = None
    second_look: Callable[[], Relation] | None = None


@dataclass(frozen=True)
class _Shape:
    """What one pass over a file's bytes tells about its structure."""

    quoted_line_ends: bool
    mixed_line_ends: bool


@dataclass(frozen=True)
class _Record:
    """One record of a text file; `rule` and `message` are empty for a good one."""

    cells: Sequence[str]
    text: str = ""
    rule: str = ""
    message: str = ""


def csv_relation(
    file: Path, dialect: CsvDialect, folder: Path, where: str, limits: IngestSection | None = None
) -> Relation:
    """The rows of a delimited text file, all columns as text.

    `folder` takes a decoded or decompressed copy where one is needed; `where` opens every message. Raises
    `SourceRefusedError` when the file is not what its dialect says.
    """
    plain = uncompressed(file, folder, where, limits or IngestSection())
    _refuse_other_formats(plain, dialect, where)
    text = _as_utf8(plain, dialect, folder, where)
    shape = _shape(text, dialect, where)
    header = _header(text, dialect, where)
    second_look = partial(_second_look, text, dialect, folder, where, header)
    # DuckDB's threads take lines in a quoted cell for records, and one thread alone drops a quote that is never closed. Of a
    # single column it takes blank lines for empty cells.
    if shape.quoted_line_ends or shape.mixed_line_ends or len(header) == 1 or _header_is_uncommon(text, dialect):
        return second_look()
    options = (
        f"header = true, skip = {dialect.skip_rows}, delim = {literal(dialect.delimiter)}, "
        f"quote = {literal(dialect.quote)}, escape = {literal(dialect.quote)}, max_line_size = {_LONGEST_RECORD}, "
        f"buffer_size = {_BUFFER}"
    )
    columns = dict.fromkeys(header, "VARCHAR")
    return Relation(_read_csv(text, columns, options), columns, second_look=second_look)


def path_literal(file: Path) -> str:
    """A path as an SQL literal in which DuckDB finds no pattern: `*`, `?` and `[` in a name are themselves."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(file)))


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


def _read_csv(file: Path, columns: Mapping[str, str], options: str) -> str:
    names = ", ".join(f"{literal(name)}: {literal(sql_type)}" for name, sql_type in columns.items())
    return f"read_csv({path_literal(file)}, columns = {{{names}}}, auto_detect = false, {options})"


# Decompression.


def uncompressed(file: Path, folder: Path, where: str, limits: IngestSection) -> Path:
    """The file itself, or what a gzip or Zstandard file holds, as a copy in `folder`.

    Raises `SourceRefusedError` for an empty, damaged or incomplete file, and for one that grows beyond the limits.
    """
    with file.open("rb") as stream:
        start = stream.read(4)
    if not start:
        message = f"{where}: the file has zero bytes. Is the export complete?"
        raise SourceRefusedError(message)
    blocks = _gzip_blocks if start.startswith(_GZIP) else _zstandard_blocks if start == _ZSTANDARD else None
    if blocks is None:
        return file
    copy = folder / "uncompressed"
    largest = _largest_expansion(file, limits)
    written = 0
    try:
        with file.open("rb") as stream, copy.open("wb") as out:
            for block in blocks(stream):
                written += len(block)
                if written > largest:
                    raise _explosion(where, file, written, limits)
                out.write(block)
    except (EOFError, zlib.error, zstandard.ZstdError, MemoryError) as error:
        message = f"{where}: the compressed file is damaged or incomplete ({error}). Fetch it again"
        raise SourceRefusedError(message) from None
    if not written:
        message = f"{where}: the compressed file holds zero bytes. Is the export complete?"
        raise SourceRefusedError(message)
    return copy


def _largest_expansion(file: Path, limits: IngestSection) -> int:
    by_ratio = max(file.stat().st_size * limits.max_expansion_ratio, _ALWAYS_EXPANDED)
    return min(by_ratio, int(limits.max_expanded_gigabytes * _GIGABYTE))


def _explosion(where: str, file: Path, written: int, limits: IngestSection) -> SourceRefusedError:
    size = file.stat().st_size
    message = (
        f"{where}: {size:,} bytes expand to more than {written:,}, beyond {limits.max_expansion_ratio} times the file "
        f"or {limits.max_expanded_gigabytes} GB. If that is right, raise ingest.max_expansion_ratio or "
        f"ingest.max_expanded_gigabytes in kam.toml"
    )
    return SourceRefusedError(message)


def _gzip_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """What all members of a gzip file hold; zero bytes after the last one are padding."""
    data = stream.read(_CHUNK)
    while data.strip(b"\0"):
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        while not member.eof:
            if not data:
                message = "it ends before its end mark"
                raise EOFError(message)
            yield member.decompress(data, _CHUNK)
            data = member.unconsumed_tail or (b"" if member.eof else stream.read(_CHUNK))
        data = member.unused_data or stream.read(_CHUNK)


def _zstandard_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """What all frames of a Zstandard file hold."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    frame = decompressor.decompressobj()
    # Four bytes can stand for a block of 128 KB, so small pieces keep a bomb small too.
    while data := stream.read(_ZSTANDARD_PIECE):
        while data:
            if frame.eof:
                frame = decompressor.decompressobj()
            yield frame.decompress(data)
            data = frame.unused_data if frame.eof else b""
    if not frame.eof:
        message = "it ends before its end mark"
        raise EOFError(message)


# What is refused before anything is read, and decoding.


def _refuse_other_formats(file: Path, dialect: CsvDialect, where: str) -> None:
    with file.open("rb") as stream:
        start = stream.read(4096)
    for mark, what in _OTHER_FORMATS.items():
        if start.startswith(mark):
            message = f"{where}: this is {what}, not a CSV file"
            raise SourceRefusedError(message)
    visible = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if visible.startswith(_WEB_PAGE):
        message = f"{where}: this is a web page or XML, not a CSV file. Did the download fail?"
        raise SourceRefusedError(message)
    if visible.startswith((b"{", b"[{")):
        message = f"{where}: this is JSON, not a CSV file. Did the download fail?"
        raise SourceRefusedError(message)
    if dialect.encoding.startswith(("utf-16", "utf-32")):
        return
    if start.startswith(_UTF16_MARKS) or _looks_like_utf16(start):
        message = f'{where}: this looks like UTF-16 text. Say so in kam.toml: csv = {{ encoding = "utf-16" }}'
        raise SourceRefusedError(message)
    if start.startswith(codecs.BOM_UTF8) and dialect.encoding not in _UTF8_NAMES:
        message = (
            f"{where}: the file starts with the byte-order mark of UTF-8, and csv.encoding says {dialect.encoding}. "
            f'Set csv.encoding = "utf-8" in kam.toml'
        )
        raise SourceRefusedError(message)


def _looks_like_utf16(start: bytes) -> bool:
    """Every second byte zero, as Western text has it."""
    pairs = len(start) // 2
    zeros = sorted((start[::2].count(0), start[1::2].count(0)))
    return pairs > 1 and zeros[0] <= pairs // 4 and zeros[1] > pairs * 3 // 4


def _as_utf8(file: Path, dialect: CsvDialect, folder: Path, where: str) -> Path:
    """The file itself when it is declared UTF-8, else a decoded copy in `folder`."""
    if dialect.encoding in _UTF8_NAMES:
        return file
    copy = folder / "text.csv"
    decoder = codecs.getincrementaldecoder(dialect.encoding)()
    doubt = _Utf8Doubt()
    position, controls = 0, False
    try:
        with file.open("rb") as source, copy.open("w", encoding="utf-8", newline="") as out:
            while chunk := source.read(_CHUNK):
                text = decoder.decode(chunk)
                doubt.see(chunk)
                controls = controls or bool(_C1_CONTROLS.search(text))
                out.write(text)
                position += len(chunk)
            out.write(decoder.decode(b"", final=True))
    except UnicodeError as error:
        place = f"byte {position + error.start}" if isinstance(error, UnicodeDecodeError) else str(error)
        message = f"{where}: not {dialect.encoding} text ({place}). Set csv.encoding in kam.toml to what the file is"
        raise SourceRefusedError(message) from None
    if doubt.is_utf8 and not dialect.encoding.startswith(("utf-16", "utf-32", "utf-7")):
        message = (
            f"{where}: csv.encoding says {dialect.encoding}, but every letter beyond ASCII is written as in UTF-8. "
            f'Set csv.encoding = "utf-8" in kam.toml'
        )
        raise SourceRefusedError(message)
    if controls and dialect.encoding == "iso8859-1":
        message = (
            f"{where}: control characters where {dialect.encoding} has no letters; this looks like Windows text. "
            f'Set csv.encoding = "cp1252" in kam.toml'
        )
        raise SourceRefusedError(message)
    return copy


class _Utf8Doubt:
    """Whether bytes declared to be something else are UTF-8 with letters beyond ASCII: `MÃ¼ller` for `Müller`."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._valid, self._beyond_ascii = True, False

    def see(self, chunk: bytes) -> None:
        """Take the next bytes into account."""
        if not self._valid or (chunk.isascii() and not self._beyond_ascii):
            return
        try:
            self._beyond_ascii = not self._decoder.decode(chunk).isascii() or self._beyond_ascii
        except UnicodeDecodeError:
            self._valid = False

    @property
    def is_utf8(self) -> bool:
        """After the last bytes: all of them were UTF-8, and not all of them ASCII."""
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return self._valid and self._beyond_ascii


# Structure.


def _shape(text: Path, dialect: CsvDialect, where: str) -> _Shape:
    """One pass over the bytes. Raises `SourceRefusedError` for NUL bytes and endless lines."""
    quote = dialect.quote.encode()
    line_feeds = returns = pairs = position = since_line_end = 0
    quotes = _OddQuotes(quote)
    last = b""
    with text.open("rb") as stream:
        while chunk := stream.read(4 * _CHUNK):
            if b"\0" in chunk:
                raise _nul_byte(where, position + chunk.index(b"\0"))
            if b"\r" in chunk or returns:
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
                line_feeds += chunk.count(b"\n")
            elif not line_feeds and b"\n" in chunk:
                line_feeds = 1
            if quote and quote in chunk:
                quotes.present = True
            if quotes.present:
                quotes.see(chunk)
            end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            since_line_end = since_line_end + len(chunk) if end < 0 else len(chunk) - end
            if since_line_end > _LONGEST_RECORD + 4 * _CHUNK:
                message = (
                    f"{where}: a line longer than {_LONGEST_RECORD // _MEGABYTE} MB. Is this a text file with lines?"
                )
                raise SourceRefusedError(message)
            position += len(chunk)
            last = chunk[-1:]
    mixed = returns > 0 and not returns == pairs == line_feeds
    return _Shape(quotes.odd, mixed)


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
    message = f"{where}: a NUL byte at byte {position:,}: the file is damaged, or no text. Fetch it again"
    return SourceRefusedError(message)


def _header(text: Path, dialect: CsvDialect, where: str) -> list[str]:
    try:
        with _lines(text) as lines:
            first = next(_records(_below_skipped(lines, dialect), dialect), None)
    except UnicodeDecodeError as error:
        raise _not_utf8(where, error) from None
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
            message = f"{where}: two columns are called {name!r}. Each needs a name of its own"
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
    with _lines(text) as lines:
        line = next(_below_skipped(lines, dialect))
    odd = bool(dialect.quote) and line.count(dialect.quote) % 2 == 1
    return odd or not line.strip(_NOTHING + "\r\n")


def _not_utf8(where: str, error: UnicodeDecodeError) -> SourceRefusedError:
    byte = error.object[error.start : error.start + 1].hex()
    message = f"{where}: not UTF-8 text (a byte 0x{byte}). Set csv.encoding in kam.toml, such as cp1252 or latin-1"
    return SourceRefusedError(message)


def _refuse_wrong_delimiter(only: str, dialect: CsvDialect, where: str) -> None:
    likely = next((mark for mark in ";\t|," if mark != dialect.delimiter and mark in only), None)
    if likely:
        shown = "\\t" if likely == "\t" else likely
        message = (
            f"{where}: the header has one column, {only[:60]!r}; it looks separated by {shown!r}. "
            f'Say so in kam.toml: csv = {{ delimiter = "{shown}" }}'
        )
        raise SourceRefusedError(message)


# The second look: record by record.


def _lines(text: Path) -> IO[str]:
    """The lines of a file with their own ends: CR, LF or CRLF."""
    return text.open(encoding="utf-8-sig", newline="")


def _below_skipped(lines: Iterator[str], dialect: CsvDialect) -> Iterator[str]:
    return islice(lines, dialect.skip_rows, None)


def _second_look(text: Path, dialect: CsvDialect, folder: Path, where: str, header: Sequence[str]) -> Relation:
    """A copy of the file with uniform line ends and quotes, in which each bad record says what is wrong with it.

    Raises `SourceRefusedError` when no record fits the header: then it is the dialect that does not fit the file.
    """
    copy = folder / "records.csv"
    faulty, good, first = 0, 0, _Record(())
    try:
        with _lines(text) as lines, copy.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
            found = _records(_below_skipped(lines, dialect), dialect, where)
            next(found, None)
            for record in found:
                fitted = _fitted(record, len(header))
                if not fitted.rule:
                    good += 1
                    writer.writerow((*fitted.cells, "", "", ""))
                    continue
                first = first if faulty else fitted
                faulty += 1
                writer.writerow((*fitted.cells, fitted.rule, fitted.text, fitted.message))
    except UnicodeDecodeError as error:
        raise _not_utf8(where, error) from None
    if faulty and not good:
        message = (
            f"{where}: none of its {faulty:,} records fits the header's {len(header)} columns; in the first, "
            f"{first.message}. Are csv.delimiter, csv.quote and csv.skip_rows right?"
        )
        raise SourceRefusedError(message)
    faults = RecordFaults(*(name_beside(header, name) for name in ("record_rule", "record_text", "record_message")))
    columns = dict.fromkeys(header, "VARCHAR")
    options = (
        f"header = false, delim = ',', new_line = '\\n', quote = '\"', escape = '\"', parallel = false, "
        f"max_line_size = {3 * _LONGEST_RECORD}, buffer_size = {4 * _LONGEST_RECORD}"
    )
    read_columns = columns | dict.fromkeys((faults.rule, faults.text, faults.message), "VARCHAR")
    return Relation(_read_csv(copy, read_columns, options), columns, record_faults=faults)


def name_beside(columns: Iterable[str], name: str) -> str:
    """The name, with underscores behind it until no column is called so."""
    taken = {column.lower() for column in columns}
    while name in taken:
        name += "_"
    return name


def _fitted(record: _Record, width: int) -> _Record:
    """The record with as many cells as the header; surplus cells may only be empty, as after a trailing delimiter."""
    cells = record.cells
    if not record.rule and (len(cells) < width or any(cells[width:])):
        message = f"the record has {len(cells)} cells where the header names {width}"
        record = _Record(cells, record.text, "ragged", message)
    padded = (*cells[:width], *("" for _ in range(width - len(cells))))
    return _Record(padded, record.text, record.rule, record.message)


class _Pushback:
    """Lines that can be put back, so that after a quote that is never closed reading goes on with the next line."""

    def __init__(self, lines: Iterator[str], where: str) -> None:
        self._lines, self._where = lines, where
        self._returned: list[str] = []
        self._rescanned = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._returned.pop() if self._returned else next(self._lines)

    def put_back(self, lines: Sequence[str]) -> None:
        """Give these lines out again. Raises `SourceRefusedError` when that is so often that quotes mean nothing."""
        self._rescanned += sum(map(len, lines))
        if self._rescanned > _MOST_RESCANNED:
            message = f"{self._where}: too many quotes that are opened and never closed. Is csv.quote right?"
            raise SourceRefusedError(message)
        self._returned.extend(reversed(lines))


def _records(lines: Iterator[str], dialect: CsvDialect, where: str = "") -> Iterator[_Record]:
    """The records of a text; blank lines are none. A record with a wrong quote is its first line only."""
    source = _Pushback(lines, where)
    cell = _cell_pattern(dialect)
    for line in source:
        text = line.rstrip("\r\n")
        if not text.strip(_NOTHING):
            continue
        if not dialect.quote or dialect.quote not in text:
            yield _Record(text.split(dialect.delimiter), text)
            continue
        yield _quoted_record(line, source, cell, dialect)


def _cell_pattern(dialect: CsvDialect) -> re.Pattern[str]:
    """One cell from its start: quoted, with blanks around the quotes, or as it stands; then what ends it."""
    quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
    if not quote:
        return re.compile("")
    inside = f"[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+"
    return re.compile(
        rf"(?P<opened>\ *+{quote}(?P<quoted>{inside})(?P<closed>{quote}\ *+)?+|(?P<plain>[^{delimiter}\r\n]*+))"
        rf"(?P<end>{delimiter}|[\r\n]*+\Z)?+"
    )


def _quoted_record(line: str, source: _Pushback, cell: re.Pattern[str], dialect: CsvDialect) -> _Record:
    """The record that starts with this line, over as many lines as its quotes say."""
    taken: list[str] = []
    text, position, size = line, 0, len(line)
    cells: list[str] = []
    while True:
        match = cell.match(text, position)
        if match is None or (match["closed"] is None and match["plain"] is None):
            more, is_closed = _until_closed(source, dialect.quote, _LONGEST_RECORD - size)
            taken += more
            size += sum(map(len, more))
            if not is_closed:
                return _bad_quote(line, source, taken, dialect, "a quote is opened and never closed")
            text = text[position:] + "".join(more)
            position = 0
            continue
        if match["end"] is None:
            return _bad_quote(line, source, taken, dialect, "text follows a closing quote")
        value = match["plain"]
        cells.append(value if value is not None else match["quoted"].replace(dialect.quote * 2, dialect.quote))
        position = match.end()
        if match["end"] != dialect.delimiter:
            return _Record(cells, (line + "".join(taken)).rstrip("\r\n"))


def _until_closed(source: _Pushback, quote: str, most: int) -> tuple[list[str], bool]:
    """The next lines of an open quoted cell up to one that closes it, and whether `most` characters have one."""
    found: list[str] = []
    for line in source:
        found.append(line)
        most -= len(line)
        if quote in line.replace(quote * 2, ""):
            return found, True
        if most < 0:
            break
    return found, False


def _bad_quote(line: str, source: _Pushback, taken: Sequence[str], dialect: CsvDialect, reason: str) -> _Record:
    source.put_back(taken)
    text = line.rstrip("\r\n")
    return _Record(text.split(dialect.delimiter), text, "quotes", reason)
