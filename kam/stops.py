"""Stopping: a signal ends a run at the next statement, also where a library swallows what the signal's handler raises.

DuckDB turns an exception of a handler into `RuntimeError: Query interrupted`, Great Expectations tries such a query again, and
Python drops an exception inside the callback of a weak reference. So the system also writes each signal into a socket, whoever
handles it, and `check` raises once more what was lost.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from kam.errors import StoppedError

# Ctrl-C, the system or a service manager, and a terminal that closes.
_SIGNALS: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE_SECONDS = 5


class Stopped(KeyboardInterrupt):
    """A signal asked this process to stop. Libraries let pass what they know as a `KeyboardInterrupt`."""

    def __init__(self, number: int) -> None:
        """`number` is the signal's."""
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


class _Handler:
    """Raises `Stopped` at the first signal.

    Others that follow at once, as when a terminal closes, do not disturb the way out; one that comes after some seconds ends the
    process as `kill -9` does, which harms no data.
    """

    def __init__(self) -> None:
        self._first: float | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self._first is None:
            self._first = time.monotonic()
            for interrupt in _interrupts:
                interrupt()
            raise Stopped(number)
        if time.monotonic() - self._first > _PATIENCE_SECONDS:
            os._exit(128 + number)


class _Ear:
    """A socket that the system writes the number of each signal into."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        for end in (self._near, self._far):
            end.settimeout(0)
        self._heard: int | None = None
        self._former = signal.set_wakeup_fd(self._far.fileno(), warn_on_full_buffer=False)

    def number(self) -> int | None:
        """The first signal that asked to stop; None without any."""
        if self._heard is None:
            with suppress(BlockingIOError):
                self._heard = next((number for number in self._near.recv(64) if number in _SIGNALS), None)
        return self._heard

    def close(self) -> None:
        signal.set_wakeup_fd(self._former)
        self._near.close()
        self._far.close()


_interrupts: list[Callable[[], None]] = []
_ears: list[_Ear] = []
"""At most one: that of the outermost block that hears."""


def check() -> None:
    """Raise what the handler of a signal raised, when one asked to stop since the block of `heard` began.

    Not while it is on its way already: what puts the end on record may still be written.
    """
    if not _ears or not _is_main_thread() or _is_on_its_way(sys.exc_info()[1]):
        return
    number = _ears[0].number()
    if number is None:
        return
    for interrupt in _interrupts:
        interrupt()
    handler = signal.getsignal(number)
    if isinstance(handler, _Handler):
        raise Stopped(number)
    if callable(handler):  # somebody else's, such as Prefect's
        handler(number, None)


@contextmanager
def heard() -> Iterator[None]:
    """No signal is lost within the block, whoever handles it: `check` raises it, and so does the end in place of an error."""
    if _ears or not _is_main_thread():  # an outer block hears, or nobody can
        with _told_as_stop():
            yield
        return
    _ears.append(_Ear())
    try:
        with _told_as_stop():
            yield
    finally:
        _ears.pop().close()


@contextmanager
def interrupting(interrupt: Callable[[], None]) -> Iterator[None]:
    """`interrupt` ends what a connection is busy with, when a signal comes or the block ends with an error.

    DuckDB itself only stops waiting: the next statement, such as a ROLLBACK, and closing would wait until the interrupted one is done.
    """
    _interrupts.append(interrupt)
    try:
        yield
    except BaseException:
        interrupt()
        raise
    finally:
        _interrupts.remove(interrupt)


@contextmanager
def listening() -> Iterator[None]:
    """Signals that ask to stop raise `Stopped` within the block; those that the process ignores stay ignored."""
    if not _is_main_thread() or isinstance(signal.getsignal(signal.SIGINT), _Handler):
        with heard():
            yield
        return
    before, hook = _listen(), sys.unraisablehook
    try:
        with heard():
            yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def listen() -> None:
    """As `listening`, up to the end of the process."""
    _listen()
    _ears.append(_Ear())


def leave_to_others() -> None:
    """Signals do again what they do by default: what comes now has a way to end of its own."""
    for number in _SIGNALS:
        if isinstance(signal.getsignal(number), _Handler):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def end_as_stopped(number: int) -> None:
    """End this process by a signal, so that a shell knows that it was stopped and goes on with nothing else."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a terminal that is gone
            stream.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # the first process of a container is not ended by a signal


def _listen() -> dict[int, Any]:
    """Install the handler; what handled the signals before."""
    handler, before = _Handler(), {}
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handler)
    hook = sys.unraisablehook

    def quietly(unraisable: sys.UnraisableHookArgs) -> None:
        """Say nothing of a stop that Python drops: `check` raises it once more."""
        if not issubclass(unraisable.exc_type, Stopped):
            hook(unraisable)

    sys.unraisablehook = quietly
    return before


@contextmanager
def _told_as_stop() -> Iterator[None]:
    try:
        yield
    except StoppedError:
        raise
    except Exception:
        check()
        raise


def _is_on_its_way(error: BaseException | None) -> bool:
    return error is not None and not isinstance(error, Exception)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
