"""Prefect's server as a process beside a run, where no other server is named.

Prefect would start one by itself. But it imports its whole server into the process of the run to do so, which takes as long
as the run, and its server hears the interrupts of the terminal.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys

from kam.cli.server_process import WAIT_SECONDS, answers, end_with_this_process
from kam.errors import KamError

# As Prefect starts its own: no pages, no services that outlive a run.
_ENVIRONMENT = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
_COMMAND = ("uvicorn", "--factory", "prefect.server.api.server:create_app", "--log-level", "error", "--lifespan", "on")


class EmbeddedServer:
    """A server that starts at once and ends with this process, after Prefect has sent it the last log lines.

    It has to be made before Prefect registers what it does at the end of the process: such functions run from last to
    first.
    """

    def __init__(self) -> None:
        """Start it; `address` is that of its API, and `wait` waits until it answers."""
        port = _free_port()
        self.address = f"http://127.0.0.1:{port}/api"
        # A session of its own: an interrupt of the terminal reaches the flow only, and the flow reports that it stopped.
        self._process = subprocess.Popen(  # noqa: S603 - our own words and a number
            [sys.executable, "-m", *_COMMAND, "--host", "127.0.0.1", "--port", str(port)],
            env=os.environ | _ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        end_with_this_process(self._process)
        atexit.register(self._end)

    def wait(self) -> None:
        """Return once it answers. Raises `KamError` when it ends or does not answer in time."""
        if answers(self._process, self.address):
            return
        ended = self._process.poll()
        what = f"did not answer in {WAIT_SECONDS} seconds" if ended is None else f"ended with exit status {ended}"
        message = (
            f"Prefect's embedded server {what}. Its database is in PREFECT_HOME (by default the site's folder prefect). "
            "To see more, run: prefect server start"
        )
        raise KamError(message)

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
