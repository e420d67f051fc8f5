"""A site: a folder with `kam.toml` and its data."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

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
        """Where the bytes of every loaded file are kept under their SHA-256."""
        return self.directory / "archive"

    @property
    def ledger(self) -> Path:
        """The file of the archive with one JSON line per load and each decision about a month."""
        return self.archive / "ledger.ndjson"

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file; only kam-close opens it."""
        return self.directory / "warehouse.duckdb"

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
    settings = validate_settings(document, file)
    return settings.model_copy(update={"corrections": read_corrections(directory / CORRECTIONS_FILE, settings)})


def require_feed(settings: Settings, feed: str) -> None:
    """Raise `UsageError` when the site does not declare this feed."""
    if feed not in settings.feeds:
        declared = ", ".join(settings.feeds) or "none"
        message = f"{feed}: no such feed in this site.{nearest(feed, list(settings.feeds))} Declared: {declared}"
        raise UsageError(message)
