"""The order of steps, from extracts to published versions: the same for one month and for many, with or without Prefect."""

from __future__ import annotations

import functools
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import ParamSpec, TypeVar

import duckdb

from expectations import CheckResult, warm_up
from expectations.site import require_valid
from kam.close import chunks, steps, workers
from kam.close.chunks import BuiltChunk
from kam.close.controls import ControlTotal
from kam.close.outcome import BuildSummary, MonthOutcome, Outcome, Run, require_loaded
from kam.close.plan import Action, MonthPlan
from kam.close.readiness import why_not_ready
from kam.close.verdict import why_not_valid
from kam.close.versions import EvenThough
from kam.errors import DatabaseUnreachableError, ModelFailedError, OutOfMemoryError, out_of_memory
from kam.ingest import LoadResult, LoadStatus, ordered_feeds, unreached
from kam.periods import add_months, month_name
from kam.site import CORRECTIONS_FILE, Site
from kam.stages import each
from kam.stops import check
from kam.timing import step

_Months = tuple[date, ...]
# Checks, control totals, and why tables are empty.
_Built = tuple[Sequence[CheckResult], Sequence[ControlTotal], Mapping[str, str]]
log = logging.getLogger("kam")


@dataclass(frozen=True)
class Retries:
    """How often a step is tried again, after how many seconds, and after which errors."""

    count: int
    seconds: float
    errors: tuple[type[Exception], ...]


LOADING = Retries(2, 5, (DatabaseUnreachableError,))
PUBLISHING = Retries(2, 1, (Exception,))
P = ParamSpec("P")
R = TypeVar("R")


def _retried(step: Callable[P, R], retries: Retries) -> Callable[P, R]:
    """The step, tried again as Prefect would."""

    @functools.wraps(step)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(retries.count):
            try:
                return step(*args, **kwargs)
            except retries.errors as error:
                check()
                log.warning("%s. It is tried again in %g seconds", error, retries.seconds)
                time.sleep(retries.seconds)
        return step(*args, **kwargs)

    return tried


@dataclass(frozen=True)
class Steps:
    """The steps that a run calls: the plain functions of `kam.close.steps`, or the Prefect tasks around them."""

    load_feed: Callable[..., tuple[LoadResult, ...]]
    plan_months: Callable[..., list[MonthPlan]]
    prepare_months: Callable[..., object]
    validate_feeds: Callable[..., list[CheckResult]]
    build_marts: Callable[..., BuildSummary]
    validate_marts: Callable[..., tuple[list[CheckResult], list[ControlTotal]]]
    build_chunks: Callable[..., dict[int, BuiltChunk]]
    store_ahead: Callable[..., None]
    commit_month: Callable[..., MonthOutcome]
    publish: Callable[..., bool]


PLAIN = Steps(
    load_feed=_retried(steps.load_feed, LOADING),
    plan_months=steps.plan_months,
    prepare_months=steps.prepare_months,
    validate_feeds=steps.validate_feeds,
    build_marts=steps.build_marts,
    validate_marts=steps.validate_marts,
    build_chunks=workers.build_chunks,
    store_ahead=steps.store_ahead,
    commit_month=steps.commit_month,
    publish=_retried(steps.publish, PUBLISHING),
)


def close_months(site: Site, run: Run, by: Steps = PLAIN) -> None:
    """Load, validate, build in sets, validate, commit month by month, publish; `run.report` says how far it got.

    Needs the right to write (`steps.writing_session`). A month that fails is in the report; the other months
    still close. Raises `SourceRefusedError` when a source was refused: nothing is closed then.
    """
    terms = run.terms
    with step("look for changes"):
        require_valid(site)
        if not steps.are_up_to_date(site, run.months) and site.settings.run.workers == 1:
            warm_up()  # files are read meanwhile
    if terms.is_as_now:
        run.add(loads=load_feeds(site, ordered_feeds(site), by, accept_shrink=terms.accept_shrink))
        if not terms.even_though:
            require_loaded(run.report.loads)
    with step("plan"):
        known = steps.known_load(site, as_of_load=terms.as_of_load, as_known_on=terms.as_known_on)
        run.add(planned=tuple(by.plan_months(site, run.months, known, restate=terms.restate)))
        run.add(corrections=tuple(steps.corrections_in_force(site)))
    with step("readiness"):
        run.add(requirements=tuple(steps.readiness(site, run.report.planned, run.report.loads, known)))
    _close_what_is_not_up_to_date(site, run, known, by)
    with step("headlines"):
        run.add(headlines=tuple(steps.headlines(site, run.months)))
    run.add(published=publish(site, by, only_if_lagging=True))


