"""The close pack of few accounts and of many: seconds, memory and the size of its pages.

    python -m benchmarks.pack --accounts 2000

A small demo site is closed once. For many accounts the rows of its published tables are copied under other numbers, and twelve
earlier months are added to what charts show.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import duckdb

from benchmarks.measure import Measured, machine, measured, print_table
from kam.demo import write_demo
from kam.periods import add_months, month_name

_MODULE = "benchmarks.pack"
_CLOSED_MONTHS, _EARLIER_MONTHS = 2, 12
_OF_CHARTS = ("account_review", "sales_plan_summary_by_account", "vendor_rating")


def run(folder: Path, accounts: int, site: Path | None) -> list[tuple[Measured, Path]]:
    """The pack of a demo site and that of many accounts, each in a process of its own, with the folders of their pages."""
    small = folder / "few"
    if site:
        shutil.copytree(site, small)
    else:
        summary = write_demo(small, accounts=12, products=30, months=14)
        first = month_name(add_months(summary.last_month, 1 - _CLOSED_MONTHS))
        measured("close", "kam.cli", "--site", str(small), "backfill", first, month_name(summary.last_month))
    many = folder / "many"
    (many / "published").mkdir(parents=True)
    shutil.copy(small / "kam.toml", many)
    shutil.copy(small / "published" / "kam.duckdb", many / "published")
    month, copies = _multiplied(many / "published" / "kam.duckdb", accounts)
    return [
        (measured(f"{count:,} accounts", "kam.cli", "--site", str(of), "report", month, "--html"), of / "published")
        for count, of in ((accounts // copies, small), (accounts, many))
    ]


def _multiplied(file: Path, accounts: int) -> tuple[str, int]:
    """Copy the rows of accounts until there are about as many as asked; the newest month, and how many copies there are."""
    with duckdb.connect(str(file)) as con:
        (newest, there) = con.execute(
            "SELECT period_month, count(*) FROM reporting.account_review GROUP BY ALL ORDER BY ALL DESC LIMIT 1"
        ).fetchall()[0]
        copies = max(accounts // there, 1)
        tables = con.execute(
            "SELECT table_name FROM duckdb_columns() JOIN duckdb_tables() USING (schema_name, table_name) "
            "WHERE schema_name = 'reporting' AND column_name = 'account_id'"
        ).fetchall()
        for (table,) in tables:
            months = f"(SELECT 0 AS ago UNION ALL SELECT unnest(range(1, {_EARLIER_MONTHS + 1})) WHERE '{table}' IN {_OF_CHARTS})"
            con.execute(
                f"CREATE OR REPLACE TABLE reporting.{table} AS "
                "SELECT rows.* REPLACE (account_id || '-' || copy AS account_id, (period_month - to_months(ago))::DATE AS period_month) "
                f"FROM reporting.{table} AS rows, range({copies}) AS copies(copy), {months} AS months "
                f"WHERE ago = 0 OR period_month = DATE '{newest}' ORDER BY period_month, account_id"
            )
    return month_name(newest), copies


def report(steps: list[tuple[Measured, Path]]) -> None:
    """Print the table."""
    print(f"\n{machine()}\n")
    lines = []
    for step, folder in steps:
        sizes = [page.stat().st_size for page in folder.glob("months/*/accounts/*.html")]
        overview = (folder / "index.html").stat().st_size
        lines.append(
            (
                step.step, f"{step.wall_seconds:.1f}", f"{step.cpu_seconds:.1f}", f"{step.peak_bytes / 1e6:,.0f}", f"{len(sizes):,}",
                f"{sum(sizes) / len(sizes) / 1e3:,.0f}", f"{sum(sizes) / 1e6:,.0f}", f"{overview / 1e3:,.0f}",
            )
        )  # fmt: skip
    print_table(
        ("pack", "seconds", "CPU seconds", "peak MB", "pages", "kB a page", "MB in all", "kB of the overview"), lines
    )


def main() -> None:
    """Run the benchmark in a temporary folder."""
    parser = argparse.ArgumentParser(prog=f"python -m {_MODULE}", description=__doc__)
    parser.add_argument("--accounts", type=int, default=2000, help="about how many accounts the large pack has (2000)")
    parser.add_argument("--site", type=Path, help="a closed site to copy instead of a new demo site")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kam-bench-") as folder:
        report(run(Path(folder), given.accounts, given.site))


if __name__ == "__main__":
    main()
