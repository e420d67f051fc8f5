"""What alerts are made from: a run, its failures, and the state of each month."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from kam.alerts.queue import State
from kam.close import CloseReport, Terms
from kam.errors import KamError
from kam.ingest import LoadResult
from kam.periods import month_name

GOOD = State("good")


@dataclass(frozen=True)
class Run:
    """A run to tell of: what it was for, and how far it came. `stopped` says why it did not end; empty when it did."""

    kind: Literal["close", "backfill", "ingest", "publish"]
    months: Sequence[date] = ()
    report: CloseReport = field(default_factory=CloseReport)
    terms: Terms = field(default_factory=Terms)
    stopped: str = ""

    @property
    def name(self) -> str:
        """As it is typed: `close 2026-10`, `backfill 2024-01 2026-10`."""
        ends = dict.fromkeys((self.months[0], self.months[-1])) if self.months else ()
        # A backfill of one month is given that month twice.
        shown = [self.months[0], self.months[-1]] if self.kind == "backfill" else ends
        return " ".join([self.kind, *(month_name(month) for month in shown)])

    @property
    def subject(self) -> str:
        """Whose state it is when the run stops: the month that was to be closed, else the kind of run."""
        return month_name(self.months[0]) if self.kind == "close" else self.kind

    @property
    def refused(self) -> list[LoadResult]:
        """The sources that were refused."""
        return [load for load in self.report.loads if load.status == "failed"]


@dataclass(frozen=True)
class Failure:
    """A rule that a month breaks, or a control total that does not tie: its name and count, and a line for a message."""

    name: str
    severity: str
    count: object
    reason: str
    line: str
    if_it_fails: str = ""


@dataclass(frozen=True)
class MonthNow:
    """What a run says of a month. `what` goes on from its name: `was not closed`."""

    month: date
    what: str
    state: State
    severity: str
    lines: Sequence[str]

    @property
    def name(self) -> str:
        """The month as `2026-10`."""
        return month_name(self.month)


def reason(error: BaseException) -> str:
    """Why a run stopped, in words that may be shown to anybody: an unknown error may quote a secret."""
    return str(error) if isinstance(error, KamError) else f"unexpected {type(error).__name__}"


def failing_state(found: Sequence[tuple[str, object]], reasons: Sequence[str]) -> State:
    """The state of something that failed, told apart by what was found."""
    return State("failed", fingerprint(found), reasons)


def fingerprint(found: Sequence[tuple[str, object]]) -> str:
    """Sixteen hexadecimal digits that change when what was found changes."""
    return hashlib.sha256(json.dumps(sorted(found, key=str)).encode()).hexdigest()[:16]
