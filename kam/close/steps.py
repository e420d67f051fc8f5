"""The steps of a close: plain functions over a site, which the Prefect tasks call.

Every step opens the warehouse itself, leaves its result there or returns a small one, and can be run again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from expectations import CheckResult, validate
from expectations.feeds import PREPARED
from expectations.site import rules_hash, suites_of_feeds, suites_of_marts
from kam import telemetry
from kam.archive import ledger
from kam.build import make_ahead, mart_changes, prepare_build, prepare_marts, record_content, run_models, why_empty
from kam.close import diff, plan, signoff, versions
from kam.close import readiness as requirements
from kam.close.controls import ControlTotal, control_totals
from kam.close.diff import Difference
from kam.close.outcome import BuildSummary, Headline, MonthOutcome, Outcome
from kam.close.plan import MonthPlan
from kam.close.readiness import Requirement, today
from kam.close.signoff import Approval
from kam.close.verdict import gets_version, valid_candidates, what_changed, why_not_corrected, why_not_valid
from kam.close.versions import EvenThough, State
from kam.errors import UsageError
from kam.ingest import LoadResult, ingest_feed, waiting_sources
from kam.periods import month_name
from kam.publish import publish_to_targets, published_file, quality_page
from kam.site import CORRECTIONS_FILE, Site
from kam.timing import run, step
from kam.warehouse import Connection, KnownCorrection, kept_steps, known_corrections, rows, warehouse, writing

_SHOWN_WAITING = 5
# One month is stored and committed in one transaction.
_FEWEST_STORED_AHEAD = 2
log = logging.getLogger("kam")


def load_feed(
    site: Site, feed: str, *, accept_shrink: bool = False, accept_changes: bool = False
) -> tuple[LoadResult, ...]:
    """Load what is new in one feed.

    With `accept_shrink` a full extract may lack most of the current rows, with `accept_changes` documents may become other ones
    and columns may go. Raises `DatabaseUnreachableError` when the feed's database does not answer.
    """
    with warehouse(site) as con:
        return tuple(ingest_feed(con, site, feed, accept_shrink=accept_shrink, accept_changes=accept_changes))


def known_load(site: Site, *, as_of_load: int | None = None, as_known_on: date | None = None) -> int:
    """The load up to which a run knows things: the last one, the one named, or the last of a day.

    Raises `UsageError` for both at once, for a load that does not exist, and for a day before the first load.
    """
    with warehouse(site) as con:
        timezone = site.settings.site.timezone
        return versions.known_load(con, timezone, as_of_load=as_of_load, as_known_on=as_known_on)


def plan_months(site: Site, months: Sequence[date], as_of_load: int, *, restate: bool = False) -> list[MonthPlan]:
    """What a run over these months would do with each, and why.

    Raises `UsageError` for a month before the first or after the last one that any feed has a date in.
    """
    with warehouse(site) as con:
        prepare_build(con, site.settings, months, as_of_load=as_of_load, restate=restate)
        return plan.planned_months(
            con, site.settings, months, as_of_load=as_of_load, restate=restate, rules_hash=rules_hash(site)
        )


def are_up_to_date(site: Site, months: Sequence[date]) -> bool:
    """Whether none of these months has to be built with what is loaded."""
    with warehouse(site) as con:
        known, rules = versions.newest_load(con), rules_hash(site)
        planned = plan.planned_months(con, site.settings, months, as_of_load=known, rules_hash=rules)
    return all(month.action is plan.Action.SKIP for month in planned)


def readiness(
    site: Site, planned: Sequence[MonthPlan], loads: Sequence[LoadResult], as_of_load: int
) -> list[Requirement]:
    """What each planned month needs before it is closed, and whether it has it."""
    with warehouse(site) as con:
        _set_as_of_load(con, as_of_load)
        found = requirements.readiness(con, site.settings, planned, loads, today(site))
    for lacking in (requirement for requirement in found if not requirement.is_met):
        log.info("%s: %s", month_name(lacking.month), lacking.in_words)
    return found


def keep_not_closed(site: Site, month: date, as_of_load: int, message: str) -> None:
    """Record that a month was not closed, because it is not ready or a model failed."""
    with warehouse(site) as con:
        versions.keep_failure(con, month, as_of_load=as_of_load, checks=(), controls=(), message=message)


def withdraw(site: Site, month: date, reason: str) -> int:
    """Take back the newest version of a month and publish without it; the version's number.

    Raises `UsageError` without a reason, for a month that is not closed or is locked, and for one that a later month stands on.
    """
    _require_reason("a withdrawal", reason)
    with writing_session(site, f"withdraw {month_name(month)}", [month]):
        with warehouse(site) as con:
            signoff.require_unlocked(con, site, [month])
            version = versions.withdraw(con, site, month, reason)
            ledger.sync(con, site)
        with step("publish"):
            publish(site, only_if_lagging=True)
    return version


def approve(site: Site, wanted: Mapping[date, int], comment: str) -> list[Approval]:
    """Approve a version of each of these months, all or none, and publish them. Needs the right to write.

    Raises as `signoff.approve` does, and `UsageError` without a comment.
    """
    require_comment(comment)
    with warehouse(site) as con:
        signoff.require_unlocked(con, site, sorted(wanted))
        approved = signoff.approve(con, site, wanted, comment)
        ledger.sync(con, site)
    return approved


def set_lock(site: Site, month: date, reason: str, *, is_locked: bool) -> None:
    """Lock a month, so that it gets no other version, or open its lock.

    Raises `UsageError` without a reason, and as `signoff.set_lock` does.
    """
    _require_reason("a lock" if is_locked else "opening a lock", reason)
    with (
        writing_session(site, f"{'lock' if is_locked else 'unlock'} {month_name(month)}", [month]),
        warehouse(site) as con,
    ):
        signoff.set_lock(con, site, month, reason, is_locked=is_locked)
        ledger.sync(con, site)


def require_comment(comment: str) -> None:
    """Raise `UsageError` for an approval that says nothing."""
    if not comment.strip():
        message = 'an approval needs a comment for the record: in a shell --comment "…", in a form the field comment'
        raise UsageError(message)


def _require_reason(what: str, reason: str) -> None:
    if not reason.strip():
        message = f'{what} needs a reason for the record: in a shell --reason "…", in a form the field reason'
        raise UsageError(message)


def corrections_in_force(site: Site) -> list[KnownCorrection]:
    """The corrections of the build that was planned or prepared last, and the state of each."""
    with warehouse(site) as con:
        return known_corrections(con)


def prepare_months(site: Site, months: Sequence[date], as_of_load: int | None = None, *, restate: bool = False) -> int:
    """Set up the build of these months as known at a load, by default the last one; returns that load."""
    with warehouse(site) as con:
        prepare_marts(con)
        known = versions.newest_load(con) if as_of_load is None else as_of_load
        prepare_build(con, site.settings, months, as_of_load=known, restate=restate)
        return known


def validate_feeds(site: Site, as_of_load: int) -> list[CheckResult]:
    """Run the suites of all declared feeds over the rows of the months to build."""
    log.info("Validating what was loaded …")
    with warehouse(site) as con:
        _set_as_of_load(con, as_of_load)
        make_ahead(con, PREPARED)
        return validate(con, suites_of_feeds(site), stage="validate feeds")


def build_marts(site: Site, as_of_load: int) -> BuildSummary:
    """Build the candidates of all result tables for the months to build."""
    with warehouse(site) as con:
        _set_as_of_load(con, as_of_load)
        settings = site.settings
        counts = run_models(con, settings.available)
        record_content(con)
    return BuildSummary(counts, why_empty(settings))


def validate_marts(site: Site, as_of_load: int) -> tuple[list[CheckResult], list[ControlTotal]]:
    """Run the suites of the candidates, and compare the control totals."""
    log.info("Validating the tables …")
    with warehouse(site) as con:
        _set_as_of_load(con, as_of_load)
        checks = validate(con, suites_of_marts(con, site), stage="validate tables")
        return checks, control_totals(con, site.settings.available)


def store_ahead(
    site: Site,
    months: Sequence[date],
    *,
    as_of_load: int,
    checks: Sequence[CheckResult],
    controls: Sequence[ControlTotal],
    restate: bool,
) -> None:
    """Store the rows of those of these months that will get a version, in one statement per table, for `commit_month`.

    Nobody sees them before that. Of a single month nothing is stored here: its commit does that. The same goes for months that
    together need too much memory.
    """
    with warehouse(site) as con:
        locks = {lock.month: lock for lock in signoff.locks(con)}
        candidates = valid_candidates(con, site, months, checks, controls, restate=restate)
        renewed = [one for one in candidates if gets_version(one, locks.get(one.month), restate=restate)]
        if len(renewed) < _FEWEST_STORED_AHEAD:
            return
        log.info("Storing the tables of %d months …", len(renewed))
        try:
            versions.store_ahead(con, renewed, as_of_load)
        except duckdb.OutOfMemoryException:
            log.info("%d months together need too much memory; they are stored one by one …", len(renewed))


def commit_month(  # noqa: PLR0913 - what a commit is made of
    site: Site,
    month: date,
    *,
    as_of_load: int,
    checks: Sequence[CheckResult],
    controls: Sequence[ControlTotal],
    restate: bool,
    reason: str,
    even_though: EvenThough | None = None,
    changed: MonthOutcome | None = None,
) -> MonthOutcome:
    """Commit the candidate of one month as its next version, unless nothing changed or a restatement is needed.

    What that would change is `changed` where a worker built the month.
    """
    with warehouse(site) as con:
        checks = versions.said_once(con, month, as_of_load, checks)
        fault = why_not_valid(checks, controls, month) or why_not_corrected(con, site, month)
        if fault:
            versions.keep_failure(con, month, as_of_load=as_of_load, checks=checks, controls=controls, message=fault)
            again = f"When the rows are fixed, at their source or in {CORRECTIONS_FILE}: {site.command('close', month_name(month))}"
            return MonthOutcome(month, Outcome.FAILED, 0, fault, (again,))
        candidate = versions.candidate(con, month, restate=restate)
        if candidate.state is State.UNCHANGED:
            versions.keep_unchanged(con, site, candidate, as_of_load)
            return _closed(con, {month: candidate.last_version}, Outcome.UNCHANGED)[0]
        lock = signoff.lock_of(con, month)
        if not gets_version(candidate, lock, restate=restate):
            versions.forget_failure(con, month)
            return changed or what_changed(con, site, candidate, as_of_load, lock)
        if unpublished := versions.opens_from_unpublished(con, month):
            message = _opens_from(month, unpublished)
            versions.keep_failure(con, month, as_of_load=as_of_load, checks=checks, controls=controls, message=message)
            return MonthOutcome(month, Outcome.FAILED, candidate.last_version, message)
        version = versions.commit(
            con,
            site,
            candidate,
            as_of_load=as_of_load,
            checks=checks,
            controls=controls,
            reason=reason,
            even_though=even_though,
        )
        ledger.add_close(con, site, month, version)
        return _closed(con, {month: version}, Outcome.CLOSED)[0]


def _opens_from(month: date, unpublished: date) -> str:
    return (
        f"{month_name(month)} was not published, because it opens with the new balance of "
        f"{month_name(unpublished)}, which was not published. Fix that month first"
    )


def up_to_date(site: Site, planned: Sequence[MonthPlan]) -> list[MonthOutcome]:
    """The outcome of months that need no build."""
    with warehouse(site) as con:
        return _closed(con, {plan.month: plan.version for plan in planned}, Outcome.UNCHANGED)


def _closed(con: Connection, months: Mapping[date, int], outcome: Outcome) -> list[MonthOutcome]:
    """The outcome of months with these versions; whether they wait for approval, and what readers see meanwhile."""
    seen = {(waiting.month, waiting.version): waiting.seen for waiting in signoff.waiting_versions(con)}
    return [
        MonthOutcome(
            month, outcome, version, is_preliminary=(month, version) in seen, seen=seen.get((month, version), 0)
        )
        for month, version in months.items()
    ]


def difference(
    site: Site, month: date, first: int | None, second: int | None, *, limit: int, export_to: Path | None = None
) -> Difference:
    """Compare two versions of a month, or one (the last, when `first` is None) with what a close would give now.

    Raises `UsageError` for a version that does not exist. Comparing with now builds the month, so it waits for its turn to
    write.
    """
    if second is not None:
        with ledger.open_complete(site) as con:
            before = diff.version_side(con, month, second - 1 if first is None else first)
            after = diff.version_side(con, month, second)
            if not mart_changes(con):
                return _compared(con, before, after, limit, export_to)
        # Closed by an earlier release, whose columns had other names.
        with warehouse(site) as con:
            prepare_marts(con)
            return _compared(con, before, after, limit, export_to)
    with writing_session(site, f"diff {month_name(month)}", [month]):
        with warehouse(site) as con:
            newest = versions.last_version(con, month) or 1
            before = diff.version_side(con, month, newest if first is None else first)
            as_of_load = versions.newest_load(con)
        prepare_months(site, [month], as_of_load)
        build_marts(site, as_of_load)
        with warehouse(site) as con:
            found = _compared(con, before, diff.Side(month, None, as_of_load), limit, export_to)
            waiting = not_loaded(con, site)
    return replace(found, reasons=(*found.reasons, f"Not compared, because {waiting}")) if waiting else found


def not_loaded(con: Connection, site: Site) -> str:
    """The sources that the next load would read, in words, with the command that loads them; empty without any."""
    waiting = waiting_sources(con, site)
    if not waiting:
        return ""
    more = f" and {len(waiting) - _SHOWN_WAITING} more" if len(waiting) > _SHOWN_WAITING else ""
    return f"not loaded yet: {', '.join(waiting[:_SHOWN_WAITING])}{more}. Load first: {site.command('ingest')}"


def _compared(con: Connection, before: diff.Side, after: diff.Side, limit: int, export_to: Path | None) -> Difference:
    found = diff.difference(con, before, after, limit=limit)
    if export_to is not None:
        diff.export(con, export_to)
    return found


def publish(site: Site, *, only_if_lagging: bool = False) -> bool:
    """Publish all committed versions and the data quality page, then to the other targets; whether anything was written.

    A target that fails fails nothing else: it is logged, on record, and caught up at the next publication.
    """
    log.info("Publishing …")
    with warehouse(site) as con:
        is_due = not only_if_lagging or published_file.lags(con, site)
        if is_due:
            prepare_marts(con)
            versions.drop_stored_ahead(con)
            published_file.publish(con, site)
        # Compared by its content, so that it also comes back when it was lost, or when a crash came before it.
        is_page_new = quality_page.write(con, site)
        is_any_target_new = publish_to_targets(con, site, again=not only_if_lagging)
        if is_any_target_new:
            # The page leads to those of the close pack that are there only now, as they lead to it.
            quality_page.write(con, site)
        return is_due or is_page_new or is_any_target_new


def headlines(site: Site, months: Sequence[date]) -> list[Headline]:
    """The headline figures of the newest version of these months."""
    with warehouse(site) as con:
        prepare_marts(con)  # nothing was built when no month is ready
        found = rows(
            con,
            """
            SELECT mart.* FROM marts.headline_figures AS mart
            SEMI JOIN (
                SELECT period_month, max(close_version) AS close_version FROM ops.standing_closes GROUP BY period_month
            ) AS newest
              ON newest.period_month = mart.period_month AND newest.close_version = mart.close_version
            WHERE list_contains(?, mart.period_month)
            ORDER BY mart.period_month, mart.figure_no, mart.plan_version
            """,
            [list(months)],
        )
    return [
        Headline(row["period_month"], row["figure"], row["plan_version"], row["value"], row["unit"]) for row in found
    ]


def _set_as_of_load(con: Connection, as_of_load: int) -> None:
    con.execute("SET VARIABLE as_of_load = ?", [as_of_load])


@contextmanager
def writing_session(site: Site, purpose: str, months: Sequence[date] = ()) -> Iterator[None]:
    """Hold the right to write, and the warehouse open, so that each step's own opening of it costs nothing; its steps are kept.

    Raises `KamError` when the warehouse or the archive lacks what the ledger lists: whatever is made of the rest would be less.
    """
    patience = site.settings.run.busy_timeout_seconds
    with run(purpose, months, telemetry.listeners(site.settings.site.name)), ExitStack() as session:
        with step("open"):
            session.enter_context(writing(site, purpose, wait_seconds=patience, on_wait=log.info))
            con = session.enter_context(warehouse(site))
            ledger.sync(con, site)
        with kept_steps(con):
            yield
