"""The demo site: the same bytes for the same arguments, books that hang together, and exactly the faults it announces.

What the files say is worked out here from the files themselves, not through the pipeline.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kam.demo import write_demo
from kam.demo.write import DemoSummary
from kam.errors import KamError
from kam.site import find_site
from kam.site.site import load_settings
from kam.warehouse import rows, warehouse
from tests.support import REPOSITORY, close_plainly, ingest, long, published

Row = Mapping[str, str]
NOT_ROUTINE = ("INV-", "PY-", "SO-", "DN-")  # documents put in by hand as faults


def dialect_of(feed: str) -> tuple[str, str]:
    """Delimiter and encoding of a feed's files, as `kam.toml` declares them."""
    return (";", "latin-1") if feed == "orders" else (",", "utf-8")


def read(file: Path, feed: str) -> list[Row]:
    """A file's rows by its own column names."""
    delimiter, encoding = dialect_of(feed)
    with file.open(encoding=encoding, newline="") as text:
        return list(csv.DictReader(text, delimiter=delimiter))


def german_date(text: str) -> date:
    """A date written as 31.10.2026."""
    day, month, year = text.split(".")
    return date(int(year), int(month), int(day))


def files_of(site: Path, feed: str) -> list[Path]:
    """A feed's files, a correction after what it corrects."""
    single = site / "landing" / f"{feed}.csv"
    return [single] if single.exists() else sorted((site / "landing" / feed).glob("*.csv"), key=lambda file: file.stem)


def every_row(site: Path, feed: str) -> list[Row]:
    """All rows of a feed in the order in which they are loaded."""
    return [row for file in files_of(site, feed) for row in read(file, feed)]


def invoice_lines(site: Path) -> dict[tuple[str, str], Row]:
    """Invoice lines as last sent, without the faulty ones."""
    lines = {(row["invoice_id"], row["line_no"]): row for row in every_row(site, "invoices")}
    return {key: row for key, row in lines.items() if not key[0].startswith(NOT_ROUTINE)}


def gross_by_document(site: Path) -> dict[str, Decimal]:
    """Net and tax of a document, all its lines together."""
    gross: dict[str, Decimal] = defaultdict(Decimal)
    for row in invoice_lines(site).values():
        gross[row["invoice_id"]] += Decimal(row["net_amount"]) + Decimal(row["tax_amount"])
    return gross


def contents(site: Path) -> dict[str, bytes]:
    """Every file of a site."""
    return {str(file.relative_to(site)): file.read_bytes() for file in sorted(site.rglob("*")) if file.is_file()}


