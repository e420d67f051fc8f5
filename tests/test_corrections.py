"""Known source errors as data: read by the contract, applied on the way to core, guarded, listed, reproduced."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from expectations.site import require_valid
from kam.audit import rebuild, verify
from kam.build import prepare_build
from kam.cli.check import check_site
from kam.close import MonthOutcome, diff, dry_run, require_loaded, steps, versions
from kam.close.controls import control_totals
from kam.errors import SettingsError
from kam.periods import parse_month
from kam.report import correction_rows
from kam.site import FEEDS, Correction, Site, find_site
from kam.site.corrections_file import read_corrections
from kam.warehouse import (
    Connection,
    KnownCorrection,
    known_corrections,
    memory,
    open_read_only,
    prepare,
    rows,
    warehouse,
)
from kam.warehouse.schema import as_known
from tests.stores import lose_warehouse
from tests.support import close_plainly, long, published, settings_of, stage, write_csv, write_site

APRIL, MAY, JUNE = dt.date(2026, 4, 1), dt.date(2026, 5, 1), dt.date(2026, 6, 1)
ENTRY = {
    "feed": '"invoices"',
    "key": '{ invoice_id = "R-1001", line_no = 1 }',
    "column": '"due_date"',
    "wrong": "2026-01-31",
    "right": "2026-03-31",
    "reason": '"Typing error in the ERP, ticket 4711"',
    "owner": '"Accounts receivable"',
}
COLUMNS = ["invoice_id", "account_id", "invoice_date", "due_date", "net_amount"]


def entry(**changed: str) -> str:
    """One entry in TOML; an empty text leaves a key out."""
    return "[[corrections]]\n" + "".join(f"{key} = {value}\n" for key, value in (ENTRY | changed).items() if value)


def read(folder: Path, text: str, feeds: Sequence[str] = tuple(FEEDS)) -> tuple[Correction, ...]:
    file = folder / "corrections.toml"
    file.write_text(text, encoding="utf-8")
    return read_corrections(file, settings_of(feeds=feeds))


# What may stand in the file.


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (entry(feed='"invoice"'), ["entry 1: feed", "'invoice'", "Did you mean 'invoices'?"]),
        (entry(feed='"payments"'), ["entry 1: feed", "does not declare the feed payments", "Declared: invoices"]),
        (entry(column='"due_dat"'), ["entry 1: column", "'due_dat'", "Did you mean 'due_date'?"]),
        (entry(column='"line_no"'), ["entry 1: column", "line_no is part of the key", "cannot be corrected"]),
        (entry(key="{ line_no = 1 }"), ["entry 1: key.invoice_id: missing"]),
        (entry(key='{ invoice = "R-1001" }'), ["entry 1: key.invoice", "Did you mean 'invoice_id'?", "The key:"]),
        (entry(key='{ invoice_id = "" }'), ["entry 1: key.invoice_id", "required and never empty"]),
        (entry(key='{ invoice_id = "R-1001", line_no = 1.5 }'), ["key.line_no", "a whole number", "1.5"]),
        (entry(right='"soon"'), ["entry 1: right", "a date such as 2026-03-31", "'soon'"]),
        (entry(right="2206-03-31"), ["entry 1: right", "from 1990-01-01 to 2100-01-01", "2206-03-31"]),
        (entry(column='"net_amount"', wrong="1", right='""'), ["entry 1: right", "net_amount is required"]),
        (entry(column='"tax_amount"', wrong='""', right="1"), ["entry 1: wrong", "an empty cell is read as 0"]),
        (entry(column='"invoice_total"', wrong="1", right="-1"), ["entry 1: right", "an amount from 0", "-1"]),
        (entry(column='"net_amount"', wrong="1", right="1.00001"), ["right", "at most 4 decimals", "1.00001"]),
        (entry(column='"net_amount"', wrong="1", right="1e14"), ["right", "at most 14 digits before the point"]),
        (entry(column='"net_amount"', wrong="1", right="nan"), ["right", "an amount", "NaN"]),
        (entry(column='"disputed"', wrong="true", right="1"), ["right", "true or false"]),
        (entry(column='"document_type"', wrong='"invoice"', right='"bill"'), ["right", "credit_note", "'bill'"]),
        (entry(column='"currency"', wrong='"EUR"', right='"EURO"'), ["right", "ISO 4217", "'EURO'"]),
        (entry(wrong="2026-03-31"), ["entry 1: right", "a value that differs from wrong", "2026-03-31"]),
        (entry(column='"net_amount"', wrong="100.0", right='"100.00"'), ["right", "a value that differs from wrong"]),
        (entry(reason='" "'), ["entry 1: reason", "at least 1 character"]),
        (entry(owner=""), ["entry 1: owner: missing", "who answers for it"]),
        (entry() + "rihgt = 1\n", ["entry 1: rihgt: unknown key", "Did you mean 'right'?"]),
        (entry() + entry(column='"net_amount"', wrong="1", right="2") + entry(), ["entry 3: key", "as entry 1"]),
        # The same cell under two spellings.
        (entry() + entry(key='{ invoice_id = "R-1001 " }'), ["entry 2: key", "as entry 1", "invoice_id R-1001"]),
        ("[[correction]]\n", ["correction: unknown key", "Did you mean 'corrections'?"]),
        ("[corrections]\n", ["corrections: expected entries that each begin with [[corrections]]"]),
        ("[[corrections]\n", ["not valid TOML", "line 1"]),
    ],
)
def test_an_entry_that_cannot_be_meant_is_named_with_its_number(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text, ["invoices"])
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'corrections.toml'}: ")
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("feed", "column", "written", "text"),
    [
        ("invoices", "net_amount", "12345678901234.5678", "12345678901234.5678"),
        ("invoices", "net_amount", "0.1", "0.1000"),
        ("invoices", "net_amount", '"7"', "7.0000"),
        ("invoices", "due_date", '"2026-03-31"', "2026-03-31"),
        ("invoices", "order_line_no", "7", "7"),
        ("invoices", "disputed", "true", "true"),
        ("invoices", "currency", '"usd"', "USD"),
        ("invoices", "document_type", '"Credit_Note"', "credit_note"),
        ("invoices", "product_id", '" 007 "', "007"),
        ("invoices", "product_id", '""', None),
        ("sales_plan", "submitted_at", "2026-03-31T17:30:00.500000+02:00", "2026-03-31 15:30:00.5"),
        ("sales_plan", "fx_rate", "1.23456789", "1.2345678900"),
        ("scorecards", "score", "80", "80.0000"),
    ],
)
def test_a_value_is_read_exactly_and_written_as_duckdb_writes_the_column(
    tmp_path: Path, feed: str, column: str, written: str, text: str | None
) -> None:
    keys = {
        "invoices": ENTRY["key"],
        "sales_plan": '{ plan_version = "B", month = 2026-01-15, account_id = "A", product_id = "", product_line = "", '
        'account_manager = "", region = "" }',
        "scorecards": '{ account_id = "A", month = "2026-01", dimension = "overall" }',
    }
    other = {None: '"X"', "true": "false", "USD": '"EUR"', "credit_note": '"invoice"'}.get(text, "1")
    other = "2020-01-01" if column in ("due_date", "submitted_at") else other
    (found,) = read(tmp_path, entry(feed=f'"{feed}"', key=keys[feed], column=f'"{column}"', wrong=written, right=other))
    assert found.wrong == text
    assert found.key.get("month") in (None, "2026-01-01")
    with memory() as con:
        sql_type = FEEDS[feed].column(column).sql_type
        assert con.execute(f"SELECT ?::VARCHAR::{sql_type}::VARCHAR", [text]).fetchall() == [(text,)]


def test_a_default_stands_in_for_a_column_of_the_key(tmp_path: Path) -> None:
    (found,) = read(tmp_path, entry(key='{ invoice_id = "R-1001" }'))
    assert found.key == {"invoice_id": "R-1001", "line_no": "1"}
    assert found.key_in_words == "invoice_id R-1001, line_no 1"


def test_a_file_that_cannot_be_read_is_not_taken_for_one_without_entries(site_folder: Path) -> None:
    write_site(site_folder, {}, feeds=["invoices"])
    (site_folder / "corrections.toml").symlink_to(site_folder / "gone.toml")
    with pytest.raises(SettingsError, match=r"corrections\.toml: cannot be read"):
        find_site(site_folder)


def test_corrections_do_not_belong_into_the_settings(site_folder: Path) -> None:
    write_site(site_folder, {}, feeds=["invoices"])
    with (site_folder / "kam.toml").open("a") as stream:
        stream.write(entry())
    with pytest.raises(SettingsError, match=r"kam\.toml: corrections: expected in their own file"):
        find_site(site_folder)


def test_only_what_decides_figures_is_in_the_hash_of_the_settings(site_folder: Path) -> None:
    def definitions_hash(text: str | None) -> str:
        if text is not None:
            (site_folder / "corrections.toml").write_text(text)
        return find_site(site_folder).settings.definitions_hash(dt.date(2026, 10, 1))

    site = write_site(site_folder, {}, feeds=["invoices"])
    assert "corrections" not in site.settings.definitions
    none = definitions_hash(None)
    assert definitions_hash("# nothing known\n") == none
    one, two = entry(), entry(column='"net_amount"', wrong="1", right="2")
    both = definitions_hash(one + two)
    assert none != both
    assert definitions_hash(two + one) == both
    assert definitions_hash(one + two.replace("ticket 4711", "ticket 4712").replace("receivable", "payable")) == both
    assert definitions_hash(one + two.replace("right = 2", "right = 3")) != both


# What becomes of the rows.


def correction(feed: str, column: str, wrong: str | None, right: str | None, **key: str | None) -> Correction:
    return Correction(feed=feed, key=key, column=column, wrong=wrong, right=right, reason="typing error", owner="AR")


def books(given: Mapping[str, Sequence[Mapping[str, Any]]], *corrections: Correction) -> Connection:
    """These rows as load 1, under these corrections."""
    con = memory()
    prepare(con, "EUR", corrections)
    stage(con, given)
    return con


def invoice(invoice_id: str = "R-1", **columns: Any) -> dict[str, Any]:
    return {"invoice_id": invoice_id, "account_id": "A", "invoice_date": "2026-04-10", "net_amount": 100} | columns


def test_core_shows_the_right_value_and_staging_what_the_source_said() -> None:
    of_line = {"invoice_id": "R-1", "line_no": "2"}
    con = books(
        {"invoices": [invoice(), invoice(line_no=2, due_date="2026-01-31"), invoice("R-2", due_date="2026-01-31")]},
        correction("invoices", "due_date", "2026-01-31", "2026-03-31", **of_line),
        correction("invoices", "net_amount", "100.0000", "7.5000", **of_line),
    )
    found = "SELECT invoice_id, line_no, due_date::VARCHAR AS due, net_amount::VARCHAR AS net FROM {} ORDER BY ALL"
    assert [tuple(row.values()) for row in rows(con, found.format("core.invoices"))] == [
        ("R-1", 1, None, "100.0000"),
        ("R-1", 2, "2026-03-31", "7.5000"),
        ("R-2", 1, "2026-01-31", "100.0000"),
    ]
    assert rows(con, found.format("staging.invoices"))[1] == {
        "invoice_id": "R-1",
        "line_no": 2,
        "due": "2026-01-31",
        "net": "100.0000",
    }
    with memory() as plain:
        prepare(plain, "EUR")
        assert rows(con, "DESCRIBE core.invoices") == rows(plain, "DESCRIBE core.invoices")


def test_an_empty_cell_is_filled_and_a_wrong_one_emptied() -> None:
    con = books(
        {"invoices": [invoice("R-1"), invoice("R-2", due_date="2026-01-31"), invoice("R-3")]},
        correction("invoices", "due_date", None, "2026-03-31", invoice_id="R-1", line_no="1"),
        correction("invoices", "due_date", "2026-01-31", None, invoice_id="R-2", line_no="1"),
        # Of the currency in the source, before the reporting currency stands in for an empty one.
        correction("invoices", "currency", None, "USD", invoice_id="R-3", line_no="1"),
    )
    found = "SELECT invoice_id, due_date::VARCHAR, currency FROM core.invoices ORDER BY ALL"
    assert con.execute(found).fetchall() == [("R-1", "2026-03-31", "EUR"), ("R-2", None, "EUR"), ("R-3", None, "USD")]


def test_a_key_with_empty_columns_names_one_row() -> None:
    key = dict.fromkeys(FEEDS["sales_plan"].key) | {"plan_version": "B", "month": "2026-04-01", "account_id": "A"}
    row = {"plan_version": "B", "month": "2026-04-01", "account_id": "A", "amount": 10}
    con = books(
        {"sales_plan": [row, row | {"product_id": "P"}]},
        correction("sales_plan", "amount", "10.0000", "12.0000", **key),
    )
    found = "SELECT product_id, amount::INTEGER FROM core.sales_plan ORDER BY ALL"
    assert con.execute(found).fetchall() == [("P", 10), (None, 12)]


@pytest.mark.parametrize("text", ["O'Brien'; DROP TABLE staging.accounts; --", '"', "\\", "$.x", "{}", "%s ? $1"])
def test_a_value_is_never_read_as_sql(tmp_path: Path, text: str) -> None:
    written = json.dumps(text)
    (found,) = read(
        tmp_path,
        entry(
            feed='"accounts"', key=f"{{ account_id = {written} }}", column='"account_name"', wrong=written, right='"B"'
        ),
    )
    con = books({"accounts": [{"account_id": text, "account_name": text}, {"account_id": "other"}]}, found)
    assert con.execute("SELECT account_id, account_name FROM core.accounts ORDER BY 2").fetchall() == [
        (text, "B"),
        ("other", None),
    ]
    assert con.execute("SELECT state FROM core.corrections").fetchall() == [("applied",)]


def test_a_feed_without_corrections_keeps_its_view() -> None:
    entries = (correction("invoices", "due_date", None, "2026-03-31", invoice_id="R-1", line_no="1"),)
    with memory() as plain, memory() as corrected:
        prepare(plain, "EUR")
        prepare(corrected, "EUR", entries)
        views = "SELECT view_name, sql FROM duckdb_views() WHERE schema_name = 'core' ORDER BY ALL"
        differ = {name for name, _ in {*plain.execute(views).fetchall()} ^ {*corrected.execute(views).fetchall()}}
        assert differ == {"invoices", "corrections"}
    assert "corrections" not in as_known(FEEDS["orders"], "EUR")


@long
def test_the_views_follow_the_file_and_a_reader_needs_nothing_of_it(site_folder: Path) -> None:
    site = write_site(site_folder, {"invoices": [invoice()]}, feeds=["invoices"])

    def net_amount(text: str) -> int:
        (site_folder / "corrections.toml").write_text(text)
        with warehouse(find_site(site_folder)) as con:
            return int(con.execute("SELECT net_amount FROM core.invoices").fetchall()[0][0])

    steps.load_feed(site, "invoices")
    for_it = {"key": '{ invoice_id = "R-1" }', "column": '"net_amount"', "wrong": "100"}
    assert net_amount("") == 100
    assert net_amount(entry(**for_it, right="90")) == 90
    assert net_amount(entry(**for_it, right="80")) == 80
    # As the last writer had it: reading changes nothing, whatever the file says.
    (site_folder / "corrections.toml").write_text("")
    with open_read_only(find_site(site_folder)) as con:
        assert con.execute("SELECT net_amount::INTEGER FROM core.invoices").fetchall() == [(80,)]
    assert net_amount("") == 100


def test_thousands_of_corrections_apply() -> None:
    entries = [
        correction("invoices", "net_amount", "100.0000", f"{number}.0000", invoice_id=f"R-{number}", line_no="1")
        for number in range(3000)
    ]
    con = books({}, *entries)
    con.execute(
        "INSERT INTO staging.invoices BY NAME SELECT 'R-' || number AS invoice_id, 1 AS line_no, 100 AS net_amount, "
        "1 AS load_id, number AS source_row FROM range(4000) AS numbers(number)"
    )
    # 0 + 1 + … + 2999, and a thousand rows of 100.
    found = con.execute("SELECT count(*), sum(net_amount)::BIGINT FROM core.invoices").fetchall()
    assert found == [(4000, 2999 * 3000 // 2 + 1000 * 100)]
    assert con.execute("SELECT DISTINCT state FROM core.corrections").fetchall() == [("applied",)]


# The guard.


def states(con: Connection, as_of_load: int | None = None) -> list[tuple[str, str | None]]:
    if as_of_load is not None:
        con.execute("SET VARIABLE as_of_load = ?", [as_of_load])
    found = con.execute("SELECT state, fault FROM core.corrections ORDER BY key_values").fetchall()
    return [(state, fault) for state, fault in found]


@pytest.mark.parametrize(
    ("source", "state", "fault"),
    [
        ("2026-01-31", "applied", None),
        ("2026-03-31", "stale", "the source was corrected; remove the correction"),
        ("2026-02-28", "stale", "the source has changed to 2026-02-28; change the correction or remove it"),
        (None, "stale", "the source has changed to nothing; change the correction or remove it"),
    ],
)
def test_a_correction_is_applied_to_its_wrong_value_only(source: str | None, state: str, fault: str | None) -> None:
    con = books(
        {"invoices": [invoice(due_date=source)]},
        correction("invoices", "due_date", "2026-01-31", "2026-03-31", invoice_id="R-1", line_no="1"),
    )
    assert states(con) == [(state, fault)]
    shown = "2026-03-31" if state == "applied" else source
    assert con.execute("SELECT due_date::VARCHAR FROM core.invoices").fetchall() == [(shown,)]


def test_a_row_that_never_came_is_not_one_that_came_later() -> None:
    con = books(
        {},
        correction("invoices", "net_amount", "100.0000", "90.0000", invoice_id="R-1", line_no="1"),
        correction("invoices", "net_amount", "100.0000", "90.0000", invoice_id="R-1001", line_no="1"),
    )
    stage(con, {"invoices": [invoice("R-0")]}, load_id=1)
    stage(con, {"invoices": [invoice("R-1")]}, load_id=2)
    unknown = ("stale", "no such row was ever loaded; fix the key or load its extract")
    assert states(con) == [("applied", None), unknown]
    assert states(con, as_of_load=1) == [("not yet loaded", None), unknown]
    assert con.execute("SELECT invoice_id FROM core.invoices").fetchall() == [("R-0",)]


def test_the_guard_looks_at_the_row_as_it_was_known() -> None:
    con = books({}, correction("invoices", "net_amount", "100.0000", "90.0000", invoice_id="R-1", line_no="1"))
    stage(con, {"invoices": [invoice()]}, load_id=1)
    stage(con, {"invoices": [invoice(net_amount=90)]}, load_id=2)
    con.execute("UPDATE staging.invoices SET superseded_load_id = load_id + 1")
    fixed = ("stale", "the source was corrected; remove the correction")
    ended = ("stale", "the row is no longer in the source; remove the correction")
    assert states(con, as_of_load=1) == [("applied", None)]
    assert states(con, as_of_load=2) == [fixed]
    assert states(con, as_of_load=3) == [ended]


def test_a_row_keeps_what_its_feed_asks_for() -> None:
    def fault(*corrections: Correction) -> list[str]:
        con = books({"visits": [{"visit_id": "V", "account_id": "A", "visit_date": "2026-04-10"}]}, *corrections)
        return [state for state, _ in states(con)]

    emptied = correction("visits", "visit_date", "2026-04-10", None, visit_id="V")
    filled = correction("visits", "planned_date", None, "2026-04-09", visit_id="V")
    # A visit without any date is in no month: it would vanish from the figures.
    assert fault(emptied) == ["stale"]
    assert fault(emptied, filled) == ["applied", "applied"]


@pytest.fixture
def site(site_folder: Path) -> Site:
    """An invoice of 100 in each of April and May; of April's, 40 are paid in May."""
    given = {
        "invoices": [
            invoice("R-4", invoice_date="2026-04-10"),
            invoice("R-5", invoice_date="2026-05-10", due_date="2026-06-10"),
        ],
        "payments": [
            {"payment_id": "P", "account_id": "A", "invoice_id": "R-4", "payment_date": "2026-05-20", "amount": 40}
        ],
    }
    return write_site(site_folder, given, feeds=["invoices", "payments"])


