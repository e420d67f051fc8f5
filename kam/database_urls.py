"""Databases that an environment variable names: an engine for the URL, and messages without any secret of it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
from kam.errors import DatabaseUnreachableError, SettingsError, SourceRefusedError

_CONNECT_SECONDS = 20
_SECRET_OPTION = re.compile(r"pass|pwd|secret|token|key|odbc_connect|credential", re.IGNORECASE)
_LONGEST_WORD = 7
_ODBC_SECRET = re.compile(r"(?:PWD|PASSWORD)\s*=\s*\{?([^;}]+)", re.IGNORECASE)
_POSTGRESQL = "postgresql+psycopg"
_DRIVERS: Mapping[str, str] = {
    "postgresql": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def engine_of(variable: str, where: str, postgresql: Mapping[str, object] | None = None) -> Engine:
    """An engine without a pool for the URL in a variable; `where` is the key of `kam.toml` that names it.

    `postgresql` has options of the driver for that database; those in the URL go first. Raises `SettingsError` when the variable is not
    set, holds no URL, or needs a driver that is not installed.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    text = os.environ.get(variable, "")
    if not text:
        message = f"{where}: the environment variable {variable} is not set. Set it to the URL of the database"
        raise SettingsError(message)
    url = _url(text, where, variable)
    wanted = {"connect_timeout": _CONNECT_SECONDS} | dict(postgresql or {}) if url.drivername == _POSTGRESQL else {}
    options = {name: value for name, value in wanted.items() if name not in url.query}
    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=options)
    except (NoSuchModuleError, ModuleNotFoundError, ImportError) as error:
        message = f"{where}: no driver for {url.drivername!r} is installed ({masked(error, url)})"
    except (ArgumentError, TypeError, ValueError) as error:
        message = f"{where}: the URL in {variable} does not work: {masked(error, url)}"
    raise SettingsError(message)


def connected(engine: Engine, where: str) -> Connection:
    """A connection to a database. Raises `SourceRefusedError` for a file of SQLite that is not there, else `DatabaseUnreachableError`."""
    from sqlalchemy.exc import SQLAlchemyError

    place = place_of(engine.url)
    if engine.dialect.name == "sqlite" and _names_no_file(engine.url):
        message = f"{where}: the database file {place} does not exist. Nothing was changed"
        raise SourceRefusedError(message)
    try:
        return engine.connect()
    except (SQLAlchemyError, OSError) as error:
        reason = masked(error, engine.url)
        message = f"{where}: the database {place} cannot be reached: {reason}. Nothing was changed"
        raise DatabaseUnreachableError(message) from None


def _names_no_file(url: URL) -> bool:
    """Whether SQLite would create an empty database and then miss the table."""
    name = url.database or ":memory:"
    return name != ":memory:" and not name.startswith("file:") and not Path(name).exists()


def place_of(url: URL) -> str:
    """Where a database is, in words that hold no secret."""
    return f"{url.database or ''}{f' on {url.host}' if url.host else ''}{f':{url.port}' if url.port else ''}".strip()


def masked(error: BaseException, url: URL) -> str:
    """The first line of the driver's message behind an error, without any secret of the URL."""
    behind = getattr(error, "orig", None) or error
    lines = [line.strip() for line in _said(behind).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    secrets = [str(url.password or "")]
    for name, value in url.query.items():
        values = [value] if isinstance(value, str) else list(value)
        # Any option may hold a secret; short words such as those of sslmode help to find what is wrong.
        secrets += [value for value in values if _SECRET_OPTION.search(name) or len(value) > _LONGEST_WORD]
        if _SECRET_OPTION.search(name):
            secrets += [secret for value in values for secret in _ODBC_SECRET.findall(value)]
    spellings = {spelling for secret in secrets for spelling in (secret, quote(secret, safe=""), quote_plus(secret))}
    for spelling in sorted(filter(None, spellings), key=len, reverse=True):
        text = text.replace(spelling, "***")
    return text


def _said(error: BaseException) -> str:
    """The driver's message; PyMySQL has it behind a number, and would print both as a tuple."""
    match error.args:
        case (int(), str(text)):
            return text
        case _:
            return str(error)


def _url(text: str, where: str, variable: str) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        message = (
            f"{where}: {variable} holds no SQLAlchemy URL, such as postgresql+psycopg://user:password@host/database"
        )
        raise SettingsError(message) from None
    # SQLAlchemy's own choices are psycopg2, whose successor is the driver that kam-close comes with, and a driver that has to be compiled.
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
