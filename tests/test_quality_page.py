"""The data quality page: what it says of good, warned and failed months, and what a real browser makes of it.

The small site has an invoice in June that is all right, one in July that is too small for the site's own rule (a warning),
and twelve in August whose lines do not add up to their totals (critical). Its names try to get out of the text.
"""

from __future__ import annotations

import datetime as dt
import errno
import html.parser
import json
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kam.close import steps
from kam.errors import KamError
from kam.periods import add_months
from kam.publish import quality_page
from kam.publish.quality_page import account_page
from kam.site import BUILDING, Site
from kam.warehouse import Connection, memory, open_read_only, prepare
from tests.browser import Browser, chromium, needs_chromium
from tests.support import close_plainly, long, write_csv, write_site

MONTHS = [date(2026, month, 1) for month in (6, 7, 8)]
HOSTILE_ACCOUNT = "<script>alert('account')</script> & \"quoted\" gnol " + "long" * 100
HOSTILE_FILE = "invoices <img src=x onerror=alert(1)> & 'q'.csv"
RULE = """-- invariant: No invoice is below 50 <script>alert("rule")</script> & 'so'.
-- if it fails: small ones cost more than they bring <style>*{display:none}</style>; see `kam status`.
-- severity: warning
-- owner: Sales </article><h1>desk</h1>
-- keys: account_id, net_amount
SELECT days.period_month, invoices.account_id, invoices.net_amount
FROM core.invoices AS invoices
JOIN core.days AS days ON days.calendar_date = invoices.invoice_date
SEMI JOIN build.periods AS periods ON periods.period_month = days.period_month
WHERE invoices.net_amount < 50
"""
VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Node:
    """An element of a page."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, with single spaces."""
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return " ".join("".join(parts).split())

    def all(self, tag: str = "", *classes: str) -> list[Node]:
        """The elements below it of this tag that have these classes."""
        found = []
        for child in self.children:
            if isinstance(child, Node):
                if tag in ("", child.tag) and set(classes) <= set(child.attributes.get("class", "").split()):
                    found.append(child)
                found += child.all(tag, *classes)
        return found

    def one(self, tag: str = "", *classes: str) -> Node:
        """The only such element."""
        (found,) = self.all(tag, *classes)
        return found

    def by_id(self, name: str) -> Node:
        """The only element with this id."""
        (found,) = [node for node in self.all() if node.attributes.get("id") == name]
        return found