def correct(site: Site, *entries: str) -> Site:
    (site.directory / "corrections.toml").write_text("".join(entries), encoding="utf-8")
    return find_site(site.directory)


def of_april(right: str, **changed: str) -> str:
    given = {"key": '{ invoice_id = "R-4" }', "column": '"net_amount"', "wrong": "100", "right": right}
    return entry(**(given | changed))


def outcomes(found: Sequence[MonthOutcome]) -> list[tuple[str, int]]:
    return [(month.outcome, month.version) for month in found]


def close_tied(site: Site, months: Sequence[dt.date]) -> list[MonthOutcome]:
    """Close with what is new and the control totals; the other checks take longer than all the rest."""
    with steps.writing_session(site, "close"):
        for feed in site.settings.feeds:
            require_loaded(steps.load_feed(site, feed))
        known = steps.prepare_months(site, months)
        steps.build_marts(site, known)
        with warehouse(site) as con:
            con.execute("SET VARIABLE as_of_load = ?", [known])
            totals = control_totals(con, site.settings.available)
        found = [
            steps.commit_month(site, month, as_of_load=known, checks=(), controls=totals, restate=False, reason="")
            for month in months
        ]
        steps.publish(site)
    return found


def open_items(site: Site, month: dt.date) -> int:
    sql = f"SELECT sum(outstanding_amount) AS total FROM reporting.receivables_ageing WHERE period_month = '{month}'"
    return int(published(site, sql)[0]["total"])


