"""The rows of months that are closed together are stored before the first is committed, and nobody sees them until then."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kam.build import content_query, marts, published_tables
from kam.close import Run, Terms, close_months, steps, versions
from kam.publish.filling import fill
from kam.site import FEEDS, Site, find_site
from kam.warehouse import Connection, open_read_only, rows, warehouse
from tests.support import close_plainly, long, product_texts, write_csv, write_site

APRIL, MAY, JUNE = (date(2026, month, 1) for month in (4, 5, 6))
INVOICES: list[dict[str, Any]] = [
    {"invoice_id": f"I{month}", "account_id": "A", "invoice_date": f"2026-0{month}-10", "net_amount": 100}
    for month in (4, 5, 6)
]
LATE = {"invoice_id": "LATE", "account_id": "A", "invoice_date": "2026-04-28", "net_amount": 7}
# Everything that reads `marts.*`, and why it sees committed versions only.
READERS = {
    "kam/audit/contents.py": "compares all rows of two stores",
    "kam/audit/past.py": "the version is one of ops.closes",
    "kam/build/content.py": "compares all rows of two stores",
    "kam/build/runner.py": "makes the tables",
    "kam/close/diff.py": "the version is one of ops.closes",
    "kam/close/signoff.py": "the version is one of ops.closes",
    "kam/close/steps.py": "joined with ops.standing_closes",
    "kam/close/versions.py": "stores, commits and deletes them",
    "kam/publish/filling.py": "the file leaves out what is stored ahead; versions come from ops.closes",
    "kam/publish/quality_page/flags.py": "looks whether the table is there",
    "kam/publish/reporting.py": "views are joined with ops.closes",
    "sql/checks/receivables_rollforward.opens_on_the_last_closing.sql": "build.periods has a version of ops.standing_closes",
    "sql/controls/opening_and_last_closing.sql": "build.periods has a version of ops.standing_closes",
    "sql/marts/orders/order_book.sql": "build.periods has a version of ops.standing_closes",
    "sql/marts/receivables/receivables_rollforward.sql": "build.periods has a version of ops.standing_closes",
    "sql/publish/flags.sql": "the version is one of ops.shown_closes, or one that waits for approval",
}
_READS = re.compile(r"\bmarts\.")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """April and May are closed when an invoice of April comes in."""
    site = write_site(tmp_path_factory.mktemp("books"), {"invoices": INVOICES}, feeds=["invoices"])
    close_plainly(site, [APRIL, MAY])
    write_csv(site.directory / "landing" / "invoices_late.csv", FEEDS["invoices"].column_names, [LATE])
    return site


@pytest.fixture(scope="module")
def died(closed: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A run over April, May and June that died when their rows were stored and none was committed."""
    site = _copy(closed, tmp_path_factory.mktemp("died"))
    with steps.writing_session(site, "backfill"):
        steps.load_feed(site, "invoices")
        known = steps.prepare_months(site, [APRIL, MAY, JUNE], restate=True)
        steps.build_marts(site, known)
        steps.store_ahead(site, [APRIL, MAY, JUNE], as_of_load=known, checks=(), controls=(), restate=True)
    with warehouse(site) as con:
        stored = con.execute("SELECT month(period_month), close_version FROM ops.stored_ahead ORDER BY ALL").fetchall()
        assert stored == [(4, 2), (5, 2), (6, 1)]
    return site


@pytest.fixture
def site(died: Site, tmp_path: Path) -> Site:
    """A copy of it, of one's own."""
    return _copy(died, tmp_path)


def _copy(site: Site, place: Path) -> Site:
    return find_site(Path(shutil.copytree(site.directory, place / "site")))


def seen(con: Connection, schemas: tuple[str, ...] = ("reporting", "history")) -> Mapping[str, list[dict[str, Any]]]:
    """What readers see in these schemas."""
    # Of loads they do see the new one.
    tables = [table.name for table in published_tables() if table.schema == "marts"]
    return {
        f"{schema}.{name}": rows(con, f"FROM {schema}.{name} ORDER BY ALL") for schema in schemas for name in tables
    }


