"""Models of a statistical forecast that SQL has not: those of the library statsforecast, an extra.

A model is given one item at a time, in order, in one thread, and draws nothing at random: the same history on the same machine with the
same release gives the same forecast. Other machines may differ in the last digits, so a forecast is computed once and archived.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from kam.errors import UsageError

LIBRARY = "statsforecast>=2.1,<3"
_TO_FOUR_DIGITS = Decimal("0.0001")
# Quantities of a history, oldest first, and how many months ahead: the quantities of these months; None where there is no forecast.
Forecaster = Callable[[Sequence[Decimal], int], list[Decimal] | None]


class ForecastModel(StrEnum):
    """How a forecast is made."""

    SEASONAL_NAIVE = "seasonal_naive"
    THETA = "theta"
    ETS = "ets"


def forecast_model(name: str) -> ForecastModel:
    """The model of this name. Raises `UsageError` for any other text."""
    if name not in list(ForecastModel):
        message = f"{name}: no such model. Known: {', '.join(ForecastModel)}"
        raise UsageError(message)
    return ForecastModel(name)


def forecaster(model: ForecastModel, season: int) -> tuple[Forecaster, str]:
    """A model of the library for a season of so many months, and its name with the library's release.

    Raises `UsageError` when the library is not installed.
    """
    try:
        import statsforecast
        from statsforecast.models import AutoETS, Theta
    except ImportError:
        message = (
            f'the model {model} needs the package statsforecast. Install it: python -m pip install "{LIBRARY}". '
            f"Without it: --model {ForecastModel.SEASONAL_NAIVE}"
        )
        raise UsageError(message) from None
    fit = (Theta if model is ForecastModel.THETA else AutoETS)(season_length=season).forecast

    def forecast(history: Sequence[Decimal], months: int) -> list[Decimal] | None:
        import numpy as np

        # A season has to have been seen twice; what never changes has nothing to fit.
        if len(history) < 2 * season or len(set(history)) == 1:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = fit(y=np.array(history, dtype=np.float64), h=months)["mean"].tolist()
        except Exception:  # noqa: BLE001 - whatever the library cannot do has a simpler method, which is told
            return None
        return _exact(found)

    return forecast, f"{model} (statsforecast {statsforecast.__version__})"


def _exact(quantities: Sequence[float]) -> list[Decimal] | None:
    """To the four digits of a quantity, half away from zero; None unless all are numbers."""
    if not all(map(math.isfinite, quantities)):
        return None
    return [Decimal(quantity).quantize(_TO_FOUR_DIGITS, ROUND_HALF_UP) for quantity in quantities]