@long
def test_a_stale_correction_fails_the_close_as_a_critical_check(site: Site) -> None:
    close_plainly(site, [APRIL])
    corrected = correct(site, of_april("90", wrong="99"))
    (april, may) = close_plainly(corrected, [APRIL, MAY], with_checks=True)
    assert outcomes([april, may]) == [("failed", 0), ("failed", 0)]
    assert "[corrections.guards_hold]" in april.message
    assert "key invoice_id R-4, line_no 1" in april.message
    assert "the source has changed to 100.0000; change the correction or remove it" in april.message
    assert "owner Accounts receivable" in april.message
    assert open_items(site, APRIL) == 100
    with warehouse(corrected) as con:
        assert versions.last_version(con, APRIL) == 1


@pytest.mark.parametrize("wanted", ['severity = "info"', 'severity = "off"', "threshold = 1"])
def test_no_site_can_take_the_guard_lightly(site: Site, wanted: str) -> None:
    with (site.directory / "kam.toml").open("a") as stream:
        stream.write(f'[checks."corrections.guards_hold"]\n{wanted}\n')
    with pytest.raises(SettingsError, match="cannot be changed"):
        require_valid(find_site(site.directory))


@long
def test_no_month_is_committed_past_a_stale_correction_even_without_checks(site: Site) -> None:
    corrected = correct(site, *(of_april("90", key=f'{{ invoice_id = "X-{number}" }}') for number in range(5)))
    (april,) = close_plainly(corrected, [APRIL])
    assert april.outcome == "failed"
    assert april.message.splitlines() == [
        "2026-04 was not published, because entries of corrections.toml are stale:",
        *(
            f"  invoices invoice_id X-{number}, line_no 1: net_amount: no such row was ever loaded; fix the key or load "
            "its extract"
            for number in range(3)
        ),
        f"  … and 2 more: {site.command('check')}",
    ]


