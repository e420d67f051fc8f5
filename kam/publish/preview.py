"""A version that waits for approval, as readers would see it: for whoever has to approve it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from kam.errors import KamError, UsageError, disk_fault
from kam.periods import month_name
from kam.publish.filling import fill
from kam.publish.published_file import PUBLISHED_FILE
from kam.site import Site, scratch_folder
from kam.warehouse import open_read_only

PREVIEWS = "preliminary"
"""The folder of a site for pages and files of versions that wait. Readers do not look there; it may be deleted."""


class Preview(Site):
    """A site whose readers see all versions that wait. Its name says so, and stands on each page and in each workbook."""

    def __init__(self, site: Site, published: Path) -> None:
        """Take the place of a site for what is made from its published file."""
        named = site.settings.site.model_copy(update={"name": f"{site.settings.site.name} – preliminary, not approved"})
        super().__init__(site.directory, site.settings.model_copy(update={"site": named}), site.identity)
        self._published = published

    @property
    def published(self) -> Path:
        """The folder that readers would read."""
        return self._published


@contextmanager
def previewed(site: Site, month: date) -> Iterator[Preview]:
    """The site as its readers would see it if all versions that wait were approved; it is gone afterwards.

    Raises `UsageError` when no version of the month waits, `KamError` when the site's folder cannot be written to.
    """
    with open_read_only(site) as con:
        found = con.execute("FROM ops.preliminary WHERE is_waiting AND period_month = ?", [month]).fetchone()
        if found is None:
            message = f"{month_name(month)}: no version waits for approval. What waits: {site.command('status')}"
            raise UsageError(message)
        try:
            # What a process that is killed leaves there, the next one that writes removes.
            with scratch_folder(site, "preview-") as aside:
                fill(con, aside / PUBLISHED_FILE, with_preliminary=True)
                yield Preview(site, aside)
        except (OSError, duckdb.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else disk_fault(error)
            if not reason:
                raise
            message = f"{site.directory}: cannot be written to: {reason}"
            raise KamError(message) from None
