"""A table of sites, `sites.toml`: where each one is, and when and where its runs take place."""

from __future__ import annotations

import os
import tomllib
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from kam.errors import KamError, SettingsError
from kam.site.section import Section
from kam.site.site import Site, find_site
from kam.words import slug

DAILY, MONTHLY = "30 5 * * *", "0 7 3 * *"
POOL = "kam"


class _Where(Section):
    """What `[defaults]` and each site may say."""

    pool: str | None = Field(None, min_length=1)
    queue: str | None = Field(None, min_length=1)
    timezone: str | None = None
    ingest: str | None = None
    close: str | None = None
    approvers: tuple[str, ...] | None = None


class _Entry(_Where):
    folder: str = Field(min_length=1)


class _Table(Section):
    defaults: _Where = _Where()
    sites: dict[str, _Entry] = Field(min_length=1)


@dataclass(frozen=True)
class ListedSite:
    """A site of the table, with the defaults filled in. `ingest` and `close` are crons; an empty one is no schedule.

    `timezone` is empty where neither the table nor a `kam.toml` that was read names one. Each of the `approvers` has a deployment that
    approves in that name.
    """

    key: str
    folder: str
    timezone: str = ""
    ingest: str = DAILY
    close: str = MONTHLY
    pool: str | None = None
    queue: str | None = None
    approvers: tuple[str, ...] = ()


def alone(site: Site) -> ListedSite:
    """A site as a table of nothing else would list it, without a pool."""
    return ListedSite(site.slug, str(site.directory), site.settings.site.timezone)


def read_sites(file: Path, *, checked: bool = True) -> list[ListedSite]:
    """The sites of a table, in its order.

    With `checked` each site's `kam.toml` is read, too. Raises `SettingsError` that names every fault of the table and of the
    sites.
    """
    table = _table(file)
    faults: list[str] = []
    found: list[ListedSite] = []
    for key, entry in table.sites.items():
        said: dict[str, Any] = {"pool": POOL} | _said(table.defaults) | _said(entry)
        said["folder"] = os.path.normpath(file.resolve().parent / Path(entry.folder).expanduser())
        try:
            found.append(_checked(key, said) if checked else _unchecked(key, said))
        except KamError as error:
            faults.append(f"sites.{key}: {error}")
    folders: dict[str, str] = {}
    for listed in found:
        if other := folders.get(listed.folder):
            faults.append(f"sites.{listed.key}: has the folder of sites.{other}")
        folders[listed.folder] = listed.key
    if faults:
        raise SettingsError("\n".join([f"{file}: {faults[0]}", *faults[1:]]))
    return found


def _table(file: Path) -> _Table:
    try:
        return _Table.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
        raise SettingsError(message) from None
    except ValidationError as error:
        lines = [f"{file}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    except ValueError as error:
        message = f"{file}: is not TOML: {error}"
        raise SettingsError(message) from None


def _said(entry: _Where) -> dict[str, Any]:
    return entry.model_dump(exclude_none=True)


def _checked(key: str, said: dict[str, Any]) -> ListedSite:
    site = find_site(Path(said["folder"]))
    if site.slug != key:
        message = f"its name in kam.toml is {site.settings.site.name!r}, so name it [sites.{site.slug}]"
        raise SettingsError(message)
    return _unchecked(key, {"timezone": site.settings.site.timezone} | said)


def _unchecked(key: str, said: dict[str, Any]) -> ListedSite:
    if key != slug(key):
        message = f"a name has small letters, digits and dashes, such as {slug(key) or 'leipzig'}"
        raise SettingsError(message)
    if "timezone" in said and said["timezone"] not in zoneinfo.available_timezones():
        message = f"{said['timezone']!r} is no time zone. Write it as Europe/Berlin"
        raise SettingsError(message)
    require_approvers(said.get("approvers", ()))
    return ListedSite(key, **said)


def require_approvers(approvers: Sequence[str]) -> None:
    """Raise `SettingsError` for names that give no deployments of their own."""
    names = [slug(who) for who in approvers]
    if not all(names) or len(set(names)) < len(names):
        message = f"approvers: expected different names with letters or digits, not {', '.join(map(repr, approvers))}"
        raise SettingsError(message)
