"""The steps of a run: how long each took, of how many rows, in how much memory, and how it ended.

A run is a tree of steps. Listeners hear when one begins and ends: the warehouse keeps them, a collector of traces gets them.
What a listener runs into never harms the run.
"""

from __future__ import annotations

import logging
import resource
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Protocol

from kam.errors import KamError, StoppedError

_BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024
RUN = "run"
"""The name of the step that is the run itself; its subject is the run as it is typed, such as `close 2026-10`."""
log = logging.getLogger("kam")


@dataclass
class Step:
    """A step of a run, and how it ended; `number` counts within the run, which is 0 itself.

    `outcome` is `done`, `failed`, `stopped` (Ctrl-C, a signal), or what the step says itself, such as `unchanged`. `peak_memory` is in bytes: the
    most that the process had until the end of the step, so the step that raised it needed it. `facts` are more for a trace.
    """

    name: str
    subject: str = ""
    months: tuple[date, ...] = ()
    number: int = 0
    parent: Step | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0
    row_count: int | None = None
    peak_memory: int | None = None
    outcome: str = "done"
    error: str = ""
    facts: dict[str, str | int] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    def end(self, error: BaseException | None = None) -> None:
        """Note the time and the memory, and why it did not reach its end."""
        self.seconds = time.monotonic() - self._began
        self.peak_memory = peak_memory()
        if error is not None:
            is_failure = isinstance(error, Exception) and not isinstance(error, StoppedError)
            self.outcome = "failed" if is_failure else "stopped"
            self.error = _reason(error)


class Listener(Protocol):
    """Hears of the steps of a run, the run itself included: first when it begins, last when it ends."""

    def began(self, run_id: str, step: Step) -> None:
        """A step begins; its parent began before."""

    def ended(self, run_id: str, step: Step) -> None:
        """A step ended, and so did all steps in it."""


@dataclass
class _Recording:
    run_id: str
    listeners: list[Listener]
    open: list[Step] = field(default_factory=list)
    over: list[Step] = field(default_factory=list)
    count: int = 0

    def tell(self, call: Callable[[Listener], None]) -> None:
        for listener in tuple(self.listeners):
            self.tell_one(listener, call)

    def tell_one(self, listener: Listener, call: Callable[[Listener], None]) -> None:
        """Tell a listener something, unless it failed before."""
        if listener not in self.listeners:
            return
        try:
            call(listener)
        except Exception as error:  # noqa: BLE001 - a close must not fail because nobody could note how long it took
            self.listeners.remove(listener)
            log.warning("The times of this run are not kept (%s). The run itself is not affected", _reason(error))


_recording: ContextVar[_Recording | None] = ContextVar("recording", default=None)
_run_id: ContextVar[str] = ContextVar("run_id", default="")
_everywhere: list[Listener] = []


@contextmanager
def named(given: str = "") -> Iterator[str]:
    """The id of runs that begin meanwhile: of the command or the flow run whose steps these are. One that is given already stays."""
    token = _run_id.set(_run_id.get() or given or uuid.uuid4().hex)
    try:
        yield _run_id.get()
    finally:
        _run_id.reset(token)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Runs that begin meanwhile have this listener, too."""
    _everywhere.append(listener)
    try:
        yield
    finally:
        _everywhere.remove(listener)


@contextmanager
def run(subject: str, months: Sequence[date] = (), listeners: Sequence[Listener] = ()) -> Iterator[Step]:
    """A run, whose steps are told to the listeners."""
    with named() as run_id:
        token = _recording.set(_Recording(run_id, [*_everywhere, *listeners]))
        try:
            with step(RUN, subject, months) as whole:
                yield whole
        finally:
            _recording.reset(token)


@contextmanager
def step(name: str, subject: str = "", months: Sequence[date] = ()) -> Iterator[Step]:
    """A step of the run in progress; outside a run nobody hears of it."""
    recording = _recording.get()
    if recording is None:
        yield Step(name, subject, tuple(months))
        return
    parent = recording.open[-1] if recording.open else None
    now = Step(name, subject, tuple(months) or (parent.months if parent else ()), recording.count, parent)
    recording.count += 1
    recording.tell(lambda listener: listener.began(recording.run_id, now))
    recording.open.append(now)
    try:
        yield now
    except BaseException as error:
        now.end(error)
        raise
    else:
        now.end()
    finally:
        recording.open.remove(now)
        recording.over.append(now)
        recording.tell(partial(_ended, recording.run_id, now))


@contextmanager
def also_heard_by(listener: Listener) -> Iterator[None]:
    """The run in progress has this listener, too: it hears now what it missed, and the end of the run at the end of this block."""
    recording = _recording.get()
    if recording is None:
        yield
        return
    whole = recording.open[0]
    recording.listeners.append(listener)
    recording.tell_one(listener, lambda one: one.began(recording.run_id, whole))
    for missed in tuple(recording.over):
        recording.tell_one(listener, partial(_ended, recording.run_id, missed))
    try:
        yield
    except BaseException as error:
        whole.end(error)
        raise
    else:
        whole.end()
    finally:
        recording.tell_one(listener, partial(_ended, recording.run_id, whole))
        if listener in recording.listeners:
            recording.listeners.remove(listener)


def _ended(run_id: str, step: Step, listener: Listener) -> None:
    listener.ended(run_id, step)


def note(**facts: str | int) -> None:
    """Say more about the step in progress."""
    recording = _recording.get()
    if recording is not None and recording.open:
        recording.open[-1].facts |= facts


def whole_run() -> Step | None:
    """The run in progress; None outside one."""
    recording = _recording.get()
    return recording.open[0] if recording is not None and recording.open else None


def peak_memory() -> int:
    """The most memory that this process had until now, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES_OF_MAXRSS


def _reason(error: BaseException) -> str:
    """Why something ended, in one line. The text of an unknown error may hold a secret."""
    if isinstance(error, KamError):
        return str(error).partition("\n")[0]
    if isinstance(error, KeyboardInterrupt) and str(error):
        return str(error)  # which signal it was
    return f"unexpected {type(error).__name__}" if isinstance(error, Exception) else type(error).__name__
