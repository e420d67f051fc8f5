"""The bytes of every loaded file under their hash, and the ledger from which everything can be rebuilt."""

from kam.archive import ledger, store
from kam.archive.store import archived, file_hash, keep, take_in

__all__ = ["archived", "file_hash", "keep", "ledger", "store", "take_in"]
