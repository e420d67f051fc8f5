"""The steps from loaded feeds to committed versions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations import CheckResult
from kam.close import BuildSummary, ControlTotal, EvenThough, MonthOutcome, MonthPlan, steps
from kam.site import Site


@task(task_run_name="plan", cache_policy=NO_CACHE)
def plan_months(site: Site, months: Sequence[date], as_of_load: int, *, restate: bool) -> list[MonthPlan]:
    """What a run over these months would do with each, and why."""
    return steps.plan_months(site, months, as_of_load, restate=restate)


@task(task_run_name="prepare", cache_policy=NO_CACHE)
def prepare_months(site: Site, months: Sequence[date], as_of_load: int, *, restate: bool) -> None:
    """Set up the build of these months."""
    steps.prepare_months(site, months, as_of_load, restate=restate)


@task(task_run_name="validate-feeds", cache_policy=NO_CACHE)
def validate_feeds(site: Site, as_of_load: int) -> list[CheckResult]:
    """Run the suites of the feeds."""
    return steps.validate_feeds(site, as_of_load)


@task(task_run_name="build-marts", cache_policy=NO_CACHE)
def build_marts(site: Site, as_of_load: int) -> BuildSummary:
    """Build the candidates of all result tables."""
    return steps.build_marts(site, as_of_load)


@task(task_run_name="validate-marts", cache_policy=NO_CACHE)
def validate_marts(site: Site, as_of_load: int) -> tuple[list[CheckResult], list[ControlTotal]]:
    """Run the suites of the candidates, and compare the control totals."""
    return steps.validate_marts(site, as_of_load)


@task(task_run_name="store", cache_policy=NO_CACHE)
def store_ahead(
    site: Site,
    months: Sequence[date],
    *,
    as_of_load: int,
    checks: Sequence[CheckResult],
    controls: Sequence[ControlTotal],
    restate: bool,
) -> None:
    """Store the rows of months that are committed one by one."""
    steps.store_ahead(site, months, as_of_load=as_of_load, checks=checks, controls=controls, restate=restate)


@task(task_run_name="commit-{month:%Y-%m}", cache_policy=NO_CACHE)
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
    """Commit the candidate of one month as its next version."""
    return steps.commit_month(
        site,
        month,
        as_of_load=as_of_load,
        checks=checks,
        controls=controls,
        restate=restate,
        reason=reason,
        even_though=even_though,
        changed=changed,
    )
