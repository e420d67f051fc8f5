"""A backfill whose months several workers build gives what one process gives, also when one of them dies."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from kam.build import marts
from kam.close import (
    PLAIN,
    BuiltChunk,
    Chunk,
    CloseReport,
    Run,
    Steps,
    Terms,
    build_chunk,
    chunks,
    close_months,
    pools,
    steps,
    workers,
)
from kam.errors import KamError, SettingsError, UsageError, WarehouseBusyError, WorkersAwayError
from kam.periods import add_months
from kam.site import FEEDS, Site
from kam.warehouse import (
    begin_workers,
    end_workers,
    insert,
    open_for_worker,
    open_read_only,
    rows,
    stored,
    stored_by_worker,
    warehouse,
)
from kam.warehouse.lake_store import LakeStore
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - a fixture
from tests.stores import file_store_only
from tests.support import REPOSITORY, long, published, write_csv, write_site

pytestmark = file_store_only("it has both stores itself")
takes_minutes = pytest.mark.skipif(not os.environ.get("KAM_LAKE"), reason="takes minutes: make test-lake runs it")
FIRST = date(2024, 1, 1)
MONTHS = [add_months(FIRST, number) for number in range(24)]
INVOICES: list[dict[str, Any]] = [
    {
        "invoice_id": f"I{number}",
        "account_id": "AB"[number % 2],
        "invoice_date": month.replace(day=10),
        "net_amount": 100 + number,
    }
    for number, month in enumerate(MONTHS)
]
VERSIONS = "SELECT period_month, close_version, content_hash, verdict FROM reporting.closes ORDER BY ALL"


@pytest.mark.parametrize(
    ("count", "workers", "at_most", "sizes"),
    [
        (1, 4, 24, [1]),
        (11, 4, 24, [11]),
        (12, 4, 24, [6, 6]),
        (13, 2, 24, [6, 7]),
        (24, 4, 24, [6, 6, 6, 6]),
        (24, 2, 24, [12, 12]),
        (24, 2, 6, [6, 6, 6, 6]),
        (24, 1, 6, [24]),
    ],
)
def test_months_are_cut_into_chunks_in_a_row(count: int, workers: int, at_most: int, sizes: list[int]) -> None:
    cut = chunks.cut(MONTHS[:count], workers, at_most)
    assert [len(chunk) for chunk in cut] == sizes
    assert list(itertools.chain.from_iterable(cut)) == MONTHS[:count]


@pytest.fixture(scope="module")
def new_catalog(postgresql: PostgreSql) -> Iterator[Callable[[], str]]:  # noqa: F811
    """Gives the settings another empty database; without the extensions the tests of lakes are skipped."""
    pytest.importorskip("duckdb_extension_ducklake")
    pytest.importorskip("duckdb_extension_postgres_scanner")
    with pytest.MonkeyPatch.context() as patch:

        def new() -> str:
            url = postgresql.new_database()
            patch.setenv("KAM_CATALOG", url)
            return url

        # Two months a chunk, so that a few make many.
        patch.setattr(chunks, "FEWEST_MONTHS", 2)
        yield new


def lake(folder: Path, workers: int, **run: object) -> Site:
    """A site in a lake, closed by so many workers."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "warehouse": {"kind": "ducklake", "catalog": "env:KAM_CATALOG"},
        "run": {"workers": workers, **run},
    }
    return write_site(folder, {"invoices": INVOICES}, settings=settings, feeds=["invoices"])