@long
def test_a_file_that_changes_during_a_close_fails_it(site: Site) -> None:
    corrected = correct(site, of_april("90"))
    with steps.writing_session(corrected, "close"):
        for feed in site.settings.feeds:
            steps.load_feed(corrected, feed)
        known = steps.prepare_months(corrected, [APRIL])
        steps.build_marts(corrected, known)
        changed = correct(site, of_april("80"))
        april = steps.commit_month(changed, APRIL, as_of_load=known, checks=(), controls=(), restate=False, reason="")
    assert april.outcome == "failed"
    assert "corrections.toml changed while it was built" in april.message


# From the close to the auditor.


@long
def test_a_correction_restates_a_closed_month_and_every_version_comes_back_from_nothing(site: Site) -> None:
    assert outcomes(close_plainly(site, [APRIL])) == [("closed", 1)]
    corrected = correct(site, of_april("110.5"))
    (april,) = close_plainly(corrected, [APRIL])
    assert (april.outcome, april.version) == ("changed", 1)
    assert "closing it now would give different figures: the corrections changed." in april.message
    assert "  Open receivables: 100.00 EUR → 110.50 EUR" in april.message.splitlines()
    assert published(site, "FROM reporting.corrections") == []
    assert outcomes(close_plainly(corrected, [APRIL], restate=True)) == [("closed", 2)]
    assert outcomes(close_plainly(corrected, [APRIL])) == [("unchanged", 2)]
    listed = {
        "period_month": APRIL,
        "close_version": 2,
        "feed": "invoices",
        "key": "invoice_id R-4, line_no 1",
        "column_name": "net_amount",
        "wrong_value": "100.0000",
        "right_value": "110.5000",
        "reason": "Typing error in the ERP, ticket 4711",
        "owner": "Accounts receivable",
        "state": "applied",
    }
    assert published(site, "FROM reporting.corrections") == [listed]
    with warehouse(corrected) as con:
        kept = rows(con, "FROM ops.corrections")
        found = diff.difference(con, diff.version_side(con, APRIL, 1), diff.version_side(con, APRIL, 2))
    assert found.reasons == ["the settings differ", "the corrections differ"]
    assert found.sources == []
    # From the ledger alone: the file says something else by now.
    emptied = correct(site, of_april("1"))
    lose_warehouse(site)
    report = rebuild(emptied)
    assert (report.close_count, report.differences) == (2, [])
    assert [(proof.version, proof.holds) for proof in verify(emptied)] == [(1, True), (2, True)]
    with warehouse(emptied) as con:
        assert rows(con, "FROM ops.corrections") == kept
        assert con.execute("SELECT net_amount::INTEGER FROM core.invoices ORDER BY 1").fetchall() == [(1,), (100,)]


