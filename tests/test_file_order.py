"""The order in which files are loaded: that of their names, as people number them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kam.cli.check import check_site
from kam.ingest.landing import natural_order
from kam.site import find_site
from tests.test_ingest import Books

INVOICES = "invoice_id,account_id,invoice_date,net_amount\n"


@pytest.mark.parametrize(
    "names",
    [
        ("export_9.csv", "export_10.csv"),
        ("export.csv", "export (2).csv", "export (10).csv"),
        ("inv-2026-10.csv", "inv-2026-10_correction.csv", "inv-2026-11.csv"),
        ("2026-9.csv", "2026-10.csv.gz", "2026-11.csv"),
        ("9/a.csv", "10/a.csv"),
        ("a2b9.csv", "a2b10.csv", "a10b1.csv"),
        ("part007.csv", "part8.csv"),
    ],
)
def test_numbers_in_names_count_as_numbers(names: tuple[str, ...]) -> None:
    assert tuple(sorted(sorted(names), key=natural_order)) == names


def test_the_tenth_file_corrects_the_ninth(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices")
    books.put("export_10.csv", INVOICES + "I1,A,2026-06-10,80\n")
    books.put("export_9.csv", INVOICES + "I1,A,2026-06-10,100\n")
    books.load()
    assert [row["net_amount"] for row in books.core()] == [80]


def test_a_ninth_full_extract_does_not_undo_the_tenth(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices", 'mode = "snapshot"')
    books.put("export_10.csv", INVOICES + "I1,A,2026-06-10,80\n")
    books.load()
    books.put("export_9.csv", INVOICES + "I1,A,2026-06-10,100\n")
    assert [result.status for result in books.load()] == ["failed", "already loaded"]
    assert [row["net_amount"] for row in books.core()] == [80]


def test_check_names_identifiers_of_two_feeds_that_look_alike(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "kam.toml").write_text(
        '[site]\nname = "t"\n[feeds.accounts]\nfiles = "landing/accounts.csv"\n[feeds.invoices]\nfiles = "landing/invoices.csv"\n'
    )
    (tmp_path / "landing" / "accounts.csv").write_text("account_id\n1023\nABC\nok\n")
    (tmp_path / "landing" / "invoices.csv").write_text(
        INVOICES + "I1,1023.0,2026-06-10,80\nI2,\uff21bc,2026-06-10,80\nI3,ok,2026-06-10,80\n", encoding="utf-8"
    )
    notes = check_site(find_site(tmp_path)).notes
    assert [note.split(" look alike")[0] for note in notes] == [
        "account_id: '1023' (accounts) and '1023.0' (invoices)",
        "account_id: 'ABC' (accounts) and '\uff21bc' (invoices)",
    ]
