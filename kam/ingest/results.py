"""What came of a load, and what one would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class LoadStatus(StrEnum):
    """How a load ended."""

    LOADED = "loaded"
    ALREADY_LOADED = "already loaded"
    LEFT = "left"
    """Left for the next run, because the file is still being written or a newer extract makes it unnecessary."""
    FAILED = "failed"
    """The source was refused, or its database did not answer."""


@dataclass(frozen=True)
class LoadResult:
    """What a load did; `message` says why a source was refused or left."""

    feed: str
    source: str
    status: LoadStatus
    load_id: int | None = None
    read_count: int = 0
    loaded_count: int = 0
    unchanged_count: int = 0
    rejected_count: int = 0
    superseded_count: int = 0
    message: str = ""


@dataclass(frozen=True)
class FaultKind:
    """Rejected rows with the same fault: `first` has record number, column of a wide file and value of a few, in their order."""

    column: str
    rule: str
    message: str
    count: int
    first: Sequence[tuple[int, str | None, str | None]]


@dataclass(frozen=True)
class Examination:
    """What a load of an extract would do, without doing it: rows read and rejected, and the first rows as mapped.

    `faults` counts rejected rows by rule; a row that breaks two rules is in both counts, and once in `rejected_count`.
    `remark` is about columns whose names are almost right.
    """

    feed: str
    source: str
    read_count: int
    rejected_count: int
    faults: Mapping[str, int]
    sample: Sequence[Mapping[str, Any]]
    left_out: str
    """Which rows are left out, in words; empty for none."""
    identifiers: Mapping[str, frozenset[str]]
    """Identifiers of accounts and products in its rows, by column."""
    kinds: Sequence[FaultKind] = ()
    remark: str = ""
    rounded: str = ""
    """Which numbers rounding changes by more than a little, in words; empty for none."""