def in_a_file(folder: Path) -> Site:
    """The same site in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_site(folder, {"invoices": INVOICES}, feeds=["invoices"])


@contextmanager
def in_this_process(_site: Site, _count: int) -> Iterator[pools.Submit]:
    """Workers that are none: each chunk is built here, as a worker builds it."""

    def submit(site: Site, chunk: Chunk) -> Future[BuiltChunk]:
        future: Future[BuiltChunk] = Future()
        future.set_result(build_chunk(site, chunk))
        return future

    yield submit


HERE = replace(PLAIN, build_chunks=partial(workers.build_chunks, pool=in_this_process))


def backfill(site: Site, count: int, by: Steps = PLAIN, **terms: Any) -> CloseReport:
    """Close the first months of the site."""
    run = Run("backfill", MONTHS[:count], terms=Terms(**terms))
    with steps.writing_session(site, run.name, run.months):
        close_months(site, run, by)
    return run.report


def outcomes(report: CloseReport) -> list[tuple[object, ...]]:
    """What a person hears of each month, without the folder of the site."""
    said = [(month.month, month.outcome, month.version, month.message, month.changes) for month in report.months]
    return [*said, *((check.name, check.checked_count, check.failed_by_month) for check in report.checks)]


def late(site: Site, name: str, month: date, amount: str = "7") -> None:
    """An invoice of a month comes late."""
    record = {"invoice_id": name, "account_id": "A", "invoice_date": month.replace(day=28), "net_amount": amount}
    write_csv(site.directory / "landing" / f"invoices_{name}.csv", FEEDS["invoices"].column_names, [record])


@long
@takes_minutes
def test_what_workers_find_is_judged_as_if_one_process_had_found_it(
    new_catalog: Callable[[], str], tmp_path: Path
) -> None:
    """Closed; then late invoices ask for restatements; then one month is locked, and the others are restated."""
    new_catalog()
    sites = [(in_a_file(tmp_path / "file"), PLAIN), (lake(tmp_path / "lake", 2), HERE)]
    found = []
    for site, by in sites:
        reports = [backfill(site, 4, by)]
        late(site, "LATE", MONTHS[1])
        reports.append(backfill(site, 4, by))
        steps.set_lock(site, MONTHS[2], "audited", is_locked=True)
        reports.append(backfill(site, 5, by, restate=True, reason="late"))
        found.append([*map(outcomes, reports), published(site, VERSIONS)])
    assert found[0] == found[1]
    of_months = [[month.outcome for month in report.months] for report in reports]
    assert set(of_months[0]) == {"closed"}
    assert "changed" in of_months[1]
    assert {"locked", "closed"} <= set(of_months[2])


@long
@takes_minutes
def test_months_of_a_worker_that_a_model_fails_for_are_built_again_by_the_run(
    new_catalog: Callable[[], str], tmp_path: Path
) -> None:
    new_catalog()
    file, site = in_a_file(tmp_path / "file"), lake(tmp_path / "lake", 2)
    backfill(file, 4)

    def build(site: Site, cut: Sequence[Chunk]) -> dict[int, BuiltChunk]:
        return workers.build_chunks(site, cut, in_this_process) | {2: BuiltChunk(failed="sql/marts/x.sql: Overflow")}

    report = backfill(site, 4, replace(PLAIN, build_chunks=build))
    assert [month.outcome for month in report.months] == ["closed"] * 4
    assert published(site, VERSIONS) == published(file, VERSIONS)
    require_nothing_left(site)


def require_nothing_left(site: Site) -> None:
    """Each version has the rows that its manifest counts, and there are no others."""
    with warehouse(site) as con:
        assert rows(con, "FROM ops.stored_ahead") == rows(con, "FROM ops.workers") == []
        counted: dict[tuple[str, date, int], int] = {}
        for close in rows(con, "SELECT period_month, close_version, manifest FROM ops.closes"):
            for table, count in json.loads(close["manifest"])["rows"].items():
                counted[table, close["period_month"], close["close_version"]] = count
        there = " UNION ALL ".join(
            f"SELECT '{mart.name}', period_month, close_version, count(*) FROM marts.{mart.name} GROUP BY ALL"
            for mart in marts()
        )
        assert {tuple(row[:3]): row[3] for row in con.execute(there).fetchall()} == counted


@long
def test_two_workers_that_build_a_month_differently_close_nothing(
    new_catalog: Callable[[], str], tmp_path: Path
) -> None:
    new_catalog()
    site = lake(tmp_path, 2)

    def build(site: Site, cut: Sequence[Chunk]) -> dict[int, BuiltChunk]:
        built = workers.build_chunks(site, cut, in_this_process)
        content = [(month, table, "0", count) for month, table, _, count in built[2].content]
        return built | {2: replace(built[2], content=content)}

    with pytest.raises(KamError, match=r"2024-02 was built twice, as a proof, on .* and the rows are not the same"):
        backfill(site, 4, replace(PLAIN, build_chunks=build))
    with warehouse(site) as con:
        assert rows(con, "FROM ops.closes") == []


@long
def test_a_worker_of_a_run_that_is_over_stores_nothing(new_catalog: Callable[[], str], tmp_path: Path) -> None:
    new_catalog()
    site = lake(tmp_path, 2)
    record = {"period_month": FIRST, "close_version": 1}
    with steps.writing_session(site, "backfill"), warehouse(site) as con, open_for_worker(site) as other:
        token = begin_workers(con)
        for _ in range(2):  # a worker that does it again
            with stored_by_worker(other, token, 1) as is_new:
                if is_new:
                    insert(other, "ops.stored_ahead", [record])
        assert len(rows(con, "FROM ops.stored_ahead")) == 1

        def overtaken() -> None:
            with stored_by_worker(other, token, 2):
                insert(other, "ops.stored_ahead", [record])
                end_workers(con)

        # As a worker says it: its connection is open around all that it does.
        with pytest.raises(WarehouseBusyError, match="somebody else wrote"), LakeStore(site).explained():
            overtaken()
        with (
            pytest.raises(WarehouseBusyError, match="the run that this worker belongs to is over"),
            stored_by_worker(other, token, 3),
        ):
            pytest.fail("stores after the end")
        with pytest.raises(WarehouseBusyError, match="does not have the right"), stored(other):
            pytest.fail("a worker wrote as if it were the run")
        assert len(rows(con, "FROM ops.stored_ahead")) == 1


@long
@pytest.mark.parametrize("count", [2, pytest.param(4, marks=takes_minutes)])
def test_processes_give_the_versions_of_one_process_also_when_one_is_killed(
    new_catalog: Callable[[], str], tmp_path: Path, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    new_catalog()
    file, site = in_a_file(tmp_path / "file"), lake(tmp_path / "lake", count)
    backfill(file, 8)
    before = set(multiprocessing.active_children())
    killed: list[int] = []

    def kill_one() -> None:
        while not killed:
            time.sleep(0.1)
            for process in set(multiprocessing.active_children()) - before:
                if process.pid and sum(psutil.Process(process.pid).cpu_times()[:2]) > 4:
                    os.kill(process.pid, signal.SIGKILL)
                    killed.append(process.pid)
                    return

    thread = threading.Thread(target=kill_one, daemon=True)
    thread.start()
    report = backfill(site, 8)
    assert killed
    assert "A worker died" in caplog.text
    assert [month.outcome for month in report.months] == ["closed"] * 8
    assert published(site, VERSIONS) == published(file, VERSIONS)
    require_nothing_left(site)
    assert set(multiprocessing.active_children()) == before


RUN = """
import pathlib, sys
from kam.alerts import run_close
from kam.close import Run, chunks
from kam.periods import parse_month, months_between
from kam.site import find_site

