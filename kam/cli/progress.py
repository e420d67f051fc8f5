"""The progress of a step on the console: our own log, and no other."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status


@contextmanager
def progress(console: Console, status: Status) -> Iterator[None]:
    """Print what was done; show what is being done (lines that end with …) in the status line."""
    handler = _Progress(console, status)
    log = logging.getLogger("kam")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)


class _Progress(logging.Handler):
    def __init__(self, console: Console, status: Status) -> None:
        super().__init__()
        self._console, self._status = console, status

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.endswith("…"):
            self._status.update(text)
        else:
            style = "yellow" if record.levelno >= logging.WARNING else None
            self._console.print(text, style=style, markup=False, soft_wrap=True)
