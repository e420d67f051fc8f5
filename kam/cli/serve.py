"""`kam serve`: all deployments of one site in one process, with schedules and automations, without pool and worker."""

from __future__ import annotations

import asyncio
import os
import warnings
from typing import TYPE_CHECKING, cast

from kam.cli import automations, prefect_runtime
from kam.cli.console import out
from kam.cli.server import Server
from kam.errors import KamError, UsageError
from kam.site import Site, alone

if TYPE_CHECKING:
    from uuid import UUID


def serve(site: Site, server: Server | None, *, ingest: str, close: str, limit: int) -> None:
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
        _serve(site, server, ingest=ingest, close=close, limit=limit)


def _serve(site: Site, server: Server, *, ingest: str, close: str, limit: int) -> None:
    from dataclasses import replace

    from prefect.client.orchestration import get_client
    from prefect.runner import Runner

    from flows.deployments import ENVIRONMENT, deployments, paused_schedules, refuse_unknown_parameters, require_crons

    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    listed = replace(alone(site), ingest=ingest, close=close)
    require_crons(listed)
    # A schedule is not paused at the end: what became due meanwhile is made up for.
    runner = Runner(name=f"kam-close {site.slug}", limit=limit, pause_on_shutdown=False)
    try:
        with get_client(sync_client=True) as client:
            served = deployments(listed, paused=paused_schedules(client, listed))
            for deployment in served:
                refuse_unknown_parameters(client, cast("UUID", runner.add_deployment(deployment)))
    except RuntimeError as error:
        if "Failed to reach API" not in str(error):
            raise
        message = f"{error}. Is the Prefect server of {server.named_by} running?"
        raise KamError(message) from None
    if os.environ.get(automations.ADDRESS_VARIABLE):
        automations.apply()
    else:
        out.print(
            f"{automations.ADDRESS_VARIABLE} is not set: nobody gets a message about a run that crashed or is late."
        )
    for deployment in served:
        out.print(f"Serving {deployment.flow_name}/{deployment.name}", markup=False)
    out.print(f"Runs of {site.settings.site.name} are on {server.url}. Stop: Ctrl-C", markup=False)
    # What Prefect's own handler of SIGTERM leaves behind.
    warnings.filterwarnings("ignore", "coroutine 'Runner.astop'", RuntimeWarning)
    asyncio.run(runner.start())
