"""Tryton's own server, whose calendar is the date in a file: the tests let it live through a year.

Run with the interpreter of .venv-tryton: `python server.py CALENDAR -c CONFIGURATION -d DATABASE`. All else is the server's own.
"""

import datetime as dt
import os
import sys
from pathlib import Path

_CALENDAR = Path(sys.argv.pop(1))
os.environ.setdefault("TRYTOND_CONFIG", sys.argv[sys.argv.index("-c") + 1])


def _today(timezone: dt.tzinfo | None = None) -> dt.date:  # noqa: ARG001 - as Tryton calls it
    return dt.date.fromisoformat(_CALENDAR.read_text(encoding="utf-8").strip())


if __name__ == "__main__":
    from trytond.cli import main
    from trytond.ir.date import Date

    Date.today = staticmethod(_today)
    sys.exit(main())
