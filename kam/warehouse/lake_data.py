"""Where the data files of a lake are: a folder, or a place in S3-compatible storage, whose key comes from the environment."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from kam.errors import KamError, WarehouseAwayError, storage_fault
from kam.site import Site
from kam.warehouse import extensions
from kam.warehouse.sql import Connection, literal, number_of

_KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# As the programs of AWS read them; the first that is set counts.
_VARIABLES = {
    "KEY_ID": _KEY_VARIABLES[:1],
    "SECRET": _KEY_VARIABLES[1:],
    "SESSION_TOKEN": ("AWS_SESSION_TOKEN",),
    "REGION": ("AWS_REGION", "AWS_DEFAULT_REGION"),
}
# What storage that has no regions expects, too.
_USUAL_REGION = "us-east-1"
_ENDPOINT = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_CERTIFICATES = ("AWS_CA_BUNDLE",)
# A wrong key, or no right.
_REFUSED = ("400", "401", "403")
# The bucket is in another region.
_ELSEWHERE = ("301", "307")
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
    given = {name: _first(variables) for name, variables in _VARIABLES.items()}
    given["REGION"] = given["REGION"] or _USUAL_REGION
    if not given["KEY_ID"] or not given["SECRET"]:
        message = (
            f"{site.settings.warehouse.data}: cannot be reached: the environment variables {' and '.join(_KEY_VARIABLES)} are not set. "
            "They hold the key for the storage"
        )
        raise WarehouseAwayError(message)
    extensions.load(con, "httpfs", "lake")
    options = [f"{name} {literal(value)}" for name, value in given.items() if value]
    if endpoint := _first(_ENDPOINT):
        place = urlsplit(endpoint if "//" in endpoint else f"https://{endpoint}")
        address = f"{place.netloc.rpartition('@')[2]}{place.path.rstrip('/')}"
        options += [f"ENDPOINT {literal(address)}", "URL_STYLE 'path'", f"USE_SSL {place.scheme == 'https'}"]
    if certificates := _first(_CERTIFICATES):
        con.execute(f"SET ca_cert_file = {literal(certificates)}")
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
    place, kept = site.settings.warehouse.data, "What was committed stays"
    found = re.search(r"HTTP (?:code )?(\d{3})(.*)", fault)
    if found is None:
        reason = fault.partition(" error for HTTP")[0].rpartition(": ")[2]
        message = f"{place}: cannot be reached: {reason}. {kept}. Run the command again when it answers"
        return WarehouseAwayError(message)
    status, rebuild = found[1], site.command("rebuild", "--force")
    named = re.search(r"\b[A-Z]\w+: [^.]+?(?=\.| Bad Request| Authentication Failure|$)", found[2])
    reason = named[0] if named else f"HTTP {status}"
    if "NoSuchBucket" in reason:
        message = f"{place}: there is no such bucket. {kept}. Make it or bring it back, then run the command again"
        return WarehouseAwayError(message)
    if status == "404" and (lost := re.search(r"[^'\s]+\.parquet", fault)):
        message = (
            f"{lost[0]}: is missing. Restore it from a backup, or rebuild the warehouse from the archive: {rebuild}"
        )
        return KamError(message)
    if status == "404":
        why = "there is no such bucket, or it does not have the files of this lake. Bring it back, then run the command again"
        message = (
            f"{place}: {why}. If it is lost, make an empty one and rebuild the warehouse from the archive: {rebuild}"
        )
    elif status in _ELSEWHERE or "region" in reason:
        message = f"{place}: refused: {reason}. AWS_REGION has to be the region of the bucket. {kept}. Run the command again then"
    elif status in _REFUSED:
        rights = f"The key in {_KEY_VARIABLES[0]} has to be one of this storage, with the rights to list, read, write and delete there"
        message = f"{place}: refused: {reason}. {rights}. {kept}. Run the command again when it has them"
    else:
        message = f"{place}: cannot be reached: {reason}. {kept}. Run the command again when it answers"
    return WarehouseAwayError(message)


def _root(site: Site) -> str:
    """The place in S3 that has the lakes of a site, with a slash at the end."""
    return f"{site.settings.warehouse.data.rstrip('/')}/"


def _first(variables: tuple[str, ...]) -> str:
    return next((value for name in variables if (value := os.environ.get(name))), "")
