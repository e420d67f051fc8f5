"""What the tests of presets share: a site made by `kam init --from`, and the figures that it gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from kam.cli.check import SiteCheck, check_site
from kam.ingest import LoadResult
from kam.ingest.readers.needs import reads_of
from kam.periods import parse_month
from kam.site import Site, find_site, write_site
from kam.warehouse import rows, warehouse
from tests.cli import kam
from tests.mariadb import MariaDb
from tests.support import build, ingest, only, published

HERE = Path(__file__).parent


class Books:
    """A site of a preset, for the ERP's database or files."""

    def __init__(self, folder: Path, preset: str) -> None:
        # No test looks at the pages, and they take longer than the close of a few rows.
        settings = write_site(folder, preset)
        settings.write_text(f"{settings.read_text(encoding='utf-8')}\n[publish]\npack = false\n", encoding="utf-8")
        self.folder = folder

    @property
    def site(self) -> Site:
        return find_site(self.folder)

    def check(self) -> SiteCheck:
        return check_site(self.site)

    def load(self, *, accept_changes: bool = False) -> dict[str, tuple[int, int, int]]:
        """Loaded, unchanged and rejected rows by feed, of what was loaded now."""
        results = self.results(accept_changes=accept_changes)
        assert [result.message for result in results if result.status == "failed"] == []
        done = [result for result in results if result.status == "loaded"]
        return {one.feed: (one.loaded_count, one.unchanged_count, one.rejected_count) for one in done}

    def results(self, *, accept_changes: bool = False) -> list[LoadResult]:
        site = self.site
        with warehouse(site) as con:
            return ingest(con, site, accept_changes=accept_changes)

    def close(self, month: str) -> None:
        """Close a month on the command line, with all checks."""
        done = kam("--site", self.folder, "close", month)
        assert done.returncode == 0, done.stderr

    def published_receivables(self, month: str) -> dict[str, Decimal]:
        """What readers see that each account owes at the end of a month."""
        found = published(
            self.site,
            "SELECT account_id, sum(outstanding_amount) AS amount FROM reporting.receivables_summary "
            f"WHERE period_month = '{month}-01' GROUP BY 1",
        )
        return {row["account_id"]: row["amount"] for row in found}

    def published_overdue(self, month: str) -> dict[str, Decimal]:
        """The part of it in the buckets beyond the first, of accounts that have some; what is open in their favour counts from its day."""
        found = published(
            self.site,
            "SELECT account_id, sum(outstanding_amount) AS amount FROM reporting.receivables_summary "
            f"WHERE period_month = '{month}-01' AND bucket_no > 0 GROUP BY 1",
        )
        return {row["account_id"]: row["amount"] for row in found}

    def query(self, sql: str) -> list[dict[str, Any]]:
        with warehouse(self.site) as con:
            return rows(con, sql)

    def figures(self, *months: str) -> Figures:
        """The figures of these months as known now."""
        site = self.site
        periods = [parse_month(month) for month in months]
        with warehouse(site) as con, only(("receivables_ageing", "sales", "delivery_performance")):
            (loads,) = rows(con, "SELECT max(load_id) AS newest FROM ops.loads")
            build(con, site.settings, periods, as_of_load=loads["newest"])
            return Figures(
                open_by_account(rows(con, "FROM build.receivables_ageing")),
                {
                    (f"{row['period_month']:%Y-%m}", row["account_id"]): row["net_amount"]
                    for row in rows(
                        con,
                        "SELECT period_month, account_id, sum(net_amount) AS net_amount FROM build.sales GROUP BY ALL",
                    )
                },
                {
                    (f"{row['period_month']:%Y-%m}", row["account_id"]): (row["line_count"], row["late_count"])
                    for row in rows(con, "FROM build.delivery_performance WHERE basis = 'promised'")
                },
                {
                    (f"{row['period_month']:%Y-%m}", row["document_id"], row["instalment_no"]): row[
                        "outstanding_amount_doc"
                    ]
                    for row in rows(con, "FROM build.receivables_ageing")
                },
            )


class Figures:
    """Receivables by month and account in the reporting currency and by item, net sales, and lines due and late."""

    def __init__(
        self,
        receivables: Mapping[tuple[str, str], Decimal],
        sales: Mapping[tuple[str, str], Decimal],
        lines: Mapping[tuple[str, str], tuple[int, int]],
        items: Mapping[tuple[str, str, int], Decimal],
    ) -> None:
        self.receivables, self.sales, self.lines, self.items = receivables, sales, lines, items


def open_by_account(items: list[dict[str, Any]]) -> dict[tuple[str, str], Decimal]:
    totals: dict[tuple[str, str], Decimal] = {}
    for item in items:
        key = (f"{item['period_month']:%Y-%m}", item["account_id"])
        totals[key] = totals.get(key, Decimal(0)) + item["outstanding_amount"]
    return totals


def statements(file: Path) -> list[str]:
    """The statements of a file of SQL whose comments stand on lines of their own."""
    text = "\n".join(line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("--"))
    return [statement for statement in re.split(r";\n", text) if statement.strip()]


def queries_of(preset: str) -> list[Path]:
    from kam.site.presets import FOLDER

    return sorted((FOLDER / preset / "queries").glob("*.sql"))


def body_of(query: Path) -> str:
    """A query without its comments."""
    return re.sub(r"--[^\n]*", "", query.read_text(encoding="utf-8"))


def unread(query: Path) -> list[str]:
    """What a query says it reads and does not name."""
    body = body_of(query)
    return [
        f"{table}.{column}"
        for table, columns in reads_of(query.read_text(encoding="utf-8")).items()
        for column in columns
        if not re.search(rf"\b{re.escape(column)}\b", body) or table not in body
    ]


def only_what_is_read(preset: str, server: MariaDb, url: str) -> None:
    """Run each query of a preset on a database that has only the columns that it says it reads."""
    name = url.rpartition("/")[2].partition("?")[0]
    for query in queries_of(preset):
        assert unread(query) == [], query.name
        text = query.read_text(encoding="utf-8")
        small = server.new_database()
        for table, columns in reads_of(text).items():
            listed = ", ".join(f"`{column}`" for column in columns)
            server.run(small, f"CREATE TABLE `{table}` AS SELECT {listed} FROM {name}.`{table}`")
        server.run(small, text.replace(":watermark", "'2026-01-01'"))


def day(text: str) -> date:
    return date.fromisoformat(text)
