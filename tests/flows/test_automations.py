"""Messages about runs that cannot report their own failure: the automations of `automations.yaml` on a real server."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from expectations.site import require_valid
from kam.cli import automations as command
from kam.errors import KamError, SettingsError, UsageError
from kam.site import Site, find_site
from kam.warehouse import writing
from tests.flows.processes import kam, run, running, wait_for
from tests.flows.server import UI, Server, open_amounts, site_in
from tests.support import REPOSITORY, long, write_site

# One server for all, and several processes with the imports of Prefect.
pytestmark = [long, pytest.mark.timeout(900)]

SHORTEST = 10
# Heartbeats come every 30 seconds.
LONGER_THAN_A_HEARTBEAT = 55


class Mailbox:
    """A web server of this machine that keeps what Apprise sends it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []
        kept = self.messages

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
                """Nothing on the console of the tests."""

        self.server = HTTPServer(("127.0.0.1", 0), Receiver)
        self.address = f"json://user:a-secret@127.0.0.1:{self.server.server_port}/"

    def about(self, run_id: str) -> list[dict[str, str]]:
        """The messages in which this run stands."""
        return [message for message in self.messages if run_id in message["message"]]


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    threading.Thread(target=box.server.serve_forever, daemon=True).start()
    yield box
    box.server.shutdown()
    box.server.server_close()


@pytest.fixture(scope="module")
def site(server: Server, client_env: Mapping[str, str], deployed: Site, mailbox: Mailbox) -> Iterator[Site]:
    """The site of the deployments, with the automations on the server."""
    applied = kam("alerts", "automations", env={**client_env, "KAM_ALERT_URL": mailbox.address})
    assert applied.exit_status == 0, applied
    assert "a-secret" not in applied.output + applied.errors
    yield deployed
    for automation in automations(server).values():
        server.request("DELETE", f"/automations/{automation['id']}")


