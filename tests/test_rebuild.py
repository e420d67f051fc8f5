"""The warehouse, deleted altogether, comes back from the archive and its ledger with equal content."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kam.archive import store
from kam.audit import rebuild
from kam.build import marts
from kam.close import require_loaded, steps
from kam.errors import KamError, UsageError
from kam.site import FEEDS, Site, find_site
from kam.warehouse import rows, warehouse
from tests.stores import NAME, lose_warehouse
from tests.support import ingest, long, write_csv, write_site

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
ORDERS = "order_id,line_no,account_id,order_date,quantity\n"
INVOICES = [
    {"invoice_id": f"I{month}", "account_id": "A", "invoice_date": f"2026-0{month}-10", "net_amount": 100}
    for month in (4, 5)
]


def books(folder: Path, settings: str = "") -> Site:
    """A site with a feed of orders, empty so far."""
    (folder / "landing").mkdir(exist_ok=True)
    text = f'[site]\nname = "Books"\n[feeds.orders]\nfiles = "landing/*.csv"\n{settings}\n'
    (folder / "kam.toml").write_text(text, encoding="utf-8")
    return find_site(folder)


def deliver(site: Site, name: str, content: str) -> None:
    (site.directory / "landing" / name).write_text(content, encoding="utf-8")
    with warehouse(site) as con:
        ingest(con, find_site(site.directory))


def close(site: Site, months: Sequence[date], *, restate: bool = False) -> None:
    """Load what is new and close these months without Prefect; all checks are left out."""
    with steps.writing_session(site, "close"):
        for feed in site.settings.feeds:
            require_loaded(steps.load_feed(site, feed))
        as_of_load = steps.prepare_months(site, months, restate=restate)
        steps.build_marts(site, as_of_load)
        checks = steps.validate_feeds(site, as_of_load)
        controls = steps.validate_marts(site, as_of_load)[1]
        for month in months:
            steps.commit_month(
                site, month, as_of_load=as_of_load, checks=checks, controls=controls, restate=restate, reason="late"
            )


def content(site: Site) -> dict[str, list[dict[str, Any]]]:
    """All that a rebuild has to bring back: every row of staging, core, marts and the ledgers."""
    tables = [f"{schema}.{feed}" for schema in ("staging", "core") for feed in FEEDS]
    tables += [f"marts.{mart.name}" for mart in marts()]
    tables += ["staging.rejects", "ops.closes", "ops.checks", "ops.control_totals"]
    with warehouse(site) as con:
        known = {
            name for (name,) in con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        }
        found = {
            table: rows(con, f"FROM {table} ORDER BY ALL")
            for table in tables
            if table in known or table.startswith("core.")
        }
        found = {table: records for table, records in found.items() if records or not table.startswith("marts.")}
        found["ops.loads"] = rows(con, "FROM ops.loads WHERE status = 'loaded' ORDER BY ALL")
    return found


@long
def test_every_load_comes_back_with_its_versions_and_rejects(tmp_path: Path) -> None:
    site = books(tmp_path)
    deliver(site, "a.csv", ORDERS + "1,1,A,2026-01-05,5\n2,1,A,2026-01-05,7\n3,1,A,soon,1\n")
    deliver(site, "b.csv", "")
    deliver(site, "c.csv", ORDERS + "2,1,A,2026-01-05,8\n3,1,A,2026-01-05,1\n4,x,A,2026-01-05,1\n")
    before = content(site)
    lose_warehouse(site)
    shutil.rmtree(tmp_path / "landing")
    report = rebuild(site)
    assert (report.load_count, report.row_count, report.differences) == (2, 4, [])
    assert content(site) == before
    assert [load["load_id"] for load in before["ops.loads"]] == [1, 3]


@long
def test_what_people_were_told_outlives_a_rebuild(tmp_path: Path) -> None:
    site = books(tmp_path)
    deliver(site, "a.csv", ORDERS + "1,1,A,2026-01-05,5\n")
    with warehouse(site) as con:
        con.execute("INSERT INTO ops.alerts (alert_id, subject) VALUES (7, 'was not closed')")
        con.execute("INSERT INTO ops.alert_subjects VALUES (7, '2026-01', 'failed', 'abc', '[]')")
        con.execute("INSERT INTO ops.alert_deliveries VALUES (7, 'mail', 3, NULL, 'connection refused')")
    rebuild(site, force=True)
    with warehouse(site) as con:
        assert rows(con, "SELECT alert_id, subject FROM ops.alerts") == [{"alert_id": 7, "subject": "was not closed"}]
        assert rows(con, "SELECT state FROM ops.alert_subjects") == [{"state": "failed"}]
        assert rows(con, "SELECT attempts, delivered_at FROM ops.alert_deliveries") == [
            {"attempts": 3, "delivered_at": None}
        ]


@long
def test_each_load_is_read_with_the_mapping_and_mode_of_then(tmp_path: Path) -> None:
    site = books(tmp_path, 'mode = "snapshot"\ncsv = { delimiter = ";" }')
    deliver(site, "a.csv", ORDERS.replace(",", ";") + "1;1;A;2026-01-05;5\n2;1;A;2026-01-05;7\n")
    deliver(site, "b.csv", ORDERS.replace(",", ";") + "2;1;A;2026-01-05;7\n")
    before = content(site)
    books(tmp_path, 'mode = "append"\ncolumns = { quantity = { value = 1 } }')
    lose_warehouse(site)
    rebuild(find_site(tmp_path))
    assert content(site) == before
    assert [row["order_id"] for row in before["core.orders"]] == ["2"]


@long
def test_the_next_load_gets_an_id_that_no_load_had(tmp_path: Path) -> None:
    site = books(tmp_path)
    deliver(site, "a.csv", ORDERS + "1,1,A,2026-01-05,5\n")
    lose_warehouse(site)
    rebuild(site)
    deliver(site, "b.csv", ORDERS + "2,1,A,2026-01-05,7\n")
    assert [entry["load_id"] for entry in store.ledger_entries(site)] == [1, 2]


@long
def test_every_closed_version_comes_back_as_it_was_known_then(site_folder: Path) -> None:
    site = write_site(site_folder, {"invoices": INVOICES}, feeds=["invoices"])
    close(site, [APRIL])
    late = {"invoice_id": "LATE", "account_id": "A", "invoice_date": "2026-04-28", "net_amount": 7}
    write_csv(site.directory / "landing" / "invoices_late.csv", FEEDS["invoices"].column_names, [late])
    close(site, [MAY])
    close(site, [APRIL, MAY], restate=True)
    before = content(site)
    lose_warehouse(site)
    report = rebuild(site)
    assert (report.close_count, report.differences) == (4, [])
    assert content(site) == before
    closing = {
        (row["period_month"], row["close_version"]): row["closing_amount_doc"]
        for row in before["marts.receivables_rollforward"]
    }
    assert closing == {(APRIL, 1): 100, (MAY, 1): 207, (APRIL, 2): 107, (MAY, 2): 207}


@long
def test_a_version_is_computed_with_the_settings_of_then(site_folder: Path) -> None:
    site = write_site(site_folder, {"invoices": INVOICES}, feeds=["invoices"])
    close(site, [APRIL])
    before = content(site)
    lose_warehouse(site)
    text = (site_folder / "kam.toml").read_text()
    (site_folder / "kam.toml").write_text(
        text.replace('name = "test"', 'name = "test"\nreporting_currency = "USD"') + "[receivables]\nbuckets = [10]\n"
    )
    changed = find_site(site_folder)
    assert rebuild(changed).differences == []
    after = content(changed)
    assert after["marts.receivables_ageing"] == before["marts.receivables_ageing"]
    assert {row["currency"] for row in after["core.invoices"]} == {"USD"}


@long
def test_a_version_that_comes_out_otherwise_is_named_and_the_old_warehouse_kept(site_folder: Path) -> None:
    site = write_site(site_folder, {"invoices": INVOICES}, feeds=["invoices"])
    close(site, [APRIL])
    entries = store.ledger_entries(site)
    for entry in entries:
        if entry["kind"] == "close":
            entry["content_hash"] = "another"
            entry["manifest"]["content"]["receivables_ageing"] = "another"
    site.ledger.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    report = rebuild(site, force=True)
    assert report.differences == [
        "2026-04 version 1: different rows in receivables_ageing, although the models have not changed"
    ]
    assert report.kept
    assert Path(report.kept).is_file()


@long
def test_a_warehouse_that_is_there_is_replaced_only_by_force(tmp_path: Path) -> None:
    site = books(tmp_path)
    deliver(site, "a.csv", ORDERS + "1,1,A,2026-01-05,5\n")
    with pytest.raises(UsageError, match=r"kam --site .* rebuild --force"):
        rebuild(site)
    assert rebuild(site, force=True).load_count == 1


@long
def test_a_load_that_comes_out_otherwise_stops_the_rebuild(tmp_path: Path) -> None:
    site = books(tmp_path)
    deliver(site, "a.csv", ORDERS + "1,1,A,2026-01-05,5\n")
    before = content(site)
    (entry,) = store.ledger_entries(site)
    site.ledger.write_text(json.dumps(entry | {"loaded_count": 2}) + "\n")
    with pytest.raises(
        KamError, match=r"load 1 \(orders: landing/a.csv\) differs from the ledger.* loaded 1 instead of 2"
    ):
        rebuild(site, force=True)
    assert content(site) == before
    assert not (site.scratch / "rebuild").exists()


@long
def test_a_crash_half_way_leaves_the_old_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = books(tmp_path)
    deliver(site, "a.csv", ORDERS + "1,1,A,2026-01-05,5\n")
    before = content(site)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kam.audit.replay._swap", crash)
    with pytest.raises(KeyboardInterrupt):
        rebuild(site, force=True)
    assert content(site) == before


def test_nothing_is_loaded_into_a_new_warehouse_while_the_ledger_knows_more(tmp_path: Path) -> None:
    site = books(tmp_path)
    deliver(site, "a.csv", ORDERS + "1,1,A,2026-01-05,5\n")
    ledger = site.ledger.read_bytes()
    lose_warehouse(site)
    with pytest.raises(KamError, match=rf"{NAME}: is missing, but .*ledger.ndjson lists.* rebuild$"):
        deliver(site, "b.csv", ORDERS + "2,1,A,2026-01-05,7\n")
    assert site.ledger.read_bytes() == ledger
    assert rebuild(site).load_count == 1


def test_without_a_ledger_there_is_nothing_to_rebuild_from(tmp_path: Path) -> None:
    with pytest.raises(KamError, match="lists no load"):
        rebuild(books(tmp_path))


def test_a_damaged_line_of_the_ledger_is_named(tmp_path: Path) -> None:
    site = books(tmp_path)
    deliver(site, "a.csv", ORDERS + "1,1,A,2026-01-05,5\n")
    site.ledger.write_bytes(b"{broken\n" + site.ledger.read_bytes())
    with pytest.raises(KamError, match="line 1 is damaged"):
        rebuild(site, force=True)


def test_a_line_that_a_crash_cut_short_is_written_again(tmp_path: Path) -> None:
    site = books(tmp_path)
    deliver(site, "a.csv", ORDERS + "1,1,A,2026-01-05,5\n")
    whole = site.ledger.read_bytes()
    site.ledger.write_bytes(whole[:50])
    deliver(site, "b.csv", ORDERS + "2,1,A,2026-01-05,7\n")
    assert site.ledger.read_bytes().startswith(whole)
    assert [entry["load_id"] for entry in store.ledger_entries(site)] == [1, 2]


@long
def test_a_select_over_files_gives_its_rows_again_in_the_same_order(tmp_path: Path) -> None:
    site = books(tmp_path)
    (tmp_path / "kam.toml").write_text(
        '[site]\nname = "Books"\n[feeds.orders]\nsql = "landing/orders.sql"\ninputs = ["landing/wide.csv"]\n'
        'columns = { order_id = "source_row" }\n'
    )
    site = find_site(tmp_path)
    (tmp_path / "landing" / "wide.csv").write_text(
        "day,A,B\n" + "".join(f"2026-01-{day:02},1,2\n" for day in range(1, 29))
    )
    deliver(
        site,
        "orders.sql",
        "SELECT account AS account_id, day AS order_date, quantity "
        "FROM (UNPIVOT (FROM 'landing/wide.csv') ON A, B INTO NAME account VALUE quantity) GROUP BY ALL",
    )
    before = content(site)
    assert len(before["core.orders"]) == 56
    lose_warehouse(site)
    rebuild(site)
    assert content(site) == before
