"""What a run was asked to do and what happened: terms, outcomes of months, the report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from expectations import CheckResult, merged
from kam.close.controls import ControlTotal
from kam.close.diff import FigureChange
from kam.close.plan import MonthPlan
from kam.close.readiness import Requirement
from kam.errors import (
    KamError,
    MonthChangedError,
    MonthLockedError,
    SourceRefusedError,
    UsageError,
    ValidationFailedError,
)
from kam.ingest import LoadResult, LoadStatus
from kam.periods import add_months, month_name
from kam.warehouse import KnownCorrection

_SHOWN_REFUSALS = 10


class Outcome(StrEnum):
    """How a month ended in a run."""

    CLOSED = "closed"
    """It has a new version."""
    UNCHANGED = "unchanged"
    """Nothing changed since its last version."""
    CHANGED = "changed"
    """It is closed and would change: it needs a restatement."""
    LOCKED = "locked"
    """It would change and is locked: it keeps its version."""
    APPROVED = "approved"
    """A version that waited for approval is published."""
    FAILED = "failed"
    LEFT = "left"
    """Not tried, because another month failed."""


@dataclass(frozen=True)
class MonthOutcome:
    """How a month ended: `message` says why it failed or what would change, `next_steps` which commands help.

    `changes` are the headline figures that a restatement would change. A version that `is_preliminary` waits for approval, and readers see
    the version `seen` meanwhile, 0 for none.
    """

    month: date
    outcome: Outcome
    version: int
    message: str = ""
    next_steps: tuple[str, ...] = ()
    changes: tuple[FigureChange, ...] = ()
    is_preliminary: bool = False
    seen: int = 0

    def in_words(self) -> str:
        """The message and, below it, what to do next."""
        return "\n".join([self.message, *self.next_steps])


@dataclass(frozen=True)
class Terms:
    """How months are closed: the parameters of the flows.

    With `as_of_load` or `as_known_on` nothing is loaded, and the months are computed from what was known then.
    `even_though` says why months are closed that are not ready.
    """

    restate: bool = False
    reason: str = ""
    accept_shrink: bool = False
    as_of_load: int | None = None
    as_known_on: date | None = None
    accept_changes: bool = False
    stop_on_failure: bool = False
    even_though: str = ""

    @property
    def is_as_now(self) -> bool:
        """Whether everything known counts."""
        return self.as_of_load is None and self.as_known_on is None


@dataclass(frozen=True)
class CloseReport:
    """The outcome of one run over one or many months."""

    planned: tuple[MonthPlan, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    months: tuple[MonthOutcome, ...] = ()
    loads: tuple[LoadResult, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    controls: tuple[ControlTotal, ...] = ()
    corrections: tuple[KnownCorrection, ...] = ()
    headlines: tuple[Headline, ...] = ()
    empty_because: dict[str, str] = field(default_factory=dict)
    published: bool = False

    def with_months(
        self,
        months: Sequence[MonthOutcome],
        checks: Sequence[CheckResult] = (),
        controls: Sequence[ControlTotal] = (),
        empty_because: Mapping[str, str] | None = None,
    ) -> CloseReport:
        """The report with the outcome of some more months."""
        return replace(
            self,
            months=tuple(sorted((*self.months, *months), key=lambda outcome: outcome.month)),
            checks=tuple(merged([*self.checks, *checks])),
            controls=(*self.controls, *controls),
            empty_because=self.empty_because | dict(empty_because or {}),
        )


@dataclass
class Run:
    """A run in progress: what it was asked for, and how far it got.

    `report` grows with each step. `stopped` says why the run did not reach its end; empty when it did.
    """

    kind: Literal["close", "backfill", "ingest", "publish", "approve"]
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
        """What has failed when the run stops: the month to be closed, else the kind of run."""
        return month_name(self.months[0]) if self.kind == "close" else self.kind

    @property
    def refused(self) -> list[LoadResult]:
        """The sources that were refused."""
        return [load for load in self.report.loads if load.status is LoadStatus.FAILED]

    @property
    def ended(self) -> tuple[str, str]:
        """How a run that reached its end did, in a word or two, and why it failed: its months, else its loads, else `done`."""
        words = {Outcome.FAILED: "failed", Outcome.CHANGED: "needs a restatement", Outcome.LOCKED: "locked"}
        for outcome, word in words.items():
            found = next((month for month in self.report.months if month.outcome is outcome), None)
            if found:
                return word, found.message
        if self.refused:
            return "failed", self.refused[0].message
        are_unchanged = [month.outcome is Outcome.UNCHANGED for month in self.report.months]
        return ("unchanged" if are_unchanged and all(are_unchanged) else "done"), ""

    def add(self, **parts: Any) -> None:  # noqa: ANN401 - the fields of the report
        """Add a step's result to the report."""
        self.report = replace(self.report, **parts)


