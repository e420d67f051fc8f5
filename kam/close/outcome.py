"""What a run was asked to do and what came of it: terms, outcomes of months, the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from expectations import CheckResult, merged
from kam.close.controls import ControlTotal
from kam.close.diff import FigureChange
from kam.close.plan import MonthPlan
from kam.errors import MonthChangedError, SourceRefusedError, UsageError, ValidationFailedError
from kam.ingest import LoadResult
from kam.warehouse import KnownCorrection


@dataclass(frozen=True)
class Terms:
    """On what terms months are closed: the parameters of the flows.

    With `as_of_load` or `as_known_on` nothing is loaded, and the months are computed from what was known then. `skip`
    leaves months out that are up to date; `dry_run` only says what would be done.
    """

    restate: bool = False
    reason: str = ""
    accept_shrink: bool = False
    as_of_load: int | None = None
    as_known_on: date | None = None
    skip: bool = False
    stop_on_failure: bool = False
    dry_run: bool = False

    @property
    def is_as_now(self) -> bool:
        """Whether all that can be known counts."""
        return self.as_of_load is None and self.as_known_on is None


@dataclass(frozen=True)
class CloseReport:
    """The outcome of one run over one or many months."""

    planned: tuple[MonthPlan, ...] = ()
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


@dataclass(frozen=True)
class MonthOutcome:
    """How a month came out.

    `closed` with a new version, `unchanged`, `changed` (needs a restatement), `failed`, or `left` because one failed.
    """

    month: date
    outcome: str
    version: int
    message: str = ""


@dataclass(frozen=True)
class BuildSummary:
    """Rows built by result table, and why a table is empty where a feed is not declared."""

    row_counts: dict[str, int]
    empty_because: dict[str, str]


@dataclass(frozen=True)
class Headline:
    """One figure that a close is announced with."""

    month: date
    figure: str
    plan_version: str
    value: object
    unit: str


def require_loaded(loads: Sequence[LoadResult]) -> None:
    """Raise `SourceRefusedError` when a source was refused: a month without it would be wrong without saying so."""
    refused = [load for load in loads if load.status == "failed"]
    if refused:
        more = f" ({len(refused) - 1} more: kam status)" if len(refused) > 1 else ""
        message = f"{refused[0].message}{more}"
        raise SourceRefusedError(message)


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
        message = '--restate needs a reason for the record: --reason "…"'
        raise UsageError(message)


def require_closed(outcomes: Sequence[MonthOutcome]) -> None:
    """Raise the error of the first month that failed, else of the first that needs a restatement."""
    for outcome, error in (("failed", ValidationFailedError), ("changed", MonthChangedError)):
        messages = [month.message for month in outcomes if month.outcome == outcome]
        if messages:
            raise error("\n".join(messages))
