"""From a figure to its lines: meaning, formula with the numbers, the rows behind it, and the lines of the files they came in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from kam.audit import Explanation, chase, explain
from kam.audit.explain import explained
from kam.audit.past import past
from kam.audit.subjects import Subject, columns_of, subject_of
from kam.build import details_for, filled, marts, published_tables
from kam.build.columns import read_columns
from kam.build.detail import Detail, faults, read_details
from kam.demo import write_demo
from kam.errors import KamError, UsageError
from kam.ingest import places_of
from kam.site import Site, find_site
from kam.warehouse import open_read_only, warehouse
from tests.cli import kam
from tests.support import close_plainly, join_months, long, write_site

OCTOBER = date(2026, 10, 1)
# Of A three lines are due in October: 1 is on time, 2 a day late, 3 lacks 4 pieces. B has one, on time.
GIVEN: dict[str, Sequence[dict[str, Any]]] = {
    "accounts": [{"account_id": "A", "account_name": "Acme"}, {"account_id": "B", "account_name": "Bolt"}],
    "orders": [
        {"order_id": order, "line_no": line, "account_id": account, "product_id": "P", "order_date": "2026-09-20",
         "promised_date": "2026-10-10", "quantity": 10, "unit_price": 2}
        for order, line, account in (("O1", 1, "A"), ("O1", 2, "A"), ("O1", 3, "A"), ("O2", 1, "B"))
    ],
    "deliveries": [
        {"delivery_id": f"D{number}", "line_no": 1, "order_id": order, "order_line_no": line, "delivered_date": day, "quantity": pieces}
        for number, (order, line, day, pieces) in enumerate(
            (("O1", 1, "2026-10-10", 10), ("O1", 2, "2026-10-11", 10), ("O1", 3, "2026-10-09", 6), ("O2", 1, "2026-10-10", 10)), 1)
    ],
    "invoices": [
        {"invoice_id": "I1", "line_no": 1, "account_id": "A", "invoice_date": "2026-09-10", "due_date": "2026-10-10", "net_amount": 100},
        {"invoice_id": "I2", "line_no": 1, "account_id": "A", "invoice_date": "2026-10-05", "due_date": "2026-11-05", "net_amount": 50},
    ],
    "payments": [
        {"payment_id": "Z1", "line_no": 1, "account_id": "A", "payment_date": "2026-10-17", "invoice_id": "I1", "amount": 30},
    ],
}  # fmt: skip


_CORRECTION = """
[[corrections]]
feed = "invoices"
key = { invoice_id = "I2", line_no = 1 }
column = "net_amount"
wrong = 50
right = 60
reason = "ticket 7"
owner = "Ann"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site whose October has a second version: the first knew no delivery D4, 25 paid instead of 30, and no correction of I2."""
    made = write_site(tmp_path_factory.mktemp("explained"), GIVEN, feeds=tuple(GIVEN))
    landing = made.directory / "landing"
    given = {name: (landing / f"{name}.csv").read_text() for name in ("deliveries", "payments")}
    (landing / "deliveries.csv").write_text("".join(given["deliveries"].splitlines(keepends=True)[:-1]))
    (landing / "payments.csv").write_text(given["payments"].replace(",30,", ",25,"))
    close_plainly(made, [OCTOBER])
    (landing / "deliveries_2.csv").write_text(given["deliveries"])
    (landing / "payments_2.csv").write_text(given["payments"])
    (made.directory / "corrections.toml").write_text(_CORRECTION)
    made = find_site(made.directory)
    close_plainly(made, [OCTOBER], restate=True)
    return made


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The orders and their deliveries alone, closed once."""
    feeds = ("accounts", "orders", "deliveries")
    made = write_site(tmp_path_factory.mktemp("delivered"), GIVEN, feeds=feeds)
    close_plainly(made, [OCTOBER])
    return made


def where(found: Explanation) -> list[tuple[str, str, str, str]]:
    return [(source.feed, source.key, source.file, source.place) for source in found.sources]


