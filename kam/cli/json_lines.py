"""`--log-format json`: all that a command says as one JSON object a line on stderr, for programs that collect logs."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from kam.cli.as_json import as_json
from kam.stages import BEGAN
from kam.timing import RUN, Step, heard_by, named

FORMAT_VARIABLE = "KAM_LOG_FORMAT"
OPTION = "--log-format"
# A record of our log that was told as what it is; the handler of all logs leaves it out.
_TOLD = "told_as_json"
_MONTH = re.compile(r"\d{4}-\d\d")
# The end of a first sentence: what follows says what to do.
_FIRST_SENTENCE = re.compile(r"[.?!] (?=[A-Z])|: (?=kam )|\n")


@dataclass
class Lines:
    """Writes the lines once it is on. `about` is in each of them: the run id, and command, site and month as far as they are known."""

    is_on: bool = False
    about: dict[str, str] = field(default_factory=dict)

    def write(self, message: str, *, level: str = "info", event: str = "message", **more: object) -> None:
        """Write one line; `more` are its own keys."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "level": level, "event": event, "message": message.strip(), **self.about, **more}
        sys.stderr.write(json.dumps(as_json(line), ensure_ascii=False) + "\n")
        sys.stderr.flush()


lines = Lines()


def is_wanted(arguments: Sequence[str]) -> bool:
    """Whether the command line or the environment asks for JSON; known before the command line is read, which may fail."""
    wanted = os.environ.get(FORMAT_VARIABLE, "")
    for word, value in pairwise([*arguments, ""]):
        wanted = (
            value if word == OPTION else word.removeprefix(f"{OPTION}=") if word.startswith(f"{OPTION}=") else wanted
        )
    return wanted == "json"


@contextmanager
def json_lines(arguments: Sequence[str]) -> Iterator[None]:
    """Until the end of the command, all that it says and all that libraries log are lines."""
    months = list(dict.fromkeys(word for word in arguments if _MONTH.fullmatch(word)))
    root, handler = logging.getLogger(), LibraryHandler()
    root.addHandler(handler)
    logging.captureWarnings(capture=True)
    with named() as run_id:
        lines.about = {"run_id": run_id} | ({"month": " to ".join(months)} if months else {})
        lines.is_on = True
        try:
            with heard_by(_Steps()):
                yield
        finally:
            lines.is_on = False
            logging.captureWarnings(capture=False)
            root.removeHandler(handler)


def write_error(error: BaseException, message: str, exit_status: int, *, with_code: bool = False) -> None:
    """Write why a command failed, what to do, and the exit status."""
    more = {"traceback": "".join(traceback.format_exception(error))} if with_code else {}
    lines.write(
        message,
        level="error",
        event="error",
        error=type(error).__name__,
        hint=hint(message),
        exit_status=exit_status,
        **more,
    )


def hint(message: str) -> str:
    """What a message says after its first sentence: what to do; empty when it has one sentence only."""
    found = _FIRST_SENTENCE.search(message)
    return message[found.end() :].strip() if found else ""


def write_table(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Write a table as one line, with its rows."""
    lines.write(title, event="table", rows=rows)


class LogHandler(logging.Handler):
    """Our own log: what was done. What is being done (lines that end with …) is for people who wait."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, except one of something in progress."""
        setattr(record, _TOLD, True)
        if not record.getMessage().endswith("…"):
            event = "message" if getattr(record, BEGAN, None) is None else "stage"
            lines.write(record.getMessage(), level=record.levelname.lower(), event=event)


class LibraryHandler(logging.Handler):
    """What libraries warn of. Prefect leaves the handlers of others alone only where they have a formatter."""

    def __init__(self) -> None:
        """A handler of warnings and errors."""
        super().__init__(logging.WARNING)
        self.setFormatter(logging.Formatter())
        self.with_prefect = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record of another library; of Prefect where its log is wanted."""
        if getattr(record, _TOLD, False) or (record.name.startswith("prefect") and not self.with_prefect):
            return
        lines.write(record.getMessage(), level=record.levelname.lower(), event="log", logger=record.name)


def show_prefect() -> None:
    """Prefect's own log is wanted, too, by this process and by the runs that it starts."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER", "json")
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LibraryHandler):
            handler.with_prefect = True
            handler.setLevel(logging.INFO)


class _Steps:
    """Writes a line for each step that ended, except for single models."""

    def began(self, _run_id: str, step: Step) -> None:
        if step.name == RUN:
            lines.write(f"{step.subject}: begins", event="run_began")

    def ended(self, _run_id: str, step: Step) -> None:
        if step.name == "model":
            return
        name = step.subject if step.name == RUN else f"{step.name} {step.subject}".strip()
        lines.write(
            f"{name}: {step.outcome}, {step.seconds:.1f} s",
            level="error" if step.outcome == "failed" else "info",
            event="run_ended" if step.name == RUN else "step",
            step=step.name,
            subject=step.subject,
            seconds=round(step.seconds, 3),
            rows=step.row_count,
            peak_memory_bytes=step.peak_memory,
            outcome=step.outcome,
            why=step.error,
        )
