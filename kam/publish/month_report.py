"""A closed month as files for people and tools: one Excel workbook, and Parquet files, one per table and month.

Both are made from the published file, so they hold what BI tools read.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from kam.build import Model, published_tables
from kam.errors import KamError, UsageError, disk_fault
from kam.periods import month_name
from kam.publish.published_file import PUBLISHED_FILE
from kam.publish.workbook import MOST_ROWS, Book, workbook
from kam.site import BUILDING, Site
from kam.warehouse import Connection, literal, memory, names_mean, number_of, rows
from kam.words import counted

_COVER, _COLUMNS, _QUALITY = "Cover", "Columns", "Data quality"
# Subjects that come first and last; those between follow the alphabet.
_FIRST, _LAST = ("overview", "flags"), ("dimensions",)
_BROKEN = """
    SELECT severity, sentence, if_it_fails, failed_count, checked_count, sample_keys, check_name
    FROM reporting.data_quality
    WHERE period_month = {month} AND NOT success
    ORDER BY list_position(['critical', 'warning', 'info'], severity), check_name
"""


@dataclass(frozen=True)
class Written:
    """What was written for a month: the files, and how many tables or accounts they hold."""

    files: tuple[Path, ...]
    count: int


def write_month_workbook(site: Site, month: date, file: Path | None = None) -> Written:
    """One workbook: a cover, a sheet per table that has rows in the month, in the order of subjects, rules that failed, and columns.

    `file` is by default `published/reports/<month>.xlsx`; it is replaced once the new one is complete. Raises `UsageError` for a month
    that is not published and for another ending, `KamError` when the file cannot be written.
    """
    target = file or site.published / "reports" / f"{month_name(month)}.xlsx"
    if target.suffix.lower() != ".xlsx":
        message = f"{target}: the ending has to be .xlsx"
        raise UsageError(message)
    with published_month(site, month) as con, made_aside(target.parent) as aside:
        count = make_workbook(con, site, month, aside / target.name)
        (aside / target.name).replace(target)
    return Written((target,), count)


def write_month_parquet(site: Site, month: date, folder: Path | None = None) -> Written:
    """`<table>/<month>.parquet` for each table, in `published/parquet` or another folder; those of other months stay.

    Each file is replaced once all are complete. Raises as `write_month_workbook` does.
    """
    target = folder or site.published / "parquet"
    with published_month(site, month) as con, made_aside(target) as aside:
        names = make_parquet(con, month, aside)
        replace_together(aside, target, names)
    return Written(tuple(target / name for name in names), len(names))


def make_workbook(con: Connection, site: Site, month: date, file: Path) -> int:
    """Write the workbook of a month to a new file; the number of tables that have a sheet."""
    with workbook(file) as book:
        return _fill(book, con, site, month)


def make_parquet(con: Connection, month: date, folder: Path) -> list[Path]:
    """Write the tables of a month below a new folder; their files, named from there."""
    names = []
    for table in _tables_of_months(con):
        name = parquet_name(table, month)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        con.execute(f"COPY ({_rows_of(table, month)}) TO {literal(str(folder / name))} (FORMAT parquet)")
        names.append(name)
    return names


def parquet_name(table: Model, month: date) -> Path:
    """Where the rows of a month are, from the folder of the Parquet files."""
    return Path(table.name) / f"{month_name(month)}.parquet"


def tables_of_months() -> list[Model]:
    """The published tables that have rows by month, without old names."""
    return [
        table
        for table in published_tables()
        if table.schema == "marts" and not table.is_old_name and "period_month" in table.grain
    ]


def replace_together(aside: Path, target: Path, names: Sequence[Path], gone: Sequence[Path] = ()) -> None:
    """Move files from `aside` to the same places below `target`, and remove those that are gone: all of it, or nothing.

    Raises `OSError` when one cannot be moved; those that were moved before are as they were then.
    """
    before = aside / "before"
    done: list[Path] = []
    try:
        for name in (*names, *gone):
            _keep(target / name, before / name)
            done.append(name)
            if name in gone:
                (target / name).unlink()
            else:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                (aside / name).replace(target / name)
    except OSError:
        for name in reversed(done):
            if (before / name).exists():
                (before / name).replace(target / name)
            else:
                (target / name).unlink(missing_ok=True)
        raise


def _keep(file: Path, copy: Path) -> None:
    """Another name for a file that is to be replaced, so that it is never missed meanwhile."""
    if file.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            copy.hardlink_to(file)
        except OSError:  # a file system without such names
            shutil.copy2(file, copy)


@contextmanager
def published_month(site: Site, month: date | None = None) -> Iterator[Connection]:
    """The published file, which has this month, where one is named."""
    file = site.published / PUBLISHED_FILE
    if not file.exists():
        message = f"{file}: is not there: no month is closed yet, or it was lost. Next: {site.command('publish')}"
        raise UsageError(message)
    with memory() as con:
        con.execute(f"ATTACH {literal(str(file))} AS published (READ_ONLY)")
        with names_mean(con, "published"):
            months = [
                row["period_month"]
                for row in rows(con, "SELECT DISTINCT period_month FROM reporting.closes WHERE is_newest ORDER BY ALL")
            ]
            if month and month not in months:
                known = ", ".join(map(month_name, months)) or "none"
                message = (
                    f"{month_name(month)} is not published; published: {known}. What waits: {site.command('status')}"
                )
                raise UsageError(message)
            yield con


@contextmanager
def made_aside(folder: Path) -> Iterator[Path]:
    """A folder inside `folder` for what is not complete yet. Raises `KamError` when there is no room or no right to write."""
    aside = folder / f"{BUILDING}report"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        yield aside
    except (OSError, duckdb.IOException) as error:
        reason = error.strerror if isinstance(error, OSError) else disk_fault(error) or str(error).splitlines()[0]
        message = f"{folder}: cannot be written to: {reason}. What was there before is untouched"
        raise KamError(message) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def swap_in(made: Path, target: Path, before: Path) -> None:
    """Put the new folder in the place of the old one, which goes to `before`; it comes back if that fails."""
    if target.exists():
        target.replace(before)
    try:
        made.replace(target)
    except OSError:
        if before.exists():
            before.replace(target)
        raise


def _tables_of_months(con: Connection) -> list[Model]:
    """The published tables that have rows by month, without old names, in the order of subjects.

    A file that an earlier release published lacks those that are new.
    """
    there = {
        row["table_name"] for row in rows(con, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'reporting'")
    }

    def place(table: Model) -> tuple[int, str, str]:
        subject = _subject(table)
        rank = _FIRST.index(subject) if subject in _FIRST else len(_FIRST) + (subject in _LAST)
        return rank, subject, table.name

    return sorted((table for table in tables_of_months() if table.name in there), key=place)


def _subject(table: Model) -> str:
    return Path(table.file).parent.name


def _rows_of(table: Model, month: date) -> str:
    keys = ", ".join(table.grain)
    return f"SELECT * FROM reporting.{table.name} WHERE period_month = {literal(str(month))} ORDER BY {keys}"


def _fill(book: Book, con: Connection, site: Site, month: date) -> int:
    """Write all sheets; the number of tables that have one."""
    book.reserve(_COVER)
    listed: list[Sequence[object]] = []
    headings: list[int] = []
    shown: list[Model] = []
    subject = ""
    for table in _tables_of_months(con):
        count = number_of(
            con, f"SELECT count(*) FROM reporting.{table.name} WHERE period_month = {literal(str(month))}"
        )
        if _subject(table) != subject:
            subject = _subject(table)
            headings.append(len(listed))
            listed.append((subject.replace("_", " ").capitalize(),))
        if 0 < count <= MOST_ROWS:
            book.add_table(table.name, con, _rows_of(table, month), table.columns)
            shown.append(table)
            listed.append(((table.name, table.name), count, table.description))
        else:
            why = (
                f"more than the {MOST_ROWS:,} rows of a sheet: use the Parquet files"
                if count
                else "no rows in this month"
            )
            listed.append((table.name, count, why))
    book.add_table(_QUALITY, con, _BROKEN.format(month=literal(str(month))))
    book.add_text(
        _COLUMNS, [("table", "column", "unit", "meaning", "formula"), *_columns(shown)], (32, 36, 20, 90, 60), bold=(0,)
    )
    head = _head(con, site, month)
    titles = [0, *(len(head) + number for number in headings)]
    book.add_text(_COVER, [*head, *listed], (36, 12, 100), bold=titles)
    return len(shown)


def _columns(tables: Sequence[Model]) -> list[tuple[str, ...]]:
    return [
        (table.name, column.name, column.unit, column.meaning, column.formula)
        for table in tables
        for column in table.columns
    ]


def _head(con: Connection, site: Site, month: date) -> list[Sequence[object]]:
    (close,) = rows(con, f"FROM reporting.closes WHERE is_newest AND period_month = {literal(str(month))}")
    broken = rows(con, _BROKEN.format(month=literal(str(month))))
    return [
        (f"{site.settings.site.name}: {month_name(month)}",),
        ("Version", close["close_version"]),
        ("Verdict", close["verdict"]),
        ("Closed at (UTC)", close["closed_at"]),
        ("Closed by", close["closed_by"]),
        *([("Reason of the restatement", close["reason"])] if close["reason"] else []),
        *([("Closed even though", close["even_though"])] if close["even_though"] else []),
        ("Reporting currency", site.settings.site.reporting_currency),
        ("Rules that failed", (counted(len(broken), "rule"), _QUALITY)),
        ("Meaning of the columns", (_COLUMNS, _COLUMNS)),
        (),
        ("Table", "Rows", "What it is for"),
    ]
