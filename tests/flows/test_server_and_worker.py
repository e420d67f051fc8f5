"""A real Prefect server, the deployments of `prefect.yaml` and a worker: everything in processes of its own."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest

from kam.archive import store
from kam.close import steps
from kam.errors import UsageError
from kam.site import Site, find_site
from kam.warehouse import warehouse, writing
from tests.flows.processes import NOISE, PATIENCE_SECONDS, environment, kam, lines_with, running, wait_for
from tests.flows.server import Server, open_amounts, site_in
from tests.support import REPOSITORY, long, published

# Server, deployments and several runs, each with the imports of a new process.
pytestmark = pytest.mark.timeout(900)


@long
def test_a_server_that_is_not_there_is_named_in_one_line(tmp_path: Path, site_folder: Path) -> None:
    site = site_in(site_folder)
    # Bound but not listening: nobody answers, and nobody else gets the port.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        failed = kam("--site", str(site.directory), "close", "2026-06", env=environment(tmp_path, PREFECT_API_URL=url))

    assert failed.exit_status == 1
    assert failed.output == ""
    where, line = failed.errors.splitlines()
    assert where == f"On the Prefect server {url} of PREFECT_API_URL"
    assert line.startswith(f"Failed to reach API at {url}")
    assert "PREFECT_API_URL" in line
    assert not site.warehouse.exists()


@long
def test_commands_started_at_once_run_on_the_server_take_turns_and_say_for_whom_they_wait(
    server: Server, client_env: dict[str, str], site_folder: Path, tmp_path: Path
) -> None:
    site = site_in(site_folder)
    commands = (["close", "2026-05"], ["close", "2026-06"])
    logs = [tmp_path / f"{number}.log" for number in range(len(commands))]
    with ExitStack() as started:
        # All of them have to wait for this process before they wait for each other.
        with writing(site, "another close"):
            processes = [
                started.enter_context(
                    running("kam.cli", "--site", str(site_folder), *command, env=client_env, cwd=REPOSITORY, log=log)
                )
                for command, log in zip(commands, logs, strict=True)
            ]
            ours = f"Waiting for another close (process {os.getpid()} of {getpass.getuser()}) to finish"
            for process, log in zip(processes, logs, strict=True):
                wait_for(lambda log=log: ours in log.read_text(), f"{ours} in {log}", process)
        statuses = [process.wait(timeout=PATIENCE_SECONDS) for process in processes]

    said = [log.read_text() for log in logs]
    assert statuses == [0, 0], said
    where = f"On the Prefect server {server.url} of PREFECT_API_URL"
    assert [lines_with(text, NOISE) for text in said] == [[where], [where]]
    for (_, month), text in zip(commands, said, strict=True):
        assert f"{month}: closed as version 1." in text
    # The one that came second had to wait for the other, too, and said so.
    other = [
        f"Waiting for {' '.join(command)} (process {process.pid} of {getpass.getuser()}) to finish"
        for command, process in zip(commands, processes, strict=True)
    ]
    assert sum(any(line in text.splitlines() for line in other) for text in said) == 1
    # Each file was loaded once, and the months came out as they do one after the other.
    assert [entry["kind"] for entry in store.ledger_entries(site)] == ["load"] * 2 + ["close"] * 2
    assert contents(site) == contents(closed_in_turn(tmp_path / "in-turn"))
    assert open_amounts(site) == {date(2026, 5, 1): 100, date(2026, 6, 1): 125}
    assert not (site_folder / ".kam.holder").exists()

    for _, month in commands:
        named = server.ask("/flow_runs/filter", flow_runs={"name": {"any_": [f"test: close {month}"]}})
        (found,) = [one for one in named if one["parameters"]["site"] == str(site.directory)]
        assert found["state_type"] == "COMPLETED"
        assert has_built(server.messages(found["id"], last="Publishing …"))
    # The embedded server would have kept its database there.
    assert not (Path(client_env["PREFECT_HOME"]) / "prefect.db").exists()


def has_built(lines: list[str]) -> bool:
    """Whether a run logged that it has built all tables."""
    return any(re.fullmatch(r"build: (\d+) of \1 models, .*", line) for line in lines)


def closed_in_turn(folder: Path) -> Site:
    """Another such site, May and then June closed by the plain steps."""
    folder.mkdir()
    other = site_in(folder)
    with steps.writing_session(other, "closes"):
        for feed in other.settings.feeds:
            steps.load_feed(other, feed)
        for month in (date(2026, 5, 1), date(2026, 6, 1)):
            load = steps.prepare_months(other, [month])
            steps.build_marts(other, load)
            steps.commit_month(other, month, as_of_load=load, checks=(), controls=(), restate=False, reason="")
        steps.publish(other)
    return other


def contents(site: Site) -> list[tuple[object, ...]]:
    """Month, version and content of each close."""
    found = published(site, "SELECT period_month, close_version, content_hash FROM reporting.closes ORDER BY ALL")
    return [tuple(row.values()) for row in found]


@long
def test_commands_beside_a_long_writer_name_it_and_give_up(
    server: Server, client_env: dict[str, str], site_folder: Path, tmp_path: Path
) -> None:
    site = site_in(site_folder, busy_timeout_seconds=1)
    who = f"close 2026-05 (process {os.getpid()} of {getpass.getuser()})"
    waiting = f"Waiting for {who} to finish"
    still = f"{site.warehouse}: still in use by {who} after 1 seconds. Try again when it has finished"
    in_use = f"{site.warehouse}: in use by {who}. Try again when it has finished"
    answers = {
        "close 2026-06": [f"On the Prefect server {server.url} of PREFECT_API_URL", waiting, still],
        "diff 2026-06": [waiting, still],
        "status": [in_use],
    }
    with writing(site, "close 2026-05"), warehouse(site), ExitStack() as started:
        processes = {}
        for number, command in enumerate(answers):
            log = tmp_path / f"{number}.log"
            arguments = ("--site", str(site_folder), *command.split())
            process = running("kam.cli", *arguments, env=client_env, cwd=REPOSITORY, log=log)
            processes[command] = (started.enter_context(process), log)
        ended = {
            command: (process.wait(timeout=PATIENCE_SECONDS), log.read_text().strip().splitlines())
            for command, (process, log) in processes.items()
        }

    assert ended == {command: (5, lines) for command, lines in answers.items()}


@pytest.fixture(scope="module")
def worker(client_env: dict[str, str], deployed: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site of the deployments, with a worker that was started in some other folder."""
    elsewhere = tmp_path_factory.mktemp("worker")
    with running(
        "prefect", "worker", "start", "--pool", "kam", env=client_env, cwd=elsewhere, log=elsewhere / "worker.log"
    ):
        yield deployed


