"""Faults planted in the demo, each with the rule that finds it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from kam.demo.texts import text
from kam.periods import add_months

# What `faults.toml` calls the months that have faults, the last one first.
_MONTHS = ("this", "previous", "before")


@dataclass(frozen=True)
class PlantedFault:
    """A row, by the source's own column names, that a source system could have sent by mistake."""

    feed: str
    month: date
    row: Mapping[str, str]
    what_happens: str


def planted_faults(first_month: date, last_month: date, unknown_account: str) -> tuple[PlantedFault, ...]:
    """The faulty rows, all in the last three months (or the first, in a shorter site)."""
    months = {name: max(add_months(last_month, -back), first_month) for back, name in enumerate(_MONTHS)}
    document = tomllib.loads(text("faults.toml"))
    faults = []
    for planted in document["faults"]:
        feed, month = planted["feed"], months[planted["month"]]
        row = {
            name: value.format(month=month, unknown_account=unknown_account)
            for name, value in (document["common"][feed] | planted["row"]).items()
        }
        faults.append(PlantedFault(feed, month, row, planted["what_happens"]))
    return tuple(faults)
