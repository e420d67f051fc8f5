"""The command line, run in this process."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kam.cli.commands import main
from tests.support import REPOSITORY


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    returncode: object
    stdout: str
    stderr: str


def kam(*arguments: str | Path, **environment: str) -> Answer:
    """Run the command line in this process; one of its own would take a second to start."""
    output, errors = io.StringIO(), io.StringIO()
    status: object = 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        patch.setattr(sys, "argv", ["kam", *map(str, arguments)])
        patch.chdir(REPOSITORY)
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
    return Answer(status, output.getvalue(), errors.getvalue())
