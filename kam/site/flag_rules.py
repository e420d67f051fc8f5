"""The rules of flags, as data: `flag_rules.toml` beside this file has one entry each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("flag_rules.toml")


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
    """All rules by name, in the order of the file."""
    document = tomllib.loads(_FILE.read_text(encoding="utf-8"), parse_float=Decimal)
    return {
        name: FlagRule(name, **{**entry, "threshold": Decimal(entry["threshold"])}) for name, entry in document.items()
    }
