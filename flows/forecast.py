"""Forecast every item at the end of a month, as a round of the feed `forecasts`."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows import site_of_run
from kam.close import Forecast, Wanted, forecast_model
from kam.periods import parse_month
from tasks.forecast import make_forecast


@flow(name="forecast", flow_run_name="forecast-{period}", persist_result=False)
def forecast(
    site: str,
    period: str,
    model: str = "seasonal_naive",
    step: str = "statistical",
    months: int = 12,
    *,
    by_part: bool = False,
    as_of_load: int | None = None,
    as_known_on: date | None = None,
) -> Forecast:
    """Forecast the items of a site at the end of a month such as 2026-10, from what was known then, and load the result.

    Raises `UsageError` for an unknown model, one whose library is not installed, a site without the feed `forecasts` and a step that
    somebody else fills; `ValidationFailedError` for a month that is not ready.
    """
    wanted = Wanted(parse_month(period), forecast_model(model), months, step, by_account=not by_part)
    return make_forecast(site_of_run(site), wanted, as_of_load=as_of_load, as_known_on=as_known_on)
