"""A warehouse in a file against one in DuckLake, and a backfill with one, two and four workers, all in one run.

    python -m benchmarks.lake --postgresql postgresql://owner@host/postgres --lines 333333 --months 36

Needs the extra `lake`, and a PostgreSQL server that nobody else uses meanwhile, in which it makes databases and drops them. The books are
those of `benchmarks.validation`, as CSV files. Each step is a command of its own; CPU seconds are those of the command and of its
workers, without PostgreSQL's. No time is shown unless all sites have equal content hashes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.measure import Measured, machine, measured_command, print_table
from benchmarks.validation import LAST_MONTH, SETTINGS, write_csv_files
from kam.demo import write_demo
from kam.periods import add_months, month_name, parse_month

_LAKE = '\n[warehouse]\nkind = "ducklake"\ncatalog = "env:KAM_CATALOG"\n[run]\nworkers = {workers}\n'
_HASHES = "SELECT period_month, close_version, content_hash FROM reporting.closes ORDER BY ALL"
# What a lake may take, as a multiple of a file; and how much faster four workers are to be on four cores.
_TARGETS = {"load": "≤ 1.4 ×", "load small files": "≤ 2 ×", "close one month": "≤ 1.3 ×"}


@dataclass
class Way:
    """A site in a store, with so many workers, and what its steps took."""

    name: str
    folder: Path
    workers: int
    variables: Mapping[str, str]
    steps: dict[str, Measured]

    def run(self, step: str, *arguments: str, site: Path | None = None) -> None:
        """Measure a command of `kam`."""
        command = (sys.executable, "-m", "kam.cli", "--site", str(site or self.folder), *arguments)
        self.steps[step] = took = measured_command(step, *command, variables=self.variables, silent=True)
        print(f"{self.name}: {step}: {took.cpu_seconds:.1f} CPU s, {took.wall_seconds:.1f} s", flush=True)


@contextmanager
def database(server: str, name: str) -> Iterator[str]:
    """The address of a new database, which is dropped at the end."""
    with psycopg.connect(server, autocommit=True) as con:
        con.execute(f"CREATE DATABASE {name}")
        known = conninfo_to_dict(server)
        try:
            yield (
                f"postgresql://{known['user']}:{known.get('password', '')}@{known['host']}:{known.get('port', 5432)}/{name}"
            )
        finally:
            con.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run(folder: Path, server: str, lines: int, months: int) -> list[Way]:
    """All steps in each way; raises `SystemExit` when their content hashes differ."""
    last = parse_month(LAST_MONTH)
    first, before = month_name(add_months(last, -months)), month_name(add_months(last, -1))
    ways: list[Way] = []
    with ExitStack() as stack:
        for name, workers in (("file", 0), ("lake", 1), ("lake, 2 workers", 2), ("lake, 4 workers", 4)):
            url = stack.enter_context(database(server, f"kam_benchmark_{workers}")) if workers else ""
            small = stack.enter_context(database(server, "kam_benchmark_small")) if workers == 1 else ""
            way = Way(name, folder / f"site-{workers}", workers, {"KAM_CATALOG": url}, {})
            ways.append(way)
            store = _LAKE.format(workers=workers) if workers else ""
            way.folder.mkdir()
            (way.folder / "kam.toml").write_text(SETTINGS.format(memory_limit="2GB") + store, encoding="utf-8")
            write_csv_files(way.folder / "landing", lines)
            if workers < 2:  # noqa: PLR2004 - loading has no workers
                _load_small_files(way, small, store)
            way.run("load", "ingest")
            way.run(f"backfill {months} months", "backfill", first, before)
            way.run("close one month", "close", LAST_MONTH)
        require_equal({way.name: _hashes(way.folder) for way in ways})
    return ways


def _load_small_files(way: Way, url: str, store: str) -> None:
    site = way.folder.with_name(f"{way.folder.name}-small")
    write_demo(site, accounts=5, products=10, months=3)
    with (site / "kam.toml").open("a", encoding="utf-8") as settings:
        settings.write(store)
    way.variables, kept = {"KAM_CATALOG": url}, way.variables
    way.run("load small files", "ingest", site=site)
    way.variables = kept


def _hashes(site: Path) -> list[tuple[date, int, str]]:
    with duckdb.connect(str(site / "published" / "kam.duckdb"), read_only=True) as con:
        return con.execute(_HASHES).fetchall()


def require_equal(hashes: Mapping[str, list[tuple[date, int, str]]]) -> None:
    """Raise `SystemExit` unless all ways gave the same versions, and any."""
    found = list(hashes.values())
    if not found[0] or any(other != found[0] for other in found):
        message = f"the versions differ: {hashes}"
        raise SystemExit(message)


def report(ways: list[Way], lines: int, months: int) -> None:
    """CPU seconds and seconds of each way, the ratios, and the targets."""
    print(f"\n3 × {lines:,} lines; {machine()}. Content hashes of all ways are equal.\n")
    backfill = f"backfill {months} months"
    targets = _TARGETS | {backfill: "≤ 1.3 ×; 4 workers: CPU ≤ 1.4 ×, ≥ 2.5 × faster on 4 cores"}
    file, lake = ways[0], ways[1]
    lines_of_table = []
    for step in ("load", "load small files", backfill, "close one month"):
        cells = [
            f"{way.steps[step].cpu_seconds:.1f} ({way.steps[step].wall_seconds:.1f})" if step in way.steps else "–"
            for way in ways
        ]
        ratio = lake.steps[step].cpu_seconds / file.steps[step].cpu_seconds
        lines_of_table.append([step, *cells, f"{ratio:.2f} ×", targets[step]])
    print_table(("CPU seconds (seconds)", *(way.name for way in ways), "lake ÷ file, CPU", "target"), lines_of_table)
    one = lake.steps[backfill]
    print()
    for way in ways[2:]:
        many = way.steps[backfill]
        print(
            f"- {way.name}: the backfill took {many.cpu_seconds / one.cpu_seconds:.2f} × the CPU of one worker, "
            f"and was {one.wall_seconds / many.wall_seconds:.2f} × as fast."
        )
    print("- A close of one month is not divided: workers gain nothing there.")


def main() -> None:
    """Run all steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgresql", required=True, metavar="URL", help="a database of a server for this only")
    parser.add_argument("--lines", type=int, default=333_333, help="lines of each feed (default 333,333)")
    parser.add_argument("--months", type=int, default=35, help="months of the backfill (default 35)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kam-benchmark-") as folder:
        report(
            run(Path(folder), arguments.postgresql, arguments.lines, arguments.months),
            arguments.lines,
            arguments.months,
        )


if __name__ == "__main__":
    main()