def test_a_ratio_is_shown_with_its_numbers_its_lines_and_the_lines_of_their_files(delivered: Site) -> None:
    found = explain(delivered, "otif_ratio", account="A")

    assert (found.name, found.month, found.version) == ("delivery_performance.otif_ratio", OCTOBER, 1)
    (figure,) = found.figures
    assert figure.value == Decimal("0.333333")
    assert figure.formula == "otif_ratio = otif_count ÷ line_count = 1 ÷ 3 = 0.333333"
    assert [(check.measure, check.figure, check.lines) for check in found.checks] == [
        ("otif_count", 1, 1),
        ("line_count", 3, 3),
    ]
    (lines,) = found.lines
    assert (lines.relation, lines.count) == ("core.order_due_lines", 3)
    assert [(row["order_id"], row["line_no"], row["brings_otif_count"]) for row in lines.rows] == [
        ("O1", 1, True), ("O1", 2, False), ("O1", 3, False),
    ]  # fmt: skip
    assert where(found) == [
        ("deliveries", "delivery_id D1, line_no 1", "landing/deliveries.csv", "line 2"),
        ("deliveries", "delivery_id D2, line_no 1", "landing/deliveries.csv", "line 3"),
        ("deliveries", "delivery_id D3, line_no 1", "landing/deliveries.csv", "line 4"),
        ("orders", "order_id O1, line_no 1", "landing/orders.csv", "line 2"),
        ("orders", "order_id O1, line_no 2", "landing/orders.csv", "line 3"),
        ("orders", "order_id O1, line_no 3", "landing/orders.csv", "line 4"),
    ]
    named = delivered.directory / found.sources[2].file
    assert named.read_text().splitlines()[3].startswith("D3,1,O1,3,2026-10-09,6")


@long
def test_a_version_is_explained_as_it_was_known_and_the_newest_as_it_is(site: Site) -> None:
    first = explain(site, "receivables_ageing.outstanding_amount", account="A", version=1)
    second = explain(site, "receivables_ageing.outstanding_amount", account="A")

    # 100 less what was paid; 50, corrected to 60, is not paid yet.
    assert [figure.formula for figure in first.figures] == ["outstanding_amount = 75.00 + 50.00 = 125.00"]
    assert [figure.formula for figure in second.figures] == ["outstanding_amount = 70.00 + 60.00 = 130.00"]
    paid = [
        [(source.values["amount"], source.file) for source in found.sources if source.feed == "payments"]
        for found in (first, second)
    ]
    assert paid == [[(25, "landing/payments.csv")], [(30, "landing/payments_2.csv")]]
    corrected = [
        [(source.key, *source.corrections) for source in found.sources if source.corrections]
        for found in (first, second)
    ]
    assert corrected == [[], [("invoice_id I2, line_no 1", "net_amount 50.0000 → 60.0000: ticket 7")]]


@long
def test_without_an_account_the_total_is_explained_and_a_table_of_totals_is_chosen(site: Site) -> None:
    found = explain(site, "overdue_ratio")

    assert found.name == "receivables_kpis_total.overdue_ratio"
    # I1 is overdue with 70, I2 is current with 60.
    assert found.figures[0].formula == (
        "overdue_ratio = overdue_amount ÷ (current_amount + overdue_amount) = 70 ÷ (60 + 70) = 0.538462"
    )
    assert all(check.difference == 0 for check in found.checks)
    assert explain(site, "overdue_ratio", account="A").table.name == "receivables_kpis_by_account"
    assert explain(site, "receivables_kpis.overdue_ratio").table.name == "receivables_kpis_total"
    # Of a table the rows of all accounts add up.
    assert explain(site, "delivery_performance.otif_ratio").figures[0].formula == (
        "otif_ratio = otif_count ÷ line_count = 2 ÷ 4 = 0.5"
    )


@long
def test_what_is_undefined_says_why(site: Site) -> None:
    (figure,) = explain(site, "average_days_late", account="B").figures
    assert (figure.value, figure.reason) == (None, "late_count is 0 or undefined")
    (figure,) = explain(site, "credit_use_ratio", account="A").figures
    assert (figure.value, figure.reason) == (None, "no credit limit")


