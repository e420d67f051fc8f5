"""The working file of a site: the store that a site has unless its settings name another one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb

from kam.errors import KamError, WarehouseBusyError, damage, disk_fault
from kam.site import Site, scratch_folder
from kam.stops import check, heard, interrupting
from kam.warehouse import connection, turns
from kam.warehouse.lost import require_not_lost
from kam.warehouse.schema import is_of_this_release, prepare
from kam.warehouse.sql import Config, Connection, literal, quoted
from kam.warehouse.turns import holder

_LOOK_SECONDS = 20
# In DuckDB's refusal to open a file that another process has open.
_OPENED_BY = re.compile(r"held in (?P<program>.+?) \(PID (?P<process>\d+)\)")


class FileStore:
    """One DuckDB file in the folder of the site. One process has it open for writing, and then nobody else may read it."""

    def __init__(self, site: Site) -> None:
        """The site's own file; it may not be there yet."""
        self._site = site

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self._site.warehouse)

    def exists(self) -> bool:
        """Whether the file is there."""
        return self._site.warehouse.exists()

    def stamp(self) -> tuple[int, ...]:
        """Another one when another file takes its place."""
        return (self._site.warehouse.stat().st_ino,) if self.exists() else ()

    @contextmanager
    def writing(self, purpose: str, *, wait_seconds: float, on_wait: Callable[[str], None]) -> Iterator[None]:
        """Hold the right to write."""
        with turns.writing(self._site, purpose, wait_seconds=wait_seconds, on_wait=on_wait):
            yield

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """Open the file for reading and writing; create or update it where needed."""
        site = self._site
        with _storage_faults_explained(site):
            site.scratch.mkdir(exist_ok=True)
            with _opened_for_writing(site) as con:
                prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
                yield con

    @contextmanager
    def open_read_only(self) -> Iterator[Connection]:
        """Open the file for reading only; an empty database in memory when nothing was loaded yet."""
        site = self._site
        if not self.exists():
            require_not_lost(site, str(site.warehouse))
            with connection.memory() as con:
                prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
                yield con
            return
        with _storage_faults_explained(site), _opened(site, read_only=True) as con:
            if is_of_this_release(con, site.settings.site.reporting_currency):
                yield con
                return
        # Made by an earlier release: first brought up to date.
        with self.open():
            pass
        with _storage_faults_explained(site), _opened(site, read_only=True) as con:
            yield con

    def attach(self, con: Connection, name: str) -> None:
        """Let a connection read the file under this name."""
        con.execute(f"ATTACH {literal(self.name)} AS {quoted(name)} (READ_ONLY)")

    def explained(self) -> AbstractContextManager[None]:
        """Tell what is wrong with the file or its disk as a person reads it."""
        return _storage_faults_explained(self._site)


@contextmanager
def _opened_for_writing(site: Site) -> Iterator[Connection]:
    config: Config = {
        "memory_limit": site.settings.site.memory_limit,
        "temp_directory": str(site.scratch / "spill"),
        "storage_compatibility_version": "v1.5.0",
    }
    if not site.warehouse.exists():
        require_not_lost(site, str(site.warehouse))
        _make(site, config)
    # Somebody may be looking at the status; that takes no longer than this.
    with _opened(site, config=config, wait_seconds=_LOOK_SECONDS) as con:
        yield con


def _make(site: Site, config: Config) -> None:
    """Create an empty working file atomically: half of one could not be opened."""
    with scratch_folder(site, "new-") as folder:
        new = folder / site.warehouse.name
        with connection.connect(str(new), config=config) as con:
            prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
        # A log left by a file that was deleted would be replayed into this one.
        site.warehouse.with_name(f"{site.warehouse.name}.wal").unlink(missing_ok=True)
        new.replace(site.warehouse)


@contextmanager
def _storage_faults_explained(site: Site) -> Iterator[None]:
    check()
    try:
        with heard():
            yield
    except Exception as error:
        if found := damage(error) or _cut_off(site, error):
            message = (
                f"{site.warehouse}: damaged: {found}. Rebuild it from the archive: {site.command('rebuild', '--force')}"
            )
            raise KamError(message) from None
        fault = disk_fault(error) if isinstance(error, duckdb.Error | OSError) else ""
        if not fault:
            raise
        named = re.search(r'file "([^"]+)"', str(error))
        where = named[1] if named else getattr(error, "filename", None) or site.warehouse
        message = f"{where}: cannot be written: {fault}. What was committed stays. Make room or make it writable, then run the command again"
        raise KamError(message) from None


def _cut_off(site: Site, error: Exception) -> str:
    """DuckDB's words for the working file when its end is missing; it says the same of a source that is cut off."""
    text = str(error).splitlines()[0] if str(error) else ""
    return text if "Could not read enough bytes" in text and f'"{site.warehouse}"' in text else ""


@contextmanager
def _opened(
    site: Site, *, read_only: bool = False, config: Config | None = None, wait_seconds: float = 0
) -> Iterator[Connection]:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            con = connection.connect(str(site.warehouse), read_only=read_only, config=config)
            break
        except duckdb.IOException as error:
            if disk_fault(error) or damage(error) or _cut_off(site, error):
                raise
            if "Could not set lock" not in str(error):
                message = f"{site.warehouse}: cannot be opened: {str(error).splitlines()[0]}"
                raise KamError(message) from None
            if time.monotonic() >= deadline:
                message = f"{site.warehouse}: in use by {_opener(site, str(error))}. Try again when it has finished"
                raise WarehouseBusyError(message) from None
            time.sleep(0.1)
    try:
        con.execute("SET TimeZone = 'UTC'")
        with interrupting(con.interrupt):
            yield con
    finally:
        con.close()


def _opener(site: Site, refusal: str) -> str:
    """Who has the working file open: the writer, or the program that DuckDB names, which only looks."""
    found = _OPENED_BY.search(refusal)
    writer = holder(site)
    if writer is not None and (found is None or int(found["process"]) == writer.process):
        return str(writer)
    return f"{Path(found['program']).name} (process {found['process']})" if found else "another process"
