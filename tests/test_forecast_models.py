"""The models of the library statsforecast, against what was published and what can be seen; `make test-forecast` runs them."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from kam.close import ForecastModel, Wanted, make_forecast
from kam.close.forecast_models import forecaster
from kam.warehouse import open_read_only, rows, warehouse
from tests.marts.test_forecast import sale
from tests.support import SHARED, ingest, needs_shared, write_site

pytest.importorskip("statsforecast", reason="the extra forecast is not installed: make test-forecast")
M4 = SHARED / "data" / "m4_weekly"
# Theta reckons with a season only where a test of its history says that there is one.
SEASON = (10, 40, 90, 40)
MODELS = (ForecastModel.THETA, ForecastModel.ETS)


def history(*quantities: float) -> list[Decimal]:
    return [Decimal(str(quantity)) for quantity in quantities]


@pytest.mark.parametrize("model", MODELS)
def test_a_season_that_was_seen_often_comes_again(model: ForecastModel) -> None:
    forecast, name = forecaster(model, 4)
    found = forecast(history(*SEASON * 10), 6)
    assert found is not None
    assert [float(quantity) for quantity in found] == pytest.approx([*SEASON, *SEASON[:2]], rel=0.02)
    assert name.startswith(f"{model} (statsforecast 2.")


@pytest.mark.parametrize("model", MODELS)
def test_a_level_is_found_without_a_season_and_twice_the_same(model: ForecastModel) -> None:
    noisy = history(*[52, 47, 50, 49, 53, 48] * 6)
    first, second = (forecaster(model, 1)[0](noisy, 3) for _ in range(2))
    assert first == second is not None
    assert all(47 <= quantity <= 53 for quantity in first or ())


@pytest.mark.parametrize("model", MODELS)
def test_a_short_history_and_one_that_never_changes_have_no_forecast(model: ForecastModel) -> None:
    forecast, _ = forecaster(model, 4)
    assert forecast(history(1, 2, 3, 4, 5, 6, 7), 3) is None
    assert forecast(history(*[5] * 24), 3) is None


@pytest.mark.parametrize("model", MODELS)
def test_parts_that_sell_now_and_then_have_numbers(model: ForecastModel) -> None:
    found = forecaster(model, 12)[0](history(*[0, 0, 7, 0, 0, 0, 0, 120, 0, 0, 0, 0, -3] * 3), 12)
    assert found is not None
    assert all(abs(quantity) <= 120 for quantity in found)


@pytest.mark.timeout(900)
@needs_shared
def test_theta_has_the_published_errors_of_the_m4_weekly_series() -> None:
    """M4's own program gave sMAPE 9.093 and MASE 2.637; another program may differ in how it fits."""
    values: dict[str, list[float]] = defaultdict(list)
    with gzip.open(M4 / "train_long.csv.gz", "rt", encoding="utf-8") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: int(row["t"])):
            values[row["series"]].append(float(row["value"]))
    actual: dict[str, list[float]] = defaultdict(list)
    with (M4 / "actuals.csv").open(encoding="utf-8", newline="") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: int(row["h"])):
            actual[row["series"]].append(float(row["actual"]))

    forecast, _ = forecaster(ForecastModel.THETA, 1)
    smape, mase = [], []
    for series, known in values.items():
        found = [float(quantity) for quantity in forecast(history(*known), 13) or ()]
        pairs = list(zip(actual[series], found, strict=True))
        scale = sum(abs(later - earlier) for earlier, later in pairwise(known)) / (len(known) - 1)
        smape.append(sum(200 * abs(a - f) / (abs(a) + abs(f)) for a, f in pairs) / 13)
        mase.append(sum(abs(a - f) for a, f in pairs) / 13 / scale)
    assert len(smape) == 359
    assert sum(smape) / 359 == pytest.approx(9.093, rel=0.01)
    assert sum(mase) / 359 == pytest.approx(2.637, rel=0.01)


@pytest.mark.parametrize("model", MODELS)
def test_a_round_of_the_library_is_loaded(model: ForecastModel, site_folder: Path) -> None:
    sales = [sale(f"{2015 + n // 12}-{n % 12 + 1:02}", quantity) for n, quantity in enumerate(SEASON * 30)]
    given = {"invoices": [*sales, sale("2024-12", 8, product_id="N")], "forecasts": []}
    site = write_site(site_folder, given, settings={"forecast": {"season": 4}}, feeds=tuple(given))
    with warehouse(site) as con:
        ingest(con, site)
    made = make_forecast(site, Wanted(date(2024, 12, 1), model, month_count=4))
    assert sorted(made.items.values()) == [1, 1]
    assert made.items["last_value"] == 1
    with open_read_only(site) as con:
        found = rows(con, "FROM core.forecasts ORDER BY product_id, target_month")
    assert [row["quantity"] for row in found[:4]] == [8, 8, 8, 8]
    assert [float(row["quantity"]) for row in found[4:]] == pytest.approx(SEASON, rel=0.02)
