"""The last figures of `make bench-quick`, kept in the repository, so that a drift shows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Measured, machine, print_table

FILE = Path(__file__).with_name("last.json")
# A ratio that got worse by more than this is named.
TOLERATED = 0.15


def ratios(floor: Measured, steps: Iterable[Measured]) -> dict[str, float]:
    """CPU seconds of each step ÷ those of the floor: what another machine or a busy one hardly changes."""
    return {step.step: round(step.cpu_seconds / floor.cpu_seconds, 2) for step in steps}


def keep(floor: Measured, steps: Iterable[Measured], file: Path = FILE) -> None:
    """Write the figures in place of the last ones."""
    kept = {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "floor_cpu_seconds": round(floor.cpu_seconds, 2),
        "cpu_ratios": ratios(floor, steps),
    }
    file.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def print_beside_kept(floor: Measured, steps: list[Measured], file: Path = FILE) -> list[str]:
    """The ratios beside the last ones; warnings, which are printed, too, for those that got worse."""
    last = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"cpu_ratios": {}}
    now = ratios(floor, steps)
    print_table(
        ("step", "CPU seconds", "CPU ÷ floor", f"last, {last.get('measured_on', 'none')}", "change"),
        (
            (
                step.step,
                f"{step.cpu_seconds:.1f}",
                f"{now[step.step]:.2f}",
                *_beside(now[step.step], last["cpu_ratios"].get(step.step)),
            )
            for step in steps
        ),
    )
    print(f"\nThe floor took {floor.cpu_seconds:.2f} CPU seconds here. {machine()}")
    warnings = [
        f"{name}: {now[name]:.2f} times the floor, {before:.2f} last time. Find what made it slower, or keep it: make bench-quick KEEP=1"
        for name, before in last["cpu_ratios"].items()
        if name in now and now[name] > before * (1 + TOLERATED)
    ]
    for warning in warnings:
        print(f"WARNING {warning}", file=sys.stderr)
    return warnings


def _beside(now: float, before: float | None) -> tuple[str, str]:
    return (f"{before:.2f}", f"{100 * (now / before - 1):+.0f} %") if before else ("–", "–")
