"""The steps of runs, kept in `ops.steps`: what took how long. No figure depends on them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from kam.timing import RUN, Step, also_heard_by
from kam.warehouse.names import another, is_apart
from kam.warehouse.sql import Connection, insert, literal, number_of, transaction

KEPT_RUNS = 1_000
_MOMENT = 0.5
# A commit to a lake costs a hundred times as much, and is kept for as long as the lake keeps its states.
_MOMENT_OF_LAKE = 60.0
DID_NOT_END = "did not end"


@contextmanager
def kept_steps(con: Connection) -> Iterator[None]:
    """Keep the steps of the run in progress, each about as soon as it ends, in a lake once a minute: a process that is killed leaves them."""
    with also_heard_by(_Kept(con)):
        yield


class _Kept:
    def __init__(self, con: Connection) -> None:
        self._con = con
        self._run_no = 0
        self._command = ""
        self._ended: list[dict[str, object]] = []
        self._written = time.monotonic()
        self._moment = _MOMENT_OF_LAKE if is_apart(con) else _MOMENT

    def began(self, run_id: str, step: Step) -> None:
        """Keep the run as one that did not end, until it does."""
        if step.name != RUN:
            self._write_now_and_then()
            return
        # A cursor of its own: a step may have left its connection in any state.
        with another(self._con) as con:
            self._run_no = number_of(con, "SELECT coalesce(max(run_no), 0) + 1 FROM ops.steps")
            self._command = step.subject
            insert(con, "ops.steps", [self._row(run_id, step) | {"outcome": DID_NOT_END}])
            con.execute(f"DELETE FROM ops.steps WHERE run_no <= {self._run_no - KEPT_RUNS}")

    def ended(self, run_id: str, step: Step) -> None:
        """Keep the step with those in it."""
        if step.name == RUN:
            self._end_of_run(step)
            return
        self._ended.append(self._row(run_id, step))
        self._write_now_and_then()

    def _end_of_run(self, step: Step) -> None:
        memory = "NULL" if step.peak_memory is None else step.peak_memory
        with another(self._con) as con, transaction(con):
            insert(con, "ops.steps", self._ended)
            con.execute(
                f"UPDATE ops.steps SET seconds = {step.seconds:.3f}, peak_memory_bytes = {memory}, "
                f"outcome = {literal(step.outcome)}, error = {literal(step.error)} WHERE run_no = {self._run_no} AND step_no = 0"
            )

    def _write_now_and_then(self) -> None:
        """Write the steps that ended, unless that was done a moment ago: each commit costs milliseconds, and many steps no more."""
        if not self._ended or time.monotonic() - self._written < self._moment:
            return
        with another(self._con) as con:
            insert(con, "ops.steps", self._ended)
        self._ended, self._written = [], time.monotonic()

    def _row(self, run_id: str, step: Step) -> dict[str, object]:
        return {
            "run_no": self._run_no,
            "run_id": run_id,
            "command": self._command,
            "step_no": step.number,
            "parent_no": step.parent.number if step.parent else None,
            "step": step.name,
            "subject": "" if step.name == RUN else step.subject,
            "period_months": list(step.months),
            "started_at": step.started_at.replace(tzinfo=None),
            "seconds": round(step.seconds, 3),
            "row_count": step.row_count,
            "peak_memory_bytes": step.peak_memory,
            "outcome": step.outcome,
            "error": step.error,
        }