@long
def test_a_corrected_document_of_a_closed_month_is_an_adjustment_of_the_next(site: Site) -> None:
    close_plainly(site, [APRIL])
    corrected = correct(site, of_april("110"))
    (may,) = close_tied(corrected, [MAY])
    assert (may.outcome, may.message) == ("closed", "")
    (row,) = published(site, f"FROM reporting.receivables_rollforward WHERE period_month = '{MAY}'")
    # Opened with the 100 that April was published with, and 10 more by the correction; 110 − 40 + 100 are open.
    assert (row["opening_amount_doc"], row["prior_period_adjustment_doc"], row["closing_amount_doc"]) == (100, 10, 170)
    # Then the source is fixed. The entry goes, no figure changes, and the next month ties.
    write_csv(site.directory / "landing" / "invoices_fixed.csv", COLUMNS, [invoice("R-4", net_amount=110)])
    (june,) = close_tied(corrected, [JUNE])
    assert june.outcome == "failed"
    assert "the source was corrected; remove the correction" in june.message
    plain = correct(site)
    may, june = close_tied(plain, [MAY, JUNE])
    assert (may.outcome, june.outcome, june.message) == ("unchanged", "closed", "")
    (row,) = published(site, f"FROM reporting.receivables_rollforward WHERE period_month = '{JUNE}'")
    assert (row["opening_amount_doc"], row["prior_period_adjustment_doc"], row["closing_amount_doc"]) == (170, 0, 170)