def publish(site: Site, by: Steps = PLAIN, *, only_if_lagging: bool = False) -> bool:
    """Publish all committed versions; whether anything was written."""
    with step("publish") as now:
        is_new = by.publish(site, only_if_lagging=only_if_lagging)
        now.outcome = "done" if is_new else "unchanged"
    return is_new


def load_feeds(
    site: Site, feeds: Iterable[str], by: Steps = PLAIN, *, accept_shrink: bool = False, accept_changes: bool = False
) -> tuple[LoadResult, ...]:
    """Load what is new in these feeds. If a database does not answer, the other feeds still load."""
    results: list[LoadResult] = []
    for feed in each("load", tuple(feeds), "feed"):
        try:
            with step("load", feed) as now:
                loaded = by.load_feed(site, feed, accept_shrink=accept_shrink, accept_changes=accept_changes)
                now.row_count = sum(load.read_count for load in loaded)
                now.outcome, now.error = _loaded(loaded)
            results += loaded
        except DatabaseUnreachableError as error:
            results.append(unreached(feed, error))
    return tuple(results)


def _loaded(loads: Iterable[LoadResult]) -> tuple[str, str]:
    """How the load of a feed ended, and what was refused."""
    refused = next((load for load in loads if load.status is LoadStatus.FAILED), None)
    if refused:
        return "failed", refused.message
    is_new = any(load.status is LoadStatus.LOADED for load in loads)
    return ("done" if is_new else "unchanged"), ""


def dry_run(
    site: Site, months: Sequence[date], *, as_of_load: int | None, as_known_on: date | None, restate: bool
) -> list[MonthPlan]:
    """What a backfill of these months would do with what is loaded; loads and closes nothing."""
    with steps.writing_session(site, "dry run", months):
        require_valid(site)
        known = steps.known_load(site, as_of_load=as_of_load, as_known_on=as_known_on)
        return steps.plan_months(site, months, known, restate=restate)


def _close_what_is_not_up_to_date(site: Site, run: Run, known: int, by: Steps) -> None:
    """Close the planned months set by set, adding each set to the report."""
    left = [plan.month for plan in run.report.planned if plan.action is not Action.SKIP]
    up_to_date = [plan for plan in run.report.planned if plan.month not in left]
    run.report = run.report.with_months(steps.up_to_date(site, up_to_date))
    if not run.terms.even_though:
        left = _without_those_not_ready(site, run, left, known)
    to_close = tuple(left)
    unbuilt: set[date] = set()
    sets, ahead = _sets_to_close(site, run, to_close, known, by)
    while sets:
        whole = sets.popleft()
        months = _without_those_on_unbuilt_ones(site, run, whole, known, unbuilt)
        if not months:
            continue
        if len(months) < len(to_close):
            log.info("%s to %s, of %d months …", month_name(months[0]), month_name(months[-1]), len(to_close))
        if whole in ahead:
            chunks.adopt(site, ahead.values())
            _commit(site, run, months, ahead[whole], known, by, to_close)
        else:
            try:
                built = _built(site, months, known, run, by)
            except ModelFailedError as error:
                if len(months) > 1:
                    sets = _smaller_sets(months, sets, error, ahead)
                    continue
                unbuilt.add(months[0])
                _fail_to_build(site, run, months[0], known, error)
            else:
                _commit(site, run, months, built, known, by, to_close)
        if run.terms.stop_on_failure and any(
            outcome.outcome is Outcome.FAILED and outcome.month in to_close for outcome in run.report.months
        ):
            break
    tried = {outcome.month for outcome in run.report.months}
    run.report = run.report.with_months(
        [MonthOutcome(month, Outcome.LEFT, 0) for month in to_close if month not in tried]
    )


