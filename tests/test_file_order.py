"""The order in which files are loaded: that of their names, as people number them, or of the dates in them."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from kam.cli.check import check_site
from kam.errors import SettingsError
from kam.ingest.file_order import doubtful_order, natural_order
from kam.site import date_in_name, find_site
from tests.support import long
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


@pytest.mark.parametrize(
    ("form", "name", "date"),
    [
        ("%d%m%Y", "landing/inv_31012026.csv", dt.datetime(2026, 1, 31)),
        ("%d%m%Y", "landing/inv_31012026_v2.csv.gz", dt.datetime(2026, 1, 31)),
        ("%d.%m.%Y", "1.2.2026.csv", dt.datetime(2026, 2, 1)),
        ("%m%Y", "012026.csv", dt.datetime(2026, 1, 1)),
        ("%d%b%y", "31Jan26.csv", dt.datetime(2026, 1, 31)),
        ("%Y%m%d_%H%M", "20260131_2359.csv", dt.datetime(2026, 1, 31, 23, 59)),
        # A text beside the date says which of two is meant.
        ("to_%d%m%Y", "from_01012026_to_31012026.csv", dt.datetime(2026, 1, 31)),
        ("%d-%m-%Y/", "31-01-2026/invoices_7.csv", dt.datetime(2026, 1, 31)),
        ("%d%m%Y", "31-01-2026/invoices_7.csv", None),
        # It has no 31 days, is part of a longer number, or there are two dates.
        ("%d%m%Y", "31022026.csv", None),
        ("%d%m%Y", "310120267.csv", None),
        ("%d%m%Y", "01012026_31012026.csv", None),
    ],
)
def test_the_date_in_a_name(form: str, name: str, date: dt.datetime | None) -> None:
    assert date_in_name(name, form) == date


def test_files_load_by_the_date_in_their_names(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices", 'file_date = "%d%m%Y"')
    books.put("inv_31012026.csv", INVOICES + "I1,A,2026-01-10,100\n")
    books.put("inv_01022026.csv", INVOICES + "I1,A,2026-01-10,80\n")
    assert [result.source for result in books.load()] == ["landing/inv_31012026.csv", "landing/inv_01022026.csv"]
    assert [row["net_amount"] for row in books.core()] == [80]


def test_files_of_one_date_load_by_their_names(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices", 'file_date = "%d%m%Y"')
    books.put("31012026_10.csv", INVOICES + "I1,A,2026-01-10,80\n")
    books.put("31012026_9.csv", INVOICES + "I1,A,2026-01-10,100\n")
    books.load()
    assert [row["net_amount"] for row in books.core()] == [80]


def test_the_full_extract_of_the_newest_date_counts(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices", 'mode = "snapshot"\nfile_date = "%d%m%Y"')
    books.put("inv_31012026.csv", INVOICES + "I1,A,2026-01-10,100\n")
    books.load()
    books.put("inv_01022026.csv", INVOICES + "I1,A,2026-01-10,80\n")
    books.load()
    books.put("inv_15012026.csv", INVOICES + "I1,A,2026-01-10,50\n")
    assert [result.status for result in books.load()] == ["failed", "already loaded", "already loaded"]
    assert [row["net_amount"] for row in books.core()] == [80]


@long
@pytest.mark.parametrize("mode", ["upsert", "snapshot"])
def test_to_declare_the_date_later_puts_right_what_was_loaded_in_the_order_of_names(tmp_path: Path, mode: str) -> None:
    books = Books(tmp_path, "invoices", f'mode = "{mode}"\nfile_date = ""')
    books.put("inv_31012026.csv", INVOICES + "I1,A,2026-01-10,100\n")
    books.put("inv_01022026.csv", INVOICES + "I1,A,2026-01-10,80\n")
    books.load()
    assert [row["net_amount"] for row in books.core()] == [100]
    books.configure(f'mode = "{mode}"\nfile_date = "%d%m%Y"')
    books.load()
    assert [row["net_amount"] for row in books.core()] == [80]


def test_a_file_without_a_date_in_its_name_is_refused_and_named(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices", 'file_date = "%d%m%Y"')
    books.put("inv_new.csv", INVOICES + "I1,A,2026-01-10,100\n")
    books.put("inv_31012026.csv", INVOICES + "I2,A,2026-01-10,80\n")
    results = {result.source: result for result in books.load()}
    assert results["landing/inv_31012026.csv"].status == "loaded"
    assert results["landing/inv_new.csv"].message == (
        "invoices: landing/inv_new.csv: its name does not hold one date as file_date = '%d%m%Y' says. "
        "Rename it, or move it out of the landing folder"
    )


@pytest.mark.parametrize("form", ["%d", "%Y", "%d%m%Y%Q", "invoices", "%Y%m%d%Y", "%Y-%m-%"])
def test_a_form_that_gives_no_date_is_refused(tmp_path: Path, form: str) -> None:
    Books(tmp_path, "invoices", f'file_date = "{form}"')
    with pytest.raises(SettingsError, match="a date with a year and a month"):
        find_site(tmp_path)


def test_a_date_of_names_needs_files(tmp_path: Path) -> None:
    Books(tmp_path, "invoices", 'sql = "a.sql"\nfile_date = "%d%m%Y"')
    with pytest.raises(SettingsError, match="`file_date` only together with `files`"):
        find_site(tmp_path)


@pytest.mark.parametrize(
    ("names", "forms"),
    [
        (("inv_31012026.csv", "inv_01022026.csv"), ["%d%m%Y"]),
        (("31.01.26.csv", "01.02.26.csv"), ["%d.%m.%y"]),
        (("122025.csv", "012026.csv"), ["%m%Y", "%m%d%y"]),
        (("Jan_2026.csv", "Feb_2026.csv"), ["%b_%Y"]),
        (("2026 January.csv", "2026 April.csv"), ["%Y %B"]),
        (("31-01-2026/a.csv", "01-02-2026/a.csv"), ["%d-%m-%Y/"]),
        # One of several has no date.
        (("31012026.csv", "01022026.csv", "opening.csv"), ["%d%m%Y"]),
        # The first or the second number may be the month.
        (("01022026.csv", "02022026.csv", "01032026.csv"), ["%d%m%Y", "%m%d%Y"]),
    ],
)
def test_names_whose_dates_give_another_order_are_asked_about(names: tuple[str, ...], forms: list[str]) -> None:
    asked = doubtful_order(names)
    assert re.findall('"(.+?)" \\(', asked) == forms


@pytest.mark.parametrize(
    "names",
    [
        ("2026-01-31.csv", "2026-02-01.csv"),
        ("20260131.csv", "20260201.csv", "20261001.csv"),
        # As years first, these lie months apart; as days first, years.
        ("251130.csv", "251231.csv", "260131.csv"),
        ("260131.csv", "260201.csv"),
        ("2025-12.csv", "2026-01.csv"),
        ("01012026.csv", "02012026.csv"),
        ("export_9.csv", "export_10.csv", "export_1001.csv"),
        ("part_0001.csv", "part_0002.csv"),
        ("accounts.csv",),
        (),
    ],
)
def test_names_whose_order_is_that_of_their_dates_are_not_asked_about(names: tuple[str, ...]) -> None:
    assert doubtful_order(names) == ""


def test_a_load_and_check_ask_about_the_order_until_it_is_declared(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices")
    books.put("inv_31012026.csv", INVOICES + "I1,A,2026-01-10,100\n")
    books.load()
    books.put("inv_01022026.csv", INVOICES + "I1,A,2026-01-10,80\n")
    question = (
        "invoices: landing/inv_31012026.csv loads after landing/inv_01022026.csv, because files load in the order of their "
        'names. If the names hold dates, declare their form: file_date = "%d%m%Y" (the newest is then landing/inv_01022026.csv). '
        'If they hold none: file_date = ""'
    )
    assert check_site(find_site(tmp_path)).refused == [question]
    (result,) = books.load()
    assert (result.status, result.message) == ("failed", f"{question}. Nothing more was loaded")
    books.configure('file_date = "%d%m%Y"')
    assert check_site(find_site(tmp_path)).refused == []
    books.load()
    assert [row["net_amount"] for row in books.core()] == [80]


def test_names_that_hold_no_dates_load_in_their_order_and_nothing_twice(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices")
    books.put("31012026.csv", INVOICES + "I1,A,2026-01-10,100\n")
    books.load()
    books.configure('file_date = ""')
    books.put("01022026.csv", INVOICES + "I1,A,2026-01-10,80\n")
    assert [result.status for result in books.load()] == ["loaded", "already loaded"]


@pytest.mark.parametrize(
    ("names", "question"),
    [
        (("Januar_2026.csv", "Februar_2026.csv"), 'file_date = "%b_%Y" (the newest is then Februar_2026.csv), and csv = { month_names = "de" }'),
        (("janv. 2026.csv", "févr. 2026.csv"), 'csv = { month_names = "fr" }'),
    ],
)  # fmt: skip
def test_months_of_other_languages_are_asked_about(names: tuple[str, ...], question: str) -> None:
    assert question in doubtful_order(names)


def test_files_load_by_months_in_the_declared_language(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices", 'file_date = "%d.%b_%Y"\ncsv = { month_names = "de" }')
    books.put("1.Mai_2026.csv", INVOICES + "I1,A,2026-01-10,80\n")
    # As macOS writes it: the a and its dots are two characters.
    books.put("31.Ma\u0308rz_2026.csv", INVOICES + "I1,A,2026-01-10,100\n")
    assert [result.status for result in books.load()] == ["loaded", "loaded"]
    assert [row["net_amount"] for row in books.core()] == [80]
