"""What a site has stored moves from its file to a lake and back, and is compared before the setting changes."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kam.audit import migrate, migration
from kam.close import steps
from kam.errors import KamError
from kam.site import FEEDS, Site, find_site, write_warehouse
from kam.warehouse import open_read_only, rows
from tests.cli import kam
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - a fixture
from tests.stores import file_store_only
from tests.support import close_plainly, long, published, write_csv, write_site

pytestmark = file_store_only("it has both stores itself")
pytest.importorskip("duckdb_extension_ducklake")
pytest.importorskip("duckdb_extension_postgres_scanner")

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
INVOICES: list[dict[str, Any]] = [
    {"invoice_id": f"I{month}", "account_id": "A", "invoice_date": f"2026-0{month}-10", "net_amount": 100}
    for month in (4, 5)
]
VERSIONS = "SELECT period_month, close_version, content_hash FROM reporting.closes ORDER BY ALL"


@pytest.fixture
def catalog(postgresql: PostgreSql, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: F811
    """The URL of an empty database, in the variable that the settings name."""
    url = postgresql.new_database()
    monkeypatch.setenv("KAM_CATALOG", url)
    return url


@pytest.fixture
def closed(site_folder: Path) -> Site:
    """April is closed in a file, and an invoice was rejected."""
    site = write_site(site_folder, {"invoices": [*INVOICES[:1], INVOICES[0] | {"invoice_id": ""}]}, feeds=["invoices"])
    close_plainly(site, [APRIL])
    return site


def to_lake(site: Site, data: str = "lake") -> Site:
    migrate(site, "ducklake", catalog_variable="KAM_CATALOG", data=data)
    return find_site(site.directory)


def stored(site: Site) -> list[list[dict[str, Any]]]:
    with open_read_only(site) as con:
        return [
            rows(con, f"FROM {table} ORDER BY ALL")
            for table in ("ops.loads", "ops.closes", "staging.invoices", "staging.rejects", "marts.headline_figures")
        ]


@long
def test_a_site_moves_to_a_lake_and_back_and_goes_on_in_each(closed: Site, catalog: str) -> None:
    assert catalog
    in_file = stored(closed)
    assert all(in_file)
    with_comment = closed.directory / "kam.toml"
    with_comment.write_text(f"# of the books\n{with_comment.read_text()}")
    before = with_comment.read_text()

    lake = to_lake(closed)
    assert lake.has_lake
    assert stored(lake) == in_file
    assert not closed.warehouse.exists()
    assert (closed.directory / "warehouse.before-migration.duckdb").exists()
    # Nothing to do for what is closed, and the next month is closed there.
    write_csv(lake.directory / "landing" / "invoices_05.csv", FEEDS["invoices"].column_names, INVOICES[1:])
    close_plainly(lake, [MAY])
    versions = published(lake, VERSIONS)
    assert [(row["period_month"], row["close_version"]) for row in versions] == [(APRIL, 1), (MAY, 1)]

    in_lake = stored(lake)
    migrate(lake, "file")
    again = find_site(closed.directory)
    assert not again.has_lake
    assert with_comment.read_text() == before
    assert stored(again) == in_lake
    assert len(in_lake[1]) == 2

    # Once more: the lake that was left is not in the way, and a new one has all of it.
    assert stored(to_lake(again)) == in_lake


@long
def test_a_migration_that_was_stopped_changed_nothing_and_is_finished_by_another_one(
    closed: Site, catalog: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert catalog
    in_file = stored(closed)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    for stopped_at in ("contents_of", "write_warehouse"):
        with monkeypatch.context() as patch:
            patch.setattr(migration, stopped_at, stop)
            with pytest.raises(KeyboardInterrupt):
                to_lake(closed)
        assert not find_site(closed.directory).has_lake
        assert stored(closed) == in_file
    lake = to_lake(closed)
    assert stored(lake) == in_file

    with monkeypatch.context() as patch:
        patch.setattr(migration, "contents_of", stop)
        with pytest.raises(KeyboardInterrupt):
            migrate(lake, "file")
    assert not lake.warehouse.exists()
    assert stored(find_site(closed.directory)) == in_file


@long
def test_what_differs_is_named_and_the_setting_stays(
    closed: Site, catalog: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert catalog
    copy_all = migration.copy_all

    def lose_a_row(con: Any, source: str) -> None:
        copy_all(con, source)
        con.execute("DELETE FROM lake.staging.invoices")
        con.execute("UPDATE lake.marts.receivables_rollforward SET invoiced_amount_doc = invoiced_amount_doc + 1")

    monkeypatch.setattr(migration, "copy_all", lose_a_row)
    with pytest.raises(
        KamError, match=r"differs.*staging\.invoices: 1 rows and 0 rows.*version 1 of 2026-04: other content"
    ):
        to_lake(closed)
    assert not find_site(closed.directory).has_lake


@long
@pytest.mark.parametrize(
    ("folder", "said"),
    [("lake", "its data files are in another folder"), ("shared", "has loads or versions already, and not those of")],
)
def test_the_lake_of_others_is_refused(closed: Site, catalog: str, tmp_path: Path, folder: str, said: str) -> None:
    assert catalog
    other = tmp_path / "other"
    other.mkdir()
    theirs = write_site(other, {"invoices": INVOICES}, feeds=["invoices"])
    with steps.writing_session(theirs, "ingest"):
        steps.load_feed(theirs, "invoices")
    data = folder if folder == "lake" else str(tmp_path / folder)
    to_lake(theirs, data)
    with pytest.raises(KamError, match=said):
        to_lake(closed, data)
    assert not find_site(closed.directory).has_lake


def test_wrong_input_is_refused(site_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_site(site_folder, {"invoices": INVOICES}, feeds=["invoices"])
    monkeypatch.delenv("KAM_CATALOG", raising=False)
    done = kam("--site", str(site_folder), "migrate", "--to", "file")
    assert done.returncode == 2
    assert "is a file already" in done.stderr
    done = kam("--site", str(site_folder), "migrate", "--to", "ducklake")
    assert done.returncode == 2
    assert "the environment variable KAM_CATALOG is not set" in done.stderr
    monkeypatch.setenv("KAM_CATALOG", "postgresql://reader:Canary-7@127.0.0.1:1/books")
    done = kam("--site", str(site_folder), "migrate", "--to", "ducklake")
    assert done.returncode == 5
    assert "cannot be reached" in done.stderr
    assert "Canary" not in done.stderr
    assert kam("--site", str(site_folder), "migrate", "--to", "oracle").returncode == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[site]\nname = 'A'\n", "[site]\nname = 'A'\n\n[warehouse]\nkind = \"ducklake\"\n"),
        (
            "# top\n[warehouse] # ours\nkind = 'file'\n\n[site]\nname = 'A' # [warehouse]\n",
            "# top\n[site]\nname = 'A' # [warehouse]\n\n[warehouse]\nkind = \"ducklake\"\n",
        ),
    ],
)
def test_the_setting_is_written_and_all_else_stays(site_folder: Path, before: str, after: str) -> None:
    file = site_folder / "kam.toml"
    file.write_text(before)
    write_warehouse(site_folder, {"kind": "ducklake"})
    assert file.read_text() == after
    write_warehouse(site_folder, {})
    assert tomllib.loads(file.read_text()) == {"site": {"name": "A"}}


def test_a_setting_that_is_written_otherwise_is_left_to_people(site_folder: Path) -> None:
    file = site_folder / "kam.toml"
    file.write_text("warehouse.kind = 'file'\n[site]\nname = 'A'\n")
    with pytest.raises(KamError, match=r"not written as a section.*Write this into it: \[warehouse\]\nkind"):
        write_warehouse(site_folder, {"kind": "ducklake"})
    assert file.read_text() == "warehouse.kind = 'file'\n[site]\nname = 'A'\n"
