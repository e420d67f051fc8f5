"""From the trigger of a run on a Prefect server to its end, and where the time goes.

    PREFECT_API_URL=http://127.0.0.1:4200/api python -m benchmarks.trigger monthly_close/monthly-my-site period=2026-10

The server and a worker, or `kam serve`, are running. The run is a real one: take a month that is not closed.
"""

from __future__ import annotations

import argparse
import re
import time
from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun, Log
from prefect.client.schemas.sorting import LogSort
from prefect.types import DateTime

from benchmarks.measure import print_table

_LOOK_SECONDS = 0.2
# Logs arrive a little later than states.
_LOG_SECONDS = 5
_PAGE = 200
# How far a step is, but not the lines in between.
_DONE = re.compile(r"([a-z ]+): (\d+) of \2 .*, \d+ s$")


def run(deployment: str, parameters: dict[str, str]) -> tuple[FlowRun, list[tuple[datetime, str]]]:
    """Trigger a run and wait for its end; the run, and what happened when."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(deployment)
        flow_run = client.create_flow_run_from_deployment(found.id, parameters=parameters)
        while not (flow_run.state and flow_run.state.is_final()):
            time.sleep(_LOOK_SECONDS)
            flow_run = client.read_flow_run(flow_run.id)
        time.sleep(_LOG_SECONDS)
        states = [(state.timestamp, f"state {state.name}") for state in client.read_flow_run_states(flow_run.id)]
        return flow_run, sorted([*states, *_steps(client, flow_run)])


def _steps(client: SyncPrefectClient, flow_run: FlowRun) -> list[tuple[DateTime, str]]:
    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run.id]))
    logs: list[Log] = []
    while True:
        page = client.read_logs(wanted, limit=_PAGE, offset=len(logs), sort=LogSort.TIMESTAMP_ASC)
        logs += page
        if len(page) < _PAGE:
            break
    return [(log.timestamp, found[1]) for log in logs if (found := _DONE.match(log.message))]


def main() -> None:
    """Trigger and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("deployment", help="such as monthly_close/monthly-my-site")
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE")
    given = parser.parse_args()
    flow_run, events = run(given.deployment, dict(one.split("=", 1) for one in given.parameters))
    begin = before = events[0][0]
    lines = []
    for moment, what in events:
        lines.append(
            (what, f"{(moment - begin).total_seconds():.1f}", f"{max((moment - before).total_seconds(), 0):.1f}")
        )
        before = moment
    print(f"\n{flow_run.name}: {flow_run.state and flow_run.state.message}\n")
    print_table(("until", "seconds since the trigger", "of these"), lines)


if __name__ == "__main__":
    main()
