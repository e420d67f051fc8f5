"""Proof of what was published: rebuild it from the archive, verify that closed months can be reproduced, explain a figure by its lines."""

from kam.audit.chase import Lines, Source, said
from kam.audit.explain import Check, Explanation, explain
from kam.audit.maintenance import MaintenanceReport, maintain
from kam.audit.migration import IN_FOLDER, MigrationReport, migrate, migrate_archive
from kam.audit.proofs import Proof, verify
from kam.audit.published import Figure
from kam.audit.replay import rebuild

__all__ = [
    "IN_FOLDER",
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
    "migrate_archive",
    "rebuild",
    "said",
    "verify",
]
