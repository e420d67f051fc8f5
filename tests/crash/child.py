"""Runs the commands of a site without Prefect, each in a process of its own that may be killed.

`python -m tests.crash.child` reads one request a line and answers each with one line; both are JSON. It has everything
imported already and forks for a run, so that a run takes no longer than its work.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import expectations.engine  # noqa: F401 - imported before the fork
from kam.alerts import run_approve, run_close, run_ingest, run_publish
from kam.cli import commands
from kam.close import Run, Terms
from kam.errors import KamError
from kam.ingest import ordered_feeds
from kam.periods import months_between, parse_month
from kam.site import find_site
from tests.crash import clock
from tests.crash.points import Points, install


def main() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where whoever started the tests ignores it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for line in sys.stdin:
        print(json.dumps(_served(json.loads(line))), flush=True)  # noqa: T201 - the answer


def _served(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run what a request asks for; how it ended."""
    process = os.fork()
    if process == 0:
        _run(request)
    if request.get("kill_after_seconds") is not None:
        time.sleep(request["kill_after_seconds"])
        os.kill(process, request.get("signal", signal.SIGKILL))
    _, status = os.waitpid(process, 0)
    return {"status": os.waitstatus_to_exitcode(status)}


def _run(request: Mapping[str, Any]) -> None:
    """Do one run and end the process, whatever happens; `result` is the file that gets what is worth telling."""
    status, message = 1, ""
    points = Points(
        request.get("kill_at", 0),
        request.get("named", ""),
        request.get("signal", signal.SIGKILL),
        request.get("way", "at"),
    )
    os.environ.update(request["environment"])
    os.environ["ERP_URL"] = f"sqlite:///{request['site']}/erp.sqlite"
    try:
        clock.set_back(request.get("clock_back_seconds") or 0)
        install(points)
        if "kam" in request:
            status, message = _kam(["--site", request["site"], *request["kam"]])
        else:
            _command(request["command"], request["site"], request["arguments"])
            status = 0
    except KamError as error:
        status, message = error.exit_code, str(error)
    except BaseException:  # noqa: BLE001 - the test shows it
        message = traceback.format_exc()
    finally:
        # Where the site's disk may be full.
        Path(request["result"]).write_text(json.dumps({"message": message, "points": points.passed}))
        os._exit(status)


def _kam(arguments: list[str]) -> tuple[int, str]:
    """Run the command line; exit status, and all that it printed."""
    sys.argv, printed = ["kam", *arguments], io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            commands.main()
        except SystemExit as ended:
            return int(ended.code or 0), printed.getvalue()
    return 0, printed.getvalue()


def _command(name: str, folder: str, arguments: Mapping[str, Any]) -> None:
    """What the command line runs for this command where no Prefect server is configured."""
    site, terms = find_site(Path(folder)), Terms(arguments.get("restate", False), arguments.get("reason", ""))
    if name == "ingest":
        run_ingest(site, Run("ingest", terms=terms), ordered_feeds(site))
    elif name == "publish":
        run_publish(site, Run("publish"))
    elif name == "approve":
        month = parse_month(arguments["period"])
        run_approve(site, Run("approve", [month]), {month: arguments["version"]}, "looked at it")
    elif name == "close":
        run_close(site, Run("close", [parse_month(arguments["period"])], terms=terms))
    else:
        months = months_between(parse_month(arguments["first"]), parse_month(arguments["last"]))
        run_close(site, Run("backfill", months, terms=terms))


if __name__ == "__main__":
    main()
