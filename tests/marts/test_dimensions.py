"""Dimensions: the things that figures are looked at by, each once per month, as known at the close."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, close_plainly, fetch, published, write_site

TAMPERINGS = (Tampering("accounts.has_a_group", "top_account_id = NULL"),)

TABLES = ("accounts", "products", "months", "account_managers", "plan_versions", "ageing_buckets")


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """June 2026 of a fiscal year from April on. B belongs to A; C is invoiced and in no master; D names itself as its parent."""
    given: dict[str, list[dict[str, Any]]] = {
        "accounts": [
            {"account_id": "A", "account_manager": "Ito", "key_account": True, "account_class": "A"},
            {"account_id": "B", "account_manager": "Ito", "parent_account_id": "A"},
            {"account_id": "D", "parent_account_id": "D"},
            {"account_id": "E", "account_manager": "Kim", "parent_account_id": "HOLDING"},
        ],
        "products": [{"product_id": "X", "product_source": "purchased", "list_price": 12}],
        "invoices": [
            {"invoice_id": "I1", "account_id": "C", "product_id": "Y", "invoice_date": "2026-06-10", "net_amount": 5}
            | {"account_manager": "Lee"}
        ],
        "sales_plan": [{"plan_version": "budget", "month": "2026-06-01", "account_id": "A", "amount": 9}],
        "calendar": [
            {"period_month": "2026-05-01", "start_date": "2026-05-01", "end_date": "2026-05-31", "working_days": 18}
        ],
    }
    settings = {
        "site": {"name": "test", "fiscal_year_start_month": 4},
        "receivables": {"buckets": [30], "loss_rates": {"current": 0.01, "1-30": 0.02, "over 30": 0.5}},
    }
    with build_case(given, settings=settings, periods=["2026-05", "2026-06"], tables=TABLES) as built:
        yield built


def rows(con: Connection, columns: str, table: str) -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT {columns} FROM build.{table} WHERE period_month = '2026-06-01' ORDER BY ALL").fetchall()


def test_an_account_that_only_a_document_or_a_child_names_has_a_row(con: Connection) -> None:
    assert rows(con, "account_id, top_account_id, account_name, is_in_master", "accounts") == [
        ("A", "A", "unknown", True),
        ("B", "A", "unknown", True),
        ("C", "C", "unknown", False),
        ("D", "D", "unknown", True),
        ("E", "HOLDING", "unknown", True),
        ("HOLDING", "HOLDING", "unknown", False),
    ]
    # In May nothing names C, Y and Lee.
    may = "period_month = '2026-05-01'"
    assert con.execute(f"SELECT count(*) FROM build.accounts WHERE {may} AND account_id = 'C'").fetchall() == [(0,)]
    assert con.execute(f"SELECT count(*) FROM build.products WHERE {may} AND product_id = 'Y'").fetchall() == [(0,)]
    lee = con.execute(f"SELECT count(*) FROM build.account_managers WHERE {may} AND account_manager = 'Lee'").fetchall()
    assert lee == [(0,)]


def test_a_part_that_only_a_document_names_has_a_row(con: Connection) -> None:
    found = rows(con, "product_id, product_line, product_source, list_price, is_in_master", "products")
    assert found == [("X", "unknown", "purchased", 12, True), ("Y", "unknown", None, None, False)]


def test_a_month_knows_its_place_in_the_fiscal_year(con: Connection) -> None:
    columns = "as_of_date, fiscal_year, fiscal_quarter, month_of_fiscal_year, working_days"
    found = con.execute(f"SELECT {columns} FROM build.months ORDER BY period_month").fetchall()
    # June 2026 begins on a Monday and has 22 days from Monday to Friday; the calendar names 18 for May.
    assert found == [(dt.date(2026, 5, 31), 2027, 1, 2, 18), (dt.date(2026, 6, 30), 2027, 1, 3, 22)]


def test_every_name_of_a_manager_has_a_row(con: Connection) -> None:
    found = rows(con, "account_manager, account_count, key_account_count", "account_managers")
    assert found == [("Ito", 2, 1), ("Kim", 1, 0), ("Lee", 0, 0), ("unknown", 1, 0)]


def test_the_bases_of_the_sales_bridge_are_plan_versions(con: Connection) -> None:
    found = rows(con, "plan_version, is_built_in, plan_grain", "plan_versions")
    assert found == [
        ("budget", False, "account_id"),
        ("prior month", True, "account_id, product_id"),
        ("prior year", True, "account_id, product_id"),
    ]


def test_buckets_have_an_order_and_bounds(con: Connection) -> None:
    found = rows(con, "bucket_no, bucket, lower_days, upper_days, loss_rate::DOUBLE", "ageing_buckets")
    assert found == [(0, "current", None, 0, 0.01), (1, "1-30", 1, 30, 0.02), (2, "over 30", 31, None, 0.5)]


def test_accounts_whose_parents_form_a_circle_have_no_group() -> None:
    given = {"accounts": [{"account_id": "A", "parent_account_id": "B"}, {"account_id": "B", "parent_account_id": "A"}]}
    given["accounts"].append({"account_id": "C", "parent_account_id": "A"})
    visits = [{"visit_id": "V", "account_id": "A", "visit_date": "2026-06-01"}]
    con = build_case(given | {"visits": visits}, periods=["2026-06"], tables=["accounts"])
    assert [row["top_account_id"] for row in fetch(con, "FROM build.accounts")] == [None, None, None]


def test_only_the_newest_closed_month_is_the_newest(site_folder: Any) -> None:
    visits = [{"visit_id": n, "account_id": "A", "visit_date": f"2026-0{n}-01"} for n in (5, 6)]
    site = write_site(site_folder, {"visits": visits}, feeds=["visits", "accounts"])
    may, june = dt.date(2026, 5, 1), dt.date(2026, 6, 1)
    newest = "SELECT period_month FROM reporting.months WHERE is_newest"

    close_plainly(site, [may])
    assert published(site, newest) == [{"period_month": may}]
    close_plainly(site, [june])
    assert published(site, newest) == [{"period_month": june}]
    assert published(site, newest.replace("reporting.", "history.")) == [{"period_month": june}]

    # A new account changes no figure of a closed month, so that nobody is asked to restate it.
    (site.directory / "landing" / "accounts_2.csv").write_text("account_id,segment\nNEW,fleet\n", encoding="utf-8")
    assert [month.outcome for month in close_plainly(site, [june])] == ["unchanged"]
    assert [month.outcome for month in close_plainly(site, [june], restate=True)] == ["closed"]
    accounts = "SELECT account_id, segment FROM reporting.accounts WHERE period_month = '2026-06-01' ORDER BY ALL"
    assert [row["account_id"] for row in published(site, accounts)] == ["A", "NEW"]
