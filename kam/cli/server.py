"""Which Prefect server the runs of a command belong to: found without importing Prefect, which takes seconds."""

from __future__ import annotations

import json
import os
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kam.errors import UsageError
from kam.site import Site

HOME = "prefect"
"""The folder of a site with the history of its runs, where no Prefect server is configured."""
_RUNNING = "server.json"
_URL = "PREFECT_API_URL"


@dataclass(frozen=True)
class Server:
    """A Prefect server, and what names it."""

    url: str
    named_by: str


def home(site: Site) -> Path:
    """The Prefect home of a site: `PREFECT_HOME`, else a folder of its own."""
    given = os.environ.get("PREFECT_HOME")
    return Path(given).expanduser() if given else site.directory / HOME


def configured_server(site: Site) -> Server | None:
    """The server of `PREFECT_API_URL`, of Prefect's active profile, or of `kam ui` in this site; None without any."""
    if url := os.environ.get(_URL):
        return Server(url, _URL)
    return _of_the_profile() or _of_the_site(site)


def keep_running(site: Site, url: str) -> Path:
    """Note that this process has a server for the site's runs; the note, to be deleted at its end."""
    note = home(site) / _RUNNING
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({"url": url, "process": os.getpid()}), encoding="utf-8")
    return note


def _of_the_profile() -> Server | None:
    file = Path(
        os.environ.get("PREFECT_PROFILES_PATH")
        or Path(os.environ.get("PREFECT_HOME") or "~/.prefect") / "profiles.toml"
    )
    try:
        document: dict[str, Any] = tomllib.loads(file.expanduser().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        message = f"{file}: Prefect's profiles cannot be read: {error}"
        raise UsageError(message) from None
    name = os.environ.get("PREFECT_PROFILE") or document.get("active", "")
    url = document.get("profiles", {}).get(name, {}).get(_URL)
    return Server(str(url), f"the profile {name} in {file}") if url else None


def _of_the_site(site: Site) -> Server | None:
    with suppress(OSError, ValueError, KeyError):
        note = json.loads((home(site) / _RUNNING).read_text(encoding="utf-8"))
        os.kill(int(note["process"]), 0)
        return Server(str(note["url"]), "this site")
    return None
