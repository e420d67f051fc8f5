"""What a run leaves to be seen in Prefect: a page that says how it ended, and tables of what it did. Keys begin with the site."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from kam.close import Action, Ageing, MonthOutcome, MonthPlan, Outcome, Run
from kam.ingest import LoadResult
from kam.periods import month_name
from kam.report import (
    Ending,
    Row,
    ageing_rows,
    check_rows,
    control_rows,
    correction_rows,
    figure_rows,
    headline_rows,
    load_rows,
    plan_rows,
    readiness_rows,
    summary,
)
from kam.site import Site
from kam.words import counted

_SHOWN_CORRECTIONS = 200
log = logging.getLogger("kam")


def leave_artifacts(site: Site, run: Run, ended: Ending) -> None:
    """Create the artifacts of a run over months, the page first. A server that refuses them does not harm the close."""
    report, suffix = run.report, _suffix(run.months)

    def key(kind: str) -> str:
        return f"{site.slug}-{kind}-{suffix}"

    def create() -> None:
        create_markdown_artifact(
            key=f"{site.slug}-{suffix}", markdown=summary(site, run, ended), description=f"How it ended: {ended.name}"
        )
        for month in report.months:
            if month.outcome in (Outcome.CHANGED, Outcome.LOCKED):
                _leave_difference(site, month)
        passed = f"All {len(report.checks)} checks passed." if report.checks else "Nothing was checked."
        _table(key("loads"), load_rows(report.loads), "What was loaded", "Nothing new was loaded.")
        if report.requirements:
            _table(key("readiness"), readiness_rows(report.requirements), "What each month needs", "")
        _table(key("checks"), check_rows(report.checks, run.months), "Checks that failed", passed)
        _table(key("control-totals"), control_rows(report.controls), "Control totals", "No control totals.")
        if report.corrections:
            corrected = correction_rows(report.corrections, _SHOWN_CORRECTIONS)
            _table(key("corrections"), corrected, "Corrections in force", "")
        _table(key("headlines"), headline_rows(report.headlines), "Headline figures", "No figures.")

    guarded(create)


def leave_approval_artifact(site: Site, run: Run, ended: Ending) -> None:
    """Create the page of an approval: who approved what, and where readers see it."""
    key = f"{site.slug}-approval-{_suffix(run.months)}"
    markdown = summary(site, run, ended)
    guarded(lambda: create_markdown_artifact(key=key, markdown=markdown, description=f"How it ended: {ended.name}"))


def leave_load_artifact(site: Site, loads: Sequence[LoadResult]) -> None:
    """Create the artifact of what an ingest loaded."""
    guarded(lambda: _table(f"{site.slug}-loads", load_rows(loads), "What was loaded", "Nothing new was loaded."))


def leave_plan_artifact(site: Site, planned: Sequence[MonthPlan], months: Sequence[date]) -> None:
    """Create the artifact of a dry run: what a backfill would do, and why."""
    description = "What a backfill would do with what is loaded"
    guarded(lambda: _table(f"{site.slug}-plan-{_suffix(months)}", plan_rows(planned), description, "No month."))


def leave_ageing_artifact(site: Site, found: Ageing) -> None:
    """Create the artifact of the receivables of a day: what is open, by bucket."""
    rows = ageing_rows([*found.buckets, found.total], "Bucket", found.currency)
    description = "\n\n".join([f"Receivables at the end of {found.day}: {found.file}", *found.notes])
    guarded(lambda: _table(f"{site.slug}-ageing-{found.day}", rows, description, ""))


@dataclass
class Progress:
    """How far a backfill is, as an artifact that is updated with each month."""

    site: Site
    run: Run
    _done: int = 0
    _artifact: UUID | None = None

    def committing(self, commit: Callable[..., MonthOutcome]) -> Callable[..., MonthOutcome]:
        """The step that commits a month, counted."""

        def counting(*args: Any, **kwargs: Any) -> MonthOutcome:  # noqa: ANN401 - those of the step
            if self._artifact is None:
                guarded(self._begin)
            outcome = commit(*args, **kwargs)
            self._done += 1
            guarded(self._go_on)
            return outcome

        return counting

    def _begin(self) -> None:
        key = f"{self.site.slug}-progress-{_suffix(self.run.months)}"
        made = create_progress_artifact(0, key=key, description=self._in_words())
        self._artifact = made if isinstance(made, UUID) else None

    def _go_on(self) -> None:
        if self._artifact:
            update_progress_artifact(
                self._artifact, progress=100 * self._done / self._all, description=self._in_words()
            )

    @property
    def _all(self) -> int:
        """The months that are built; at least those that are done."""
        built = sum(plan.action is not Action.SKIP for plan in self.run.report.planned)
        return max(built, self._done, 1)

    def _in_words(self) -> str:
        return f"{self._done} of {counted(self._all, 'month')} done"


def guarded(create: Callable[[], object]) -> None:
    """Tell the server something that no figure depends on; that it does not take it is a warning."""
    try:
        create()
    except Exception as error:  # noqa: BLE001 - the client raises whatever its transport raises
        log.warning("Prefect did not take the artifacts (%s); the figures are not affected", error)


def _leave_difference(site: Site, month: MonthOutcome) -> None:
    """What a restatement would change; the description says since which loads, and how to see all of it."""
    name = month_name(month.month)
    description = "What a restatement would change. All of it: " + site.command("diff", name)
    _table(f"{site.slug}-difference-{name}", figure_rows(month.changes), description, "No headline figure changes.")


def _suffix(months: Sequence[date]) -> str:
    first, last = month_name(months[0]), month_name(months[-1])
    return first if len(months) == 1 else f"{first}-to-{last}"


def _table(key: str, rows: list[Row], description: str, if_empty: str) -> None:
    if rows:
        create_table_artifact(key=key, table=rows, description=description)
    else:
        create_markdown_artifact(key=key, markdown=if_empty, description=description)