def write_small(directory: Path, *, seed: int = 1) -> DemoSummary:
    """A site that takes a second."""
    return write_demo(directory, accounts=4, products=8, months=3, seed=seed)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo in its default size."""
    directory = tmp_path_factory.mktemp("demo") / "site"
    write_demo(directory)
    return directory


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoSummary]:
    """A small site with what its writer said about it."""
    directory = tmp_path_factory.mktemp("small") / "site"
    return directory, write_small(directory)


@long
def test_same_arguments_give_the_same_bytes(small: tuple[Path, DemoSummary], tmp_path: Path) -> None:
    write_small(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(small[0])


@long
def test_another_seed_gives_other_books_in_the_same_files(small: tuple[Path, DemoSummary], tmp_path: Path) -> None:
    write_small(tmp_path / "other", seed=2)
    first, other = contents(small[0]), contents(tmp_path / "other")
    assert first.keys() == other.keys()
    assert first["landing/orders/orders_2026-10.csv"] != other["landing/orders/orders_2026-10.csv"]
    assert first["landing/fx_rates.csv"] != other["landing/fx_rates.csv"]


def test_summary_ties_to_the_files(small: tuple[Path, DemoSummary]) -> None:
    directory, summary = small
    written = contents(directory)
    assert summary.files == len(written)
    assert summary.bytes == sum(len(content) for content in written.values())
    assert (summary.first_month, summary.last_month) == (date(2026, 8, 1), date(2026, 10, 1))
    assert dict(summary.rows) == {feed: len(every_row(directory, feed)) for feed in summary.rows}
    assert set(summary.rows) == set(load_settings(directory).feeds)


@long
def test_default_site_is_small_enough_to_close_at_once(site: Path) -> None:
    count = sum(len(every_row(site, feed)) for feed in load_settings(site).feeds)
    assert 20_000 < count < 35_000


def test_each_month_has_its_extract(site: Path) -> None:
    for feed in ("deliveries", "invoices", "payments", "visits"):
        months = [file.stem for file in files_of(site, feed) if "correction" not in file.stem]
        assert months[0] == f"{feed}_2024-11"
        assert months[-1] == f"{feed}_2026-10"
        assert len(months) == 24
    assert files_of(site, "orders")[0].stem == "orders_2024-10"


def test_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(KamError, match="not empty"):
        write_small(tmp_path)
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine", encoding="utf-8")
    with pytest.raises(KamError, match="is a file"):
        write_small(tmp_path / "site")


@pytest.mark.parametrize("size", ["accounts", "products", "months", "order_lines_per_month"])
def test_size_below_one_is_refused(tmp_path: Path, size: str) -> None:
    sizes: dict[str, Any] = {size: 0}
    with pytest.raises(KamError, match="at least 1"):
        write_demo(tmp_path / "site", **sizes)


def test_smallest_site_has_every_file(tmp_path: Path) -> None:
    directory = tmp_path / "empty"
    directory.mkdir()
    summary = write_demo(directory, accounts=1, products=1, months=1)
    assert summary.first_month == summary.last_month == date(2026, 10, 1)
    assert (summary.rows["accounts"], summary.rows["products"]) == (1, 1)
    for feed in load_settings(directory).feeds:
        assert files_of(directory, feed), feed


@long
def test_more_order_lines_are_written_when_asked_for(tmp_path: Path) -> None:
    summary = write_demo(tmp_path / "site", accounts=2, products=5, months=2, order_lines_per_month=300)
    assert 600 <= summary.rows["orders"] <= 1100  # three months of orders, without lost items


def test_orders_speak_the_dialect_of_their_source(site: Path) -> None:
    dialect = load_settings(site).feeds["orders"].csv
    assert (dialect.delimiter, dialect.encoding, dialect.decimal) == (";", "iso8859-1", ",")
    first = read(files_of(site, "orders")[-1], "orders")[0]
    assert first["Währung"] == "EUR"
    assert first["Verkäufer"] == "Anna Köhler"
    assert first["Menge"].endswith(",000")
    assert german_date(first["Auftragsdatum"]).month == 10


def test_lines_of_a_document_add_up_to_its_total(site: Path) -> None:
    gross = gross_by_document(site)
    assert len(gross) > 1000
    for row in invoice_lines(site).values():
        assert Decimal(row["invoice_total"]) == gross[row["invoice_id"]], row["invoice_id"]


def test_lines_of_a_document_agree_on_account_dates_currency_and_type(site: Path) -> None:
    headers = defaultdict(set)
    for row in invoice_lines(site).values():
        header = ("account_id", "invoice_date", "due_date", "currency", "document_type", "disputed")
        headers[row["invoice_id"]].add(tuple(row[name] for name in header))
    assert {invoice_id for invoice_id, different in headers.items() if len(different) > 1} == set()


def test_no_invoice_is_settled_above_what_was_billed_less_credits(site: Path) -> None:
    owed = gross_by_document(site)
    for row in invoice_lines(site).values():
        if row["document_type"] == "credit_note" and row["reference_invoice_id"]:
            owed[row["reference_invoice_id"]] -= Decimal(row["net_amount"]) + Decimal(row["tax_amount"])
    settled: dict[str, Decimal] = defaultdict(Decimal)
    for row in every_row(site, "payments"):
        if row["invoice_id"] and not row["payment_id"].startswith(NOT_ROUTINE) and not row["currency"]:
            settled[row["invoice_id"]] += Decimal(row["amount"]) * (-1 if row["payment_type"] == "refund" else 1)
    assert len(settled) > 900
    # what was paid too much lately is not refunded yet
    above = {
        invoice_id: settled[invoice_id] - owed[invoice_id]
        for invoice_id in settled
        if settled[invoice_id] > owed[invoice_id]
    }
    assert len(above) <= 2
    assert all(excess <= owed[invoice_id] * Decimal("0.011") for invoice_id, excess in above.items())


def test_instalments_add_up_to_their_invoice(site: Path) -> None:
    total: dict[str, Decimal] = defaultdict(Decimal)
    for row in every_row(site, "instalments"):
        total[row["invoice_id"]] += Decimal(row["amount"])
    gross = gross_by_document(site)
    assert total
    assert total == {invoice_id: gross[invoice_id] for invoice_id in total}


def test_deliveries_follow_their_orders(site: Path) -> None:
    ordered = {
        (row["Auftrag"], row["Position"]): (
            german_date(row["Auftragsdatum"]),
            Decimal(row["Menge"].replace(",", ".")),
            row["Status"],
        )
        for row in every_row(site, "orders")
        if row["Auftragsdatum"]
    }
    delivered: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in every_row(site, "deliveries"):
        if row["delivery_id"].startswith(NOT_ROUTINE):
            continue
        line = (row["order_id"], row["order_line_no"])
        delivered[line] += Decimal(row["quantity"])
        order_date, quantity, status = ordered[line]
        assert order_date < date.fromisoformat(row["delivered_date"]) <= date(2026, 10, 31)
        assert delivered[line] <= quantity
        assert Decimal(row["rejected_quantity"]) <= Decimal(row["quantity"])
        assert status != "storniert"


def test_nothing_is_invoiced_that_was_not_delivered(site: Path) -> None:
    delivered = Counter((row["order_id"], row["order_line_no"]) for row in every_row(site, "deliveries"))
    invoiced = Counter(
        (row["order_id"], row["order_line_no"])
        for row in invoice_lines(site).values()
        if row["document_type"] == "invoice"
    )
    assert invoiced <= delivered


def test_each_currency_has_a_rate_before_its_first_document(site: Path) -> None:
    first_rate: dict[str, str] = {"EUR": ""}
    for row in every_row(site, "fx_rates"):
        if row["rate_type"] == "spot":
            first_rate[row["currency"]] = min(first_rate.get(row["currency"], "9"), row["rate_date"])
    for row in invoice_lines(site).values():
        assert first_rate[row["currency"]] < row["invoice_date"]
    assert len(first_rate) == 4


def test_late_file_corrects_a_price_and_brings_a_missing_invoice(site: Path) -> None:
    month = read(site / "landing/invoices/invoices_2026-09.csv", "invoices")
    late = read(site / "late/invoices_2026-09_correction.csv", "invoices")
    sent = {(row["invoice_id"], row["line_no"]): Decimal(row["net_amount"]) for row in month}
    corrected = [row for row in late if (row["invoice_id"], row["line_no"]) in sent]
    missing = [row for row in late if (row["invoice_id"], row["line_no"]) not in sent]
    assert {row["invoice_id"] for row in corrected}.isdisjoint(row["invoice_id"] for row in missing)
    assert missing
    assert corrected
    assert all(Decimal(row["net_amount"]) > sent[row["invoice_id"], row["line_no"]] for row in corrected)


def test_one_customer_rates_us_worse_every_month_and_one_better(site: Path) -> None:
    quality: dict[str, list[Decimal]] = defaultdict(list)
    for row in every_row(site, "scorecards"):
        if row["dimension"] == "quality":
            quality[row["account_id"]].append(Decimal(row["score"]))
    assert quality["K0004"][-12:] == sorted(quality["K0004"][-12:], reverse=True)
    assert quality["K0001"][-12:] == sorted(quality["K0001"][-12:])


def test_one_opportunity_slips_and_one_manager_is_too_sure(site: Path) -> None:
    newest = {row["opportunity_id"]: row for row in every_row(site, "opportunities")}
    slipped = {
        row["account_id"] for row in newest.values() if not row["outcome"] and row["expected_close"] <= "2026-10-31"
    }
    assert slipped == {"K0005"}
    offers = [row for row in every_row(site, "opportunities") if row["stage"] == "offer" and not row["outcome"]]
    for manager, is_too_sure in (("Ravi Kulkarni", True), ("Anna Köhler", False)):
        decided = [
            row for row in offers if row["account_manager"] == manager and newest[row["opportunity_id"]]["outcome"]
        ]
        won = sum(newest[row["opportunity_id"]]["outcome"] == "won" for row in decided)
        stated = sum(Decimal(row["success_probability"]) for row in decided)
        assert (stated > Decimal("1.5") * won) is is_too_sure


def test_notice_of_one_contract_is_due_and_one_gate_is_planned_later_than_requested(site: Path) -> None:
    ends = {row["account_id"]: row["end_date"] for row in every_row(site, "contracts")}
    # Renewed until the end of February 2027: notice by 30 November 2026.
    assert ends["K0004"] == "2026-02-28"
    late = [
        (row["account_id"], row["gate"])
        for row in every_row(site, "milestones")
        if not row["actual_date"] and row["planned_date"] > row["requested_date"]
    ]
    assert late == [("K0005", "PPAP"), ("K0005", "SOP")]


def test_one_account_won_all_quotations_and_loses_them_to_one_competitor_now(site: Path) -> None:
    decided = [row for row in every_row(site, "quotations") if row["account_id"] == "K0003" and row["decision"]]
    late = [row for row in decided if row["rfq_date"] >= "2026-03-01"]
    assert {(row["decision"], row["competitor_id"]) for row in late} == {("lost", "Verrex")}
    assert {row["decision"] for row in decided if row not in late} == {"won"}


def test_one_account_buys_more_than_planned_and_costs_what_is_left(site: Path) -> None:
    sold: dict[str, Decimal] = defaultdict(Decimal)
    for row in invoice_lines(site).values():
        if row["invoice_date"] >= "2026-01-01":
            sign = -1 if row["document_type"] == "credit_note" else 1
            sold[row["account_id"]] += sign * Decimal(row["net_amount"])
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for row in every_row(site, "account_costs"):
        if row["month"] >= "2026-01-01":
            costs[row["account_id"]] += Decimal(row["amount"])
    shares = {account_id: amount / sold[account_id] for account_id, amount in costs.items()}
    assert [account_id for account_id, share in shares.items() if share > Decimal("0.3")] == ["K0003"]
    assert all(share < Decimal("0.15") for account_id, share in shares.items() if account_id != "K0003")


def test_one_competitor_sells_below_our_price_at_one_account(site: Path) -> None:
    prices = {
        (row["account_id"], row["product_id"], row["invoice_date"][:7]): Decimal(row["net_amount"])
        / Decimal(row["quantity"])
        for row in invoice_lines(site).values()
        if row["document_type"] == "invoice" and row["quantity"]
    }
    cheaper = {
        (row["account_id"], row["competitor_id"])
        for row in every_row(site, "competitor_observations")
        if row["kind"] == "price"
        and row["observed_on"] >= "2026-03-01"
        and (ours := prices.get((row["account_id"], row["product_id"], row["observed_on"][:7])))
        and Decimal(row["value"]) < ours
    }
    assert cheaper == {("K0003", "Verrex")}


def test_one_account_owes_more_than_its_limit(site: Path) -> None:
    owed: dict[str, Decimal] = defaultdict(Decimal)
    for row in invoice_lines(site).values():
        amount = Decimal(row["net_amount"]) + Decimal(row["tax_amount"])
        owed[row["account_id"]] += -amount if row["document_type"] == "credit_note" else amount
    account_of = {row["invoice_id"]: row["account_id"] for row in invoice_lines(site).values()}
    for row in every_row(site, "payments"):
        if row["invoice_id"] in account_of and not row["currency"]:
            amount = Decimal(row["amount"])
            owed[account_of[row["invoice_id"]]] -= -amount if row["payment_type"] == "refund" else amount
    limits = {row["account_id"]: Decimal(row["credit_limit"]) for row in every_row(site, "accounts")}
    assert [account_id for account_id, limit in limits.items() if owed[account_id] > limit] == ["K0006"]


def test_one_account_is_far_behind_its_plan(site: Path) -> None:
    plan: dict[str, Decimal] = defaultdict(Decimal)
    for row in every_row(site, "sales_plan"):
        if row["plan_version"] == "AOP FY2027" and row["month"] <= "2026-10-01":
            plan[row["account_id"]] += Decimal(row["quantity"]) * Decimal(row["unit_price"])
    actual: dict[str, Decimal] = defaultdict(Decimal)
    for row in invoice_lines(site).values():
        if row["invoice_date"] >= "2026-04-01":
            sign = -1 if row["document_type"] == "credit_note" else 1
            actual[row["account_id"]] += sign * Decimal(row["net_amount"])
    behind = {account_id: actual[account_id] / plan[account_id] - 1 for account_id in plan}
    assert [account_id for account_id, ratio in behind.items() if ratio < Decimal("-0.25")] == ["K0010"]


@long
def test_exactly_the_announced_rows_are_rejected(small: tuple[Path, DemoSummary], tmp_path: Path) -> None:
    written, summary = small
    directory = shutil.copytree(written, tmp_path / "site")
    with warehouse(find_site(directory)) as con:
        results = ingest(con, find_site(directory))
        rejects = rows(con, "SELECT feed, column_name, rule FROM staging.rejects ORDER BY feed, source_row")
    assert {result.status for result in results} == {"loaded"}
    assert sum(result.read_count for result in results) == sum(summary.rows.values())
    assert [(reject["feed"], reject["column_name"], reject["rule"]) for reject in rejects] == [
        ("deliveries", "quantity", "type"),
        ("invoices", "currency", "currency"),
        ("orders", "order_date", "required"),
        ("payments", "amount", "negative"),
        ("visits", "visit_id", "duplicate_key"),
        ("visits", "visit_id", "duplicate_key"),
    ]


@long
def test_the_table_in_the_readme_is_that_of_the_demo(site: Path, tmp_path: Path) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    found = re.search(
        r"```sql\n(?P<query>.*?)```\n\n(?P<head>\|[^\n]*)\n\|[-:|]+\n(?P<rows>(\|[^\n]*\n)+)", readme, re.DOTALL
    )
    assert found
    shutil.copytree(site, tmp_path / "site")
    close_plainly(find_site(tmp_path / "site"), [date(2026, 10, 1)])
    figures = published(find_site(tmp_path / "site"), found["query"])
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in found["rows"].splitlines()]
    assert [cell.strip() for cell in found["head"].strip("|").split("|")] == list(figures[0])
    assert shown == [[str(value) for value in row.values()] for row in figures]
    for _, variance, *parts in (row.values() for row in figures):
        assert variance == sum(parts)
