"""Where the data files of a lake are: a folder, or a place in S3-compatible storage, whose key comes from the environment."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from kam.errors import KamError, WarehouseAwayError, storage_fault
from kam.site import Site
from kam.warehouse import extensions
from kam.warehouse.sql import Connection, literal, number_of
from kam.warehouse.storage_access import access_to, not_reached, refusal

_RIGHTS = "list, read, write and delete"
# Not of Parquet, so DuckLake takes it neither for a data file nor for one that is left over.
_CLAIM = "kam.csv"


def data_path(site: Site, number: int) -> str:
    """The place of one lake, with a slash at the end: `/books/lake/1/` or `s3://books/kam/1/`. A folder is made where it is missing."""
    if site.settings.warehouse.is_on_s3:
        return f"{_root(site)}{number}/"
    folder = (site.directory / site.settings.warehouse.data).resolve() / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    return f"{folder}/"


def open_storage(con: Connection, site: Site) -> None:
    """Let a connection read and write the data files. Raises `WarehouseAwayError` when the environment has no key for S3."""
    if not site.settings.warehouse.is_on_s3:
        return
    access = access_to(site.settings.warehouse.data)
    extensions.load(con, "httpfs", "lake")
    given = {
        "KEY_ID": access.key_id,
        "SECRET": access.secret,
        "SESSION_TOKEN": access.token,
        "REGION": access.region,
    }
    options = [f"{name} {literal(value)}" for name, value in given.items() if value]
    if access.endpoint:
        place = urlsplit(access.endpoint)
        options += [
            f"ENDPOINT {literal(place.netloc + place.path)}",
            "URL_STYLE 'path'",
            f"USE_SSL {place.scheme == 'https'}",
        ]
    if access.certificates:
        con.execute(f"SET ca_cert_file = {literal(access.certificates)}")
    # For this place only: a secret that the user keeps for DuckDB is not asked.
    con.execute(
        f"CREATE OR REPLACE TEMPORARY SECRET kam_lake (TYPE s3, SCOPE {literal(_root(site))}, {', '.join(options)})"
    )


def require_storage(con: Connection, site: Site) -> None:
    """Look into the storage, whatever is in it: what is wrong with it, or with the key, is known now."""
    open_storage(con, site)
    if site.settings.warehouse.is_on_s3:
        con.execute(f"FROM glob({literal(f'{_root(site)}{_CLAIM}*')})").fetchall()


def is_taken(con: Connection, site: Site, number: int) -> bool:
    """Whether files are in the place of this lake: of another site, or of a lake that was given up."""
    path = data_path(site, number)
    if site.settings.warehouse.is_on_s3:
        return bool(number_of(con, f"SELECT count(*) FROM glob({literal(f'{path}**')})"))
    return any(os.scandir(path))


def claim(con: Connection, site: Site, number: int) -> None:
    """Put a first file into the place of a lake in S3, so that another site does not take it, and the right to write is known."""
    if site.settings.warehouse.is_on_s3:
        said = literal(f"a lake of kam-close, of the site {site.slug}")
        con.execute(f"COPY (SELECT {said} AS what) TO {literal(data_path(site, number) + _CLAIM)}")


def require_there(con: Connection, site: Site, number: int) -> None:
    """Ask the storage for the file of `claim`: what was not noticed before would end a run half-way."""
    if site.settings.warehouse.is_on_s3:
        con.execute(f"FROM read_text({literal(data_path(site, number) + _CLAIM)})").fetchall()


def explained(site: Site, error: Exception) -> KamError | None:
    """What a person reads of a request to the storage that failed; None for any other error. Without what the key is."""
    fault = storage_fault(error)
    if not fault:
        return None
    place = site.settings.warehouse.data
    found = re.search(r"HTTP (?:code )?(\d{3})(.*)", fault)
    if found is None:
        return not_reached(place, fault.partition(" error for HTTP")[0].rpartition(": ")[2])
    status = found[1]
    named = re.search(r"\b[A-Z]\w+: [^.]+?(?=\.| Bad Request| Authentication Failure|$)", found[2])
    reason = named[0] if named else f"HTTP {status}"
    if status == "404" and "NoSuchBucket" not in reason:
        return _missing(site, fault)
    return refusal(place, status, reason, _RIGHTS)


def _missing(site: Site, fault: str) -> KamError:
    rebuild = site.command("rebuild", "--force")
    if lost := re.search(r"[^'\s]+\.parquet", fault):
        message = (
            f"{lost[0]}: is missing. Restore it from a backup, or rebuild the warehouse from the archive: {rebuild}"
        )
        return KamError(message)
    message = (
        f"{site.settings.warehouse.data}: there is no such bucket, or it does not have the files of this lake. Bring it back, then run "
        f"the command again. If it is lost, make an empty one and rebuild the warehouse from the archive: {rebuild}"
    )
    return WarehouseAwayError(message)


def _root(site: Site) -> str:
    """The place in S3 that has the lakes of a site, with a slash at the end."""
    return f"{site.settings.warehouse.data.rstrip('/')}/"
