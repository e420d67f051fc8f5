"""A version rebuilt from the archive alone."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from kam.archive import folder as archive_folder
from kam.archive import store
from kam.audit import rebuild, verify
from kam.errors import KamError, UsageError
from kam.site import FEEDS, Site, find_site
from kam.warehouse import warehouse
from tests.stores import lose_warehouse
from tests.support import close_plainly, long, write_csv, write_site

APRIL, MAY, JUNE = (date(2026, month, 1) for month in (4, 5, 6))
INVOICES = [
    {"invoice_id": f"I{month}", "account_id": "A", "invoice_date": f"2026-0{month}-10", "net_amount": 100}
    for month in (4, 5, 6)
]
LATE = {"invoice_id": "LATE", "account_id": "A", "invoice_date": "2026-04-28", "net_amount": 7}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """April and May closed one by one; then an invoice of April comes late, June closes, and April and May anew."""
    site = write_site(tmp_path_factory.mktemp("books"), {"invoices": INVOICES}, feeds=["invoices"])
    close_plainly(site, [APRIL])
    close_plainly(site, [MAY])
    write_csv(site.directory / "landing" / "invoices_late.csv", FEEDS["invoices"].column_names, [LATE])
    close_plainly(site, [JUNE])
    close_plainly(site, [APRIL, MAY], restate=True)
    return site


@pytest.fixture
def site(books: Site, tmp_path: Path) -> Site:
    """A copy of these books, of one's own."""
    return find_site(shutil.copytree(books.directory, tmp_path / "site"))


VERSIONS = [(APRIL, 1), (APRIL, 2), (MAY, 1), (MAY, 2), (JUNE, 1)]


def require_all_hold(site: Site) -> None:
    proofs = verify(site)
    assert [(proof.month, proof.version) for proof in proofs] == VERSIONS
    for proof in proofs:
        assert (proof.is_published, proof.models_changed) == (True, False)
        assert [table.table for table in proof.tables if not table.is_equal] == []
        assert "receivables_rollforward" in [table.table for table in proof.tables if table.rebuilt]


@long
def test_every_version_holds_after_later_loads_and_restatements(site: Site) -> None:
    require_all_hold(site)
    # June opened from version 1 of May, and that from version 1 of April.
    (june,) = verify(site, JUNE)
    (may,) = verify(site, MAY, 1)
    assert (june.holds, june.loads_made, june.closes_made) == (True, 2, 3)
    assert (may.holds, may.loads_made, may.closes_made) == (True, 1, 2)


@long
def test_every_version_holds_after_a_rebuild_and_without_a_warehouse(site: Site) -> None:
    lose_warehouse(site)
    require_all_hold(site)
    assert not site.warehouse.exists()
    rebuild(site)
    require_all_hold(site)


@long
def test_the_settings_of_then_count(site: Site) -> None:
    file = site.directory / "kam.toml"
    file.write_text(file.read_text() + "[receivables]\nbuckets = [10, 20]\n")
    require_all_hold(find_site(site.directory))


@long
def test_the_newest_version_is_taken_unless_one_is_named(site: Site) -> None:
    (proof,) = verify(site, APRIL)
    assert proof.version == 2


@long
def test_a_row_changed_in_the_published_file_is_found(site: Site) -> None:
    with duckdb.connect(str(site.published / "kam.duckdb")) as con:
        con.execute("UPDATE marts.receivables_ageing SET outstanding_amount = 99 WHERE close_version = 1")
    (proof,) = verify(site, APRIL, 1)
    assert not proof.holds
    (table,) = [table for table in proof.tables if not table.is_equal]
    assert (table.table, table.recorded == table.rebuilt, table.published == table.recorded) == (
        "receivables_ageing", True, False,
    )  # fmt: skip


def test_a_version_whose_recorded_hash_is_another_does_not_hold(site: Site) -> None:
    ledger = site.ledger
    recorded = verify(site, APRIL, 1)[0].tables[0].recorded
    assert recorded
    ledger.write_text(ledger.read_text().replace(recorded, "0" * 32))
    (proof,) = verify(site, APRIL, 1)
    assert [(table.rebuilt, table.published) for table in proof.tables if not table.is_equal] == [(recorded, recorded)]


@long
def test_an_archived_file_with_other_bytes_is_named(site: Site) -> None:
    entry = next(entry for entry in store.ledger_entries(site) if "files" in entry)
    kept = store.archived(site, entry["files"][0]["sha256"])
    kept.chmod(0o644)
    kept.write_bytes(kept.read_bytes().replace(b"100", b"101", 1))
    with pytest.raises(KamError, match="does not have the bytes that its name says") as error:
        verify(site, APRIL, 1)
    assert str(kept) in str(error.value)
    assert "landing/invoices.csv" in str(error.value)
    # A proof only looks, although the same bytes still lie in the landing folder. A rebuild takes them again.
    assert " rebuild --force" in str(error.value)
    assert archive_folder.fault(site, kept.name)
    rebuild(site, force=True)
    require_all_hold(site)


@long
def test_it_reads_neither_landing_nor_warehouse_and_leaves_no_file(site: Site) -> None:
    shutil.rmtree(site.directory / "landing")
    with warehouse(site):
        # Another process could not open the warehouse now.
        assert verify(site, APRIL, 1)[0].holds
    assert [
        path.name for path in site.scratch.iterdir() if path.name != "verify.lock" and "spill" not in path.name
    ] == []


@long
def test_months_and_versions_that_are_not_there_are_usage_errors(site: Site) -> None:
    with pytest.raises(UsageError, match="2026-07 is not closed"):
        verify(site, date(2026, 7, 1))
    with pytest.raises(UsageError, match="2026-04 has no version 3; its versions are 1, 2"):
        verify(site, APRIL, 3)
