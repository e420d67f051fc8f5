"""The way from extracts to published versions, the same for one month and for many."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Literal

from expectations import CheckResult
from expectations.site import require_valid
from kam.alerts import Run
from kam.close import (
    Action,
    CloseReport,
    ControlTotal,
    MonthOutcome,
    Terms,
    require_closed,
    require_loaded,
    require_reason,
    steps,
    why_not_valid,
)
from kam.ingest import ordered_feeds
from kam.periods import month_name
from kam.site import Site
from tasks.alerting import writing_and_alerting
from tasks.artifacts import leave_artifacts, leave_plan_artifact
from tasks.closing import build_marts, commit_month, plan_months, prepare_months, validate_feeds, validate_marts
from tasks.loading import load_feeds
from tasks.publishing import publish

log = logging.getLogger("kam")


def close_months(place: Site, months: Sequence[date], purpose: str, terms: Terms) -> CloseReport:
    """Load, validate, build in sets, validate, commit month by month, publish, tell people.

    Raises the error of the first month that failed or needs a restatement, after the others are committed and
    published.
    """
    require_reason(restate=terms.restate, reason=terms.reason)
    site = str(place.directory)
    report = CloseReport()
    kind: Literal["close", "backfill"] = "backfill" if terms.skip else "close"
    try:
        with writing_and_alerting(place, purpose, lambda: Run(kind, months, report, terms)):
            require_valid(place)
            if terms.is_as_now and not terms.dry_run:
                report = replace(
                    report, loads=load_feeds(site, ordered_feeds(place), accept_shrink=terms.accept_shrink)
                )
                require_loaded(report.loads)
            known = steps.known_load(place, as_of_load=terms.as_of_load, as_known_on=terms.as_known_on)
            report = replace(report, planned=tuple(plan_months(site, months, known, restate=terms.restate)))
            if terms.dry_run:
                return report
            report = replace(report, corrections=tuple(steps.corrections_in_force(place)))
            for so_far in _closed(place, report, known, terms):
                report = so_far
            report = replace(report, headlines=tuple(steps.headlines(place, months)))
            report = replace(report, published=publish(site, only_if_lagging=True))
    finally:
        # Also of a run that failed: they say how far it came and why. A dry run must not replace those of a real one.
        if terms.dry_run:
            leave_plan_artifact(report.planned, months)
        else:
            leave_artifacts(report, months)
    require_closed(report.months)
    return report


def _closed(place: Site, report: CloseReport, known: int, terms: Terms) -> Iterator[CloseReport]:
    """Close the months that are not up to date, set by set; the report after each."""
    left = [month.month for month in report.planned if month.action is not Action.SKIP or not terms.skip]
    up_to_date = [month for month in report.planned if month.month not in left]
    report = report.with_months([MonthOutcome(month.month, "unchanged", month.version) for month in up_to_date])
    total = len(left)
    for months in steps.chunks(tuple(left), place.settings.run.months_at_once):
        if len(months) < total:
            log.info("%s to %s, of %d months …", month_name(months[0]), month_name(months[-1]), total)
        checks, controls, empty_because = _built(place, months, known, terms)
        outcomes = []
        for month in months:
            outcomes.append(_committed(place, month, known, terms, checks, controls))
            left.remove(month)
            if total > 1:
                done = f"{total - len(left)} of {total} done, {len(left)} left"
                log.info("%s: %s; %s", month_name(month), outcomes[-1].outcome, done)
            if outcomes[-1].outcome == "failed" and terms.stop_on_failure:
                break
        report = report.with_months(outcomes, checks, controls, empty_because)
        if terms.stop_on_failure and outcomes[-1].outcome == "failed":
            break
        yield report
    yield report.with_months([MonthOutcome(month, "left", 0) for month in left])


def _built(
    place: Site, months: Sequence[date], known: int, terms: Terms
) -> tuple[Sequence[CheckResult], Sequence[ControlTotal], Mapping[str, str]]:
    """Validate the feeds, build the candidates, validate them: checks, control totals, and why tables are empty.

    Nothing is built when no month's feeds pass.
    """
    site = str(place.directory)
    prepare_months(site, months, known, restate=terms.restate)
    checks = validate_feeds(site, known)
    if all(why_not_valid(checks, (), month) for month in months):
        return checks, (), {}
    built = build_marts(site, known)
    mart_checks, controls = validate_marts(site, known)
    return [*checks, *mart_checks], controls, built.empty_because


def _committed(
    place: Site,
    month: date,
    known: int,
    terms: Terms,
    checks: Sequence[CheckResult],
    controls: Sequence[ControlTotal],
) -> MonthOutcome:
    return commit_month(
        str(place.directory),
        month,
        as_of_load=known,
        checks=checks,
        controls=controls,
        restate=terms.restate,
        reason=terms.reason,
    )
