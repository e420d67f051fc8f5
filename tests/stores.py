"""Which store the sites of a test run have: a file, or a DuckLake where `KAM_TEST_STORE=ducklake` says so.

On the lake each folder that a test opens as a site gets a PostgreSQL database of its own, named in its `kam.toml` by a variable of this
process, and a folder `lake` for its files. A copy of a site gets a copy of the database. Sites that say themselves where they store stay
as they are, and so do tables in memory.

What is not run on a lake says why where it is: `file_store_only`. So far these are the bytes and the lock of the file, a reader that keeps it from
being opened, and files that have both stores themselves. In `test_losses.py` the cases of a damaged file are left out: a lake has no
file to damage, and its catalog that is lost or an older copy is tried instead.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

import kam.site.site
from kam.errors import KamError
from kam.site import Settings, Site, find_site, write_warehouse
from kam.warehouse import LakeStore
from kam.warehouse.lake_catalog import LakeCatalog
from tests.postgresql import PostgreSql

ON_LAKE = os.environ.get("KAM_TEST_STORE") == "ducklake"
# Not one that begins with KAM_: processes that a test starts get these as the user's own.
_VARIABLE = "LAKE_OF_TEST_"


NAME = r"(warehouse\.duckdb|the lake of \w+)"
"""How messages call what a site stores."""


def file_store_only(why: str) -> pytest.MarkDecorator:
    """For a test that cannot apply to a lake; on the lake it is skipped, and says why."""
    return pytest.mark.skipif(ON_LAKE, reason=f"of a file only: {why}")


def variables_of(folder: Path) -> dict[str, str]:
    """What a process that opens the site in this folder needs in its environment; the site is put on a lake where sites are."""
    site = find_site(folder)
    if not site.has_lake:
        return {}
    variable = site.settings.warehouse.catalog_variable
    return {variable: os.environ[variable]}


def lose_warehouse(site: Site) -> None:
    """Lose what a site stores, as with a broken disk: its file, or the schemas of its catalog."""
    for file in site.directory.glob("warehouse.duckdb*"):
        file.unlink()
    if site.has_lake:
        with psycopg.connect(LakeCatalog(site).url, autocommit=True) as catalog:
            found = catalog.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lake%'").fetchall()
            for (schema,) in found:
                catalog.execute(f"DROP SCHEMA {schema} CASCADE")
            catalog.execute("DROP TABLE IF EXISTS public.kam_lake")


def back_up(site: Site, copy: Path) -> None:
    """Copy what a site stores: the file, or the catalog of its lake, whose data files stay where they are."""
    if not site.has_lake:
        shutil.copy(site.warehouse, copy)
        return
    copy.write_text(_lakes[0].server.call("pg_dump", "--schema=lake_1", LakeCatalog(site).url), encoding="utf-8")


def put_back(site: Site, copy: Path) -> None:
    """Put such a copy in the place of what a site stores."""
    if not site.has_lake:
        copy.replace(site.warehouse)
        return
    url = LakeCatalog(site).url
    with psycopg.connect(url, autocommit=True) as catalog:
        catalog.execute("DROP SCHEMA lake_1 CASCADE")
        _lakes[0].restore(url, copy.read_text(encoding="utf-8"))
        _place_files(catalog, "lake_1", site.directory / "lake" / "1")


@contextmanager
def sites_on_lakes(server: PostgreSql) -> Iterator[None]:
    """Let each site that is opened meanwhile store in a lake of its own."""
    lakes = _Lakes(server)
    _lakes.append(lakes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kam.site.site, "load_settings", lakes.load_settings)
        patch.setattr(LakeStore, "_made", lambda store, catalog: lakes.made(store, catalog))  # noqa: PLW0108 - a function of Python is a method there
        yield


_load_settings = kam.site.site.load_settings
_made = LakeStore._made  # noqa: SLF001 - as the product makes one


class _Lakes:
    def __init__(self, server: PostgreSql) -> None:
        self.server = server
        # By variable: the folder and the database of its site.
        self._sites: dict[str, tuple[Path, str]] = {}
        # By reporting currency: the statements that make an empty lake.
        self._empty: dict[str, str] = {}

    def load_settings(self, directory: Path) -> Settings:
        """As the product loads them, of a site that stores in a lake."""
        with suppress(OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, KamError):
            self._put_on_a_lake(directory)
        return _load_settings(directory)

    def _put_on_a_lake(self, directory: Path) -> None:
        said = tomllib.loads((directory / "kam.toml").read_text(encoding="utf-8")).get("warehouse")
        variable = str(said.get("catalog", "")).removeprefix("env:") if isinstance(said, dict) else ""
        folder = directory.resolve()
        if said is not None and not variable.startswith(_VARIABLE):
            return  # the test is about it
        if variable and self._sites[variable][0] == folder:
            return
        own = next((name for name, (place, _) in self._sites.items() if place == folder), "")
        if not own:
            own = f"{_VARIABLE}{len(self._sites) + 1}_{os.getpid()}"
            url = self._copied(self._sites[variable][1], folder) if variable else self.server.new_database()
            self._sites[own] = folder, url
            os.environ[own] = url
        write_warehouse(directory, {"kind": "ducklake", "catalog": f"env:{own}", "data": "lake"})

    def _copied(self, url: str, folder: Path) -> str:
        """A copy of a catalog, with the files in this folder."""
        copy = self.server.new_database(_name(url))
        with psycopg.connect(copy, autocommit=True) as catalog:
            for (schema,) in catalog.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lake%'").fetchall():
                number = str(schema).removeprefix("lake_")
                _place_files(catalog, str(schema), folder / "lake" / number)
        return copy

    def made(self, store: LakeStore, catalog: psycopg.Connection[Any]) -> int:
        """Make an empty lake as the product makes it, once per currency, and copy its catalog: most tests need one."""
        site = store._site  # noqa: SLF001 - in place of its method
        currency = site.settings.site.reporting_currency
        url = store.catalog.url
        is_first = not site.ledger.exists() and not (site.directory / "lake").exists()
        if site.settings.corrections or not is_first or store.catalog.next_number(catalog, lambda _: False) != 1:
            return _made(store, catalog)
        if currency not in self._empty:
            number = _made(store, catalog)
            self._empty[currency] = self.server.call("pg_dump", "--schema=lake_1", url)
            return number
        self.restore(url, self._empty[currency])
        _place_files(catalog, "lake_1", site.directory / "lake" / "1")
        store.catalog.use(catalog, 1)
        return 1

    def restore(self, url: str, dump: str) -> None:
        """Run the statements of a copy of a catalog."""
        self.server.call("psql", "--quiet", "--set=ON_ERROR_STOP=1", url, given=dump)


_lakes: list[_Lakes] = []


def _place_files(catalog: psycopg.Connection[Any], schema: str, folder: Path) -> None:
    """Let a lake have its files in this folder."""
    place = f"{folder.resolve()}/"
    catalog.execute(f"UPDATE {schema}.ducklake_metadata SET value = %s WHERE key = 'data_path'", [place])  # type: ignore[arg-type]


def _name(url: str) -> str:
    """The name of the database in its URL."""
    return url.rpartition("/")[2]
