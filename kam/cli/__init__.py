"""The command line: commands, options, console, `kam check`, `kam status` and Prefect as a guest."""

from __future__ import annotations

import atexit
import sys
from contextlib import suppress

from kam import stops

__all__ = ["main"]


def main() -> None:
    """The command `kam` as a process: a signal stops it with one line, from its first moment on."""
    number = 0
    # Prefect and its embedded server register theirs later, and such functions run from last to first.
    atexit.register(lambda: stops.end_as_stopped(number) if number else None)
    stops.listen()
    try:
        from kam.cli import commands  # takes half a second

        commands.main()
    except SystemExit as ended:
        number = int(ended.code) - 128 if isinstance(ended.code, int) and ended.code > 128 else 0  # noqa: PLR2004 - as shells count
        raise
    except stops.Stopped as stopped:  # before the command began, or after it ended
        number = stopped.number
        with suppress(OSError):
            _say_stopped(number)
        sys.exit(128 + number)


def _say_stopped(number: int) -> None:
    """One line, also for a program that collects logs."""
    from kam.cli.json_lines import is_wanted, write_error  # light, and the signal came already
    from kam.errors import StoppedError

    message = "Stopped."
    if is_wanted(sys.argv[1:]):
        write_error(StoppedError(message, number), message, 128 + number)
    else:
        sys.stderr.write(f"{message}\n")
