"""A publication begins with a copy of the last file, and leaves what a file that is written anew would have."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kam.alerts import run_approve
from kam.close import Run, steps
from kam.errors import KamError
from kam.publish import filling, published_file
from kam.publish.filling import fill
from kam.site import FEEDS, Site, find_site
from kam.warehouse import open_read_only, quoted, warehouse
from tests.support import close_plainly, long, write_csv, write_site

APRIL, MAY, JUNE, JULY = (date(2026, month, 1) for month in (4, 5, 6, 7))
ACCOUNTS = [{"account_id": name, "account_name": name, "account_manager": "Ito"} for name in "AB"]


def invoice(number: str, account: str, day: str, amount: float = 100) -> dict[str, Any]:
    return {"invoice_id": number, "account_id": account, "invoice_date": day, "due_date": day, "net_amount": amount}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """April, May and June are closed; July is not. Not to be changed: copy it."""
    invoices = [invoice(f"{account}{month}", account, f"2026-0{month}-10") for account in "AB" for month in range(4, 8)]
    given = {"accounts": ACCOUNTS, "invoices": invoices}
    site = write_site(tmp_path_factory.mktemp("books"), given, settings={"publish": {"pack": False}}, feeds=list(given))
    close_plainly(site, [APRIL, MAY, JUNE])
    return site


@pytest.fixture
def site(closed: Site, tmp_path: Path) -> Site:
    """A copy of it, of one's own."""
    return find_site(shutil.copytree(closed.directory, tmp_path / "site"))


def late(site: Site, number: str, day: str) -> None:
    """An invoice that comes late."""
    write_csv(
        site.directory / "landing" / f"invoices_{number}.csv",
        FEEDS["invoices"].column_names,
        [invoice(number, "A", day, 7)],
    )


def updates(site: Site) -> int:
    """How many times the published file was updated since it was written anew."""
    with open_read_only(site) as con:
        return int(con.execute("SELECT update_count FROM ops.published_file").fetchall()[0][0])


