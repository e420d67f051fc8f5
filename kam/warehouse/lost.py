"""A store that was there and is not: an empty one in its place would say that nothing was ever loaded."""

from __future__ import annotations

from kam.errors import KamError
from kam.site import Site


def require_not_lost(site: Site, name: str) -> None:
    """Raise `KamError` when the ledger lists what was loaded into a store that is missing now; `name` is what messages call it."""
    if site.ledger.is_file() and b"\n" in site.ledger.open("rb").readline():
        message = (
            f"{name}: is missing, but {site.ledger} lists what was loaded into it. Is a folder moved or not mounted? "
            f"Bring it back, or rebuild it from the archive: {site.command('rebuild')}"
        )
        raise KamError(message)
