"""Targets in the folder `published/`: the close pack, Parquet files and workbooks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from pathlib import Path

from kam.periods import month_name
from kam.publish.month_report import (
    made_aside,
    make_parquet,
    make_workbook,
    parquet_name,
    published_month,
    replace_together,
    tables_of_months,
)
from kam.publish.reviews import FRONT_PAGE, packs_of, write_front_page, write_reviews
from kam.publish.targets.editions import CaughtUp, Edition, stamp_of
from kam.site import Site
from kam.stages import each

_A_MONTH = "[0-9][0-9][0-9][0-9]-[0-9][0-9]"


class ParquetFiles:
    """`published/parquet/<table>/<month>.parquet`; a month that is withdrawn has none."""

    name = "parquet"

    def __init__(self, folder: Path) -> None:
        """`folder` gets the folders of the tables."""
        self._folder = folder

    def catch_up(self, site: Site, editions: Sequence[Edition], held: Mapping[date, str], *, again: bool) -> CaughtUp:
        """Write the months whose version or columns are others, or of which a file is lost."""
        tables = tables_of_months()
        shape = [[table.name, [[column.name, column.sql_type] for column in table.all_columns]] for table in tables]
        names = {
            edition.month: [parquet_name(table, edition.month) for table in tables] for edition in _closed(editions)
        }
        wanted = {edition.month: stamp_of([edition.stamp, shape]) for edition in _closed(editions)}
        there = {file.relative_to(self._folder) for file in self._folder.glob(f"*/{_A_MONTH}.parquet")}
        lagging = _lagging(wanted, held, {month for month in wanted if there.issuperset(names[month])}, again=again)
        gone = sorted(there - {name for of_month in names.values() for name in of_month})
        if lagging or gone:
            with made_aside(self._folder) as aside:
                made = []
                for month in each("parquet", lagging, "month", name=month_name):
                    with published_month(site, month) as con:
                        made += make_parquet(con, month, aside)
                replace_together(aside, self._folder, made, gone)
        return CaughtUp(wanted, lagging, _removed(held, wanted))

    def faults(self) -> list[str]:
        """Whether the folder can be written to."""
        return not_writable(self._folder)


class Workbooks:
    """`published/reports/<month>.xlsx`."""

    name = "xlsx"

    def __init__(self, folder: Path) -> None:
        """`folder` gets the workbooks."""
        self._folder = folder

    def catch_up(self, site: Site, editions: Sequence[Edition], held: Mapping[date, str], *, again: bool) -> CaughtUp:
        """Write the months whose version is another one, or whose workbook is lost."""
        wanted = {edition.month: edition.stamp for edition in _closed(editions)}
        names = {month: Path(f"{month_name(month)}.xlsx") for month in wanted}
        there = {file.relative_to(self._folder) for file in self._folder.glob(f"{_A_MONTH}.xlsx")}
        lagging = _lagging(wanted, held, {month for month in wanted if names[month] in there}, again=again)
        gone = sorted(there - set(names.values()))
        if lagging or gone:
            with made_aside(self._folder) as aside:
                for month in each("xlsx", lagging, "month", name=month_name):
                    with published_month(site, month) as con:
                        make_workbook(con, site, month, aside / names[month])
                replace_together(aside, self._folder, [names[month] for month in lagging], gone)
        return CaughtUp(wanted, lagging, _removed(held, wanted))

    def faults(self) -> list[str]:
        """Whether the folder can be written to."""
        return not_writable(self._folder)


class Pack:
    """The close pack: the pages of the newest month, and of other months that have some."""

    name = "pack"

    def __init__(self, folder: Path) -> None:
        """`folder` is the one that readers open."""
        self._folder = folder

    def catch_up(self, site: Site, editions: Sequence[Edition], held: Mapping[date, str], *, again: bool) -> CaughtUp:
        """Write the pages of the newest month if they say something else, and those of other months where there are some."""
        wanted: dict[date, str] = {}
        before: list[str] = []
        for edition in _closed(editions):
            # A page shows earlier months beside its own.
            before.append(edition.stamp)
            wanted[edition.month] = stamp_of(before)
        there = packs_of(site).keys()
        kept = {month: stamp for month, stamp in wanted.items() if month in there or month == max(wanted)}
        lagging = _lagging(kept, held, there, again=again)
        for month in each("pack", lagging, "month", name=month_name):
            write_reviews(site, month)
        if not lagging and (there - wanted.keys() or (there and not (self._folder / FRONT_PAGE).exists())):
            write_front_page(site)
        return CaughtUp(kept, lagging, _removed(held, wanted))

    def faults(self) -> list[str]:
        """Whether the folder can be written to."""
        return not_writable(self._folder)


def not_writable(folder: Path) -> list[str]:
    """The folder, or the nearest one above it that is there, when nothing can be written into it."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return [] if folder.is_dir() and os.access(folder, os.W_OK) else [f"{folder}: cannot be written to"]


def _closed(editions: Sequence[Edition]) -> list[Edition]:
    return [edition for edition in editions if edition.version]


def _lagging(
    wanted: Mapping[date, str], held: Mapping[date, str], there: AbstractSet[date], *, again: bool
) -> list[date]:
    newest = max(wanted, default=None)
    return [
        month
        for month, stamp in wanted.items()
        if held.get(month) != stamp or month not in there or (again and month == newest)
    ]


def _removed(held: Mapping[date, str], wanted: Mapping[date, str]) -> list[date]:
    return sorted(held.keys() - wanted.keys())
