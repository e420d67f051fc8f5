"""A new site: a folder with a commented `kam.toml`, its JSON schema for editors, and a landing folder."""

from __future__ import annotations

import json
from pathlib import Path

from kam.errors import KamError, UsageError
from kam.site.feeds import FEEDS
from kam.site.presets import preset_files
from kam.site.schema import SCHEMA_FILE, schema_text
from kam.site.settings import SETTINGS_FILE

_HEAD = Path(__file__).with_name("new_site.toml")


def write_site(directory: Path, preset: str | None = None) -> Path:
    """Make the folder and its `kam.toml`, with a preset that of an ERP and its queries; the file.

    Raises `UsageError` when one of the files is there already, and for a preset that does not exist.
    """
    files = {Path(SETTINGS_FILE): _empty_settings()} if preset is None else preset_files(preset)
    for name in files:
        if (directory / name).exists():
            what = "the site" if name == Path(SETTINGS_FILE) else "the file"
            message = f"{directory / name}: {what} already exists. Nothing was changed"
            raise UsageError(message)
    site_name = json.dumps(directory.resolve().name, ensure_ascii=False)[1:-1]
    settings = files[Path(SETTINGS_FILE)].replace("<name>", site_name).replace("<schema>", SCHEMA_FILE)
    try:
        (directory / "landing").mkdir(parents=True, exist_ok=True)
        (directory / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
        for name, text in files.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(settings if name == Path(SETTINGS_FILE) else text, encoding="utf-8")
    except OSError as error:
        message = f"{directory}: cannot make a site there: {error.strerror}"
        raise KamError(message) from None
    return directory / SETTINGS_FILE


def _empty_settings() -> str:
    feeds = "".join(
        f'\n# {feed.meaning}: {", ".join(feed.required)}\n# [feeds.{feed.name}]\n# files = "landing/{feed.name}*.csv"\n'
        for feed in FEEDS.values()
    )
    return _HEAD.read_text(encoding="utf-8") + feeds
