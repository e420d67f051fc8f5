"""What it costs to commit months that were built together, and to publish one more month beside those that are published.

    python -m benchmarks.commit --lines 333333 --months 12

The site of `benchmarks.validation`. Each way works on its own copy of the warehouse, in turn with the others, and of several rounds
the one with the least CPU counts. `month by month` is what a single close does, for each month.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmarks.close import Stopwatch
from benchmarks.measure import Measured, machine, print_table
from benchmarks.validation import LAST_MONTH, SETTINGS, write_books
from kam.close import steps
from kam.periods import add_months, parse_month
from kam.site import Site, find_site
from kam.warehouse import warehouse


def run(folder: Path, lines: int, count: int, rounds: int) -> list[Measured]:
    """Commits of `count` months, and publications of one more; leaves its files in `folder`."""
    last = parse_month(LAST_MONTH)
    months = [add_months(last, -back) for back in reversed(range(count))]
    built = _site(folder / "built")
    write_books(built, lines)
    commit = _committing(built, months)

    def least(name: str, site: Site, work: Callable[[Site], object]) -> Measured:
        return _least(rounds, name, folder, site, work)

    found = [
        least(f"commit {count} months month by month", built, partial(commit, months, together=False)),
        least(f"commit {count} months, stored together", built, partial(commit, months, together=True)),
    ]
    for published in sorted({1, count // 2, count}):
        # All months but the last are published when that is committed.
        ready = _copy(built, folder / f"published-{published}")
        with warehouse(ready):
            commit(months[-published:-1], ready, together=True)
            steps.publish(ready)
            commit(months[-1:], ready, together=False)
        name = f"publish one month beside {published - 1}"
        found.append(least(name, ready, partial(steps.publish, only_if_lagging=True)))
    return found


class _Commit(Protocol):
    def __call__(self, months: Sequence[date], site: Site, *, together: bool) -> None:
        """Commit months of what is built in a copy of the site."""


def _committing(site: Site, months: Sequence[date]) -> _Commit:
    """Build and validate months; what commits them."""
    known = len(_FEEDS)
    with warehouse(site):
        steps.prepare_months(site, months)
        checks = steps.validate_feeds(site, known)
        steps.build_marts(site, known)
        mart_checks, controls = steps.validate_marts(site, known)
    checks += mart_checks

    def commit(months: Sequence[date], site: Site, *, together: bool) -> None:
        if together:
            steps.store_ahead(site, months, as_of_load=known, checks=checks, controls=controls, restate=False)
        for month in months:
            steps.commit_month(
                site, month, as_of_load=known, checks=checks, controls=controls, restate=False, reason=""
            )

    return commit


_FEEDS = ("accounts", "products", "orders", "deliveries", "invoices")


def _site(folder: Path) -> Site:
    folder.mkdir()
    (folder / "kam.toml").write_text(
        SETTINGS.format(memory_limit="2GB") + "\n[publish]\npack = false\n", encoding="utf-8"
    )
    return find_site(folder)


def _copy(site: Site, folder: Path) -> Site:
    return find_site(Path(shutil.copytree(site.directory, folder)))


def _least(rounds: int, name: str, folder: Path, site: Site, work: Callable[[Site], object]) -> Measured:
    """The round with the least CPU, each on a copy of the site; closing the warehouse is part of it."""
    watch = Stopwatch()
    for _ in range(rounds):
        copy = _copy(site, folder / "copy")
        with watch.part(name), warehouse(copy):
            work(copy)
        shutil.rmtree(copy.directory)
    return min(watch.parts, key=lambda part: part.cpu_seconds)


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=333_333, help="lines of each feed (default 333,333)")
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"3 × {arguments.lines:,} lines, {arguments.months} months; {machine()}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="kam-benchmark-") as folder:
        found = run(Path(folder), arguments.lines, arguments.months, arguments.rounds)
    first = found[0].cpu_seconds
    print_table(
        ("step", "seconds", "CPU seconds", "÷ month by month"),
        (
            (one.step, f"{one.wall_seconds:.2f}", f"{one.cpu_seconds:.2f}", f"{one.cpu_seconds / first:.2f}")
            for one in found
        ),
    )


if __name__ == "__main__":
    main()
