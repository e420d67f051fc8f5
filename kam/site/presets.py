"""What is known of an ERP: a `kam.toml` for it, with its queries. A preset is a folder of `kam/presets/`, and no code."""

from __future__ import annotations

import re
from pathlib import Path

from kam.errors import UsageError
from kam.site.faults import nearest
from kam.site.section import ENVIRONMENT_PREFIX
from kam.site.settings import SETTINGS_FILE

FOLDER = Path(__file__).parents[1] / "presets"


def known_presets() -> dict[str, str]:
    """The name of each preset, and in a line what it is for: the first comment of its `kam.toml`."""
    return {
        file.parent.name: next(line[2:] for line in file.read_text(encoding="utf-8").splitlines() if line[:2] == "# ")
        for file in sorted(FOLDER.glob(f"*/{SETTINGS_FILE}"))
    }


def preset_files(name: str) -> dict[Path, str]:
    """The files of a preset: their place below the site, and their text. Raises `UsageError` for a name that none has."""
    known = known_presets()
    if name not in known:
        width = max(map(len, known), default=0)
        listed = "".join(f"\n  {each:<{width}}  {what}" for each, what in known.items())
        message = f"{name!r}: nothing is known of such an ERP.{nearest(name, list(known))} Known:{listed}"
        raise UsageError(message)
    folder = FOLDER / name
    return {
        file.relative_to(folder): file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def variables_of(settings: str) -> list[str]:
    """The environment variables that the text of a `kam.toml` names, outside of comments."""
    lines = (line for line in settings.splitlines() if not line.lstrip().startswith("#"))
    found = re.findall(rf'"{ENVIRONMENT_PREFIX}(\w+)"', "\n".join(lines))
    return list(dict.fromkeys(found))
