"""A store that was there and is not: an empty one in its place would say that nothing was ever loaded."""

from __future__ import annotations

from kam.errors import KamError
from kam.site import Site
from kam.warehouse.object_storage import Objects


def require_not_lost(site: Site, name: str) -> None:
    """Raise `KamError` when the ledger lists what was loaded into a store that is missing now; `name` is what messages call it.

    Raises `WarehouseAwayError` when the ledger is in storage that cannot be reached: what it lists is not known then.
    """
    if _lists_anything(site):
        why = (
            "Is another database meant, or the archive of another site?"
            if site.ledger_place
            else "Is a folder moved or not mounted?"
        )
        message = (
            f"{name}: is missing, but {site.ledger_name} lists what was loaded into it. {why} "
            f"Bring it back, or rebuild it from the archive: {site.command('rebuild')}"
        )
        raise KamError(message)


def _lists_anything(site: Site) -> bool:
    if site.ledger.is_file() and b"\n" in site.ledger.open("rb").readline():
        return True
    return bool(site.ledger_place) and next(Objects(site.ledger_place).names(), None) is not None
