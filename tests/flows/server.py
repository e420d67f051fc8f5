"""A real Prefect server on a free port of this machine, and a small site to close on it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from kam.site import Site
from tests.flows.processes import environment, running, wait_for
from tests.support import published, write_site

_LOG_LINES_AT_ONCE = 200
UI = "http://prefect.example.com:4200"
DONE = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Server:
    """A running Prefect server."""

    url: str
    home: Path
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=90))

    def request(self, method: str, path: str, question: object = None) -> httpx.Response:
        """What the server answers. While its SQLite is locked (503) it is asked again, as Prefect's own client does."""

        def answer() -> httpx.Response | None:
            response = self.client.request(method, f"{self.url}{path}", json=question)
            return None if response.status_code == httpx.codes.SERVICE_UNAVAILABLE else response.raise_for_status()

        return wait_for(answer, f"an answer to {method} {path}")

    def ask(self, path: str, **question: object) -> Any:
        """What the server answers to a POST with this JSON."""
        return self.request("POST", path, question).json()

    def deployment(self, name: str) -> dict[str, Any]:
        """The deployment of this name, such as `backfill/on-demand`."""
        return dict(self.request("GET", f"/deployments/name/{name}").json())

    def start(self, deployment: str, *, due: str | None = None, **parameters: object) -> str:
        """Ask for a run of a deployment, due now or at this time; its id."""
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}} if due else {"type": "SCHEDULED"}
        created = self.ask(
            f"/deployments/{self.deployment(deployment)['id']}/create_flow_run", parameters=parameters, state=state
        )
        return str(created["id"])

    def flow_run(self, run_id: str) -> dict[str, Any]:
        (found,) = self.ask("/flow_runs/filter", flow_runs={"id": {"any_": [run_id]}})
        return dict(found)

    def finished(self, run_id: str) -> dict[str, Any]:
        """The run when it has ended, in whatever way."""

        def look() -> dict[str, Any] | None:
            found = self.flow_run(run_id)
            return found if found["state_type"] in DONE else None

        return wait_for(look, f"the end of the run {run_id}")

    def messages(self, run_id: str, *, last: str) -> list[str]:
        """What our own logger said during the run, up to the line `last`; logs arrive a little later than states."""

        def look() -> list[str] | None:
            lines: list[str] = []
            for page in count():
                # The server gives so many at once, and a close says more.
                asked = {"limit": _LOG_LINES_AT_ONCE, "offset": page * _LOG_LINES_AT_ONCE}
                wanted = {"flow_run_id": {"any_": [run_id]}}
                found = self.ask("/logs/filter", logs=wanted, sort="TIMESTAMP_ASC", **asked)
                lines += [line["message"] for line in found if line["name"] == "kam"]
                if len(found) < _LOG_LINES_AT_ONCE:
                    break
            return lines if last in lines else None

        return wait_for(look, f"log lines of the run {run_id}")


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def server_in(home: Path, port: int | None = None, **variables: str) -> Iterator[Server]:
    """A server with this home, on a free port unless one is given."""
    port = port or free_port()
    env = environment(home, PREFECT_SERVER_ANALYTICS_ENABLED="false", PREFECT_UI_URL=UI, **variables)
    url = f"http://127.0.0.1:{port}/api"

    def healthy() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/health", timeout=5).is_success
        return False

    arguments = ("server", "start", "--host", "127.0.0.1", "--port", str(port))
    with running("prefect", *arguments, env=env, cwd=home, log=home / "server.log") as process:
        wait_for(healthy, "an answer of the Prefect server", process)
        yield Server(url, home)


def site_in(folder: Path, *, busy_timeout_seconds: int = 600) -> Site:
    """One invoice of 100 in May and one of 25 in June, both open at the end of June."""
    dates = ({"invoice_date": f"2026-{month:02}-10", "due_date": f"2026-{month + 1:02}-10"} for month in (5, 6))
    invoices = [
        {"invoice_id": number, "account_id": "A", "net_amount": amount} | days
        for number, amount, days in zip(("I1", "I2"), ("100", "25"), dates, strict=True)
    ]
    return write_site(
        folder,
        {"accounts": [{"account_id": "A"}], "invoices": invoices},
        settings={"site": {"timezone": "Europe/Berlin"}, "run": {"busy_timeout_seconds": busy_timeout_seconds}},
        feeds=["accounts", "invoices"],
    )


def open_amounts(site: Site) -> dict[date, int]:
    found = published(
        site, "SELECT period_month, sum(outstanding_amount) AS amount FROM reporting.receivables_ageing GROUP BY 1"
    )
    return {row["period_month"]: int(row["amount"]) for row in found}
