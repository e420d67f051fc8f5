"""A warehouse in DuckLake gives what one in a file gives, with its catalog in a real PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kam.audit import maintain, rebuild, verify
from kam.close import steps
from kam.errors import KamError, SettingsError, UsageError, WarehouseAwayError, WarehouseBusyError
from kam.site import FEEDS, Site, find_site
from kam.warehouse import (
    checked_corrections,
    lake_catalog,
    open_for_worker,
    open_read_only,
    rows,
    run_steps,
    stored,
    warehouse,
    writing,
)
from tests.cli import kam
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - a fixture
from tests.stores import file_store_only
from tests.support import REPOSITORY, close_plainly, long, published, write_csv, write_site

pytestmark = file_store_only("it has both stores itself")
pytest.importorskip("duckdb_extension_ducklake")
pytest.importorskip("duckdb_extension_postgres_scanner")

APRIL, MAY, JUNE = (date(2026, month, 1) for month in (4, 5, 6))
INVOICES: list[dict[str, Any]] = [
    {"invoice_id": f"I{month}", "account_id": "A", "invoice_date": f"2026-0{month}-10", "net_amount": 100}
    for month in (4, 5, 6)
]
LATE = {"invoice_id": "LATE", "account_id": "A", "invoice_date": "2026-04-28", "net_amount": 7}
LAKE = {"warehouse": {"kind": "ducklake", "catalog": "env:KAM_CATALOG"}}
VERSIONS = "SELECT period_month, close_version, content_hash FROM reporting.closes ORDER BY ALL"

# Commits to the lake of the second run over it.
_made_by_restatement: list[int] = []


@pytest.fixture(scope="module")
def catalog(postgresql: PostgreSql) -> Iterator[str]:  # noqa: F811
    """The URL of an empty database, in the variable that the settings name."""
    with pytest.MonkeyPatch.context() as patch:
        url = postgresql.new_database()
        patch.setenv("KAM_CATALOG", url)
        # Commits are counted, and on a busy machine a run takes longer.
        patch.setattr(run_steps, "_MOMENT_OF_LAKE", 3600)
        yield url


@pytest.fixture(scope="module")
def closed(catalog: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """April and May are closed in the lake; then an invoice of April comes late, and April to June are closed."""
    assert catalog
    site = write_site(tmp_path_factory.mktemp("lake"), {"invoices": INVOICES}, settings=LAKE, feeds=["invoices"])
    close_first(site)
    before = commits(catalog)
    close_again(site)
    _made_by_restatement[:] = [commits(catalog) - before]
    return site


def close_first(site: Site) -> None:
    close_plainly(site, [APRIL, MAY])


def close_again(site: Site) -> None:
    write_csv(site.directory / "landing" / "invoices_late.csv", FEEDS["invoices"].column_names, [LATE])
    close_plainly(site, [APRIL, MAY, JUNE], restate=True)


def commits(catalog: str) -> int:
    """How often something was committed to the lake."""
    with psycopg.connect(catalog) as con:
        return int(con.execute("SELECT max(snapshot_id) FROM lake_1.ducklake_snapshot").fetchall()[0][0])


@long
def test_a_lake_gives_the_versions_that_a_file_gives(closed: Site, tmp_path: Path) -> None:
    in_a_file = write_site(tmp_path, {"invoices": INVOICES}, feeds=["invoices"])
    close_first(in_a_file)
    close_again(in_a_file)
    assert published(closed, VERSIONS) == published(in_a_file, VERSIONS)
    assert len(published(closed, VERSIONS)) == 5
    assert not closed.warehouse.exists()


@long
def test_a_run_commits_no_more_often_than_it_has_to(closed: Site, catalog: str) -> None:
    """Each commit costs a lake as much as a file needs to load some rows, and is kept as a state of its own."""
    before = commits(catalog)
    with steps.writing_session(closed, "ingest"):
        steps.load_feed(closed, "invoices")
    # Who writes, and that a run begins and ends.
    assert commits(catalog) - before == 3
    before = commits(catalog)
    close_plainly(closed, [APRIL, MAY, JUNE], restate=True)
    # The same, and for each month that it is up to date.
    assert commits(catalog) - before == 3 + 3
    # The second run of the fixture: the same, a load, the rows of three months, each of them, and what is published.
    assert _made_by_restatement == [3 + 1 + 1 + 3 + 1]


_WITHOUT_STATISTICS = """
    SELECT table_name FROM lake_1.ducklake_table AS tables
    WHERE end_snapshot IS NULL AND NOT EXISTS (SELECT 1 FROM lake_1.ducklake_table_stats AS stats WHERE stats.table_id = tables.table_id)
