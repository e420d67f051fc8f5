"""The rules of flags, as data: `flag_rules.toml` beside this file has one entry each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("flag_rules.toml")
_CHANGE = "significant_change"


@dataclass(frozen=True)
class FlagRule:
    """One rule, as the file explains; `measure` is the published table and column, such as `sales.net_amount`."""

    rule: str
    severity: str
    measure: str
    fires: str
    threshold: Decimal
    shown: str
    meaning: str
    sentence: str


@cache
def flag_rules() -> Mapping[str, FlagRule]:
    """All rules by name, in the order of the file; those of significant changes come last, one for each headline."""
    document = tomllib.loads(_FILE.read_text(encoding="utf-8"), parse_float=Decimal)
    change = document.pop(_CHANGE)
    headlines = change.pop("headlines")
    entries = document | {
        f"{_CHANGE}:{measure}": {**change, "measure": measure, "shown": headline["shown"]}
        | {text: change[text].replace("{name}", headline["name"]) for text in ("meaning", "sentence")}
        for measure, headline in headlines.items()
    }
    return {
        name: FlagRule(name, **{**entry, "threshold": Decimal(entry["threshold"])}) for name, entry in entries.items()
    }