@pytest.fixture
def client(prefect_server: None, server: Server, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:  # noqa: ARG001 - settings of this process
    """This process asks the server, and so does what it starts."""
    monkeypatch.setenv("PREFECT_API_URL", server.url)
    return monkeypatch


def automations(server: Server) -> dict[str, dict[str, Any]]:
    """What the server has, by name; fails when a name is there twice."""
    found = server.ask("/automations/filter")
    by_name = {automation["name"]: automation for automation in found}
    assert len(by_name) == len(found), sorted(automation["name"] for automation in found)
    return by_name


@contextmanager
def within(server: Server, name: str, seconds: int) -> Iterator[None]:
    """Let one automation wait for only so long, and change nothing else of what the file says."""
    automation = automations(server)[f"kam-close: {name}"]
    sent = {key: value for key, value in automation.items() if key not in ("id", "created", "updated")}
    path = f"/automations/{automation['id']}"
    server.request("PUT", path, sent | {"trigger": automation["trigger"] | {"within": seconds}})
    try:
        yield
    finally:
        server.request("PUT", path, sent)


def message_about(mailbox: Mailbox, run_id: str) -> dict[str, str]:
    """The one message about a run, when it has come."""
    (message,) = wait_for(lambda: mailbox.about(run_id), f"a message about the run {run_id}")
    return message


@pytest.mark.usefixtures("site")
def test_applying_the_file_again_doubles_nothing(server: Server, client: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    before = automations(server)
    client.setenv("KAM_ALERT_URL", mailbox.address)

    command.apply()

    after = automations(server)
    written = yaml.safe_load((REPOSITORY / "automations.yaml").read_text(encoding="utf-8"))["automations"]
    assert after.keys() == before.keys() == {automation["name"] for automation in written}
    assert not {automation["id"] for automation in after.values()} & {one["id"] for one in before.values()}
    assert [message["title"] for message in mailbox.messages] == ["kam-close: a first message"] * 2


@pytest.mark.usefixtures("site")
def test_an_address_that_takes_no_message_is_refused_and_changes_nothing(
    server: Server, client: pytest.MonkeyPatch
) -> None:
    before = automations(server)
    client.setenv("KAM_ALERT_URL", "no-such://a-secret@nowhere")

    with pytest.raises(KamError) as refused:
        command.apply()

    assert str(refused.value) == (
        "No message could be sent to the address in KAM_ALERT_URL. Is it a valid Apprise URL, and can it be reached from here?"
    )
    assert automations(server) == before


def test_a_run_that_no_worker_takes_is_told_as_late(server: Server, site: Site, mailbox: Mailbox) -> None:
    with within(server, "late", SHORTEST):
        due = server.start("ingest/daily", due=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        message = message_about(mailbox, due)

    found = server.flow_run(due)
    assert message["title"] == "ingest/daily is late"
    assert message["message"] == "\n".join(
        [
            f"{found['name']} is late: it was due at {found['expected_start_time'][:16].replace('T', ' ')} UTC, and no worker has taken it.",
            "Deployment: ingest/daily",
            f"Site: {site.directory}",
            "",
            "Start a worker; it takes the run by itself:",
            "prefect worker start --pool kam",
            f"Its page: {UI}/runs/flow-run/{due}",
        ]
    )
    server.ask(f"/flow_runs/{due}/set_state", state={"type": "CANCELLED"})


@pytest.mark.usefixtures("site")
def test_a_run_that_was_taken_and_never_started_is_told_as_crashed(server: Server, mailbox: Mailbox) -> None:
    with within(server, "never started", SHORTEST):
        taken = server.start("publish/on-demand")
        # What a worker says before it starts the process.
        server.ask(f"/flow_runs/{taken}/set_state", state={"type": "PENDING"})
        message = message_about(mailbox, taken)

    assert server.flow_run(taken)["state_type"] == "CRASHED"
    assert message["title"] == f"{server.flow_run(taken)['name']} crashed"
    assert "A worker took the run 10 minutes ago and did not start it." in message["message"]


def tell(server: Server, site: Site, what: str, month: str) -> None:
    """What a run says of a month, as it says it."""
    event = {
        "event": f"kam-close.month.{what}",
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": f"kam-close.test.{month}"},
        "payload": {"site": "test", "month": month, "folder": str(site.directory)},
        "id": str(uuid.uuid4()),
    }
    server.request("POST", "/events", [event])


def test_a_month_that_is_not_published_in_time_is_told_and_one_that_is_not(
    server: Server, site: Site, mailbox: Mailbox
) -> None:
    with within(server, "not published by the 5th", SHORTEST):
        # An event that comes at once would still begin the long wait.
        time.sleep(SHORTEST)
        for month in ("2026-09", "2026-10"):
            tell(server, site, "awaited", month)
        tell(server, site, "published", "2026-09")
        (message,) = wait_for(lambda: mailbox.about("close 2026-10"), "a message about October")
        # That of September would have come by now, too.
        time.sleep(SHORTEST)

    assert message["title"] == "test: 2026-10 is not published"
    assert f"kam --site {site.directory} close 2026-10" in message["message"].splitlines()
    assert not mailbox.about("close 2026-09")


def test_a_failure_that_the_flow_could_not_tell_is_told_and_others_are_left_to_it(
    server: Server, site: Site, mailbox: Mailbox, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as nowhere:
        find_site(tmp_path)
    (tmp_path / "kam.toml").write_text("[site", encoding="utf-8")
    with pytest.raises(SettingsError) as unreadable:
        find_site(tmp_path)

    no_rule = write_site(tmp_path, {}, settings={'checks."no.rule"': {"severity": "off"}}, feeds=[])
    with pytest.raises(SettingsError) as no_such_rule:
        require_valid(no_rule)

    told_by_the_flow = [
        failed_run(server, "Checks failed", "2026-05 was not published"),
        failed_run(server, "Wrong settings", "kam.toml: feeds.orders.database: the variable ERP_URL is not set"),
        failed_run(server, "Wrong settings", str(no_such_rule.value)),
    ]
    untold = {
        failed_run(server, "Did not begin", f"Did not begin: {error.value}"): str(error.value)
        for error in (nowhere, unreadable)
    }

    for run_id, reason in untold.items():
        message = message_about(mailbox, run_id)
        assert message["title"] == f"{server.flow_run(run_id)['name']} failed before it began"
        assert reason in message["message"]
        assert f"Site: {site.directory}" in message["message"]
    assert not any(mailbox.about(run_id) for run_id in told_by_the_flow)


def failed_run(server: Server, name: str, message: str) -> str:
    """A run that ended in a failed state of this name."""
    run_id = server.start("backfill/on-demand", first="2026-05", last="2026-05")
    state = {"type": "FAILED", "name": name, "message": message}
    server.ask(f"/flow_runs/{run_id}/set_state", state=state, force=True)
    return run_id


def kill(worker: int) -> None:
    """Kill a worker and what it started, the worker first, so that it cannot report the others."""
    family = [psutil.Process(worker), *psutil.Process(worker).children(recursive=True)]
    assert len(family) > 1, "the worker runs nothing"
    for member in family:
        member.kill()


@contextmanager
def worker(env: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own."""
    command = ("prefect", "worker", "start", "--pool", "kam")
    with running(*command, env=env, cwd=folder, log=folder / "worker.log") as process:
        yield process


def heartbeats(server: Server, run_id: str) -> int:
    """How often this run said that it is alive."""
    found = server.ask(
        "/events/filter",
        filter={
            "event": {"name": ["prefect.flow-run.heartbeat"]},
            "any_resource": {"id": [f"prefect.flow-run.{run_id}"]},
        },
    )
    return int(found["total"])


@pytest.mark.usefixtures("site")
def test_a_worker_killed_during_a_close_is_told_and_the_close_goes_on_when_it_is_run_again(
    server: Server, client_env: dict[str, str], mailbox: Mailbox, tmp_path: Path, site_folder: Path
) -> None:
    site = site_in(site_folder)
    with within(server, "no heartbeat", LONGER_THAN_A_HEARTBEAT):
        # The close holds still because this process has the right to write.
        with writing(site, "another close"), worker(client_env, tmp_path) as process:
            # For May in Berlin: half past midnight on the first of June there.
            close = server.start("monthly_close/monthly", due="2026-05-31T22:30:00Z", site=str(site_folder))
            wait_for(lambda: server.flow_run(close)["state_type"] == "RUNNING", "the close to run", process)
            wait_for(lambda: heartbeats(server, close), "a heartbeat of the close", process)
            # Its first heartbeat alone would not keep it alive for so long.
            time.sleep(LONGER_THAN_A_HEARTBEAT + 15)
            assert server.flow_run(close)["state_type"] == "RUNNING"
            kill(process.pid)
        message = message_about(mailbox, close)

    assert message["title"] == "test: close 2026-05 crashed"
    lines = message["message"].splitlines()
    assert lines[0].startswith("test: close 2026-05 crashed at 20")
    assert lines[1:] == [
        "No heartbeat for 5 minutes, so the process, its worker or its machine is gone.",
        "Deployment: monthly_close/monthly",
        f"Site: {site.directory}",
        "",
        "Make sure that a worker runs, then run it again. It continues where it stopped; nothing half-done was published:",
        f"prefect flow-run retry {close}",
        f"Its log: {UI}/runs/flow-run/{close}",
    ]
    with worker(client_env, tmp_path):
        retried = run(*shlex.split(lines[6]), env=client_env)
        assert retried.exit_status == 0, retried
        closed = server.finished(close)
    assert (closed["name"], closed["state_type"]) == ("test: close 2026-05", "COMPLETED"), closed["state"]
    assert open_amounts(site) == {date(2026, 5, 1): 100}
    assert len(mailbox.about(close)) == 1