if __name__ == "__main__":
    chunks.FEWEST_MONTHS = 2
    run_close(find_site(pathlib.Path(sys.argv[1])), Run("backfill", months_between(*map(parse_month, sys.argv[2:]))))
"""


@long
@takes_minutes
def test_after_the_kill_of_the_run_its_workers_are_gone_and_the_next_run_closes_the_months(
    new_catalog: Callable[[], str], tmp_path: Path
) -> None:
    new_catalog()
    file, site = in_a_file(tmp_path / "file"), lake(tmp_path / "lake", 2)
    backfill(file, 4)
    script = tmp_path / "run.py"
    script.write_text(RUN)
    command = [sys.executable, str(script), str(site.directory), "2024-01", "2024-04"]
    with subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}) as run:
        children = _when_a_chunk_is_stored(site, run)
        run.kill()
    psutil.wait_procs(children, timeout=30)
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    with open_read_only(site) as con:
        assert rows(con, "FROM ops.closes") == []
    report = backfill(site, 4)
    assert [month.outcome for month in report.months] == ["closed"] * 4
    assert published(site, VERSIONS) == published(file, VERSIONS)
    require_nothing_left(site)


WITH_PREFECT = """
import sys
from kam.close import chunks

if __name__ == "__main__":
    chunks.FEWEST_MONTHS = 2
    from kam.cli import main

    main()
"""


@long
def test_a_flow_with_workers_leaves_no_server_and_no_process(new_catalog: Callable[[], str], tmp_path: Path) -> None:
    new_catalog()
    file, site = in_a_file(tmp_path / "file"), lake(tmp_path / "lake", 2)
    backfill(file, 4)
    script = tmp_path / "run.py"
    script.write_text(WITH_PREFECT)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    env |= {"PYTHONPATH": str(REPOSITORY), "KAM_TEST_MARK": str(tmp_path)}
    options = ["--prefect", "--site", str(site.directory), "backfill", "2024-01", "2024-04"]
    said = tmp_path / "said.txt"
    with said.open("w") as stream:  # a pipe would stay open as long as a process that was left behind
        done = subprocess.run(
            [sys.executable, str(script), *options], cwd=REPOSITORY, env=env, stdout=stream, stderr=stream, check=False
        )
    left = [process for process in psutil.process_iter() if _began_with(process, str(tmp_path))]
    commands = [process.cmdline() for process in left]
    for process in left:
        process.kill()
    assert done.returncode == 0, said.read_text()
    assert published(site, VERSIONS) == published(file, VERSIONS)
    assert commands == []


def _began_with(process: psutil.Process, mark: str) -> bool:
    """Whether a process has this mark in its environment and still runs."""
    with suppress(psutil.Error):
        # The tracker of multiprocessing notices the end of its process, and ends a moment later.
        is_tracker = "resource_tracker" in " ".join(process.cmdline())
        return (
            process.environ().get("KAM_TEST_MARK") == mark
            and not is_tracker
            and process.status() != psutil.STATUS_ZOMBIE
        )
    return False


def _when_a_chunk_is_stored(site: Site, run: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes of a run at the moment when the first of its workers has stored something."""
    while run.poll() is None:
        time.sleep(0.2)
        with suppress(duckdb.Error, KamError), open_read_only(site) as con:
            if rows(con, "FROM ops.stored_ahead"):
                children = psutil.Process(run.pid).children(recursive=True)
                assert children
                return children
    pytest.fail("the run ended before it could be killed")