def test_lines_that_do_not_come_to_the_figure_are_said(delivered: Site, tmp_path: Path) -> None:
    copied = find_site(shutil.copytree(delivered.directory, tmp_path / "site"))
    with warehouse(copied) as con:
        con.execute("UPDATE marts.delivery_performance SET otif_count = 2 WHERE account_id = 'A'")

    answer = kam("--site", copied.directory, "explain", "otif_count", "--account", "A")
    assert answer.returncode == 0
    assert "otif_count: the lines come to 1, not to 2: -1 differs." in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["otif_rato"], "there is no table and no column otif_rato. Did you mean 'otif_ratio'?"),
        (["delivery_performance.otif"], "delivery_performance has no column otif. Did you mean 'otif_ratio'?"),
        (["sale.net_amount"], "there is no table sale. Did you mean 'sales'?"),
        (["otif_ratio", "--account", "C"], "2026-10 has no account C."),
        (["otif_ratio", "--account", "acme"], "2026-10 has no account acme. Write its number: --account A"),
        (["receivables_kpis_total", "--account", "A"], "receivables_kpis_total is not by account. Leave out --account"),
        (["otif_ratio", "--month", "2026-09"], "2026-09 is not closed; closed: 2026-10. Next: "),
        (["otif_ratio", "--version", "3"], "2026-10 has no version 3; its versions: 1, 2"),
        (["otif_ratio", "--key", "basis"], "--key basis: write it as column=value"),
        (["otif_ratio", "--key", "base=x"], "delivery_performance has no column base. Its rows are told apart by"),
    ],
)  # fmt: skip
@long
def test_what_is_not_there_is_one_line_with_what_to_do(site: Site, arguments: list[str], said: str) -> None:
    answer = kam("--site", site.directory, "explain", *arguments)
    assert answer.returncode == UsageError.exit_code
    assert said in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_a_column_of_several_tables_lists_them() -> None:
    with pytest.raises(
        UsageError, match=r"closing_amount is a column of several tables; name one of them: .*order_book"
    ):
        subject_of("closing_amount")
    # Tables that only show figures of others again do not count.
    assert subject_of("otif_ratio").name == "delivery_performance.otif_ratio"


@long
def test_json_has_all_of_it(site: Site) -> None:
    answer = kam("--site", site.directory, "explain", "otif_ratio", "--account", "A", "--limit", "1", "--json")
    document = json.loads(answer.stdout)
    assert (document["table"], document["column"], document["version"]) == ("delivery_performance", "otif_ratio", 2)
    assert (document["row_count"], document["source_count"], len(document["sources"])) == (1, 6, 1)
    assert document["figures"][0]["value"] == "0.333333"
    check = document["checks"][1]
    assert (check["measure"], Decimal(check["lines"]), Decimal(check["difference"]), check["holds"]) == (
        "line_count",
        3,
        0,
        True,
    )


def test_a_formula_is_filled_with_what_is_known() -> None:
    columns = read_columns(
        [
            "gap DECIMAL(18,2) [reporting currency; sum] The gap := sold − planned ÷ 2",
            "sold DECIMAL(18,2) [reporting currency; sum] Sold",
            "planned DECIMAL(18,2) [reporting currency; sum] Planned",
        ],
        "test.sql",
    )
    assert filled(columns[0], {"sold": Decimal("-1200.50"), "planned": None}, None) == (
        "gap = sold − planned ÷ 2 = (-1,200.5) − ? ÷ 2 = ?"
    )
    assert filled(columns[1], {"sold": Decimal(1)}, Decimal(1)) == ""


def test_headers_say_which_lines_and_what_they_bring() -> None:
    own, others, none = read_details(
        "for ytd_*: core.sales by a = b where line.c > figure.d sums ytd_{} = {}; "
        "core.orders by e, f sums g, h = coalesce(i, 0); for j: none because it is a setting",
        "test.sql",
    )
    assert own.condition == "line.a IS NOT DISTINCT FROM figure.b AND (line.c > figure.d)"
    assert (own.brings("ytd_amount"), own.brings("amount")) == ("amount", "")
    assert (others.brings("g"), others.brings("h")) == ("g", "coalesce(i, 0)")
    assert details_for([own, others, none], "ytd_amount") == [own]
    assert details_for([own, others, none], "j") == [none]
    assert none.none_because == "it is a setting"
    with pytest.raises(KamError, match=r"test.sql: lines: core.sales over a: cannot be read"):
        read_details("core.sales over a", "test.sql")
    assert faults([Detail("core.sals"), Detail("core.sales", (("x", "y"),))], {"z"}, {"core.sales": {"a"}}) == [
        "core.sals is no model and no feed",
        "y is no column of the model",
        "x is no column of core.sales",
    ]


