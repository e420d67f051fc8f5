"""Loading order lines, against DuckDB's own typed load of the same file.

    python -m benchmarks.ingest --rows 10000000

Both load into a new DuckDB file with the same memory limit, one right after the other, and the round with the middle ratio
counts: a machine whose cores are shared gives the same work more or less time from minute to minute. Bare DuckDB parses and
stores. kam-close also copies the file to its archive under its hash, checks every rule of the feed, looks for keys that come
twice, compares with what it has, and counts. The later lines are further deliveries into the same site; the last is a first
load into another site, in which one line in a hundred has a date that is none, and is kept as a reject.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import duckdb

from benchmarks.measure import Measured, machine, measured, print_table
from kam.ingest import ingest_feed
from kam.site import find_site
from kam.warehouse import literal, memory, warehouse

_MODULE = "benchmarks.ingest"
_MEMORY_LIMIT = "2GB"
_LEAST_RATIO = 0.5
_MOST_BYTES = 4 << 30
# A line of an order, about 95 bytes; every figure follows from its number. Each hundredth line gets another price with
# `corrected`, and a date that is none with `faulty`.
_LINES = """
    SELECT * EXCLUDE ordered FROM (SELECT
        'SO' || lpad((i // 4)::VARCHAR, 9, '0') AS order_id,
        i % 4 + 1 AS line_no,
        'C' || lpad((hash(i // 4) % 2000)::VARCHAR, 5, '0') AS account_id,
        'P' || lpad((hash(i) % 50000)::VARCHAR, 6, '0') AS product_id,
        DATE '2021-01-01' + (i * 1800 // {rows})::INTEGER AS ordered,
        CASE WHEN {faulty} = 1 AND i % 100 = 0 THEN 'soon' ELSE ordered::VARCHAR END AS order_date,
        ordered + 14 AS requested_date,
        ordered + 14 + (hash(i, 1) % 7)::INTEGER AS promised_date,
        ((hash(i, 2) % 100000) / 10)::DECIMAL(18, 1) AS quantity,
        ((hash(i, 3) % 1000000) / 100 + {corrected} * (i % 100 = 0)::INTEGER)::DECIMAL(18, 2) AS unit_price,
        ['EUR', 'USD', 'CHF', 'CZK'][1 + (hash(i, 4) % 4)::INTEGER] AS currency,
        ['open', 'closed', 'closed', 'cancelled'][1 + (hash(i, 5) % 4)::INTEGER] AS status
    FROM range({rows}) AS line(i))
"""
_TYPES = {
    "order_id": "VARCHAR", "line_no": "INTEGER", "account_id": "VARCHAR", "product_id": "VARCHAR", "order_date": "DATE",
    "requested_date": "DATE", "promised_date": "DATE", "quantity": "DECIMAL(18,4)", "unit_price": "DECIMAL(18,4)",
    "currency": "VARCHAR", "status": "VARCHAR",
}  # fmt: skip
_SETTINGS = f"""
[site]
name = "Benchmark"
memory_limit = "{_MEMORY_LIMIT}"
[feeds.orders]
files = "landing/*.csv"
"""


def write_lines(file: Path, rows: int, *, corrected: int = 0, faulty: int = 0) -> None:
    """Write order lines; each hundredth with another price if `corrected`, with a date that is none if `faulty`."""
    with memory() as con:
        query = _LINES.format(rows=rows, corrected=corrected, faulty=faulty)
        con.execute(f"COPY ({query}) TO {literal(str(file))} (HEADER)")


def load_bare(folder: Path) -> None:
    """What DuckDB alone does with the file: parse, cast and store it, in the order of its lines."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY_LIMIT,
        "temp_directory": str(folder / "spill"),
        "storage_compatibility_version": "v1.5.0",
    }
    with duckdb.connect(str(folder / "bare.duckdb"), config=config) as con:
        file = literal(str(folder / "landing" / "orders.csv"))
        con.execute(
            f"CREATE TABLE orders AS FROM read_csv({file}, columns = {_TYPES}, auto_detect = false, header = true)"
        )


def load_site(folder: Path) -> None:
    """What `kam ingest` does with it."""
    site = find_site(folder)
    with warehouse(site) as con:
        for result in ingest_feed(con, site, "orders"):
            print(
                f"{result.status}: {result.read_count:,} read, {result.loaded_count:,} loaded, "
                f"{result.unchanged_count:,} unchanged, {result.rejected_count:,} rejected {result.message}"
            )


def _empty(folder: Path) -> None:
    """Remove what a round made, so that the next one loads into new files."""
    for path in folder.iterdir():
        if path.name in ("landing", "others", "kam.toml"):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _ratio(bare: Measured, site: Measured) -> float:
    return bare.wall_seconds / site.wall_seconds


def run(folder: Path, rows: int, rounds: int) -> list[Measured]:
    """All steps, each in a process of its own; leaves their files in `folder`."""
    landing, others = folder / "landing", folder / "others"
    for site in (folder, others):
        (site / "landing").mkdir(parents=True)
        (site / "kam.toml").write_text(_SETTINGS, encoding="utf-8")
    write_lines(landing / "orders.csv", rows)
    size = (landing / "orders.csv").stat().st_size
    print(f"{rows:,} order lines, {size / 1e6:,.0f} MB; memory limit {_MEMORY_LIMIT}; {machine()}\n")
    tried = []
    for number in range(rounds):
        _empty(folder)
        bare = measured("bare DuckDB", _MODULE, "--step", "bare", str(folder))
        tried.append((bare, measured("kam-close", _MODULE, "--step", "site", str(folder))))
        print(f"round {number + 1}: {_ratio(*tried[-1]):.2f}")
    middle = sorted(tried, key=lambda round_: _ratio(*round_))[rounds // 2]
    steps = [*middle, measured("the same file again", _MODULE, "--step", "site", str(folder))]
    write_lines(landing / "orders.csv", rows, corrected=1)
    steps.append(measured("all lines again, 1 % corrected", _MODULE, "--step", "site", str(folder)))
    write_lines(others / "landing" / "orders.csv", rows, faulty=1)
    return [*steps, measured("a first load, 1 % faulty", _MODULE, "--step", "site", str(others))]


def report(steps: list[Measured], rows: int) -> None:
    """Print the table, and the first load beside what is promised."""
    bare, site = steps[:2]
    print()
    print_table(
        ("step", "seconds", "CPU seconds", "lines a second", "peak MB", "speed ÷ bare", "CPU ÷ bare"),
        (
            (
                step.step, f"{step.wall_seconds:.1f}", f"{step.cpu_seconds:.1f}", f"{rows / step.wall_seconds:,.0f}",
                f"{step.peak_bytes / 1e6:,.0f}", f"{bare.wall_seconds / step.wall_seconds:.2f}",
                f"{step.cpu_seconds / bare.cpu_seconds:.2f}",
            )
            for step in steps
        ),
    )  # fmt: skip
    ratio = _ratio(bare, site)
    peak = max(step.peak_bytes for step in steps)
    print(
        f"\nSpeed ÷ bare {ratio:.2f} (at least {_LEAST_RATIO}); peak {peak / 1e9:.2f} GB (at most {_MOST_BYTES / 1e9:.1f})"
    )


def main() -> None:
    """Run one step in this process, else all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="order lines (default 10 million)")
    parser.add_argument("--rounds", type=int, default=5, help="first loads of each kind (default 5)")
    parser.add_argument("--step", nargs=2, metavar=("STEP", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        step, folder = arguments.step
        {"bare": load_bare, "site": load_site}[step](Path(folder))
        return
    with tempfile.TemporaryDirectory(prefix="kam-benchmark-") as folder:
        report(run(Path(folder), arguments.rows, arguments.rounds), arguments.rows)


if __name__ == "__main__":
    main()
