"""Excel workbooks: a sheet as a relation, every cell as what it is.

Cells with text stay text, to be read in the feed's own format; numbers are written in that format, so that both read
alike where a column has both. Dates and yes/no keep their types. A row without any cell is not a record.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl

from kam.errors import SourceRefusedError
from kam.ingest.readers.compression import largest_expansion
from kam.ingest.readers.parquet_ndjson import refuse_other_format, refuse_same_names
from kam.ingest.readers.relation import Relation, path_literal
from kam.ingest.readers.sheet_cells import BOOK, OddCells, odd_cells
from kam.site import CsvDialect, FeedSource, IngestSection

_ZIP = b"PK\x03\x04"
_ROWS_FOR_A_HEADER = 50
_LARGEST_EXACT_NUMBER = 2**53
_LONG_NUMBER = r"^-?\d{16,}(\.0*)?$"
_ROUNDED_NUMBER = r"^-?\d{15,}0(\.0*)?$"
_COUNTS_FROM_1904 = re.compile(rb'<(?:\w+:)?workbookPr\b[^>]*\bdate1904\s*=\s*["\'](?:1|true|on)["\']')
_HAS_CELLS = ~pl.all_horizontal(pl.all().is_null())
_DAY_OF_A_CELL = re.compile(r"\d{4}-\d\d-\d\d 00:00:00")
_SQL_TYPES: Mapping[type[pl.DataType], str] = {pl.Date: "DATE", pl.Datetime: "TIMESTAMP", pl.Boolean: "BOOLEAN"}
# It warns about every empty column, which is harmless.
logging.getLogger("fastexcel").setLevel(logging.ERROR)


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
        for name in book.sheet_names:
            odd_cells(file, name, where)
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
    """The records of the chosen sheets, one sheet below the other."""
    _refuse_explosion(file, limits, where)
    if "excel" in source.csv.date_formats and _counts_from_1904(file):
        message = (
            f'{where}: the workbook counts days from 1904, and date_format = "excel" means those from 1900. Format its '
            "days as dates, which are read correctly, or save it with the 1900 date system"
        )
        raise SourceRefusedError(message)
    book = fastexcel.read_excel(file)
    names = _chosen(book.sheet_names, source, where)
    frames = {name: _sheet_rows(file, book, name, source, where) for name in names}
    first, *others = names
    titles = set(frames[first].columns)
    for name in others:
        odd = sorted(titles ^ set(frames[name].columns))
        if odd:
            message = f"{where}: the sheets {first!r} and {name!r} do not both have a column {odd[0]!r}. Name only sheets with the same columns in `sheet`"
            raise SourceRefusedError(message)
    if source.sheet is None:
        _refuse_others_alike(file, book, names[0], titles, source, where)
    return pl.concat(_alike(list(frames.values()), source.csv), how="diagonal")


def _chosen(names: Sequence[str], source: FeedSource, where: str) -> list[str]:
    """The names of the sheets to read, in the order of the workbook. No sheet may have `*`, `?` or `[` in its name."""
    if source.sheet is None and names:
        return [names[0]]
    wanted = (source.sheet,) if isinstance(source.sheet, str) else source.sheet or ()
    for pattern in wanted or ("",):
        if not any(fnmatchcase(name, pattern) for name in names):
            message = f"{where}: no sheet {pattern!r}. The workbook has: {', '.join(names)}"
            raise SourceRefusedError(message)
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in wanted)]


def _refuse_others_alike(
    file: Path, book: fastexcel.ExcelReader, first: str, titles: set[str], source: FeedSource, where: str
) -> None:
    """Raise `SourceRefusedError` for rows on another sheet with the same header: nobody said that they are left out."""
    alike = []
    for name in book.sheet_names[1:]:
        odd_cells(file, name, where)
        header = set(filter(None, _header(book, name, source).values()))
        if header and header == titles and book.load_sheet(name, header_row=source.header_row - 1).height:
            alike.append(name)
    if alike:
        every = json.dumps([first, *alike], ensure_ascii=False)
        message = (
            f"{where}: the sheets {', '.join((first, *alike))} have the same columns. Say in kam.toml which to read: "
            f'sheet = {every}, or only sheet = {json.dumps(first, ensure_ascii=False)}; sheet = "*" reads all that there are'
        )
        raise SourceRefusedError(message)


def _alike(frames: Sequence[pl.DataFrame], dialect: CsvDialect) -> list[pl.DataFrame]:
    """The sheets with one type a column: where types differ, dates are written as the feed's texts are."""
    style = next((name for name in dialect.date_formats[:1] if name != "excel"), "iso")
    changed = list(frames)
    for title in frames[0].columns:
        if len({frame.schema[title] for frame in frames}) > 1:
            changed = [
                frame.with_columns(
                    pl.col(title).dt.to_string(style)
                    if frame.schema[title].is_temporal()
                    else pl.col(title).cast(pl.String)
                )
                for frame in changed
            ]
    return changed


