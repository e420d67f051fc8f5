"""Prefect as a guest on the console: set up before it is imported, silent except for our own progress lines.

Variables that are set already are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from rich.console import Console

from kam.cli.embedded_server import EmbeddedServer
from kam.cli.json_lines import lines, show_prefect
from kam.cli.progress import progress
from kam.cli.server import Server, home
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
    elif lines.is_on:
        show_prefect()


def run_quietly(
    flow: Callable[[], Result], site: Site, server: Server | None, *, console: Console, stages: Console, verbose: bool
) -> Result:
    """Run a flow on a server with our progress lines on the console (`progress`), and Prefect's own log only when `verbose`.

    Without a server one is started that ends with this process and keeps its history in the site.
    """
    configure(verbose=verbose)
    if server is None:
        os.environ.setdefault("PREFECT_HOME", str(home(site)))
    with console.status(f"{site.settings.site.name}: starting …") as status:
        embedded = EmbeddedServer() if server is None else None
        url = server.url if server else embedded.address if embedded else ""
        # Before Prefect is imported: its threads and the processes of its task runners know the settings from then, not those of the
        # block below. Without an address one of them would start a server of its own, which nobody ends.
        os.environ["PREFECT_API_URL"] = url
        # Importing Prefect sets up logging, so our progress lines come after it.
        from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        from flows import handing_over

        try:
            settings: dict[Any, Any] = {PREFECT_API_URL: url}
            if embedded:
                embedded.wait()
                # A heartbeat costs a second at the end of each flow, and the server ends with this process anyway.
                settings[PREFECT_FLOWS_HEARTBEAT_FREQUENCY] = None
            with progress(console, status, stages), temporary_settings(settings), handing_over(site):
                return flow()
        except RuntimeError as error:
            if "Failed to reach API" not in str(error):
                raise
            message = (
                f"{error}. Is the Prefect server of {server.named_by if server else 'this command'} running? "
                "Without a server that is named, the steps run without Prefect"
            )
            raise KamError(message) from None
