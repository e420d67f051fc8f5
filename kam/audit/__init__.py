"""Proof of what was published: rebuild it from the archive, verify that closed months can be reproduced, explain a figure by its lines."""

from kam.audit.chase import Lines, Source, said
from kam.audit.explain import Check, Explanation, explain
from kam.audit.maintenance import MaintenanceReport, maintain
from kam.audit.migration import MigrationReport, migrate
from kam.audit.proofs import Proof, verify
from kam.audit.published import Figure
from kam.audit.replay import rebuild

__all__ = [
    "Check",
    "Explanation",
    "Figure",
    "Lines",
    "MaintenanceReport",
    "MigrationReport",
    "Proof",
    "Source",
    "explain",
    "maintain",
    "migrate",
    "rebuild",
    "said",
    "verify",
]
