"""`kam ui`: a Prefect server of the site's own, for as long as somebody looks at it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import webbrowser

from kam.cli import prefect_runtime
from kam.cli.console import out
from kam.cli.server import configured_server, home, keep_running
from kam.cli.server_process import answers, end_with_this_process
from kam.errors import KamError, UsageError
from kam.site import Site


def serve(site: Site, port: int, *, opens_browser: bool) -> None:
    """Serve the pages on this machine until the process is stopped.

    Raises `UsageError` when the runs of the site belong to another server already, or the port is taken, and `KamError` when
    the server ends or does not answer.
    """
    if other := configured_server(site):
        message = f"the runs of this site are on {other.url}, the server of {other.named_by}. Look there"
        raise UsageError(message)
    _require_free(port)
    prefect_runtime.configure()
    folder = home(site)
    folder.mkdir(parents=True, exist_ok=True)
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - our own words and a number
            command, env=os.environ | {"PREFECT_HOME": str(folder)}, stdout=log, stderr=log
        )
    end_with_this_process(process)
    # A service manager stops it as a terminal does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    note = None
    try:
        with out.status("Prefect's server is starting …"):
            if not answers(process, f"{address}/api"):
                message = f"Prefect's server did not start. Its words are in {folder}/server.log"
                raise KamError(message)
        note = keep_running(site, f"{address}/api")
        out.print(
            f"{address}/runs shows the runs of {site.settings.site.name}. Commands of this site run there. Stop: Ctrl-C"
        )
        if opens_browser:
            webbrowser.open(f"{address}/runs")
        process.wait()
    except KeyboardInterrupt:
        out.print("Stopped.")
    finally:
        if note:
            note.unlink(missing_ok=True)
        process.terminate()
        process.wait()


def _require_free(port: int) -> None:
    with socket.socket() as tried:
        # As the server itself does: connections of one that ended a moment ago hold the port for a minute.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            message = f"port {port} cannot be had: {error.strerror}. Name another: --port {port + 1}"
            raise UsageError(message) from None
