"""Prefect as a guest on the console: set up before it is imported, silent except for our own progress lines.

Without a configured server an embedded one is started; `PREFECT_API_URL` names another. Variables that are set already are
left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from rich.console import Console

from expectations import warm_up
from kam.cli.embedded_server import EmbeddedServer
from kam.cli.progress import progress
from kam.errors import KamError
from kam.site import Site

Result = TypeVar("Result")
_ENVIRONMENT = {
    # An offline machine would log an error for each telemetry call.
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
    # Our steps can be called without a flow, too.
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    # Our progress lines belong to the run's log on the server.
    "PREFECT_LOGGING_EXTRA_LOGGERS": "kam",
}


def configure(*, verbose: bool = False) -> None:
    """Set the environment that Prefect reads when it is imported."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if not verbose:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def run_quietly(
    flow: Callable[[], Result], site: Site, *, console: Console, stages: Console, verbose: bool, validates: bool
) -> Result:
    """Run a flow with our progress lines on the console (`progress`), and Prefect's own log only when `verbose`.

    If it `validates`, Great Expectations is imported while the embedded server starts.
    """
    configure(verbose=verbose)
    with console.status(f"{site.settings.site.name}: starting …") as status:
        # Importing Prefect sets up logging, so our progress lines come after it.
        from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        server = None if PREFECT_API_URL.value() else EmbeddedServer()
        from flows import handing_over

        if validates:
            warm_up()
        try:
            # A heartbeat costs a second at the end of each flow, and the embedded server ends with this process anyway.
            settings = {PREFECT_API_URL: server.url(), PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None} if server else {}
            with progress(console, status, stages), temporary_settings(settings), handing_over(site):
                return flow()
        except RuntimeError as error:
            if "Failed to reach API" not in str(error):
                raise
            message = f"{error}. Is the Prefect server of PREFECT_API_URL running? Without that variable an embedded one is started"
            raise KamError(message) from None
        except KeyboardInterrupt:
            message = "Stopped. Nothing half-done was published; run the command again to continue"
            raise KamError(message) from None