def _sets_to_close(
    site: Site, run: Run, months: Sequence[date], known: int, by: Steps
) -> tuple[deque[_Months], Mapping[_Months, BuiltChunk]]:
    """The months set by set; and of the sets that workers have built by then, what they found."""
    settings, restate = site.settings.run, run.terms.restate
    cuts = chunks.cut(months, settings.workers, settings.months_at_once)
    if len(cuts) == 1:
        if months:
            warm_up()
        return deque(_sets(months, settings.months_at_once)), {}
    log.info("%d months in %d chunks, with %d workers …", len(months), len(cuts), settings.workers)
    with step("workers", months=months) as now:
        found = workers.built_ahead(site, cuts, known, by.build_chunks, restate=restate)
        now.row_count = sum(built.row_count for built in found.values())
    return deque(cuts), found


def _smaller_sets(
    months: Sequence[date], later: Iterable[_Months], error: ModelFailedError, ahead: Collection[_Months]
) -> deque[_Months]:
    """The two halves of a set that could not be built, then the later sets: of months that fail, each ends up alone.

    Sets that did not fit into memory are too large from here on, but for those that are built already.
    """
    half = (len(months) + 1) // 2
    if isinstance(error, OutOfMemoryError):
        log.info("%d months together need too much memory; %d at a time from here on", len(months), half)
        if not ahead:
            return deque(_sets([*months, *chain.from_iterable(later)], half))
        smaller = chain.from_iterable([one] if one in ahead else _sets(one, half) for one in later)
        return deque([*_sets(months, half), *smaller])
    return deque([*_sets(months, half), *later])


def _commit(
    site: Site,
    run: Run,
    months: Sequence[date],
    built: _Built | BuiltChunk,
    known: int,
    by: Steps,
    to_close: Sequence[date],
) -> None:
    """Store the rows of a set together, commit its months one by one as far as `stop_on_failure` lets it, and add them to the report."""
    changed: Mapping[date, MonthOutcome] = {}
    if isinstance(built, BuiltChunk):  # a worker stored them
        checks, controls, empty_because, changed = built.checks, built.controls, built.empty_because, built.changed
    else:
        checks, controls, empty_because = built
    if len(months) > 1 and not isinstance(built, BuiltChunk):
        restate = run.terms.restate
        with step("store", months=months):
            by.store_ahead(site, months, as_of_load=known, checks=checks, controls=controls, restate=restate)
    before = {outcome.month for outcome in run.report.months}
    outcomes: list[MonthOutcome] = []
    for month in each("commit", months, "month", name=month_name):
        with step("commit", month_name(month), [month]) as now:
            outcome = by.commit_month(
                site,
                month,
                as_of_load=known,
                checks=checks,
                controls=controls,
                restate=run.terms.restate,
                reason=run.terms.reason,
                even_though=_even_though(run, month),
                changed=changed.get(month),
            )
            now.outcome, now.error = outcome.outcome, outcome.message
            now.facts["version"] = outcome.version
        outcomes.append(outcome)
        if len(to_close) > 1:
            done = sum(month in before for month in to_close) + len(outcomes)
            left = f"{done} of {len(to_close)} done, {len(to_close) - done} left"
            log.info("%s: %s; %s", month_name(month), outcome.outcome, left)
        if outcome.outcome is Outcome.FAILED and run.terms.stop_on_failure:
            break
    run.report = run.report.with_months(outcomes, checks, controls, empty_because)


