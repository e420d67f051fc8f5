"""The deployments of one site, for a worker or for `kam serve`: their flows, schedules, parameters and names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.annotations import freeze

from kam.errors import SettingsError
from kam.site import ListedSite
from kam.words import slug

TAG = "kam-close"
"""`automations.yaml` recognises our runs by it."""
ENVIRONMENT = {
    # Our progress lines belong to the run's log on the server.
    "PREFECT_LOGGING_EXTRA_LOGGERS": "kam",
    # The shortest that Prefect has; automations.yaml marks a run as crashed after ten missed ones.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
}
_ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)


@dataclass(frozen=True)
class Kind:
    """One deployment of a site: its flow, its name, what it does, which schedule it has, and in whose name it acts."""

    flow: str
    name: str
    description: str
    schedule: str = ""
    identity: str = ""


KINDS = (
    Kind("ingest", "daily", "Loads what is new in the landing folder.", "ingest"),
    Kind("monthly_close", "monthly", "Closes the month before the one in which the run is due.", "close"),
    Kind("backfill", "on-demand", "Closes every month from first to last."),
    Kind("publish", "on-demand", "Publishes all committed versions again."),
    Kind("forecast", "on-demand", "Forecasts every item at the end of a month."),
    Kind("ageing", "on-demand", "Writes the receivables as they stood at the end of a day, by default yesterday."),
    Kind("withdraw", "on-demand", "Takes back the newest version of a month."),
    Kind("approve", "on-demand", "Approves a version of a month that waits for it, and publishes it."),
)
_BY_PEOPLE = frozenset(("monthly_close", "backfill", "withdraw", "approve"))
"""Flows whose runs are put on record with an identity."""


def kinds_of(listed: ListedSite) -> list[Kind]:
    """The deployments of a site: those of every site, and one for each of its approvers, in their name."""
    approve = next(kind for kind in KINDS if kind.flow == "approve")
    description = "Approves a version of a month in the name of {}, and publishes it."
    of_people = (
        replace(approve, name=f"approve-{slug(who)}", description=description.format(who), identity=who)
        for who in listed.approvers
    )
    return [*KINDS, *of_people]


def require_crons(listed: ListedSite) -> None:
    """Raise `SettingsError` for a schedule that is no cron, or has no time zone."""
    if not listed.timezone:
        message = f"sites.{listed.key}: needs a timezone, because its kam.toml was not read"
        raise SettingsError(message)
    for schedule in ("ingest", "close"):
        cron = getattr(listed, schedule)
        try:
            _ = cron and CronSchedule(cron=cron, timezone=listed.timezone)
        except ValueError:
            message = f"sites.{listed.key}: {schedule}: {cron!r} is no cron. Write it as '0 7 3 * *'"
            raise SettingsError(message) from None


def full_names(listed: ListedSite) -> list[str]:
    """The names of the deployments of a site, such as `monthly_close/monthly-leipzig`."""
    return [f"{kind.flow}/{_name(kind, listed)}" for kind in kinds_of(listed)]


def deployments(listed: ListedSite, tags: Sequence[str] = (), paused: Collection[str] = ()) -> list[RunnerDeployment]:
    """The deployments of a site, with more tags. Those in `paused` have their schedule paused."""
    return [_deployment(kind, listed, tags, is_paused=_name(kind, listed) in paused) for kind in kinds_of(listed)]


def paused_schedules(client: SyncPrefectClient, listed: ListedSite) -> set[str]:
    """Of which deployments somebody paused the schedule on the server."""
    found = set()
    for kind in kinds_of(listed):
        try:
            deployment = client.read_deployment_by_name(f"{kind.flow}/{_name(kind, listed)}")
        except ObjectNotFound:
            continue
        if any(not schedule.active for schedule in deployment.schedules):
            found.add(_name(kind, listed))
    return found


def refuse_unknown_parameters(client: SyncPrefectClient, deployment_id: UUID) -> None:
    """Let the server refuse parameters that the flow does not have; else the run would crash without a word."""
    schema = client.read_deployment(deployment_id).parameter_openapi_schema
    strict = {**(schema or {}), "additionalProperties": False}
    changed = client.request(
        "PATCH", "/deployments/{id}", path_params={"id": deployment_id}, json={"parameter_openapi_schema": strict}
    )
    changed.raise_for_status()


def _name(kind: Kind, listed: ListedSite) -> str:
    return f"{kind.name}-{listed.key}"


def _deployment(kind: Kind, listed: ListedSite, tags: Sequence[str], *, is_paused: bool) -> RunnerDeployment:
    flow: Any = getattr(import_module(f"flows.{kind.flow}"), kind.flow)
    cron = getattr(listed, kind.schedule) if kind.schedule else ""
    schedules = []
    identity = {"identity": freeze(kind.identity)} if kind.flow in _BY_PEOPLE else {}
    if cron:
        schedule = CronSchedule(cron=cron, timezone=listed.timezone)
        schedules.append(DeploymentScheduleCreate(schedule=schedule, active=not is_paused, slug=kind.schedule))
    made: RunnerDeployment = flow.to_deployment(
        name=_name(kind, listed),
        description=kind.description,
        # The form shows them and lets nobody change them.
        parameters={"site": freeze(listed.folder)} | identity,
        schedules=schedules,
        concurrency_limit=_ONE_AT_A_TIME,
        tags=[TAG, f"site:{listed.key}", *tags],
        work_pool_name=listed.pool,
        work_queue_name=listed.queue,
        job_variables={"env": ENVIRONMENT} if listed.pool else None,
        # A worker imports the flow from where kam-close is installed, whatever folder it was deployed from.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return made