@long
@pytest.mark.parametrize(
    ("feed", "key", "column", "wrong", "right", "closing"),
    [
        # April's invoice belongs to another account, and its payment goes with it.
        ("invoices", '{ invoice_id = "R-4" }', "account_id", '"A"', '"B"', {"A": 100, "B": 60}),
        ("invoices", '{ invoice_id = "R-4" }', "document_type", '"invoice"', '"credit_note"', {"A": -40}),
        # Of May: it was not in April's balance at all.
        ("invoices", '{ invoice_id = "R-4" }', "invoice_date", "2026-04-10", "2026-05-02", {"A": 160}),
        ("payments", '{ payment_id = "P" }', "payment_date", "2026-05-20", "2026-04-20", {"A": 160}),
        ("payments", '{ payment_id = "P" }', "invoice_id", '"R-4"', '""', {"A": 160}),
    ],
)
def test_whatever_a_correction_moves_the_months_tie(
    site: Site, feed: str, key: str, column: str, wrong: str, right: str, closing: dict[str, int]
) -> None:
    close_plainly(site, [APRIL])
    changed = {"feed": f'"{feed}"', "key": key, "column": f'"{column}"', "wrong": wrong, "right": right}
    (may,) = close_tied(correct(site, entry(**changed)), [MAY])
    assert (may.outcome, may.message) == ("closed", "")
    found = published(
        site,
        f"SELECT account_id, sum(closing_amount_doc)::INTEGER AS amount FROM reporting.receivables_rollforward "
        f"WHERE period_month = '{MAY}' GROUP BY ALL HAVING amount <> 0",
    )
    assert {row["account_id"]: row["amount"] for row in found} == closing


