"""The `kam` command killed with Prefect's embedded server running: no process outlives it, and the next one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.crash import books
from tests.crash.harness import Sites
from tests.crash.test_kills import RUNS
from tests.flows.processes import end, environment, kam, wait_for
from tests.support import REPOSITORY

MOMENTS: dict[str, Callable[[Path], bool]] = {
    "loading": lambda site: (site / ".kam.holder").exists(),
    "building": lambda site: (site / "archive" / "ledger.ndjson").read_bytes().count(b"\n") > LINES_BEFORE + 1,
    "publishing": lambda site: any((site / "published").glob(".building-*/kam.duckdb")),
}
# Four loads and the close of April.
LINES_BEFORE = 5


@pytest.mark.skipif(not RUNS, reason="make soak kills the command, too")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_kam_leaves_no_process_and_the_next_one_goes_on(sites: Sites, tmp_path: Path, moment: str) -> None:
    trial = sites.trial("close")
    site = trial.site()
    env = environment(tmp_path / "prefect", ERP_URL=f"sqlite:///{site}/erp.sqlite")
    process = subprocess.Popen(
        [sys.executable, "-m", "kam.cli", "--site", str(site), "close", "2026-05"],
        cwd=REPOSITORY, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    started: list[psutil.Process] = []
    try:
        wait_for(lambda: MOMENTS[moment](site), moment, process)  # type: ignore[arg-type]
        started = psutil.Process(process.pid).children(recursive=True)
        assert started, "the embedded server is a process of its own"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        _, alive = psutil.wait_procs(started, timeout=60)
        assert alive == []
    finally:
        for survivor in started:
            if survivor.is_running():
                survivor.kill()
        end(process)
    assert books.published(site) in (trial.former, books.published(trial.after))
    finished = kam("--site", str(site), "close", "2026-05", env=env)
    assert finished.exit_status == 0, finished.errors
    trial.require_undisturbed(site)
