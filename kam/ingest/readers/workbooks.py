"""Excel workbooks: a sheet as a relation, every cell as what it is.

Cells with text stay text, to be read in the feed's own format; numbers are written in that format, so that both read
alike where a column has both. Dates and yes/no keep their types. A row without any cell is not a record.
"""

from __future__ import annotations

import datetime as dt
import html
import logging
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import fastexcel
import polars as pl

from kam.errors import SourceRefusedError
from kam.ingest.readers.compression import largest_expansion
from kam.ingest.readers.parquet_ndjson import refuse_other_format, refuse_same_names
from kam.ingest.readers.relation import Relation, path_literal
from kam.site import CsvDialect, FeedSource, IngestSection

_ZIP = b"PK\x03\x04"
_CHUNK = 1 << 20
_LONGEST_CELL = 1 << 16
_MOST_ERRORS = 100_000
_ROWS_FOR_A_HEADER = 50
_PARTS_OF_A_BOOK = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")
# A producer may prefix the names of elements: <x:c r="B7" t="e"><x:v>#N/A</x:v>.
_ERROR_CELL = re.compile(
    rb'<(?:\w+:)?c\b([^>]*\bt="e"[^>]*)>(?:<(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>))?<(?:\w+:)?v>([^<]*)<'
)
_FILLED_CELL = re.compile(rb"<(?:\w+:)?c\b([^>/]*)><")
_PLACE = re.compile(rb'\br="([A-Z]+)(\d+)"')
_COUNTS_FROM_1904 = re.compile(rb'<(?:\w+:)?workbookPr\b[^>]*\bdate1904\s*=\s*["\'](?:1|true|on)["\']')
_SQL_TYPES: Mapping[type[pl.DataType], str] = {pl.Date: "DATE", pl.Datetime: "TIMESTAMP", pl.Boolean: "BOOLEAN"}
# It warns about every empty column, which is harmless.
logging.getLogger("fastexcel").setLevel(logging.ERROR)


@dataclass
class _ErrorCells:
    """Cells such as #N/A, which the reader gives as empty: by column, rows and texts; and the first row with a cell."""

    first_row: int | None = None
    by_column: dict[int, dict[int, str]] = field(default_factory=dict)
    count: int = 0


def sheet_relation(file: Path, source: FeedSource, folder: Path, limits: IngestSection, where: str) -> Relation:
    """The rows of a sheet below its header row.

    Columns are VARCHAR; DATE, TIMESTAMP or BOOLEAN where all cells are. `folder` takes the rows as Parquet. Raises
    `SourceRefusedError` when the file is not a workbook, is damaged, or has no such sheet or header.
    """
    with _readable(file, where):
        frame = _rows(file, source, limits, where)
    copy = folder / "sheet.parquet"
    frame.write_parquet(copy)
    types = {name: _SQL_TYPES.get(dtype.base_type(), "VARCHAR") for name, dtype in frame.schema.items()}
    return Relation(f"read_parquet({path_literal(copy)})", types)


def first_rows(file: Path, limits: IngestSection, where: str) -> dict[str, list[tuple[str | None, ...]]]:
    """By sheet, the first rows as texts, blank ones too: the place of a row is its number less one.

    Raises `SourceRefusedError` when the file is not a workbook or is damaged.
    """
    with _readable(file, where):
        _refuse_explosion(file, limits, where)
        book = fastexcel.read_excel(file)
        return {
            name: book.load_sheet(name, header_row=None, skip_rows=0, n_rows=_ROWS_FOR_A_HEADER, dtypes="string")
            .to_polars()
            .rows()
            for name in book.sheet_names
        }