def record_places(file: Path, source: FeedSource, limits: IngestSection) -> list[str]:
    """Where each record of `sheet_relation` stands, such as `sheet 'Orders', row 12`; raises as that does."""
    found: list[str] = []
    with _readable(file, file.name):
        _refuse_explosion(file, limits, file.name)
        book = fastexcel.read_excel(file)
        for name in _chosen(book.sheet_names, source, file.name):
            frame, first_data_row = _all_rows(file, book, name, source, file.name)
            numbers = frame.select(_HAS_CELLS.arg_true()).to_series()
            found += [f"sheet {name!r}, row {first_data_row + number + 1}" for number in numbers]
    return found


def _sheet_rows(file: Path, book: fastexcel.ExcelReader, name: str, source: FeedSource, where: str) -> pl.DataFrame:
    frame, _ = _all_rows(file, book, name, source, where)
    return frame.filter(_HAS_CELLS)


def _all_rows(
    file: Path, book: fastexcel.ExcelReader, name: str, source: FeedSource, where: str
) -> tuple[pl.DataFrame, int]:
    """The rows below the header, blank ones too, and the place of the first of them in the sheet, from 0."""
    odd = odd_cells(file, name, where)
    header_index = source.header_row - 1
    sheet = book.load_sheet(name, header_row=header_index, schema_sample_rows=None, whitespace_as_null=True)
    columns = sheet.selected_columns
    names = _header(book, name, source)
    if not columns or not any(names.get(column.absolute_index) for column in columns):
        message = f"{where}: row {source.header_row} of the sheet {name!r} names no columns. Set header_row in kam.toml"
        raise SourceRefusedError(message)
    first_row = odd.first_row if header_index == 0 and odd.first_row is not None else header_index
    frame = _texts(book, name, header_index, columns, source.csv, odd, first_row + 1)
    titles = {column.absolute_index: names.get(column.absolute_index, "") for column in columns}
    kept = [index for index in titles if titles[index] or frame[str(index)].null_count() < frame.height]
    renamed = {str(index): titles[index] or f"column{index + 1}" for index in kept}
    refuse_same_names(renamed.values(), where)
    return frame.select(list(renamed)).rename(renamed), first_row + 1


def _header(book: fastexcel.ExcelReader, name: str, source: FeedSource) -> dict[int, str]:
    """The texts of the header row by column, read as data because the reader renames what comes twice.

    Where names of columns are values, a date among them is written as the feed's texts are.
    """
    header_index = source.header_row - 1
    above = header_index - 1 if header_index else None
    row = book.load_sheet(name, header_row=above, n_rows=1, dtypes="string")
    if not row.width or not row.height:
        return {}
    cells = row.to_polars().row(0)
    texts = [str(cell or "").strip() for cell in cells]
    if source.unpivot is not None:
        texts = [_date_in_dialect(text, source.csv) for text in texts]
    return {column.absolute_index: text for column, text in zip(row.selected_columns, texts, strict=True)}


