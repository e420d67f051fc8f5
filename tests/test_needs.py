"""`kam check` says in one list what the queries of a site need and do not find: tables, columns, rights, a connection."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from kam.cli.check import SiteCheck, check_site
from kam.ingest.readers.needs import reads_of
from kam.site import find_site
from tests.cli import kam
from tests.mariadb import MariaDb, mariadb  # noqa: F401 - the fixture
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - the fixture
from tests.support import long

ACCOUNTS = """
-- reads: customer: id, name
-- reads: Sales Terms: days
SELECT id AS account_id, name AS account_name FROM customer
"""
ORDERS = """
-- reads: sales: id, customer_id, day, amount
-- reads: customer: id, Segment
SELECT id AS order_id, customer_id AS account_id, day AS order_date, amount AS quantity FROM sales
"""
PRODUCTS = "SELECT id AS product_id FROM part"


def site_with(folder: Path, **queries: str) -> Path:
    feeds = "".join(
        f'[feeds.{feed}]\ndatabase = "env:ERP_URL"\nquery = """{query}"""\n' for feed, query in queries.items()
    )
    (folder / "kam.toml").write_text(f'[site]\nname = "Books"\n{feeds}', encoding="utf-8")
    return folder


def check(folder: Path, feed: str | None = None) -> SiteCheck:
    return check_site(find_site(folder), feed)


def found(report: SiteCheck) -> dict[str, tuple[str, str]]:
    return {one.table: (one.what, ", ".join(one.feeds)) for one in report.missing}


def test_a_query_says_what_it_reads_in_comments_and_may_name_a_table_twice() -> None:
    query = "-- reads: tabSales Invoice: name, customer\n  --READS:x.y:a\n-- reads: x.y: b, a,\nselect ':reads: z: a'"
    assert reads_of(query) == {"tabSales Invoice": ("name", "customer"), "x.y": ("a", "b")}


def test_all_that_is_missing_is_in_one_list_and_other_feeds_are_read(
    site_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    con = sqlite3.connect(site_folder / "erp.sqlite")
    con.executescript(
        "CREATE TABLE sales (ID text, day date); CREATE TABLE customer (id text); CREATE TABLE part (id text)"
    )
    con.executescript("INSERT INTO part VALUES ('P1')")
    con.close()
    monkeypatch.setenv("ERP_URL", f"sqlite:///{site_folder / 'erp.sqlite'}")
    report = check(site_with(site_folder, accounts=ACCOUNTS, orders=ORDERS, products=PRODUCTS))
    (refused,) = report.refused
    assert refused.splitlines() == [
        "env:ERP_URL: the queries need what is not there:",
        "  customer: no columns name, Segment (accounts, orders)",
        "  Sales Terms: no such table (accounts)",
        "  sales: no columns customer_id, amount (orders)",
    ]
    assert ([one.feed for one in report.examined], report.in_need) == (["products"], ["accounts", "orders"])
    assert found(check(site_folder, "accounts")) == {
        "customer": ("no column name", "accounts"),
        "Sales Terms": ("no such table", "accounts"),
    }
    answer = kam("--site", site_folder, "check", "--json")
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["missing"][0] == {
        "database": "env:ERP_URL", "table": "customer", "what": "no columns name, Segment", "feeds": ["accounts", "orders"],
    }  # fmt: skip


def test_a_load_says_which_table_or_column_is_missing(site_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    con = sqlite3.connect(site_folder / "erp.sqlite")
    con.executescript("CREATE TABLE customer (id text, segment text); CREATE TABLE sales (id text, day date)")
    con.close()
    monkeypatch.setenv("ERP_URL", f"sqlite:///{site_folder / 'erp.sqlite'}")
    site = site_with(site_folder, accounts=ACCOUNTS, orders=ORDERS, products=PRODUCTS)
    refused = kam("--site", site, "ingest")
    assert refused.returncode == 1
    more = f". Nothing was changed. What all feeds miss: kam --site {site} check"
    assert [line for line in refused.stderr.splitlines() if "query" in line] == [
        f"accounts: env:ERP_URL: the query does not work: customer: no column name; Sales Terms: no such table{more}",
        # It does not say what it reads: the words of the database.
        "products: env:ERP_URL: the query does not work: no such table: part. Nothing was changed",
        f"orders: env:ERP_URL: the query does not work: sales: no columns customer_id, amount{more}",
    ]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (None, "kam.toml: feeds.accounts.database (and 1 more feed): the environment variable ERP_URL is not set"),
        ("postgresql://a:secret@127.0.0.1:1/erp", "env:ERP_URL: the database erp on 127.0.0.1:1 cannot be reached"),
        ("sqlite:////nowhere/erp.sqlite", "env:ERP_URL: the database file /nowhere/erp.sqlite does not exist"),
    ],
)
def test_a_database_that_is_not_there_is_said_once_for_all_its_feeds(
    site_folder: Path, monkeypatch: pytest.MonkeyPatch, url: str | None, message: str
) -> None:
    if url is None:
        monkeypatch.delenv("ERP_URL", raising=False)
    else:
        monkeypatch.setenv("ERP_URL", url)
    report = check(site_with(site_folder, accounts=ACCOUNTS, orders=ORDERS))
    (refused,) = report.refused
    assert message in refused
    assert "secret" not in refused
    assert report.in_need == ["accounts", "orders"]


def test_rights_are_told_by_table_and_by_column(
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgresql: PostgreSql,  # noqa: F811 - pytest's way
) -> None:
    url = postgresql.new_database()
    role = f"only_{url.rpartition('/')[2]}"
    postgresql.run(
        url,
        "CREATE SCHEMA crm",
        "CREATE SCHEMA hidden",
        "CREATE TABLE sales (id text, customer_id text, day date, amount int)",
        "CREATE TABLE customer (id text, name text)",
        'CREATE VIEW crm."Sales Terms" AS SELECT 1 AS days',
        "CREATE TABLE hidden.part (id text)",
        f"CREATE ROLE {role} LOGIN PASSWORD 'xyzzy'",
        f"GRANT USAGE ON SCHEMA crm TO {role}",
        f'GRANT SELECT ON crm."Sales Terms" TO {role}',
        f"GRANT SELECT (id, day) ON sales TO {role}",
    )
    monkeypatch.setenv("ERP_URL", url.replace(url.split("//")[1].split("@")[0], f"{role}:xyzzy"))
    accounts = ACCOUNTS.replace("Sales Terms", "crm.Sales Terms")
    products = "-- reads: hidden.part: id\n" + PRODUCTS
    report = check(site_with(site_folder, accounts=accounts, orders=ORDERS, products=products))
    (refused,) = report.refused
    assert refused.splitlines()[1:] == [
        "  customer: no column Segment (orders)",
        "  customer: no right to read it (permission denied for table customer) (accounts, orders)",
        "  hidden.part: no right to read it (permission denied for schema hidden) (products)",
        "  sales: no right to read customer_id, amount (orders)",
    ]
    postgresql.run(
        url, f"GRANT USAGE ON SCHEMA hidden TO {role}", f"GRANT SELECT ON sales, customer, hidden.part TO {role}"
    )
    postgresql.run(url, "ALTER TABLE customer ADD segment text")
    assert check(site_folder).missing == []


@long
def test_mariadb_does_not_tell_what_is_missing_from_what_may_not_be_read(
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    mariadb: MariaDb,  # noqa: F811 - pytest's way
) -> None:
    url = mariadb.new_database()
    name = url.rpartition("/")[2].partition("?")[0]
    mariadb.run(
        url,
        "CREATE TABLE customer (id varchar(9), name varchar(9))",
        "CREATE TABLE sales (id varchar(9), customer_id varchar(9), day date, amount int)",
        f"CREATE USER only_{name}@'127.0.0.1' IDENTIFIED BY 'xyzzy'",
        f"GRANT SELECT (id, name) ON {name}.customer TO only_{name}@'127.0.0.1'",
        f"GRANT SELECT ON {name}.sales TO only_{name}@'127.0.0.1'",
    )
    monkeypatch.setenv("ERP_URL", f"mysql://only_{name}:xyzzy@127.0.0.1:{mariadb.port}/{name}")
    site_with(site_folder, accounts=ACCOUNTS, orders=ORDERS)
    assert [(one.table, one.what.partition(" (")[0], one.feeds) for one in check(site_folder).missing] == [
        ("customer", "not there, or no right to read Segment", ("orders",)),
        ("Sales Terms", "not there, or no right to read it", ("accounts",)),
    ]
    mariadb.run(url, f"GRANT SELECT ON {name}.* TO only_{name}@'127.0.0.1'")
    assert found(check(site_folder)) == {
        "customer": ("no column Segment", "orders"),
        "Sales Terms": ("no such table", "accounts"),
    }
    # Rights on the columns that are read, and on no table, are enough.
    mariadb.run(
        url,
        f"REVOKE SELECT ON {name}.* FROM only_{name}@'127.0.0.1'",
        "CREATE TABLE `Sales Terms` (days int, more int)",
        "ALTER TABLE customer ADD segment varchar(9)",
        f"GRANT SELECT (days) ON {name}.`Sales Terms` TO only_{name}@'127.0.0.1'",
        f"GRANT SELECT (segment) ON {name}.customer TO only_{name}@'127.0.0.1'",
    )
    assert check(site_folder).missing == []
