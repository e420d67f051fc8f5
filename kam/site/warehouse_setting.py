"""Writes `[warehouse]` into `kam.toml`, and leaves all other lines as they are."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kam.errors import KamError
from kam.site.settings import SETTINGS_FILE

_SECTION = re.compile(r"^[ \t]*\[warehouse\][^\n]*(\n|\Z)(?:(?![ \t]*\[)[^\n]*(\n|\Z))*", re.MULTILINE)


def write_warehouse(folder: Path, values: Mapping[str, str]) -> None:
    """Put these values into `[warehouse]` of a site's settings, in one rename; without any the section is removed.

    Raises `KamError` with the lines to write by hand where the section is not written as one.
    """
    file = folder / SETTINGS_FILE
    lines = "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
    section = f"[warehouse]\n{lines}" if values else ""
    before = file.read_text(encoding="utf-8")
    rest = _SECTION.sub("", before).rstrip("\n") + "\n"
    after = f"{rest}\n{section}" if section else rest
    wanted = {name: value for name, value in tomllib.loads(before).items() if name != "warehouse"}
    if values:
        wanted["warehouse"] = dict(values)
    if _parsed(after) != wanted:
        what = f"Write this into it: {section.strip()}" if section else "Remove [warehouse] from it"
        message = f"{file}: [warehouse] cannot be changed here, because it is not written as a section. All else is done. {what}"
        raise KamError(message)
    new = file.with_name(f".{SETTINGS_FILE}.{secrets.token_hex(4)}")
    try:
        new.write_text(after, encoding="utf-8")
        shutil.copymode(file, new)
        new.replace(file)
    except OSError as error:
        message = f"{file}: cannot be written to: {error.strerror}. Nothing else is left to do but to change [warehouse] there: {section.strip() or 'remove it'}"
        raise KamError(message) from None
    finally:
        new.unlink(missing_ok=True)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