class Parser(html.parser.HTMLParser):
    """Builds the tree, and insists on tags that are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("")]

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parsed(page: str) -> Node:
    parser = Parser()
    parser.feed(page)
    parser.close()
    (root,) = parser.open
    return root


def invoice(number: str, day: str, amount: int, total: int | None = None, account: str = "A") -> dict[str, Any]:
    return {
        "invoice_id": number,
        "line_no": 1,
        "account_id": account,
        "invoice_date": day,
        "due_date": day,
        "net_amount": amount,
        "invoice_total": amount if total is None else total,
    }


def page_of(site: Site) -> Path:
    return site.published / "quality" / "index.html"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = write_site(
        tmp_path_factory.mktemp("site"),
        {"invoices": [invoice("I1", "2026-06-10", 100), invoice("I2", "2026-07-10", 40, account=HOSTILE_ACCOUNT)]},
        settings={"site": {"name": "Glass & <b>Rubber</b>"}, "ingest": {"reject_share": 0.5}},
        feeds=["invoices"],
    )
    wrong = [invoice(f"W{number:02}", "2026-08-10", 60, total=90) for number in range(12)]
    not_dated = invoice("N1", "2026-08-10", 10) | {"invoice_date": "never"}
    write_csv(site.directory / "landing" / HOSTILE_FILE, list(not_dated), [*wrong, not_dated])
    site.checks.mkdir()
    (site.checks / "small.sql").write_text(RULE, encoding="utf-8")
    outcomes = close_plainly(site, MONTHS, with_checks=True)
    assert [outcome.outcome for outcome in outcomes] == ["closed", "closed", "failed"]
    return site


@pytest.fixture(scope="module")
def page(site: Site) -> Node:
    return parsed(page_of(site).read_text(encoding="utf-8"))


def test_the_newest_state_comes_first_with_its_verdict(page: Node) -> None:
    assert page.one("h1").text == "August 2026: not published"
    top = page.one("header", "top")
    months = [(link.attributes["href"], link.attributes["aria-label"]) for link in top.one("nav", "calendar").all("a")]
    assert months == [
        ("#month-2026-06", "June 2026: published, all good"),
        ("#month-2026-07", "July 2026: published, with 1 warning"),
        ("#month-2026-08", "August 2026: not published"),
    ]
    assert [section.attributes["id"] for section in page.all("section", "month")] == [
        "month-2026-08", "month-2026-07", "month-2026-06",
    ]  # fmt: skip


def test_a_failed_month_says_what_broke_how_often_where_and_what_to_run(page: Node) -> None:
    month = page.by_id("month-2026-08")
    assert month.one("h2").text == "August 2026 Failed"
    rule = month.all("article", "rule")[0]
    assert "Not published. 1 critical rule failed. Tried 20" in month.text
    assert "Readers see nothing of this month yet." in month.text
    assert rule.one("h3").text == "Critical The lines of 12 documents do not add up to their totals"
    assert rule.one("summary").text == "Rows and rule Accounts receivable"
    counts = rule.one("p", "counts")
    assert counts.text == (
        "Rule: The lines of a document add up to the total that the document states. · 12 of 12 rows failed · "
        "no row may break it · invoices.total_matches_lines"
    )
    assert counts.one("a").attributes["href"] == "#rule-invoices.total_matches_lines"
    assert "A line is missing, doubled or was rejected" in rule.text
    head, *rows = [
        [cell.text for cell in row.children if isinstance(cell, Node)] for row in rule.one("table").all("tr")
    ]
    assert head == ["Invoice", "Lines amount (document currency)", "Invoice total"]
    assert rows == [[f"W{number:02}", "60.00", "90.00"] for number in range(10)]
    assert rule.one("p", "note").text == "and 2 more in reporting.data_quality_failures"
    assert [code.text for code in month.one("header").one("p", "next").all("code")] == ["kam close 2026-08"]
    assert "(invoice_id W00, lines_amount_doc 60.0000, invoice_total 90.0000)" in month.one("pre").text


def test_a_warned_month_is_published_and_says_what_to_fix(page: Node) -> None:
    month = page.by_id("month-2026-07")
    assert "Published, with 1 warning." in month.text
    assert "Version 1, closed 20" in month.text
    rule = month.one("article", "warning")
    assert "1 of 1 row failed" in rule.text
    assert [code.text for code in month.one("p", "next").all("code")] == ['kam close 2026-07 --restate --reason "…"']


def test_a_good_month_says_plainly_that_nothing_failed(page: Node) -> None:
    month = page.by_id("month-2026-06")
    assert "Published, all good." in month.text
    assert "Nothing failed." in month.text
    assert month.all("article") == []
    held = month.one("p", "flat")
    assert held.text.endswith(" rules held")
    assert held.one("a").attributes["href"] == "#rules"


def test_loads_and_rejects_are_listed_where_they_were_new(page: Node) -> None:
    newest, other = page.by_id("month-2026-08"), page.by_id("month-2026-06")
    figures = {group.one("dt").text: group.one("dd").text for group in newest.one("dl").all("div")}
    assert figures == {
        "Loads known": "2", "Rows read": "15", "Loaded": "14", "Unchanged": "0", "Rejected": "1 1 open now",
    }  # fmt: skip
    cells = [[cell.text for cell in row.all("td")] for table in newest.all("table")[-2:] for row in table.all("tr")]
    assert [row for row in cells if row] == [
        ["2", "invoices", "invoice_date", "type", "1", "1", "invoice_date is not a date in the declared format"],
        ["2", "invoices", "13", "12", "0", "1", f"landing/{HOSTILE_FILE}"],
        ["1", "invoices", "2", "2", "0", "0", "landing/invoices.csv"],
    ]
    assert "kam rejects --feed invoices --export fix.csv" in newest.text
    assert "Made from the same loads as 2026-08" in other.text


def test_every_rule_tells_its_history_in_words_too(page: Node) -> None:
    rule = page.by_id("rule-invoices.total_matches_lines")
    assert rule.one("", "strip").attributes["aria-label"] == "Failed in 1 of 3 months: 2026-06 to 2026-08"
    assert [(square.attributes["class"], square.attributes["title"]) for square in rule.all("i")] == [
        ("passed", "2026-06: 0 of 1"), ("passed", "2026-07: 0 of 1"), ("critical", "2026-08: 12 of 12"),
    ]  # fmt: skip
    assert [note.text for note in rule.all("p", "note")] == [
        "Failed in 1 of 3 months: 2026-08",
        "2026-08: 12 of 12 · before: 0",
    ]
    held = page.by_id("rule-invoices.key_is_unique")
    assert [square.attributes["class"] for square in held.all("i")] == ["passed"] * 3
    assert "Held in all 3 months" in held.text


def test_rules_are_in_the_order_of_a_close_also_when_the_last_one_stopped_early() -> None:
    checks = [
        *(check("2026-05", name, suite=name) for name in ("feeds", "tables")),
        check("2026-06", "feeds", suite="feeds"),
    ]
    with warehouse_with(checks) as con:
        page = parsed(quality_page.render(con, "test"))
    assert [group.one("h3").text for group in page.all("details", "suite")] == ["feeds", "tables"]


def test_a_refused_source_is_listed_first_with_its_reason() -> None:
    counts = {"read_count": 5, "loaded_count": 5, "unchanged_count": 0, "rejected_count": 0}
    loads = [
        {"load_id": 1, "feed": "orders", "source": "good.csv", "status": "loaded", **counts},
        {"load_id": 2, "feed": "orders", "source": "bad.csv", "status": "failed", "message": "bad.csv: is a PDF"},
    ]
    with warehouse_with(closes=[closed("2026-06") | {"as_of_load": 2}], loads=loads) as con:
        month = parsed(quality_page.render(con, "test")).by_id("month-2026-06")
    assert [[cell.text for cell in row.all("td")] for row in month.one("tbody").all("tr")] == [
        ["2", "orders", "refused: bad.csv: is a PDF", "bad.csv"],
        ["1", "orders", "5", "5", "0", "0", "good.csv"],
    ]


def test_a_month_that_did_not_check_a_rule_counts_neither_way() -> None:
    with warehouse_with([check("2026-05", "a"), check("2026-05", "b"), check("2026-06", "b")]) as con:
        rule = parsed(quality_page.render(con, "test")).by_id("rule-a")
    assert [square.attributes["class"] for square in rule.all("i")] == ["passed", "none"]
    assert "Held in the only month" in rule.text


def test_every_link_leads_to_a_place_on_the_page_and_nothing_leads_out(page: Node) -> None:
    names = [node.attributes["id"] for node in page.all() if "id" in node.attributes]
    assert len(names) == len(set(names))
    links = {node.attributes["href"] for node in page.all("a")}
    assert links
    assert links <= {f"#{name}" for name in names}
    assert [node.attributes["href"] for node in page.all("link")] == ["data:,"]
    assert not [node for node in page.all() if {"src", "srcset", "action", "data", "poster"} & set(node.attributes)]
    (policy,) = [node.attributes["content"] for node in page.all("meta") if "http-equiv" in node.attributes]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = page.one("style").text
    assert "url(" not in style
    assert "@import" not in style


def test_headings_are_in_order(page: Node) -> None:
    levels = [int(node.tag[1]) for node in page.all() if node.tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_names_in_data_stay_text(page: Node) -> None:
    assert page.all("script") + page.all("img") + page.all("b") == []
    assert len(page.all("style")) == 1
    assert not [name for node in page.all() for name in node.attributes if name.startswith(("on", "style"))]
    assert page.one("title").text == "Data quality · Glass & <b>Rubber</b>"
    rule = page.by_id("month-2026-07").one("article", "warning")
    assert rule.one("h3").text == "Warning 1 row: an invoice is below 50 <script>alert(\"rule\")</script> & 'so'"
    assert "Sales </article><h1>desk</h1>" in rule.text
    # A rule's text may name commands, and only that becomes markup.
    assert "<style>*{display:none}</style>; see kam status." in rule.text
    assert "kam status" in [code.text for code in rule.all("code")]
    account = rule.one("tbody").all("td")[0]
    # Cut where it gets too long; what turns the direction of writing ends with its own element.
    assert account.one("bdi").text == f"{HOSTILE_ACCOUNT[:160]}…"


def test_control_characters_are_shown_as_escapes() -> None:
    with warehouse_with([check("2026-06", sentence="one\0two\x1b[31m\x9f", owner="three\tfour")]) as con:
        page = quality_page.render(con, "bell\a")
    assert "one\\x00two\\x1b[31m\\x9f" in page
    assert "three\\x09four" in page
    assert "bell\\x07" in page


def test_the_same_warehouse_gives_the_same_bytes(site: Site) -> None:
    with open_read_only(site) as con:
        again = [quality_page.render(con, site.settings.site.name) for _ in range(2)]
    assert again == [page_of(site).read_text(encoding="utf-8")] * 2


def test_a_page_that_would_not_change_is_left_alone_and_a_lost_one_comes_back(site: Site) -> None:
    before = page_of(site).stat().st_mtime_ns, page_of(site).read_bytes()
    assert not steps.publish(site, only_if_lagging=True)
    assert page_of(site).stat().st_mtime_ns == before[0]

    page_of(site).unlink()
    assert steps.publish(site, only_if_lagging=True)
    assert page_of(site).read_bytes() == before[1]
    assert page_of(site).stat().st_mode & 0o777 == 0o644


def test_a_reader_of_the_old_page_reads_it_to_its_end(site: Site) -> None:
    page = page_of(site)
    page.write_bytes(b"the previous page")
    with page.open("rb") as reader:
        assert reader.read(4) == b"the "
        assert steps.publish(site, only_if_lagging=True)
        assert reader.read() == b"previous page"
    assert page.read_bytes().endswith(b"</html>")


def test_a_disk_that_fills_up_leaves_the_page_of_before(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_of(site)
    page.write_bytes(b"the previous page")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, open_read_only(site) as con:
        patch.setattr(os, "fsync", full)
        with pytest.raises(KamError) as error:
            quality_page.write(con, site)
    assert str(error.value).startswith(f"{page.parent}: cannot be written to: No space left on device.")
    assert str(error.value).endswith(f"then: {site.command('publish')}")
    assert [(file.name, file.read_bytes()) for file in page.parent.iterdir()] == [("index.html", b"the previous page")]
    steps.publish(site, only_if_lagging=True)


def test_a_file_in_the_way_of_the_folder_is_named(site_folder: Path) -> None:
    site = write_site(site_folder, {}, feeds=["invoices"])
    site.published.mkdir()
    page_of(site).parent.write_text("in the way", encoding="utf-8")
    with (
        warehouse_with() as con,
        pytest.raises(KamError, match=r"published/quality: cannot be written to: .*kam --site .* publish"),
    ):
        quality_page.write(con, site)


def test_half_a_page_that_a_killed_process_left_is_swept_away(site: Site) -> None:
    left = page_of(site).with_name(f"{BUILDING}abc")
    left.write_bytes(b"<!DOCTYPE html>")
    with steps.writing_session(site, "close"):
        assert not left.exists()
    assert page_of(site).exists()


def check(month: str, name: str = "invoices.has_rows", **values: object) -> dict[str, object]:
    """A row of `ops.checks`: a rule that held."""
    return {
        "period_month": f"{month}-01", "close_version": 1, "check_name": name, "suite": "invoices",
        "table_name": "core.invoices", "severity": "warning", "sentence": "The feed invoices has rows.", "owner": "Sales",
        "if_it_fails": "Figures are too low.", "success": True, "checked_count": 10, "failed_count": 0,
        "sample_keys": "[]", "threshold": 0, "threshold_meaning": "rows per month that may break the rule", **values,
    }  # fmt: skip


def closed(month: str, verdict: str = "good", version: int = 1, reason: str = "") -> dict[str, object]:
    """A row of `ops.closes`."""
    return {
        "period_month": f"{month}-01", "close_version": version, "as_of_load": 1, "verdict": verdict,
        "closed_at": dt.datetime(2026, 11, 3, 7, 5), "closed_by": "anna", "reason": reason,
    }  # fmt: skip


def warehouse_with(checks: Sequence[dict[str, object]] = (), **ledgers: Sequence[dict[str, object]]) -> Connection:
    """A warehouse in memory whose ledgers hold these rows; every month with a check is closed unless `closes` is given."""
    con = memory()
    prepare(con, "EUR")
    ledgers.setdefault("closes", [closed(month) for month in sorted({str(row["period_month"])[:7] for row in checks})])
    for ledger, given in {"checks": checks, **ledgers}.items():
        for row in given:
            marks = ", ".join("?" * len(row))
            con.execute(f"INSERT INTO ops.{ledger} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
    return con


def test_without_a_closed_month_the_page_says_how_to_close_one() -> None:
    with warehouse_with() as con:
        page = parsed(quality_page.render(con, "test"))
    assert page.one("h1").text == "No month is closed yet"
    assert "kam close MONTH" in page.one("header").text
    assert page.one("main").text == ""


def test_without_checks_and_loads_the_page_says_so() -> None:
    with warehouse_with(closes=[closed("2026-06")]) as con:
        page = parsed(quality_page.render(con, "test"))
    month = page.by_id("month-2026-06")
    assert "No rule was checked." in month.text
    assert "None was compared." in month.text
    assert "Nothing was loaded." in month.text
    assert not [node for node in page.all("section") if node.attributes.get("id") == "rules"]


def test_a_restated_month_shows_its_newest_version_with_its_reason() -> None:
    checks = [check("2026-06", success=False, failed_count=3), check("2026-06", close_version=2)]
    closes = [closed("2026-06", "warning"), closed("2026-06", version=2, reason="late credit notes")]
    with warehouse_with(checks, closes=closes) as con:
        month = parsed(quality_page.render(con, "test")).by_id("month-2026-06")
    assert "Version 2, closed 2026-11-03 07:05 UTC by anna: “late credit notes”." in month.text
    assert "Nothing failed." in month.text


def test_a_failed_restatement_says_which_version_readers_still_see() -> None:
    failure = {
        "period_month": "2026-06-01", "last_version": 1, "as_of_load": 2, "failed_at": dt.datetime(2026, 11, 4, 8, 0),
        "failed_by": "ben", "message": "2026-06 was not published, because a control total does not tie",
    }  # fmt: skip
    untied = {
        "period_month": "2026-06-01", "close_version": 0, "control": "ageing buckets = open items", "currency": "EUR",
        "left_amount": "1200.5", "right_amount": 1200, "difference": "0.5", "untied_count": 1, "first_untied": "K0007",
        "first_untied_left_amount": "100.5", "first_untied_right_amount": 100,
    }  # fmt: skip
    checks = [check("2026-06"), check("2026-06", close_version=0)]
    with warehouse_with(checks, failed_closes=[failure], control_totals=[untied]) as con:
        page = parsed(quality_page.render(con, "test"))
    month = page.by_id("month-2026-06")
    assert page.one("h1").text == "June's correction wasn't published; version 1 still is"
    assert "June's correction wasn't published; version 1 still is. 1 control total did not tie." in month.text
    assert "Tried 2026-11-04 08:00 UTC by ben." in month.text
    assert 'kam close 2026-06 --restate --reason "…"' in month.text
    total = month.one("article", "rule")
    assert total.one("h3").text == "Critical ageing buckets = open items: 0.5 EUR apart"
    assert [[cell.text for cell in row.all("td")] for row in total.one("tbody").all("tr")] == [
        ["all", "1,200.5", "1,200", "1"],
        ["K0007", "100.5", "100", "the first"],
    ]


def withdrawn(month: str, version: int) -> dict[str, object]:
    """A row of `ops.withdrawals`."""
    return {
        "period_month": f"{month}-01", "close_version": version, "withdrawn_at": dt.datetime(2026, 11, 5, 9, 0),
        "withdrawn_by": "eva", "reason": "wrong plan",
    }  # fmt: skip


def test_a_withdrawn_month_says_that_nothing_of_it_is_published() -> None:
    with warehouse_with([check("2026-06")], withdrawals=[withdrawn("2026-06", 1)]) as con:
        page = parsed(quality_page.render(con, "test"))
    assert page.one("h1").text == "June 2026: withdrawn; nothing of it is published"
    month = page.by_id("month-2026-06")
    assert "Version 1, withdrawn 2026-11-05 09:00 UTC by eva: “wrong plan”." in month.text
    assert [code.text for code in month.one("p", "next").all("code")] == ["kam close 2026-06"]
    assert "No rule was checked" not in month.text


def test_a_month_whose_newest_version_was_withdrawn_says_which_one_is_back() -> None:
    closes = [closed("2026-06"), closed("2026-06", version=2)]
    with warehouse_with([check("2026-06")], closes=closes, withdrawals=[withdrawn("2026-06", 2)]) as con:
        month = parsed(quality_page.render(con, "test")).by_id("month-2026-06")
    assert "Version 2 was withdrawn; version 1 is published again." in month.text
    assert "Withdrawn because: “wrong plan”." in month.text


def test_a_withdrawn_version_that_was_closed_again_is_history() -> None:
    closes = [closed("2026-06"), closed("2026-06", version=2)]
    with warehouse_with(
        [check("2026-06", close_version=2)], closes=closes, withdrawals=[withdrawn("2026-06", 1)]
    ) as con:
        page = parsed(quality_page.render(con, "test"))
    assert page.one("h1").text == "June 2026: published, all good"


def rows_of(keys: Sequence[dict[str, object]], pack: Path | None = None) -> Node:
    """The table of a warning with these sample keys, where K1 is called Nord <b>AG</b> and P1 a Window."""
    broken = check("2026-06", success=False, failed_count=len(keys), sample_keys=json.dumps(keys))
    with warehouse_with([broken]) as con:
        con.execute("INSERT INTO staging.accounts (account_id, account_name) VALUES ('K1', 'Nord <b>AG</b>')")
        con.execute("INSERT INTO staging.products (product_id, product_name) VALUES ('P1', 'Window')")
        return parsed(quality_page.render(con, "test", pack))


def test_names_stand_beside_ids_and_numbers_to_the_right() -> None:
    keys: list[dict[str, object]] = [
        {"invoice_id": "1001", "account_id": "K1", "product_id": "P1", "net_amount": "12345.6000", "row_count": 1200},
        {"invoice_id": "1002", "account_id": "K9", "product_id": None, "net_amount": None, "row_count": 7},
    ]
    table = rows_of(keys).one("article", "rule").one("table")
    assert [[cell.text for cell in row.all("td")] for row in table.one("tbody").all("tr")] == [
        ["1001", "K1 Nord <b>AG</b>", "P1 Window", "12,345.60", "1,200"],
        ["1002", "K9", "–", "–", "7"],
    ]
    heads = [(head.text, head.attributes.get("class", "")) for head in table.one("thead").all("th")]
    assert heads == [("Invoice", ""), ("Account", ""), ("Product", ""), ("Net amount", "n"), ("Rows", "n")]
    first = table.one("tbody").all("tr")[0].all("td")
    assert [cell.attributes.get("data-label") for cell in first] == [head for head, _ in heads]


def test_links_lead_to_the_pages_of_the_pack_that_are_there(tmp_path: Path) -> None:
    keys: list[dict[str, object]] = [{"account_id": "K1"}, {"account_id": "K9"}]
    page = rows_of(keys, tmp_path)
    assert [link for link in page.all("a") if link.attributes["href"].startswith("..")] == []
    there = tmp_path / "months" / "2026-06" / "accounts" / account_page("K1")
    there.parent.mkdir(parents=True)
    there.touch()
    (tmp_path / "index.html").touch()
    out = [link for link in rows_of(keys, tmp_path).all("a") if link.attributes["href"].startswith("..")]
    assert [(link.text, link.attributes["href"]) for link in out] == [
        ("Overview of accounts", "../index.html"),
        ("K1", f"../months/2026-06/accounts/{account_page('K1')}"),
    ]


@long
def test_the_page_of_a_close_leads_to_the_pack_of_the_same_close(site_folder: Path) -> None:
    rows = [invoice("I1", "2026-06-10", 100), invoice("I2", "2026-06-11", 40, account="K1")]
    made = write_site(site_folder, {"invoices": rows}, settings={"publish": {"pack": True}}, feeds=["invoices"])
    made.checks.mkdir()
    (made.checks / "small.sql").write_text(RULE, encoding="utf-8")
    close_plainly(made, [MONTHS[0]], with_checks=True)
    links = {link.text: link.attributes["href"] for link in parsed(page_of(made).read_text(encoding="utf-8")).all("a")}
    assert links["Overview of accounts"] == "../index.html"
    assert links["K1"] == f"../months/2026-06/accounts/{account_page('K1')}"
    assert (page_of(made).parent / links["K1"]).resolve().is_file()


def test_many_failed_rules_are_folded_below_the_gravest() -> None:
    checks = [check("2026-06", f"a.rule_{n}", success=False, failed_count=9 - n) for n in range(8)]
    with warehouse_with(checks) as con:
        month = parsed(quality_page.render(con, "test")).by_id("month-2026-06")
    in_sight = [node for node in month.children if isinstance(node, Node) and node.tag == "article"]
    assert len(in_sight) == 4
    assert month.one("details", "more").all("summary")[0].text.startswith("4 more")


def test_rules_come_gravest_first_and_those_within_their_limit_count_as_held() -> None:
    checks = [
        check("2026-06", "a.info", severity="info", success=False, failed_count=9),
        check("2026-06", "b.warning", success=False, failed_count=1),
        check("2026-06", "c.warning", success=False, failed_count=5),
        check("2026-06", "d.held", failed_count=2, threshold=3),
    ]
    with warehouse_with(checks, closes=[closed("2026-06", "warning")]) as con:
        page = parsed(quality_page.render(con, "test"))
    assert page.one("h1").text == "June 2026: published, with 2 warnings"
    month = page.by_id("month-2026-06")
    rules = [rule.one("p", "counts").one("a").text for rule in month.all("article", "rule")]
    assert rules == ["c.warning", "b.warning", "a.info"]
    assert "For the trend: 1 rule" in month.text
    held = month.one("details", "held")
    assert held.one("summary").text == "1 rule held 1 within its limit"
    assert "2 of 10 rows broke it, within the limit" in held.text
    assert "3 rows per month that may break the rule" in page.by_id("rule-d.held").text


def test_an_old_month_that_failed_keeps_its_section_with_a_few_rows() -> None:
    names = [f"{add_months(date(2025, 8, 1), n):%Y-%m}" for n in range(15)]
    keys = json.dumps([{"period_month": None, "account_id": f"K{n}"} for n in range(5)])
    broken = {"severity": "critical", "success": False, "failed_count": 5, "sample_keys": keys}
    checks = [
        *(check(name) for name in names[1:]),
        check(names[0], "a", close_version=0),
        check(names[0], "b", close_version=0, **broken),
    ]
    failure = {
        "period_month": "2025-08-01",
        "last_version": 0,
        "as_of_load": 1,
        "failed_at": dt.datetime(2025, 9, 3),
        "failed_by": "ben",
        "message": "b",
    }
    with warehouse_with(checks, closes=[closed(name) for name in names[1:]], failed_closes=[failure]) as con:
        page = parsed(quality_page.render(con, "test"))
    assert page.one("h1").text == "October 2026: published, all good"
    assert "The last attempt also failed for 2025-08." in page.one("header", "top").text
    assert [row.attributes.get("id") for row in page.one("section", "earlier").one("tbody").all("tr")] == [
        "month-2025-10",
        "month-2025-09",
    ]
    old = page.by_id("month-2025-08")
    assert [row.text for row in old.one("article", "rule").one("tbody").all("tr")] == ["K0", "K1", "K2"]
    assert "and 2 more in reporting.data_quality_failures" in old.text
    assert "rule passed" not in old.text


def large() -> Connection:
    """36 months of 150 rules, five of which fail each month with 200 long keys."""
    con = warehouse_with(closes=[closed(f"{add_months(date(2023, 11, 1), n):%Y-%m}", "warning") for n in range(36)])
    keys = json.dumps(
        [{"period_month": None, "account_id": f"K{n:04}", "net_amount": "12345.6789"} for n in range(200)]
    )
    con.execute(
        """
        INSERT INTO ops.checks
        SELECT
            period_month, 1, 'invoices.rule_with_a_name_of_usual_length_' || number, 'suite_' || number // 10, '',
            'warning', 'The lines of a document add up to the total that the document states.', 'Accounts receivable',
            'A line is missing or doubled, so sales and balance of the account are wrong; load the whole document again.',
            number % 30 <> 0, 1000, if(number % 30 = 0, 250, 0), if(number % 30 = 0, ?, '[]'), 0,
            'rows per month that may break the rule', NULL
        FROM ops.closes, range(150) AS numbers(number)
        """,
        [keys],
    )
    return con


@long
def test_the_page_of_three_years_stays_small_and_keeps_every_month() -> None:
    with large() as con:
        html_text = quality_page.render(con, "test")
    assert len(html_text) < 2_000_000
    page = parsed(html_text)
    months = [node.attributes["id"] for node in page.all() if node.attributes.get("id", "").startswith("month-")]
    assert len(months) == 36
    assert len(page.all("section", "month")) == 12
    earliest = page.by_id("month-2023-11")
    assert "invoices.rule_with_a_name_of_usual_length_0 250, " in earliest.text
    newest = page.by_id("month-2026-10")
    assert "and 240 more in reporting.data_quality_failures, which keeps the first 200" in newest.text
    rule = page.by_id("rule-invoices.rule_with_a_name_of_usual_length_0")
    assert len(rule.all("i")) == 36
    assert "2025-11 and 24 earlier" in rule.text


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, made in (("large", large()), ("empty", warehouse_with())):
        with made as con:
            (folder / f"{name}.html").write_text(quality_page.render(con, "test"), encoding="utf-8")
    return {"small": page_of(site), "large": folder / "large.html", "empty": folder / "empty.html"}


# Every element with text of its own whose colour has less contrast to what is behind it than WCAG 2 AA asks for.
PALE = """
(() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = parts(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.body.querySelectorAll("*")]
    .filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()))
    .filter(node => !node.closest(".sep"))
    .filter(node => {
      const [one, other] = [light(parts(getComputedStyle(node).color)), light(behind(node))];
      return (Math.max(one, other) + .05) / (Math.min(one, other) + .05) < 4.5;
    })
    .map(node => node.outerHTML.slice(0, 200));
})()
"""


@needs_chromium
@pytest.mark.parametrize("name", ["small", "large", "empty"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 640), (390, 844), (1280, 800)])
def test_a_browser_shows_it_in_any_window(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str, width: int, height: int
) -> None:
    browser.open(pages[name], width=width, height=height, scheme=scheme, is_phone=width < 500)

    # Nothing scrolls sideways, also when all is unfolded.
    browser.value("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert browser.value("[document.documentElement.scrollWidth, innerWidth, visualViewport.scale]") == [
        width,
        width,
        1,
    ]
    # The verdict is seen without scrolling.
    top, bottom = browser.value("(box => [box.top, box.bottom])(document.querySelector('h1').getBoundingClientRect())")
    assert 0 <= top < bottom <= height
    assert browser.value(PALE) == []
    assert browser.requests == [pages[name].as_uri()]
    assert browser.messages == []


@needs_chromium
def test_rows_become_labelled_values_on_a_phone_and_stay_a_table_on_a_desk(
    browser: Browser, pages: dict[str, Path]
) -> None:
    shown = """(cell => [getComputedStyle(cell).display, getComputedStyle(cell, '::before').content])(
        document.querySelector('.rule .rows td'))"""
    browser.open(pages["small"], width=390, height=844, scheme="light", is_phone=True)
    browser.value("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert browser.value(shown) == ["grid", '"Invoice"']
    browser.open(pages["small"], width=1280, height=800, scheme="light")
    assert browser.value(shown) == ["table-cell", "none"]


@needs_chromium
def test_a_month_is_a_screen_and_a_link_to_a_folded_rule_opens_it(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["large"], width=1280, height=800, scheme="light")
    heights = browser.value("[...document.querySelectorAll('.month')].map(month => month.offsetHeight)")
    assert len(heights) == 12
    assert max(heights) <= 800
    assert browser.value("document.documentElement.scrollHeight") < 12 * 800 + 1200
    browser.value("location.hash = 'rule-invoices.rule_with_a_name_of_usual_length_0'")
    assert browser.value("document.querySelector(':target').checkVisibility({contentVisibilityAuto: true})")


@long
@needs_chromium
def test_a_dark_page_is_dark_and_a_light_one_light(browser: Browser, pages: dict[str, Path]) -> None:
    brightness = {}
    for scheme in ("light", "dark"):
        browser.open(pages["small"], width=390, height=844, scheme=scheme, is_phone=True)
        brightness[scheme] = sum(first_pixel(browser.screenshot())) / 3
    assert brightness["light"] > 230
    assert brightness["dark"] < 40


@long
@needs_chromium
def test_a_policy_keeps_injected_scripts_and_requests_out(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    """Were markup ever to get in, it could neither run nor call out."""
    attacked = tmp_path / "attacked.html"
    attack = '<h1>October 2026: good</h1><script>document.title = "run"</script><img src="http://192.0.2.1/x.png" onerror="document.title = \'run\'">'
    attacked.write_text(
        pages["small"].read_text(encoding="utf-8").replace("</main>", f"{attack}</main>"), encoding="utf-8"
    )
    browser.open(attacked, width=390, height=844, scheme="light")
    assert browser.value("document.title").startswith("Data quality")
    assert browser.requests == [attacked.as_uri(), "http://192.0.2.1/x.png"]
    assert browser.blocked == ["csp"]
    assert any("Content Security Policy" in message for message in browser.messages)


def first_pixel(png: bytes) -> tuple[int, ...]:
    """Red, green and blue of the top left corner: no filter of a PNG changes the first pixel of its first line."""
    packed, place = b"", 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            packed += png[place + 8 : place + 8 + length]
        place += 12 + length
    return tuple(zlib.decompress(packed)[1:4])
