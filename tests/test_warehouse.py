"""One writer at a time, and a reader that never waits on the working file."""

from __future__ import annotations

import getpass
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from filelock import FileLock

from kam.errors import KamError, WarehouseBusyError
from kam.site import Site, scratch_folder
from kam.warehouse import Connection, memory, open_read_only, prepare, transaction, warehouse, writing
from kam.warehouse.turns import Holder, holder
from tests.stores import file_store_only
from tests.support import REPOSITORY, stage, write_site

HOLD = """
import sys, pathlib
from kam.site import find_site
from kam.warehouse import warehouse, writing
site = find_site(pathlib.Path(sys.argv[1]))
with writing(site, "close 2026-06"), warehouse(site):
    print("holding", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def site(site_folder: Path) -> Site:
    return write_site(site_folder, {}, feeds=["orders"])


@pytest.fixture
def other_process(site: Site) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the right to write until its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(site.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@file_store_only("its lock; test_lake.py has that of a lake")
def test_a_second_writer_waits_says_for_whom_and_gives_up(site: Site, other_process: subprocess.Popen[str]) -> None:
    heard: list[str] = []
    with (
        pytest.raises(WarehouseBusyError, match="close 2026-06") as caught,
        writing(site, "close 2026-07", wait_seconds=0.5, on_wait=heard.append),
    ):
        pytest.fail("two writers at once")
    assert caught.value.exit_code == 5
    assert heard == [f"Waiting for close 2026-06 (process {other_process.pid} of {getpass.getuser()}) to finish"]


def test_a_second_writer_goes_on_when_the_first_has_finished(site: Site, other_process: subprocess.Popen[str]) -> None:
    def finish(_: str) -> None:
        assert other_process.stdin is not None
        other_process.stdin.close()

    with writing(site, "close 2026-07", wait_seconds=30, on_wait=finish), warehouse(site) as con:
        assert con.execute("SELECT count(*) FROM ops.loads").fetchall() == [(0,)]


@file_store_only("its lock; test_lake.py has that of a lake")
def test_a_writer_that_was_killed_leaves_nothing_to_wait_for(site: Site, other_process: subprocess.Popen[str]) -> None:
    other_process.kill()
    other_process.wait()
    assert (site.directory / ".kam.holder").exists()
    assert holder(site) is None
    heard: list[str] = []
    with writing(site, "close 2026-07", wait_seconds=5, on_wait=heard.append):
        assert str(holder(site)).startswith("close 2026-07 (")
    assert heard == []


@file_store_only("its lock; test_lake.py has that of a lake")
def test_somebody_who_waits_is_not_told_of_a_process_that_was_killed(
    site: Site, other_process: subprocess.Popen[str]
) -> None:
    """The next writer has the lock already and did not write yet who it is."""
    other_process.kill()
    other_process.wait()
    heard: list[str] = []
    with (
        FileLock(site.directory / ".kam.lock"),
        pytest.raises(WarehouseBusyError) as caught,
        writing(site, "close 2026-07", wait_seconds=0.3, on_wait=heard.append),
    ):
        pytest.fail("two writers at once")
    assert heard == ["Waiting for another process to finish"]
    assert "close 2026-06" not in str(caught.value)


@file_store_only("its lock; test_lake.py has that of a lake")
def test_somebody_who_waits_is_told_when_the_next_has_its_turn(
    site: Site, other_process: subprocess.Popen[str]
) -> None:
    heard: list[str] = []
    passed_on = Holder("close 2026-08", other_process.pid, "anna", "erp1")

    def hear(message: str) -> None:
        heard.append(message)
        (site.directory / ".kam.holder").write_text(json.dumps(asdict(passed_on)), encoding="utf-8")

    with (
        pytest.raises(WarehouseBusyError, match="close 2026-08"),
        writing(site, "close 2026-07", wait_seconds=1, on_wait=hear),
    ):
        pytest.fail("two writers at once")
    assert len(heard) == 2
    assert heard[1] == f"Waiting for close 2026-08 (process {other_process.pid} of anna on erp1) to finish"


def test_a_process_of_another_machine_cannot_be_looked_up_and_counts_as_running(site: Site) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for machine, is_named in ((socket.gethostname(), False), ("erp1", True)):
        left = Holder("close 2026-06", gone.pid, "anna", machine)
        (site.directory / ".kam.holder").write_text(json.dumps(asdict(left)), encoding="utf-8")
        assert (holder(site) == left) is is_named


def test_a_writer_without_patience_gives_up_at_once(site: Site, other_process: subprocess.Popen[str]) -> None:
    says_who = f"process {other_process.pid} of .*Try again when it has finished"
    with (
        pytest.raises(WarehouseBusyError, match=says_who),
        writing(site, "close 2026-07", wait_seconds=0, on_wait=pytest.fail),
    ):
        pytest.fail("two writers at once")


@file_store_only("its lock; test_lake.py has that of a lake")
def test_looking_while_another_process_writes_says_who(site: Site, other_process: subprocess.Popen[str]) -> None:
    with pytest.raises(WarehouseBusyError, match="close 2026-06"), open_read_only(site):
        pytest.fail("opened a file that is being written")
    assert other_process.poll() is None


def test_a_writer_waits_for_somebody_who_only_looks(site: Site) -> None:
    with warehouse(site):
        pass
    look = (
        "import sys, time, pathlib\nfrom kam.site import find_site\nfrom kam.warehouse import open_read_only\n"
        "with open_read_only(find_site(pathlib.Path(sys.argv[1]))):\n    print('looking', flush=True)\n    time.sleep(1)"
    )
    command = [sys.executable, "-c", look, str(site.directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as looker:
        assert looker.stdout is not None
        assert looker.stdout.readline() == "looking\n"
        with warehouse(site) as con:
            assert con.execute("SELECT count(*) FROM ops.loads").fetchall() == [(0,)]


@file_store_only("readers keep no lake")
def test_a_writer_that_finds_a_looker_names_it_and_not_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with warehouse(site):
        pass
    monkeypatch.setattr("kam.warehouse.file_store._LOOK_SECONDS", 0)
    look = "import sys, duckdb\ncon = duckdb.connect(sys.argv[1], read_only=True)\nprint('looking', flush=True)\nsys.stdin.read()"
    command = [sys.executable, "-c", look, str(site.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as looker:
        assert looker.stdout is not None
        assert looker.stdout.readline() == "looking\n"
        with pytest.raises(WarehouseBusyError) as caught, writing(site, "close 2026-06"), warehouse(site):
            pytest.fail("opened a file that is being read")
        looker.communicate()
    assert f"(process {looker.pid})" in str(caught.value)
    assert "close 2026-06" not in str(caught.value)


@file_store_only("the bytes of the file")
def test_a_file_that_is_no_warehouse_is_named(site: Site) -> None:
    site.warehouse.write_bytes(b"not a database" * 1000)
    with pytest.raises(KamError, match=r"warehouse\.duckdb: damaged: .*rebuild --force"), open_read_only(site):
        pytest.fail("opened")


def test_a_warehouse_of_an_earlier_release_gets_the_columns_that_a_feed_has_now() -> None:
    with memory() as con:
        prepare(con, "EUR")
        stage(con, {"orders": [{"order_id": "O1", "account_id": "A", "order_date": "2026-06-01", "quantity": 5}]})
        con.execute("DROP VIEW core.orders; ALTER TABLE staging.orders DROP cancelled_date; DROP TABLE ops.shape")
        con.execute("ALTER TABLE staging.orders DROP line_no")
        prepare(con, "EUR")
        assert con.execute("SELECT order_id, line_no, cancelled_date FROM core.orders").fetchall() == [("O1", 1, None)]


def test_an_exception_takes_a_transaction_back(site: Site) -> None:
    def half_done(con: Connection) -> None:
        with transaction(con):
            con.execute("CREATE TABLE core.half_done (a INTEGER)")
            raise ZeroDivisionError

    with warehouse(site) as con:
        with pytest.raises(ZeroDivisionError):
            half_done(con)
        assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half_done'").fetchall() == [(0,)]


def test_nothing_is_left_of_a_scratch_folder_whose_user_failed(site_folder: Path) -> None:
    site = write_site(site_folder, {}, feeds=["orders"])

    def use() -> None:
        with scratch_folder(site, "work-") as folder:
            (folder / "part").write_text("x", encoding="utf-8")
            message = "it failed"
            raise KamError(message)

    with pytest.raises(KamError, match="it failed"):
        use()
    assert list(site.scratch.iterdir()) == []


def test_the_failed_keys_of_many_checks_need_no_more_memory_than_their_text() -> None:
    """Ten megabytes of keys: to copy all keys of a check for each of them would take two hundred times that."""
    con = memory()
    prepare(con, "EUR")
    con.execute(
        "INSERT INTO ops.checks (period_month, close_version, check_name, sample_keys) "
        "SELECT DATE '2026-06-01', i, 'a check', to_json(list_transform(range(200), lambda n: {'order_id': n, 'note': repeat('x', 150)})) "
        "FROM range(300) AS versions(i)"
    )
    con.execute("SET memory_limit = '200MB'; SET temp_directory = ''")
    con.execute("CREATE TABLE kept AS FROM ops.check_failures")
    found = con.execute(
        "SELECT count(*), min(failure_no), max(failure_no), sum((keys ->> 'order_id')::BIGINT) FROM kept"
    )
    assert found.fetchall() == [(300 * 200, 1, 200, 300 * 199 * 200 // 2)]
    assert con.execute("SELECT DISTINCT failure_no - (keys ->> 'order_id')::BIGINT FROM kept").fetchall() == [(1,)]