def _date_in_dialect(text: str, dialect: CsvDialect) -> str:
    """A cell of the header that is a date, which the reader gives with its time, as the feed writes dates; else the text."""
    if not _DAY_OF_A_CELL.fullmatch(text):
        return text
    style = next((name for name in dialect.date_formats if name != "excel"), "%Y-%m-%d")
    return dt.datetime.fromisoformat(text).strftime(style)


def _texts(
    book: fastexcel.ExcelReader,
    name: str,
    header_index: int,
    columns: Iterable[Any],
    dialect: CsvDialect,
    odd: OddCells,
    first_data_row: int,
) -> pl.DataFrame:
    """All cells below the header; columns are named by their place in the sheet."""

    def load(dtypes: Any) -> pl.DataFrame:  # noqa: ANN401 - the reader's own type of a type
        frame = book.load_sheet(name, header_row=header_index, dtypes=dtypes, whitespace_as_null=True).to_polars()
        return frame.rename(dict(zip(frame.columns, places, strict=True)))

    columns = list(columns)
    places = [str(column.absolute_index) for column in columns]
    odd_texts = odd.texts(dialect.decimal)
    typed = {
        column.absolute_index: column.dtype
        for column in columns
        if column.dtype in ("date", "datetime", "boolean") and column.absolute_index not in {*odd_texts, *odd.merged}
    }
    frame = load({place: typed.get(place, "string") for place in (column.absolute_index for column in columns)})
    texts = [place for place, dtype in frame.schema.items() if dtype == pl.String]
    if texts:
        numbers = load("boolean")
        if dialect.decimal != "." or dialect.date_formats:
            dates = load("datetime")
            frame = frame.with_columns(_in_dialect(place, numbers[place], dates[place], dialect) for place in texts)
        frame = frame.with_columns(_with_lost_digits(frame[place], numbers[place]) for place in texts)
    frame = frame.with_columns(
        pl.col(place).dt.date()
        for place, dtype in frame.schema.items()
        if dtype == pl.Datetime and _is_midnight(frame[place])
    )
    frame = _with_texts(frame, odd_texts, first_data_row)
    # A row that only has hidden parts of merged cells is no record.
    blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    hidden = {
        column: {
            row: text
            for row, text in rows.items()
            if not 0 <= row - first_data_row < len(blank) or not blank[row - first_data_row]
        }
        for column, rows in odd.merged.items()
    }
    return _with_texts(frame, hidden, first_data_row)


def _with_texts(frame: pl.DataFrame, texts: Mapping[int, Mapping[int, str]], first_data_row: int) -> pl.DataFrame:
    """The cells with these texts in their places, which are by column and row of the sheet."""
    for column, cells in texts.items():
        if str(column) in frame.columns:
            rows = {
                row - first_data_row: text for row, text in cells.items() if 0 <= row - first_data_row < frame.height
            }
            if rows:
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


def _with_lost_digits(cells: pl.Series, numbers: pl.Series) -> pl.Series:
    """Whole numbers that may have lost digits in a notation that says so, by which they differ from texts.

    Above 2^53 a cell cannot hold every number; what is typed into a spreadsheet program keeps fifteen digits, then zeros.
    """
    if not cells.str.contains(_LONG_NUMBER).any():
        return cells
    size = cells.cast(pl.Float64, strict=False)
    is_lost = (size.abs() >= _LARGEST_EXACT_NUMBER) | cells.str.contains(_ROUNDED_NUMBER)
    shown = size.map_elements(lambda number: f"{number:.15E}", return_dtype=pl.String)
    return shown.zip_with((is_lost & numbers.is_not_null()).fill_null(value=False), cells)


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


def _counts_from_1904(file: Path) -> bool:
    """Whether a serial day number means another day in this workbook; its dates are read right in either system."""
    with zipfile.ZipFile(file) as parts:
        book = parts.read(BOOK) if BOOK in parts.namelist() else b""
    return _COUNTS_FROM_1904.search(book) is not None
