"""The steps of a close, each a plain function over a site: what the Prefect tasks open a door to.

Every step opens the warehouse itself, leaves its result there or returns a small one, and can be run again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from expectations import CheckResult, validate
from expectations.feeds import feed_suites
from expectations.marts import mart_suites
from kam import closing, ledger, publication
from kam.build import prepare_build, record_content
from kam.closing import Candidate, State
from kam.controls import ControlTotal, control_totals
from kam.errors import MonthChangedError, SourceRefusedError, UsageError, ValidationFailedError
from kam.ingest import LoadResult, ingest_feed
from kam.models import marts, materialise, prepare_marts, run_models
from kam.periods import month_name
from kam.settings import Site
from kam.warehouse import Connection, rows, warehouse, writing

_SHOWN_KEYS = 3
log = logging.getLogger("kam")


@dataclass(frozen=True)
class MonthOutcome:
    """How a month came out: `closed` with a new version, `unchanged`, `changed` (needs a restatement) or `failed`."""

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


def prepare_months(site: Site, months: Sequence[date], *, restate: bool = False) -> int:
    """Set up the build of these months from what is known now; the last load that is known."""
    with warehouse(site) as con:
        prepare_marts(con)
        as_of_load = closing.newest_load(con)
        prepare_build(con, site.settings, months, as_of_load=as_of_load, restate=restate)
        for name in ("daily_rates", "month_rates"):
            materialise(con, name)
        return as_of_load


def validate_feeds(site: Site, as_of_load: int) -> list[CheckResult]:
    """Run the suites of all declared feeds over the rows of the months to build."""
    log.info("Validating what was loaded …")
    with warehouse(site) as con:
        _know(con, as_of_load)
        return validate(con, feed_suites(site.settings.feeds.keys()))


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
        checks = validate(con, mart_suites(site.settings.available))
        return checks, control_totals(con, site.settings.available)


def require_valid(checks: Sequence[CheckResult], controls: Sequence[ControlTotal], months: Sequence[date]) -> None:
    """Raise `ValidationFailedError` when none of these months may be published."""
    faults = [why_not_valid(checks, controls, month) for month in months]
    if all(faults):
        raise ValidationFailedError("\n".join(faults))


def why_not_valid(checks: Sequence[CheckResult], controls: Sequence[ControlTotal], month: date) -> str:
    """Why a month must not be published: each critical rule with its count and some keys; empty when it may be."""
    lines = [
        f"{check.sentence} {_counted(check.failed_in(month), 'row')} breaking this: {_keys(check, month)}.\n"
        f"    {check.if_it_fails[:1].upper()}{check.if_it_fails[1:]} [{check.name}]"
        for check in checks
        if check.stops(month)
    ]
    lines += [total.in_words() for total in controls if total.month == month and not total.ties]
    if not lines:
        return ""
    return f"{month_name(month)} was not published, because a critical check failed:" + "".join(
        f"\n  {line}" for line in lines
    )


def _keys(check: CheckResult, month: date) -> str:
    """Some offending keys in words."""
    of_month = [key for key in check.sample_keys if key.get("period_month") in (None, month.isoformat())]
    shown = [
        "(" + ", ".join(f"{name} {value}" for name, value in key.items() if name != "period_month") + ")"
        for key in of_month
    ]
    return " ".join(shown[:_SHOWN_KEYS]) or "no key"


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
    fault = why_not_valid(checks, controls, month)
    if fault:
        return MonthOutcome(month, "failed", 0, fault)
    with warehouse(site) as con:
        candidate = closing.candidate(con, month)
        if candidate.state is State.UNCHANGED:
            return MonthOutcome(month, "unchanged", candidate.last_version)
        if candidate.state is State.CHANGED and not restate:
            return MonthOutcome(month, "changed", candidate.last_version, _what_changed(con, candidate))
        unpublished = closing.opens_from_unpublished(con, month)
        if unpublished:
            message = (
                f"{month_name(month)} was not published, because it opens with the new balance of "
                f"{month_name(unpublished)}, which was not published. Mend that month first"
            )
            return MonthOutcome(month, "failed", candidate.last_version, message)
        version = closing.commit(
            con, site, candidate, as_of_load=as_of_load, checks=checks, controls=controls, reason=reason
        )
        ledger.sync(con, site)
        return MonthOutcome(month, "closed", version)


def _what_changed(con: Connection, candidate: Candidate) -> str:
    closed_at_load = con.execute(
        "SELECT as_of_load FROM ops.closes WHERE period_month = ? AND close_version = ?",
        [candidate.month, candidate.last_version],
    ).fetchall()[0][0]
    loads = rows(
        con,
        """
        SELECT feed, count(*) AS load_count, sum(loaded_count)::BIGINT AS row_count
        FROM ops.loads WHERE status = 'loaded' AND load_id > ? AND loaded_count + superseded_count > 0
        GROUP BY feed ORDER BY feed
        """,
        [closed_at_load],
    )
    since = ", ".join(
        f"{_counted(load['row_count'], 'row')} of {load['feed']} in {_counted(load['load_count'], 'load')}"
        for load in loads
    )
    month = month_name(candidate.month)
    return (
        f"{month} is closed (version {candidate.last_version}) and would come out differently now: "
        f"{', '.join(candidate.changed_tables)}. Since then: {since or 'no load; settings or models changed'}. "
        f'To make a new version: kam close {month} --restate --reason "…"'
    )


def publish(site: Site, *, only_if_lagging: bool = False) -> bool:
    """Publish all committed versions; whether anything was written."""
    log.info("Publishing …")
    with warehouse(site) as con:
        if only_if_lagging and not publication.lags(con, site):
            return False
        prepare_marts(con)
        publication.publish(con, site)
        return True


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


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


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
    with writing(site, purpose, on_wait=log.info), warehouse(site):
        yield
