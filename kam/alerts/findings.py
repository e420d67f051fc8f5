"""What alerts are made from: a run, its failures, and the state of each month."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from kam.alerts.queue import Standing, SubjectState
from kam.errors import KamError
from kam.periods import month_name

GOOD = SubjectState(Standing.GOOD)


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
    """What a run reports about a month. `what` follows the month's name: `was not closed`."""

    month: date
    what: str
    state: SubjectState
    severity: str
    lines: Sequence[str]

    @property
    def name(self) -> str:
        """The month as `2026-10`."""
        return month_name(self.month)


def reason(error: BaseException) -> str:
    """Why a run stopped, in words that are safe to show. The text of an unknown error may hold a secret."""
    return str(error) if isinstance(error, KamError) else f"unexpected {type(error).__name__}"


def failing_state(found: Sequence[tuple[str, object]], reasons: Sequence[str]) -> SubjectState:
    """The state of something that failed. It changes when something else is found."""
    return SubjectState(Standing.FAILED, fingerprint(found), reasons)


def fingerprint(found: Sequence[tuple[str, object]]) -> str:
    """Sixteen hexadecimal digits that change when what was found changes."""
    return hashlib.sha256(json.dumps(sorted(found, key=str)).encode()).hexdigest()[:16]
