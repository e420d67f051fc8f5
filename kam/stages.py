"""The stages of a run, told to the log `kam`: what is done of what, and the time taken."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from kam.stops import check
from kam.words import counted

Item = TypeVar("Item")
# What a record of a stage has beside its text: when the stage began, on the clock of `time.monotonic`.
BEGAN = "stage_began"
log = logging.getLogger("kam")


def each(stage: str, items: Sequence[Item], noun: str, *, name: Callable[[Item], str] = str) -> Iterator[Item]:
    """The items of a stage one by one, such as `load: 4 of 14 feeds`; the last line has the time taken.

    A line that ends with … says what is being done; `name` gives the item's name in it.
    """
    began = time.monotonic()
    more = {BEGAN: began}
    whole = f"{len(items):,} {counted(len(items), noun).partition(' ')[2]}"
    for done, item in enumerate(items):
        check()
        log.info("%s: %d of %s: %s …", stage, done, whole, name(item), extra=more)
        yield item
    if items:
        log.info("%s: %d of %s, %s", stage, len(items), whole, in_words(time.monotonic() - began), extra=more)


def in_words(seconds: float) -> str:
    """A time taken: `12 s`, `3 min 5 s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
