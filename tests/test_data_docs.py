"""Data Docs of a close: the recorded results on Great Expectations' pages, which need and tell nobody else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from kam.errors import UsageError
from kam.periods import parse_month
from kam.publish import recorded_checks, write_data_docs
from kam.site import Site
from kam.warehouse import Connection
from tests.browser import chromium, needs_chromium
from tests.cli import kam
from tests.support import long, write_site
from tests.test_quality_page import check, warehouse_with

HOSTILE = "<script>alert(1)</script> $foo ${y} & 'q'"


def broken(month: str = "2026-06") -> dict[str, object]:
    """A rule that failed, of a site that writes markup wherever it can."""
    return check(
        month, "site.small", suite="site", success=False, failed_count=2, sentence=f"No {HOSTILE} is below 50.",
        finding=f"2 invoices are below 50 {HOSTILE}", if_it_fails=f"Agree on more {HOSTILE}.", owner=HOSTILE,
        sample_keys=f'[{{"invoice_id": "I1 {HOSTILE}", "net_amount": "40.00"}}, {{"invoice_id": null}}]',
    )  # fmt: skip


def warehouse(checks: Sequence[dict[str, object]]) -> Connection:
    return warehouse_with(checks)


def test_the_newest_month_is_meant_unless_another_is_named() -> None:
    with warehouse([check("2026-05"), broken()]) as con:
        newest, other = recorded_checks(con), recorded_checks(con, parse_month("2026-05"))
    assert newest is not None
    assert other is not None
    assert (f"{newest.month:%Y-%m}", newest.version, [row["check_name"] for row in newest.failed]) == (
        "2026-06", 1, ["site.small"],
    )  # fmt: skip
    assert (f"{other.month:%Y-%m}", other.failed) == ("2026-05", [])


def test_a_month_that_was_never_closed_has_nothing_to_show() -> None:
    with warehouse([check("2026-05")]) as con, pytest.raises(UsageError, match="2026-07 was never closed"):
        recorded_checks(con, parse_month("2026-07"))
    with warehouse_with() as con:
        assert recorded_checks(con) is None


def test_a_folder_of_other_things_is_never_replaced(site_folder: Path) -> None:
    site = write_site(site_folder, {}, feeds=["invoices"])
    folder = site_folder / "mine"
    folder.mkdir()
    (folder / "index.html").write_text("mine", encoding="utf-8")
    with warehouse([broken()]) as con:
        found = recorded_checks(con)
    assert found is not None
    with pytest.raises(UsageError, match="holds something else than Data Docs"):
        write_data_docs(site, found, folder)


def test_the_command_says_what_to_do_before_the_first_close(site_folder: Path) -> None:
    write_site(site_folder, {}, feeds=["invoices"])
    answer = kam("--site", site_folder, "quality")
    assert (answer.returncode, answer.stdout.startswith("No month is closed yet. Next: kam --site")) == (0, True)
    assert kam("--site", site_folder, "quality", "--out", "here").returncode == 2


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = write_site(tmp_path_factory.mktemp("site"), {}, feeds=["invoices"])
    return build(site)


def build(site: Site) -> Path:
    with warehouse([check("2026-06"), broken()]) as con:
        found = recorded_checks(con)
    assert found is not None
    written = write_data_docs(site, found)
    assert written.count == 2
    return written.files[0].parent


@long
def test_the_pages_show_what_the_close_recorded(docs: Path) -> None:
    assert docs.parts[-3:] == ("published", "data-docs", "2026-06")
    index = (docs / "index.html").read_text(encoding="utf-8")
    assert "2026-06-version-1" in index
    links = re.findall(r'href="([^"#]+\.html)"', index)
    assert len(links) == 4
    assert all((docs / link).is_file() for link in links)
    (result,) = docs.glob("validations/site/*/*/*.html")
    page = result.read_text(encoding="utf-8")
    for shown in ("2 invoices are below 50", "Agree on more", "net_amount", "40.00", "2 of 10 rows broke it"):
        assert shown in page


@long
def test_the_pages_hold_no_scripts_and_nothing_from_elsewhere(docs: Path) -> None:
    pages = list(docs.rglob("*.html"))
    assert len(pages) == 5
    for file in pages:
        page = file.read_text(encoding="utf-8")
        assert "<script" not in page, file
        assert not re.search(r"https?://", page), file
        assert "default-src" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $foo ${y}" in "".join(
        file.read_text(encoding="utf-8") for file in pages
    )


@long
def test_building_them_again_replaces_them(docs: Path) -> None:
    site = Site(docs.parents[2], write_site(docs.parents[2], {}, feeds=["invoices"]).settings)
    (docs / "validations" / "left").touch()
    assert build(site) == docs
    assert not (docs / "validations" / "left").exists()


@long
@needs_chromium
def test_a_browser_asks_for_nothing_but_files_of_the_folder(docs: Path, tmp_path: Path) -> None:
    (result,) = docs.glob("validations/site/*/*/*.html")
    with chromium(tmp_path / "profile") as browser:
        for file in (docs / "index.html", result):
            browser.open(file, width=390, height=844, scheme="dark", is_phone=True)
            assert all(address.startswith(docs.as_uri()) for address in browser.requests)
            assert browser.blocked == []
            assert browser.value("document.documentElement.scrollWidth") == 390
