"""The same backfill through Prefect, its chunks built by workers of a Dask scheduler, a Ray cluster or a work pool; one of them is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from kam.close import pools
from kam.errors import UsageError, WorkersAwayError
from kam.site import Site
from tasks.work_pool import build_handed_over
from tests.flows.processes import environment, run, running, wait_for
from tests.flows.server import Server, free_port, server_in
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - a fixture
from tests.support import REPOSITORY, long, published
from tests.test_workers import (
    VERSIONS,
    WITH_PREFECT,
    backfill,
    dask_scheduler,
    in_a_file,
    lake,
    new_catalog,  # noqa: F401 - a fixture
    require_nothing_left,
    takes_minutes,
    when_it_has_workers,
)

pytestmark = pytest.mark.timeout(900)
_BUSY_SECONDS = 3


@contextmanager
def killing(find: Callable[[], list[psutil.Process]]) -> Iterator[list[int]]:
    """Kill the first of these processes that has worked for some seconds since it was seen first."""
    killed: list[int] = []
    is_over = threading.Event()

    def watch() -> None:
        first: dict[int, float] = {}
        while not killed and not is_over.wait(0.1):
            for process in find():
                with suppress(psutil.Error):
                    spent = sum(process.cpu_times()[:2])
                    if spent - first.setdefault(process.pid, spent) > _BUSY_SECONDS:
                        process.kill()
                        killed.append(process.pid)
                        return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        is_over.set()
        thread.join(timeout=10)


def backfill_with_prefect(site: Site, folder: Path, **variables: str) -> str:
    """`kam --prefect backfill` of four months in chunks of two; what it says."""
    script = folder / "run.py"
    script.write_text(WITH_PREFECT)
    env = environment(folder / "prefect-home", KAM_CATALOG=os.environ["KAM_CATALOG"], **variables)
    options = ["--prefect", "--site", str(site.directory), "backfill", "2024-01", "2024-04"]
    said = folder / "said.txt"
    with said.open("w") as stream:
        done = subprocess.run(
            [sys.executable, str(script), *options], cwd=REPOSITORY, env=env, stdout=stream, stderr=stream, check=False
        )
    assert done.returncode == 0, said.read_text()
    return said.read_text()


def require_the_same(file: Site, site: Site) -> None:
    assert published(site, VERSIONS) == published(file, VERSIONS)
    require_nothing_left(site)


@long
@takes_minutes
def test_dask_through_prefect(new_catalog: Callable[[], str], tmp_path: Path) -> None:  # noqa: F811
    pytest.importorskip("distributed")
    new_catalog()
    file = in_a_file(tmp_path / "file")
    backfill(file, 4)
    with dask_scheduler(2) as (address, workers):
        site = lake(tmp_path / "lake", 2, task_runner=f"dask:{address}")
        when_it_has_workers(address, 2)
        with killing(lambda: [psutil.Process(worker.pid) for worker in workers if worker.poll() is None]) as killed:
            backfill_with_prefect(site, tmp_path)
    assert killed
    require_the_same(file, site)


@long
@takes_minutes
def test_a_run_whose_scheduler_lost_all_its_workers_goes_on_when_one_comes(
    new_catalog: Callable[[], str],  # noqa: F811
    tmp_path: Path,
) -> None:
    pytest.importorskip("distributed")
    new_catalog()
    file = in_a_file(tmp_path / "file")
    backfill(file, 4)
    with ExitStack() as stack:
        address, (first,) = stack.enter_context(dask_scheduler(1))
        site = lake(tmp_path / "lake", 2, task_runner=f"dask:{address}")
        when_it_has_workers(address, 1)

        def replace() -> None:
            """Kill the only worker when it is busy; another one comes some seconds later."""
            with killing(lambda: [psutil.Process(first.pid)]) as killed:
                wait_for(lambda: killed, "a busy worker")
            time.sleep(5)
            command = [sys.executable, "-c", "from dask.__main__ import main; main()", "worker", address]
            options = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
            env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
            second = subprocess.Popen(
                [*command, *options], cwd=REPOSITORY, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.enter_context(second)
            stack.callback(second.kill)

        thread = threading.Thread(target=replace, daemon=True)
        thread.start()
        report = backfill(site, 4)
        thread.join(timeout=30)
        assert first.poll() is not None
    assert [month.outcome for month in report.months] == ["closed"] * 4
    require_the_same(file, site)


@contextmanager
def ray_head() -> Iterator[str]:
    """A Ray cluster of one node on this machine, with two workers at a time; its address."""
    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    port = free_port()
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "RAY_USAGE_STATS_ENABLED": "0"}
    options = ["--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=false", "--node-ip-address=127.0.0.1"]
    subprocess.run([*ray, "start", *options], env=env, check=True, capture_output=True)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        subprocess.run([*ray, "stop", "--force"], env=env, check=True, capture_output=True)


@long
@takes_minutes
@pytest.mark.parametrize("way", ["with Prefect", "without"])
def test_ray(new_catalog: Callable[[], str], tmp_path: Path, way: str) -> None:  # noqa: F811
    pytest.importorskip("ray")
    new_catalog()
    file = in_a_file(tmp_path / "file")
    backfill(file, 4)

    def of_ray() -> list[psutil.Process]:
        """A process of Ray that builds has the name of its task as its title."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if "ray::" in " ".join(process.cmdline()) and "IDLE" not in " ".join(process.cmdline()):
                    found.append(process)
        return found

    with ray_head() as address, killing(of_ray) as killed:
        site = lake(tmp_path / "lake", 2, task_runner=f"ray:{address}")
        if way == "without":
            backfill(site, 4)
        else:
            backfill_with_prefect(site, tmp_path, RAY_USAGE_STATS_ENABLED="0")
    assert killed
    require_the_same(file, site)


