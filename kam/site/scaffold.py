"""A new site: a folder with a commented `kam.toml`, its JSON schema for editors, and a landing folder."""

from __future__ import annotations

from pathlib import Path

from kam.errors import KamError, UsageError
from kam.site.feeds import FEEDS
from kam.site.schema import SCHEMA_FILE, schema_text
from kam.site.settings import SETTINGS_FILE

_HEAD = Path(__file__).with_name("new_site.toml")


def write_site(directory: Path) -> Path:
    """Make the folder and its `kam.toml`; the file. Raises `UsageError` when there is one already."""
    file = directory / SETTINGS_FILE
    if file.exists():
        message = f"{file}: the site already exists. Nothing was changed"
        raise UsageError(message)
    head = _HEAD.read_text(encoding="utf-8")
    feeds = "".join(
        f'\n# {feed.meaning}: {", ".join(feed.required)}\n# [feeds.{feed.name}]\n# files = "landing/{feed.name}*.csv"\n'
        for feed in FEEDS.values()
    )
    try:
        (directory / "landing").mkdir(parents=True, exist_ok=True)
        (directory / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
        head = head.replace("<name>", directory.resolve().name).replace("<schema>", SCHEMA_FILE)
        file.write_text(head + feeds, encoding="utf-8")
    except OSError as error:
        message = f"{directory}: cannot make a site there: {error.strerror}"
        raise KamError(message) from None
    return file
