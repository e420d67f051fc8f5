"""Closing many months: sets of months, where it stops, and that it gives what single closes give."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kam import build
from kam.alerts.months import month_now
from kam.build import marts, run_views
from kam.cli.status import site_status
from kam.close import CloseReport, MonthOutcome, Outcome, Run, Terms, close_months, dry_run, require_closed, steps
from kam.errors import ModelFailedError, MonthChangedError, ValidationFailedError
from kam.periods import months_between, parse_month
from kam.site import FEEDS, Site, find_site
from kam.warehouse import Connection, open_read_only, warehouse
from tests.support import long, published, write_csv, write_site

MONTHS = (4, 5, 6, 7, 8)
INVOICES: list[dict[str, Any]] = [
    {"invoice_id": f"I{month}", "account_id": "A", "invoice_date": f"2026-0{month}-10", "net_amount": 100 * month}
    for month in MONTHS
]
# The lines of June's invoice do not add up to its total, which is critical.
BROKEN: list[dict[str, Any]] = [
    row | ({"invoice_total": 1} if row["invoice_id"] == "I6" else {"invoice_total": row["net_amount"]})
    for row in INVOICES
]
PAYMENT = {"payment_id": "P1", "account_id": "A", "invoice_id": "I4", "payment_date": "2026-06-20", "amount": 40}


def site_in(folder: Path, invoices: list[dict[str, Any]], months_at_once: int = 24) -> Site:
    folder.mkdir(exist_ok=True)
    given = {"invoices": invoices, "payments": [PAYMENT]}
    settings = {"run": {"months_at_once": months_at_once}}
    return write_site(folder, given, settings=settings, feeds=["invoices", "payments"])


def backfill(site: Site, first: str = "2026-04", last: str = "2026-08", **terms: Any) -> CloseReport:
    """What the flow of this name does, without Prefect."""
    run = Run("backfill", months_between(parse_month(first), parse_month(last)), terms=Terms(**terms))
    with steps.writing_session(site, run.name):
        close_months(site, run)
    require_closed(run.report.months)
    return run.report


@pytest.fixture(scope="module")
def april_closed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site, not to be changed, whose April is closed."""
    site = site_in(tmp_path_factory.mktemp("april") / "site", INVOICES)
    backfill(site, last="2026-04")
    return site


@pytest.fixture
def closed(april_closed: Site, tmp_path: Path) -> Site:
    """A site of one's own, whose April is closed."""
    return find_site(Path(shutil.copytree(april_closed.directory, tmp_path / "closed")))


def deliver_late_invoice(site: Site) -> None:
    late = {"invoice_id": "LATE", "account_id": "A", "invoice_date": "2026-04-28", "net_amount": 7}
    write_csv(site.directory / "landing" / "invoices_late.csv", FEEDS["invoices"].column_names, [late])


def versions(site: Site) -> list[tuple[str, int]]:
    found = published(site, "FROM reporting.closes ORDER BY period_month, close_version")
    return [(f"{row['period_month']:%m}", row["close_version"]) for row in found]


def built_months(site: Site) -> list[int]:
    """The months that the last set was built for."""
    with open_read_only(site) as con:
        found = con.execute(
            "SELECT period_months FROM ops.steps WHERE step = 'build' ORDER BY run_no, step_no"
        ).fetchall()
    return [month.month for month in found[-1][0]]


def published_bytes(site: Site, folder: Path) -> dict[str, bytes]:
    """Each published table, with all versions, as a CSV file; without the times of loads and closes."""
    folder.mkdir()
    views = [*(f"history.{mart.name}" for mart in marts()), *(f"reporting.{name}" for name in run_views())]
    with duckdb.connect(str(site.published / "kam.duckdb"), read_only=True) as con:
        for view in views:
            rows = f"SELECT COLUMNS(name -> NOT name LIKE '%ed_at') FROM {view} ORDER BY ALL"
            con.execute(f"COPY ({rows}) TO '{folder / view}' (FORMAT csv, HEADER)")
    return {view: (folder / view).read_bytes() for view in views}


