"""A program that reads the published file over and over, as a BI tool does, until its input is closed.

`python -m tests.reader FILE HABIT` says `reading` after its first look, and at the end in one JSON line what it saw.
Habits: `reopens` for each look; `stays` on one connection for some looks; `keeps` its first one to the end; `joins`
reopens, and asks for everything in one query.
"""

from __future__ import annotations

import json
import os
import select
import sys
from pathlib import Path
from typing import Any

import duckdb

PAUSE_SECONDS = 1.2
# How many looks at one connection.
HABITS = {"reopens": 1, "joins": 1, "stays": 5, "keeps": sys.maxsize}
# By month: the version and the open receivables, as five views have them.
VIEWS = (
    "SELECT period_month, close_version, sum(outstanding_amount) FROM reporting.receivables_ageing GROUP BY ALL",
    "SELECT period_month, close_version, sum(outstanding_amount) FROM reporting.receivables_summary GROUP BY ALL",
    "SELECT period_month, close_version, sum(closing_amount) FROM reporting.receivables_rollforward GROUP BY ALL",
    "SELECT period_month, close_version, value FROM reporting.headline_figures WHERE figure = 'Open receivables'",
    "SELECT period_month, close_version, NULL FROM reporting.closes WHERE is_newest",
)
ONE_QUERY = " UNION ALL ".join(f"SELECT {number}, * FROM ({view})" for number, view in enumerate(VIEWS))


def looked(con: duckdb.DuckDBPyConnection, habit: str) -> tuple[Any, ...]:
    """What one look shows: of each view and month the version and the amount."""
    if habit == "joins":
        found = con.execute(ONE_QUERY).fetchall()
    else:
        found = [(number, *row) for number, view in enumerate(VIEWS) for row in con.execute(view).fetchall()]
    return tuple(sorted((number, str(month), version, float(amount or 0)) for number, month, version, amount in found))


def reopened(con: duckdb.DuckDBPyConnection | None, file: Path) -> duckdb.DuckDBPyConnection:
    """A new connection in place of this one."""
    if con is not None:
        con.close()
    return duckdb.connect(str(file), read_only=True)


def main(file: Path, habit: str) -> None:
    """Look until the input is closed, and once more after that."""
    # Twenty eager readers would leave the writer no processor.
    os.nice(19)
    seen: list[tuple[Any, ...]] = []
    faults: list[str] = []
    con = None
    reads, goes_on = 0, True
    while goes_on:
        goes_on = reads == 0 or not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]
        try:
            if con is None or reads % HABITS[habit] == 0 or not (goes_on or habit == "keeps"):
                con = reopened(con, file)
            view = looked(con, habit)
            reads += 1
            if not seen or view != seen[-1]:
                seen.append(view)
        except duckdb.Error as error:
            faults.append(repr(error))
            con = None
        if file.with_name(file.name + ".wal").exists():
            faults.append("a log stands beside the published file")
        if reads == 1:
            sys.stdout.write("reading\n")
            sys.stdout.flush()
    json.dump({"reads": reads, "seen": seen, "faults": faults}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
