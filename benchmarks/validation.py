"""What validation costs beside the build: closing one month of a site with many lines.

    python -m benchmarks.validation --lines 10000000

Order, delivery and invoice lines (that many of each, over 36 months) are written to staging by one SELECT each, because
only the steps after loading are measured. Each size runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import duckdb

from benchmarks.measure import Measured, machine, measured, print_steps
from kam.site import Site, find_site
from kam.warehouse import Connection, warehouse

_MODULE = "benchmarks.validation"
_MONTHS = 36
LAST_MONTH = "2026-10"
SETTINGS = """
[site]
name = "Many lines"
memory_limit = "{memory_limit}"

[feeds.accounts]
files = "landing/accounts.csv"
[feeds.products]
files = "landing/products.csv"
[feeds.orders]
files = "landing/orders.csv"
[feeds.deliveries]
files = "landing/deliveries.csv"
[feeds.invoices]
files = "landing/invoices.csv"
"""
# 200 accounts buy 500 parts; four lines an order, delivered after eight days and invoiced with the delivery.
_ROWS = {
    "accounts": "SELECT 'A' || n AS account_id, 'Account ' || n AS account_name FROM range(200) AS r(n)",
    "products": "SELECT 'P' || n AS product_id, 'line ' || n % 9 AS product_line FROM range(500) AS r(n)",
    "orders": """
        SELECT
            'O' || n // 4 AS order_id, (n % 4 + 1)::INTEGER AS line_no, 'A' || n // 4 % 200 AS account_id,
            'P' || n % 500 AS product_id, {day} AS order_date, order_date + 9 AS requested_date,
            order_date + 9 AS promised_date, order_date + 9 AS last_promised_date, 50 + n % 11 AS quantity,
            10 + n % 500 AS unit_price, 'EUR' AS currency
        FROM range({lines}) AS r(n)""",
    "deliveries": """
        SELECT
            'D' || n // 4 AS delivery_id, (n % 4 + 1)::INTEGER AS line_no, 'O' || n // 4 AS order_id,
            (n % 4 + 1)::INTEGER AS order_line_no, {day} + 8 AS delivered_date, 50 + n % 11 AS quantity,
            0 AS rejected_quantity
        FROM range({lines}) AS r(n)""",
    "invoices": """
        SELECT
            'I' || n // 4 AS invoice_id, (n % 4 + 1)::INTEGER AS line_no, 'invoice' AS document_type,
            'A' || n // 4 % 200 AS account_id, 'P' || n % 500 AS product_id, 'O' || n // 4 AS order_id,
            (n % 4 + 1)::INTEGER AS order_line_no, {day} + 8 AS invoice_date, {day} + 38 AS due_date,
            50 + n % 11 AS quantity, (50 + n % 11) * (10 + n % 500) AS net_amount, 0 AS tax_amount, 'EUR' AS currency
        FROM range({lines}) AS r(n)""",
}


def write_books(site: Site, lines: int) -> None:
    """Put the rows into staging as one load a feed."""
    with warehouse(site) as con:
        for load_id, (feed, select) in enumerate(_ROWS.items(), start=1):
            _stage(con, feed, select.format(lines=lines, day=_day(lines)), load_id)


def write_csv_files(folder: Path, lines: int) -> None:
    """Write the rows as files that a site loads."""
    folder.mkdir()
    with duckdb.connect() as con:
        for feed, select in _ROWS.items():
            con.execute(f"COPY ({select.format(lines=lines, day=_day(lines))}) TO '{folder / f'{feed}.csv'}'")


def _day(lines: int) -> str:
    """Whole orders, spread evenly over all days that leave time for the delivery."""
    first = f"DATE '{LAST_MONTH}-01' - INTERVAL {_MONTHS - 1} MONTH"
    return f"({first})::DATE + (n // 4 * {_MONTHS * 30 - 10} // {lines // 4 + 1})::INTEGER"


def _stage(con: Connection, feed: str, select: str, load_id: int) -> None:
    con.execute(
        f"INSERT INTO staging.{feed} BY NAME SELECT *, {load_id} AS load_id, row_number() OVER () AS source_row FROM ({select})"
    )
    con.execute(
        f"""
        INSERT INTO ops.loads BY NAME
        SELECT {load_id} AS load_id, '{feed}' AS feed, '{feed}' AS source, 'none' AS sha256, 'loaded' AS status,
            count(*) AS read_count, count(*) AS loaded_count, 0 AS unchanged_count, 0 AS rejected_count,
            0 AS superseded_count, '[]' AS files
        FROM staging.{feed}
        """
    )


def run(folder: Path, lines: int, memory_limit: str) -> list[Measured]:
    """The steps of closing the last month, in `folder`."""
    site = folder / "site"
    site.mkdir()
    (site / "kam.toml").write_text(SETTINGS.format(memory_limit=memory_limit), encoding="utf-8")
    print(f"3 × {lines:,} lines, {_MONTHS} months, memory limit {memory_limit}; {machine()}\n", flush=True)
    measured("write the site", _MODULE, "--lines", str(lines), "--write", str(site))
    measured("the steps", "benchmarks.close", "--step", "steps", str(folder), LAST_MONTH)
    steps = json.loads((folder / "steps.json").read_text(encoding="utf-8"))
    return [Measured(**part) for part in steps if "import" not in part["step"] and "load" not in part["step"]]


def main() -> None:
    """Write the site in this process, else measure all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000, help="lines of each feed (default 10,000,000)")
    parser.add_argument("--memory-limit", default="2GB", help="of DuckDB (default 2GB)")
    parser.add_argument("--write", metavar="SITE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        write_books(find_site(Path(arguments.write)), arguments.lines)
        return
    with tempfile.TemporaryDirectory(prefix="kam-benchmark-") as folder:
        print_steps(run(Path(folder), arguments.lines, arguments.memory_limit))


if __name__ == "__main__":
    main()
