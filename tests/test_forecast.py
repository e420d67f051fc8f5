"""A forecast of our own: made from what was known at a month's end, loaded once, and compared like any other step."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kam.audit import rebuild, verify
from kam.close import ForecastModel, Wanted, forecast_model, make_forecast
from kam.close.forecast_models import LIBRARY
from kam.errors import UsageError, ValidationFailedError
from kam.ingest import LoadStatus
from kam.site import FEEDS, Site, find_site
from kam.warehouse import open_read_only, rows, warehouse
from tests import support
from tests.cli import kam
from tests.marts.test_forecast import forecast, sale
from tests.stores import lose_warehouse
from tests.support import REPOSITORY, build, close_plainly, fetch, ingest, long, published, write_csv, write_site

JUNE = date(2024, 6, 1)
WANTED = Wanted(JUNE, month_count=4)
SALES = [
    *(sale(f"2024-0{month}", quantity) for month, quantity in enumerate((10, 20, 30, 40), start=1)),
    sale("2024-06", 60),
    sale("2024-07", 99),
    sale("2024-05", 7, product_id="Q"),
    sale("2024-06", 9, product_id="Q", document_type="credit_note"),
    sale("2023-11", 5, product_id="R"),
    sale("2024-06", 3, product_id=None),
]
GIVEN: dict[str, Sequence[dict[str, Any]]] = {
    "accounts": [{"account_id": "A"}],
    "invoices": SALES,
    "forecasts": [forecast("2024-06", "2024-07", 50)],
}
SETTINGS = {"forecast": {"season": 3, "steps": ["statistical", "sales"]}}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = write_site(tmp_path_factory.mktemp("loaded"), GIVEN, settings=SETTINGS, feeds=tuple(GIVEN))
    with warehouse(made) as con:
        ingest(con, made)
    return made


@pytest.fixture
def site(loaded: Site, tmp_path: Path) -> Site:
    """A site of one's own, with what is loaded."""
    return find_site(Path(shutil.copytree(loaded.directory, tmp_path / "site")))


def land(site: Site, feed: str, name: str, records: Sequence[dict[str, Any]], without: Sequence[str] = ()) -> None:
    columns = [name for name in FEEDS[feed].column_names if name not in without]
    write_csv(site.directory / "landing" / f"{feed}_{name}.csv", columns, records)


def load_all(site: Site) -> list[Any]:
    with warehouse(site) as con:
        return ingest(con, site)


def kept(site: Site, step: str = "statistical") -> dict[tuple[str | None, str], list[Decimal]]:
    """The quantities forecast at the end of June, by item, in the order of the months."""
    with open_read_only(site) as con:
        found = rows(
            con,
            f"""
            SELECT account_id, product_id, list(quantity ORDER BY target_month) AS quantities FROM staging.forecasts
            WHERE forecast_step = '{step}' AND superseded_load_id IS NULL GROUP BY ALL
            """,
        )
    return {(row["account_id"], row["product_id"]): row["quantities"] for row in found}


def test_a_season_repeats_a_short_history_repeats_its_last_month_and_a_second_run_changes_nothing(site: Site) -> None:
    made = make_forecast(site, WANTED)
    # P: 10, 20, 30, 40, nothing in May, 60; the last three come again. Q: 7 and 9 taken back, which is cut at 0.
    # R sold nothing for two seasons. July's 99 were not known at the end of June. Three pieces have no part.
    assert kept(site) == {("A", "P"): [40, 0, 60, 40], ("A", "Q"): [0, 0, 0, 0]}
    assert (made.items, made.as_of_load, made.load.loaded_count) == ({"last_value": 1, "seasonal_naive": 1}, 3, 8)
    assert made.notes == ()
    again = make_forecast(site, WANTED)
    assert (again.load.status, again.load.load_id) == (LoadStatus.ALREADY_LOADED, 4)


