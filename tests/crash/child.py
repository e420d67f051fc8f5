"""Runs the commands of a site without Prefect's engine, each in a process of its own that may be killed.

`python -m tests.crash.child` reads one request a line and answers each with one line; both are JSON. It has everything
imported already and forks for a run, so that a run takes no longer than its work.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import expectations.engine  # noqa: F401 - imported before the fork
import flows.backfill
import flows.ingest
import flows.monthly_close
import flows.publish
import tasks.running
from kam.close import PLAIN
from kam.errors import KamError
from tests.crash import clock
from tests.crash.points import Points, install


def main() -> None:
    """Answer requests until there are no more."""
    _without_prefect()
    for line in sys.stdin:
        print(json.dumps(_served(json.loads(line))), flush=True)  # noqa: T201 - the answer


def _without_prefect() -> None:
    """Flows walk the plain functions in place of the tasks around them, and leave no artifacts."""
    for module in (flows.ingest, flows.publish, tasks.running):
        module.TASKS = PLAIN
        module.alert = tasks.alert.fn
    tasks.running.leave_artifacts = lambda *_: None  # type: ignore[assignment]
    flows.ingest.leave_load_artifact = lambda *_: None  # type: ignore[assignment]


def _served(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run what a request asks for; how it ended."""
    process = os.fork()
    if process == 0:
        _run(request)
    if request.get("kill_after_seconds") is not None:
        time.sleep(request["kill_after_seconds"])
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return {"status": os.waitstatus_to_exitcode(status)}


def _run(request: Mapping[str, Any]) -> None:
    """Do one run and end the process, whatever happens; `result` is the file that gets what is worth telling."""
    status, message, points = 1, "", Points(request.get("kill_at", 0), request.get("named", ""))
    os.environ["ERP_URL"] = f"sqlite:///{request['site']}/erp.sqlite"
    try:
        clock.set_back(request.get("clock_back_seconds") or 0)
        install(points)
        _command(request["command"], request["site"], request["arguments"])()
        status = 0
    except KamError as error:
        status, message = error.exit_code, str(error)
    except BaseException:  # noqa: BLE001 - the test shows it
        message = traceback.format_exc()
    finally:
        # Where the site's disk may be full.
        Path(request["result"]).write_text(json.dumps({"message": message, "points": points.passed}))
        os._exit(status)


def _command(name: str, site: str, arguments: Mapping[str, Any]) -> Callable[[], Any]:
    module, flow = {
        "ingest": ("ingest", "ingest"),
        "close": ("monthly_close", "monthly_close"),
        "backfill": ("backfill", "backfill"),
        "publish": ("publish", "publish"),
    }[name]
    function = getattr(importlib.import_module(f"flows.{module}"), flow).fn
    return lambda: function(site, **arguments)


if __name__ == "__main__":
    main()
