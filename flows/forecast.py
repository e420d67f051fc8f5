"""Forecast every item at the end of a month, as a round of the feed `forecasts`."""

from __future__ import annotations

from datetime import date

from prefect import flow
from prefect.runtime import flow_run

from flows import named, site_of_run, told
from flows.parameters import ModelName, Month, MonthsAhead
from kam.close import Forecast, ForecastModel, Wanted, forecast_model
from kam.periods import parse_month
from kam.site import Site
from tasks.forecast import make_forecast


def _what(_site: Site) -> str:
    return f"forecast {flow_run.parameters['period']}"


@flow(name="forecast", flow_run_name=named(_what), persist_result=False)
@told
def forecast(
    site: str,
    period: Month,
    model: ModelName = ForecastModel.SEASONAL_NAIVE,
    step: str = "statistical",
    months: MonthsAhead = 12,
    *,
    by_part: bool = False,
    as_of_load: int | None = None,
    as_known_on: date | None = None,
) -> Forecast:
    """Forecast the items of a site at the end of a month, from what was known then, and load the result.

    Raises `UsageError` for an unknown model, one whose library is not installed, a site without the feed `forecasts` and a step that
    somebody else fills; `ValidationFailedError` for a month that is not ready.

    Args:
        site: The site's folder, the one with kam.toml.
        period: The month at whose end the forecast is made, such as 2026-10.
        model: How the forecast is made. theta and ets need the package statsforecast.
        step: Under which forecast_step it is kept.
        months: How many months ahead.
        by_part: Forecast parts over all accounts. Without it: account by part.
        as_of_load: Use only what was known at this load.
        as_known_on: Use only what was known at the end of this day, such as 2026-10-17.
    """
    wanted = Wanted(parse_month(period), forecast_model(model), months, step, by_account=not by_part)
    return make_forecast(site_of_run(site), wanted, as_of_load=as_of_load, as_known_on=as_known_on)