def test_the_stair_compares_the_planners_with_it_by_hand(site: Site) -> None:
    make_forecast(site, WANTED)
    with warehouse(site) as con, support.only(["forecast_stair", "forecast_accuracy"]):
        build(con, site.settings, [date(2024, 7, 1)], as_of_load=4)
        stair = {row["forecast_step"]: row for row in fetch(con, "FROM build.forecast_stair")}
        (accuracy,) = fetch(
            con,
            "FROM build.forecast_accuracy WHERE level = 'item' AND product_id = 'P' AND forecast_step = 'statistical'",
        )
    # July sold 99 of P and no Q. June repeated says 60 and -9, the statistics 40 and 0, sales 50 of P only.
    first, sales = stair["statistical"], stair["sales"]
    assert (first["step_before"], first["n"]) == ("naive", 2)
    assert (first["absolute_error_quantity"], first["step_before_absolute_error_quantity"]) == (59, 48)
    assert (sales["step_before"], sales["n"], sales["absolute_error_quantity"]) == ("statistical", 1, 49)
    assert sales["value_added"] == Decimal("0.595960") - Decimal("0.494949")
    # 40 is what a seasonal naive forecast says: the table's own measure of one has the same error.
    assert (accuracy["forecast_quantity"], accuracy["wape"]) == (40, accuracy["seasonal_naive_wape"])


@long
def test_new_data_replaces_what_differs(site: Site) -> None:
    make_forecast(site, WANTED)
    # April had 41, and all of Q is taken back: what an earlier run said of Q is 0 now.
    land(site, "invoices", "late", [sale("2024-04", 1), sale("2024-05", -7, product_id="Q"), sale("2024-06", 9, product_id="Q")])  # fmt: skip
    with pytest.raises(ValidationFailedError, match=r"not loaded yet: landing/invoices_late\.csv"):
        make_forecast(site, WANTED)
    load_all(site)
    newer = make_forecast(site, WANTED)
    assert kept(site) == {("A", "P"): [41, 0, 60, 41], ("A", "Q"): [0, 0, 0, 0]}
    assert newer.items == {"no history": 1, "seasonal_naive": 1}
    assert (newer.load.loaded_count, newer.load.unchanged_count) == (2, 6)
    assert newer.notes == ("2 rows of an earlier run replaced.",)
    # As known before, the first forecast comes back.
    make_forecast(site, WANTED, as_of_load=3)
    assert kept(site)["A", "P"] == [40, 0, 60, 40]


@long
def test_it_is_rebuilt_from_the_archive_without_being_computed_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_forecast(site, WANTED)
    before = kept(site)
    lose_warehouse(site)
    monkeypatch.setattr("kam.close.forecast._write", None)
    assert not rebuild(site, force=True).differences
    assert kept(site) == before


@long
def test_a_full_extract_of_the_planners_neither_ends_it_nor_has_to_have_its_columns(site: Site) -> None:
    file = site.directory / "kam.toml"
    file.write_text(file.read_text().replace('"landing/forecasts*.csv"', '"landing/forecasts*.csv"\nmode = "snapshot"'))
    site = find_site(site.directory)
    of_all = {name: value for name, value in forecast("2024-06", "2024-07", 50).items() if name != "account_id"}
    land(site, "forecasts", "by_part", [of_all], without=["account_id"])
    (site.directory / "landing" / "forecasts.csv").unlink()
    with warehouse(site) as con:
        ingest(con, site, ["forecasts"], accept_changes=True, accept_shrink=True)
    make_forecast(site, WANTED)
    land(site, "forecasts", "by_part_2", [of_all | {"quantity": 51}], without=["account_id"])
    (result,) = [load for load in load_all(site) if load.source.endswith("by_part_2.csv")]
    assert (result.status, result.superseded_count) == (LoadStatus.LOADED, 1)
    assert kept(site)["A", "P"] == [40, 0, 60, 40]
    assert kept(site, "sales") == {(None, "P"): [51]}


@long
def test_what_would_mix_with_something_else_is_refused(site: Site) -> None:
    make_forecast(site, WANTED)
    with pytest.raises(UsageError, match=r"the step sales of 2024-06 comes from landing/forecasts\.csv\. Name another"):
        make_forecast(site, Wanted(JUNE, step="sales"))
    with pytest.raises(UsageError, match=r"was made by account × part\. Name another"):
        make_forecast(site, Wanted(JUNE, by_account=False))
    with pytest.raises(UsageError, match="step: the name of a forecast step such as statistical, not 'naive'"):
        make_forecast(site, Wanted(JUNE, step="naive"))
    made = make_forecast(site, Wanted(JUNE, step="by part", by_account=False, month_count=1))
    assert kept(site, "by part") == {(None, "P"): [40], (None, "Q"): [0]}
    assert made.notes == (
        'forecast_stair compares it only when it is named: [forecast] steps = ["by part", "statistical", "sales"].',
    )


