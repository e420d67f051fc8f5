"""A backfill of 36 months against the close of one, on copies of the same loaded site.

    python -m benchmarks.backfill --accounts 15 --products 30

Both are the whole command, Prefect's embedded server included; the line `an empty flow` is what that costs by itself.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from benchmarks.measure import Measured, machine, measured, print_table
from kam.demo import write_demo
from kam.periods import add_months, month_name

_MODULE = "benchmarks.backfill"
_MONTHS = 36


def run(folder: Path, accounts: int, products: int) -> tuple[list[Measured], int]:
    """All steps, each in a process of its own; leaves their files in `folder`. Also the number of source rows."""
    site = folder / "site"
    summary = write_demo(site, accounts=accounts, products=products, months=_MONTHS)
    last = month_name(summary.last_month)
    first = month_name(add_months(summary.last_month, 1 - _MONTHS))
    loading = measured("load all feeds", "kam.cli", "--site", str(site), "ingest")
    copies = [folder / f"copy-{number}" for number in range(3)]
    for copy in copies:
        shutil.copytree(site, copy)
    with (copies[2] / "kam.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[run]\nmonths_at_once = 6\n")
    steps = [
        measured("an empty flow", "benchmarks.close", "--step", "flow", str(site), last),
        loading,
        measured("close one month", "kam.cli", "--site", str(copies[0]), "close", last),
        measured(f"backfill {_MONTHS} months", "kam.cli", "--site", str(copies[1]), "backfill", first, last),
        measured("the same, 6 months at once", "kam.cli", "--site", str(copies[2]), "backfill", first, last),
        measured("the same again, up to date", "kam.cli", "--site", str(copies[1]), "backfill", first, last),
        measured("verify the last month", "kam.cli", "--site", str(copies[1]), "verify", last),
    ]
    return steps, sum(summary.rows.values())


def report(steps: list[Measured], rows: int) -> None:
    """Print the table."""
    close = next(step for step in steps if step.step == "close one month")
    print(f"\n{rows:,} source rows of {_MONTHS} months; {machine()}\n")
    print_table(
        ("step", "seconds", "CPU seconds", "peak MB", "CPU ÷ one close"),
        (
            (
                step.step, f"{step.wall_seconds:.1f}", f"{step.cpu_seconds:.1f}", f"{step.peak_bytes / 1e6:,.0f}",
                f"{step.cpu_seconds / close.cpu_seconds:.2f}",
            )
            for step in steps
        ),
    )  # fmt: skip


def main() -> None:
    """Run all steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=15)
    parser.add_argument("--products", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kam-benchmark-") as folder:
        report(*run(Path(folder), arguments.accounts, arguments.products))


if __name__ == "__main__":
    main()
