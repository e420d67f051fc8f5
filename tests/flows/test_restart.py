"""A restart of the Prefect server leaves runs alone when it keeps its leases on disk, as `deploy/` has it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest

from kam.warehouse import writing
from tests.flows.processes import environment, run, running, wait_for
from tests.flows.server import free_port, open_amounts, server_in, site_in
from tests.support import REPOSITORY, long

pytestmark = [long, pytest.mark.timeout(1800)]
# Prefect renews the lease of a run after three quarters of 300 seconds, which no setting makes shorter.
PAST_THE_RENEWAL = 235
STORAGE = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"


def shipped() -> str:
    """Where the server keeps leases in the unit of systemd that we ship."""
    unit = (REPOSITORY / "deploy" / "systemd" / "kam-server.service").read_text(encoding="utf-8")
    (line,) = [line for line in unit.splitlines() if f"{STORAGE}=" in line]
    return line.partition(f"{STORAGE}=")[2]


def test_a_run_outlives_a_restart_of_the_server_and_the_renewal_after_it(tmp_path: Path) -> None:
    for name in ("server", "client", "worker", "site"):
        (tmp_path / name).mkdir()
    site, port = site_in(tmp_path / "site"), free_port()
    env = environment(tmp_path / "client", PREFECT_API_URL=f"http://127.0.0.1:{port}/api")
    leases = {STORAGE: shipped()}
    with ExitStack() as started:
        with server_in(tmp_path / "server", port, **leases) as server:
            server.ask("/work_pools/", name="kam", type="process")
            deployed = run("prefect", "--no-prompt", "deploy", "--all", env=env | {"KAM_SITE": str(site.directory)})
            assert deployed.exit_status == 0, deployed
            worker = ("prefect", "worker", "start", "--pool", "kam")
            started.enter_context(running(*worker, env=env, cwd=tmp_path / "worker", log=tmp_path / "worker.log"))
            # The close waits for this process, so it is under way for as long as the test wants.
            ours = started.enter_context(ExitStack())
            ours.enter_context(writing(site, "another close"))
            close = server.start("monthly_close/monthly", period="2026-05")
            wait_for(lambda: server.flow_run(close)["state_type"] == "RUNNING", "the close to run")
            began = time.monotonic()
        with server_in(tmp_path / "server", port, **leases) as server:
            time.sleep(max(0, began + PAST_THE_RENEWAL - time.monotonic()))
            assert server.flow_run(close)["state_type"] == "RUNNING"
            ours.close()
            ended = server.finished(close)

    assert (ended["state_type"], ended["state_name"]) == ("COMPLETED", "Published"), ended["state"]
    assert open_amounts(site) == {date(2026, 5, 1): 100}
