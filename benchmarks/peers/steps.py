"""What is measured: each peer and kam-close, from the same files, in a process of its own."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from benchmarks.measure import Measured, measured, measured_command
from benchmarks.peers.generate import FEEDS, FIRST_DAY, LAST_DAY, MONTHS
from benchmarks.peers.tables import Table, in_file, in_folder
from kam.periods import add_months, month_name

MONTH = month_name(LAST_DAY)
EVERY_MONTH = tuple(month_name(add_months(FIRST_DAY, number)) for number in range(MONTHS))
PROJECT = Path(__file__).parents[1] / "dbt"
DBT = Path(__file__).parents[2] / ".venv-dbt" / "bin" / "dbt"
# Told once: what a step is called in tables and in the figures that are kept.
FLOOR, POLARS, DBT_BUILD = "bare DuckDB", "Polars", "dbt build with tests"
CLOSE, AGAIN, INGEST = "kam close", "kam close again, nothing new", "kam ingest"
FLOOR_LOAD, FLOOR_BUILD = "bare DuckDB: of which load", "bare DuckDB: of which build"


@dataclass(frozen=True)
class Run:
    """Where a comparison works, and with how much memory each of them may."""

    folder: Path
    memory_limit: str

    @property
    def files(self) -> Path:
        """The folder of the generated files."""
        return self.folder / "files"

    def empty(self, name: str) -> Path:
        """A new folder."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def new_site(self, name: str) -> Path:
        """A site of the files, with nothing loaded."""
        site = self.empty(name)
        feeds = "".join(f'[feeds.{feed}]\nfiles = "{self.files / feed}.csv"\n' for feed in FEEDS)
        settings = f'[site]\nname = "Peers"\nmemory_limit = "{self.memory_limit}"\n{feeds}'
        (site / "kam.toml").write_text(settings, encoding="utf-8")
        return site


def compile_modules() -> None:
    """Import what all of ours import, so that no step that is measured is the first to compile it."""
    libraries = "import altair, vl_convert, polars, kam.cli.commands, kam.close.steps, kam.publish, expectations.engine"
    measured_command("imports", sys.executable, "-c", libraries)


def floor(run: Run, months: tuple[str, ...] = (MONTH,), name: str = FLOOR) -> Measured:
    """The bare DuckDB script; several months in one."""
    database = run.empty("floor" if len(months) == 1 else "floor of all months") / "floor.duckdb"
    months_text = ",".join(months)
    return measured(name, "benchmarks.peers.floor", str(run.files), str(database), months_text, run.memory_limit)


def floor_parts(run: Run) -> dict[str, tuple[float, float]]:
    """Seconds and CPU seconds of each table of the bare DuckDB script that ran last."""
    took = json.loads((run.folder / "floor" / "floor.json").read_text(encoding="utf-8"))
    return {name: (wall, cpu) for name, (wall, cpu) in took.items()}


def floor_load_and_build(run: Run, whole: Measured) -> list[Measured]:
    """The two parts of it; the peak is that of the whole."""
    parts = floor_parts(run)
    sums = []
    for name, schema in ((FLOOR_LOAD, "main_staging."), (FLOOR_BUILD, "main_marts.")):
        took = [part for table, part in parts.items() if table.startswith(schema)]
        sums.append(
            replace(whole, step=name, wall_seconds=sum(t[0] for t in took), cpu_seconds=sum(t[1] for t in took))
        )
    return sums


def in_polars(run: Run) -> Measured:
    """Lazy Polars."""
    return measured(POLARS, "benchmarks.peers.in_polars", str(run.files), str(run.empty("polars")), MONTH)


def dbt(run: Run) -> Measured:
    """`dbt build`, models and tests."""
    run.empty("dbt")
    return _dbt(run, DBT_BUILD, MONTH)


def _dbt(run: Run, name: str, month: str, *selection: str) -> Measured:
    folder = run.folder / "dbt"
    return measured_command(
        name,
        str(DBT), "build", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(folder / "target"),
        "--log-path", str(folder / "logs"), "--vars", json.dumps({"files": str(run.files), "month": f"{month}-01"}), *selection,
        variables={
            "PEERS_DATABASE": str(folder / "dbt.duckdb"), "PEERS_MEMORY_LIMIT": run.memory_limit,
            "PEERS_SPILL": str(folder / "spill"), "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        silent=True,
    )  # fmt: skip


def dbt_backfill(run: Run) -> Measured:
    """`dbt build` for all, then the marts of each further month."""
    run.empty("dbt")
    name = f"dbt, {MONTHS} months one by one"
    steps = [
        _dbt(run, name, EVERY_MONTH[0]),
        *(_dbt(run, name, month, "--select", "marts") for month in EVERY_MONTH[1:]),
    ]
    return Measured(
        name, sum(s.wall_seconds for s in steps), sum(s.cpu_seconds for s in steps), max(s.peak_bytes for s in steps)
    )


def kam(site: Path, name: str, *arguments: str) -> Measured:
    """A command of ours."""
    return measured_command(name, sys.executable, "-m", "kam.cli", "--site", str(site), *arguments, silent=True)


def kam_backfill(run: Run) -> Measured:
    """`kam backfill` of all months, in the site that `kam ingest` loaded."""
    name = f"kam backfill, {MONTHS} months, loaded before"
    return kam(run.folder / "ingested", name, "backfill", EVERY_MONTH[0], EVERY_MONTH[-1])


def published(run: Run, site: str = "site") -> Path:
    """The published file of a site."""
    return run.folder / site / "published" / "kam.duckdb"


def results(con: duckdb.DuckDBPyConnection, run: Run, peer: str) -> Callable[[Table], str]:
    """Where a peer's tables are."""
    if peer == POLARS:
        return in_folder(run.folder / "polars")
    return in_file(con, run.folder / ("dbt/dbt.duckdb" if peer == DBT_BUILD else "floor/floor.duckdb"))
