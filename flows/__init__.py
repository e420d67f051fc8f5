"""Prefect flows, one file a flow.

A run reads `kam.toml` once: the flow opens its site with `site_of_run` and hands it on, so that an edit meanwhile cannot
mix two settings.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from prefect.runtime import flow_run

from kam.site import Site, find_site

__all__ = ["handing_over", "site_of_run"]

# Prefect takes our progress lines into the run's log, but not those below the root logger's level, WARNING.
logging.getLogger("kam").setLevel(logging.INFO)
_handed_over: ContextVar[Site | None] = ContextVar("handed_over", default=None)


@contextmanager
def handing_over(site: Site) -> Iterator[None]:
    """Flows that are called here take this site as it was read, such as by the command line."""
    token = _handed_over.set(site)
    try:
        yield
    finally:
        _handed_over.reset(token)


def site_of_run(site: str) -> Site:
    """The site of the current flow run, read at the first call."""
    given = _handed_over.get()
    if given is not None and str(given.directory) == site:
        return given
    return _read(site, flow_run.id)


@lru_cache(maxsize=1)
def _read(site: str, _run: str | None) -> Site:
    return find_site(Path(site))
