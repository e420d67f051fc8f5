"""SELECTs over files: each runs in a process of its own, in a folder where its inputs lie under their names.

So it sees these and nothing else, wherever the site lies, and a rebuild gives the same rows.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import duckdb

from kam.errors import SourceRefusedError, disk_fault
from kam.ingest.readers.relation import Relation
from kam.warehouse import Connection, literal, memory, walled_in

_PACKAGES = Path(__file__).resolve().parents[3]
# The first word of a token, which may have a comment behind it.
_WORD = re.compile(r'"?\w+"?|\S')
# Names that stand for a time without parentheses.
_CLOCKS = ("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp")
# What DuckDB calls consistent although it depends on the session.
_OF_THE_SESSION = ("current_setting", "getvariable")
# With one argument it counts up to today.
_AGE = "age"


CHANGES = "gives another value each time, so the same files would not give the same rows. Leave it out"


def query_relation(
    con: Connection, sql: str, inputs: Mapping[str, Path], folder: Path, memory_limit: str, where: str
) -> Relation:
    """The rows of a SELECT over `inputs` (name below the site, and where the bytes lie), kept in `temp.query_rows`.

    Kept, because a second reading may give another order. Raises `SourceRefusedError` when it is not one SELECT, reads
    anything else, or would give other rows another time.
    """
    seen, answer = folder / "inputs", folder / "answer.duckdb"
    seen.mkdir()
    for name, path in inputs.items():
        seen_as = seen / name
        seen_as.parent.mkdir(parents=True, exist_ok=True)
        seen_as.symlink_to(path.resolve())
    request = {
        "sql": sql,
        "answer": str(answer),
        "readable": [str(path.resolve()) for path in inputs.values()],
        "spill": str(folder / "spill"),
        "memory_limit": memory_limit,
    }
    reason = _asked(request, seen)
    if disk_fault(OSError(reason)):
        raise OSError(reason)
    if reason:
        message = f"{where}: {reason.replace(f'{seen}/', '')}{_advice(reason)}"
        raise SourceRefusedError(message)
    con.execute(f"ATTACH {literal(str(answer))} AS answer (READ_ONLY)")
    try:
        con.execute("CREATE OR REPLACE TEMP TABLE query_rows AS FROM answer.query_rows")
    finally:
        con.execute("DETACH answer")
    described = con.execute("DESCRIBE temp.query_rows").fetchall()
    return Relation("temp.query_rows", {row[0]: row[1] for row in described})


def _asked(request: Mapping[str, object], folder: Path) -> str:
    """Have a new process answer; why it could not, else an empty text. It gets none of our environment."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kam.ingest.readers.queries"],
        input=json.dumps(request).encode(),
        capture_output=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(_PACKAGES)} | {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ},
    )
    if done.returncode == 0:
        return str(json.loads(done.stdout))
    if done.returncode < 0:
        return (
            f"the SELECT was ended by the system (signal {-done.returncode}); does it need more memory than there is?"
        )
    return f"the SELECT could not be run: {done.stderr.decode(errors='replace').strip().splitlines()[-1]}"


def _advice(reason: str) -> str:
    if "Permission Error" in reason or "No files found" in reason:
        return ". A SELECT sees only what `inputs` declares: name every file that it reads there, below the site"
    return ""


def _answer(request: Mapping[str, object]) -> str:
    """Run the SELECT into the file of the answer; why that is not possible, else an empty text."""
    sql = str(request["sql"])
    readable = [Path(path) for path in list(request["readable"])]  # type: ignore[call-overload]
    try:
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            return "expected one SELECT"
        with walled_in(
            Path(str(request["answer"])), readable, Path(str(request["spill"])), str(request["memory_limit"])
        ) as con:
            if name := changing_function(sql):
                return f"{name} {CHANGES}"
            con.execute(f"CREATE TABLE query_rows AS\n{sql}")
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return ""


def changing_function(sql: str) -> str:
    """What of an SQL text depends on the clock, on chance or on the session, such as `now()`; empty without any."""
    functions = _changing_functions()
    tokens = duckdb.tokenize(sql)
    ends = [start for start, _ in tokens[1:]] + [len(sql)]
    words = [_WORD.match(sql, start, end) for (start, _), end in zip(tokens, ends, strict=True)]
    named = [found[0].lower() if found else "" for found in words]
    for place, (name, (_, kind)) in enumerate(zip(named, tokens, strict=True)):
        if kind == duckdb.token_type.string_const:
            continue
        function = name.strip('"')
        if named[place + 1 : place + 2] == ["("] and (
            function in functions or (function == _AGE and _has_one_argument(named[place + 2 :]))
        ):
            return f"{function}()"
        if name in _CLOCKS and named[max(place - 1, 0)] != ".":
            return name
    return ""


@cache
def _changing_functions() -> frozenset[str]:
    """DuckDB's functions and macros, and the project's, that do not give the same value for the same arguments."""
    with memory() as con:
        found = con.execute("SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'")
        # A row that is refused is the same row each time.
        functions = {name for (name,) in found.fetchall()} - {"error"} | set(_OF_THE_SESSION)
        of_these = con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE regexp_matches(macro_definition, ?)",
            [rf"\b({'|'.join(sorted(functions | set(_CLOCKS)))})\b"],
        )
        return frozenset(functions | {name for (name,) in of_these.fetchall()})


def _has_one_argument(words: Sequence[str]) -> bool:
    """Whether the words behind an opening parenthesis come to the closing one without a comma of its own."""
    depth = 0
    for word in words:
        if word == "," and not depth:
            return False
        if word in (")", "]", "}"):
            if not depth:
                break
            depth -= 1
        depth += word in ("(", "[", "{")
    return True


if __name__ == "__main__":
    json.dump(_answer(json.load(sys.stdin)), sys.stdout)