def test_a_worker_with_another_release_is_refused(site_folder: Path) -> None:
    site = in_a_file(site_folder)
    chunk = Chunk(1, (FIRST,), None, (FIRST,), {FIRST: 1}, 1, False, "", "kam-close 9", "")  # noqa: FBT003
    with pytest.raises(UsageError, match=r"has kam-close .* and the run has kam-close 9\. Install the same on both"):
        build_chunk(site, chunk)
    with pytest.raises(UsageError, match=r"has other rules in .*checks than the run"):
        build_chunk(site, replace(chunk, release=chunks.release()))


def test_workers_that_die_again_and_again_end_the_run(site_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    @contextmanager
    def dying(_site: Site, _count: int) -> Iterator[pools.Submit]:
        def submit(_: Site, __: Chunk) -> Future[BuiltChunk]:
            future: Future[BuiltChunk] = Future()
            future.set_exception(BrokenExecutor("gone"))
            return future

        yield submit

    site = in_a_file(site_folder)
    chunk = Chunk(1, (FIRST,), None, (FIRST,), {FIRST: 1}, 1, False, "", "", "")  # noqa: FBT003
    with pytest.raises(
        WorkersAwayError, match=r"workers died 3 times while they built 2024-01 to 2024-01 \(BrokenExecutor\)\. Nothing"
    ) as raised:
        workers.build_chunks(site, [chunk], dying)
    assert raised.value.exit_code == 5
    assert caplog.text.count("A worker died") == 3


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"workers": 0}, "run.workers"),
        ({"workers": 65}, "run.workers"),
        ({"task_runner": "ray"}, "run.task_runner"),
        ({"task_runner": "dask:tcp://reader:Canary@host:8786"}, "run.task_runner"),
        ({"workers": 2}, "run.workers: expected 1 without [warehouse] kind"),
    ],
)
def test_settings_that_no_worker_can_work_with_are_refused(site_folder: Path, run: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        write_site(site_folder, {}, settings={"run": run}, feeds=["invoices"])


@contextmanager
def dask_scheduler(workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and its workers, each a process; its address and the workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with ExitStack() as stack:

        def start(*command: str) -> subprocess.Popen[bytes]:
            called = [sys.executable, "-c", "from dask.__main__ import main; main()", *command]
            started = subprocess.Popen(
                called, cwd=REPOSITORY, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.enter_context(started)
            stack.callback(started.kill)
            return started

        start("scheduler", "--host", address, "--no-dashboard", "--no-jupyter")
        yield (
            address,
            [start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard") for _ in range(workers)],
        )


def when_it_has_workers(address: str, count: int) -> None:
    """Wait until so many workers of the scheduler are there."""
    from distributed import Client

    with Client(address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=120)


@long
@takes_minutes
def test_workers_of_a_dask_scheduler_give_the_versions_of_one_process_also_when_one_is_killed(
    new_catalog: Callable[[], str], tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    new_catalog()
    file = in_a_file(tmp_path / "file")
    backfill(file, 4)
    with dask_scheduler(2) as (address, processes):
        site = lake(tmp_path / "lake", 2, task_runner=f"dask:{address}")
        when_it_has_workers(address, 2)
        spent = sum(psutil.Process(processes[0].pid).cpu_times()[:2])

        def kill_one() -> None:
            while sum(psutil.Process(processes[0].pid).cpu_times()[:2]) < spent + 3:
                time.sleep(0.1)
            processes[0].kill()

        thread = threading.Thread(target=kill_one, daemon=True)
        thread.start()
        report = backfill(site, 4)
        thread.join(timeout=10)
        assert processes[0].poll() == -signal.SIGKILL
    assert [month.outcome for month in report.months] == ["closed"] * 4
    assert published(site, VERSIONS) == published(file, VERSIONS)
    require_nothing_left(site)


def test_a_scheduler_that_is_away_or_has_no_worker_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(pools, "_LOOK_SECONDS", 1)
    with pytest.raises(WorkersAwayError, match=r"the Dask scheduler tcp://127\.0\.0\.1:1 cannot be reached") as away:
        pools.require_scheduler("tcp://127.0.0.1:1")
    assert "\n" not in str(away.value)
    assert away.value.exit_code == 5
