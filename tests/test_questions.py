"""What a load asks: numbers that are used again, columns that are gone, lines that are equal, corrections that are undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kam.audit import rebuild
from kam.cli.check import check_site
from kam.errors import SettingsError
from kam.ingest import LoadResult
from kam.site import find_site
from kam.warehouse import rows, warehouse
from tests.support import ingest, long, mostly_long

INVOICES = "invoice_id,account_id,invoice_date,net_amount\n"
LINES = "invoice_id,line_no,account_id,invoice_date,net_amount\n"


class Books:
    """A site with one feed; files are named in the order in which they come."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.feed = folder, "invoices"
        (folder / "landing").mkdir()
        self.configure()

    def configure(self, settings: str = "", feed: str = "", ingest_section: str = "") -> None:
        self.feed = feed or self.feed
        text = f'[site]\nname = "Books"\n[ingest]\n{ingest_section}\n[feeds.{self.feed}]\nfiles = "landing/*"\n{settings}\n'
        (self.folder / "kam.toml").write_text(text, encoding="utf-8")

    def put(self, name: str, content: str) -> None:
        (self.folder / "landing" / name).write_text(content, encoding="utf-8")

    def load(self, *, accept_changes: bool = False) -> list[LoadResult]:
        """What became of the files that were not loaded before."""
        site = find_site(self.folder)
        with warehouse(site) as con:
            results = ingest(con, site, accept_changes=accept_changes)
        return [result for result in results if result.status != "already loaded"]

    def deliver(self, name: str, content: str, *, accept_changes: bool = False) -> LoadResult:
        self.put(name, content)
        (result,) = self.load(accept_changes=accept_changes)
        return result

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with warehouse(find_site(self.folder)) as con:
            return [tuple(row.values()) for row in rows(con, sql)]

    def amounts(self) -> list[tuple[str, int]]:
        return self.query("SELECT invoice_id, net_amount::INTEGER FROM core.invoices ORDER BY ALL")


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def test_a_number_that_stands_for_another_account_is_asked_about_with_both_sides(books: Books) -> None:
    books.deliver("2025.csv", INVOICES + "1001,A,2025-12-10,500\n1002,B,2025-12-29,5\n")
    for _ in range(2):
        result = books.deliver("2026.csv", INVOICES + "1003,B,2026-01-29,7\n1001,B,2026-01-12,70\n")
        assert result.status == "failed"
        assert (
            "1 document would become another one: 1001 is A, invoice, 2025-12-10 in landing/2025.csv and B, invoice, 2026-01-12 "
            "here (record 2)" in result.message
        )
        assert "[feeds.invoices] key" in result.message
        assert "ingest --feed invoices --accept-changes" in result.message
    assert books.amounts() == [("1001", 500), ("1002", 5)]


@long
def test_an_accepted_change_is_loaded_and_a_rebuild_loads_it_too(books: Books) -> None:
    books.deliver("a.csv", INVOICES + "1001,A,2026-01-10,500\n")
    books.put("b.csv", INVOICES + "1001,B,2026-01-10,500\n")
    (accepted,) = books.load(accept_changes=True)
    assert (accepted.status, accepted.superseded_count) == ("loaded", 1)
    assert books.load() == []
    rebuild(find_site(books.folder), force=True)
    assert books.query("SELECT account_id, load_id FROM core.invoices") == [("B", 2)]


