"""The bytes of every loaded file under their hash, and the ledger from which everything can be rebuilt."""

from kam.archive import ledger, store
from kam.archive.folder import archived, file_hash
from kam.archive.move import MovedArchive, is_ahead_of_storage, move_archive
from kam.archive.store import fetched, keep, put_away, size, take_in

__all__ = [
    "MovedArchive",
    "archived",
    "fetched",
    "file_hash",
    "is_ahead_of_storage",
    "keep",
    "ledger",
    "move_archive",
    "put_away",
    "size",
    "store",
    "take_in",
]
