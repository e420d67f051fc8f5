"""A site: a folder with `kam.toml` and its data."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kam.errors import SettingsError, UsageError
from kam.site.faults import nearest
from kam.site.settings import SETTINGS_FILE, Settings, read_toml, validate_settings
from kam.words import slug

SITE_VARIABLE = "KAM_SITE"


class Site:
    """A folder with `kam.toml` and its data."""

    def __init__(self, directory: Path, settings: Settings, identity: str = "") -> None:
        """Remember the folder, made absolute, its settings, and in whose name a deployment of a Prefect server acts on it."""
        self.directory = directory.resolve()
        self.settings = settings
        self.identity = identity

    @property
    def slug(self) -> str:
        """The name of the site, or else of its folder, for keys of artifacts, events and deployments: `rubber-glass-components`."""
        return slug(self.settings.site.name) or slug(self.directory.name) or "site"

    @property
    def archive(self) -> Path:
        """Where the bytes of every loaded file are kept under their SHA-256; this machine's copy where storage has the archive."""
        return self.directory / "archive"

    @property
    def ledger(self) -> Path:
        """The file of the archive with one JSON line per load and each decision about a month; a copy where storage has it."""
        return self.archive / "ledger.ndjson"

    @property
    def archive_place(self) -> str:
        """The place in S3-compatible storage that has the archive, such as `s3://books/archive`; empty where the folder is all."""
        return (self.settings.warehouse.archive or "").rstrip("/")

    @property
    def ledger_place(self) -> str:
        """The place in the storage that has one object per line of the ledger; empty where the file is all."""
        return self.archive_place and f"{self.archive_place}/ledger"

    @property
    def archive_name(self) -> str:
        """What messages call the archive."""
        return self.archive_place or str(self.archive)

    @property
    def ledger_name(self) -> str:
        """What messages call the ledger."""
        return self.ledger_place or str(self.ledger)

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file; only kam-close opens it."""
        return self.directory / "warehouse.duckdb"

    @property
    def has_lake(self) -> bool:
        """Whether loads and versions are stored in a DuckLake instead of the working file."""
        return self.settings.warehouse.kind == "ducklake"

    @property
    def published(self) -> Path:
        """The folder that BI tools read."""
        return self.directory / "published"

    def command(self, *arguments: str) -> str:
        """A command of `kam` for this site, ready to paste."""
        return f"kam --site {shlex.quote(str(self.directory))} {' '.join(arguments)}"

    @property
    def checks(self) -> Path:
        """The folder of the site's own rules."""
        return self.directory / "checks"

    @property
    def scratch(self) -> Path:
        """Temporary files of running commands; may be deleted when none runs."""
        return self.directory / ".scratch"


def find_site(directory: Path | None) -> Site:
    """Open the site in `directory`, else the one `KAM_SITE` names, else the current folder.

    Raises `UsageError` when there is no such folder or no `kam.toml` in it, `SettingsError` when the file is wrong.
    """
    folder = directory or Path(os.environ.get(SITE_VARIABLE) or ".")
    if not folder.is_dir():
        message = f"{folder}: no such folder. Make a site there with: kam init {folder}"
        raise UsageError(message)
    if not (folder / SETTINGS_FILE).is_file():
        message = (
            f"{folder}: no {SETTINGS_FILE} in this folder. Name the site with --site DIR or {SITE_VARIABLE}, "
            f"or make one: kam init {folder}"
        )
        raise UsageError(message)
    return Site(folder, load_settings(folder))


def load_settings(directory: Path) -> Settings:
    """Read and validate `kam.toml` and `corrections.toml` of a site folder."""
    from kam.site.corrections_file import CORRECTIONS_FILE, read_corrections

    file = directory / SETTINGS_FILE
    document = read_toml(file)
    if "corrections" in document:
        message = f"{file}: corrections: expected in their own file, {CORRECTIONS_FILE}, beside this one"
        raise SettingsError(message)
    _read_query_files(document, file)
    settings = validate_settings(document, file)
    return settings.model_copy(update={"corrections": read_corrections(directory / CORRECTIONS_FILE, settings)})


def _read_query_files(document: Mapping[str, Any], file: Path) -> None:
    """Put the text of each feed's `query_file` where its `query` would stand, so that a change of it is one of the query."""
    feeds = document.get("feeds")
    for feed, source in feeds.items() if isinstance(feeds, dict) else ():
        name = source.get("query_file") if isinstance(source, dict) else None
        if not isinstance(name, str) or not name:  # for the validation to tell
            continue
        try:
            source["query"] = _query(file.parent, name, is_alone="query" not in source)
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else error
            message = f"{file}: feeds.{feed}.query_file: {name}: {reason}"
            raise SettingsError(message) from None


def _query(folder: Path, name: str, *, is_alone: bool) -> str:
    """The SELECT in a file of a site. Raises `ValueError` with the reason why there is none, or `OSError`."""
    if not is_alone:
        message = "expected one of `query` and `query_file`, not both"
        raise ValueError(message)
    if Path(name).is_absolute() or ".." in Path(name).parts:
        message = "expected a file below the site"
        raise ValueError(message)
    if not (folder / name).exists():
        message = f"no such file in {folder}"
        raise ValueError(message)
    try:
        text = (folder / name).read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        message = f"not UTF-8 text (byte {error.start}). Save it as UTF-8"
        raise ValueError(message) from None
    if not text:
        message = "the file is empty; expected a SELECT"
        raise ValueError(message)
    return text.removesuffix(";")


def require_feed(settings: Settings, feed: str) -> None:
    """Raise `UsageError` when the site does not declare this feed."""
    if feed not in settings.feeds:
        declared = ", ".join(settings.feeds) or "none"
        message = f"{feed}: no such feed in this site.{nearest(feed, list(settings.feeds))} Declared: {declared}"
        raise UsageError(message)
