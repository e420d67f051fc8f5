"""What was loaded can always be told again: a lost or damaged warehouse, archive or published file is named, never published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from kam.archive import store
from kam.audit import rebuild, verify
from kam.cli.status import site_rejects, site_status
from kam.close import difference, dry_run, steps
from kam.errors import KamError
from kam.publish import PUBLISHED_FILE
from kam.site import Site, find_site
from tests.stores import NAME, ON_LAKE, back_up, lose_warehouse, put_back
from tests.support import close_plainly, long, published, write_csv, write_site

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
INVOICES = [
    {"invoice_id": f"I{month}", "account_id": "A", "invoice_date": f"2026-0{month}-10", "net_amount": 100}
    for month in (4, 5)
]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """April is closed; the warehouse of that moment is kept beside; then an invoice comes, and May is closed."""
    site = write_site(tmp_path_factory.mktemp("books"), {"invoices": INVOICES}, feeds=["invoices"])
    close_plainly(site, [APRIL])
    back_up(site, site.directory / "april.backup")
    write_csv(site.directory / "landing" / "invoices_late.csv", list(INVOICES[1]), [INVOICES[1] | {"invoice_id": "L"}])
    close_plainly(site, [MAY])
    return site


@pytest.fixture
def site(closed: Site, tmp_path: Path) -> Site:
    """A copy of it, of one's own."""
    return find_site(shutil.copytree(closed.directory, tmp_path / "site"))


def restore_an_older_one(site: Site) -> None:
    put_back(site, site.directory / "april.backup")


def cut_off(site: Site) -> None:
    whole = site.warehouse.read_bytes()
    site.warehouse.write_bytes(whole[: len(whole) // 4])


def empty(site: Site) -> None:
    site.warehouse.write_bytes(b"")


def overwrite(site: Site) -> None:
    """Every other block, so that any command meets one."""
    whole = bytearray(site.warehouse.read_bytes())
    for start in range(12_288 + 4096, len(whole), 4096):
        whole[start : start + 8] = b"damaged!"
    site.warehouse.write_bytes(whole)


def publish(site: Site) -> None:
    with steps.writing_session(site, "publish"):
        steps.publish(site)


WRITERS: dict[str, Callable[[Site], object]] = {
    "publish": publish,
    "close": lambda site: close_plainly(site, [MAY]),
    "dry run": lambda site: dry_run(site, [MAY], as_of_load=None, as_known_on=None, restate=False),
    "withdraw": lambda site: steps.withdraw(site, MAY, "too early"),
    "diff": lambda site: difference(site, MAY, None, None, limit=1),
}
READERS: dict[str, Callable[[Site], object]] = {
    "status": site_status,
    "rejects": lambda site: site_rejects(site, None),
    "diff of versions": lambda site: difference(site, APRIL, 1, 1, limit=1),
}
LOSSES: dict[str, tuple[Callable[[Site], None], str]] = {
    "lost": (lose_warehouse, NAME + r": is missing, but .*ledger\.ndjson lists .*kam --site \S+ rebuild$"),
    "an older copy": (
        restore_an_older_one,
        NAME + r": lacks load 2 of invoices, which .*kam --site \S+ rebuild --force$",
    ),
    "cut off": (cut_off, r"warehouse\.duckdb: damaged: .*kam --site \S+ rebuild --force$"),
    "empty": (empty, r"warehouse\.duckdb: damaged: .*kam --site \S+ rebuild --force$"),
    "overwritten": (overwrite, r"warehouse\.duckdb: damaged: .*kam --site \S+ rebuild --force$"),
}


@long
@pytest.mark.parametrize("loss", [name for name in LOSSES if not ON_LAKE or name in ("lost", "an older copy")])
def test_every_command_names_a_lost_warehouse_and_readers_keep_what_they_have(site: Site, loss: str) -> None:
    destroy, message = LOSSES[loss]
    destroy(site)
    kept = (site.published / PUBLISHED_FILE).read_bytes()
    for command in (*WRITERS.values(), *READERS.values()):
        with pytest.raises(KamError, match=message) as refused:
            command(site)
        assert "\n" not in str(refused.value)
    assert (site.published / PUBLISHED_FILE).read_bytes() == kept
    assert all(proof.holds for proof in verify(site))
    assert rebuild(site, force=True).differences == []
    publish(site)
    assert len(published(site, "FROM reporting.closes")) == 2


@long
def test_a_lost_archive_is_noticed_before_anything_is_written(site: Site) -> None:
    site.archive.rename(site.directory / "elsewhere")
    shutil.rmtree(site.directory / "landing")
    kept = (site.published / PUBLISHED_FILE).read_bytes()
    for command in (*WRITERS.values(), verify, rebuild):
        with pytest.raises(KamError, match=r"archive: (lacks 2 of the 2 files|lists no load)"):
            command(site)
    assert not site.ledger.exists()
    assert (site.published / PUBLISHED_FILE).read_bytes() == kept
    (fault,) = site_status(site).faults
    assert "Is the folder moved or not mounted?" in fault
    shutil.rmtree(site.archive, ignore_errors=True)
    (site.directory / "elsewhere").rename(site.archive)
    publish(site)
    assert site_status(site).faults == []


@long
def test_a_file_that_the_archive_lost_comes_back_from_the_landing_folder(site: Site) -> None:
    entry = store.ledger_entries(site)[0]
    kept = store.archived(site, entry["files"][0]["sha256"])
    kept.unlink()
    publish(site)
    assert kept.is_file()
    kept.unlink()
    (site.directory / "landing" / "invoices.csv").write_text("something else\n")
    with pytest.raises(KamError, match=r"lacks 1 of the 2 files that were loaded: landing/invoices\.csv \(load 1 of"):
        publish(site)


@long
def test_a_lost_or_damaged_published_file_is_named_and_made_again(site: Site) -> None:
    file = site.published / PUBLISHED_FILE
    for content in (b"", b"something else"):
        file.write_bytes(content)
        (fault,) = site_status(site).faults
        assert fault.endswith(f"Publish again: {site.command('publish')}")
        publish(site)
        assert site_status(site).faults == []
    file.unlink()
    assert len(site_status(site).faults) == 1


@long
def test_a_line_that_stands_twice_in_the_ledger_counts_once_and_is_named(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    lines = site.ledger.read_text().splitlines(keepends=True)
    site.ledger.write_text("".join([*lines, lines[0], lines[2]]))
    with caplog.at_level("WARNING", logger="kam"):
        publish(site)
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        f"line {len(lines) + 1} repeats line 1. It counts once",
        f"line {len(lines) + 2} repeats line 3. It counts once",
    ]
    assert all(proof.holds for proof in verify(site))
    assert rebuild(site, force=True).load_count == 2


@long
def test_a_ledger_with_one_line_twice_and_another_lost_gets_it_again(site: Site) -> None:
    lines = site.ledger.read_text().splitlines(keepends=True)
    site.ledger.write_text("".join([lines[0], lines[0], *lines[2:]]))
    publish(site)
    entries = store.ledger_entries(site)
    assert sorted(map(json.dumps, entries)) == sorted(json.dumps(json.loads(line)) for line in lines)


@long
def test_two_lines_that_contradict_each_other_are_named(site: Site) -> None:
    lines = site.ledger.read_text().splitlines(keepends=True)
    other = json.dumps(json.loads(lines[0]) | {"loaded_count": 7})
    site.ledger.write_text("".join([*lines, other, "\n"]))
    for command in (publish, verify, rebuild):
        with pytest.raises(KamError, match=rf"line {len(lines) + 1} is about the same load as line 1, but tells"):
            command(site)
