"""Where the time of a close goes: loading a demo site and closing its last month, step by step.

    python -m benchmarks.close --accounts 12 --months 24

The steps of kam-close run one after the other in a process without Prefect, which is measured by itself: its import, and
an empty flow on an embedded server with a new home. The last line is the whole command, in which the import of Great
Expectations runs while the server starts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import BYTES_OF_MAXRSS, Measured, machine, measured, print_steps
from kam.cli import prefect_runtime
from kam.demo import write_demo
from kam.ingest import ordered_feeds
from kam.periods import month_name, parse_month
from kam.site import Site, find_site

_MODULE = "benchmarks.close"


class Stopwatch:
    """Measures parts of this process; the peak is that of the process so far."""

    def __init__(self) -> None:
        self.parts: list[Measured] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_OF_MAXRSS
        self.parts.append(Measured(name, time.perf_counter() - wall, time.process_time() - cpu, peak))


def import_prefect() -> None:
    """What each command that runs a flow imports."""
    prefect_runtime.configure()
    import prefect  # noqa: F401 - the import is what is measured


def run_empty_flow() -> None:
    """Import Prefect, start its embedded server, run a flow that does nothing."""
    prefect_runtime.configure()
    from prefect import flow

    flow(name="empty")(lambda: None)()


def run_steps(site: Site, month_text: str) -> list[Measured]:
    """The steps of a close, each measured."""
    month = parse_month(month_text)
    watch = Stopwatch()
    with watch.part("kam-close: import"):
        from kam.close import steps
    with watch.part("Great Expectations: import"):
        import expectations.engine  # noqa: F401 - the import is what is measured
    with steps.writing_session(site, "benchmark"):
        with watch.part("load all feeds"):
            for feed in ordered_feeds(site):
                steps.load_feed(site, feed)
        with watch.part("prepare the month"):
            as_of_load = steps.prepare_months(site, [month])
        with watch.part("validate the feeds"):
            checks = steps.validate_feeds(site, as_of_load)
        with watch.part("build the tables"):
            steps.build_marts(site, as_of_load)
        with watch.part("validate the tables"):
            mart_checks, controls = steps.validate_marts(site, as_of_load)
        with watch.part("commit the version"):
            outcome = steps.commit_month(
                site,
                month,
                as_of_load=as_of_load,
                checks=(*checks, *mart_checks),
                controls=controls,
                restate=False,
                reason="",
            )
        with watch.part("publish"):
            steps.publish(site)
    if outcome.outcome != "closed":
        message = f"the month was not closed: {outcome.message}"
        raise SystemExit(message)
    return watch.parts


def run(folder: Path, accounts: int, months: int) -> list[Measured]:
    """All measurements, in `folder`."""
    # Prefect with a home of its own: a new server, as on a new machine, and no settings of this one.
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    os.environ.pop("PREFECT_API_URL", None)
    summary = write_demo(folder / "site", accounts=accounts, months=months)
    write_demo(folder / "again", accounts=accounts, months=months)
    month = month_name(summary.last_month)
    rows = sum(summary.rows.values())
    print(
        f"{rows:,} rows in {summary.files} files, {summary.bytes / 1e6:,.1f} MB, {months} months; {machine()}\n",
        flush=True,
    )
    results = [
        measured("Prefect: import", _MODULE, "--step", "prefect", str(folder), month),
        measured("Prefect: import, server and an empty flow", _MODULE, "--step", "flow", str(folder), month),
    ]
    measured("the steps", _MODULE, "--step", "steps", str(folder), month)
    results += [Measured(**part) for part in json.loads((folder / "steps.json").read_text(encoding="utf-8"))]
    whole = measured(f"kam close {month}", "kam.cli", "--site", str(folder / "again"), "close", month)
    return [*results, whole]


def _step(name: str, folder: Path, month: str) -> None:
    if name == "prefect":
        import_prefect()
    elif name == "flow":
        run_empty_flow()
    else:
        parts = [vars(part) for part in run_steps(find_site(folder / "site"), month)]
        (folder / "steps.json").write_text(json.dumps(parts), encoding="utf-8")


def main() -> None:
    """Run one step in this process, else all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=12, help="customer accounts of the demo site (default 12)")
    parser.add_argument("--months", type=int, default=24, help="months of the demo site (default 24)")
    parser.add_argument("--step", nargs=3, metavar=("STEP", "FOLDER", "MONTH"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        name, folder, month = arguments.step
        _step(name, Path(folder), month)
        return
    with tempfile.TemporaryDirectory(prefix="kam-benchmark-") as name:
        print_steps(run(Path(name), arguments.accounts, arguments.months))


if __name__ == "__main__":
    main()
