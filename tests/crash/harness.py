"""Runs commands on copies of a small site, kills them, and compares what a rerun leaves with an undisturbed run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash import books
from tests.crash.books import COMMANDS, Content, State
from tests.flows.processes import end
from tests.stores import variables_of
from tests.support import REPOSITORY

KILLED = -9
STOPPED = "Stopped. Nothing half-done was published; run the command again to continue"
# From the signal to the end, on a busy machine.
MOST_SECONDS = 20


@dataclass(frozen=True)
class Run:
    """How a run ended: exit status, or −9 when it was killed; its last words and the points that it passed."""

    status: int
    message: str
    points: Sequence[str]


class Runner:
    """A process that runs commands in processes of their own; see `tests.crash.child`."""

    def __init__(self, process: subprocess.Popen[str], place: Path) -> None:
        self._process, self._place = process, place

    def run(self, folder: Path, name: str, **request: Any) -> Run:
        """Run a command of `COMMANDS` in a site."""
        command = COMMANDS[name]
        return self._run(folder, command.flow, dict(command.arguments), request)

    def must_run(self, folder: Path, flow: str, **arguments: Any) -> None:
        """Run a flow with these arguments; it has to succeed."""
        run = self._run(folder, flow, arguments, {})
        assert run.status == 0, run.message

    def _run(self, folder: Path, flow: str, arguments: dict[str, Any], request: dict[str, Any]) -> Run:
        result = self._place / "result.json"
        result.unlink(missing_ok=True)
        asked = {"site": str(folder), "command": flow, "arguments": arguments, "result": str(result), **request}
        asked["environment"] = variables_of(folder)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        status = json.loads(self._process.stdout.readline())["status"]
        told = json.loads(result.read_text()) if result.exists() else {"message": "", "points": []}
        return Run(status, told["message"], told["points"])


@contextmanager
def runner(place: Path) -> Iterator[Runner]:
    """A runner that ends with the block; `place` is for its own files."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OPENBLAS_NUM_THREADS": "1", "DO_NOT_TRACK": "1"}
    with (place / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.child"],
            cwd=REPOSITORY, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, encoding="utf-8",
        )  # fmt: skip
        try:
            yield Runner(process, place)
        finally:
            end(process)


class Sites:
    """Sites in the states that commands find; each state is made once."""

    def __init__(self, runner: Runner, place: Path) -> None:
        self.runner, self._place = runner, place
        self._made: dict[State, Path] = {}
        self._trials: dict[str, Trial] = {}
        self._copies = 0

    def __call__(self, state: State) -> Path:
        """The one site in this state; not to be changed."""
        if state not in self._made:
            folder = self._place / state.__name__
            folder.mkdir()
            state(folder, self, self.runner.must_run)
            self._made[state] = folder
        return self._made[state]

    def trial(self, command: str) -> Trial:
        """The trial of a command, whose undisturbed run is made once."""
        if command not in self._trials:
            self._trials[command] = Trial(self, command)
        return self._trials[command]

    def copy(self, state: State) -> Path:
        """A site in this state, of one's own."""
        self._copies += 1
        return books.copied(self(state), self._place / f"copy{self._copies}")


class Trial:
    """One command: the site before it, all points of an undisturbed run, and the site `after` it."""

    def __init__(self, sites: Sites, name: str) -> None:
        self._sites, self._name = sites, name
        self.former = books.published(sites(COMMANDS[name].before))
        folder = self.after = self.site()
        start = time.monotonic()
        run = sites.runner.run(folder, name)
        self.seconds = time.monotonic() - start
        assert run.status == 0, run.message
        assert books.leftovers(folder) == []
        self.points, self._left = run.points, books.content(folder)

    def site(self) -> Path:
        """A site before the command."""
        return self._sites.copy(COMMANDS[self._name].before)

    def kill(self, folder: Path, **when: Any) -> int:
        """Run until a point or moment, then look as a reader does; the exit status."""
        run = self._sites.runner.run(folder, self._name, **when)
        assert run.status in (0, KILLED), run.message
        books.require_free(folder)
        assert books.published(folder) in (self.former, self._left["published"][0])
        self._require_whole_months(books.closed(folder))
        return run.status

    def stop(self, folder: Path, *, signal: int, must_stop: bool = True, **when: Any) -> str:
        """Run the command line until a signal at a point or moment; what it printed. It may be done before the signal."""
        start = time.monotonic()
        run = self._sites.runner.run(folder, self._name, kam=COMMANDS[self._name].typed, signal=signal, **when)
        took = time.monotonic() - start
        most = when.get("kill_after_seconds", self.seconds) + MOST_SECONDS
        assert took < most, f"{took:.1f} s, {run.status}: {run.message}"
        allowed = (128 + signal,) if must_stop else (128 + signal, 0)
        assert run.status in allowed, (run.status, run.message)
        self.require_stopped(folder, run.message if run.status else STOPPED)
        return run.message

    def require_stopped(self, folder: Path, printed: str) -> None:
        """Nothing half-done is there, nobody has to wait, and the last line says what happened."""
        # The short one is that of a run which had not begun.
        assert printed.strip().splitlines()[-1] in (STOPPED, "Stopped."), printed
        assert not re.search("Unexpected|Traceback|ignored in", printed), printed
        books.require_free(folder)
        assert books.published(folder) in (self.former, self._left["published"][0]), "something else is published"
        self._require_whole_months(books.closed(folder))
        left = books.leftovers(folder)
        assert ".kam.holder" not in left, left

    def rerun(self, folder: Path, **request: Any) -> None:
        """Run to the end: nothing may tell that there was a kill."""
        run = self._sites.runner.run(folder, self._name, **request)
        assert run.status == 0, run.message
        self.require_undisturbed(folder)

    def require_undisturbed(self, folder: Path) -> None:
        """Everything has to be as after an undisturbed run, and nothing more be there."""
        now = books.content(folder)
        assert now.keys() == self._left.keys()
        for table, expected in self._left.items():
            assert now[table] == expected, table
        assert books.leftovers(folder) == []

    def _require_whole_months(self, closed: Content) -> None:
        """A version is in the working file with all of its rows or with none."""
        versions = [_version(row) for row in closed["ops.closes"]]
        for table, found in closed.items():
            assert found == [row for row in self._left[table] if _version(row) in versions], table


def _version(row: Mapping[str, Any]) -> tuple[Any, Any]:
    return row["period_month"], row["close_version"]
