"""`kam report --html`: the pages for the reviews of accounts, and what a real browser makes of them."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kam.build import published_tables
from kam.errors import UsageError
from kam.publish import packs_of, write_front_page, write_reviews
from kam.publish.reviews import account
from kam.publish.reviews.facts import Found
from kam.publish.reviews.figures import accounts_of
from kam.publish.reviews.lines import lines_table
from kam.publish.reviews.sections import SECTIONS
from kam.site import Site
from kam.warehouse import open_read_only
from tests.browser import Browser, chromium, needs_chromium
from tests.cli import kam
from tests.links import broken_links
from tests.support import close_plainly, long, published, write_site

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
PART = "<img src=x onerror=alert(1)>&\"'"


def invoice(account: str, day: str, amount: float, due: str) -> dict[str, Any]:
    number = f"{account}-{day}"
    given = {"account_id": account, "product_id": PART, "quantity": 1, "net_amount": amount}
    return {"invoice_id": number, "invoice_date": day, "due_date": due} | given


GIVEN: dict[str, list[dict[str, Any]]] = {
    "accounts": [
        {"account_id": "QUIET", "account_name": "Quiet Ltd", "account_manager": "Kim"},
        {"account_id": "OVER", "account_name": "<script>alert(1)</script>", "account_manager": "Lou", "credit_limit": 100},
        {"account_id": "A/B", "account_manager": "Kim"},
        {"account_id": "A:B", "account_manager": "Kim"},
    ],
    "invoices": [
        invoice("QUIET", "2026-06-10", 900, "2026-08-10"),
        invoice("OVER", "2025-06-10", 250, "2026-08-10"),
        invoice("OVER", "2026-06-10", 300, "2026-08-10"),
        invoice("A/B", "2026-06-10", 10, "2026-08-10"),
        invoice("A:B", "2026-06-10", 10, "2026-08-10"),
        invoice("QUIET", "2026-07-10", 900, "2026-08-10"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = write_site(tmp_path_factory.mktemp("reviewed"), GIVEN, feeds=tuple(GIVEN))
    close_plainly(made, [JUNE, JULY])
    return made


@pytest.fixture(scope="module")
def pages(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "june"
    write_reviews(site, JUNE, folder)
    (folder / "accounts" / "of_before.html").write_text("stays from an earlier report", encoding="utf-8")
    assert write_reviews(site, JUNE, folder).count == 4
    return folder


def test_accounts_that_need_attention_come_first_with_the_reason(pages: Path) -> None:
    overview = (pages / "index.html").read_text(encoding="utf-8")
    assert "2026-06: 1 account of 4 needs a call" in overview
    assert "Is 450\u00a0EUR above its credit limit: exposure 550\u00a0EUR, limit 100\u00a0EUR." in overview
    names = re.findall(r"<a href=\"accounts/[^\"]+\"><bdi>(.*?)</bdi></a>(?: <small>|</h3>|</div>|\n)", overview)
    # The others in the order of their sales, then of their names; one without a name is called by its number.
    assert names == ["&lt;script&gt;alert(1)&lt;/script&gt;", "Quiet Ltd", "A/B", "A:B"]


def test_each_account_has_a_page_and_what_was_there_before_is_gone(pages: Path) -> None:
    linked = re.findall(r"href=\"(accounts/[^\"]+)\"", (pages / "index.html").read_text(encoding="utf-8"))
    there = {path.relative_to(pages).as_posix() for path in pages.rglob("*") if path.is_file()}
    subjects = {name for name in there if name.startswith("subjects/")}
    assert {*linked, *subjects, "index.html", "definitions.html", "pack.json"} == there
    assert len({*linked}) == 4
    assert [path.name for path in pages.parent.iterdir()] == ["june"]


def test_a_page_shows_three_months_and_the_bridge_from_a_year_ago(pages: Path) -> None:
    (page,) = (path for path in (pages / "accounts").iterdir() if path.name.startswith("over-"))
    text = page.read_text(encoding="utf-8")
    row = re.search(r">Net sales</a></th>.*?</tr>", text)
    assert row is not None
    assert re.findall(r">([\d,.]+)(?:</a>)?</td>", row[0]) == ["300", "0", "250"]
    bridge = re.search(
        r"<figcaption>From 250 EUR a year ago to 300 EUR: \+50</figcaption>.*?</figure>", text, re.DOTALL
    )
    assert bridge is not None
    # One piece for 250 then and for 300 now.
    steps = re.findall(r"<bdi>([a-z ]+)</bdi></th><td class=\"n\">([^<]+)</td>", bridge[0])
    assert steps == [("a year ago", "250"), ("price", "50"), ("this month", "300")]
    assert "<script" not in text


def test_names_in_lines_and_charts_cannot_inject_markup(pages: Path) -> None:
    for page in (pages / "accounts").iterdir():
        text = page.read_text(encoding="utf-8")
        assert "<img" not in text
        assert "<td>&lt;img src=x onerror=alert(1)&gt;&amp;&#34;&#39;</td>" in text
        assert re.findall(r"\son\w+=(?!alert)", text) == []


def test_every_figure_leads_to_its_definition_and_to_lines_that_are_there(pages: Path) -> None:
    columns = {f"{table.name}.{column.name}" for table in published_tables() for column in table.columns}
    for page in (pages / "accounts").iterdir():
        text = page.read_text(encoding="utf-8")
        definitions = re.findall(r"href=\"\.\./definitions\.html#([^\"]+)\"", text)
        assert {"account_review.net_sales_amount", "receivables_ageing.days_overdue"} <= {*definitions}
        assert {*definitions} <= columns
        anchors = re.findall(r" id=\"([^\"]+)\"", text)
        assert len(anchors) == len({*anchors})
        assert {*re.findall(r"href=\"#([^\"]+)\"", text)} <= {*anchors}


def test_sections_without_data_are_named_in_one_line(pages: Path) -> None:
    (page,) = (path for path in (pages / "accounts").iterdir() if path.name.startswith("quiet-"))
    text = page.read_text(encoding="utf-8")
    assert "No data this month: rating, delivery and quality, forecast and outlook, orders, visits" in text
    assert 'id="visits"' not in text
    assert "Net sales were 900 EUR" in text


def test_lines_are_at_most_fifty_and_the_rest_is_counted() -> None:
    lines = next(one for section in SECTIONS for one in section.lines if one.name == "opportunities")
    row = dict.fromkeys(lines.columns, "x") | {"lines_in_all": 53}
    shown = lines_table(lines, Found([row] * 50, 53))
    assert (shown.total, shown.left_out, shown.body.count("<tr>")) == (53, 3, 50)


def test_figures_are_those_of_the_published_tables(site: Site) -> None:
    with open_read_only(site) as con:
        accounts = accounts_of(con, JUNE)
    assert {account.row["account_id"]: account.shown("outstanding_amount") for account in accounts} == {
        "OVER": "550",
        "QUIET": "900",
        "A/B": "10",
        "A:B": "10",
    }


def test_the_command_says_where_the_pages_are(site: Site, tmp_path: Path) -> None:
    result = kam("--site", str(site.directory), "report", "2026-06", "--html", "--out", str(tmp_path / "pages"))
    assert result.returncode == 0
    assert "4 accounts of 2026-06 written" in result.stdout
    assert (tmp_path / "pages" / "index.html").exists()


def test_a_folder_with_anything_else_is_not_replaced(site: Site, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("mine", encoding="utf-8")
    result = kam("--site", str(site.directory), "report", "2026-06", "--html", "--out", str(tmp_path))
    assert result.returncode == 2
    assert "holds something else than pages of reviews" in " ".join(result.stderr.split())
    assert [*tmp_path.iterdir()] == [letter]


def test_a_folder_with_an_index_of_others_is_not_replaced(site: Site, tmp_path: Path) -> None:
    home = tmp_path / "index.html"
    home.write_text("my home page", encoding="utf-8")
    with pytest.raises(UsageError, match="holds something else than pages of reviews"):
        write_reviews(site, JUNE, tmp_path)
    assert home.read_text(encoding="utf-8") == "my home page"


def test_the_front_page_shows_the_newest_month_and_leads_to_the_others(site: Site) -> None:
    months = site.published / "months"
    for month in (JUNE, JULY):
        assert write_reviews(site, month).files == (months / f"{month:%Y-%m}" / "index.html",)
    front = (site.published / "index.html").read_text(encoding="utf-8")
    assert "2026-07: " in front
    assert 'href="months/2026-06/index.html"' in front
    linked = re.findall(r"href=\"(months/2026-07/accounts/[^\"]+)\"", front)
    assert len({*linked}) == 4
    assert all((site.published / link).exists() for link in linked)
    (close,) = published(site, "SELECT content_hash FROM reporting.closes WHERE period_month = '2026-07-01'")
    assert broken_links(site.published) == []
    assert packs_of(site)[JULY]["content_hash"] == close["content_hash"]


def test_the_pack_of_a_month_that_is_not_published_any_more_goes(site: Site) -> None:
    write_reviews(site, JUNE)
    gone = site.published / "months" / "2026-05"
    shutil.copytree(site.published / "months" / "2026-06", gone)
    pack = (gone / "pack.json").read_text(encoding="utf-8")
    (gone / "pack.json").write_text(pack.replace("2026-06", "2026-05"), encoding="utf-8")
    write_front_page(site)
    assert not gone.exists()
    assert "2026-05" not in (site.published / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["my home page", "<h1>What kam-close writes for us</h1>"])
def test_a_front_page_of_others_is_not_replaced(site: Site, page: str) -> None:
    front = site.published / "index.html"
    front.write_text(page, encoding="utf-8")
    with pytest.raises(UsageError, match="is not a page of kam-close"):
        write_reviews(site, JUNE)
    assert front.read_text(encoding="utf-8") == page
    front.unlink()


@long
def test_an_account_that_has_nothing_but_orders_has_a_page(tmp_path: Path) -> None:
    order = {
        "order_id": "1", "line_no": 10, "order_date": "2026-06-10", "account_id": "ONLY", "product_id": PART, "quantity": 3,
        "unit_price": 10, "requested_date": "2026-07-10",
    }  # fmt: skip
    site = write_site(tmp_path, {"orders": [order]}, feeds=("orders",))
    close_plainly(site, [JUNE])
    assert write_reviews(site, JUNE, tmp_path / "pages").count == 1
    (page,) = (tmp_path / "pages" / "accounts").iterdir()
    text = page.read_text(encoding="utf-8")
    assert "Net sales of 2026-06 are not known." in text
    assert "What the account owes at the month end is not known." in text
    assert "Orders received" in text
    assert "Order lines: open ones and those of the month <small>1 line" in text
    assert "<figure>" not in text


@long
def test_processes_share_the_pages_of_many_accounts(
    site: Site, pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "_MANY", 2)
    monkeypatch.setattr(account, "_AT_ONCE", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    write_reviews(site, JUNE, tmp_path / "pages")
    for page in (pages / "accounts").iterdir():
        assert (tmp_path / "pages" / "accounts" / page.name).read_bytes() == page.read_bytes()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@long
@needs_chromium
@pytest.mark.parametrize("width", [1280, 768, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_pages_in_any_window_and_filters_by_manager(
    browser: Browser, pages: Path, scheme: str, width: int
) -> None:
    for page in (pages / "index.html", next((pages / "accounts").iterdir())):
        browser.open(page, width=width, height=900, scheme=scheme, is_phone=width < 500)
        assert browser.value("document.documentElement.scrollWidth <= innerWidth")
        assert browser.messages == []
        assert browser.requests == [page.as_uri()]
    browser.open(pages / "index.html", width=width, height=900, scheme=scheme, is_phone=width < 500)
    shown = "[...document.querySelectorAll('.a')].filter(row => row.offsetParent !== null).length"
    assert browser.value(shown) == 4
    browser.value("document.querySelector('#m2').click()")
    assert browser.value(shown) == 1


@long
@needs_chromium
def test_a_page_of_an_account_prints_on_few_sheets_with_its_charts(browser: Browser, pages: Path) -> None:
    (page,) = (path for path in (pages / "accounts").iterdir() if path.name.startswith("over-"))
    browser.open(page, width=688, height=1017, scheme="light")
    sheets = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert re.search(rb"/MediaBox \[0 0 59[45][.\d]* 84[12]", sheets), "A4"
    assert max(map(int, re.findall(rb"/Count (\d+)", sheets))) <= 3
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.value("document.documentElement.scrollWidth <= innerWidth")
    assert browser.value("[...document.querySelectorAll('.chart')].every(chart => chart.clientHeight > 100)")
    browser.call("Emulation.setEmulatedMedia", media="")


@long
@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_of_charts_can_be_read_on_the_paper_of_the_page(browser: Browser, pages: Path, scheme: str) -> None:
    (page,) = (path for path in (pages / "accounts").iterdir() if path.name.startswith("over-"))
    browser.open(page, width=1280, height=900, scheme=scheme)
    colours = browser.value(
        "[getComputedStyle(document.body).backgroundColor, "
        "...new Set([...document.querySelectorAll('.chart text')].map(text => getComputedStyle(text).fill))]"
    )
    paper, *inks = ([int(part) for part in re.findall(r"\d+", colour)[:3]] for colour in colours)
    assert len(inks) > 1
    assert all(_contrast(paper, ink) >= 4.5 for ink in inks)


def _contrast(one: list[int], other: list[int]) -> float:
    """The contrast ratio of two colours as WCAG 2 defines it."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: list[int]) -> float:
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
