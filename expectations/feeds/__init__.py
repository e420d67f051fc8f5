"""The suites of the feeds, over the rows of the months being built.

They read `build.periods`, `core.days`, the views `core.<feed>` and the tables of `PREPARED`. Each module of this package
that has a `SUITE` is found by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection

from expectations.rules import Suite, applicable
from kam.site import FEEDS

PREPARED = (
    "account_tops",
    "daily_rates",
    "month_rates",
    "feed_activity",
    "newest_dates",
    "sales",
    "actual_sales",
    "plan_versions",
    "plan_rows",
    "plan_lines",
    "plan_keys",
)
"""Core models that the suites read, in the order in which they are to be made."""


def _found() -> tuple[Suite, ...]:
    """Those that look across the feeds first, then the feeds in the order of their contracts.

    Raises `LookupError` for a feed without a suite.
    """
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    suites: dict[str, Suite] = {module.SUITE.name: module.SUITE for module in modules if hasattr(module, "SUITE")}
    without = [feed for feed in FEEDS if feed not in suites]
    if without:
        message = f"the feed {without[0]} has no rules: write expectations/feeds/{without[0]}.py with its SUITE"
        raise LookupError(message)
    across = sorted(suites.keys() - FEEDS.keys())
    return tuple(suites[name] for name in (*across, *FEEDS))


FEED_SUITES = _found()


def feed_suites(declared: Collection[str]) -> tuple[Suite, ...]:
    """The suites for a site that declares these feeds."""
    return applicable(FEED_SUITES, declared)
