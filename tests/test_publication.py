"""The published file: comments, all versions, and swapped in one piece."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Date, MetaData, Numeric, Table, create_engine, func, inspect, select
from sqlalchemy.pool import NullPool

from kam.build import marts, published_tables, run_views
from kam.close import MonthOutcome, require_loaded, steps
from kam.errors import KamError
from kam.publish import published_file
from kam.site import Site, find_site
from kam.warehouse import warehouse
from tests.support import long, published, write_csv, write_site

JUNE = date(2026, 6, 1)
INVOICE = {
    "invoice_id": "I1",
    "account_id": "A",
    "invoice_date": "2026-06-10",
    "due_date": "2026-07-10",
    "net_amount": 100,
}
COLUMNS = list(INVOICE)


def close(site: Site, month: date, *, restate: bool = False) -> MonthOutcome:
    """A close without Prefect and without checks: they have tests of their own."""
    with steps.writing_session(site, "close"):
        for feed in site.settings.feeds:
            require_loaded(steps.load_feed(site, feed))
        as_of_load = steps.prepare_months(site, [month], restate=restate)
        steps.build_marts(site, as_of_load)
        outcome = steps.commit_month(
            site, month, as_of_load=as_of_load, checks=(), controls=(), restate=restate, reason="a late invoice"
        )
        steps.publish(site, only_if_lagging=True)
    return outcome


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """June is closed."""
    site = write_site(tmp_path_factory.mktemp("books"), {"invoices": [INVOICE]}, feeds=["invoices"])
    assert close(site, JUNE) == MonthOutcome(JUNE, "closed", 1)
    return site


@pytest.fixture
def site(closed: Site, tmp_path: Path) -> Site:
    """A copy of it, of one's own."""
    return find_site(shutil.copytree(closed.directory, tmp_path / "site"))


def test_every_view_and_column_carries_its_meaning(site: Site) -> None:
    def names(kind: str, schema: str) -> set[str]:
        return {
            row["name"]
            for row in published(
                site, f"SELECT {kind}_name AS name FROM duckdb_{kind}s() WHERE schema_name = '{schema}'"
            )
        }

    # Some tools list tables only. Old names are views, so that their rows are not there twice.
    old = {table.name for table in published_tables() if table.is_old_name}
    tables = {table.name for table in published_tables()}
    assert (names("table", "reporting"), names("view", "reporting")) == (tables - old, old)
    assert names("view", "history") == tables - set(run_views())
    bare = published(site, "FROM duckdb_columns() WHERE schema_name = 'reporting' AND comment IS NULL")
    assert [(row["table_name"], row["column_name"]) for row in bare] == []
    assert published(site, "FROM duckdb_views() WHERE schema_name = 'history' AND comment IS NULL") == []


def test_metric_definitions_list_every_published_column(site: Site) -> None:
    missing = published(
        site,
        """
        SELECT columns.table_name, columns.column_name
        FROM duckdb_columns() AS columns
        ANTI JOIN reporting.metric_definitions AS definitions
          ON definitions.table_name = columns.table_name AND definitions.column_name = columns.column_name
        WHERE columns.schema_name = 'reporting'
        """,
    )
    assert missing == []


@long
def test_a_restated_month_shows_its_newest_version_and_keeps_the_old_one(site: Site) -> None:
    write_csv(
        site.directory / "landing" / "invoices_late.csv", COLUMNS, [INVOICE | {"invoice_id": "I2", "net_amount": 5}]
    )
    changed = close(site, JUNE)
    assert (changed.outcome, changed.version) == ("changed", 1)
    assert "1 row of invoices in 1 load since version 1." in changed.message
    assert close(site, JUNE, restate=True) == MonthOutcome(JUNE, "closed", 2)

    def total(table: str, version: int) -> object:
        query = f"SELECT sum(outstanding_amount) AS total FROM {table} WHERE close_version = {version}"
        return published(site, query)[0]["total"]

    assert total("reporting.receivables_ageing", 2) == 105
    assert total("reporting.receivables_ageing", 1) is None
    assert total("history.receivables_ageing", 1) == 100
    closes = published(site, "FROM reporting.closes ORDER BY close_version")
    assert [(row["close_version"], row["is_newest"], row["reason"]) for row in closes] == [
        (1, False, "a late invoice"),
        (2, True, "a late invoice"),
    ]