@contextmanager
def _readable(file: Path, where: str) -> Iterator[None]:
    """Raise `SourceRefusedError` for what is not a workbook, and for any error that the reader finds inside."""
    refuse_other_format(file, _ZIP, "an Excel workbook", where)
    try:
        yield
    except (SourceRefusedError, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the reader is no Exception
        message = f"{where}: the workbook is damaged or protected ({_first_line(error)}). Save it again as .xlsx"
        raise SourceRefusedError(message) from None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _rows(file: Path, source: FeedSource, limits: IngestSection, where: str) -> pl.DataFrame:
    _refuse_explosion(file, limits, where)
    if "excel" in source.csv.date_formats and _counts_from_1904(file):
        message = (
            f'{where}: the workbook counts days from 1904, and date_format = "excel" means those from 1900. Format its '
            "days as dates, which are read correctly, or save it with the 1900 date system"
        )
        raise SourceRefusedError(message)
    book = fastexcel.read_excel(file)
    name = source.sheet or next(iter(book.sheet_names), "")
    if name not in book.sheet_names:
        message = f"{where}: no sheet {name!r}. The workbook has: {', '.join(book.sheet_names)}"
        raise SourceRefusedError(message)
    errors = _error_cells(file, name, where)
    header_index = source.header_row - 1
    sheet = book.load_sheet(name, header_row=header_index, schema_sample_rows=None, whitespace_as_null=True)
    columns = sheet.selected_columns
    names = _header(book, name, header_index)
    if not columns or not any(names.get(column.absolute_index) for column in columns):
        message = f"{where}: row {source.header_row} of the sheet {name!r} names no columns. Set header_row in kam.toml"
        raise SourceRefusedError(message)
    first_row = errors.first_row if header_index == 0 and errors.first_row is not None else header_index
    frame = _texts(book, name, header_index, columns, source.csv, errors, first_row + 1)
    titles = {column.absolute_index: names.get(column.absolute_index, "") for column in columns}
    kept = [index for index in titles if titles[index] or frame[str(index)].null_count() < frame.height]
    renamed = {str(index): titles[index] or f"column{index + 1}" for index in kept}
    refuse_same_names(renamed.values(), where)
    return frame.select(list(renamed)).rename(renamed).filter(~pl.all_horizontal(pl.all().is_null()))


def _header(book: fastexcel.ExcelReader, name: str, header_index: int) -> dict[int, str]:
    """The texts of the header row by column, read as data because the reader renames what comes twice."""
    above = header_index - 1 if header_index else None
    row = book.load_sheet(name, header_row=above, n_rows=1, dtypes="string")
    if not row.width or not row.height:
        return {}
    cells = row.to_polars().row(0)
    return {
        column.absolute_index: str(cell or "").strip() for column, cell in zip(row.selected_columns, cells, strict=True)
    }


def _texts(
    book: fastexcel.ExcelReader,
    name: str,
    header_index: int,
    columns: Iterable[Any],
    dialect: CsvDialect,
    errors: _ErrorCells,
    first_data_row: int,
) -> pl.DataFrame:
    """All cells below the header; columns are named by their place in the sheet."""

    def load(dtypes: Any) -> pl.DataFrame:  # noqa: ANN401 - the reader's own type of a type
        frame = book.load_sheet(name, header_row=header_index, dtypes=dtypes, whitespace_as_null=True).to_polars()
        return frame.rename(dict(zip(frame.columns, places, strict=True)))

    columns = list(columns)
    places = [str(column.absolute_index) for column in columns]
    typed = {
        column.absolute_index: column.dtype
        for column in columns
        if column.dtype in ("date", "datetime", "boolean") and column.absolute_index not in errors.by_column
    }
    frame = load({place: typed.get(place, "string") for place in (column.absolute_index for column in columns)})
    texts = [place for place, dtype in frame.schema.items() if dtype == pl.String]
    if texts and (dialect.decimal != "." or dialect.date_formats):
        numbers, dates = load("boolean"), load("datetime")
        frame = frame.with_columns(_in_dialect(place, numbers[place], dates[place], dialect) for place in texts)
    frame = frame.with_columns(
        pl.col(place).dt.date()
        for place, dtype in frame.schema.items()
        if dtype == pl.Datetime and _is_midnight(frame[place])
    )
    for column, cells in errors.by_column.items():
        if str(column) in frame.columns:
            rows = {
                row - first_data_row: text for row, text in cells.items() if 0 <= row - first_data_row < frame.height
            }
            frame = frame.with_columns(frame[str(column)].scatter(list(rows), list(rows.values())))
    return frame


def _in_dialect(place: str, numbers: pl.Series, dates: pl.Series, dialect: CsvDialect) -> pl.Expr:
    """The cells that are numbers or dates, written as the feed's texts are. Read as a boolean, a text is NULL."""
    cell = pl.col(place)
    is_number = numbers.is_not_null() & dates.is_not_null() | numbers.is_not_null()
    written = pl.when(is_number).then(cell.str.replace(".", dialect.decimal, literal=True)).otherwise(cell)
    if dialect.date_formats and dialect.date_formats[0] != "excel":
        is_date = dates.is_not_null() & numbers.is_null()
        written = pl.when(is_date).then(dates.dt.strftime(dialect.date_formats[0])).otherwise(written)
    return written.alias(place)


def _is_midnight(cells: pl.Series) -> bool:
    return bool((cells.dt.time() == dt.time()).all()) if cells.len() else True


def _refuse_explosion(file: Path, limits: IngestSection, where: str) -> None:
    """Raise `SourceRefusedError` when the parts of a workbook grow beyond the limits."""
    size = file.stat().st_size
    with zipfile.ZipFile(file) as parts:
        expanded = sum(part.file_size for part in parts.infolist())
        if expanded > largest_expansion(file, limits):
            message = (
                f"{where}: {size:,} bytes expand to {expanded:,}. If that is right, raise "
                "ingest.max_expansion_ratio or ingest.max_expanded_gigabytes in kam.toml"
            )
            raise SourceRefusedError(message)
        # A part may hold more than it declares: then its checksum is wrong.
        damaged = parts.testzip()
    if damaged:
        message = f"{where}: the part {damaged!r} of the workbook is damaged. Save it again as .xlsx"
        raise SourceRefusedError(message)


def _error_cells(file: Path, sheet: str, where: str) -> _ErrorCells:
    errors = _ErrorCells()
    with zipfile.ZipFile(file) as parts:
        part = _part_of(parts, sheet)
        if part in parts.namelist():
            with parts.open(part) as stream:
                for chunk in _overlapping(stream):
                    _collect(chunk, errors)
    if errors.count > _MOST_ERRORS:
        message = f"{where}: more than {_MOST_ERRORS:,} cells of the sheet {sheet!r} hold errors such as #N/A"
        raise SourceRefusedError(message)
    return errors


def _counts_from_1904(file: Path) -> bool:
    """Whether a serial day number means another day in this workbook; its dates are read right in either system."""
    with zipfile.ZipFile(file) as parts:
        book = parts.read(_PARTS_OF_A_BOOK[0]) if _PARTS_OF_A_BOOK[0] in parts.namelist() else b""
    return _COUNTS_FROM_1904.search(book) is not None


def _part_of(parts: zipfile.ZipFile, sheet: str) -> str:
    """The name of the part that holds a sheet; empty when the workbook does not say it in the usual way."""
    if not set(_PARTS_OF_A_BOOK) <= set(parts.namelist()):
        return ""
    book, relations = (parts.read(name).decode("utf-8", "replace") for name in _PARTS_OF_A_BOOK)
    for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", book):
        attributes = dict(re.findall(r'([\w:]+)="([^"]*)"', tag))
        if html.unescape(attributes.get("name", "")) == sheet:
            for relation in re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", relations):
                target = dict(re.findall(r'([\w:]+)="([^"]*)"', relation))
                if target.get("Id") == attributes.get("r:id"):
                    path = target.get("Target", "")
                    return path.removeprefix("/") if path.startswith("/") else f"xl/{path}"
    return ""


def _overlapping(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream in pieces, each beginning with the end of the one before, so that no cell is cut in all of them."""
    tail = b""
    while chunk := stream.read(_CHUNK):
        yield tail + chunk
        tail = chunk[-_LONGEST_CELL:]


def _collect(chunk: bytes, errors: _ErrorCells) -> None:
    if errors.first_row is None and (first := _FILLED_CELL.search(chunk)) and (place := _PLACE.search(first[1])):
        errors.first_row = int(place[2]) - 1
    if b't="e"' not in chunk or errors.count > _MOST_ERRORS:
        return
    for cell in _ERROR_CELL.finditer(chunk):
        place = _PLACE.search(cell[1])
        if place:
            rows = errors.by_column.setdefault(_column_index(place[1].decode()), {})
            errors.count += int(place[2]) - 1 not in rows
            rows[int(place[2]) - 1] = html.unescape(cell[2].decode("utf-8", "replace"))


def _column_index(letters: str) -> int:
    """A is 0, Z is 25, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
