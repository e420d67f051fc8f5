"""Moves what a site has stored from its working file to a lake and back, and its archive to storage and back; what is left stays as it was."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from kam.archive import MovedArchive, is_ahead_of_storage, ledger, move_archive
from kam.audit.aside import Aside
from kam.audit.contents import Contents, contents_of, copy_all
from kam.build import prepare_marts
from kam.errors import KamError, UsageError
from kam.site import Site, WarehouseSection, scratch_folder, write_warehouse
from kam.warehouse import Connection, FileStore, LakeStore, Store, catalog, warehouse, writing

if TYPE_CHECKING:
    from psycopg import Connection as PgConnection

Kind = Literal["file", "ducklake"]
# What stands for the folder of the site where a place in storage may be named.
IN_FOLDER = "archive"
_BEFORE = "before"
_SHOWN = 5
log = logging.getLogger("kam")
Say = Callable[[str], None]


@dataclass(frozen=True)
class MigrationReport:
    """What both stores have, the name of the one in use now, and where the one before is; `archive` where that moved as well."""

    contents: Contents
    name: str
    kept: str
    archive: MovedArchive | None = None


def migrate(
    site: Site,
    to: Kind,
    *,
    catalog_variable: str = "",
    data: str = "",
    archive: str = IN_FOLDER,
    on_step: Say = lambda _: None,
    on_wait: Say = log.info,
) -> MigrationReport:
    """Copy all loads and versions to the other kind of store, compare both, and write the setting.

    `catalog_variable` names the environment variable with the URL of the catalog, `data` the place of the data files and `archive` that of
    the archive; for a lake only. Raises `UsageError` when the site is there already or the other store has something else, and `KamError`
    when the copy differs.
    """
    if site.settings.warehouse.kind == to:
        message = f"the warehouse of {site.directory} is a {'file' if to == 'file' else 'DuckLake'} already; nothing was changed"
        raise UsageError(message)
    if to == "file":
        if archive != IN_FOLDER:
            message = (
                f"--archive: an archive in storage needs a DuckLake; beside a file it is the folder {site.archive}"
            )
            raise UsageError(message)
        return _to_file(site, on_step, on_wait)
    return _to_lake(site, _with(site, _section(catalog_variable, data, archive)), on_step, on_wait)


def migrate_archive(
    site: Site, archive: str, *, on_step: Say = lambda _: None, on_wait: Say = log.info
) -> MovedArchive:
    """Move the archive of a site with a lake to a place in storage, or into its folder (`archive`), and write the setting.

    Raises `UsageError` when it is there already, or another one is.
    """
    now = site.settings.warehouse
    if now.kind != "ducklake":
        message = "--archive: an archive in storage needs a DuckLake. Name --to ducklake as well"
        raise UsageError(message)
    target = _with(site, _section(now.catalog_variable, now.data, archive))
    in_folder = _with(site, now.model_copy(update={"archive": None}))
    source = site
    if target.archive_place == site.archive_place:
        # Named in the settings by hand, before it was moved there.
        if not site.archive_place or not is_ahead_of_storage(site):
            message = f"the archive of {site.directory} is in {site.archive_name} already; nothing was changed"
            raise UsageError(message)
        source = in_folder
    with writing(site, "migrate", wait_seconds=site.settings.run.busy_timeout_seconds, on_wait=on_wait):
        _complete(source)
        moved = move_archive(source, target, on_step)
        write_warehouse(site.directory, _values(target.settings.warehouse))
    return moved


def _with(site: Site, section: WarehouseSection) -> Site:
    """The same site with another `[warehouse]`."""
    return Site(site.directory, site.settings.model_copy(update={"warehouse": section}), site.identity)


def _values(section: WarehouseSection) -> dict[str, str]:
    """A lake as `kam.toml` has it."""
    return section.model_dump(include={"kind", "catalog", "data"}) | (
        {"archive": section.archive} if section.archive else {}
    )


def _section(catalog_variable: str, data: str, archive: str) -> WarehouseSection:
    """The setting of a lake. Raises `UsageError` for a name that is none, which may be a URL with a password and is not shown."""
    place = None if archive == IN_FOLDER else archive
    try:
        return WarehouseSection(kind="ducklake", catalog=f"env:{catalog_variable}", data=data, archive=place)
    except ValidationError as error:
        fault = error.errors()[0]
        name = f"--{fault['loc'][0]}" if fault["loc"] else "--archive"
        message = f"{name}: {fault['msg'].removeprefix('Value error, ').replace('env:NAME', 'NAME')}"
        raise UsageError(message) from None


def _to_lake(site: Site, target: Site, on_step: Say, on_wait: Say) -> MigrationReport:
    store = LakeStore(target)
    patience = site.settings.run.busy_timeout_seconds
    with (
        writing(site, "migrate", wait_seconds=patience, on_wait=on_wait),
        store.turn("migrate", wait_seconds=patience, on_wait=on_wait) as held,
    ):
        _complete(site)
        moved = move_archive(site, target, on_step) if target.archive_place else None
        number = store.catalog.number(held)
        if number is None:
            found = replace_lake(target, FileStore(site), held, on_step)
        else:
            # A migration that was stopped before it wrote the setting. Or somebody else's lake.
            with LakeStore(target, number).open() as con:
                prepare_marts(con)
                FileStore(site).attach(con, _BEFORE)
                found = _compared(
                    con,
                    f"{store.name} has loads or versions already, and not those of {site.warehouse}. Name another database",
                )
        write_warehouse(site.directory, _values(target.settings.warehouse))
        kept = site.warehouse.with_name("warehouse.before-migration.duckdb")
        site.warehouse.replace(kept)
    return MigrationReport(found, store.name, str(kept), moved)


def replace_lake(site: Site, source: FileStore, held: PgConnection[Any], on_step: Say) -> Contents:
    """Make a lake from a working file and use it in place of the one before, which stays; `held` has the lock of the catalog.

    Raises `KamError` when the copy differs; the lake before stays in use then.
    """
    store = LakeStore(site)
    number = store.new_number(held)
    with LakeStore(site, number).open() as con:
        source.attach(con, _BEFORE)
        found = _copied(con, source, on_step)
    store.catalog.use(held, number)
    return found


def _to_file(site: Site, on_step: Say, on_wait: Say) -> MigrationReport:
    store = LakeStore(site)
    if site.warehouse.exists():
        message = f"{site.warehouse}: is there already, and may be older than {store.name}. Move it away, then run the command again"
        raise UsageError(message)
    if not store.exists():
        message = f"{store.name}: there is no lake. Nothing was loaded into it, or another database is meant"
        raise UsageError(message)
    with writing(site, "migrate", wait_seconds=site.settings.run.busy_timeout_seconds, on_wait=on_wait):
        _complete(site)
        in_folder = _with(site, site.settings.warehouse.model_copy(update={"archive": None}))
        moved = move_archive(site, in_folder, on_step) if site.archive_place else None
        with scratch_folder(site, "migrate-") as folder:
            aside = Aside(site, folder)
            with store.explained(), FileStore(aside).open() as con:
                store.attach(con, _BEFORE)
                found = _copied(con, store, on_step)
            with aside.warehouse.open("rb") as stream:
                os.fsync(stream.fileno())
            aside.warehouse.replace(site.warehouse)
        write_warehouse(site.directory, {})
        store.leave()
    return MigrationReport(found, str(site.warehouse), store.name, moved)


def _complete(site: Site) -> None:
    """Add what the ledger lacks. Raises `KamError` when the warehouse lacks something that the ledger lists."""
    with warehouse(site) as con:
        prepare_marts(con)
        ledger.sync(con, site)


def _copied(con: Connection, source: Store, on_step: Say) -> Contents:
    on_step(f"Copying {source.name} …")
    copy_all(con, _BEFORE)
    on_step("Comparing both …")
    return _compared(con, f"the copy of {source.name} differs, so nothing was changed")


def _compared(con: Connection, fault: str) -> Contents:
    """What both stores have. Raises `KamError` when they differ."""
    here, there = contents_of(con, catalog(con)), contents_of(con, _BEFORE)
    if different := there.differences(here):
        more = f", and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        message = f"{fault}. What differs: {', '.join(different[:_SHOWN])}{more}"
        raise KamError(message)
    return here
