"""The points at which a run can be killed, wrapped around the code before it starts; the code itself knows of none.

Four kinds: `step`, before and after each named step; `sql`, before each statement on any connection to DuckDB; `pg`, before each
that goes to the catalog of a lake directly; `os`, before and after each call that changes the file system for good. What follows a statement is what precedes the next.

A run can also be told to stop there, by a signal that it hears: at the point, `within` a statement that DuckDB is busy with, or where
Python drops what the handler raises (`lost`).
"""

from __future__ import annotations

import functools
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import psycopg

_OS_CALLS = ("replace", "rename", "link", "unlink", "mkdir", "rmdir", "fsync", "open")
_EXECUTE = duckdb.DuckDBPyConnection.execute
_MODULES = ("kam", "flows", "tasks", "expectations")


@dataclass
class Points:
    """Counts the points that a run passes, and ends the process at the `kill_at`th whose name begins with `named`."""

    kill_at: int = 0
    named: str = ""
    signal: int = signal.SIGKILL
    way: str = "at"
    passed: list[str] = field(default_factory=list)
    _count: int = 0

    def reach(self, name: str, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        """Pass a point, or get the signal there, as by `kill -9`."""
        self.passed.append(name)
        if not name.startswith(self.named):
            return
        self._count += 1
        if self._count != self.kill_at:
            return
        if self.way == "within" and connection is not None:
            threading.Timer(0.1, self._send).start()
            _EXECUTE(connection, "SELECT max(hash(range)) FROM range(1_000_000_000_000)")
        elif self.way == "lost":
            _Dropping(self._send)
        else:
            self._send()

    def _send(self) -> None:
        os.kill(os.getpid(), self.signal)


class _Dropping:
    """Python drops what is raised while an object goes."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def __del__(self) -> None:
        self._call()


def install(points: Points) -> None:
    """Wrap everything that makes a point. For a process that does one run and ends."""
    for name, function in _named_steps().items():
        _replace_everywhere(function, _around(function, f"step {name}", points))
    for method in ("execute", "executemany"):
        setattr(duckdb.DuckDBPyConnection, method, _statement(getattr(duckdb.DuckDBPyConnection, method), points))
    psycopg.Connection.execute = _statement(psycopg.Connection.execute, points, "pg")  # type: ignore[method-assign]
    for name in _OS_CALLS:
        setattr(os, name, _around(getattr(os, name), f"os {name}", points, only=_changes_files))


def _named_steps() -> Mapping[str, Callable[..., Any]]:
    from kam.archive import ledger, store
    from kam.close import steps, versions
    from kam.ingest import load
    from kam.publish import published_file

    chosen = {
        store: ("take_in", "keep", "add_to_ledger"),
        ledger: ("sync", "add_load", "add_close"),
        load: ("load",),
        versions: ("store_ahead", "commit"),
        published_file: ("publish", "_swap"),
        steps: tuple(
            name
            for name, value in vars(steps).items()
            if callable(value) and getattr(value, "__module__", "") == steps.__name__ and name[0].islower()
        ),
    }
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": getattr(module, name)
        for module, names in chosen.items()
        for name in names
    }


def _replace_everywhere(function: Callable[..., Any], wrapped: Callable[..., Any]) -> None:
    """In every module that has imported it by name, and in the steps that a run walks."""
    from kam.close import Steps

    for module in [module for name, module in sys.modules.items() if name.split(".")[0] in _MODULES]:
        for name, value in list(vars(module).items()):
            if value is function:
                setattr(module, name, wrapped)
            elif isinstance(value, Steps):
                # Also around a step that is tried again.
                called = [step for step, called in vars(value).items() if inspect.unwrap(called) is function]
                for step in called:
                    object.__setattr__(value, step, wrapped)


def _around(
    function: Callable[..., Any],
    name: str,
    points: Points,
    only: Callable[[str, tuple[Any, ...]], bool] = lambda _name, _arguments: True,
) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if not only(name, arguments):
            return function(*arguments, **named)
        points.reach(f"{name}: before")
        result = function(*arguments, **named)
        points.reach(f"{name}: after")
        return result

    return wrapped


def _changes_files(name: str, arguments: tuple[Any, ...]) -> bool:
    """Opening a file counts where it makes one."""
    return name != "os open" or bool(arguments[1] & os.O_CREAT)


def _statement(function: Callable[..., Any], points: Points, kind: str = "sql") -> Callable[..., Any]:
    def wrapped(connection: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        points.reach(f"{kind} {' '.join(str(query).split())[:60]}", connection if kind == "sql" else None)
        return function(connection, query, *arguments, **named)

    return wrapped
