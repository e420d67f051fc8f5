"""The steps of a close, each a plain function over a site: what the Prefect tasks open a door to.

Every step opens the warehouse itself, leaves its result there or returns a small one, and can be run again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from expectations import CheckResult, validate
from expectations.feeds import PREPARED
from expectations.site import suites_of_feeds, suites_of_marts
from kam import closing, diff, ledger, plan, publication, quality_page
from kam.build import prepare_build, record_content
from kam.closing import Candidate, State
from kam.controls import ControlTotal, control_totals
from kam.corrections import CORRECTIONS_FILE, KnownCorrection, known_corrections
from kam.diff import Difference, FigureChange
from kam.errors import MonthChangedError, SourceRefusedError, UsageError, ValidationFailedError
from kam.ingest import LoadResult, ingest_feed
from kam.models import marts, materialise, prepare_marts, run_models
from kam.periods import month_name
from kam.plan import Action, MonthPlan, counted
from kam.settings import Settings, Site
from kam.warehouse import Connection, reading, rows, warehouse, writing

_SHOWN_KEYS = 3
_SHOWN_LOADS = 5
log = logging.getLogger("kam")


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


def load_feed(site: Site, feed: str, *, accept_shrink: bool = False) -> tuple[LoadResult, ...]:
    """Load what is new in one feed; with `accept_shrink` a full extract may lack most of the current rows.

    Raises `DatabaseUnreachableError` when the feed's database does not answer.
    """
    log.info("Loading %s …", feed)
    with warehouse(site) as con:
        return tuple(ingest_feed(con, site, feed, accept_shrink=accept_shrink))


def require_loaded(loads: Sequence[LoadResult]) -> None:
    """Raise `SourceRefusedError` when a source was refused: a month without it would be wrong without saying so."""
    refused = [load for load in loads if load.status == "failed"]
    if refused:
        more = f" ({len(refused) - 1} more: kam status)" if len(refused) > 1 else ""
        message = f"{refused[0].message}{more}"
        raise SourceRefusedError(message)


def known_load(site: Site, *, as_of_load: int | None = None, as_known_on: date | None = None) -> int:
    """The load up to which a run knows things: the last one, the one named, or the last of a day.

    Raises `UsageError` for both at once, for a load that there is not, and for a day before the first load.
    """
    with warehouse(site) as con:
        timezone = site.settings.site.timezone
        return closing.known_load(con, timezone, as_of_load=as_of_load, as_known_on=as_known_on)


def plan_months(site: Site, months: Sequence[date], as_of_load: int, *, restate: bool = False) -> list[MonthPlan]:
    """What a run over these months would do with each, and why.

    Raises `UsageError` for a month before the first or after the last one that any feed has a date in.
    """
    with warehouse(site) as con:
        prepare_build(con, site.settings, months, as_of_load=as_of_load, restate=restate)
        return plan.plan(con, site.settings, months, as_of_load=as_of_load, restate=restate)


def dry_run(
    site: Site, months: Sequence[date], *, as_of_load: int | None, as_known_on: date | None, restate: bool
) -> list[MonthPlan]:
    """What a backfill of these months would do with what is loaded; loads and closes nothing."""
    with writing_session(site, "dry run"):
        known = known_load(site, as_of_load=as_of_load, as_known_on=as_known_on)
        return plan_months(site, months, known, restate=restate)


def corrections_in_force(site: Site) -> list[KnownCorrection]:
    """The corrections of the build that was planned or prepared last, and what became of each."""
    with warehouse(site) as con:
        return known_corrections(con)


def chunks(months: Sequence[date], size: int) -> Iterator[Sequence[date]]:
    """The months that are built together: at most `size` of them, in their order."""
    for start in range(0, len(months), size):
        yield months[start : start + size]


def prepare_months(site: Site, months: Sequence[date], as_of_load: int | None = None, *, restate: bool = False) -> int:
    """Set up the build of these months from what is known at a load, the last one where none is named; that load."""
    with warehouse(site) as con:
        prepare_marts(con)
        known = closing.newest_load(con) if as_of_load is None else as_of_load
        prepare_build(con, site.settings, months, as_of_load=known, restate=restate)
        return known


def validate_feeds(site: Site, as_of_load: int) -> list[CheckResult]:
    """Run the suites of all declared feeds over the rows of the months to build."""
    log.info("Validating what was loaded …")
    with warehouse(site) as con:
        _know(con, as_of_load)
        for name in PREPARED:
            materialise(con, name)
        return validate(con, suites_of_feeds(site))


def build_marts(site: Site, as_of_load: int) -> BuildSummary:
    """Build the candidates of all result tables for the months to build."""
    log.info("Building the tables …")
    with warehouse(site) as con:
        _know(con, as_of_load)
        settings = site.settings
        counts = run_models(con, settings.available)
        record_content(con)
    reasons = {mart.name: mart.missing(settings.available) for mart in marts()}
    return BuildSummary(
        counts, {name: settings.why_missing(missing[0]) for name, missing in reasons.items() if missing}
    )


def validate_marts(site: Site, as_of_load: int) -> tuple[list[CheckResult], list[ControlTotal]]:
    """Run the suites of the candidates, and compare the control totals."""
    log.info("Validating the tables …")
    with warehouse(site) as con:
        _know(con, as_of_load)
        checks = validate(con, suites_of_marts(con, site))
        return checks, control_totals(con, site.settings.available)


def why_not_valid(checks: Sequence[CheckResult], controls: Sequence[ControlTotal], month: date) -> str:
    """Why a month must not be published: each critical rule with its count and some keys; empty when it may be."""
    lines = [
        f"{check.sentence} {counted(check.failed_in(month), 'row')} breaking this{_allowed(check)}: "
        f"{_keys(check, month)}.\n"
        f"    {check.if_it_fails} [{check.name}]"
        for check in checks
        if check.stops(month)
    ]
    lines += [total.in_words() for total in controls if total.month == month and not total.ties]
    if not lines:
        return ""
    return f"{month_name(month)} was not published, because a critical check failed:" + "".join(
        f"\n  {line}" for line in lines
    )


def _allowed(check: CheckResult) -> str:
    return f" ({check.allowed_count:,} allowed)" if check.allowed_count else ""


def _keys(check: CheckResult, month: date) -> str:
    """Some offending keys in words."""
    named = [
        "(" + ", ".join(f"{name} {value}" for name, value in key.items() if name != "period_month") + ")"
        for key in check.keys_in(month)[:_SHOWN_KEYS]
    ]
    return " ".join(named) or "no key"


def commit_month(
    site: Site,
    month: date,
    *,
    as_of_load: int,
    checks: Sequence[CheckResult],
    controls: Sequence[ControlTotal],
    restate: bool,
    reason: str,
) -> MonthOutcome:
    """Commit the candidate of one month as its next version, unless nothing changed or a restatement is needed."""
    with warehouse(site) as con:
        fault = why_not_valid(checks, controls, month) or _why_not_corrected(con, site.settings, month)
        if fault:
            closing.keep_failure(con, month, as_of_load=as_of_load, checks=checks, controls=controls, message=fault)
            return MonthOutcome(month, "failed", 0, fault)
        candidate = closing.candidate(con, month)
        if candidate.state is State.UNCHANGED:
            closing.forget_failure(con, month)
            return MonthOutcome(month, "unchanged", candidate.last_version)
        if candidate.state is State.CHANGED and not restate:
            closing.forget_failure(con, month)
            message = _what_changed(con, site.settings, candidate, as_of_load)
            return MonthOutcome(month, "changed", candidate.last_version, message)
        unpublished = closing.opens_from_unpublished(con, month)
        if unpublished:
            message = (
                f"{month_name(month)} was not published, because it opens with the new balance of "
                f"{month_name(unpublished)}, which was not published. Mend that month first"
            )
            closing.keep_failure(con, month, as_of_load=as_of_load, checks=checks, controls=controls, message=message)
            return MonthOutcome(month, "failed", candidate.last_version, message)
        version = closing.commit(
            con, site, candidate, as_of_load=as_of_load, checks=checks, controls=controls, reason=reason
        )
        ledger.sync(con, site)
        return MonthOutcome(month, "closed", version)


def _why_not_corrected(con: Connection, settings: Settings, month: date) -> str:
    """Why a month must not be published with the corrections that it was built with; empty when it may be.

    Looked at whatever the checks say: a correction without its reason would change figures unseen.
    """
    built_with = known_corrections(con)
    declared = {
        (entry.feed, entry.key_in_words, entry.column, entry.wrong, entry.right) for entry in settings.corrections
    }
    if {(entry.feed, entry.key, entry.column, entry.wrong, entry.right) for entry in built_with} != declared:
        return f"{month_name(month)} was not published, because {CORRECTIONS_FILE} changed while it was built. Close it again"
    lines = [f"{entry.feed} {entry.key}: {entry.column}: {entry.fault}" for entry in built_with if entry.fault]
    if not lines:
        return ""
    more = f"\n  … and {len(lines) - _SHOWN_KEYS} more: kam check" if len(lines) > _SHOWN_KEYS else ""
    return (
        f"{month_name(month)} was not published, because entries of {CORRECTIONS_FILE} are stale:"
        + "".join(f"\n  {line}" for line in lines[:_SHOWN_KEYS])
        + more
    )


def _what_changed(con: Connection, settings: Settings, candidate: Candidate, as_of_load: int) -> str:
    """Which tables of a closed month would change, since which loads, and what that does to the headline figures."""
    month, version = candidate.month, candidate.last_version
    name = month_name(month)
    before, after = diff.version_side(con, month, version), diff.Side(month, None, as_of_load)
    changes = plan.changing_loads(con, before.as_of_load, as_of_load)
    (planned,) = plan.plan(con, settings, [month], as_of_load=as_of_load)
    why = planned.why if planned.action is Action.COMPARE else "the month before has another version"
    when = "now" if before.as_of_load <= as_of_load else f"as known at load {as_of_load}"
    lines = [f"{name} is closed (version {version}) and would come out differently {when}: {why}."]
    lines += [
        f"  load {change.load_id} ({change.feed}: {change.source}): {counted(change.loaded_count, 'row')} loaded"
        f"{f', {change.superseded_count:,} superseded' if change.superseded_count else ''}"
        for change in changes[:_SHOWN_LOADS]
    ]
    if len(changes) > _SHOWN_LOADS:
        lines.append(f"  … and {counted(len(changes) - _SHOWN_LOADS, 'load')} more")
    lines.append(f"  Tables that change: {', '.join(candidate.changed_tables)}")
    figures = diff.figures(con, before, after)
    lines += [
        f"  {figure_name(figure)}: {shown(figure.before, figure.unit)} → {shown(figure.after, figure.unit)}"
        for figure in figures
    ]
    if not figures:
        lines.append("  No headline figure changes")
    lines.append(f"See what changes: kam diff {name}")
    lines.append(f'To make a new version: kam close {name} --restate --reason "…"')
    return "\n".join(lines)


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


def difference(
    site: Site, month: date, first: int | None, second: int | None, *, limit: int, export_to: Path | None = None
) -> Difference:
    """Compare two versions of a month, or one (the last, when `first` is None) with what a close would give now.

    Raises `UsageError` for a version that there is not. Comparing with now builds the month, so it waits for its turn to
    write.
    """
    if second is not None:
        with reading(site) as con:
            before = diff.version_side(con, month, second - 1 if first is None else first)
            return _compared(con, before, diff.version_side(con, month, second), limit, export_to)
    with writing_session(site, f"diff {month_name(month)}"):
        with warehouse(site) as con:
            newest = closing.last_version(con, month) or 1
            before = diff.version_side(con, month, newest if first is None else first)
            as_of_load = closing.newest_load(con)
        prepare_months(site, [month], as_of_load)
        build_marts(site, as_of_load)
        with warehouse(site) as con:
            return _compared(con, before, diff.Side(month, None, as_of_load), limit, export_to)


def _compared(con: Connection, before: diff.Side, after: diff.Side, limit: int, export_to: Path | None) -> Difference:
    found = diff.difference(con, before, after, limit=limit)
    if export_to is not None:
        diff.export(con, export_to)
    return found


def publish(site: Site, *, only_if_lagging: bool = False) -> bool:
    """Publish all committed versions and the data quality page; whether anything was written."""
    log.info("Publishing …")
    with warehouse(site) as con:
        is_due = not only_if_lagging or publication.lags(con, site)
        if is_due:
            prepare_marts(con)
            publication.publish(con, site)
        # Compared by its content, so that it also comes back when it was lost, or when a crash came before it.
        return quality_page.write(con, site) or is_due


def headlines(site: Site, months: Sequence[date]) -> list[Headline]:
    """The headline figures of the newest version of these months."""
    with warehouse(site) as con:
        found = rows(
            con,
            """
            SELECT mart.* FROM marts.headline_figures AS mart
            SEMI JOIN (
                SELECT period_month, max(close_version) AS close_version FROM ops.closes GROUP BY period_month
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


def _know(con: Connection, as_of_load: int) -> None:
    con.execute("SET VARIABLE as_of_load = ?", [as_of_load])


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


@contextmanager
def writing_session(site: Site, purpose: str) -> Iterator[None]:
    """Hold the right to write, and the warehouse open, so that each step's own opening of it costs nothing."""
    patience = site.settings.run.busy_timeout_seconds
    with writing(site, purpose, wait_seconds=patience, on_wait=log.info), warehouse(site):
        yield