"""


@long
def test_also_empty_tables_have_statistics(closed: Site, catalog: str) -> None:
    """DuckLake asks for those that are missing again at each look at a table, twice for each column."""
    with psycopg.connect(catalog, autocommit=True) as con:
        empty = "SELECT table_id FROM lake_1.ducklake_table_stats WHERE record_count = 0"
        assert len(con.execute(empty).fetchall()) > 50
        assert con.execute(_WITHOUT_STATISTICS).fetchall() == []
        # A lake of an earlier release gets them at the next turn to write.
        con.execute(f"DELETE FROM lake_1.ducklake_table_column_stats WHERE table_id IN ({empty})")
        con.execute("DELETE FROM lake_1.ducklake_table_stats WHERE record_count = 0")
        before = published(closed, VERSIONS)
        close_plainly(closed, [APRIL, MAY, JUNE], restate=True)
        assert con.execute(_WITHOUT_STATISTICS).fetchall() == []
        assert len(con.execute(empty).fetchall()) > 50
    assert published(closed, VERSIONS) == before


@long
def test_a_reader_brings_a_lake_of_an_earlier_release_up_to_date(closed: Site) -> None:
    with warehouse(closed) as con:
        con.execute("DROP TABLE ops.steps")
        con.execute("UPDATE ops.shape SET sha256 = 'of another release'")
    with pytest.raises(KamError, match="another release than that of this worker"), open_for_worker(closed):
        pytest.fail("opened")
    with open_read_only(closed) as con:
        assert rows(con, "FROM ops.steps") == []
    with open_for_worker(closed) as con:
        assert len(rows(con, "FROM ops.closes")) == 5


@long
def test_a_reader_writes_no_corrections(closed: Site) -> None:
    """They wait in their file for the next run, and may be looked at before it."""
    file = closed.directory / "corrections.toml"
    file.write_text(
        """
        [[corrections]]
        feed = "invoices"
        key = { invoice_id = "LATE", line_no = 1 }
        column = "net_amount"
        wrong = 7
        right = 8
        reason = "Typing error"
        owner = "AR"
        """
    )
    site = find_site(closed.directory)
    with open_read_only(site) as con:
        assert rows(con, "SELECT net_amount FROM core.invoices WHERE invoice_id = 'LATE'") == [{"net_amount": 7}]
    with open_for_worker(site) as con:
        assert rows(con, "FROM staging.corrections") == []
    assert [correction.state for correction in checked_corrections(site)] == ["applied"]
    file.unlink()


@long
def test_each_version_in_a_lake_is_proved_from_the_archive(closed: Site) -> None:
    proofs = verify(closed)
    assert [(proof.month, proof.version) for proof in proofs if proof.holds] == [
        (APRIL, 1),
        (APRIL, 2),
        (MAY, 1),
        (MAY, 2),
        (JUNE, 1),
    ]


@long
def test_others_read_while_one_writes(closed: Site) -> None:
    def half_done() -> None:
        with writing(closed, "close"), warehouse(closed) as con, stored(con):
            con.execute("DELETE FROM ops.closes")
            assert rows(con, "FROM ops.closes") == []
            with open_read_only(closed) as reader:
                assert len(rows(reader, "FROM ops.closes")) == 5
                assert len(rows(reader, "FROM reporting.receivables_rollforward")) == 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()
    with open_read_only(closed) as reader:
        assert len(rows(reader, "FROM ops.closes")) == 5


@long
def test_a_writer_that_lost_its_lock_commits_nothing_more(closed: Site, catalog: str) -> None:
    def overtaken() -> None:
        with writing(closed, "close 2026-06"), warehouse(closed) as con:
            with stored(con):
                con.execute("UPDATE ops.closes SET reason = 'before'")
            with psycopg.connect(catalog, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'kam close%'"
                )
            # Another machine has its turn now.
            write = (
                "import sys, pathlib\nfrom kam.site import find_site\nfrom kam.warehouse import stored, warehouse, writing\n"
                "site = find_site(pathlib.Path(sys.argv[1]))\n"
                "with writing(site, 'other'), warehouse(site) as con, stored(con):\n"
                "    con.execute(\"UPDATE ops.closes SET reason = 'other'\")"
            )
            subprocess.run([sys.executable, "-c", write, str(closed.directory)], cwd=REPOSITORY, check=True)
            with stored(con):
                con.execute("UPDATE ops.closes SET reason = 'too late'")

    with pytest.raises(WarehouseBusyError, match="does not have the right to write any more"):
        overtaken()
    with open_read_only(closed) as con:
        assert rows(con, "SELECT DISTINCT reason FROM ops.closes") == [{"reason": "other"}]


@long
@pytest.mark.parametrize("is_locked", [True, False])
def test_of_two_writers_in_a_transaction_the_second_is_refused(closed: Site, catalog: str, is_locked: bool) -> None:
    """Rows that both add do not collide in a lake. The first lost its lock while it was at it, or the other asked for none."""
    add = "INSERT INTO ops.failed_closes (period_month, message) VALUES (DATE '2026-07-01', 'of {}')"
    unlocked = "from kam.warehouse.lake_catalog import LakeCatalog\nLakeCatalog._wait_for_turn = lambda *_: None\n"
    write = (
        f"import sys, pathlib\n{'' if is_locked else unlocked}from kam.site import find_site\n"
        "from kam.warehouse import stored, warehouse, writing\nsite = find_site(pathlib.Path(sys.argv[1]))\n"
        f"with writing(site, 'other'), warehouse(site) as con, stored(con):\n    con.execute({add.format('the other')!r})"
    )

    def overtaken() -> None:
        with writing(closed, "close 2026-06"), warehouse(closed) as con, stored(con):
            con.execute(add.format("the first"))
            if is_locked:
                with psycopg.connect(catalog, autocommit=True) as other:
                    other.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'kam close%'"
                    )
            subprocess.run([sys.executable, "-c", write, str(closed.directory)], cwd=REPOSITORY, check=True)

    with pytest.raises(
        WarehouseBusyError, match="somebody else wrote to it meanwhile, so nothing of this step was kept"
    ):
        overtaken()
    with writing(closed, "looks"), warehouse(closed) as con:
        assert rows(con, "SELECT message FROM ops.failed_closes") == [{"message": "of the other"}]
        con.execute("DELETE FROM ops.failed_closes")


@long
def test_a_second_writer_is_told_for_whom_it_waits_and_not_kept_by_one_that_was_killed(closed: Site) -> None:
    hold = (
        "import sys, pathlib\nfrom kam.site import find_site\nfrom kam.warehouse import writing\n"
        "with writing(find_site(pathlib.Path(sys.argv[1])), 'close 2026-06'):\n    print('holding', flush=True)\n    sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(closed.directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "holding\n"
        heard: list[str] = []
        with (
            pytest.raises(
                WarehouseBusyError, match=r"still in use by kam close 2026-06 \(process \d+ of .* after 0 seconds"
            ),
            writing(closed, "close 2026-07", wait_seconds=0, on_wait=heard.append),
        ):
            pytest.fail("two have the right to write")
        other.send_signal(signal.SIGKILL)
        other.wait()
        with writing(closed, "close 2026-07", wait_seconds=10, on_wait=heard.append):
            pass
        assert all("close 2026-06" in message for message in heard)


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("", SettingsError, "the environment variable KAM_CATALOG is not set"),
        ("postgresql://reader:Canary-7@127.0.0.1:1/books", KamError, "the lake of KAM_CATALOG: cannot be reached"),
    ],
)
def test_a_catalog_that_is_not_there_is_named_without_its_password(
    site_folder: Path, monkeypatch: pytest.MonkeyPatch, url: str, error: type[Exception], said: str
) -> None:
    site = write_site(site_folder, {"invoices": INVOICES}, settings=LAKE, feeds=["invoices"])
    monkeypatch.setenv("KAM_CATALOG", url)
    for open_it in (open_read_only, warehouse, lambda site: writing(site, "close")):
        with pytest.raises(error, match=said) as raised, open_it(site):
            pytest.fail("opened")
        assert "Canary" not in str(raised.value)


@long
def test_maintenance_changes_no_version_and_removes_what_nobody_needs(closed: Site) -> None:
    versions = "SELECT period_month, close_version, content_hash FROM ops.closes ORDER BY ALL"
    with open_read_only(closed) as con:
        before = rows(con, versions)
    orphan = closed.directory / "lake" / "1" / "staging" / "orphan.parquet"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"half a file")
    assert maintain(closed) is not None
    assert orphan.exists()  # somebody may be at it
    found = maintain(closed, kept_states=timedelta(0), kept_files=timedelta(seconds=-5))
    assert found is not None
    assert found.contents.version_count == 5
    assert not orphan.exists()
    with open_read_only(closed) as con:
        assert rows(con, versions) == before
    close_plainly(closed, [APRIL, MAY, JUNE], restate=True)  # nothing changed, so there is no new version
    with open_read_only(closed) as con:
        assert rows(con, versions) == before


@long
def test_a_lake_is_rebuilt_beside_the_one_in_use_and_takes_its_place(closed: Site, catalog: str) -> None:
    before = published(closed, VERSIONS)
    with pytest.raises(UsageError, match="exists already"):
        rebuild(closed)
    report = rebuild(closed, force=True)
    assert (report.load_count, report.close_count, report.differences) == (2, 5, [])
    with open_read_only(closed) as con:
        versions = "SELECT period_month, close_version, content_hash FROM ops.closes ORDER BY ALL"
        assert rows(con, versions) == before
    with psycopg.connect(catalog) as con:
        assert con.execute("SELECT number FROM kam_lake").fetchall() == [(2,)]
        assert con.execute("SELECT count(*) > 0 FROM lake_1.ducklake_data_file").fetchone() is not None

    # The catalog is lost: nothing takes an empty one for the lake, and the archive brings it back.
    with psycopg.connect(catalog) as con:
        con.execute("DROP SCHEMA lake_2 CASCADE; DROP TABLE kam_lake")
    for open_it in (open_read_only, lambda site: writing(site, "close")):
        with (
            pytest.raises(KamError, match=r"is missing, but .* lists what was loaded into it.*rebuild"),
            open_it(closed),
        ):
            pytest.fail("opened")
    assert rebuild(closed).differences == []
    with open_read_only(closed) as con:
        assert rows(con, versions) == before


def test_a_working_file_needs_no_maintenance(site_folder: Path) -> None:
    write_site(site_folder, {"invoices": INVOICES}, feeds=["invoices"])
    assert "nothing to do" in kam("--site", site_folder, "maintain").stdout


def test_a_catalog_that_answers_in_another_language_is_refused(
    postgresql: PostgreSql,  # noqa: F811
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = write_site(site_folder, {"invoices": INVOICES}, settings=LAKE, feeds=["invoices"])
    monkeypatch.setenv("KAM_CATALOG", postgresql.new_database())
    # Other languages than C are rarely installed beside a server, and it takes no name of one that is not.
    monkeypatch.setattr(lake_catalog, "_LANGUAGE", "SELECT 'de_DE.UTF-8'")
    with (
        pytest.raises(SettingsError, match=r"another language than English \(lc_messages = de_DE"),
        writing(site, "close"),
    ):
        pytest.fail("opened")


def test_a_catalog_that_goes_away_is_exit_status_5_and_keeps_nothing_half_done(
    postgresql: PostgreSql,  # noqa: F811
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = write_site(site_folder, {"invoices": INVOICES}, settings=LAKE, feeds=["invoices"])
    monkeypatch.setenv("KAM_CATALOG", postgresql.new_database())

    def interrupted() -> None:
        with writing(site, "close"), warehouse(site) as con, stored(con):
            con.execute("INSERT INTO ops.targets SELECT * FROM ops.targets")
            con.execute("INSERT INTO staging.corrections SELECT * FROM staging.corrections")
            con.execute("UPDATE ops.writer SET commits = 1000")
            postgresql.stop()

    try:
        with pytest.raises(WarehouseAwayError, match="the lake of KAM_CATALOG: cannot be reached") as raised:
            interrupted()
        assert raised.value.exit_code == 5
        done = kam("--site", site_folder, "status")
        assert (done.returncode, "cannot be reached" in done.stderr) == (5, True)
    finally:
        postgresql.start()
    with open_read_only(site) as con:
        assert con.execute("SELECT commits < 1000 FROM ops.writer").fetchall() == [(True,)]


@long
def test_a_version_that_is_there_twice_is_found_at_the_start(closed: Site) -> None:
    with writing(closed, "close"), warehouse(closed) as con, stored(con):
        con.execute("INSERT INTO ops.closes FROM ops.closes WHERE period_month = DATE '2026-06-01'")
    with (
        pytest.raises(KamError, match=r"has version 1 of 2026-06 twice: two processes wrote at once.*rebuild"),
        writing(closed, "close"),
    ):
        pytest.fail("opened")
    rebuild(closed, force=True)
    with writing(closed, "close"):
        pass
