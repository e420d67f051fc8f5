"""Reading a text file record by record, for files whose quoting DuckDB cannot follow."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from kam.errors import SourceRefusedError
from kam.ingest.readers.encoding import not_utf8
from kam.ingest.readers.relation import MEGABYTE, RecordFaults, Relation, name_beside, path_literal
from kam.site import CsvDialect
from kam.warehouse import literal

LONGEST_RECORD = 16 * MEGABYTE
BUFFER = 2 * LONGEST_RECORD
_MOST_RESCANNED = 1 << 30
# Alone on a line these count as blank: blanks, and the end-of-file sign that MS-DOS programs leave.
NOTHING = " \t\xa0\x1a"
# So do the lines that lists draw between rows; a line of a table's own marks has one of these at least.
_RULES = ("---", "===", "___")


@dataclass(frozen=True)
class _Record:
    """One record of a text file; `rule` and `message` are empty for a good one."""

    cells: Sequence[str]
    text: str = ""
    rule: str = ""
    message: str = ""


def read_csv(file: Path, columns: Mapping[str, str], options: str) -> str:
    """A call of `read_csv` with declared columns; nothing is guessed."""
    names = ", ".join(f"{literal(name)}: {literal(sql_type)}" for name, sql_type in columns.items())
    return f"read_csv({path_literal(file)}, columns = {{{names}}}, auto_detect = false, {options})"


def open_lines(text: Path) -> IO[str]:
    """The lines of a file with their own ends: CR, LF or CRLF."""
    return text.open(encoding="utf-8-sig", newline="")


def below_skipped(lines: Iterator[str], dialect: CsvDialect) -> Iterator[str]:
    """The lines below those that the dialect skips."""
    return islice(lines, dialect.skip_rows, None)


def is_blank(line: str, dialect: CsvDialect) -> bool:
    """Whether a line holds nothing, or only dashes that rule a list."""
    text = line.strip(NOTHING + "\r\n")
    return not text or (any(rule in text for rule in _RULES) and not text.strip("-=_+|" + dialect.delimiter + NOTHING))


def _page_header(line: str) -> str:
    """A line without its numbers and blanks: page headers differ in these."""
    return re.sub(r"[\d\s]+", " ", line).strip()


def read_by_record(text: Path, dialect: CsvDialect, folder: Path, where: str, header: Sequence[str]) -> Relation:
    """A copy of the file with uniform line ends and quotes, in which each bad record says what is wrong with it.

    What stands above the header may come again on each page of a list; there it is no record either.

    Raises `SourceRefusedError` when no record fits the header: then it is the dialect that does not fit the file.
    """
    copy = folder / "records.csv"
    faulty, good, first = 0, 0, _Record(())
    try:
        with open_lines(text) as lines, copy.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
            page_headers = set(map(_page_header, islice(lines, dialect.skip_rows))) - {""}
            found = records(lines, dialect, where)
            next(found, None)
            for record in found:
                fitted = _fitted(record, len(header))
                if not fitted.rule:
                    good += 1
                    writer.writerow((*fitted.cells, "", "", ""))
                    continue
                if fitted.rule == "ragged" and _page_header(fitted.text) in page_headers:
                    continue
                first = first if faulty else fitted
                faulty += 1
                writer.writerow((*fitted.cells, fitted.rule, fitted.text, fitted.message))
    except UnicodeDecodeError as error:
        raise not_utf8(where, error) from None
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
        f"max_line_size = {3 * LONGEST_RECORD}, buffer_size = {4 * LONGEST_RECORD}"
    )
    read_columns = columns | dict.fromkeys((faults.rule, faults.text, faults.message), "VARCHAR")
    return Relation(read_csv(copy, read_columns, options), columns, record_faults=faults)


def line_numbers(text: Path, dialect: CsvDialect, where: str) -> Iterator[int]:
    """The line that each record below the header starts on, counted from 1, as the records of `read_by_record` are numbered."""
    with open_lines(text) as lines:
        page_headers = set(map(_page_header, islice(lines, dialect.skip_rows))) - {""}
        found = _with_lines(lines, dialect, where)
        header = next(found, None)
        width = len(header[1].cells) if header else 0
        for number, record in found:
            fitted = _fitted(record, width)
            if fitted.rule != "ragged" or _page_header(fitted.text) not in page_headers:
                yield dialect.skip_rows + number


def _fitted(record: _Record, width: int) -> _Record:
    """The record with as many cells as the header; surplus cells may only be empty, as after a trailing delimiter."""
    cells = record.cells
    if not record.rule and (len(cells) < width or any(cells[width:])):
        message = f"the record has {len(cells)} cells where the header names {width}"
        record = _Record(cells, record.text, "ragged", message)
    padded = (*cells[:width], *("" for _ in range(width - len(cells))))
    return _Record(padded, record.text, record.rule, record.message)


class _Pushback:
    """Lines that can be put back, so that after a quote that is never closed reading continues with the next line."""

    def __init__(self, lines: Iterator[str], where: str) -> None:
        self._lines, self._where = lines, where
        self._returned: list[str] = []
        self._rescanned = 0
        # How many lines were given out and not put back.
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else next(self._lines)
        self.taken += 1
        return line

    def put_back(self, lines: Sequence[str]) -> None:
        """Give these lines out again. Raises `SourceRefusedError` when that is so often that quotes mean nothing."""
        self._rescanned += sum(map(len, lines))
        if self._rescanned > _MOST_RESCANNED:
            message = f"{self._where}: too many quotes that are opened and never closed. Is csv.quote right?"
            raise SourceRefusedError(message)
        self._returned.extend(reversed(lines))
        self.taken -= len(lines)


def records(lines: Iterator[str], dialect: CsvDialect, where: str = "") -> Iterator[_Record]:
    """The records of a text; blank lines are none. A record with a wrong quote is its first line only."""
    return (record for _, record in _with_lines(lines, dialect, where))


def _with_lines(lines: Iterator[str], dialect: CsvDialect, where: str) -> Iterator[tuple[int, _Record]]:
    """The records, each with the number of the line that it starts on."""
    source = _Pushback(lines, where)
    cell = _cell_pattern(dialect)
    for line in source:
        text, number = line.rstrip("\r\n"), source.taken
        if is_blank(text, dialect):
            continue
        if not dialect.quote or dialect.quote not in text:
            yield number, _Record(text.split(dialect.delimiter), text)
            continue
        yield number, _quoted_record(line, source, cell, dialect)


def _cell_pattern(dialect: CsvDialect) -> re.Pattern[str]:
    """One cell from its start: quoted, with blanks around the quotes, or unquoted; then what ends it."""
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
            more, is_closed = _until_closed(source, dialect.quote, LONGEST_RECORD - size)
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
