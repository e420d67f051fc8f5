"""`kam serve`: all deployments of one site in one process, with schedules and automations, without pool and worker."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from kam.cli import automations, prefect_runtime
from kam.cli.console import out, problems
from kam.cli.server import Server
from kam.errors import KamError, UsageError
from kam.site import Site, alone, require_approvers
from kam.stops import leave_to_others

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.runner import Runner


_START_SECONDS = 0.1
_LOOK_SECONDS = 2
"""How often is asked for runs that are due. Prefect's 10 seconds are a fifth of a short close."""


def serve(
    site: Site, server: Server | None, *, ingest: str, close: str, limit: int, approvers: Sequence[str] = ()
) -> None:
    """Serve the deployments of a site until the process is stopped; at most `limit` runs at a time.

    Each run is a process of its own. Raises `UsageError` without a server, `SettingsError` for a wrong schedule.
    """
    if server is None:
        message = (
            "there is no Prefect server to serve runs from. Set PREFECT_API_URL to its address, or start one: "
            + site.command("ui")
        )
        raise UsageError(message)
    # What the runs inherit.
    prefect_runtime.configure(verbose=True)
    os.environ["PREFECT_API_URL"] = server.url
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: server.url}):
        _serve(site, server, ingest=ingest, close=close, limit=limit, approvers=approvers)


def _serve(site: Site, server: Server, *, ingest: str, close: str, limit: int, approvers: Sequence[str]) -> None:
    from dataclasses import replace

    import httpx
    from prefect.client.orchestration import get_client
    from prefect.runner import Runner

    from flows.deployments import ENVIRONMENT, deployments, paused_schedules, refuse_unknown_parameters, require_crons

    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    listed = replace(alone(site), ingest=ingest, close=close, approvers=tuple(approvers))
    require_approvers(listed.approvers)
    require_crons(listed)
    # A schedule is not paused at the end: what became due meanwhile is made up for.
    runner = Runner(name=f"kam-close {site.slug}", limit=limit, pause_on_shutdown=False, query_seconds=_LOOK_SECONDS)
    try:
        with get_client(sync_client=True) as client:
            served = deployments(listed, paused=paused_schedules(client, listed))
            for deployment in served:
                refuse_unknown_parameters(client, cast("UUID", runner.add_deployment(deployment)))
    except httpx.HTTPStatusError as error:
        answer = f"{error.response.status_code} {error.response.reason_phrase}"
        message = (
            f"{server.url} answered {answer}. Is it a Prefect server, and is PREFECT_API_AUTH_STRING its password?"
        )
        raise KamError(message) from None
    except (httpx.TransportError, RuntimeError) as error:
        if not isinstance(error, httpx.TransportError) and "Failed to reach API" not in str(error):
            raise
        message = f"{server.url} does not answer ({error}). Is the Prefect server of {server.named_by} running?"
        raise KamError(message) from None
    _apply_automations()
    for deployment in served:
        out.print(f"Serving {deployment.flow_name}/{deployment.name}", markup=False)
    out.print(f"Runs of {site.settings.site.name} are on {server.url}. Stop: Ctrl-C", markup=False)
    leave_to_others()
    asyncio.run(_until_told_to_end(runner))


async def _until_told_to_end(runner: Runner) -> None:
    """Serve until SIGTERM: then runs are cancelled, and it ends when they have ended."""
    serving = asyncio.create_task(runner.start())
    while not (runner.started or serving.done()):  # noqa: ASYNC110 - Prefect has no event for it
        await asyncio.sleep(_START_SECONDS)
    # In place of Prefect's own, which ends the process and leaves its runs behind.
    loop, ending = asyncio.get_running_loop(), set[asyncio.Task[None]]()
    loop.add_signal_handler(signal.SIGTERM, lambda: ending.add(loop.create_task(runner.astop())))
    await serving
    for task in ending:
        await task


def _apply_automations() -> None:
    """Also where no message can be sent: a mail server that is away while this one starts must not keep months from closing."""
    if not os.environ.get(automations.ADDRESS_VARIABLE):
        out.print(
            f"{automations.ADDRESS_VARIABLE} is not set: nobody gets a message about a run that crashed or is late."
        )
        return
    try:
        automations.apply()
    except KamError as error:
        problems.print(str(error), markup=False, soft_wrap=True)
        problems.print("The automations on the server stay as they are. The deployments are served all the same.")
