"""Rejected rows of workbooks as a workbook, which loads again: cells are numbers, dates and yes/no as the source has them.

A cell reads back as the same value. A text that a number cell would give too, such as 12, becomes a number.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError
from xlsxwriter.worksheet import Worksheet

from kam.site import FeedSource

# Below a spreadsheet's limit of fifteen digits, and written as a number cell is read.
_NUMBER = re.compile(r"-?(?=[\d.]{1,15}$)(?:0|[1-9]\d*)(?:\.\d*[1-9])?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?:\.\d{1,3})?)?")
_FIRST_YEAR = 1901
_MOST_ROWS = 1_048_576


def write_sheets(
    file: Path,
    source: FeedSource,
    header: Sequence[str],
    rows: Iterable[tuple[Sequence[object], Sequence[str]]],
    above: str,
) -> int:
    """Write a workbook with these rows in the first sheet that the feed reads; how many rows.

    Each row comes with those of its values that are texts without a meaning. `above` is in each row above the header.
    Raises `OSError` when the file cannot be written, and `ValueError` for what no sheet holds.
    """
    try:
        return _written_rows(file, source, header, rows, above)
    except XlsxFileError as error:
        raise OSError(str(error)) from None


def _written_rows(
    file: Path,
    source: FeedSource,
    header: Sequence[str],
    rows: Iterable[tuple[Sequence[object], Sequence[str]]],
    above: str,
) -> int:
    written = 0
    first, *others = _sheets(source)
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        formats = [book.add_format({"num_format": name}) for name in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")]
        sheet = book.add_worksheet(first)
        _write_header(sheet, source, header, above)
        for written, (row, unread) in enumerate(rows, 1):
            place = source.header_row - 1 + written
            if place >= _MOST_ROWS:
                message = f"more rows than the {_MOST_ROWS:,} of a sheet"
                raise ValueError(message)
            for column, value in enumerate(row):
                cell = str(value) if value in unread else _cell(value, source.csv.decimal)
                if isinstance(cell, dt.datetime):
                    fault = sheet.write_datetime(place, column, cell, formats[cell.time() != dt.time()])
                elif cell is not None:
                    fault = _written(sheet, place, column, cell)
                else:
                    continue
                if fault:
                    message = f"column {header[column]}: {len(str(value)):,} letters do not fit into a cell"
                    raise ValueError(message)
        # The feed reads all of its sheets; these have no rows.
        for name in others:
            _write_header(book.add_worksheet(name), source, header, above)
    return written


def _written(sheet: Worksheet, row: int, column: int, cell: str | float | bool) -> int:  # noqa: FBT001 - a cell's value
    if isinstance(cell, bool):
        return int(sheet.write_boolean(row, column, cell))
    if isinstance(cell, float):
        return int(sheet.write_number(row, column, cell))
    return int(sheet.write_string(row, column, cell))


def _write_header(sheet: Worksheet, source: FeedSource, header: Sequence[str], above: str) -> None:
    for row in range(source.header_row - 1):
        sheet.write_string(row, 0, above)
    for column, name in enumerate(header):
        sheet.write_string(source.header_row - 1, column, name)


def _sheets(source: FeedSource) -> list[str]:
    """A name for each name or pattern of `sheet`."""
    wanted = (source.sheet,) if isinstance(source.sheet, str) else source.sheet or ("",)
    return list(dict.fromkeys(name.replace("*", "").replace("?", "0") or "Sheet1" for name in wanted))


def _cell(value: object, decimal: str) -> str | float | bool | dt.datetime | None:
    """A value of a source row as what its cell was; None for an empty one."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    plain = text.replace(decimal, ".") if "." not in text or decimal == "." else ""
    if _NUMBER.fullmatch(plain):
        return float(plain)
    if _DATE.fullmatch(text):
        try:
            found = dt.datetime.fromisoformat(text)
        except ValueError:
            return text
        return found if found.year >= _FIRST_YEAR else text
    return text
