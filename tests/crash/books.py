"""A small site with every kind of source, in the state before each command, and all that a run leaves in it.

Two customers, three months: accounts as full extracts, instalments through a SELECT over a file, invoices in files of which
one holds a bad row, payments from a database with a watermark.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from filelock import FileLock

from kam.archive import store
from kam.audit import maintain
from kam.build import published_tables
from kam.publish import quality_page
from kam.site import Site, find_site
from kam.warehouse import Connection, open_read_only, rows
from kam.warehouse.lake_catalog import LakeCatalog

if TYPE_CHECKING:
    from tests.crash.harness import Sites

SETTINGS = """
[site]
name = "Books"

[readiness]
feeds = []

[publish]
pack = false

[feeds.accounts]
files = "landing/accounts*.csv"
mode = "snapshot"

[feeds.instalments]
sql = "landing/instalments.sql"
inputs = ["landing/instalments.csv"]

[feeds.invoices]
files = "landing/invoices*.csv"

[feeds.payments]
database = "env:ERP_URL"
query = "select * from payments where changed_at > :watermark + 1"  # without the overlap, for the same loads in a rerun
watermark = "changed_at"
watermark_start = 0
watermark_overlap = 1
"""
# What a rerun makes anew, as another time of day: it is no content.
_TIMES = ("started_at", "finished_at", "closed_at", "approved_at")


Run = Callable[..., None]
State = Callable[[Path, "Sites", Run], None]


@dataclass(frozen=True)
class Command:
    """A flow with its arguments, and how a site comes to be as the command finds it."""

    flow: str
    arguments: Mapping[str, Any]
    before: State

    @property
    def typed(self) -> list[str]:
        """What is typed behind `kam`."""
        given = self.arguments
        months = [given[name] for name in ("period", "first", "last") if name in given]
        restate = ["--restate", "--reason", given["reason"]] if given.get("restate") else []
        return [self.flow, *months, *restate]


def landed(folder: Path, _sites: Sites, _run: Run) -> None:
    """Extracts of April, and nothing loaded yet."""
    (folder / "landing").mkdir(parents=True)
    (folder / "kam.toml").write_text(SETTINGS)
    land(folder, "accounts_04", "account_id,account_name,payment_terms_days", "A,Anton,30", "B,Berta,14")
    land(folder, "instalments", "invoice,first,second", "I1,2026-04-30,2026-05-31")
    (folder / "landing" / "instalments.sql").write_text(
        "SELECT invoice AS invoice_id, 1 AS instalment_no, first AS due_date, 60 AS amount FROM 'landing/instalments.csv'"
        " UNION ALL SELECT invoice, 2, second, 40 FROM 'landing/instalments.csv'"
    )
    bill(folder, "04", "I1,A,2026-04-10,100", "I2,B,2026-04-11,50", "I3,B,no date,7")
    erp = sqlite3.connect(folder / "erp.sqlite")
    erp.execute("CREATE TABLE payments (payment_id, account_id, invoice_id, payment_date, amount, changed_at)")
    erp.close()
    pay(folder, ("P1", "A", "I1", "2026-04-20", 40, 10))


def april_closed(folder: Path, sites: Sites, run: Run) -> None:
    """April is published, and the extracts of May have come."""
    copied(sites(landed), folder)
    run(folder, "close", period="2026-04")
    land(folder, "accounts_05", "account_id,account_name,payment_terms_days", "A,Anton,30", "B,Berta & Co,14")
    bill(folder, "05", "I4,A,2026-05-10,70", "I3,B,2026-04-12,7")
    pay(folder, ("P2", "B", "I2", "2026-05-09", 50, 20))


def may_not_published(folder: Path, sites: Sites, _run: Run) -> None:
    """May is closed, but only April published, as when the published file was put back from a backup."""
    copied(sites.trial("close").after, folder)
    shutil.copy(sites(april_closed) / "published" / "kam.duckdb", folder / "published")


def late_invoice(folder: Path, sites: Sites, _run: Run) -> None:
    """April and May are published when an invoice of April comes in, and the first of June."""
    copied(sites.trial("close").after, folder)
    bill(folder, "06", "I5,A,2026-04-28,5", "I6,B,2026-06-02,20")


def may_waits(folder: Path, sites: Sites, run: Run) -> None:
    """April is published, and May waits for approval."""
    copied(sites(april_closed), folder)
    settings = folder / "kam.toml"
    settings.write_text(settings.read_text().replace("[publish]", "[publish]\napproval = true"))
    run(folder, "close", period="2026-05")


COMMANDS = {
    "ingest": Command("ingest", {}, landed),
    "close": Command("close", {"period": "2026-05"}, april_closed),
    "backfill": Command("backfill", {"first": "2026-04", "last": "2026-05"}, landed),
    "restatement": Command(
        "backfill", {"first": "2026-04", "last": "2026-06", "restate": True, "reason": "a late invoice"}, late_invoice
    ),
    "publish": Command("publish", {}, may_not_published),
    "approve": Command("approve", {"period": "2026-05", "version": 1}, may_waits),
}


def land(folder: Path, name: str, *lines: str) -> None:
    """An extract in the landing folder: a header and its records."""
    (folder / "landing" / f"{name}.csv").write_text("\n".join(lines) + "\n")


def bill(folder: Path, name: str, *lines: str) -> None:
    """A file of invoices."""
    land(folder, f"invoices_{name}", "invoice_id,account_id,invoice_date,net_amount", *lines)


def pay(folder: Path, *payments: tuple[object, ...]) -> None:
    """Payments in the database."""
    erp = sqlite3.connect(folder / "erp.sqlite")
    with erp:
        erp.executemany("INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?)", payments)
    erp.close()


Content = dict[str, list[Any]]


def content(folder: Path) -> Content:
    """All that a site holds but times of day: the working file, what is published, the archive and its ledger."""
    site = find_site(folder)
    with open_read_only(site) as con:
        # Not core and build: they hold what the last run built, and a rerun leaves out months that are closed.
        found = _tables(con, ("staging", "marts", "ops"))
        page = quality_page.render(con, site.settings.site.name)
    return found | {
        "published": [published(folder)],
        "page is current": [_text(site.published / quality_page.PAGE) == page],
        "ledger": [_timeless(entry) for entry in store.ledger_entries(site)],
        "archive": [{"file": file.name, "sha256": store.file_hash(file)} for file in _archived(site)],
    }


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def closed(folder: Path) -> Content:
    """The closed months in the working file, read as `kam status` reads it, also when a killed run left it."""
    with open_read_only(find_site(folder)) as con:
        found = _tables(con, ("marts", "ops"))
    # Rows of months that are not committed yet may be there, but no others.
    ahead = [(row["period_month"], row["close_version"]) for row in found.pop("ops.stored_ahead")]
    return {
        table: [row for row in kept if (row.get("period_month"), row.get("close_version")) not in ahead]
        for table, kept in found.items()
        # The last build of a month is that of another version meanwhile.
        if table not in ("ops.approvals", "ops.last_builds", "ops.loads", "ops.metric_definitions", "ops.shape")
    }


def published(folder: Path) -> Content | None:
    """What a BI tool finds, in the tables and through every view; None where nothing was published yet."""
    file = folder / "published" / "kam.duckdb"
    if not file.exists():
        return None
    with duckdb.connect(str(file), read_only=True) as con:
        return _tables(con, ("marts", "ops")) | {
            f"reporting.{view}": [_timeless(row) for row in rows(con, f"FROM reporting.{view} ORDER BY ALL")]
            for view in (table.name for table in published_tables())
        }


def _tables(con: Connection, schemas: tuple[str, ...]) -> Content:
    names = rows(
        con,
        # Each run adds its steps, also one that is killed. The bytes of a published file depend on how often it was written; what is in
        # it is compared by itself. A lake notes who writes.
        "SELECT schema_name, table_name FROM duckdb_tables() "
        "WHERE list_contains(?, schema_name) AND table_name NOT IN ('steps', 'published_file', 'writer', 'workers')",
        [list(schemas)],
    )
    tables = [f"{row['schema_name']}.{row['table_name']}" for row in names]
    return {table: [_timeless(row) for row in rows(con, f"FROM {table} ORDER BY ALL")] for table in sorted(tables)}


def _timeless(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without the times of day, and without what depends on how many months one run closed."""
    kept = {name: value for name, value in row.items() if name not in (*_TIMES, "opened_from")}
    if isinstance(kept.get("manifest"), str):
        kept["manifest"] = json.loads(kept["manifest"])
    if isinstance(kept.get("manifest"), dict):
        kept["manifest"] = {name: part for name, part in kept["manifest"].items() if name != "opened_from_version"}
    return kept


