"""Measuring: each step runs as a process of its own, so that its memory is its own. Processes that it starts count as well."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import duckdb
import psutil

BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Measured:
    """What a process took: seconds on the clock, seconds of CPU on all cores, and its largest resident memory.

    Those that it started are counted, the CPU of each when it was waited for. Memory that processes share counts in each.
    """

    step: str
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def measured(step: str, module: str, *arguments: str) -> Measured:
    """Run `python -m module arguments` and measure it. Raises `SystemExit` when it fails."""
    return measured_command(step, sys.executable, "-m", module, *arguments)


def measured_command(
    step: str, *command: str, variables: Mapping[str, str] | None = None, silent: bool = False
) -> Measured:
    """Run a command, with further variables of the environment, and measure it; its output is shown if it fails or is not to be silent.

    Raises `SystemExit` when it fails.
    """
    # What the step before wrote goes to the disk first, so that this one does not wait for it.
    os.sync()
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        # Where the shell forbids compiled modules, each step would compile its libraries anew.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(variables or {})},
        stdout=subprocess.PIPE if silent else None,
        stderr=subprocess.STDOUT if silent else None,
    )
    with _Memory(process.pid) as memory:
        said = process.stdout.read().decode(errors="replace") if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
    wall_seconds = time.perf_counter() - started
    if status:
        message = f"{said}{step}: failed"
        raise SystemExit(message)
    peak = max(usage.ru_maxrss * BYTES_OF_MAXRSS, memory.peak_bytes)
    return Measured(step, wall_seconds, usage.ru_utime + usage.ru_stime, peak)


class _Memory:
    """Looks four times a second at what a process and those it started hold together."""

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.25):
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(self._pid)
                self.peak_bytes = max(
                    self.peak_bytes, sum(map(_resident, [process, *process.children(recursive=True)]))
                )


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def machine() -> str:
    """What the figures were measured on."""
    return (
        f"DuckDB {duckdb.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )


def print_steps(steps: Iterable[Measured]) -> None:
    """What each step took."""
    print_table(
        ("step", "seconds", "CPU seconds", "peak MB"),
        (
            (step.step, f"{step.wall_seconds:.1f}", f"{step.cpu_seconds:.1f}", f"{step.peak_bytes / 1e6:,.0f}")
            for step in steps
        ),
    )


def print_table(header: Iterable[str], lines: Iterable[Iterable[object]]) -> None:
    """A Markdown table; all columns but the first are figures."""
    names = list(header)
    print(f"| {' | '.join(names)} |")
    print(f"|---|{'---:|' * (len(names) - 1)}")
    for line in lines:
        print(f"| {' | '.join(str(cell) for cell in line)} |")
