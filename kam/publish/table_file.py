"""One table as a file of its own: CSV, Parquet or a workbook, by the file's ending."""

from __future__ import annotations

import datetime as dt
from itertools import chain
from pathlib import Path

import duckdb

from kam.errors import KamError, UsageError, disk_fault
from kam.warehouse import Connection, literal, number_of

_ENDINGS = (".csv", ".parquet", ".xlsx")
_MOST_ROWS = 1_048_575
_ROWS_AT_ONCE = 10_000


def require_format(file: Path) -> None:
    """Raise `UsageError` for a file whose ending names no format that `write_table` writes."""
    if file.suffix.lower() not in _ENDINGS:
        message = f"{file}: the ending says the format; expected one of {', '.join(_ENDINGS)}"
        raise UsageError(message)


def write_table(con: Connection, relation: str, file: Path) -> None:
    """Write all rows of a relation, in their order, to a file; one that is there is replaced once the new one is complete.

    In a workbook, numbers are number cells and days are dates. Raises `UsageError` for another ending and for more rows than a
    sheet holds, `KamError` when the file cannot be written.
    """
    require_format(file)
    ending = file.suffix.lower()
    if ending == ".xlsx" and number_of(con, f"SELECT count(*) FROM {relation}") > _MOST_ROWS:
        message = f"{file}: a sheet holds {_MOST_ROWS:,} rows, and there are more. Write .csv or .parquet"
        raise UsageError(message)
    aside = file.with_name(f".{file.stem}.new{ending}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if ending == ".xlsx":
            _write_workbook(con, relation, aside)
        else:
            how = "FORMAT csv, HEADER" if ending == ".csv" else "FORMAT parquet"
            con.execute(f"COPY (FROM {relation}) TO {literal(str(aside))} ({how})")
        aside.replace(file)
    except (OSError, duckdb.IOException) as error:
        reason = error.strerror if isinstance(error, OSError) else disk_fault(error) or str(error).splitlines()[0]
        message = f"{file}: cannot be written: {reason}"
        raise KamError(message) from None
    finally:
        aside.unlink(missing_ok=True)


def _write_workbook(con: Connection, relation: str, file: Path) -> None:
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxFileError

    found = con.execute(f"FROM {relation}")
    names = [column[0] for column in found.description or ()]
    try:
        with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
            # The same rows give the same bytes.
            book.set_properties({"created": dt.datetime(2000, 1, 1, tzinfo=dt.UTC)})
            day = book.add_format({"num_format": "yyyy-mm-dd"})
            sheet = book.add_worksheet()
            sheet.freeze_panes(1, 0)
            for column, name in enumerate(names):
                sheet.write_string(0, column, name)
            read = chain.from_iterable(iter(lambda: found.fetchmany(_ROWS_AT_ONCE), []))
            for number, row in enumerate(read, 1):
                for column, value in enumerate(row):
                    if isinstance(value, dt.date):
                        sheet.write_datetime(number, column, value, day)
                    elif isinstance(value, str):  # never a formula
                        sheet.write_string(number, column, value)
                    elif value is not None:
                        sheet.write(number, column, value)
    except XlsxFileError as error:
        raise OSError(str(error)) from None
