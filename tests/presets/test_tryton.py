"""A year in a real Tryton: our figures equal its own reports, and what changes there later comes through as a question."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from kam.ingest.readers.needs import reads_of
from kam.site import FEEDS, find_site, write_site
from kam.warehouse import warehouse
from tests.cli import kam
from tests.postgresql import USER, PostgreSql, postgresql  # noqa: F401 - the fixture
from tests.presets.changes import content, kill_after, ledger_lines, stale_months
from tests.support import long
from tests.tryton import explained
from tests.tryton.explained import Amount, Lateness, Oracle, Position
from tests.tryton.figures import documented, write, written_figures
from tests.tryton.running import Tryton, running_tryton

# A year of sales takes a server one to three minutes.
pytestmark = [long, pytest.mark.timeout(1200)]
MONTHS = [f"2025-{month:02}" for month in range(1, 13)]
VARIABLE = "TRYTON_URL"


class Books(NamedTuple):
    """A server after its year, what its reports said, and the site that was closed then."""

    tryton: Tryton
    oracle: Oracle
    site: Path


@pytest.fixture(scope="module")
def books(postgresql: PostgreSql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:  # noqa: F811 - the fixture
    with running_tryton(postgresql, tmp_path_factory.mktemp("tryton")) as tryton:
        oracle = tryton.live_through("year.toml")
        site = tmp_path_factory.mktemp("sites") / "books"
        write_site(site, "tryton")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(VARIABLE, tryton.url)
            closed = kam("--site", site, "backfill", MONTHS[0], MONTHS[-1])
            assert closed.returncode == 0, closed.stdout + closed.stderr
            yield Books(tryton, oracle, site)


def published(site: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of what the site published."""
    with duckdb.connect(str(site / "published" / "kam.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def open_items(site: Path, end: dt.date) -> dict[Position, tuple[Amount, int]]:
    """Our open items at a month end, under Tryton's numbers, with their buckets."""
    sql = (
        "SELECT account_id, document_id, due_date, outstanding_amount_doc, book_amount, bucket_no "
        f"FROM reporting.receivables_ageing WHERE as_of_date = DATE '{end}'"
    )
    return {
        Position(account, int(document.partition("#")[2].partition("/")[0]), due): (Amount(doc, book), bucket)
        for account, document, due, doc, book, bucket in published(site, sql)
    }


def require_equal_receivables(oracle: Oracle, site: Path) -> None:
    """Each open item of each month end, and the balance of each party by two of Tryton's reports."""
    assert len(explained.month_ends(oracle)) == len(MONTHS)
    for end in explained.month_ends(oracle):
        ours, theirs = open_items(site, end), explained.positions(oracle, end)
        assert {position: amount for position, (amount, _) in ours.items()} == theirs, end
        assert all(
            bucket == explained.bucket_no((end - position.day).days) for position, (_, bucket) in ours.items()
        ), end
        balances: dict[str, Decimal] = defaultdict(Decimal)
        for position, (amount, _) in ours.items():
            balances[position.party] += amount.book
        differences = explained.rate_differences(oracle, end)
        for report in ("aged_balance", "ledger"):
            said = {
                row["party"]: Decimal(row["balance"]) for row in oracle[report] if explained.day(row["month"]) == end
            }
            for party in {*said, *balances}:
                assert balances[party] - said.get(party, 0) == differences.get(party, 0), (end, report, party)


def test_the_lines_that_we_compare_with_are_those_of_the_aged_balance(books: Books) -> None:
    for end in explained.month_ends(books.oracle):
        by_party: dict[str, list[explained.Row]] = defaultdict(list)
        for line in explained.shown_in_aged_balance(books.oracle, end):
            by_party[line["party"]].append(line)
        said = {
            row["party"]: [Decimal(row[name]) for name in ("balance", "term0", "term1", "term2", "term3")]
            for row in books.oracle["aged_balance"]
            if explained.day(row["month"]) == end
        }
        assert {party: explained.terms_of(lines, end) for party, lines in by_party.items()} == said, end


def test_each_open_item_and_balance_of_each_month_end_is_trytons(books: Books) -> None:
    require_equal_receivables(books.oracle, books.site)


def test_the_open_items_equal_the_aged_balance_where_no_definition_differs(books: Books) -> None:
    """Without part payments, open credits and items due on the day itself, our buckets are Tryton's terms."""
    compared = 0
    for row in books.oracle["aged_balance"]:
        end = explained.day(row["month"])
        lines = [line for line in explained.shown_in_aged_balance(books.oracle, end) if line["party"] == row["party"]]
        if any(explained.own(line) < 0 or line["maturity"] == row["month"] for line in lines):
            continue
        buckets = [Decimal(0)] * 5
        for position, (amount, bucket) in open_items(books.site, end).items():
            buckets[bucket] += amount.book if position.party == row["party"] else 0
        terms = [Decimal(row[name]) for name in ("term0", "term1", "term2", "term3")]
        assert buckets == [Decimal(row["balance"]) - sum(terms), *terms], (end, row["party"])
        compared += 1
    assert compared >= 20


def test_sales_of_each_month_and_party_are_those_of_trytons_report(books: Books) -> None:
    said = {(explained.day(row["month"]), row["party"]): Decimal(row["revenue"]) for row in books.oracle["sales"]}
    sql = "SELECT period_month, account_id, sum(ordered_amount) FROM reporting.sales GROUP BY ALL"
    ours = {(month, party): amount for month, party, amount in published(books.site, sql)}
    more = explained.given_up_or_returned(books.oracle)
    assert len(more) == 2, "a line was given up and goods came back: else nothing differs"
    dollars = explained.at_monthly_rate(books.oracle, "sale_lines")
    assert len(dollars) == 1, "a rate changed within a month"
    for key in {*said, *ours}:
        assert ours.get(key, 0) - said.get(key, 0) == more.get(key, 0) + dollars.get(key, 0), key


def test_what_was_invoiced_in_each_month_is_the_ledgers_revenue(books: Books) -> None:
    said: dict[dt.date, Decimal] = defaultdict(Decimal)
    for row in books.oracle["revenue"]:
        if row["account"] != "Exchange differences":
            said[explained.month_of(row["month"])] += Decimal(row["credit"]) - Decimal(row["debit"])
    for (month, _), amount in explained.at_monthly_rate(books.oracle, "invoices").items():
        said[month] += amount
    assert dict(published(books.site, "SELECT period_month, sum(net_amount) FROM reporting.sales GROUP BY ALL")) == said


def credit_limits(oracle: Oracle, site: Path) -> dict[str, Decimal | None]:
    """Our credit limits by the name of the party; each of them has to be the one that Tryton shows."""
    ours = dict(published(site, "SELECT account_id, credit_limit FROM reporting.accounts"))
    shown = {row["party"]: row for row in oracle["credit_limits"] if row["party"] in ours}
    assert ours == {party: row["limit"] and Decimal(row["limit"]) for party, row in shown.items()}
    return {row["name"]: ours[party] for party, row in shown.items()}


def test_the_credit_limit_of_each_party_is_trytons(books: Books) -> None:
    limits = credit_limits(books.oracle, books.site)
    # Brandt's was changed in June, and Dubois was given none before there was a default.
    assert {name: limits[name] for name in ("Adler", "Brandt", "Dubois")} == {
        "Adler": Decimal("50000.75"), "Brandt": Decimal("31250.55"), "Dubois": None
    }  # fmt: skip
    assert len(limits) == 5


def test_lateness_is_that_of_trytons_shipments(books: Books) -> None:
    sql = "SELECT period_month, account_id, line_count, late_count, days_late FROM reporting.delivery_performance WHERE basis = 'promised'"
    ours = {
        (month, party): Lateness(lines, late, days or 0)
        for month, party, lines, late, days in published(books.site, sql)
    }
    assert ours == explained.lateness(books.oracle)
    # Where all lines of a month and party were sent whole, in one shipment each and by the month end, it is Tryton's own figure.
    delays = {shipment["number"]: shipment["delay"] for shipment in books.oracle["shipments"]}
    plain = list(explained.sent_whole(books.oracle))
    assert len(plain) > 10
    for key, numbers in plain:
        assert ours[key].days == sum(max(delays[number], 0) for number in numbers), key


def test_opportunities_won_and_lost_are_those_of_trytons_report(books: Books) -> None:
    sql = (
        "SELECT period_month, count(*) FILTER (is_won), coalesce(sum(amount) FILTER (is_won), 0), count(*) FILTER (is_lost) "
        "FROM reporting.opportunities WHERE is_closed GROUP BY ALL"
    )
    said = {
        (explained.month_of(row["month"]), row["won"], Decimal(row["won_amount"]), row["lost"])
        for row in books.oracle["opportunities"]["ended"]
    }
    assert len(said) == 4
    assert set(published(books.site, sql)) == said
    begun = {(explained.month_of(row["month"]), row["number"]) for row in books.oracle["opportunities"]["begun"]}
    sql = "SELECT month, count(*) FROM (SELECT min(period_month) AS month FROM reporting.opportunities GROUP BY opportunity_id) GROUP BY ALL"
    assert set(published(books.site, sql)) == begun


def test_the_page_has_these_figures(books: Books) -> None:
    figures = written_figures(books.oracle, books.site / "published" / "kam.duckdb")
    if os.environ.get("KAM_TRYTON_FIGURES"):
        write(figures)
    assert documented() == figures, "run: make tryton-figures"


@pytest.mark.usefixtures("books")
def test_the_check_of_a_new_site_finds_all_that_the_queries_read(tmp_path: Path) -> None:
    write_site(tmp_path / "new", "tryton")
    checked = kam("--site", tmp_path / "new", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "The settings and all sources can be read." in checked.stdout
    assert "to reject" not in checked.stdout.replace("none to reject", "")


def test_a_role_that_may_read_what_the_queries_name_fills_all_feeds(
    books: Books,
    postgresql: PostgreSql,  # noqa: F811 - the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = tmp_path / "few"
    write_site(site, "tryton")
    queries = [str(source.query) for source in find_site(site).settings.feeds.values()]
    grants = [
        f'GRANT SELECT ({", ".join(columns)}) ON "{table}" TO few'
        for query in queries
        for table, columns in reads_of(query).items()
    ]
    postgresql.run(books.tryton.url, "CREATE ROLE few LOGIN PASSWORD 'few'", *grants)
    monkeypatch.setenv(VARIABLE, books.tryton.url.replace(f"{USER}:{postgresql.password}@", "few:few@"))
    loaded = kam("--site", site, "ingest")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    assert content(site) == content(books.site)


@pytest.mark.parametrize("loads", [2, 6])
def test_a_first_load_that_is_killed_neither_loses_nor_doubles_a_document(
    books: Books, tmp_path: Path, loads: int
) -> None:
    site = tmp_path / "killed"
    write_site(site, "tryton")
    kill_after(site, loads)
    killed_with = content(site)
    assert any(not found for found in killed_with.values()), "it was killed too late to show anything"
    again = kam("--site", site, "ingest")
    assert again.returncode == 0, again.stderr
    assert content(site) == content(books.site)


class Later(NamedTuple):
    """The site when more had happened in Tryton about months that were closed: what its commands said, and what Tryton's reports say."""

    oracle: Oracle
    site: Path
    ingested: str
    stale: set[str]
    refused: str


@pytest.fixture(scope="module")
def later(books: Books, tmp_path_factory: pytest.TempPathFactory) -> Later:
    site = tmp_path_factory.mktemp("later") / "books"
    shutil.copytree(books.site, site)
    oracle = books.tryton.live_through("late.toml")
    ingested = kam("--site", site, "ingest")
    assert ingested.returncode == 0, ingested.stderr
    stale = stale_months(site)
    refused = kam("--site", site, "close", "2025-11")
    assert refused.returncode == 4
    restated = kam("--site", site, "backfill", MONTHS[0], MONTHS[-1], "--restate", "--reason", "Entered late in Tryton")
    assert restated.returncode == 0, restated.stdout + restated.stderr
    return Later(oracle, site, ingested.stdout, stale, refused.stdout + refused.stderr)


def test_only_what_changed_in_tryton_is_new(later: Later) -> None:
    loaded = {
        line.split()[0]: int(line.split()[3])
        for line in later.ingested.splitlines()
        if line.split()[:1] and line.split()[0] in FEEDS
    }
    # Rows of the ten minutes before are read again, and are the same.
    assert {feed: count for feed, count in loaded.items() if count} == {"orders": 1, "invoices": 1, "payments": 1}


def test_a_payment_of_a_closed_month_and_a_cancelled_invoice_are_questions(later: Later) -> None:
    assert later.stale == {"2025-11", "2025-12"}
    assert "2025-11 is closed (version 1) and closing it now would give different figures" in later.refused
    assert "1 row of payments in 1 load since version 1" in later.refused


def test_after_the_restatement_all_months_equal_trytons_reports_again(later: Later) -> None:
    require_equal_receivables(later.oracle, later.site)
    versions = dict(published(later.site, "SELECT period_month, close_version FROM reporting.months"))
    assert {f"{month:%Y-%m}" for month, version in versions.items() if version == 2} == {"2025-11", "2025-12"}


def test_a_later_load_that_is_killed_neither_loses_nor_doubles_a_document(
    books: Books, later: Later, tmp_path: Path
) -> None:
    site = tmp_path / "killed"
    shutil.copytree(books.site, site)
    kill_after(site, ledger_lines(site) + 1)
    assert content(site) != content(later.site), "it was killed too late to show anything"
    again = kam("--site", site, "ingest")
    assert again.returncode == 0, again.stderr
    assert content(site) == content(later.site)


def test_a_date_that_moved_shows_in_the_month_it_moved_out_of(books: Books, later: Later) -> None:
    sql = (
        "SELECT coalesce(sum(line_count), 0) FROM reporting.delivery_performance "
        "WHERE basis = 'last_promised' AND period_month = DATE '2025-12-01'"
    )
    [(before,)], [(after,)] = published(books.site, sql), published(later.site, sql)
    assert after == before - 1


def test_a_settlement_that_is_undone_opens_the_invoice_and_the_payment_again(
    books: Books, later: Later, tmp_path: Path
) -> None:
    site = tmp_path / "undone"
    shutil.copytree(later.site, site)
    oracle = books.tryton.live_through("undone.toml")
    assert kam("--site", site, "ingest").returncode == 0
    assert stale_months(site) == {month for month in MONTHS if month >= "2025-06"}
    restated = kam("--site", site, "backfill", "2025-06", MONTHS[-1], "--restate", "--reason", "Set off by mistake")
    assert restated.returncode == 0, restated.stdout + restated.stderr
    require_equal_receivables(oracle, site)


def test_a_receipt_for_two_invoices_new_due_dates_and_money_sent_back(books: Books, tmp_path: Path) -> None:
    site = tmp_path / "other"
    write_site(site, "tryton")
    oracle = books.tryton.live_through("other.toml")
    closed = kam("--site", site, "close", "2026-01")
    assert closed.returncode == 0, closed.stdout + closed.stderr
    assert credit_limits(oracle, site)["Falk"] == Decimal("99999.99"), "the default of June 2025"
    # Three customers of 2026: 360 for 120 and 240; 1080 in one part, then in three; 600 paid, 240 of it credited and sent back.
    f, g, h = (
        code
        for (code,) in published(
            site, "SELECT account_id FROM reporting.accounts WHERE account_name > 'F' ORDER BY account_name"
        )
    )
    with warehouse(find_site(site)) as con:
        parts = (
            f"SELECT payment_type, line_no, amount::INTEGER FROM core.payments WHERE account_id = '{f}' ORDER BY ALL"
        )
        assert con.execute(parts).fetchall() == [("receipt", 1, 120), ("receipt", 2, 240)]
        dates = (
            "SELECT instalment_no, due_date::VARCHAR, amount::INTEGER FROM core.instalments "
            f"SEMI JOIN (SELECT invoice_id FROM core.invoices WHERE account_id = '{g}') USING (invoice_id) ORDER BY ALL"
        )
        assert con.execute(dates).fetchall() == [
            (1, "2026-02-14", 0), (2, "2026-03-15", 360), (3, "2026-04-15", 360), (4, "2026-05-15", 360)
        ]  # fmt: skip
        back = f"SELECT payment_type, amount::INTEGER, invoice_id IS NULL FROM core.payments WHERE account_id = '{h}' ORDER BY ALL"
        assert con.execute(back).fetchall() == [("receipt", 600, False), ("refund", 240, False)]
    assert {position.party for position in open_items(site, dt.date(2026, 1, 31))}.isdisjoint({f, h})
    balances = dict(
        published(site, "SELECT account_id, sum(book_amount) FROM reporting.receivables_ageing GROUP BY ALL")
    )
    said = {row["party"]: Decimal(row["balance"]) for row in oracle["aged_balance"]}
    assert {party: balances.get(party, 0) for party in said} == said
