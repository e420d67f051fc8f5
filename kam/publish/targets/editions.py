"""What readers see of each month, in a few words that a target keeps: so it is known which months a target lacks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Protocol

from kam.publish.published_file import VERSIONS_AND_FAILURES
from kam.site import Site
from kam.warehouse import Connection


@dataclass(frozen=True)
class Edition:
    """A month as the published file has it: its newest version, 0 for none, and a stamp.

    The stamp changes when readers of the month would see anything else: another version, a failed attempt, a withdrawal.
    """

    month: date
    version: int
    content_hash: str
    stamp: str


@dataclass(frozen=True)
class CaughtUp:
    """What a target has after a publication: the stamp of each month, which of them were written or removed, and what somebody should do."""

    stamps: Mapping[date, str]
    written: Sequence[date] = ()
    removed: Sequence[date] = ()
    notes: Sequence[str] = ()


class Target(Protocol):
    """A place that gets what is published."""

    @property
    def name(self) -> str:
        """As `kam status` shows it."""

    def catch_up(self, site: Site, editions: Sequence[Edition], held: Mapping[date, str], *, again: bool) -> CaughtUp:
        """Write the months that the target lacks and remove those that are withdrawn: all of it, or nothing.

        `held` has the stamps that are on record; a target that keeps its own goes by these. `again` asks a target of files to write the
        newest month whatever it has. Raises `KamError` when the target cannot be reached or written to.
        """

    def faults(self) -> list[str]:
        """Why it cannot be written to, as far as that can be seen without writing."""


def editions(con: Connection) -> list[Edition]:
    """The months of which readers see a version, or that were tried, in their order."""
    told = con.execute(f"SELECT * FROM {VERSIONS_AND_FAILURES.format(database='')} ORDER BY ALL").fetchall()
    standing = con.execute("SELECT period_month, close_version, content_hash FROM ops.shown_closes ORDER BY ALL")
    newest = {month: (version, content_hash) for month, version, content_hash in standing.fetchall()}
    return [
        Edition(month, *newest.get(month, (0, "")), stamp=stamp_of([[str(part) for part in row] for row in of_month]))
        for month, of_month in groupby(told, key=lambda row: row[0])
    ]


def stamp_of(content: object) -> str:
    """Sixteen hexadecimal digits that change when the content does."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
