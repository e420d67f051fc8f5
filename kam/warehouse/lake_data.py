"""Where the data files of a lake are: a folder, or a place in S3-compatible storage."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from kam.errors import SettingsError
from kam.site import Site
from kam.warehouse import extensions
from kam.warehouse.sql import Connection, literal

# Read from the environment, as the programs of AWS do. The first that is set counts.
_VARIABLES = {
    "KEY_ID": ("AWS_ACCESS_KEY_ID",),
    "SECRET": ("AWS_SECRET_ACCESS_KEY",),
    "SESSION_TOKEN": ("AWS_SESSION_TOKEN",),
    "REGION": ("AWS_REGION", "AWS_DEFAULT_REGION"),
}
_ENDPOINT = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def data_path(site: Site, number: int) -> str:
    """The folder of one lake, with a slash at the end: `/books/lake/1/` or `s3://books/kam/1/`. A folder is made where it is missing."""
    given = site.settings.warehouse.data
    if site.settings.warehouse.is_on_s3:
        return f"{given.rstrip('/')}/{number}/"
    folder = (site.directory / given).resolve() / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    return f"{folder}/"


def open_storage(con: Connection, site: Site) -> None:
    """Let a connection read and write the data files. Raises `SettingsError` when the environment has no key for S3."""
    if not site.settings.warehouse.is_on_s3:
        return
    extensions.load(con, "httpfs", "lake")
    given = {name: _first(variables) for name, variables in _VARIABLES.items()}
    if not given["KEY_ID"] or not given["SECRET"]:
        message = "[warehouse] data: the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set. They hold the key for the storage"
        raise SettingsError(message)
    options = [f"{name} {literal(value)}" for name, value in given.items() if value]
    if endpoint := _first(_ENDPOINT):
        place = urlsplit(endpoint)
        options += [f"ENDPOINT {literal(place.netloc)}", "URL_STYLE 'path'", f"USE_SSL {place.scheme == 'https'}"]
    con.execute(f"CREATE OR REPLACE TEMPORARY SECRET kam_lake (TYPE s3, {', '.join(options)})")


def _first(variables: tuple[str, ...]) -> str:
    return next((value for name in variables if (value := os.environ.get(name))), "")
