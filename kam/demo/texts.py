"""The texts that lie beside this package: SQL, settings, instructions."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def text(name: str) -> str:
    """The text of a file, such as `sql/world.sql`."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def sql(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return text(f"sql/{name}.sql")
