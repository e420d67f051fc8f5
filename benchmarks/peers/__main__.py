"""kam-close beside a bare DuckDB script, Polars and dbt: the same files, the same figures.

    python -m benchmarks.peers --lines 1000000
    python -m benchmarks.peers --quick

All load the files that `benchmarks/peers/generate.py` writes and make the figures of one month, each in a process of its own, one after
the other. Their tables are compared with ours first: where a figure differs, the run ends and says which. Only then are times shown.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import duckdb

from benchmarks.measure import Measured, machine, measured, print_steps, print_table
from benchmarks.peers import steps
from benchmarks.peers.generate import write_files
from benchmarks.peers.kept import keep, print_beside_kept
from benchmarks.peers.steps import CLOSE, DBT_BUILD, FLOOR, POLARS, Run
from benchmarks.peers.tables import DifferentFiguresError, check_equal, in_file


def write(run: Run, lines: int) -> None:
    """Write the files, unless those of as many lines are there."""
    note = run.files / "lines.json"
    if note.is_file() and json.loads(note.read_text(encoding="utf-8"))["lines"] == lines:
        return
    rows = write_files(run.files, lines)
    note.write_text(json.dumps({"lines": lines, "rows": rows}), encoding="utf-8")


def compare(run: Run, peers: list[str]) -> int:
    """The number of figures that are equal. Raises `DifferentFiguresError` where one is not."""
    with duckdb.connect() as con:
        ours = in_file(con, steps.published(run), "reporting")
        return sum(check_equal(con, peer, ours, steps.results(con, run, peer), steps.MONTH) for peer in peers)


def peers_at_hand() -> list[str]:
    """The floor, Polars, and dbt where it is installed."""
    if steps.DBT.is_file():
        return [FLOOR, POLARS, DBT_BUILD]
    print(
        f"dbt is not installed in {steps.DBT.parents[1]} and is left out. `make bench-peers` sets it up\n",
        file=sys.stderr,
    )
    return [FLOOR, POLARS]


def run_all(run: Run, rounds: int, peers: list[str]) -> list[Measured]:
    """Each peer and the close of one month, turn about; of several rounds the one that took least CPU counts."""
    ways = {FLOOR: steps.floor, POLARS: steps.in_polars, DBT_BUILD: steps.dbt}
    taken: dict[str, list[Measured]] = {}
    for _ in range(rounds):
        for peer in peers:
            parts = [ways[peer](run)]
            if peer == FLOOR:
                parts += steps.floor_load_and_build(run, parts[0])
            for part in parts:
                taken.setdefault(part.step, []).append(part)
        taken.setdefault(CLOSE, []).append(steps.kam(run.new_site("site"), CLOSE, "close", steps.MONTH))
    equal = compare(run, peers)
    print(f"{equal:,} figures of {', '.join(peers)} are equal to ours.\n", flush=True)
    best = [min(tries, key=lambda step: step.cpu_seconds) for tries in taken.values()]
    return [*best, *run_after_the_close(run)]


def run_after_the_close(run: Run) -> list[Measured]:
    """The same close when nothing is new, and the load into another site."""
    return [
        steps.kam(run.folder / "site", steps.AGAIN, "close", steps.MONTH),
        steps.kam(run.new_site("ingested"), steps.INGEST, "ingest"),
    ]


def run_backfill(run: Run, peers: list[str]) -> list[Measured]:
    """All months: ours in one backfill after `kam ingest`, the floor in one script, dbt month by month."""
    taken = [steps.kam_backfill(run)]
    if FLOOR in peers:
        taken.append(steps.floor(run, steps.EVERY_MONTH, f"bare DuckDB, {len(steps.EVERY_MONTH)} months"))
    if DBT_BUILD in peers:
        taken.append(steps.dbt_backfill(run))
    return taken


def print_ratios(taken: list[Measured]) -> None:
    """Each step beside the floor and beside dbt."""
    beside = {step.step: step for step in taken}
    floor, dbt = beside[FLOOR], beside.get(DBT_BUILD)
    print_table(
        ("step", "seconds", "CPU seconds", "peak MB", "CPU ÷ floor", "seconds ÷ floor", "CPU ÷ dbt", "seconds ÷ dbt"),
        (
            (
                step.step, f"{step.wall_seconds:.1f}", f"{step.cpu_seconds:.1f}", f"{step.peak_bytes / 1e6:,.0f}",
                f"{step.cpu_seconds / floor.cpu_seconds:.2f}", f"{step.wall_seconds / floor.wall_seconds:.2f}",
                f"{step.cpu_seconds / dbt.cpu_seconds:.2f}" if dbt else "–",
                f"{step.wall_seconds / dbt.wall_seconds:.2f}" if dbt else "–",
            )
            for step in taken
        ),
    )  # fmt: skip


def print_details(run: Run) -> None:
    """The floor table by table, and our steps in one process."""
    print("\nBare DuckDB, table by table:\n")
    print_table(
        ("table", "seconds", "CPU seconds"),
        ((name, f"{wall:.2f}", f"{cpu:.2f}") for name, (wall, cpu) in steps.floor_parts(run).items()),
    )
    folder = run.new_site("details/site").parent
    measured("the steps", "benchmarks.close", "--step", "steps", str(folder), steps.MONTH)
    parts = json.loads((folder / "steps.json").read_text(encoding="utf-8"))
    print("\nkam-close, step by step, in one process:\n")
    print_steps(Measured(**part) for part in parts)


def versions(run: Run) -> str:
    """What was measured, with what, and on what."""
    note = json.loads((run.files / "lines.json").read_text(encoding="utf-8"))
    rows = ", ".join(f"{count:,} {feed}" for feed, count in note["rows"].items())
    if not steps.DBT.is_file():
        return f"{rows}; memory limit {run.memory_limit}; {machine()}, Polars {metadata.version('polars')}"
    lock = (Path(__file__).parents[2] / "requirements-dbt.lock").read_text(encoding="utf-8")
    pinned = dict(line.split(" ")[0].split("==") for line in lock.splitlines() if line.startswith("dbt-"))
    return (
        f"{rows}; memory limit {run.memory_limit}; {machine()}, Polars {metadata.version('polars')}, "
        f"dbt {pinned['dbt-core']} with dbt-duckdb {pinned['dbt-duckdb']}"
    )


def quick(run: Run, *, is_kept: bool) -> None:
    """Ours against the floor in about a minute, beside the figures that the repository keeps."""
    floors = [steps.floor(run) for _ in range(2)]
    close = steps.kam(run.new_site("site"), CLOSE, "close", steps.MONTH)
    equal = compare(run, [FLOOR])
    print(f"{equal:,} figures of {FLOOR} are equal to ours.\n", flush=True)
    ours = [close, *run_after_the_close(run)]
    floor = min([*floors, steps.floor(run)], key=lambda step: step.cpu_seconds)
    print_beside_kept(floor, ours)
    if is_kept:
        keep(floor, ours)


def only_ours(run: Run, *, is_backfill: bool) -> None:
    """Our steps alone, such as at another memory limit; nothing is compared."""
    print(f"{versions(run)}\n", flush=True)
    taken = [steps.kam(run.new_site("site"), CLOSE, "close", steps.MONTH), *run_after_the_close(run)]
    print_steps([*taken, *(run_backfill(run, []) if is_backfill else [])])


def _at_least(least: int) -> Callable[[str], int]:
    """A whole number as an argument, `least` or more."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            message = f"{text}: not a whole number from {least:,} up"
            raise argparse.ArgumentTypeError(message)
        return int(text)

    return number