@long
@pytest.mark.parametrize("name", ["ingest/daily", "monthly_close/monthly", "backfill/on-demand", "publish/on-demand"])
def test_a_deployment_knows_its_site_and_runs_once_at_a_time(server: Server, deployed: Site, name: str) -> None:
    deployment = server.deployment(name)

    assert deployment["parameters"]["site"] == str(deployed.directory)
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    assert deployment["tags"] == ["kam-close", "site:test"]
    # Nothing binds it to the folder that it was deployed from.
    assert deployment["pull_steps"] == []
    assert str(REPOSITORY) not in json.dumps(deployment)


@long
@pytest.mark.usefixtures("deployed")
def test_the_schedules_have_a_time_zone(server: Server) -> None:
    schedules = {
        name: [
            (schedule["schedule"]["cron"], schedule["schedule"]["timezone"])
            for schedule in server.deployment(name)["schedules"]
        ]
        for name in ("ingest/daily", "monthly_close/monthly", "backfill/on-demand", "publish/on-demand")
    }

    assert schedules == {
        "ingest/daily": [("30 5 * * *", "Europe/Berlin")],
        "monthly_close/monthly": [("0 7 3 * *", "Europe/Berlin")],
        "backfill/on-demand": [],
        "publish/on-demand": [],
    }


@long
def test_runs_of_two_deployments_at_once_take_turns_and_a_wrong_one_fails_clearly(
    server: Server, worker: Site, tmp_path: Path
) -> None:
    # Both have to wait for this process before one waits for the other.
    with writing(worker, "another close"):
        runs = [
            # Half past midnight on the first of June in Berlin, when it was still May in Greenwich.
            server.start("monthly_close/monthly", due="2026-05-31T22:30:00Z"),
            server.start("backfill/on-demand", first="2026-06", last="2026-06"),
        ]
        wrong = server.start("publish/on-demand", site=str(tmp_path))
        ours = f"Waiting for another close (process {os.getpid()} of {getpass.getuser()}) to finish"
        for run_id in runs:
            server.messages(run_id, last=ours)

    ended = [server.finished(run_id) for run_id in runs]
    failed = server.finished(wrong)

    assert [(found["name"], found["state_type"]) for found in ended] == [
        ("test: close 2026-05", "COMPLETED"),
        ("test: backfill 2026-06 2026-06", "COMPLETED"),
    ], ended
    said = [server.messages(run_id, last="Publishing …") for run_id in runs]
    assert all(map(has_built, said))
    waits = [
        line.split(" (process")[0]
        for lines in said
        for line in lines
        if line.startswith("Waiting for ") and line != ours
    ]
    assert waits in (["Waiting for close 2026-05"], ["Waiting for backfill 2026-06 2026-06"])
    assert open_amounts(worker) == {date(2026, 5, 1): 100, date(2026, 6, 1): 125}
    with pytest.raises(UsageError) as nowhere:
        find_site(tmp_path)
    assert failed["state"]["message"] == f"Did not begin: {nowhere.value}"
    assert failed["state_type"] == "FAILED", failed["state"]


@long
def test_a_run_that_is_cancelled_ends_as_cancelled_and_leaves_nobody_waiting(server: Server, worker: Site) -> None:
    # It waits for this process, so that it is under way when it is cancelled.
    with writing(worker, "another close"):
        close = server.start("monthly_close/monthly", period="2026-06")
        waits = f"Waiting for another close (process {os.getpid()} of {getpass.getuser()}) to finish"
        server.messages(close, last=waits)
        server.ask(f"/flow_runs/{close}/set_state", state={"type": "CANCELLING"})
        ended = server.finished(close)
    assert (ended["state_type"], ended["state_name"]) == ("CANCELLED", "Cancelled"), ended["state"]
    with writing(worker, "a test", wait_seconds=30):
        pass
