"""The suites of the marts, over the candidates in `build`. They prove that every total ties before it is published.

Each module of this package that has `SUITES` is found by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from expectations.marts.common import suite
from expectations.rules import Suite
from kam.build import marts, models

_MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
_OF_THE_GROUPS: tuple[Suite, ...] = tuple(found for module in _MODULES for found in getattr(module, "SUITES", ()))
_NAMED = frozenset(of_group.name for of_group in _OF_THE_GROUPS)

# A mart without rules of its own is held to those that every mart is held to.
MART_SUITES = (*_OF_THE_GROUPS, *(suite(mart.name) for mart in marts() if mart.name not in _NAMED))


def mart_suites(available: Mapping[str, bool]) -> tuple[Suite, ...]:
    """The suites of the marts that a site can fill, by what it has (`Settings.available`); the others are empty."""
    return tuple(of_mart for of_mart in MART_SUITES if not models()[of_mart.table].missing(available))