@dataclass(frozen=True)
class BuildSummary:
    """Rows built by result table, and why a table is empty where a feed is not declared."""

    row_counts: dict[str, int]
    empty_because: dict[str, str]


@dataclass(frozen=True)
class Headline:
    """One figure that a close prints."""

    month: date
    figure: str
    plan_version: str
    value: object
    unit: str


def require_loaded(loads: Sequence[LoadResult]) -> None:
    """Raise `SourceRefusedError` when a source was refused: a month without it would be wrong, and nobody would notice."""
    refused = [load for load in loads if load.status is LoadStatus.FAILED]
    if refused:
        more = [f"… and {len(refused) - _SHOWN_REFUSALS} more"] if len(refused) > _SHOWN_REFUSALS else []
        raise SourceRefusedError("\n".join([*(load.message for load in refused[:_SHOWN_REFUSALS]), *more]))


def figure_name(line: Headline | FigureChange) -> str:
    """The name of a headline figure, with the plan version that it is for."""
    return f"{line.figure} ({line.plan_version})" if line.plan_version else line.figure


def shown(value: object, unit: str) -> str:
    """A figure with its unit; a dash where it is undefined."""
    if not isinstance(value, Decimal):
        return "–"
    if unit == "ratio":
        return f"{value * 100:,.1f} %"
    if unit in ("days", "points"):
        return f"{value:,.1f} {unit}"
    if unit == "ppm":
        return f"{value:,.0f} ppm"
    return f"{value:,.2f} {unit}"


def require_reason(*, restate: bool, reason: str) -> None:
    """Raise `UsageError` for a restatement that does not say why."""
    if restate and not reason.strip():
        message = 'a restatement needs a reason for the record: in a shell --reason "…", in a form the field reason'
        raise UsageError(message)


def require_closed(outcomes: Sequence[MonthOutcome]) -> None:
    """Raise an error when a month failed, needs a restatement or is locked: that of the gravest, with the words of all.

    Months with one cause share a paragraph.
    """
    paragraphs: list[str] = []
    gravest: type[KamError] | None = None
    for outcome, error in (
        (Outcome.FAILED, ValidationFailedError),
        (Outcome.CHANGED, MonthChangedError),
        (Outcome.LOCKED, MonthLockedError),
    ):
        by_cause: dict[str, list[MonthOutcome]] = {}
        for month in (month for month in outcomes if month.outcome is outcome):
            by_cause.setdefault(_cause(month), []).append(month)
        if by_cause:
            gravest = gravest or error
            paragraphs += map(_paragraph, by_cause.values())
    if gravest:
        raise gravest("\n".join(paragraphs))


def _cause(outcome: MonthOutcome) -> str:
    """The message without the names of the month and of the one before it."""
    own, before = month_name(outcome.month), month_name(add_months(outcome.month, -1))
    return re.sub(rf"\b{own}(-\d\d)?\b", "MONTH", outcome.message).replace(before, "MONTH BEFORE")


def _paragraph(months: Sequence[MonthOutcome]) -> str:
    """The words of the first month; the names of the others, and what to do for all of them."""
    first, *others = months
    if not others:
        return first.in_words()
    named = [month_name(month.month) for month in others]
    is_row = add_months(others[0].month, len(others) - 1) == others[-1].month
    which = f"{named[0]} to {named[-1]}" if is_row and len(named) > 1 else ", ".join(named)
    close, backfill = f" close {month_name(first.month)}", f" backfill {month_name(first.month)} {named[-1]}"
    steps = [step.replace(close, backfill) for step in first.next_steps]
    return "\n".join([first.message, f"The same for {which}.", *steps])