@contextmanager
def work_pool(folder: Path, site: Site) -> Iterator[tuple[Server, subprocess.Popen[bytes]]]:
    """A Prefect server with the deployment of chunks, and a worker of its pool."""
    folder.mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(server_in(folder))
        env = environment(
            folder, PREFECT_API_URL=server.url, KAM_SITE=str(site.directory), KAM_CATALOG=os.environ["KAM_CATALOG"]
        )
        server.ask("/work_pools/", name="kam", type="process")
        made = run("prefect", "--no-prompt", "deploy", "--name", "workers", env=env)
        assert made.exit_status == 0, made
        options = ("worker", "start", "--pool", "kam", "--limit", "2")
        yield server, stack.enter_context(running("prefect", *options, env=env, cwd=folder, log=folder / "worker.log"))


@long
@takes_minutes
def test_a_work_pool(new_catalog: Callable[[], str], tmp_path: Path) -> None:  # noqa: F811
    """The process that a worker started for a chunk is killed; the chunk gets another run."""
    new_catalog()
    file = in_a_file(tmp_path / "file")
    backfill(file, 4)
    site = lake(tmp_path / "lake", 2, task_runner="deployment:build_chunk/workers")
    with work_pool(tmp_path / "server", site) as (server, worker):
        with killing(lambda: psutil.Process(worker.pid).children(recursive=True)) as killed:
            said = backfill_with_prefect(site, tmp_path, PREFECT_API_URL=server.url)
        ended = [
            found["state_type"] for found in server.ask("/flow_runs/filter", flows={"name": {"any_": ["build_chunk"]}})
        ]
    assert killed
    assert "A worker died" in said
    assert ended.count("CRASHED") == 1
    # That of the other chunk may have been cancelled, and another one started.
    assert ended.count("COMPLETED") >= 2
    require_the_same(file, site)
    assert list(site.scratch.glob("chunks-*")) == []


def test_a_deployment_needs_a_server(site_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = in_a_file(site_folder)
    named = site.settings.run.model_copy(update={"task_runner": "deployment:build_chunk/workers"})
    monkeypatch.setattr(site.settings, "__dict__", site.settings.__dict__ | {"run": named})
    with pytest.raises(WorkersAwayError, match="Set PREFECT_API_URL"), pools.plain_pool(site, 2):
        pytest.fail("it began")


@pytest.mark.parametrize("folder", ["chunks-0a", "../chunks-0a", "elsewhere"])
def test_only_a_chunk_that_a_run_handed_over_is_built(site_folder: Path, folder: str) -> None:
    site = in_a_file(site_folder)
    with pytest.raises(UsageError, match="has no chunk 1"):
        build_handed_over(str(site.directory), folder, 1)
