"""Prefect as a guest on the console: set up before it is imported, silent except for our own progress lines.

Without a configured server Prefect starts its embedded one; `PREFECT_API_URL` names another. Variables that are set
already are left alone.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any, TypeVar

from rich.console import Console

from kam.cli.progress import progress
from kam.errors import KamError
from kam.site import Site

Result = TypeVar("Result")
_ENVIRONMENT = {
    # An offline machine would log an error for each telemetry call.
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # The default of 20 seconds is short for a small machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
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


def run_quietly(flow: Callable[[], Result], site: Site, *, console: Console, verbose: bool) -> Result:
    """Run a flow with our progress lines on the console, and Prefect's own log only when `verbose`."""
    configure(verbose=verbose)
    with console.status(f"{site.settings.site.name}: starting …") as status:
        # Importing Prefect sets up logging, so our progress lines come after it.
        from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        from flows import handing_over

        unneeded = {}
        if not PREFECT_API_URL.value():
            _shield_embedded_server()
            # A heartbeat costs a second at the end of each flow, and the embedded server ends with this process anyway.
            unneeded = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
        try:
            with progress(console, status), temporary_settings(unneeded), handing_over(site):
                return flow()
        except RuntimeError as error:
            if "Failed to reach API" not in str(error):
                raise
            message = f"{error}. Is the Prefect server of PREFECT_API_URL running? Without that variable an embedded one is started"
            raise KamError(message) from None
        except KeyboardInterrupt:
            message = "Stopped. Nothing half-done was published; run the command again to continue"
            raise KamError(message) from None


def _shield_embedded_server() -> None:
    """Keep Ctrl-C from the embedded server, which has to hear from the stopped flow and ends with this process anyway.

    A terminal sends the interrupt to all processes of a command. Without its server the flow would try for minutes to
    report that it was stopped. A process inherits the signals that are blocked where it is started.
    """
    from prefect.server.api.server import SubprocessASGIServer

    if not hasattr(signal, "pthread_sigmask"):  # Windows, where there is no such inheritance
        return
    start = SubprocessASGIServer._run_uvicorn_command  # noqa: SLF001 - Prefect has no setting for it

    def start_shielded(self: SubprocessASGIServer) -> subprocess.Popen[Any]:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            server = start(self)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _end_with_this_process(server)
        return server

    SubprocessASGIServer._run_uvicorn_command = start_shielded  # type: ignore[method-assign]  # noqa: SLF001


def _end_with_this_process(server: subprocess.Popen[Any]) -> None:
    """End the server even when this process is killed and cannot stop it.

    A shell waits at a pipe that closes with this process, however it ends.
    """
    waiting = subprocess.Popen(  # noqa: S603 - our own words and a number
        ["/bin/sh", "-c", 'read -r _; kill -9 "$0"', str(server.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Handlers run from last to first, so Prefect's own has stopped the server before this one.
    atexit.register(waiting.kill)
