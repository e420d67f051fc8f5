"""The catalog of a lake as PostgreSQL has it: whose turn it is to write, and which of the lakes in it is the site's.

A catalog may have several lakes, each with a schema and a folder of its own. `kam_lake` names the one in use, so another one takes its
place with one update.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kam.errors import KamError, SettingsError, WarehouseAwayError, WarehouseBusyError
from kam.site import Site
from kam.stops import check
from kam.warehouse.people import user_name

if TYPE_CHECKING:
    from psycopg import Connection as PgConnection

MISSING = "a warehouse in DuckLake needs the extra lake: pip install 'kam-close[lake]'"
# One site a catalog, so one number for all.
_LOCK = 5_226_301
_HOLDER = """
    SELECT activity.application_name FROM pg_locks AS locks JOIN pg_stat_activity AS activity USING (pid)
    WHERE locks.locktype = 'advisory' AND locks.granted AND locks.objid = %s
      AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_LANGUAGE = "SHOW lc_messages"
_POINTER = "CREATE TABLE IF NOT EXISTS public.kam_lake (number BIGINT NOT NULL, is_in_use BOOLEAN NOT NULL)"


class LakeCatalog:
    """A PostgreSQL database of a site's own."""

    def __init__(self, site: Site) -> None:
        """The catalog that the settings name. Raises `SettingsError` when its variable is not set."""
        self._site = site
        variable = site.settings.warehouse.catalog_variable
        self.url = os.environ.get(variable, "")
        self.name = f"the lake of {variable}"
        if not self.url:
            message = f"[warehouse] catalog: the environment variable {variable} is not set. It holds the URL of a PostgreSQL database"
            raise SettingsError(message)

    @contextmanager
    def connected(self, purpose: str) -> Iterator[PgConnection[Any]]:
        """A connection whose statements are committed one by one. Raises `WarehouseAwayError` when there is none, or none any more."""
        try:
            import psycopg
        except ImportError:
            raise KamError(MISSING) from None
        try:
            with psycopg.connect(self.url, autocommit=True, application_name=f"kam {purpose}"[:63]) as catalog:
                yield catalog
        except psycopg.OperationalError as error:
            message = f"{self.name}: cannot be reached: {self.harmless(str(error))}. What was committed stays. Run the command again when it answers"
            raise WarehouseAwayError(message) from None
        except psycopg.Error as error:
            message = f"{self.name}: {self.harmless(str(error))}"
            raise KamError(message) from None

    def number(self, catalog: PgConnection[Any]) -> int | None:
        """Which lake is in use; None when there is none yet."""
        return self._pointer(catalog)[1]

    def next_number(self, catalog: PgConnection[Any], is_taken: Callable[[int], bool]) -> int:
        """The number of a lake that nobody has used, and whose place for files nobody has taken.

        What was left of one that was not finished is removed from the catalog.
        """
        number = self._pointer(catalog)[0] + 1
        while True:
            catalog.execute(f"DROP SCHEMA IF EXISTS {schema_of(number)} CASCADE")
            if not is_taken(number):
                return number
            number += 1

    def use(self, catalog: PgConnection[Any], number: int | None) -> None:
        """From now on this lake is the one in use, or none. In one statement; the one before stays as it is."""
        catalog.execute(_POINTER)
        last, _ = self._pointer(catalog)
        values = (number or last, number is not None)
        if not _value(catalog, "SELECT count(*) FROM public.kam_lake"):
            catalog.execute("INSERT INTO public.kam_lake (number, is_in_use) VALUES (%s, %s)", values)
        else:
            catalog.execute("UPDATE public.kam_lake SET number = %s, is_in_use = %s", values)

    def _pointer(self, catalog: PgConnection[Any]) -> tuple[int, int | None]:
        """The last number that was in use, and the one that is."""
        if not _value(catalog, "SELECT to_regclass('public.kam_lake') IS NOT NULL"):
            return 0, None
        row = catalog.execute("SELECT number, is_in_use FROM public.kam_lake").fetchone() or (0, False)
        return row[0], row[0] if row[1] else None

    @contextmanager
    def turn(self, purpose: str, *, wait_seconds: float, on_wait: Callable[[str], None]) -> Iterator[PgConnection[Any]]:
        """Hold the lock of the catalog. It ends with its connection, so nobody waits for a process that is gone."""
        who = f"{purpose} (process {os.getpid()} of {user_name()} on {socket.gethostname()})"
        with self.connected(who) as catalog:
            self._require_english(catalog)
            self._wait_for_turn(catalog, wait_seconds, on_wait)
            yield catalog

    def _require_english(self, catalog: PgConnection[Any]) -> None:
        """Raise `SettingsError` where messages are in another language: DuckLake tries again by what they say in English."""
        language = str(_value(catalog, _LANGUAGE))
        if not re.match(r"$|C\b|POSIX$|en[_.]|en$|English", language):
            message = (
                f"{self.name}: PostgreSQL answers in another language than English (lc_messages = {language}), and DuckLake reads what it "
                "says. An administrator of the database can change that: ALTER DATABASE … SET lc_messages = 'C'"
            )
            raise SettingsError(message)

    def _wait_for_turn(self, catalog: PgConnection[Any], wait_seconds: float, on_wait: Callable[[str], None]) -> None:
        deadline, who = time.monotonic() + wait_seconds, ""
        while not _value(catalog, f"SELECT pg_try_advisory_lock({_LOCK})"):
            check()
            found = str(_value(catalog, _HOLDER, [_LOCK]) or who or "another process")
            if time.monotonic() >= deadline:
                message = f"{self.name}: still in use by {found} after {wait_seconds:.0f} seconds. Try again when it has finished"
                raise WarehouseBusyError(message)
            if found != who:
                on_wait(f"Waiting for {found} to finish")
                who = found
            time.sleep(0.2)

    def harmless(self, text: str) -> str:
        """The first line of a message, without what the URL says."""
        line = text.splitlines()[0] if text else ""
        return re.sub(r"postgres(ql)?://\S+", "…", line.replace(self.url, "…"))


def schema_of(number: int) -> str:
    """The schema of the catalog that describes a lake."""
    return f"lake_{number}"


def _value(catalog: PgConnection[Any], query: str, values: Sequence[object] | None = None) -> object:
    row = catalog.execute(query, values).fetchone()
    return row[0] if row else None
