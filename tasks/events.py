"""Events of months, for automations: `kam-close.month.published` and the like, of the resource `kam-close.<site>.<month>`."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import date, datetime, time

from prefect.events import emit_event

from kam.close import Approval, MonthOutcome, Outcome, Run
from kam.periods import add_months, month_name
from kam.report import Ending, Standing
from kam.site import Site
from tasks.artifacts import guarded

_LONGEST_MESSAGE = 2_000
_STANDING = (Outcome.CLOSED, Outcome.UNCHANGED)


def tell_of_months(site: Site, run: Run, ended: Ending, standing: Standing) -> None:
    """Emit what happened to each month of a run: published, preliminary, failed, in need of a restatement, or locked."""
    outcomes = {month.month: month for month in run.report.months}
    for month in run.months:
        outcome = outcomes.get(month)
        if outcome is None or outcome.outcome is Outcome.FAILED:
            if ended.failed:
                _emit(site, "failed", month, why=ended.name, message=_message(outcome, ended))
        elif outcome.outcome is Outcome.LOCKED:
            _emit(site, "locked", month, version=outcome.version, message=_message(outcome, ended))
        elif outcome.is_preliminary:
            _emit(site, "preliminary", month, version=outcome.version, seen=outcome.seen)
        elif outcome.outcome is Outcome.CHANGED:
            _emit(site, "needs-restatement", month, version=outcome.version, message=_message(outcome, ended))
        elif outcome.outcome in _STANDING and run.report.published:
            _tell_what_is_published(site, month, standing)


def tell_of_approvals(site: Site, approvals: Sequence[Approval], comment: str, standing: Standing) -> None:
    """Emit that versions were approved, and that readers see them."""
    for approval in approvals:
        if approval.is_new:
            _emit(
                site,
                "approved",
                approval.month,
                version=approval.version,
                approved_by=approval.approved_by,
                comment=comment[:_LONGEST_MESSAGE],
            )
        _tell_what_is_published(site, approval.month, standing)


def _tell_what_is_published(site: Site, month: date, standing: Standing) -> None:
    if month not in standing:
        return
    seen = standing[month]
    _emit(
        site,
        "published",
        month,
        # A month that is published before it is over still counts as published when it is.
        occurred=max(datetime.now(zoneinfo.ZoneInfo("UTC")), _over(site, month)),
        version=seen.version,
        verdict=seen.verdict,
        content_hash=seen.content_hash,
    )


def tell_of_withdrawal(site: Site, month: date, version: int, reason: str) -> None:
    """Emit that a version was taken back."""
    _emit(site, "withdrawn", month, version=version, reason=reason)


def tell_what_is_awaited(site: Site) -> None:
    """Emit when this month and the next one will be over, so that a server can tell that one was not published in time.

    The event happens at that moment, which lies ahead. It is the same one in every run.
    """
    zone = zoneinfo.ZoneInfo(site.settings.site.timezone)
    this = datetime.now(zone).date().replace(day=1)
    for month in (this, add_months(this, 1)):
        _emit(site, "awaited", month, occurred=_over(site, month))


def _emit(site: Site, what: str, month: date, *, occurred: datetime | None = None, **payload: object) -> None:
    name, site_name = month_name(month), site.settings.site.name
    payload = {"site": site_name, "month": name, "folder": str(site.directory)} | payload
    resource = {
        "prefect.resource.id": f"kam-close.{site.slug}.{name}",
        "prefect.resource.name": f"{site_name} {name}",
        "kam-close.site": site.slug,
        "kam-close.month": name,
    }
    guarded(lambda: emit_event(f"kam-close.month.{what}", resource=resource, occurred=occurred, payload=payload))


def _over(site: Site, month: date) -> datetime:
    """The moment at which a month is over where the site is."""
    return datetime.combine(add_months(month, 1), time(), zoneinfo.ZoneInfo(site.settings.site.timezone))


def _message(outcome: MonthOutcome | None, ended: Ending) -> str:
    return ((outcome.message if outcome else "") or ended.message)[:_LONGEST_MESSAGE]
