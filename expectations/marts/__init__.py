"""The suites of the marts, over the candidates in `build`. They prove that every total ties before it is published."""

from __future__ import annotations

from collections.abc import Mapping

from expectations.marts import forecast, rating, receivables, variance
from expectations.rules import Suite
from kam.models import models

MART_SUITES = (*receivables.SUITES, *variance.SUITES, *rating.SUITES, *forecast.SUITES)


def mart_suites(available: Mapping[str, bool]) -> tuple[Suite, ...]:
    """The suites of the marts that a site with these feeds can fill; the others are empty."""
    return tuple(suite for suite in MART_SUITES if not models()[suite.name].missing(available))