CHANGES = {
    "type of an invoice": ("invoices", "invoice_id,account_id,invoice_date,net_amount,document_type",
                           "1,A,2026-01-05,9,invoice", "1,A,2026-01-05,9,credit_note"),
    "date of an invoice": ("invoices", "invoice_id,account_id,invoice_date,net_amount", "1,A,2026-01-05,9", "1,A,2026-01-20,9"),
    "account of an order": ("orders", "order_id,line_no,account_id,order_date,quantity", "1,1,A,2026-01-05,9", "1,1,B,2026-01-05,9"),
    "order of a delivery": ("deliveries", "delivery_id,order_id,delivered_date,quantity", "1,O1,2026-01-05,9", "1,O2,2026-01-05,9"),
    "account of a payment": ("payments", "payment_id,account_id,payment_date,amount", "1,A,2026-01-05,9", "1,B,2026-01-05,9"),
    "type of a payment": ("payments", "payment_id,account_id,payment_date,amount,payment_type",
                          "1,A,2026-01-05,9,receipt", "1,A,2026-01-05,9,refund"),
    "account of an issue": ("issues", "issue_id,account_id,opened_date", "1,A,2026-01-05", "1,B,2026-01-05"),
    "date of an issue": ("issues", "issue_id,account_id,opened_date", "1,A,2026-01-05", "1,A,2026-03-05"),
    "account of a visit": ("visits", "visit_id,account_id,planned_date", "1,A,2026-01-05", "1,B,2026-01-05"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("feed", "header", "first", "second"), mostly_long([*CHANGES.values()], in_every_run=3), ids=CHANGES
)
def test_every_feed_of_documents_asks(books: Books, feed: str, header: str, first: str, second: str) -> None:
    books.configure(feed=feed)
    books.put("a.csv", f"{header}\n{first}\n")
    books.put("b.csv", f"{header}\n{second}\n")
    assert [result.status for result in books.load()] == ["loaded", "failed"]


def test_small_corrections_are_not_asked_about(books: Books) -> None:
    books.deliver("a.csv", INVOICES + "1,A,2026-01-05,9\n")
    assert books.deliver("b.csv", INVOICES + "1,A,2026-01-19,8\n").status == "loaded"
    books.configure(ingest_section="redated_days = 3")
    assert "would become another one" in books.deliver("c.csv", INVOICES + "1,A,2026-01-23,8\n").message


def test_a_planned_visit_may_be_moved_and_held(books: Books) -> None:
    books.configure(feed="visits")
    books.deliver("a.csv", "visit_id,account_id,planned_date,visit_date\n1,A,2026-01-05,\n")
    moved = books.deliver("b.csv", "visit_id,account_id,planned_date,visit_date\n1,A,2026-03-05,2026-03-06\n")
    assert moved.status == "loaded"


def test_two_documents_of_one_number_in_one_file_are_asked_about(books: Books) -> None:
    result = books.deliver("a.csv", LINES + "1,1,A,2026-01-05,9\n1,2,B,2026-01-05,8\n2,1,A,2026-01-05,1\n")
    assert "1 number stands for two documents: 1 is A, invoice, 2026-01-05 (record 1) and B" in result.message
    assert books.amounts() == []


def test_lines_of_one_payment_may_be_of_several_types_and_accounts(books: Books) -> None:
    books.configure(feed="payments")
    lines = "payment_id,line_no,account_id,payment_date,amount,payment_type\n1,1,A,2026-01-05,9,receipt\n1,2,B,2026-01-05,1,discount\n"
    assert books.deliver("a.csv", lines).status == "loaded"


def test_a_document_that_comes_with_other_line_numbers_would_count_twice(books: Books) -> None:
    books.deliver("a.csv", LINES + "1,10,A,2026-01-05,9\n1,20,A,2026-01-05,8\n")
    result = books.deliver("b.csv", LINES + "1,1,A,2026-01-05,9\n1,2,A,2026-01-05,8\n")
    assert (
        "1 document has none of the lines that it had: 1 is A, invoice, 2026-01-05, line_no 10, 20 in landing/a.csv"
        in result.message
    )
    assert books.deliver("b.csv", LINES + "1,20,A,2026-01-05,8\n1,30,A,2026-01-05,7\n").status == "loaded"


def test_lines_that_are_appended_may_come_alone_but_not_for_another_account(books: Books) -> None:
    books.configure('mode = "append"')
    books.deliver("a.csv", LINES + "1,1,A,2026-01-05,9\n")
    assert books.deliver("b.csv", LINES + "1,2,A,2026-01-05,8\n").status == "loaded"
    assert "none of the lines" in books.deliver("c.csv", LINES + "1,3,B,2026-01-05,7\n").message


def test_a_rejected_line_may_come_alone_once_it_is_fixed(books: Books) -> None:
    books.deliver("a.csv", LINES + "1,1,A,2026-01-05,9\n1,2,A,2026-01-05,eight\n")
    assert books.deliver("b.csv", LINES + "1,2,A,2026-01-05,8\n").status == "loaded"
    assert books.amounts() == [("1", 8), ("1", 9)]


def test_a_full_extract_says_itself_what_a_number_stands_for(books: Books) -> None:
    books.configure('mode = "snapshot"')
    books.deliver("a.csv", INVOICES + "1,A,2026-01-05,9\n")
    assert books.deliver("b.csv", INVOICES + "1,B,2026-03-05,9\n").status == "loaded"


def test_a_wider_key_tells_documents_of_one_number_apart(books: Books) -> None:
    header = INVOICES.replace("\n", ",Jahr\n")
    books.deliver("2025.csv", header + "1001,A,2025-12-10,500,2025\n1002,B,2025-12-29,5,2025\n")
    books.put("2026.csv", header + "1001,B,2026-01-12,70,2026\n")
    assert books.load()[0].status == "failed"
    books.configure('key = ["fiscal_year"]\ncolumns = { fiscal_year = "Jahr" }')
    assert [result.status for result in books.load()] == ["loaded", "loaded"]
    # What was loaded under the bare numbers ended: nothing counts twice.
    assert books.amounts() == [("1001/2025", 500), ("1001/2026", 70), ("1002/2025", 5)]
    assert books.deliver("c.csv", header + "1001,B,2026-01-12,71,2026\n").superseded_count == 1
    rebuild(find_site(books.folder), force=True)
    assert books.amounts() == [("1001/2025", 500), ("1001/2026", 71), ("1002/2025", 5)]


def test_a_wider_key_may_be_a_column_of_the_feed_or_an_expression(books: Books) -> None:
    books.configure('key = ["document_type", "year"]\ncolumns = { year = { sql = "invoice_date[:4]" } }')
    typed = INVOICES.replace("\n", ",document_type\n")
    assert books.deliver("a.csv", typed + "1,A,2026-01-05,9,invoice\n1,A,2026-02-05,2,credit_note\n").message == ""
    assert books.amounts() == [("1/credit_note/2026", 2), ("1/invoice/2026", 9)]


def test_a_row_without_a_part_of_the_wider_key_is_rejected(books: Books) -> None:
    books.configure('key = ["bank"]')
    result = books.deliver("a.csv", INVOICES.replace("\n", ",bank\n") + "1,A,2026-01-05,9,\n2,A,2026-01-05,9,X/Y\n")
    assert (result.loaded_count, result.rejected_count) == (1, 1)
    assert books.amounts() == [("2/X//Y", 9)]


@pytest.mark.parametrize(
    ("feed", "key"), [("accounts", "region"), ("invoices", "invoice_id"), ("invoices", "Fiscal Year")]
)
def test_a_key_that_cannot_be_is_an_error_of_the_settings(books: Books, feed: str, key: str) -> None:
    books.configure(f'key = ["{key}"]', feed=feed)
    with pytest.raises(SettingsError, match=rf"feeds\.{feed}\.key"):
        books.load()


def test_a_wider_key_whose_column_the_file_lacks_refuses_it(books: Books) -> None:
    books.configure('key = ["fiscal_year"]')
    assert "no column 'fiscal_year'" in books.deliver("a.csv", INVOICES + "1,A,2026-01-05,9\n").message


def test_equal_lines_without_a_number_count_each(books: Books) -> None:
    for name in ("a.csv", "b.csv"):
        first = books.deliver(name, INVOICES + "1,A,2026-06-10,20\n1,A,2026-06-10,20\n" + f"{name},A,2026-06-30,50\n")
    assert (first.loaded_count, first.unchanged_count) == (1, 2)
    assert books.amounts() == [("1", 20), ("1", 20), ("a.csv", 50), ("b.csv", 50)]


def test_an_empty_line_number_is_none(books: Books) -> None:
    result = books.deliver(
        "a.csv", LINES + "1,,A,2026-06-10,20\n1, ,A,2026-06-10,20\n2,5,A,2026-06-10,1\n2,5,A,2026-06-10,1\n"
    )
    assert (result.loaded_count, result.rejected_count) == (3, 1)
    assert books.query("SELECT invoice_id, line_no FROM core.invoices ORDER BY ALL") == [("1", 1), ("1", 2), ("2", 5)]


def test_an_empty_line_number_beside_the_same_number_is_a_double_key(books: Books) -> None:
    result = books.deliver(
        "a.csv",
        LINES + "1,,A,2026-06-10,20\n1,1,A,2026-06-10,20\n2,,A,2026-06-10,7\n2,,A,2026-06-10,7\n2,2,A,2026-06-10,7\n",
    )
    assert (result.loaded_count, result.rejected_count) == (1, 4)


def test_fewer_equal_lines_than_before_are_asked_about(books: Books) -> None:
    books.deliver("a.csv", INVOICES + "1,A,2026-06-10,20\n1,A,2026-06-10,20\n")
    result = books.deliver("b.csv", INVOICES + "1,A,2026-06-10,20\n")
    assert "1 has 2 lines in landing/a.csv and 1 here" in result.message


@long
def test_a_correction_with_fewer_columns_is_asked_about(books: Books) -> None:
    books.deliver(
        "a.csv",
        "invoice_id,account_id,invoice_date,due_date,net_amount,tax_amount,disputed\n1,A,2026-05-10,2026-07-31,1000,190,true\n",
    )
    result = books.deliver("b.csv", INVOICES + "1,A,2026-05-10,990\n3,A,2026-06-29,10\n")
    assert "the file has no columns due_date, tax_amount, disputed, which invoices had until now" in result.message
    assert 'mode = "patch"' in result.message
    assert books.deliver("b.csv", INVOICES + "1,A,2026-05-10,990\n", accept_changes=True).status == "loaded"
    # The question was answered: the next file without them is as usual.
    assert books.deliver("c.csv", INVOICES + "4,A,2026-06-29,10\n").status == "loaded"


@pytest.mark.parametrize(
    ("column", "renamed", "value"),
    [("currency", "curr", "USD"), ("tax_amount", "tax_amout", "0"), ("order_id", "Bestellung", "7")],
)
def test_a_renamed_column_is_named_with_its_new_name(books: Books, column: str, renamed: str, value: str) -> None:
    header = INVOICES.strip()
    books.deliver("a.csv", f"{header},{column},remark\n1,A,2026-05-10,9,{value},x\n")
    result = books.deliver("b.csv", f"{header},{renamed},remark\n2,A,2026-06-10,9,{value},x\n")
    assert f"the file has no column {column}" in result.message
    assert f"Nothing uses its column {renamed}." in result.message
    assert f'columns = {{ {column} = "{renamed}" }}' in result.message or column == "order_id"
    assert books.amounts() == [("1", 9)]


def test_the_first_file_with_a_column_that_is_almost_right_is_asked_about(books: Books) -> None:
    header = INVOICES.replace("\n", ",Curency,remark\n")
    result = books.deliver("a.csv", header + "1,A,2026-05-10,9,USD,x\n")
    assert (
        'Nothing uses its columns Curency, remark. If a column has another name: [feeds.invoices] columns = { currency = "Curency" }'
        in result.message
    )
    assert books.deliver("a.csv", header + "1,A,2026-05-10,9,USD,x\n", accept_changes=True).status == "loaded"
    assert books.deliver("b.csv", header + "2,A,2026-05-10,9,USD,x\n").status == "loaded"


def test_a_mapping_that_was_removed_is_a_column_that_is_gone(books: Books) -> None:
    books.configure('columns = { currency = "Währung" }')
    books.deliver("a.csv", INVOICES.replace("\n", ",Währung\n") + "1,A,2026-05-10,9,USD\n")
    books.configure()
    books.put("b.csv", INVOICES.replace("\n", ",Währung\n") + "2,A,2026-06-10,9,USD\n")
    for result in books.load():
        assert "no column currency" in result.message


@long
def test_files_of_several_layouts_are_read_again_after_a_change_of_the_mapping(books: Books) -> None:
    books.put("a.csv", INVOICES + "1,A,2026-05-10,9\n")
    books.put("b.csv", INVOICES.replace("\n", ",due_date\n") + "1,A,2026-05-10,9,2026-07-31\n")
    books.load()
    books.configure('columns = { currency = { value = "USD" } }')
    assert [result.status for result in books.load()] == ["loaded", "loaded"]
    assert books.query("SELECT due_date::VARCHAR, currency FROM core.invoices") == [("2026-07-31", "USD")]


def test_a_column_that_never_had_a_value_may_go(books: Books) -> None:
    books.deliver("a.csv", INVOICES.replace("\n", ",due_date\n") + "1,A,2026-05-10,9,\n")
    assert books.deliver("b.csv", INVOICES + "1,A,2026-05-10,8\n").status == "loaded"


def test_a_column_that_only_had_its_default_may_go_unless_there_is_a_new_one(books: Books) -> None:
    books.deliver("a.csv", INVOICES.replace("\n", ",tax_amount\n") + "1,A,2026-05-10,9,0\n")
    assert (
        "no column tax_amount"
        in books.deliver("b.csv", INVOICES.replace("\n", ",Steuer\n") + "2,A,2026-05-10,8,1\n").message
    )
    assert books.deliver("b.csv", INVOICES + "2,A,2026-05-10,8\n").status == "loaded"


def test_a_header_without_rows_asks_nothing(books: Books) -> None:
    books.deliver("a.csv", INVOICES.replace("\n", ",currency\n") + "1,A,2026-05-10,9,USD\n")
    assert books.deliver("b.csv", INVOICES).status == "loaded"
    assert "no column currency" in books.deliver("c.csv", INVOICES + "2,A,2026-06-10,9\n").message


def test_objects_without_a_key_that_is_empty_are_as_usual(books: Books) -> None:
    one = '{"invoice_id": "%s", "account_id": "A", "invoice_date": "2026-05-10", "net_amount": 9%s}\n'
    books.deliver("a.ndjson", one % ("1", ', "order_id": "7", "currency": "USD"'))
    assert books.deliver("b.ndjson", one % ("2", ', "currency": "USD"')).status == "loaded"
    assert "Nothing uses its column curr." in books.deliver("c.ndjson", one % ("3", ', "curr": "USD"')).message


@long
def test_a_patch_keeps_the_values_of_columns_that_it_does_not_have(books: Books) -> None:
    books.configure('mode = "patch"')
    books.deliver(
        "a.csv",
        "invoice_id,account_id,invoice_date,due_date,net_amount,tax_amount,document_type\n1,A,2026-05-10,2026-07-31,1000,190,debit_note\n",
    )
    patch = books.deliver("b.csv", "invoice_id,disputed\n1,true\n2,true\n")
    assert (patch.loaded_count, patch.superseded_count, patch.rejected_count) == (1, 1, 1)
    found = "SELECT account_id, due_date::VARCHAR, net_amount::INTEGER, tax_amount::INTEGER, document_type, disputed FROM core.invoices"
    assert books.query(found) == [("A", "2026-07-31", 1000, 190, "debit_note", True)]
    assert books.query("SELECT rule, source_row FROM staging.rejects") == [("incomplete", 2)]
    rebuild(find_site(books.folder), force=True)
    assert books.query(found) == [("A", "2026-07-31", 1000, 190, "debit_note", True)]


def test_a_patch_empties_what_its_cells_leave_empty(books: Books) -> None:
    books.configure('mode = "patch"')
    books.deliver("a.csv", INVOICES.replace("\n", ",due_date,disputed\n") + "1,A,2026-05-10,9,2026-07-31,true\n")
    books.deliver("b.csv", "invoice_id,due_date\n1,\n")
    assert books.query("SELECT due_date, disputed FROM core.invoices") == [(None, True)]


def test_a_patch_of_visits_needs_no_date(books: Books) -> None:
    books.configure('mode = "patch"', feed="visits")
    books.deliver("a.csv", "visit_id,account_id,planned_date\n1,A,2026-01-05\n")
    result = books.deliver("b.csv", "visit_id,account_id,notes\n1,A,postponed\n2,A,new\n")
    assert (result.loaded_count, result.rejected_count) == (1, 1)


def test_a_patch_that_names_an_outcome_needs_its_day(books: Books) -> None:
    books.configure('mode = "patch"', feed="opportunities")
    books.deliver(
        "a.csv",
        "opportunity_id,recorded_on,account_id,value,closed_on\n1,2026-01-05,A,9,\n2,2026-01-05,A,9,2026-01-05\n",
    )
    result = books.deliver("b.csv", "opportunity_id,recorded_on,outcome\n1,2026-01-05,won\n2,2026-01-05,won\n")
    assert (result.loaded_count, result.rejected_count) == (1, 1)
    assert books.query("SELECT outcome FROM core.opportunities ORDER BY opportunity_id") == [(None,), ("won",)]


def test_a_revision_may_come_alone_and_is_of_the_same_account(books: Books) -> None:
    header = "quotation_id,revision,account_id,rfq_date\n"
    books.configure(feed="quotations")
    books.deliver("a.csv", header + "1,0,A,2026-01-05\n2,0,A,2026-01-05\n")
    assert books.deliver("b.csv", header + "1,1,A,2026-02-05\n").status == "loaded"
    assert (
        "2 is A, 2026-01-05 in landing/a.csv and B, 2026-01-05 here"
        in books.deliver("c.csv", header + "2,0,B,2026-01-05\n").message
    )


def test_equal_rows_without_a_revision_are_one(books: Books) -> None:
    books.configure(feed="quotations")
    books.deliver("a.csv", "quotation_id,account_id,rfq_date\n1,A,2026-01-05\n1,A,2026-01-05\n")
    assert books.query("SELECT quotation_id, revision FROM core.quotations") == [("1", 0)]


def test_a_patch_of_amounts_needs_the_type_that_turns_them(books: Books) -> None:
    books.configure('mode = "patch"\nsign = "amount"')
    assert "needs the column document_type" in books.deliver("a.csv", INVOICES + "1,A,2026-05-10,-9\n").message


@long
def test_a_document_of_the_wider_key_replaces_what_had_its_bare_number_also_with_another_date(books: Books) -> None:
    header = LINES.replace("\n", ",year\n")
    books.deliver("a.csv", header + "1,1,A,2026-01-05,100,2026\n1,2,A,2026-01-05,20,2026\n")
    (books.folder / "landing" / "a.csv").unlink()
    books.configure('key = ["year"]')
    books.deliver("b.csv", header + "1,1,A,2026-01-12,110,2026\n1,2,A,2026-01-12,20,2026\n")
    assert books.amounts() == [("1/2026", 20), ("1/2026", 110)]


@long
def test_a_document_of_the_wider_key_with_other_lines_or_a_far_date_is_asked_about(books: Books) -> None:
    header = LINES.replace("\n", ",year\n")
    first = header + "1,1,A,2026-01-05,100,2026\n1,2,A,2026-01-05,20,2026\n2,1,A,2025-01-05,7,2025\n"
    books.deliver("a.csv", first)
    (books.folder / "landing" / "a.csv").unlink()
    books.configure('key = ["year"]')
    second = header + "1,1,A,2026-01-05,120,2026\n2,1,A,2026-01-05,8,2026\n"
    result = books.deliver("b.csv", second)
    assert (
        "2 documents are there under their bare numbers with other dates or other lines: 1 is A, invoice, 2026-01-05 in "
        "landing/a.csv, and 1/2026 is A, invoice, 2026-01-05 here (record 1); 2 is A, invoice, 2025-01-05 in landing/a.csv, "
        "and 2/2026 is A, invoice, 2026-01-05 here (record 2)" in result.message
    )
    # The same ones: the file replaces them. Other ones: their file gives them the wider number.
    books.load(accept_changes=True)
    assert books.amounts() == [("1/2026", 120), ("2/2026", 8)]
    rebuild(find_site(books.folder), force=True)
    assert books.amounts() == [("1/2026", 120), ("2/2026", 8)]
    books.put("a.csv", first)
    books.load()
    assert [number for number, _ in books.amounts()] == ["1/2026", "1/2026", "2/2025", "2/2026"]


DUE = INVOICES.replace("\n", ",due_date,product_id\n")


def twenty(first: int, due: str, count: int = 20) -> str:
    return DUE + "".join(f"{first + n},A,2026-01-05,9,{due},P\n" for n in range(count))


@long
def test_a_column_that_is_empty_in_every_row_and_was_filled_is_asked_about(books: Books) -> None:
    books.deliver("a.csv", twenty(100, "2026-02-05"))
    result = books.deliver("b.csv", twenty(200, ""))
    assert (
        "column due_date is empty in all 20 rows, and most rows of the last loads (landing/a.csv) had" in result.message
    )
    assert books.load(accept_changes=True)[0].loaded_count == 20
    # Not all of the last loads filled it.
    assert books.deliver("c.csv", twenty(300, "2026-02-05")).loaded_count == 20
    assert books.deliver("d.csv", twenty(400, "")).loaded_count == 20


@long
def test_an_empty_column_of_a_small_file_or_one_that_was_mostly_empty_is_not_asked_about(books: Books) -> None:
    books.deliver("a.csv", twenty(100, "2026-02-05", 10) + twenty(110, "", 10).removeprefix(DUE))
    assert books.deliver("b.csv", twenty(200, "")).loaded_count == 20
    books.deliver("c.csv", twenty(300, "2026-02-05"))
    assert books.deliver("d.csv", twenty(400, "", 19)).loaded_count == 19


def test_check_says_nothing_of_what_a_load_asked_and_was_accepted(books: Books) -> None:
    books.put("a.csv", LINES + "1,1,A,2026-01-05,9\n1,2,B,2026-01-05,9\n")
    (question,) = check_site(find_site(books.folder)).refused
    assert "1 number stands for two documents" in question
    books.load(accept_changes=True)
    assert check_site(find_site(books.folder)).refused == []
