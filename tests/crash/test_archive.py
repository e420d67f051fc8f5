"""Damaged and missing files of the archive: found by their hash, named, and healed from where the bytes still are."""

from __future__ import annotations

from pathlib import Path

import pytest

from kam.archive import store
from kam.audit import rebuild
from kam.close import steps
from kam.errors import KamError
from kam.site import Site, find_site, scratch_folder
from kam.warehouse import open_read_only

HEADER = "order_id,account_id,order_date,quantity\n"


@pytest.fixture
def site(site_folder: Path) -> Site:
    """A site that has loaded one order."""
    (site_folder / "landing").mkdir()
    configure(site_folder, '"quantity"')
    (site_folder / "landing" / "a.csv").write_text(f"{HEADER}O1,A,2026-01-05,5\n")
    load(find_site(site_folder))
    return find_site(site_folder)


def configure(folder: Path, quantity: str) -> None:
    (folder / "kam.toml").write_text(
        f'[site]\nname = "Books"\n[feeds.orders]\nfiles = "landing/*.csv"\ncolumns = {{ quantity = {quantity} }}\n'
    )


def load(site: Site) -> list[str]:
    with steps.writing_session(site, "ingest"):
        return [result.status for result in steps.load_feed(site, "orders")]


def kept(site: Site) -> Path:
    (entry,) = store.ledger_entries(site)
    return store.archived(site, entry["sha256"])


def flip_a_byte(file: Path) -> None:
    """As a failing disk does: the size and the time of the file stay."""
    file.chmod(0o644)
    content = bytearray(file.read_bytes())
    content[-2] ^= 1
    file.write_bytes(content)


def quantities(site: Site) -> list[int]:
    with open_read_only(site) as con:
        return [int(quantity) for (quantity,) in con.execute("SELECT quantity FROM core.orders").fetchall()]


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_rebuild_names_the_file_and_its_load_and_changes_nothing(site: Site, is_lost: bool) -> None:
    file = kept(site)
    (site.directory / "landing" / "a.csv").unlink()
    file.unlink() if is_lost else flip_a_byte(file)
    found = "is missing" if is_lost else "does not have the bytes that its name says"
    before = site.warehouse.read_bytes()
    with pytest.raises(KamError) as raised:
        rebuild(site, force=True)
    assert str(raised.value) == (
        f"{file} (landing/a.csv, load 1 of orders) {found}. Restore the archive from a backup, or put the file back "
        "into the landing folder under that name; nothing was changed"
    )
    assert site.warehouse.read_bytes() == before


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_rebuild_takes_the_bytes_from_the_landing_folder_where_they_still_lie(site: Site, is_lost: bool) -> None:
    file = kept(site)
    sound = file.read_bytes()
    file.unlink() if is_lost else flip_a_byte(file)
    assert rebuild(site, force=True).row_count == 1
    assert file.read_bytes() == sound
    assert quantities(site) == [5]


def test_a_file_in_the_landing_folder_that_changed_heals_nothing(site: Site) -> None:
    flip_a_byte(kept(site))
    (site.directory / "landing" / "a.csv").write_text(f"{HEADER}O1,A,2026-01-05,6\n")
    with pytest.raises(KamError, match="does not have the bytes"):
        rebuild(site, force=True)


def test_a_load_never_reads_damaged_bytes_but_archives_the_file_again(site: Site) -> None:
    """The mapping changes, so that the file, archived before, is loaded once more."""
    file = kept(site)
    sound = file.read_bytes()
    flip_a_byte(file)
    configure(site.directory, '{ sql = "quantity * 2" }')
    assert load(find_site(site.directory)) == ["loaded"]
    assert file.read_bytes() == sound
    assert quantities(site) == [10]


def test_a_rebuild_knows_what_was_committed_when_the_ledger_did_not_get_its_line(site: Site) -> None:
    """As after a kill between the two: the line is added before anything is replaced."""
    site.ledger.write_bytes(b"")
    assert rebuild(site, force=True).load_count == 1
    assert quantities(site) == [5]


def test_a_scratch_folder_in_use_is_left_alone_and_one_of_a_dead_process_goes(site: Site) -> None:
    (site.archive / ".incoming-left").write_bytes(b"half")
    (site.scratch / "read-left").mkdir()
    (site.scratch / "read-left.lock").touch()
    with scratch_folder(site, "check-") as in_use:
        load(site)
        assert in_use.is_dir()
        names = {path.name for path in site.scratch.iterdir()}
        assert names == {in_use.name, f"{in_use.name}.lock"}
    assert not list(site.archive.glob(".incoming-*"))
