"""A wrong clock, for a process that does one run and ends."""

from __future__ import annotations

import datetime as dt
import sys
import time


def set_back(seconds: int) -> None:
    """Let Python read an earlier time of day; the steady clock, which only counts, goes on as it is."""
    if not seconds:
        return
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() - seconds
    time.time_ns = lambda: now_ns() - seconds * 10**9

    class Earlier(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return dt.datetime.fromtimestamp(time.time(), tz)

    shown = type("datetime", (), vars(dt) | {"datetime": Earlier})
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "kam" and getattr(module, "dt", None) is dt:
            module.dt = shown  # type: ignore[attr-defined]
