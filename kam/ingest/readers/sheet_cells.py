"""What a sheet's XML says of its cells and the reader of workbooks leaves out.

Errors, formulas without a result, what a percent format shows, cells inside merged ones, and how far the cells in use reach.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO

from kam.errors import SourceRefusedError

BOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_STYLES = "xl/styles.xml"
_CHUNK = 1 << 20
_LONGEST_CELL = 1 << 16
_MOST_ODD_CELLS = 100_000
# The reader reserves the whole rectangle of the cells in use.
_MOST_RESERVED = 20_000_000
_LEAST_SHARE_IN_USE = 0.02
# 9 and 10 are the percent formats that need no entry of their own in a workbook.
_PERCENT_FORMATS = frozenset(("9", "10"))
# A producer may prefix the names of elements, and put blanks between them: <x:c r="B7" t="e"><x:v>#N/A</x:v>.
_START = r"<(?:\w+:)?c\b(?P<cell>[^>]*)(?<!/)>\s*"
_FORMULA = r"<(?:\w+:)?f\b[^>]*(?:(?<=/)>|>(?P<formula>[^<]*)</(?:\w+:)?f>)\s*"
_VALUE = r"<(?:\w+:)?v\b[^>]*(?<!/)>(?P<value>[^<]*)<"
_VALUE_CELL = re.compile(rf"{_START}(?:{_FORMULA})?{_VALUE}".encode())
_FORMULA_CELL = re.compile(rf"{_START}{_FORMULA}(?:{_VALUE}/(?:\w+:)?v>|<(?:\w+:)?v\b[^>]*/>)?".encode())
_FILLED_CELL = re.compile(rb"<(?:\w+:)?c\b([^>/]*)>\s*<")
_PLACE = re.compile(rb"""\br=["']([A-Z]+)(\d+)["']""")
_IS_ERROR = re.compile(rb"""\bt=["']e["']""")
_IS_TEXT = re.compile(rb"""\bt=["']str["']""")
_STYLE = re.compile(rb"""\bs=["'](\d+)["']""")
_NUMBER = re.compile(rb"-?[0-9.]+(?:[eE][+-]?\d+)?")
_NO_NUMBER = re.compile(rb"""\bt=["'](?!n["'])""")
_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\b[^>]*\bref=["']([A-Z]+)(\d+):([A-Z]+)(\d+)["']""")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*?\br=["'](\d+)""")
_WIDE_COLUMN = re.compile(rb"""\br=["']([A-Z]{2,3})\d""")
_LETTERS_BACKWARDS = tuple(bytes((letter,)) for letter in range(ord("Z"), ord("A") - 1, -1))
_CALCULATED_LATER = re.compile(rb"""<(?:\w+:)?calcPr\b[^>]*\bfullCalcOnLoad=["'](?:1|true)["']""")


@dataclass
class OddCells:
    """Cells that the reader gives as empty or as another number, by column and row; and where the cells in use lie.

    `errors` are such as #N/A and formulas whose result is not stored, `percents` what a percent format shows, `merged` the
    cells of a block over several rows that its first one hides.
    """

    first_row: int | None = None
    errors: dict[int, dict[int, str]] = field(default_factory=dict)
    percents: dict[int, dict[int, Decimal]] = field(default_factory=dict)
    merged: dict[int, dict[int, str]] = field(default_factory=dict)
    count: int = 0
    cell_count: int = 0
    last_row: int = 0
    last_column: int = 0

    def texts(self, decimal: str) -> Mapping[int, Mapping[int, str]]:
        """What to read in these cells but the merged ones, by column and row; numbers with this decimal separator."""
        texts: dict[int, dict[int, str]] = {
            column: {row: f"{size:f}".replace(".", decimal) + "%" for row, size in cells.items()}
            for column, cells in self.percents.items()
        }
        for column, cells in self.errors.items():
            texts.setdefault(column, {}).update(cells)
        return texts


@dataclass(frozen=True)
class _Book:
    """What the cells of a workbook have in common: its percent styles, and whether it leaves its formulas to others."""

    percent_styles: frozenset[bytes]
    is_calculated_later: bool


def odd_cells(file: Path, sheet: str, where: str) -> OddCells:
    """The odd cells of a sheet.

    Raises `SourceRefusedError` for too many of them, and for cells so far apart that the sheet between them fits no memory.
    """
    odd = OddCells()
    with zipfile.ZipFile(file) as parts:
        part = _part_of(parts, sheet)
        if part in parts.namelist():
            book = _Book(_percent_styles(parts), _CALCULATED_LATER.search(parts.read(BOOK)) is not None)
            with parts.open(part) as stream:
                for chunk, new in _overlapping(stream):
                    _collect(chunk, new, book, odd)
    if odd.count > _MOST_ODD_CELLS:
        message = (
            f"{where}: more than {_MOST_ODD_CELLS:,} cells of the sheet {sheet!r} are merged, hold errors such as #N/A, or "
            "formulas whose results are not stored. Open the workbook in a spreadsheet program and save it there"
        )
        raise SourceRefusedError(message)
    reserved = (odd.last_row - (odd.first_row or 0)) * (odd.last_column + 1)
    if reserved > _MOST_RESERVED and odd.cell_count < reserved * _LEAST_SHARE_IN_USE:
        message = (
            f"{where}: the sheet {sheet!r} reaches to {_letters(odd.last_column)}{odd.last_row} with {odd.cell_count:,} cells. "
            "Delete the rows and columns behind the table, and save the workbook"
        )
        raise SourceRefusedError(message)
    return odd


def _attributes(tag: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, _, value in re.findall(r"""([\w:]+)\s*=\s*(["'])(.*?)\2""", tag)}


def _part_of(parts: zipfile.ZipFile, sheet: str) -> str:
    """The name of the part that holds a sheet; empty when the workbook does not say it in the usual way."""
    if not {BOOK, _RELATIONS} <= set(parts.namelist()):
        return ""
    book, relations = (parts.read(name).decode("utf-8", "replace") for name in (BOOK, _RELATIONS))
    for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", book):
        attributes = _attributes(tag)
        if attributes.get("name", "") == sheet:
            for relation in re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", relations):
                target = _attributes(relation)
                if target.get("Id") == attributes.get("r:id"):
                    path = target.get("Target", "")
                    return path.removeprefix("/") if path.startswith("/") else f"xl/{path}"
    return ""


def _percent_styles(parts: zipfile.ZipFile) -> frozenset[bytes]:
    """The numbers of the styles that show a percentage, as cells name them."""
    if _STYLES not in parts.namelist():
        return frozenset()
    styles = parts.read(_STYLES).decode("utf-8", "replace")
    percents = set(_PERCENT_FORMATS)
    for tag in re.findall(r"<(?:\w+:)?numFmt\b[^>]*>", styles):
        attributes = _attributes(tag)
        shown = re.sub(r'"[^"]*"|\\.', "", attributes.get("formatCode", ""))
        if "%" in shown:
            percents.add(attributes.get("numFmtId", ""))
    of_cells = re.search(r"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", styles, re.DOTALL)
    formats = re.findall(r"<(?:\w+:)?xf\b[^>]*>", of_cells[0]) if of_cells else []
    return frozenset(
        str(number).encode() for number, tag in enumerate(formats) if _attributes(tag).get("numFmtId") in percents
    )


def _overlapping(stream: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The stream in pieces, each beginning with the end of the one before, so that no cell is cut in all; and what is new."""
    tail = b""
    while chunk := stream.read(_CHUNK):
        yield tail + chunk, chunk
        tail = (tail + chunk)[-_LONGEST_CELL:]


def _collect(chunk: bytes, new: bytes, book: _Book, odd: OddCells) -> None:
    if odd.first_row is None and (first := _FILLED_CELL.search(chunk)) and (place := _PLACE.search(first[1])):
        odd.first_row = int(place[2]) - 1
    odd.cell_count += new.count(b"<c ") + new.count(b":c ")
    _measure(chunk, odd)
    if odd.count > _MOST_ODD_CELLS:
        return
    if _IS_ERROR.search(chunk):
        for cell in _VALUE_CELL.finditer(chunk):
            if _IS_ERROR.search(cell["cell"]):
                _add(odd, odd.errors, cell["cell"], html.unescape(_text(cell["value"])))
    _collect_formulas(chunk, book, odd)
    if book.percent_styles:
        _collect_percents(chunk, book, odd)
    if b"mergeCell " in chunk:
        _collect_merged(chunk, odd)


def _collect_formulas(chunk: bytes, book: _Book, odd: OddCells) -> None:
    if b"<f" in chunk or b":f" in chunk:
        for cell in _FORMULA_CELL.finditer(chunk):
            if _is_not_stored(cell, book):
                _add(odd, odd.errors, cell["cell"], f"#NOT STORED: ={html.unescape(_text(cell['formula']))}")


def _measure(chunk: bytes, odd: OddCells) -> None:
    """How far the cells reach."""
    odd.last_row = max(odd.last_row, *(int(row) for row in _ROW.findall(chunk)), 0)
    # Most sheets end before column AA, and to look for a letter is faster than to list all places.
    columns = set(_WIDE_COLUMN.findall(chunk)) or {
        next((letter for letter in _LETTERS_BACKWARDS if b' r="' + letter in chunk or b" r='" + letter in chunk), b"A")
    }
    odd.last_column = max(odd.last_column, *(_column_index(letters) for letters in columns))


def _is_not_stored(cell: re.Match[bytes], book: _Book) -> bool:
    """Whether the result of a formula is missing: not there, empty, or the 0 of a program that leaves it to others."""
    if cell["value"]:
        return (
            book.is_calculated_later and cell["value"].strip() in (b"0", b"0.0") and not _NO_NUMBER.search(cell["cell"])
        )
    # It may well be an empty text.
    return not (cell["value"] is not None and _IS_TEXT.search(cell["cell"]))


def _collect_percents(chunk: bytes, book: _Book, odd: OddCells) -> None:
    for cell in _VALUE_CELL.finditer(chunk):
        style, place = _STYLE.search(cell["cell"]), _PLACE.search(cell["cell"])
        is_percent = style is not None and style[1] in book.percent_styles and not _NO_NUMBER.search(cell["cell"])
        if place and is_percent and _NUMBER.fullmatch(cell["value"]):
            rows = odd.percents.setdefault(_column_index(place[1]), {})
            # Fifteen digits, as a spreadsheet program shows them: 0.29 is stored as 0.28999999999999998.
            rows[int(place[2]) - 1] = Decimal(f"{float(cell['value']):.15g}") * 100


def _collect_merged(chunk: bytes, odd: OddCells) -> None:
    """The hidden cells of blocks over several rows: what the block says of them is not known."""
    for block in _MERGED.finditer(chunk):
        left, right = _column_index(block[1]), _column_index(block[3])
        top, bottom = int(block[2]), int(block[4])
        for row in range(top, bottom):
            for column in range(left, right + 1):
                if odd.count > _MOST_ODD_CELLS:
                    return
                rows = odd.merged.setdefault(column, {})
                odd.count += row not in rows
                rows[row] = f"#MERGED: {block[1].decode()}{top}"


def _add(odd: OddCells, found: dict[int, dict[int, str]], attributes: bytes, text: str) -> None:
    place = _PLACE.search(attributes)
    if place:
        rows = found.setdefault(_column_index(place[1]), {})
        odd.count += int(place[2]) - 1 not in rows
        rows[int(place[2]) - 1] = text


def _text(cell: bytes | None) -> str:
    return (cell or b"").decode("utf-8", "replace")


def _column_index(letters: bytes) -> int:
    """A is 0, Z is 25, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _letters(index: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    letters = ""
    while index >= 0:
        index, rest = divmod(index, 26)
        letters = chr(ord("A") + rest) + letters
        index -= 1
    return letters
