"""A site whose working file lies in another folder."""

from __future__ import annotations

from pathlib import Path

from kam.site import Site


class Aside(Site):
    """A site whose warehouse lies in another folder."""

    def __init__(self, site: Site, folder: Path) -> None:
        """The site's archive and settings, and the folder for the warehouse."""
        super().__init__(site.directory, site.settings)
        self._folder = folder

    @property
    def ledger(self) -> Path:
        """None: its lines are those of the site."""
        return self._folder / "ledger.ndjson"

    @property
    def ledger_place(self) -> str:
        """None either."""
        return ""

    @property
    def has_lake(self) -> bool:
        """Never: what is made here is compared, and thrown away or moved."""
        return False

    @property
    def warehouse(self) -> Path:
        """The working file in that folder."""
        return self._folder / "warehouse.duckdb"
