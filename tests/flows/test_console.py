"""The command line as a process: without Prefect, with a server of its own, and with `kam ui`; what a person sees, and does not see."""

from __future__ import annotations

import getpass
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import httpx
import psutil
import pytest

from kam.cli import embedded_server
from kam.errors import KamError
from kam.site import Site
from kam.warehouse import writing
from tests.flows.processes import (
    NOISE,
    PREFECT_LOG_LINE,
    Finished,
    end,
    environment,
    kam,
    lines_with,
    running,
    wait_for,
)
from tests.support import REPOSITORY, long, published, write_csv, write_site

A_STAGE = re.compile(r"[a-z ]+: (\d+) of \1 [a-z]+, \d+ s")
# A server of its own takes most of the time of a command.
pytestmark = [long, pytest.mark.timeout(900)]


def site_in(folder: Path) -> Site:
    """One invoice of June over 100."""
    invoice = {"invoice_id": "I1", "account_id": "A", "net_amount": "100"}
    dates = {"invoice_date": "2026-06-10", "due_date": "2026-07-10"}
    given = {"accounts": [{"account_id": "A"}], "invoices": [invoice | dates]}
    return write_site(folder, given, feeds=["accounts", "invoices"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Prefect home that nothing was run in before."""
    return tmp_path_factory.mktemp("prefect-home")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site_in(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def closed(site: Site, home: Path) -> Finished:
    """What the first close of a site answers, as a flow on a server of its own."""
    return kam("--prefect", "--site", str(site.directory), "close", "2026-06", env=environment(home))


def test_a_close_shows_its_result_and_nothing_of_prefect(closed: Finished, site: Site) -> None:
    assert closed.exit_status == 0, closed
    done = [re.sub(r"\d+ s$", "… s", line) for line in closed.errors.splitlines()]
    assert done[0] == "load: 2 of 2 feeds, … s"
    assert [line.partition(":")[0] for line in done] == [
        "load",
        "validate feeds",
        "build",
        "validate tables",
        "commit",
        "publish",
    ]
    assert done[-2] == "commit: 1 of 1 month, … s"
    assert "2026-06: closed as version 1." in closed.output
    assert f"Published: {site.published / 'kam.duckdb'}" in closed.output
    assert f"Data quality: {site.published / 'quality' / 'index.html'}" in closed.output
    assert not PREFECT_LOG_LINE.search(closed.output)
    assert lines_with(closed.output, NOISE) == []


@pytest.mark.usefixtures("closed")
def test_a_failed_validation_is_explained_once(site: Site, client_env: dict[str, str]) -> None:
    before = published(site, "FROM marts.receivables_ageing")
    bad = {
        "invoice_id": "I2",
        "account_id": "A",
        "invoice_date": "2026-07-10",
        "due_date": "2026-08-10",
        "net_amount": "60",
        "invoice_total": "90",
    }
    write_csv(site.directory / "landing" / "invoices_july.csv", list(bad), [bad])

    failed = kam("--site", str(site.directory), "close", "2026-07", env=client_env)

    assert failed.exit_status == 3, failed
    assert failed.output.strip() == f"Data quality: {site.published / 'quality' / 'index.html'}"
    lines = failed.errors.strip().splitlines()
    where, heading, *reasons, again = [line for line in lines if not A_STAGE.fullmatch(line)]
    assert where.startswith("On the Prefect server http://127.0.0.1:")
    assert again.endswith(site.command("close", "2026-07"))
    assert heading == "2026-07 was not published, because a critical check failed:"
    # The rule with its count and keys, then what it breaks.
    assert len(reasons) == 2
    assert "The lines of 1 document do not add up to its total" in reasons[0]
    assert "(invoice_id I2, lines_amount_doc 60.0000, invoice_total 90.0000)" in reasons[0]
    # Readers still see what was closed, and that July was not.
    assert published(site, "FROM marts.receivables_ageing") == before
    assert len(published(site, "FROM reporting.closes")) == 1
    (july,) = published(site, "FROM reporting.failed_closes")
    assert (july["period_month"], july["last_version"]) == (date(2026, 7, 1), 0)
    page = (site.published / "quality" / "index.html").read_text(encoding="utf-8")
    assert "July 2026: not published" in page


def test_an_interrupt_ends_a_flow_at_once_and_quietly(home: Path, site_folder: Path) -> None:
    site = site_in(site_folder)
    # It cannot get further than to wait for its turn.
    with writing(site, "another close"):
        process = subprocess.Popen(
            [sys.executable, "-m", "kam.cli", "--prefect", "--site", str(site_folder), "close", "2026-06"],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        try:
            wait_for(lambda: has_running_flow(process), "the start of the flow")
            # As a terminal does: to all processes of the command, so to the embedded server as well.
            os.killpg(process.pid, signal.SIGINT)
            output, errors = process.communicate(timeout=60)
        finally:
            end(process)

    assert process.returncode == -signal.SIGINT, errors
    # It may have come as far as to say for whom it waits.
    assert output.strip() in ("", f"Waiting for another close (process {os.getpid()} of {getpass.getuser()}) to finish")
    assert errors.strip() == "Stopped. Nothing half-done was published; run the command again to continue"
    assert not site.warehouse.exists()


def test_an_interrupt_ends_a_close_at_once_and_quietly(home: Path, site_folder: Path, tmp_path: Path) -> None:
    site = site_in(site_folder)
    log = tmp_path / "log"
    with (
        writing(site, "another close"),
        running(
            "kam.cli", "--site", str(site_folder), "close", "2026-06", env=environment(home), cwd=REPOSITORY, log=log
        ) as process,
    ):
        wait_for(lambda: "Waiting for another close" in log.read_text(), "the close that waits", process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == -signal.SIGINT
    assert log.read_text().splitlines()[1:] == [
        "Stopped. Nothing half-done was published; run the command again to continue"
    ]
    assert not site.warehouse.exists()


def test_the_runs_of_a_site_can_be_looked_at(home: Path, site_folder: Path, tmp_path: Path) -> None:
    site = site_in(site_folder)
    env = {name: value for name, value in environment(home).items() if name != "PREFECT_HOME"} | {"HOME": str(tmp_path)}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    log = tmp_path / "log"
    arguments = ("--site", str(site_folder), "ui", "--port", str(port), "--no-browser")
    with running("kam.cli", *arguments, env=env, cwd=REPOSITORY, log=log) as pages:
        wait_for(lambda: f"http://127.0.0.1:{port}/runs shows the runs of test" in log.read_text(), "the pages", pages)
        closed = kam("--site", str(site.directory), "close", "2026-06", env=env)
        assert closed.exit_status == 0, closed
        assert closed.errors.splitlines()[0] == f"On the Prefect server http://127.0.0.1:{port}/api of this site"
        found = httpx.post(f"http://127.0.0.1:{port}/api/flow_runs/filter", json={}, timeout=30).json()
        assert [(run["name"], run["state_type"]) for run in found] == [("test: close 2026-06", "COMPLETED")]
        again = kam("--site", str(site.directory), "ui", env=env)
        assert (again.exit_status, "on http://127.0.0.1" in again.errors) == (2, True)
        pages.send_signal(signal.SIGTERM)
        assert pages.wait(timeout=60) == 0
    # Without the pages a command runs by itself again.
    assert "Prefect" not in kam("--site", str(site.directory), "publish", env=env).errors
    assert (site.directory / "prefect" / "prefect.db").exists()


def test_pages_that_are_killed_leave_no_server_and_no_claim(site_folder: Path, tmp_path: Path) -> None:
    site = site_in(site_folder)
    env = {name: value for name, value in environment(tmp_path).items() if name != "PREFECT_HOME"}
    env |= {"HOME": str(tmp_path)}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    log = tmp_path / "log"
    arguments = ("--site", str(site_folder), "ui", "--port", str(port), "--no-browser")
    with running("kam.cli", *arguments, env=env, cwd=REPOSITORY, log=log) as pages:
        wait_for(lambda: "shows the runs of test" in log.read_text(), "the pages", pages)
        servers = [child for child in psutil.Process(pages.pid).children() if "server" in child.cmdline()]
        assert servers
        pages.kill()
        pages.wait(timeout=60)
        assert psutil.wait_procs(servers, timeout=60)[1] == []
    assert "Prefect" not in kam("--site", str(site.directory), "ingest", env=env).errors


def has_running_flow(process: subprocess.Popen[str]) -> bool:
    """Ask the embedded server of a command, one of its children."""
    commands = [child.cmdline() for child in psutil.Process(process.pid).children()]
    ports = [command[command.index("--port") + 1] for command in commands if "--port" in command]
    try:
        found = [
            httpx.post(f"http://127.0.0.1:{port}/api/flow_runs/filter", json={}, timeout=30).json() for port in ports
        ]
    except httpx.TransportError:
        return False
    return any(flow_run["state_type"] == "RUNNING" for flow_runs in found for flow_run in flow_runs)


def test_an_embedded_server_that_does_not_start_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_server, "_COMMAND", ("no_such_program",))
    with pytest.raises(
        KamError, match=r"^Prefect's embedded server ended with exit status 1\. .*prefect server start$"
    ):
        embedded_server.EmbeddedServer().wait()
