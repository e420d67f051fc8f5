"""From which day on what a load changed can matter: earlier months stay as they are, and are not built again."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kam.build import prepare_build, prepare_marts, record_content, run_models
from kam.close.plan import changes_of
from kam.demo import write_demo
from kam.site import FEEDS, Correction, Site, find_site
from kam.warehouse import Connection, memory, prepare, warehouse
from tests.support import ingest, long, settings_of, write_csv, write_site

ANY_MONTH, NO_MONTH = None, date.max
ORDER = {"order_id": "O1", "account_id": "A", "order_date": "2026-06-10", "requested_date": "2026-06-20", "quantity": 5}
DELIVERY = {"delivery_id": "D1", "order_id": "O1", "delivered_date": "2026-05-30", "quantity": 5}
INVOICE = {"invoice_id": "I1", "account_id": "A", "invoice_date": "2026-04-05", "net_amount": 100}


@pytest.fixture
def site(site_folder: Path) -> Site:
    return write_site(site_folder, {}, feeds=["accounts", "orders", "deliveries", "invoices", "instalments"])


def first_dates(site: Site, feed: str, name: str, *records: dict[str, Any]) -> list[date | None]:
    """The days of all loads of a feed that changed rows, after one more file of it."""
    write_csv(site.directory / "landing" / f"{feed}_{name}.csv", FEEDS[feed].column_names, records)
    with warehouse(site) as con:
        ingest(con, site, accept_changes=True)
        found = con.execute(
            f"SELECT first_date FROM ops.loads WHERE feed = '{feed}' AND loaded_count + superseded_count > 0 ORDER BY load_id"
        )
        return [day for (day,) in found.fetchall()]


def test_rows_matter_from_the_earliest_of_their_days_also_of_those_that_they_replace(site: Site) -> None:
    assert first_dates(site, "orders", "1", ORDER) == [date(2026, 6, 10)]
    moved = ORDER | {"order_date": "2026-06-18", "requested_date": "2026-07-20"}
    assert first_dates(site, "orders", "2", moved) == [date(2026, 6, 10), date(2026, 6, 10)]
    assert first_dates(site, "accounts", "1", {"account_id": "A"}) == [ANY_MONTH]


@long
def test_an_order_matters_where_a_delivery_came_before_it_and_first_rejects_everywhere(site: Site) -> None:
    first_dates(site, "deliveries", "1", DELIVERY)
    assert first_dates(site, "orders", "1", ORDER) == [date(2026, 5, 30)]
    later = DELIVERY | {"delivery_id": "D2", "delivered_date": "2026-07-01"}
    found = first_dates(site, "deliveries", "2", later, later | {"line_no": 2, "rejected_quantity": 1})
    assert found == [date(2026, 5, 30), ANY_MONTH]
    found = first_dates(site, "deliveries", "3", later | {"line_no": 3, "rejected_quantity": 2})
    assert found[2:] == [date(2026, 7, 1)]


@long
def test_a_delivery_of_a_line_that_is_closed_matters_from_its_order_on(site: Site) -> None:
    first_dates(site, "orders", "1", ORDER | {"order_date": "2026-04-10", "status": "closed"})
    assert first_dates(site, "deliveries", "1", DELIVERY) == [date(2026, 4, 10)]


@long
def test_an_order_matters_where_an_invoice_came_before_it(site: Site) -> None:
    first_dates(site, "invoices", "1", INVOICE | {"order_id": "O1"})
    assert first_dates(site, "orders", "1", ORDER) == [date(2026, 4, 5)]


@long
def test_lines_and_instalments_matter_from_the_day_of_their_document(site: Site) -> None:
    first_dates(site, "invoices", "1", INVOICE)
    assert first_dates(site, "invoices", "2", INVOICE | {"line_no": 2, "invoice_date": "2026-04-09"}) == [
        date(2026, 4, 5),
        date(2026, 4, 5),
    ]
    instalment = {"invoice_id": "I1", "instalment_no": 1, "due_date": "2026-08-01", "amount": 100}
    assert first_dates(site, "instalments", "1", instalment | {"invoice_id": "I9"}) == [NO_MONTH]
    assert first_dates(site, "instalments", "2", instalment)[1:] == [date(2026, 4, 5)]


def changing_loads(con: Connection, month: date, corrections: tuple[Correction, ...] = ()) -> list[int]:
    settings = settings_of(feeds=["orders", "visits", "accounts"]).model_copy(update={"corrections": corrections})
    return [change.load_id for change in changes_of(con, settings, month, 0, 3)]


def test_a_month_is_told_of_changes_up_to_its_last_business_day() -> None:
    con = memory()
    prepare(con, "EUR")
    con.execute(
        """
        INSERT INTO ops.loads (load_id, feed, status, loaded_count, superseded_count, first_date) VALUES
            (1, 'orders', 'loaded', 1, 0, '2026-07-03'), (2, 'visits', 'loaded', 1, 0, '2026-07-04'),
            (3, 'accounts', 'loaded', 1, 0, NULL)
        """
    )
    assert changing_loads(con, date(2026, 6, 1)) == [3]
    con.execute(
        "INSERT INTO staging.calendar (period_month, start_date, end_date) VALUES ('2026-06-01', '2026-05-30', '2026-07-03')"
    )
    assert changing_loads(con, date(2026, 6, 1)) == [1, 3]
    # A correction may put a visit into an earlier month.
    entry = {
        "feed": "visits",
        "key": {"visit_id": "V"},
        "column": "visit_date",
        "wrong": "2026-07-04",
        "right": "2026-06-04",
    }
    corrected = Correction.model_validate(entry | {"reason": "typing error", "owner": "Sales"})
    assert changing_loads(con, date(2026, 6, 1), (corrected,)) == [1, 2, 3]


@long
def test_no_figure_of_a_month_reads_rows_that_are_dated_after_it(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo", accounts=6, products=9, months=16)
    settings = tmp_path / "demo" / "kam.toml"
    exposure = '[receivables]\ncredit_exposure = "outstanding_and_open_orders"\n'
    settings.write_text(settings.read_text().replace("[receivables]\n", exposure))
    site, month = find_site(tmp_path / "demo"), date(2026, 3, 1)
    assert site.settings.receivables.credit_exposure == "outstanding_and_open_orders"

    def content(con: Connection) -> dict[str, str]:
        prepare_build(con, site.settings, [month], as_of_load=1_000_000)
        run_models(con, site.settings.available)
        record_content(con)
        return dict(con.execute("SELECT table_name, content_hash FROM build.content").fetchall())

    with warehouse(site) as con:
        ingest(con, site)
        prepare_marts(con)
        con.execute(
            "INSERT INTO staging.orders (order_id, line_no, account_id, product_id, account_manager, order_date, quantity, load_id, "
            "source_row) VALUES ('LATER', 1, 'LATER', 'LATER', 'LATER', '2026-04-01', 1, 1, 1)"
        )
        before = content(con)
        removed = 0
        for feed in (feed for feed in FEEDS.values() if feed.is_read_by_date):
            later = f"least({', '.join(feed.date_columns)}) >= DATE '2026-04-01'"
            if feed.name == "deliveries":
                # What is delivered later says that a line which is closed by now was open before.
                later += " AND order_id NOT IN (SELECT order_id FROM staging.orders WHERE status = 'closed')"
            removed += con.execute(f"DELETE FROM staging.{feed.name} WHERE {later}").fetchall()[0][0]
        con.execute("DELETE FROM staging.instalments WHERE invoice_id NOT IN (SELECT invoice_id FROM staging.invoices)")
        assert removed > 1000
        assert content(con) == before
