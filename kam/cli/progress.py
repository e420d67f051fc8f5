"""The progress of a step on the console: our own log, and no other."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.status import Status
from rich.text import Text

from kam.cli.json_lines import LogHandler, lines
from kam.stages import BEGAN, in_words


@contextmanager
def progress(console: Console, status: Status, stages: Console) -> Iterator[None]:
    """Print what was done; show what is being done (lines that end with …), and for how long, in the status line.

    Where the console is no terminal, and shows no status, each stage that is done is a line on `stages`.
    """
    handler = LogHandler() if lines.is_on else _Progress(console, status, stages)
    log = logging.getLogger("kam")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)


@dataclass(frozen=True)
class _Running:
    """A text with the time since a step began, worked out each time that it is shown."""

    text: str
    began: float

    def __rich__(self) -> Text:
        return Text(f"{self.text} {in_words(time.monotonic() - self.began)}")


class _Progress(logging.Handler):
    def __init__(self, console: Console, status: Status, stages: Console) -> None:
        super().__init__()
        self._console, self._status, self._stages = console, status, stages

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        began = getattr(record, BEGAN, None)
        if text.endswith("…"):
            self._status.update(_Running(text, began or time.monotonic()))
        elif began is None:
            style = "yellow" if record.levelno >= logging.WARNING else None
            self._console.print(text, style=style, markup=False, soft_wrap=True)
        elif not self._console.is_terminal:
            self._stages.print(text, markup=False, soft_wrap=True)