@long
def test_nothing_changed_makes_no_version_and_leaves_the_file_alone(site: Site) -> None:
    before = (site.published / "kam.duckdb").stat().st_mtime_ns
    assert close(site, JUNE) == MonthOutcome(JUNE, "unchanged", 1)
    assert (site.published / "kam.duckdb").stat().st_mtime_ns == before


@long
def test_a_lost_published_file_comes_back_with_the_next_close(site: Site) -> None:
    (site.published / "kam.duckdb").unlink()
    close(site, JUNE)
    assert published(site, "FROM reporting.receivables_ageing")


@long
def test_a_log_left_by_a_crashed_writer_is_not_replayed_into_the_new_file(site: Site) -> None:
    leftover = site.published / "kam.duckdb.wal"
    leftover.write_bytes(b"old")
    with warehouse(site) as con:
        published_file.publish(con, site)
    assert not leftover.exists()
    assert {file.name for file in site.published.iterdir()} == {"kam.duckdb", "kam.osi.json", "quality"}


@long
def test_a_folder_that_cannot_be_written_says_how_to_publish_later(site: Site) -> None:
    shutil.rmtree(site.published)
    site.published.write_text("a file in the way")
    with warehouse(site) as con, pytest.raises(KamError, match=r"kam --site .* publish"):
        published_file.publish(con, site)


@long
def test_a_renamed_or_widened_column_keeps_the_values_of_closed_versions(site: Site) -> None:
    ageing = next(mart for mart in marts() if mart.name == "receivables_ageing")
    with warehouse(site) as con:
        con.execute(
            "UPDATE marts.receivables_ageing SET outstanding_amount_reason = 'no rate', unapplied_cause = 'unknown'"
        )
        # As an earlier release left the table: with one manager, the document's.
        con.execute("ALTER TABLE marts.receivables_ageing DROP COLUMN account_manager")
        for former, name in ageing.renamed.items():
            con.execute(f"ALTER TABLE marts.receivables_ageing RENAME COLUMN {name} TO {former}")
        con.execute("ALTER TABLE marts.receivables_ageing ALTER outstanding_amount TYPE DECIMAL(18, 2)")
        before = con.execute("SELECT outstanding_amount FROM marts.receivables_ageing").fetchall()
    steps.publish(site)
    (row,) = published(site, "FROM reporting.receivables_ageing")
    assert (row["outstanding_amount_reason"], row["unapplied_cause"]) == ("no rate", "unknown")
    assert (row["document_account_manager"], row["account_manager"]) == ("unknown", None)
    assert [(row["outstanding_amount"],)] == before
    (column,) = published(site, "SELECT typeof(outstanding_amount) AS kind FROM reporting.receivables_ageing")
    assert column["kind"] == "DECIMAL(32,2)"


def test_sqlalchemy_reflects_tables_columns_and_types(site: Site) -> None:
    engine = create_engine(
        f"duckdb:///{site.published / 'kam.duckdb'}", poolclass=NullPool, connect_args={"read_only": True}
    )
    listed = set(inspect(engine).get_table_names(schema="reporting"))
    assert {table.name for table in published_tables() if not table.is_old_name} <= listed
    ageing = Table("receivables_ageing", MetaData(), schema="reporting", autoload_with=engine)
    amount, due = ageing.c.outstanding_amount, ageing.c.due_date
    assert isinstance(amount.type, Numeric)
    assert (amount.type.precision, amount.type.scale) == (32, 2)
    assert isinstance(due.type, Date)
    assert ageing.comment
    assert amount.comment
    with engine.connect() as connection:
        assert connection.execute(select(func.sum(amount))).scalar_one() == 100
