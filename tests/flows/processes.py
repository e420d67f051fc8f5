"""Programs run as a user runs them: as processes of their own, which never outlive the test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from tests.support import REPOSITORY

Found = TypeVar("Found")

# Far more than a quiet machine needs.
PATIENCE_SECONDS = 240
# Words that no line for a person has in it.
NOISE = ("traceback", "warning", "deprecat", "prefect", "temporary server", "great_expectations")
PREFECT_LOG_LINE = re.compile(r"\d\d:\d\d:\d\d\.\d+ \| ")
_OURS = ("PREFECT_", "KAM_", "COVERAGE_")


@dataclass(frozen=True)
class Finished:
    """What a program answered."""

    exit_status: int
    output: str
    errors: str


def environment(home: Path, **variables: str) -> dict[str, str]:
    """The environment of a user with this Prefect home and the repository as it is, installed or not."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return inherited | {"PREFECT_HOME": str(home), "PYTHONPATH": str(REPOSITORY), "DO_NOT_TRACK": "1"} | variables


def kam(*arguments: str, env: Mapping[str, str]) -> Finished:
    """Run the command line to its end."""
    return run("kam.cli", *arguments, env=env)


def run(module: str, *arguments: str, env: Mapping[str, str], cwd: Path = REPOSITORY) -> Finished:
    """Run a Python module to its end."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        end(process)
    return Finished(process.returncode, output, errors)


@contextmanager
def running(
    module: str, *arguments: str, env: Mapping[str, str], cwd: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a Python module running in the background, its output in the file `log`."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=cwd, env=dict(env), stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """End a process with everything that it started."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        family = []
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait(timeout=30)


def wait_for(look: Callable[[], Found | None], what: str, process: subprocess.Popen[bytes] | None = None) -> Found:
    """Look until something is found; fail when it takes too long or the process that makes it is gone."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        if process is not None and process.poll() is not None:
            message = f"the process that makes it ended with {process.returncode}: {what}"
            raise AssertionError(message)
        time.sleep(0.2)
    message = f"not within {PATIENCE_SECONDS} seconds: {what}"
    raise AssertionError(message)


def lines_with(text: str, words: Sequence[str]) -> list[str]:
    """The lines of a program's output in which any of these words stands."""
    return [line for line in text.splitlines() if any(word.lower() in line.lower() for word in words)]
