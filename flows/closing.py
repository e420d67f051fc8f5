"""The way from extracts to published versions, the same for one month and for many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from kam.errors import KamError
from kam.ingest import ordered_feeds
from kam.report import CloseReport
from kam.settings import Site
from kam.steps import headlines, require_closed, require_loaded, require_reason, require_valid, writing_session
from tasks.artifacts import leave_artifacts
from tasks.closing import build_marts, commit_month, prepare_months, validate_feeds, validate_marts
from tasks.loading import load_feed
from tasks.publishing import publish


def close_months(place: Site, months: Sequence[date], purpose: str, *, restate: bool, reason: str) -> CloseReport:
    """Load, validate, build as a set, validate, commit month by month, publish.

    Raises the error of the first month that failed or needs a restatement, after the others are committed and published.
    """
    require_reason(restate=restate, reason=reason)
    site = str(place.directory)
    with writing_session(place, purpose):
        loads = tuple(load for feed in ordered_feeds(place) for load in load_feed(site, feed))
        require_loaded(loads)
        as_of_load = prepare_months(site, months, restate=restate)
        feed_checks = validate_feeds(site, as_of_load)
        report = CloseReport(loads=loads, checks=tuple(feed_checks))
        try:
            require_valid(feed_checks, (), months)
        except KamError:
            leave_artifacts(report, months)
            raise
        built = build_marts(site, as_of_load)
        mart_checks, controls = validate_marts(site, as_of_load)
        checks = (*feed_checks, *mart_checks)
        outcomes = tuple(
            commit_month(
                site, month, as_of_load=as_of_load, checks=checks, controls=controls, restate=restate, reason=reason
            )
            for month in months
        )
        published = publish(site, only_if_lagging=True)
        report = CloseReport(
            outcomes, loads, checks, tuple(controls), tuple(headlines(place, months)), built.empty_because, published
        )
    leave_artifacts(report, months)
    require_closed(outcomes)
    return report