@long
def test_a_file_delivered_again_with_its_error_is_unchanged(site: Site) -> None:
    corrected = correct(site, of_april("110"))
    close_plainly(corrected, [APRIL])
    write_csv(site.directory / "landing" / "invoices_again.csv", COLUMNS, [invoice("R-4")])
    (load,) = [load for load in steps.load_feed(corrected, "invoices") if load.status == "loaded"]
    assert (load.loaded_count, load.unchanged_count, load.superseded_count) == (0, 1, 0)
    with warehouse(corrected) as con:
        assert states(con) == [("applied", None)]
    (april,) = dry_run(corrected, [APRIL], as_of_load=None, as_known_on=None, restate=False)
    assert april.why == "nothing changed since version 1"


@long
def test_a_correction_of_a_later_row_is_noted_when_closing_as_known_before(site: Site) -> None:
    close_plainly(site, [APRIL])
    late = invoice("R-LATE", invoice_date="2026-04-28", net_amount=7)
    write_csv(site.directory / "landing" / "invoices_late.csv", COLUMNS, [late])
    corrected = correct(site, of_april("9", key='{ invoice_id = "R-LATE" }', wrong="7"))
    steps.load_feed(corrected, "invoices")
    assert outcomes(close_plainly(corrected, [MAY], as_of_load=2)) == [("closed", 1)]
    assert published(site, "SELECT period_month, state FROM reporting.corrections") == [
        {"period_month": MAY, "state": "not yet loaded"}
    ]
    assert open_items(site, MAY) == 160
    assert outcomes(close_plainly(corrected, [MAY], restate=True)) == [("closed", 2)]
    assert open_items(site, MAY) == 169


