"""Measuring: each step runs as a process of its own, so that its memory is its own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Measured:
    """What a process took: seconds on the clock, seconds of CPU on all cores, and its largest resident memory."""

    step: str
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def measured(step: str, module: str, *arguments: str) -> Measured:
    """Run `python -m module arguments` and measure it. Raises `SystemExit` when it fails."""
    # What the step before wrote goes to the disk first, so that this one does not wait for it.
    os.sync()
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", module, *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    wall_seconds = time.perf_counter() - started
    if status:
        message = f"{step}: failed"
        raise SystemExit(message)
    return Measured(step, wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * BYTES_OF_MAXRSS)


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
