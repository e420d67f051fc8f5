"""A writing session that sends the alerts of its run at the end, however the run ended; and the runs in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

from kam.alerts import news
from kam.alerts.findings import reason
from kam.close import (
    PLAIN,
    Approval,
    CloseReport,
    MonthOutcome,
    Outcome,
    Run,
    Steps,
    close_months,
    load_feeds,
    publish,
    require_closed,
    require_loaded,
    require_reason,
    steps,
)
from kam.ingest import LoadResult
from kam.site import Site
from kam.stops import check
from kam.timing import step, whole_run


@contextmanager
def writing_and_telling(site: Site, run: Run, tell: Callable[[Site, Run], object] = news.tell) -> Iterator[None]:
    """Hold the right to write during `run`, then send its alerts; processes that wait show its name."""
    began = False
    try:
        with steps.writing_session(site, run.name, run.months):
            began = True
            with _telling(site, run, tell):
                yield
    except Exception as error:
        check()
        if not began:
            run.stopped = reason(error)
            news.tell_unqueued(site, run)
        raise


@contextmanager
def _telling(site: Site, run: Run, tell: Callable[[Site, Run], object]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        check()  # nobody is told of what somebody stopped
        run.stopped = reason(error)
        _tell_if_anybody(site, run, tell)
        raise
    else:
        _tell_if_anybody(site, run, tell)
        if whole := whole_run():
            whole.outcome, whole.error = run.ended


def run_approve(
    site: Site,
    run: Run,
    wanted: Mapping[date, int],
    comment: str,
    by: Steps = PLAIN,
    tell: Callable[[Site, Run], object] = news.tell,
) -> list[Approval]:
    """Approve a version of each of these months, publish them, and send the alerts of the run.

    Raises as `steps.approve` does; then nothing is approved, and nobody is told.
    """
    steps.require_comment(comment)
    with steps.writing_session(site, run.name, run.months):
        approved = steps.approve(site, wanted, comment)
        with _telling(site, run, tell):
            run.report = run.report.with_months([_approved(approval) for approval in approved])
            run.add(published=publish(site, by, only_if_lagging=True))
    return approved


def _approved(approval: Approval) -> MonthOutcome:
    return MonthOutcome(approval.month, Outcome.APPROVED, approval.version, f"approved by {approval.approved_by}")


def run_close(site: Site, run: Run, by: Steps = PLAIN, tell: Callable[[Site, Run], object] = news.tell) -> CloseReport:
    """Close the months of a run and send its alerts.

    Raises the error of the first month that failed or needs a restatement, after the others are committed and published.
    """
    require_reason(restate=run.terms.restate, reason=run.terms.reason)
    with writing_and_telling(site, run, tell):
        close_months(site, run, by)
    require_closed(run.report.months)
    return run.report


def run_ingest(
    site: Site, run: Run, feeds: Sequence[str], by: Steps = PLAIN, tell: Callable[[Site, Run], object] = news.tell
) -> tuple[LoadResult, ...]:
    """Load what is new in these feeds and send the alerts of the run.

    Raises `SourceRefusedError` when a source was refused, after the others are loaded.
    """
    terms = run.terms
    with writing_and_telling(site, run, tell):
        loads = load_feeds(site, feeds, by, accept_shrink=terms.accept_shrink, accept_changes=terms.accept_changes)
        run.add(loads=loads)
    require_loaded(loads)
    return loads


def run_publish(site: Site, run: Run, by: Steps = PLAIN, tell: Callable[[Site, Run], object] = news.tell) -> bool:
    """Build the published file again; whether it was written."""
    with writing_and_telling(site, run, tell):
        return publish(site, by)


def _tell_if_anybody(site: Site, run: Run, tell: Callable[[Site, Run], object]) -> None:
    if site.settings.alerts.channels:
        with step("alert"):
            tell(site, run)