@long
def test_check_says_how_each_correction_stands(site: Site) -> None:
    corrected = correct(site, of_april("110"), of_april("1", key='{ invoice_id = "R-5" }', wrong="2"))
    assert {entry.fault for entry in check_site(corrected).corrections} == {
        "no such row was ever loaded; fix the key or load its extract"
    }
    for feed in site.settings.feeds:
        steps.load_feed(site, feed)
    found = check_site(corrected).corrections
    assert [(entry.key, entry.state) for entry in found] == [
        ("invoice_id R-4, line_no 1", "applied"),
        ("invoice_id R-5, line_no 1", "stale"),
    ]
    assert check_site(corrected, "payments").corrections == []


def test_a_report_shows_stale_corrections_first_and_counts_the_rest() -> None:
    given = KnownCorrection(
        "invoices", "invoice_id R-4", "net_amount", "100.0000", None, "typing error", "AR", "applied", "100.0000", None
    )
    stale = KnownCorrection(
        "invoices", "invoice_id R-5", "net_amount", "1.0000", "2.5000", "twice", "AR", "stale", "3.0000", "why"
    )
    assert correction_rows([given, given, stale], limit=2) == [
        {
            "Feed": "invoices", "Key": "invoice_id R-5", "Column": "net_amount", "Source says": "1", "Right": "2.5",
            "Reason": "twice", "Owner": "AR", "State": "why",
        },
        {
            "Feed": "invoices", "Key": "invoice_id R-4", "Column": "net_amount", "Source says": "100",
            "Right": "(empty)", "Reason": "typing error", "Owner": "AR", "State": "applied",
        },
        {"Feed": "… 1 more"},
    ]  # fmt: skip


def test_the_corrections_of_a_build_are_those_that_it_was_prepared_with() -> None:
    entries = (correction("invoices", "net_amount", "100.0000", "90.0000", invoice_id="R-1", line_no="1"),)
    con = books({"invoices": [invoice()]}, *entries)
    prepare_build(con, settings_of(), [parse_month("2026-04")], as_of_load=1)
    (known,) = known_corrections(con)
    assert (known.wrong, known.right, known.found, known.state) == ("100.0000", "90.0000", "100.0000", "applied")