def require_whole(site: Site) -> None:
    """Each version has the rows that its hash was made of, and there are no others."""
    with open_read_only(site) as con:
        assert rows(con, "FROM ops.stored_ahead") == []
        queries = " UNION ALL ".join(
            f"SELECT {version} AS close_version, * FROM ("
            + content_query(mart.name, f"(FROM marts.{mart.name} WHERE close_version = {version})", mart.all_columns)
            + ")"
            for mart in marts()
            for version in (1, 2, 3)
        )
        found: dict[tuple[date, int], dict[str, str]] = {}
        for version, month, table, content_hash, _ in con.execute(queries).fetchall():
            found.setdefault((month, version), {})[table] = content_hash
        closes = con.execute("SELECT period_month, close_version, content_hash FROM ops.closes").fetchall()
    made = {version: versions.content_hash_of(tables) for version, tables in found.items()}
    assert made == {(month, version): content_hash for month, version, content_hash in closes}


def test_everything_that_reads_the_marts_says_why_it_sees_committed_versions_only() -> None:
    found = {name for name, text in product_texts() if _READS.search(text)}
    assert found == set(READERS)


def test_readers_see_nothing_of_a_run_that_died_before_its_commits(closed: Site, site: Site, tmp_path: Path) -> None:
    with open_read_only(closed) as con:
        before = seen(con)
    with open_read_only(site) as con:
        assert seen(con) == before
        fill(con, tmp_path / "now.duckdb")
    assert before["history.receivables_rollforward"] != []
    with duckdb.connect(str(tmp_path / "now.duckdb"), read_only=True) as con:
        assert seen(con) == before
        assert {row["close_version"] for row in rows(con, "FROM marts.receivables_rollforward")} == {1}


def test_the_next_run_commits_the_months_as_if_nothing_had_happened(site: Site) -> None:
    months = [APRIL, MAY, JUNE]
    outcomes = close_plainly(site, months, restate=True)
    assert [(month.outcome, month.version) for month in outcomes] == [("closed", 2), ("closed", 2), ("closed", 1)]
    require_whole(site)


@long
@pytest.mark.parametrize("months", [[APRIL], [APRIL, MAY]])
def test_the_next_run_commits_what_is_known_then(site: Site, months: list[date]) -> None:
    later = [LATE | {"invoice_id": "LATER", "net_amount": 3}]
    write_csv(site.directory / "landing" / "invoices_later.csv", FEEDS["invoices"].column_names, later)
    outcomes = close_plainly(site, months, restate=True)
    assert [(month.outcome, month.version) for month in outcomes] == [("closed", 2)] * len(months)
    require_whole(site)
    with open_read_only(site) as con:
        (april,) = rows(con, f"FROM reporting.receivables_rollforward WHERE period_month = '{APRIL}'")
    assert april["invoiced_amount_doc"] == 100 + 7 + 3


@long
def test_a_publication_leaves_nothing_of_a_run_that_died(site: Site) -> None:
    with steps.writing_session(site, "publish"):
        assert steps.publish(site)
    require_whole(site)


@long
def test_the_months_of_a_set_are_stored_in_one_statement_per_table(
    closed: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[list[date]] = []

    def keep_rows(con: Connection, months: Mapping[date, int], tables: list[str]) -> None:
        stored.append(list(months))
        assert len(set(tables)) == len(tables)
        kept(con, months, tables)

    kept = versions.keep_rows
    monkeypatch.setattr(versions, "keep_rows", keep_rows)
    site = _copy(closed, tmp_path)
    run = Run("backfill", [APRIL, MAY, JUNE], terms=Terms(restate=True, reason="a late invoice"))
    with steps.writing_session(site, run.name):
        close_months(site, run)
    assert [(month.outcome, month.version) for month in run.report.months] == [
        ("closed", 2),
        ("closed", 2),
        ("closed", 1),
    ]
    assert stored == [[APRIL, MAY, JUNE]]
    require_whole(site)
    with open_read_only(site) as con:
        (store,) = rows(con, "FROM ops.steps WHERE step = 'store'")
    assert (store["outcome"], store["period_months"]) == ("done", [APRIL, MAY, JUNE])


@long
def test_months_that_together_need_too_much_memory_are_stored_one_by_one(
    closed: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep_rows(con: Connection, months: Mapping[date, int], tables: list[str]) -> None:
        if len(months) > 1:
            con.execute("SET memory_limit = '1MB'")
            try:
                con.execute("CREATE TEMP TABLE too_large AS SELECT range AS number, uuid() AS text FROM range(100000)")
            finally:
                con.execute("RESET memory_limit")
        kept(con, months, tables)

    kept = versions.keep_rows
    monkeypatch.setattr(versions, "keep_rows", keep_rows)
    site = _copy(closed, tmp_path)
    outcomes = close_plainly(site, [APRIL, MAY, JUNE], restate=True)
    assert [(month.outcome, month.version) for month in outcomes] == [("closed", 2), ("closed", 2), ("closed", 1)]
    require_whole(site)
