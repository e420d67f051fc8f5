"""The way from extracts to published versions, the same for one month and for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from kam.ingest import ordered_feeds
from kam.report import CloseReport
from kam.settings import Site
from kam.steps import headlines, require_closed, require_loaded, require_reason, require_valid, writing_session
from tasks.artifacts import leave_artifacts
from tasks.closing import build_marts, commit_month, prepare_months, validate_feeds, validate_marts
from tasks.loading import load_feeds
from tasks.publishing import publish


def close_months(
    place: Site, months: Sequence[date], purpose: str, *, restate: bool, reason: str, accept_shrink: bool
) -> CloseReport:
    """Load, validate, build as a set, validate, commit month by month, publish.

    Raises the error of the first month that failed or needs a restatement, after the others are committed and
    published.
    """
    require_reason(restate=restate, reason=reason)
    site = str(place.directory)
    report = CloseReport()
    try:
        with writing_session(place, purpose):
            report = replace(report, loads=load_feeds(site, ordered_feeds(place), accept_shrink=accept_shrink))
            require_loaded(report.loads)
            as_of_load = prepare_months(site, months, restate=restate)
            report = replace(report, checks=tuple(validate_feeds(site, as_of_load)))
            require_valid(report.checks, (), months)
            built = build_marts(site, as_of_load)
            mart_checks, controls = validate_marts(site, as_of_load)
            checks = (*report.checks, *mart_checks)
            report = replace(report, checks=checks, controls=tuple(controls), empty_because=built.empty_because)
            outcomes = tuple(
                commit_month(
                    site, month, as_of_load=as_of_load, checks=checks, controls=controls, restate=restate, reason=reason
                )
                for month in months
            )
            report = replace(report, months=outcomes, headlines=tuple(headlines(place, months)))
            report = replace(report, published=publish(site, only_if_lagging=True))
    finally:
        # Also of a run that failed: they say how far it came and why.
        leave_artifacts(report, months)
    require_closed(outcomes)
    return report