def _archived(site: Site) -> list[Path]:
    return sorted(file for file in site.archive.rglob("*") if re.fullmatch("[0-9a-f]{64}", file.name))


def leftovers(folder: Path) -> list[str]:
    """Files and folders of a site that belong neither to its data nor to what must be there."""
    site = find_site(folder)
    belongs = {
        "kam.toml",
        "erp.sqlite",
        "landing",
        "archive",
        "warehouse.duckdb",
        "lake",
        "published",
        ".scratch",
        ".kam.lock",
    }
    found = [path.name for path in folder.iterdir() if path.name not in belongs]
    found += [f".scratch/{path.name}" for path in site.scratch.glob("*")]
    if site.published.exists():
        targets = {"kam.duckdb", "kam.osi.json", "quality", "quality/index.html"}
        below = sorted(str(path.relative_to(site.published)) for path in site.published.rglob("*"))
        found += [f"published/{name}" for name in below if name not in targets]
    of_archive = {site.ledger, *_archived(site), *(file.parent for file in _archived(site))}
    found += [f"archive/{path.relative_to(site.archive)}" for path in site.archive.rglob("*") if path not in of_archive]
    return sorted(found)


def require_free(folder: Path) -> None:
    """Nobody has the right to write, and nobody has to wait for it."""
    site = find_site(folder)
    if site.has_lake:
        # The server ends what a process had that was killed; that takes it a moment.
        with LakeCatalog(site).turn("looks", wait_seconds=5, on_wait=lambda _: None):
            pass
    else:
        with FileLock(folder / ".kam.lock").acquire(timeout=0):
            pass


def require_no_orphans(folder: Path) -> None:
    """What `kam maintain` leaves of a lake is what was there, without the files that a run had written before it died."""
    site, before = find_site(folder), content(folder)
    maintain(site, kept_states=timedelta(0), kept_files=timedelta(seconds=-5))
    now = content(folder)
    assert {table: now[table] for table in before} == before
    # It makes the tables of the marts, too.
    assert [table for table, found in now.items() if found and table not in before] == []
    lakes = LakeCatalog(site)
    with lakes.connected("looks") as catalog:
        # The folder of a lake that a kill left half made is not taken again.
        number = lakes.number(catalog)
        listed = catalog.execute(
            f"SELECT path FROM lake_{number}.ducklake_data_file UNION ALL SELECT path FROM lake_{number}.ducklake_delete_file"
        ).fetchall()
    files = {file.name for file in (folder / "lake" / str(number)).rglob("*") if file.is_file()}
    assert files == {Path(path).name for (path,) in listed}


def copied(folder: Path, place: Path) -> Path:
    """A copy of a site."""
    copy = Path(shutil.copytree(folder, place, dirs_exist_ok=True))
    find_site(copy)  # with a lake of its own, where sites are on lakes
    return copy
