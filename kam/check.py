"""What `kam check` finds out: each source read as a load would read it, in a database in memory; loads nothing."""

from __future__ import annotations

from dataclasses import dataclass

from kam.errors import KamError
from kam.ingest import Examination, examine, ordered_feeds
from kam.settings import Site, require_feed
from kam.sources import extracts
from kam.warehouse import memory


@dataclass(frozen=True)
class SiteCheck:
    """What can be read, what is refused and why, and what is worth knowing."""

    examined: list[Examination]
    refused: list[str]
    notes: list[str]


def check_site(site: Site, feed: str | None = None) -> SiteCheck:
    """Examine all sources of a site, or those of one feed. Raises `UsageError` for a feed that is not declared."""
    if feed is not None:
        require_feed(site.settings, feed)
    result = SiteCheck([], [], [])
    if not site.settings.feeds:
        result.notes.append("No feed is declared in kam.toml; nothing would be loaded.")
    with memory() as con:
        for name in [feed] if feed else ordered_feeds(site):
            try:
                found = extracts(site, name)
            except KamError as error:
                result.refused.append(str(error))
                continue
            if not found:
                result.notes.append(f"{name}: no file matches {', '.join(site.settings.feeds[name].patterns)} yet.")
            for extract in found:
                try:
                    result.examined.append(examine(con, site, extract))
                except KamError as error:
                    result.refused.append(str(error))
    return result