@long
def test_sets_of_months_give_byte_for_byte_what_single_closes_give_and_tell_how_many_are_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    together = site_in(tmp_path / "together", INVOICES)
    in_sets = site_in(tmp_path / "sets", INVOICES, months_at_once=2)
    one_by_one = site_in(tmp_path / "single", INVOICES)
    backfill(together, last="2026-06")
    with caplog.at_level(logging.INFO, logger="kam"):
        backfill(in_sets, last="2026-06")
    for month in (4, 5, 6):
        backfill(one_by_one, f"2026-0{month}", f"2026-0{month}")
    assert built_months(together) == [4, 5, 6]
    assert built_months(in_sets) == [6]
    expected = published_bytes(one_by_one, tmp_path / "expected")
    assert expected["history.receivables_rollforward"].count(b"\n") == 1 + 3
    assert published_bytes(together, tmp_path / "a") == expected
    assert published_bytes(in_sets, tmp_path / "b") == expected
    told = [record.getMessage() for record in caplog.records if record.name == "kam"]
    assert "2026-04 to 2026-05, of 3 months …" in told
    assert "2026-05: closed; 2 of 3 done, 1 left" in told
    assert "2026-06: closed; 3 of 3 done, 0 left" in told


@long
def test_a_month_that_fails_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    site = site_in(tmp_path / "site", BROKEN, months_at_once=2)
    with pytest.raises(ValidationFailedError, match="2026-06 was not published"):
        backfill(site, last="2026-07")
    assert versions(site) == [("04", 1), ("05", 1), ("07", 1)]


@long
def test_with_stop_on_failure_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    site = site_in(tmp_path / "site", BROKEN, months_at_once=2)
    with pytest.raises(ValidationFailedError, match="2026-06 was not published"):
        backfill(site, last="2026-07", stop_on_failure=True)
    assert versions(site) == [("04", 1), ("05", 1)]
    corrected = [row | {"invoice_total": row["net_amount"]} for row in BROKEN if row["invoice_id"] == "I6"]
    write_csv(site.directory / "landing" / "invoices_corrected.csv", FEEDS["invoices"].column_names, corrected)
    report = backfill(site, last="2026-07")
    outcomes = [(outcome.outcome, outcome.version) for outcome in report.months]
    assert outcomes == [("unchanged", 1), ("unchanged", 1), ("closed", 1), ("closed", 1)]


