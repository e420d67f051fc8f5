"""Proof from the archive: rebuild the warehouse, and verify that closed months can be reproduced."""

from kam.audit.proofs import Proof, verify
from kam.audit.replay import rebuild

__all__ = ["Proof", "rebuild", "verify"]
