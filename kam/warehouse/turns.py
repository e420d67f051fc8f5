"""Whose turn it is to write: one process at a time, and the others learn who it is."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from kam.errors import KamError, WarehouseBusyError
from kam.site import Site, sweep
from kam.warehouse.people import user_name


@dataclass(frozen=True)
class Holder:
    """Who holds the right to write: a process on a machine, and what it does, such as `close 2026-06`."""

    purpose: str
    process: int
    user: str
    machine: str

    def __str__(self) -> str:
        """The text that a waiting process prints."""
        where = "" if self.machine == socket.gethostname() else f" on {self.machine}"
        return f"{self.purpose} (process {self.process} of {self.user}{where})"


@contextmanager
def writing(site: Site, purpose: str, *, wait_seconds: float, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the right to write to the warehouse; wait for another process that has it.

    `purpose` tells a waiting person what this process does, such as `close 2026-06`. `on_wait` gets one message for each
    process that is waited for. Raises `WarehouseBusyError` after `wait_seconds`.
    """
    lock = FileLock(site.directory / ".kam.lock")
    deadline = time.monotonic() + wait_seconds
    who = ""
    while True:
        try:
            lock.acquire(timeout=min(0.2, max(deadline - time.monotonic(), 0)))
            break
        except Timeout:
            found = str(holder(site) or who or "another process")
            if time.monotonic() >= deadline:
                message = f"{site.warehouse}: still in use by {found} after {wait_seconds:.0f} seconds. Try again when it has finished"
                raise WarehouseBusyError(message) from None
            if found != who:
                on_wait(f"Waiting for {found} to finish")
                who = found
        except OSError as error:
            message = f"{site.directory}: cannot be written to: {error.strerror}"
            raise KamError(message) from None
    note = _holder_file(site)
    try:
        # Only a courtesy: on a full disk a waiting person reads "another process".
        with suppress(OSError):
            note.write_text(
                json.dumps(asdict(Holder(purpose, os.getpid(), user_name(), socket.gethostname()))), encoding="utf-8"
            )
        sweep(site)
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def holder(site: Site) -> Holder | None:
    """Who holds the right to write; None when it is not known, or when that process of this machine is gone."""
    try:
        found = Holder(**json.loads(_holder_file(site).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return None if found.machine == socket.gethostname() and not _is_running(found.process) else found


def _holder_file(site: Site) -> Path:
    """Says who has the lock. A killed process leaves this file; the system releases the lock."""
    return site.directory / ".kam.holder"


def _is_running(process: int) -> bool:
    if os.name == "nt":  # where asking would interrupt it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True
