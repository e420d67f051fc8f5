"""A statistical forecast of our own, made at the end of a month from what was known then, and loaded as a round of the feed `forecasts`.

It is computed once and loaded as a file: archived, in the ledger, and read again by a rebuild as any other file is. So no figure depends
on the release of a library or on the machine.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from kam.build import materialise, prepare_build
from kam.close import steps
from kam.close.forecast_models import ForecastModel, forecaster
from kam.errors import UsageError, ValidationFailedError
from kam.ingest import LoadResult, LoadStatus, load_made_here, made_here
from kam.periods import month_name
from kam.site import CORRECTIONS_FILE, NAIVE_STEP, Site, scratch_folder
from kam.stages import each
from kam.warehouse import Connection, known_corrections, literal, number_of, sql_text, warehouse
from kam.words import counted, printable

_FEED = "forecasts"
_ITEMS_AT_ONCE = 500
log = logging.getLogger("kam")


@dataclass(frozen=True)
class Wanted:
    """What to forecast: at the end of which month, how, for how many months, as which step, by account × part or by part."""

    snapshot: date
    model: ForecastModel = ForecastModel.SEASONAL_NAIVE
    month_count: int = 12
    step: str = "statistical"
    by_account: bool = True

    @property
    def grain(self) -> str:
        """What an item is, in words."""
        return "account × part" if self.by_account else "part"


@dataclass(frozen=True)
class Forecast:
    """A round that was made: its load, up to which load things were known, the items by method, and what to know about it."""

    wanted: Wanted
    load: LoadResult
    as_of_load: int
    items: Mapping[str, int]
    notes: tuple[str, ...]


def make_forecast(
    site: Site, wanted: Wanted, *, as_of_load: int | None = None, as_known_on: date | None = None
) -> Forecast:
    """Forecast every item that sold within two seasons, and load the result.

    A closed month is taken as known when it was first closed, another one as known now, if it is ready to be closed.
    It waits for its turn to write. Raises `UsageError` for a site without the feed `forecasts`, for a library that is not
    installed, and for a step that somebody else fills; `ValidationFailedError` for a month that is not ready and for a stale correction.
    """
    _require_possible(site, wanted)
    with steps.writing_session(site, f"forecast {month_name(wanted.snapshot)}"), warehouse(site) as con:
        known = _known(con, site, wanted.snapshot, as_of_load, as_known_on)
        _require_own_step(con, wanted)
        with scratch_folder(site, "forecast-") as folder:
            file = folder / "forecast.csv"
            items = _write(con, site, wanted, known, file)
            name = f"forecast {month_name(wanted.snapshot)} {wanted.step}"
            load = load_made_here(con, site, made_here(_FEED, name, file))
        return Forecast(wanted, load, known, items, tuple(_notes(con, site, wanted, load)))


def _require_possible(site: Site, wanted: Wanted) -> None:
    if _FEED not in site.settings.feeds:
        message = (
            f"the site does not declare the feed {_FEED}, so nothing would read a forecast. Add to kam.toml, also where no file will come: "
            f'[feeds.{_FEED}] files = "landing/{_FEED}*.csv"'
        )
        raise UsageError(message)
    if not wanted.step.strip() or wanted.step == NAIVE_STEP or wanted.step != printable(wanted.step.strip()):
        message = f"step: the name of a forecast step such as statistical, not {wanted.step!r}"
        raise UsageError(message)
    if wanted.model is not ForecastModel.SEASONAL_NAIVE:
        forecaster(wanted.model, site.settings.forecast.season)  # before anything that takes time


def _known(con: Connection, site: Site, snapshot: date, as_of_load: int | None, as_known_on: date | None) -> int:
    """The load up to which the forecast knows things; the tables of a build are there for it afterwards."""
    known = steps.known_load(site, as_of_load=as_of_load, as_known_on=as_known_on)
    is_asked = as_of_load is not None or as_known_on is not None
    closed = con.execute(
        "SELECT min_by(as_of_load, close_version) FROM ops.standing_closes WHERE period_month = ?", [snapshot]
    ).fetchall()[0][0]
    if closed is not None:
        return known if is_asked else int(closed)
    waiting = "" if is_asked else steps.not_loaded(con, site)
    planned = steps.plan_months(site, [snapshot], known)
    lacking = [found.in_words for found in steps.readiness(site, planned, (), known) if not found.is_met]
    if waiting or lacking:
        message = f"{month_name(snapshot)} was not forecast from, because it is not ready:"
        close = site.command("close", month_name(snapshot), "--even-though", '"…"')
        anyway = f"To forecast all the same, close it first: {close}"
        raise ValidationFailedError("\n  ".join([message, *filter(None, [waiting]), *lacking, anyway]))
    return known


def _require_own_step(con: Connection, wanted: Wanted) -> None:
    """Rows of the same round must be of an earlier run, and of the same grain."""
    source, other_grain = con.execute(
        f"""
        SELECT
            min(loads.source) FILTER (NOT is_made_here(loads.source)),
            bool_or((forecasts.account_id IS NOT NULL) <> {wanted.by_account})
        FROM staging.{_FEED} AS forecasts
        LEFT JOIN ops.loads AS loads USING (load_id)
        WHERE superseded_load_id IS NULL AND forecast_step = ? AND snapshot_month = ?
        """,
        [wanted.step, wanted.snapshot],
    ).fetchall()[0]
    why = ""
    if source:
        why = f"comes from {source}"
    elif other_grain:
        why = f"was made by {'part' if wanted.by_account else 'account × part'}"
    if why:
        message = f"the step {wanted.step} of {month_name(wanted.snapshot)} {why}. Name another step"
        raise UsageError(message)


def _write(con: Connection, site: Site, wanted: Wanted, known: int, file: Path) -> dict[str, int]:
    """Compute the round and write it; the items by method. No table is left."""
    con.execute("BEGIN")
    try:
        prepare_build(con, site.settings, [wanted.snapshot], as_of_load=known)
        _require_corrections(con)
        materialise(con, "core.sales")
        history = sql_text("close/forecast_history.sql", by_account=wanted.by_account)
        con.execute(f"CREATE OR REPLACE TEMP TABLE forecast_history AS {history}", {"snapshot_month": wanted.snapshot})
        if not number_of(con, "SELECT count(*) FROM temp.forecast_history"):
            message = (
                f"no part was sold in the two seasons up to {month_name(wanted.snapshot)}, as known at load {known}"
            )
            raise UsageError(message)
        method = _run_model(con, site, wanted)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE forecast_rows AS {sql_text('close/forecast_rows.sql')}",
            {
                "snapshot_month": wanted.snapshot,
                "month_count": wanted.month_count,
                "step": wanted.step,
                "method": method,
            },
        )
        con.execute(
            f"COPY (FROM temp.forecast_rows ORDER BY account_id, product_id, target_month) TO {literal(str(file))} (FORMAT csv, HEADER)"
        )
        counts = con.execute(
            "SELECT method, count(DISTINCT (account_id, product_id)) FROM temp.forecast_rows GROUP BY method ORDER BY 2 DESC, 1"
        )
        return dict(counts.fetchall())
    finally:
        # After a disk-full error the transaction is gone; the original error is kept.
        with suppress(duckdb.Error):
            con.execute("ROLLBACK")


def _require_corrections(con: Connection) -> None:
    faults = [
        f"{entry.feed} {entry.key}: {entry.column}: {entry.fault}" for entry in known_corrections(con) if entry.fault
    ]
    if faults:
        message = "\n  ".join([f"nothing was forecast, because entries of {CORRECTIONS_FILE} are stale:", *faults])
        raise ValidationFailedError(message)


def _run_model(con: Connection, site: Site, wanted: Wanted) -> str:
    """Put what the library forecasts into `forecast_by_model`, item by item; the method's name."""
    con.execute("CREATE OR REPLACE TEMP TABLE forecast_by_model (item_no BIGINT, quantities DECIMAL(38, 4)[])")
    if wanted.model is ForecastModel.SEASONAL_NAIVE:
        return wanted.model
    forecast, method = forecaster(wanted.model, site.settings.forecast.season)
    count = number_of(con, "SELECT count(*) FROM temp.forecast_history")
    for first in each(f"forecast by {wanted.model}", range(1, count + 1, _ITEMS_AT_ONCE), "group of items"):
        items = con.execute(
            f"SELECT item_no, history FROM temp.forecast_history WHERE item_no BETWEEN {first} AND {first + _ITEMS_AT_ONCE - 1} ORDER BY item_no"
        ).fetchall()
        made = [(item_no, found) for item_no, history in items if (found := forecast(history, wanted.month_count))]
        if made:
            numbers, texts = zip(
                *((number, [f"{quantity:f}" for quantity in found]) for number, found in made), strict=True
            )
            con.execute(
                "INSERT INTO temp.forecast_by_model (item_no, quantities) SELECT unnest(?::BIGINT[]), unnest(?::DECIMAL(38, 4)[][])",
                [list(numbers), list(texts)],
            )
    return method


def _notes(con: Connection, site: Site, wanted: Wanted, load: LoadResult) -> list[str]:
    """What a reader of the round has to know."""
    notes = []
    month = month_name(wanted.snapshot)
    if load.rejected_count:
        notes.append(f"{counted(load.rejected_count, 'row')} rejected. See: {site.command('rejects', '--feed', _FEED)}")
    if load.superseded_count:
        notes.append(f"{counted(load.superseded_count, 'row')} of an earlier run replaced.")
    is_closed = con.execute("SELECT 1 FROM ops.standing_closes WHERE period_month = ?", [wanted.snapshot]).fetchone()
    if is_closed and load.status is LoadStatus.LOADED and load.loaded_count:
        notes.append(
            f"{month} is closed. schedule_churn of {month}, and the accuracy of closed months after it, have new figures: "
            f"they ask for a restatement. Next time, forecast before the close."
        )
    if wanted.step not in site.settings.forecast.steps:
        steps_of = ", ".join(f'"{name}"' for name in (wanted.step, *site.settings.forecast.steps))
        notes.append(f"forecast_stair compares it only when it is named: [forecast] steps = [{steps_of}].")
    return notes