def _without_those_on_unbuilt_ones(
    site: Site, run: Run, months: Sequence[date], known: int, unbuilt: set[date]
) -> list[date]:
    """The months of a set that do not open from a new version which could not be built; the others fail, and are added to `unbuilt`."""
    renewed = {plan.month for plan in run.report.planned if plan.action is Action.CLOSE or run.terms.restate}
    for month in months:
        before = add_months(month, -1)
        if before in unbuilt & renewed:
            unbuilt.add(month)
            message = (
                f"{month_name(month)} was not closed, because it opens with the balance of {month_name(before)}, which was "
                "not closed. Fix that month first"
            )
            _fail(site, run, month, known, message, f"Then: {site.command('close', month_name(month))}")
    return [month for month in months if month not in unbuilt]


def _fail_to_build(site: Site, run: Run, month: date, known: int, error: ModelFailedError) -> None:
    """Put a month on record and in the report as failed for what a model or a rule ran into."""
    again = site.command("close", month_name(month))
    if isinstance(error, OutOfMemoryError):
        why = f"this month alone needs more memory than [site] memory_limit allows: {error}"
        next_step = f"With a higher memory_limit in kam.toml, or on a larger machine: {again}"
    else:
        why = f"a model failed: {error}"
        next_step = f"When the row is fixed, at its source or in {CORRECTIONS_FILE}: {again}"
    _fail(site, run, month, known, f"{month_name(month)} was not closed, because {why}", next_step)


def _fail(site: Site, run: Run, month: date, known: int, message: str, next_step: str) -> None:
    """Put a month that was not built on record and in the report as failed."""
    log.info("%s: failed", month_name(month))
    steps.keep_not_closed(site, month, known, message)
    run.report = run.report.with_months([MonthOutcome(month, Outcome.FAILED, 0, message, (next_step,))])


def _without_those_not_ready(site: Site, run: Run, months: Sequence[date], known: int) -> list[date]:
    """The months that are ready; the others are in the report and on record as failed."""
    reasons = {month: why_not_ready(run.report.requirements, month) for month in months}
    failed = [month for month in months if reasons[month]]
    for month in failed:
        steps.keep_not_closed(site, month, known, reasons[month])
    run.report = run.report.with_months(
        [MonthOutcome(month, Outcome.FAILED, 0, reasons[month], _next_steps(site, month)) for month in failed]
    )
    return [month for month in months if not reasons[month]]


def _next_steps(site: Site, month: date) -> tuple[str, ...]:
    again = site.command("close", month_name(month))
    return (
        f"When it is ready: {again}",
        f'To close it all the same, which is recorded: {again} --even-though "…"',
    )


def _even_though(run: Run, month: date) -> EvenThough | None:
    """Why a month is closed although it is not ready; None when it is ready."""
    unmet = [found.in_words for found in run.report.requirements if found.month == month and not found.is_met]
    return EvenThough(run.terms.even_though, tuple(unmet)) if unmet else None


def _sets(months: Sequence[date], size: int) -> Iterator[_Months]:
    """The months that are built together: at most `size` of them, in their order."""
    for start in range(0, len(months), size):
        yield tuple(months[start : start + size])


def _built(site: Site, months: Sequence[date], known: int, run: Run, by: Steps) -> _Built:
    """Validate the feeds, build the candidates, validate them: checks, control totals, and why tables are empty.

    Nothing is built when no month's feeds pass.
    """
    try:
        with step("prepare", months=months):
            by.prepare_months(site, months, known, restate=run.terms.restate)
        with step("validate feeds", months=months):
            checks = by.validate_feeds(site, known)
        if all(why_not_valid(checks, (), month) for month in months):
            return checks, (), {}
        with step("build", months=months) as now:
            built = by.build_marts(site, known)
            now.row_count = sum(built.row_counts.values())
        with step("validate tables", months=months):
            mart_checks, controls = by.validate_marts(site, known)
    except duckdb.OutOfMemoryException as error:
        raise OutOfMemoryError(out_of_memory(error)) from error
    return [*checks, *mart_checks], controls, built.empty_because