def test_every_measure_says_its_lines_or_why_there_are_none() -> None:
    for mart in marts():
        for column in mart.columns:
            assert details_for(mart.details, column.name), f"{mart.file}: {column.name}: no entry of lines is for it"


def test_a_record_is_found_on_its_line_whatever_is_above_it(tmp_path: Path) -> None:
    """Two lines that are skipped, a blank line, a cell over two lines, and a record whose quote is never closed."""
    text = 'list of October\n\nid;note\n1;a\n\n2;"two\nlines"\n3;"open\n4;d\n'
    site = write_site(tmp_path, {}, feeds=("accounts",))
    source = {"files": "x.csv", "csv": {"delimiter": ";", "skip_rows": 2}}
    assert places_of(site, *kept(site, "x.csv", text.encode(), source), [1, 2, 3, 4]) == {
        1: "line 4", 2: "line 6", 3: "line 8", 4: "line 9",
    }  # fmt: skip
    assert places_of(site, *kept(site, "x.ndjson", b"{}\n", {"files": "x.ndjson"}), [1]) == {}


def test_a_record_of_a_workbook_is_found_on_its_row(tmp_path: Path) -> None:
    site = write_site(tmp_path, {}, feeds=("accounts",))
    with xlsxwriter.Workbook(tmp_path / "x.xlsx") as book:
        sheet = book.add_worksheet("Data")
        for row, cells in {0: ["title"], 2: ["id", "note"], 3: [1, "a"], 5: [2, "b"], 6: [3, "c"]}.items():
            sheet.write_row(row, 0, cells)
    source = {"files": "x.xlsx", "header_row": 3}
    found = places_of(site, *kept(site, "x.xlsx", (tmp_path / "x.xlsx").read_bytes(), source), [1, 2, 3])
    assert found == {1: "sheet 'Data', row 4", 2: "sheet 'Data', row 6", 3: "sheet 'Data', row 7"}


def kept(site: Site, name: str, content: bytes, source: dict[str, Any]) -> tuple[str, str]:
    """What `ops.loads` says of a file, which is put into the archive."""
    from kam.archive import archived, file_hash

    (site.directory / name).write_bytes(content)
    sha256 = file_hash(site.directory / name)
    place = archived(site, sha256)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return json.dumps([{"name": name, "sha256": sha256}]), json.dumps(source)


@long
def test_every_published_measure_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a meaning, its numbers or a reason, and lines that add up or a sentence why there are none."""
    write_demo(tmp_path / "demo", accounts=6, products=9, months=16)
    join_months(tmp_path / "demo")
    site = find_site(tmp_path / "demo")
    close_plainly(site, [OCTOBER])
    monkeypatch.setattr(chase, "places_of", lambda *_: {})
    with open_read_only(site) as con:
        listed = con.execute(
            "SELECT table_name, column_name FROM ops.metric_definitions WHERE unit <> '' ORDER BY ALL"
        ).fetchall()
    assert len(listed) > 900
    tables = {table.name: table for table in published_tables()}
    wrong: list[str] = []
    with past(site) as known:
        for table_name, column_name in listed:
            if tables[table_name].is_old_name:
                subject = subject_of(f"{table_name}.{column_name}")
            else:
                column = next(one for one in columns_of(tables[table_name]) if one.name == column_name)
                subject = Subject(tables[table_name], column)
            wrong += [f"{table_name}.{column_name}: {fault}" for fault in faults_of(explained(known, subject, limit=1))]
    assert not wrong


def faults_of(found: Explanation) -> list[str]:
    """What an explanation lacks."""
    wrong = [] if found.column and found.column.meaning else ["no meaning"]
    if len(found.figures) > 1:  # each with its numbers; the lines are those of one of them
        key = {name: str(value) for name, value in found.figures[0].of.items()}
        wrong += [] if any("--key" in note for note in found.notes) and key else ["does not say how to go on"]
    wrong += [f"{figure.of}: no numbers" for figure in found.figures if not figure.formula]
    wrong += [f"{figure.of}: no reason" for figure in found.figures if figure.value is None and not figure.reason]
    said = any("no lines, " in note or "about the runs" in note or "no such row" in note for note in found.notes)
    if len(found.figures) == 1 and not found.lines and not said:
        wrong.append("no lines")
    wrong += [f"{check.measure} {check.figure} differs: {check.lines}" for check in found.checks if not check.holds]
    return wrong
