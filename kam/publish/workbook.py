"""Excel workbooks: a sheet per table, with number formats by unit. What is written is never a formula."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from kam.build import MartColumn
from kam.warehouse import Connection

MOST_ROWS = 1_048_575
_ROWS_AT_ONCE = 10_000
_LONGEST_SHEET_NAME = 31
_WIDEST, _NARROWEST = 45, 11
_NUMBERS = {
    "fraction": "0.0%",
    "count": "#,##0",
    "days": "#,##0",
    "months": "#,##0",
    "number": "0",
}
_MONEY = "#,##0.00"
# What a text begins with that a spreadsheet may take for a formula.
_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class Book:
    """One workbook that is being written; `sheet_names` has the sheets so far by the name they were asked for."""

    def __init__(self, book: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        """`book` is open for writing."""
        self._book = book
        self._formats: dict[tuple[str, ...], Any] = {}
        self._sheets: dict[str, Any] = {}
        self.sheet_names: dict[str, str] = {}

    def add_table(self, name: str, con: Connection, query: str, columns: Sequence[MartColumn] = ()) -> int:
        """A sheet with the rows of a query below their names, which stay in sight and can be filtered; the number of rows.

        `columns` say the units, by which numbers are shown. Cells hold numbers, days and texts as such.
        """
        found = con.execute(query)
        names = [column[0] for column in found.description or ()]
        units = {column.name: column.unit for column in columns}
        sheet = self._sheet(name)
        sheet.freeze_panes(1, 0)
        for column, title in enumerate(names):
            sheet.set_column(column, column, min(max(len(title) + 2, _NARROWEST), _WIDEST))
            sheet.write_string(0, column, title, self._format("bold"))
        shown = [self._shown(units[title]) if units.get(title) else None for title in names]
        number = 0
        for number, row in enumerate(chain.from_iterable(iter(lambda: found.fetchmany(_ROWS_AT_ONCE), [])), 1):
            for column, value in enumerate(row):
                self._write(sheet, number, column, value, shown[column])
        if names:
            sheet.autofilter(0, 0, max(number, 1), len(names) - 1)
        return number

    def add_text(
        self, name: str, lines: Sequence[Sequence[object]], widths: Sequence[int], bold: Sequence[int] = ()
    ) -> None:
        """A sheet with lines of cells; those numbered in `bold` are headings. A cell (text, sheet) leads to the sheet asked for so."""
        sheet = self._sheet(name)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        for row, cells in enumerate(lines):
            for column, value in enumerate(cells):
                if isinstance(value, tuple):
                    sheet.write_url(row, column, f"internal:'{self.sheet_names[value[1]]}'!A1", string=value[0])
                else:
                    self._write(sheet, row, column, value, self._format("bold") if row in bold else None)

    def reserve(self, name: str) -> None:
        """Keep the next place for a sheet that is written later."""
        short, number = name[:_LONGEST_SHEET_NAME], 2
        # Excel does not tell capitals apart.
        while short.lower() in {taken.lower() for taken in self.sheet_names.values()}:
            short, number = f"{name[: _LONGEST_SHEET_NAME - 3]} {number}", number + 1
        self.sheet_names[name] = short
        self._sheets[name] = self._book.add_worksheet(short)

    def _sheet(self, name: str) -> Any:  # noqa: ANN401
        if name not in self._sheets:
            self.reserve(name)
        return self._sheets[name]

    def _format(self, *kind: str) -> Any:  # noqa: ANN401
        if kind not in self._formats:
            made: dict[str, object] = {"num_format": kind[1]} if kind[0] == "number" else {kind[0]: True}
            self._formats[kind] = self._book.add_format(made)
        return self._formats[kind]

    def _shown(self, unit: str) -> Any:  # noqa: ANN401
        known = _NUMBERS.get(unit) or (_MONEY if "currency" in unit or "units" in unit else "")
        return self._format("number", known) if known else None

    def _write(self, sheet: Any, row: int, column: int, value: object, shown: Any) -> None:  # noqa: ANN401
        if isinstance(value, dt.datetime):
            sheet.write_datetime(row, column, value, self._format("number", "yyyy-mm-dd hh:mm:ss"))
        elif isinstance(value, dt.date):
            sheet.write_datetime(row, column, value, self._format("number", "yyyy-mm-dd"))
        elif isinstance(value, str):
            # Never a formula, not even once somebody edits the cell.
            sheet.write_string(
                row, column, value, self._format("quote_prefix") if value.startswith(_OF_FORMULAS) else shown
            )
        elif value is not None:
            sheet.write(
                row,
                column,
                value if isinstance(value, int | float) or hasattr(value, "as_tuple") else str(value),
                shown,
            )


@contextmanager
def workbook(file: Path) -> Iterator[Book]:
    """A workbook that is complete when the block ends. Raises `OSError` when the file cannot be written."""
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxFileError

    try:
        with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
            # The same rows give the same bytes.
            book.set_properties({"created": dt.datetime(2000, 1, 1, tzinfo=dt.UTC)})
            yield Book(book)
    except XlsxFileError as error:
        raise OSError(str(error)) from None
