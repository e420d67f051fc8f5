"""A statistical forecast of our own."""

from __future__ import annotations

from datetime import date

from prefect import task
from prefect.cache_policies import NO_CACHE

from kam import close
from kam.close import Forecast, Wanted
from kam.site import Site


@task(task_run_name="forecast-{wanted.snapshot:%Y-%m}", cache_policy=NO_CACHE)
def make_forecast(site: Site, wanted: Wanted, *, as_of_load: int | None, as_known_on: date | None) -> Forecast:
    """Forecast every item at the end of a month, and load the result."""
    return close.make_forecast(site, wanted, as_of_load=as_of_load, as_known_on=as_known_on)
