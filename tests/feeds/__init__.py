"""One entry per feed: what its rows look like, and one broken input for each of its rules.

Each module is named as its feed and has a `CASE`; it is found by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from kam.site import FEEDS
from tests.feeds.case import FeedCase


def _found() -> Mapping[str, FeedCase]:
    """The entries in the order of the contracts. Raises `LookupError` for a feed without one, and for one without a feed."""
    names = {module.name for module in pkgutil.iter_modules(__path__)} - {"case"}
    if FEEDS.keys() - names:
        feed = min(FEEDS.keys() - names)
        message = f"the feed {feed} has no broken inputs: write tests/feeds/{feed}.py with its CASE"
        raise LookupError(message)
    if names - FEEDS.keys():
        message = f"tests/feeds/{min(names - FEEDS.keys())}.py is named as no feed"
        raise LookupError(message)
    return {feed: importlib.import_module(f"{__name__}.{feed}").CASE for feed in FEEDS}


CASES = _found()