def test_a_site_that_does_not_declare_the_feed_learns_how(site_folder: Path) -> None:
    with pytest.raises(UsageError, match=r"\[feeds\.forecasts\] files = "):
        make_forecast(write_site(site_folder, {}, feeds=["invoices"]), WANTED)


@long
def test_a_month_that_is_not_over_is_not_forecast_from(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kam.close.steps.today", lambda _site: date(2024, 6, 30))
    with pytest.raises(ValidationFailedError, match="it is not over: it ends on 2024-06-30, and today is 2024-06-30"):
        make_forecast(site, WANTED)


def test_a_model_without_its_library_says_how_to_get_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    answer = kam("--site", site.directory, "forecast", "2024-06", "--model", "theta")
    assert answer.returncode == 2
    assert f'Install it: python -m pip install "{LIBRARY}". Without it: --model seasonal_naive' in answer.stderr
    assert f'"{LIBRARY}"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match=r"arima: no such model\. Known: seasonal_naive, theta, ets"):
        forecast_model("arima")


@long
def test_what_the_library_cannot_do_falls_back_and_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    land(site, "invoices", "more", [sale(f"2024-0{month}", month, product_id=part) for month in range(1, 7) for part in "STU"])  # fmt: skip
    load_all(site)
    seen: list[list[float]] = []

    class Theta:
        """Rises for P, fails for S, has no number for T, and falls below 0 for U."""

        def __init__(self, season_length: int) -> None:
            assert season_length == 3

        def forecast(self, y: Any, h: int) -> dict[str, Any]:
            import numpy as np

            seen.append(y.tolist())
            if len(seen) == 2:
                raise ValueError
            answers = {1: [70.00005, 1, 1, 1], 3: [1, 1, 1, np.nan], 4: [-1, 2, 3, 4]}
            return {"mean": np.array(answers[len(seen)][:h])}

    library, models = ModuleType("statsforecast"), ModuleType("statsforecast.models")
    library.__dict__["__version__"] = "2.9"
    models.__dict__.update(Theta=Theta, AutoETS=Theta)
    monkeypatch.setitem(sys.modules, "statsforecast", library)
    monkeypatch.setitem(sys.modules, "statsforecast.models", models)
    made = make_forecast(site, Wanted(JUNE, ForecastModel.THETA, month_count=4))
    # Q has no two seasons and is not asked for.
    assert seen == [[10, 20, 30, 40, 0, 60], *[[1, 2, 3, 4, 5, 6]] * 3]
    assert made.items == {"seasonal_naive": 2, "theta (statsforecast 2.9)": 2, "last_value": 1}
    found = kept(site)
    assert found["A", "P"] == [Decimal("70.0001"), 1, 1, 1]
    assert found["A", "S"] == found["A", "T"] == [4, 5, 6, 4]
    assert found["A", "U"] == [0, 2, 3, 4]


@long
def test_a_month_that_reads_it_is_proved_from_the_archive(site: Site) -> None:
    make_forecast(site, WANTED)
    close_plainly(site, [JUNE, date(2024, 7, 1)])
    (row,) = published(site, "FROM reporting.forecast_stair WHERE forecast_step = 'sales'")
    assert (row["step_before"], row["absolute_error_quantity"]) == ("statistical", 49)
    proofs = verify(site)
    assert [proof.holds for proof in proofs] == [True, True]


@long
def test_a_closed_month_is_taken_as_it_was_first_known(site: Site) -> None:
    close_plainly(site, [JUNE])
    land(site, "invoices", "late", [sale("2024-04", 1)])
    load_all(site)
    answer = kam("--site", site.directory, "forecast", "2024-06", "--months", "4")
    assert answer.returncode == 0
    assert "as known at load 3. Step: statistical" in answer.stdout
    assert "2024-06 is closed. schedule_churn of 2024-06" in " ".join(answer.stdout.split())
    assert kept(site)["A", "P"] == [40, 0, 60, 40]
    assert "Unchanged: load 5" in kam("--site", site.directory, "forecast", "2024-06", "--months", "4").stdout