@pytest.fixture
def june_cannot_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model fails whenever June is among the months to build."""

    def run_models(con: Connection, available: Mapping[str, bool]) -> dict[str, int]:
        if con.execute("SELECT 1 FROM build.periods WHERE period_month = DATE '2026-06-01'").fetchall():
            message = "sql/marts/x.sql: Overflow"
            raise ModelFailedError(message)
        return build.run_models(con, available)

    monkeypatch.setattr(steps, "run_models", run_models)


@long
@pytest.mark.usefixtures("june_cannot_be_built")
def test_a_month_whose_model_fails_takes_only_those_with_it_that_open_from_it(tmp_path: Path) -> None:
    site = site_in(tmp_path / "site", INVOICES)
    run = Run("backfill", [date(2026, month, 1) for month in MONTHS])
    with steps.writing_session(site, run.name):
        close_months(site, run)
    outcomes = [outcome.outcome for outcome in run.report.months]
    assert outcomes == ["closed", "closed", "failed", "failed", "failed"]
    assert versions(site) == [("04", 1), ("05", 1)]
    why = {
        "2026-06": "2026-06 was not closed, because a model failed: sql/marts/x.sql: Overflow",
        "2026-07": "2026-07 was not closed, because it opens with the balance of 2026-06, which was not closed. Fix that month first",
        "2026-08": "2026-08 was not closed, because it opens with the balance of 2026-07, which was not closed. Fix that month first",
    }
    assert {row["Month"]: row["Why"] for row in site_status(site).failed_closes} == why
    failed = published(site, "SELECT strftime(period_month, '%Y-%m') AS month, message FROM reporting.failed_closes")
    assert {row["month"]: row["message"] for row in failed} == why
    with warehouse(site) as con:
        june = month_now(con, run, run.report.months[2])
    assert (june.severity, list(june.lines)) == ("critical", [f"- {why['2026-06']}"])
    with pytest.raises(ValidationFailedError, match=r"Overflow\nWhen the row is fixed, .* close 2026-06"):
        require_closed(run.report.months)


@long
def test_a_closed_month_that_cannot_be_built_again_leaves_the_later_ones_on_its_version(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    site = site_in(tmp_path / "site", INVOICES)
    backfill(site, last="2026-06")
    deliver_late_invoice(site)
    request.getfixturevalue("june_cannot_be_built")
    with pytest.raises(ValidationFailedError, match="2026-06 was not closed, because a model failed"):
        backfill(site, last="2026-07")
    assert versions(site) == [("04", 1), ("05", 1), ("06", 1), ("07", 1)]


@long
@pytest.mark.parametrize(("fits", "outcomes"), [(2, ["closed"] * 5), (0, ["failed"] * 5)])
def test_months_that_do_not_fit_into_memory_are_built_in_smaller_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: int, outcomes: list[str]
) -> None:
    """The sets of 3 and 2 months after the one of 5: 3 do not fit, so all that follow have 2."""
    tried: list[int] = []

    def run_models(con: Connection, available: Mapping[str, bool]) -> dict[str, int]:
        tried.append(len(con.execute("FROM build.periods").fetchall()))
        if tried[-1] > fits:
            con.execute("SET memory_limit = '1MB'")
            try:
                con.execute("CREATE TEMP TABLE too_large AS SELECT range AS number, uuid() AS text FROM range(100000)")
            finally:
                con.execute("RESET memory_limit")
        return build.run_models(con, available)

    monkeypatch.setattr(steps, "run_models", run_models)
    site = site_in(tmp_path / "site", INVOICES)
    run = Run("backfill", [date(2026, month, 1) for month in MONTHS])
    with steps.writing_session(site, run.name):
        close_months(site, run)
    assert [outcome.outcome for outcome in run.report.months] == outcomes
    if fits:
        assert tried == [5, 3, 2, 2, 1]
        return
    (april, *others) = run.report.months
    assert april.message.startswith(
        "2026-04 was not closed, because this month alone needs more memory than [site] memory_limit allows: Out of Memory"
    )
    assert list(april.next_steps) == [
        f"With a higher memory_limit in kam.toml, or on a larger machine: {site.command('close', '2026-04')}"
    ]
    assert all("opens with the balance" in month.message for month in others)


def test_months_that_fail_for_one_reason_share_a_paragraph() -> None:
    def failed(month: int, why: str) -> MonthOutcome:
        name = f"2026-{month:02}"
        again = (f"Then: kam --site x close {name}",)
        return MonthOutcome(date(2026, month, 1), Outcome.FAILED, 0, f"{name} was not closed: {why}", again)

    outcomes = [failed(month, "no orders") for month in range(1, 13)]
    outcomes[3] = failed(4, "no rate")
    with pytest.raises(ValidationFailedError) as raised:
        require_closed(outcomes)
    assert str(raised.value).splitlines() == [
        "2026-01 was not closed: no orders",
        "The same for 2026-02, 2026-03, 2026-05, 2026-06, 2026-07, 2026-08, 2026-09, 2026-10, 2026-11, 2026-12.",
        "Then: kam --site x backfill 2026-01 2026-12",
        "2026-04 was not closed: no rate",
        "Then: kam --site x close 2026-04",
    ]
    chain = [failed(month, f"2026-{month - 1:02} was not closed") for month in (7, 8, 9)]
    with pytest.raises(
        ValidationFailedError, match=r"\A2026-07 was not closed: 2026-06 .*\nThe same for 2026-08 to 2026-09\.\n.*\Z"
    ):
        require_closed(chain)
    others = [
        MonthOutcome(date(2026, 1, 1), Outcome.LOCKED, 1, "2026-01 is locked"),
        MonthOutcome(date(2026, 2, 1), Outcome.CHANGED, 1, "2026-02 would change"),
    ]
    with pytest.raises(MonthChangedError, match=r"\A2026-02 would change\n2026-01 is locked\Z"):
        require_closed(others)


@long
def test_months_that_are_up_to_date_are_not_built_again(closed: Site) -> None:
    report = backfill(closed, last="2026-05")
    assert [(outcome.outcome, outcome.version) for outcome in report.months] == [("unchanged", 1), ("closed", 1)]
    assert built_months(closed) == [5]


@long
def test_a_dry_run_loads_and_closes_nothing(closed: Site) -> None:
    deliver_late_invoice(closed)
    months = [date(2026, 4, 1), date(2026, 5, 1)]
    planned = dry_run(closed, months, as_of_load=None, as_known_on=None, restate=False)
    assert [(month.action.value, month.version) for month in planned] == [("skip", 1), ("close", 0)]
    with open_read_only(closed) as con:
        loaded = con.execute("SELECT feed, source FROM ops.loads ORDER BY ALL").fetchall()
    assert loaded == [("invoices", "landing/invoices.csv"), ("payments", "landing/payments.csv")]
    assert versions(closed) == [("04", 1)]


@long
def test_the_knowledge_of_a_load_is_a_parameter(closed: Site) -> None:
    deliver_late_invoice(closed)
    report = backfill(closed, last="2026-05", as_of_load=2)
    assert report.loads == ()
    assert [outcome.outcome for outcome in report.months] == ["unchanged", "closed"]
    tomorrow = backfill(closed, last="2026-05", as_known_on=date(2100, 1, 1))
    assert [outcome.outcome for outcome in tomorrow.months] == ["unchanged", "unchanged"]