def content(file: Path) -> dict[str, Any]:
    """All that a published file has: definitions with comments, and rows whatever their order."""
    with duckdb.connect(str(file), read_only=True) as con:
        tables = con.execute(
            "SELECT schema_name || '.' || table_name, comment, sql FROM duckdb_tables() "
            "UNION ALL SELECT schema_name || '.' || view_name, comment, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        columns = con.execute(
            "SELECT schema_name, table_name, column_index, column_name, data_type, comment FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        names = [tuple(map(quoted, table.split("."))) for table, _, _ in tables]
        rows = {name: con.execute(f"SELECT * FROM {'.'.join(name)} ORDER BY ALL").fetchall() for name in names}
    return {"tables": tables, "columns": columns, "rows": rows}


def test_rows_that_are_many_are_written_version_by_version_in_the_same_order(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(site, "LATE", "2026-05-20")
    close_plainly(site, [MAY], restate=True)

    def written(name: str) -> list[Any]:
        with open_read_only(site) as con:
            fill(con, tmp_path / name)
        with duckdb.connect(str(tmp_path / name), read_only=True) as con:
            return [content(tmp_path / name), con.execute("FROM marts.receivables_ageing").fetchall()]

    at_once = written("at_once.duckdb")
    monkeypatch.setattr(filling, "_ROWS_AT_ONCE", 3)
    one_by_one = written("one_by_one.duckdb")
    assert len({row[0] for row in at_once[1]}) > 1  # versions
    assert one_by_one == at_once
    (site.published / "kam.duckdb").unlink()
    with steps.writing_session(site, "publish"):
        steps.publish(site)
    close_plainly(site, [JULY])
    assert updates(site) == 1
    require_as_anew(site, tmp_path)


def test_a_publication_that_lacks_memory_says_so_and_leaves_the_file(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (site.published / "kam.duckdb").read_bytes()
    late(site, "LATE", "2026-05-20")

    def lacking(*_: object) -> None:
        message = "Out of Memory Error: failed to allocate data of size 16.0 MiB (940.6 MiB/953.6 MiB used)"
        raise duckdb.OutOfMemoryException(message)

    monkeypatch.setattr(published_file, "fill_from_last", lacking)
    with pytest.raises(
        KamError, match=r"needs more memory than \[site\] memory_limit allows: .*940\.6 MiB.* kam --site .* publish$"
    ):
        close_plainly(site, [MAY], restate=True)
    assert (site.published / "kam.duckdb").read_bytes() == before


def require_as_anew(site: Site, folder: Path) -> None:
    """The published file has what one has that is written anew."""
    anew = folder / "anew.duckdb"
    with open_read_only(site) as con:
        fill(con, anew)
    assert content(site.published / "kam.duckdb") == content(anew)
    anew.unlink()


def test_a_month_more_leaves_what_a_new_file_has(site: Site, tmp_path: Path) -> None:
    assert updates(site) == 0
    close_plainly(site, [JULY])
    assert updates(site) == 1
    require_as_anew(site, tmp_path)


@long
def test_whatever_happens_to_months_the_updated_file_has_what_a_new_one_has(site: Site, tmp_path: Path) -> None:
    late(site, "LATE", "2026-06-20")
    close_plainly(site, [JUNE, JULY], restate=True)
    assert updates(site) == 1, "two months restated"
    require_as_anew(site, tmp_path)
    steps.withdraw(site, JULY, "closed too early")
    assert updates(site) == 2, "the newest month shows the version before"
    require_as_anew(site, tmp_path)
    steps.keep_not_closed(site, JULY, 2, "not ready")
    steps.publish(site, only_if_lagging=True)
    assert updates(site) == 3, "a failed attempt"
    require_as_anew(site, tmp_path)


@long
def test_a_version_that_waits_comes_in_when_it_is_approved(site: Site, tmp_path: Path) -> None:
    settings = site.directory / "kam.toml"
    settings.write_text(settings.read_text().replace("[publish]", "[publish]\napproval = true"))
    site = find_site(site.directory)
    close_plainly(site, [JULY])
    assert updates(site) == 1, "the month waits"
    require_as_anew(site, tmp_path)
    run_approve(site, Run("approve", [JULY]), {JULY: 1}, "reviewed")
    assert updates(site) == 2, "the month is approved"
    require_as_anew(site, tmp_path)


@long
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ops.closes SET closed_by = 'somebody else'",
        "DELETE FROM marts.receivables_ageing",
        "CREATE TABLE reporting.notes AS SELECT 1 AS note",
    ],
)
def test_a_file_that_somebody_changed_is_not_copied(site: Site, tmp_path: Path, sql: str) -> None:
    with duckdb.connect(str(site.published / "kam.duckdb")) as con:
        con.execute(sql)
    close_plainly(site, [JULY])
    assert updates(site) == 0
    require_as_anew(site, tmp_path)


@long
def test_an_older_file_put_back_is_not_copied(site: Site, tmp_path: Path) -> None:
    file = site.published / "kam.duckdb"
    older = shutil.copy(file, tmp_path / "older.duckdb")
    close_plainly(site, [JULY])
    shutil.copy(older, file)
    late(site, "LATE", "2026-07-20")
    close_plainly(site, [JULY], restate=True)
    assert updates(site) == 0
    require_as_anew(site, tmp_path)


@long
@pytest.mark.parametrize(
    "change", ["definitions = 'of another release'", "update_count = 24", "sha256 = 'of another file'"]
)
def test_a_file_is_written_anew_for_another_release_and_now_and_then(site: Site, tmp_path: Path, change: str) -> None:
    with warehouse(site) as con:
        con.execute(f"UPDATE ops.published_file SET {change}")
    close_plainly(site, [JULY])
    assert updates(site) == 0
    require_as_anew(site, tmp_path)


@long
def test_a_publication_after_many_changes_is_written_anew(site: Site, tmp_path: Path) -> None:
    late(site, "LATE", "2026-04-20")
    close_plainly(site, [APRIL, MAY, JUNE, JULY], restate=True)
    assert updates(site) == 0
    require_as_anew(site, tmp_path)


@long
def test_a_command_that_publishes_nothing_new_leaves_the_rows_as_they_are(site: Site, tmp_path: Path) -> None:
    steps.publish(site)
    assert updates(site) == 1
    require_as_anew(site, tmp_path)
