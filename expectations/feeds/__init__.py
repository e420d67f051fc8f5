"""The suites of the feeds, over the rows of the months being built.

They read `build.periods`, `core.days`, the views `core.<feed>` and the tables of `PREPARED`.
"""

from __future__ import annotations

from collections.abc import Collection

from expectations.feeds import (
    accounts,
    calendar,
    corrections,
    deliveries,
    forecasts,
    fx_rates,
    instalments,
    invoices,
    issues,
    loads,
    orders,
    payment_plan,
    payments,
    products,
    sales_plan,
    scorecards,
    visits,
)
from expectations.rules import Suite, applicable

PREPARED = ("daily_rates", "month_rates", "feed_activity", "newest_dates")
"""Core models that the suites read, in the order in which they are to be made."""

FEED_SUITES = (
    loads.SUITE,
    corrections.SUITE,
    accounts.SUITE,
    products.SUITE,
    calendar.SUITE,
    fx_rates.SUITE,
    fx_rates.CURRENCIES,
    orders.SUITE,
    deliveries.SUITE,
    invoices.SUITE,
    instalments.SUITE,
    payments.SUITE,
    payment_plan.SUITE,
    visits.SUITE,
    scorecards.SUITE,
    issues.SUITE,
    sales_plan.SUITE,
    forecasts.SUITE,
)


def feed_suites(declared: Collection[str]) -> tuple[Suite, ...]:
    """The suites for a site that declares these feeds."""
    return applicable(FEED_SUITES, declared)