def main() -> None:
    """Measure in a temporary folder, or in one that is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=_at_least(100), default=100_000, help="order lines (default 100,000)")
    parser.add_argument("--rounds", type=_at_least(1), default=1, help="rounds of each (default 1)")
    parser.add_argument("--memory-limit", default="2GB", help="of DuckDB, for each of them (default 2GB)")
    parser.add_argument("--folder", type=Path, help="a folder that is kept, with the files (default a temporary one)")
    parser.add_argument("--backfill", action="store_true", help="also all 36 months (long)")
    parser.add_argument("--only-ours", action="store_true", help="only kam-close, such as at another memory limit")
    parser.add_argument("--details", action="store_true", help="also the floor table by table, and our steps")
    parser.add_argument(
        "--quick", action="store_true", help="only the floor and ours, beside the figures kept in the repository"
    )
    parser.add_argument(
        "--keep", action="store_true", help="with --quick: keep these figures in place of the last ones"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kam-benchmark-") as temporary:
        run = Run((arguments.folder or Path(temporary)).resolve(), arguments.memory_limit)
        write(run, arguments.lines)
        steps.compile_modules()
        try:
            if arguments.quick:
                quick(run, is_kept=arguments.keep)
                return
            if arguments.only_ours:
                only_ours(run, is_backfill=arguments.backfill)
                return
            peers = peers_at_hand()
            print(f"{versions(run)}\n", flush=True)
            taken = run_all(run, arguments.rounds, peers)
            if arguments.backfill:
                taken += run_backfill(run, peers)
        except DifferentFiguresError as error:
            sys.exit(str(error))
        print_ratios(taken)
        if arguments.details:
            print_details(run)


if __name__ == "__main__":
    main()
