"""A Prefect server that is a process of ours: whether it answers, and that it ends with us."""

from __future__ import annotations

import atexit
import os
import subprocess
import time
from contextlib import suppress

WAIT_SECONDS = 120
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 5


def answers(server: subprocess.Popen[bytes], api: str) -> bool:
    """Wait until the server answers at this address; False when it ends or takes too long."""
    import httpx

    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{api}/health", timeout=_PATIENCE_SECONDS).is_success:
                return True
        time.sleep(_LOOK_SECONDS)
    return False


def end_with_this_process(server: subprocess.Popen[bytes]) -> None:
    """End the server even when this process is killed and cannot stop it.

    A shell waits at a pipe that closes with this process, however it ends.
    """
    if os.name != "posix":
        return
    waiting = subprocess.Popen(  # noqa: S603 - our own words and a number
        ["/bin/sh", "-c", 'read -r _; kill -9 "$0"', str(server.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # After the server was stopped, so that a kill meanwhile leaves none.
    atexit.register(waiting.kill)
