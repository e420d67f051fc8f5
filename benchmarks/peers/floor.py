"""The floor: a bare DuckDB script that loads the files and builds the tables of one month.

    python -m benchmarks.peers.floor FILES DATABASE MONTH MEMORY_LIMIT

It runs the SELECTs of the dbt project, one after the other, as somebody would who writes a script and nothing else. What each
took is written to DATABASE with the ending .json.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import duckdb

from benchmarks.peers.generate import FEEDS
from benchmarks.peers.tables import TABLES

_MODELS = Path(__file__).parents[1] / "dbt" / "models"
_HELPERS = ("day_rates", "month_rates")


def statement(file: Path, files: Path, month: str) -> str:
    """The SELECT of a model, for this folder of files and this month, without dbt."""
    text = file.read_text(encoding="utf-8")
    text = text.replace('{{ var("files") }}', str(files)).replace("{{ month() }}", f"DATE '{month}-01'")
    text = text.replace("{{ month_end() }}", f"last_day(DATE '{month}-01')")
    return re.sub(r"\{\{ ref\('(stg_)?(\w+)'\) \}\}", lambda ref: f"{_schema(ref[1])}.{ref[1] or ''}{ref[2]}", text)


def _schema(is_staging: str | None) -> str:
    return "main_staging" if is_staging else "main_marts"


def run(files: Path, database: Path, months: list[str], memory_limit: str) -> dict[str, tuple[float, float]]:
    """Load and build. Seconds and CPU seconds of each table; those of several months are added up."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": str(database.with_suffix(".spill")),
        "storage_compatibility_version": "v1.5.0",
    }
    took: dict[str, tuple[float, float]] = {}
    with duckdb.connect(str(database), config=config) as con:
        con.execute("CREATE SCHEMA main_staging; CREATE SCHEMA main_marts")
        steps = [(f"main_staging.stg_{feed}", _MODELS / "staging" / f"stg_{feed}.sql", months[0]) for feed in FEEDS]
        names = (*_HELPERS, *(table.name for table in TABLES))
        steps += [
            (f"main_marts.{name}", _MODELS / "marts" / f"{name}.sql", month) for month in months for name in names
        ]
        for table, file, month in steps:
            wall, cpu = time.perf_counter(), time.process_time()
            con.execute(f"CREATE OR REPLACE TABLE {table} AS {statement(file, files, month)}")
            before = took.get(table, (0.0, 0.0))
            took[table] = (before[0] + time.perf_counter() - wall, before[1] + time.process_time() - cpu)
    return took


def main() -> None:
    """Run in this process."""
    files, database, months, memory_limit = sys.argv[1:]
    took = run(Path(files), Path(database), months.split(","), memory_limit)
    Path(database).with_suffix(".json").write_text(json.dumps(took), encoding="utf-8")


if __name__ == "__main__":
    main()
