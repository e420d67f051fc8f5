"""The flows on a real Prefect server: what a run is called, what it leaves behind, and what it never touches."""

from __future__ import annotations

import json
import shutil
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import kam.site.site
from kam.cli.commands import app
from kam.close import steps
from kam.errors import KamError, MonthChangedError, SourceRefusedError, UsageError, ValidationFailedError
from kam.site import FEEDS, Settings, Site, find_site
from kam.warehouse import warehouse
from tests.flows.processes import wait_for
from tests.flows.server import Server
from tests.support import ingest, long, published, write_csv, write_site

pytestmark = pytest.mark.usefixtures("prefect_server")

Row = Mapping[str, Any]
GOOD: Row = {
    "invoice_id": "I1",
    "account_id": "A",
    "invoice_date": "2026-06-10",
    "due_date": "2026-07-10",
    "net_amount": "100",
}
DUE_TOO_EARLY: Row = {
    "invoice_id": "I2",
    "account_id": "A",
    "invoice_date": "2026-06-10",
    "due_date": "2026-06-01",
    "net_amount": "25",
}
WRONG_TOTAL: Row = {
    "invoice_id": "I3",
    "account_id": "A",
    "invoice_date": "2026-06-10",
    "due_date": "2026-07-10",
    "net_amount": "60",
    "invoice_total": "90",
}
LATE: Row = {
    "invoice_id": "I4",
    "account_id": "A",
    "invoice_date": "2026-06-20",
    "due_date": "2026-07-20",
    "net_amount": "40",
}


class Run:
    """One run of a flow, as the server tells it."""

    def __init__(self, flow: Callable[..., Any], *parameters: object, **named: object) -> None:
        from prefect.client.orchestration import get_client

        state = flow(*parameters, **named, return_state=True)
        self.result = state.result(raise_on_failure=False)
        with get_client(sync_client=True) as client:
            self.flow_run = client.read_flow_run(state.state_details.flow_run_id)

    @property
    def state(self) -> str:
        return str(self.flow_run.state_name)

    @property
    def message(self) -> str:
        return str(self.flow_run.state.message) if self.flow_run.state else ""

    def task_names(self, last: str) -> list[str]:
        """Names of the task runs in the order they ran; they reach the server a little later than the flow run."""
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

        def finished() -> list[str] | None:
            with get_client(sync_client=True) as client:
                runs = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[self.flow_run.id])))
            names = [run.name for run in sorted(runs, key=lambda run: str(run.start_time))]
            all_finished = all(run.state_name == "Completed" for run in runs)
            return names if all_finished and last in names else None

        return wait_for(finished, f"the task run {last} of {self.flow_run.name}")

    def artifacts(self) -> dict[str, Any]:
        """Content by key: the rows of a table, the text of a markdown."""
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

        of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[self.flow_run.id]))
        with get_client(sync_client=True) as client:
            found = client.read_artifacts(artifact_filter=of_run)
        return {
            str(artifact.key): json.loads(str(artifact.data)) if artifact.type == "table" else artifact.data
            for artifact in found
        }


@pytest.fixture
def make_site(site_folder: Path) -> Callable[..., Site]:
    return lambda *invoices: site_in(site_folder, *invoices)


def site_in(folder: Path, *invoices: Row) -> Site:
    return write_site(folder, {"accounts": [{"account_id": "A"}], "invoices": invoices}, feeds=["accounts", "invoices"])


@pytest.fixture(scope="module")
def first(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Run]:  # noqa: ARG001 - runs a flow
    """A site, not to be changed, and the run that closed its June: 100 open, and 25 due before their own date."""
    site = site_in(tmp_path_factory.mktemp("closed"), GOOD, DUE_TOO_EARLY)
    return site, close(site)


@pytest.fixture
def closed(first: tuple[Site, Run], tmp_path: Path) -> Site:
    """A site of one's own, in which June was closed."""
    return find_site(Path(shutil.copytree(first[0].directory, tmp_path / "closed")))


def close(site: Site, month: str = "2026-06", **options: object) -> Run:
    from flows.monthly_close import monthly_close

    return Run(monthly_close, str(site.directory), month, **options)


def backfill(site: Site, first: str, last: str, **options: object) -> Run:
    from flows.backfill import backfill as flow

    return Run(flow, str(site.directory), first, last, **options)


def deliver(site: Site, file: str, *invoices: Row) -> None:
    """Put another extract of invoices into the landing folder."""
    names = dict.fromkeys(name for row in invoices for name in row)
    known = FEEDS["invoices"].column_names
    write_csv(site.directory / "landing" / file, known if set(names) <= set(known) else list(names), invoices)


def file_bytes(site: Site) -> bytes:
    return (site.published / "kam.duckdb").read_bytes()


def versions(site: Site) -> list[tuple[date, int]]:
    closes = published(site, "FROM reporting.closes ORDER BY period_month, close_version")
    return [(close["period_month"], close["close_version"]) for close in closes]


def raised(run: Run) -> KamError:
    assert isinstance(run.result, KamError), run.result
    return run.result


def test_a_close_and_its_steps_have_readable_names(first: tuple[Site, Run]) -> None:
    _, run = first

    assert (run.flow_run.name, run.state) == ("test: close 2026-06", "Published with warnings")
    assert run.task_names(last="publish") == [
        "load-accounts",
        "load-invoices",
        "plan",
        "prepare",
        "validate-feeds",
        "build-marts",
        "validate-marts",
        "commit-2026-06",
        "publish",
    ]


def test_a_close_leaves_its_figures_as_artifacts(first: tuple[Site, Run]) -> None:
    artifacts = first[1].artifacts()

    kinds = ("checks", "control-totals", "headlines", "loads", "readiness")
    assert sorted(artifacts) == ["test-2026-06", *(f"test-{kind}-2026-06" for kind in kinds)]
    assert [(row["Needs"], row["Ready"]) for row in artifacts["test-readiness-2026-06"]] == [
        ("the month is over", "yes"),
        ("no gap before it", "yes"),
        ("data of invoices", "yes"),
        ("no source was refused", "yes"),
    ]
    loaded = {"Unchanged": "0", "Rejected": "0", "Status": "loaded"}
    assert artifacts["test-loads-2026-06"] == [
        {"Feed": "accounts", "Source": "landing/accounts.csv", "Read": "1", "Loaded": "1"} | loaded,
        {"Feed": "invoices", "Source": "landing/invoices.csv", "Read": "2", "Loaded": "2"} | loaded,
    ]
    assert artifacts["test-checks-2026-06"] == [
        {
            "Severity": "warning",
            "Rule": "No invoice is due before its own date.",
            "Failed": "1",
            "Check": "invoices.due_on_or_after_invoice_date",
        }
    ]
    # An account; two invoices over 125 in all, which no payment, credit note or write-off touches.
    totals = artifacts["test-control-totals-2026-06"]
    assert {(total["Month"], total["Ties"], total["Left"] == total["Right"]) for total in totals} == {
        ("2026-06", "yes", True)
    }
    assert sorted((total["Control"], total["Currency"], total["Left"]) for total in totals) == [
        ("accounts: rows loaded − replaced = core", "rows", "1.00"),
        ("accounts: rows read = staging + unchanged + rejected", "rows", "1.00"),
        ("ageing buckets = open items", "", "125.00"),
        ("invoice lines of the month = sales", "EUR", "125.00"),
        ("invoices of the month = roll-forward, invoiced", "EUR", "125.00"),
        ("invoices of the month = sales, net amount", "", "125.00"),
        ("invoices: rows loaded − replaced = core", "rows", "2.00"),
        ("invoices: rows read = staging + unchanged + rejected", "rows", "2.00"),
        ("open items = ledger roll-forward", "EUR", "125.00"),
        ("sales of the month with a quantity = price trend", "", "0.00"),
        ("sales of the month, net amount = profit by account", "", "125.00"),
        ("sales of the month, net amount = profit by product line", "", "125.00"),
    ]
    # 25 of 125 are overdue; all that was billed in the 91 days from April to June is still open.
    assert artifacts["test-headlines-2026-06"] == [
        {"Figure": "Open receivables", "2026-06": "125.00 EUR"},
        {"Figure": "Of that overdue", "2026-06": "20.0 %"},
        {"Figure": "Days sales outstanding", "2026-06": "91.0 days"},
    ]


def test_a_close_says_how_it_ended_in_its_state_its_log_and_a_page(first: tuple[Site, Run], server: Server) -> None:
    site, run = first

    assert run.message == "2026-06 version 1 published, 1 warning"
    page = run.artifacts()["test-2026-06"].splitlines()
    assert page[0] == "# test, close 2026-06: Published with warnings"
    assert "| Open receivables | 125.00 EUR |" in page
    assert f"See what failed: {site.command('status')}" in page
    assert f"- Data quality: `{site.published}/quality/index.html#month-2026-06`" in page
    assert "2026-06: closed as version 1." in said(server, run, "2026-06: closed as version 1.")


def said(server: Server, run: Run, last: str) -> list[str]:
    """The lines of a run's log, up to this one; they arrive a little later than its state."""

    def look() -> list[str] | None:
        wanted = {"flow_run_id": {"any_": [str(run.flow_run.id)]}}
        found = server.ask("/logs/filter", logs=wanted, sort="TIMESTAMP_DESC", limit=100)
        lines = [line["message"] for line in found]
        return lines if last in lines else None

    return wait_for(look, f"the line {last!r}")


def events(server: Server, site: Site, name: str) -> list[dict[str, Any]]:
    """The events of this name of a site's months, when there are some."""

    def look() -> list[dict[str, Any]]:
        found = server.ask("/events/filter", filter={"event": {"name": [f"kam-close.month.{name}"]}}, limit=50)
        return [event for event in found["events"] if event["payload"]["folder"] == str(site.directory)]

    return wait_for(look, f"an event {name}")


def test_a_published_month_is_an_event_with_its_version_and_content(first: tuple[Site, Run], server: Server) -> None:
    site, _ = first
    (event,) = events(server, site, "published")

    (close,) = published(site, "FROM reporting.closes")
    assert event["resource"]["prefect.resource.id"] == "kam-close.test.2026-06"
    assert event["payload"] == {
        "site": "test",
        "month": "2026-06",
        "folder": str(site.directory),
        "version": 1,
        "verdict": "warning",
        "content_hash": close["content_hash"],
    }


@long
def test_months_that_fail_change_or_are_taken_back_are_events_too(closed: Site, server: Server) -> None:
    from flows.withdraw import withdraw

    deliver(closed, "invoices_late.csv", LATE)
    changed = close(closed)
    # 40 more are open: 165 in place of 125.
    assert changed.artifacts()["test-difference-2026-06"][0] == {
        "Figure": "Open receivables",
        "Before": "125.00 EUR",
        "After": "165.00 EUR",
    }
    assert events(server, closed, "needs-restatement")[0]["payload"]["version"] == 1

    early = close(closed, "2026-07")
    assert early.state == "Not ready"
    assert events(server, closed, "failed")[0]["payload"]["why"] == "Not ready"

    taken_back = Run(withdraw, str(closed.directory), "2026-06", "sent too early")
    assert (taken_back.flow_run.name, taken_back.state, taken_back.result) == ("test: withdraw 2026-06", "Withdrawn", 1)
    assert events(server, closed, "withdrawn")[0]["payload"]["reason"] == "sent too early"


@long
def test_a_backfill_shows_how_far_it_is(make_site: Callable[..., Site]) -> None:
    site = make_site(in_month(5, GOOD), in_month(6, GOOD))

    run = backfill(site, "2026-05", "2026-06")

    assert run.artifacts()["test-progress-2026-05-to-2026-06"] == 100
    assert run.message == "2 of 2 months published: 2026-05, 2026-06"


@long
def test_an_error_of_ours_leaves_no_traceback_in_the_log(make_site: Callable[..., Site], server: Server) -> None:
    run = close(make_site(GOOD), "2027-06")

    assert run.state == "Refused"
    lines = said(server, run, f"Finished in state Refused({run.message!r}, type=FAILED)")
    assert not [line for line in lines if "Traceback" in line]


@long
def test_a_known_error_lets_the_month_close_once_it_is_corrected_and_is_listed(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD, WRONG_TOTAL)
    (site.directory / "corrections.toml").write_text(
        """
        [[corrections]]
        feed = "invoices"
        key = { invoice_id = "I3" }
        column = "invoice_total"
        wrong = 90
        right = 60
        reason = "Digits turned round"
        owner = "Accounts receivable"
        """
    )
    run = close(site)
    assert run.state == "Published"
    artifacts = run.artifacts()
    assert artifacts["test-checks-2026-06"].endswith("checks passed.")
    assert artifacts["test-corrections-2026-06"] == [
        {
            "Feed": "invoices",
            "Key": "invoice_id I3, line_no 1",
            "Column": "invoice_total",
            "Source says": "90",
            "Right": "60",
            "Reason": "Digits turned round",
            "Owner": "Accounts receivable",
            "State": "applied",
        }
    ]


@long
def test_a_failed_validation_fails_the_run_and_touches_no_closed_month(closed: Site) -> None:
    before = published(closed, "FROM marts.receivables_ageing")
    deliver(closed, "invoices_july.csv", in_month(7, WRONG_TOTAL))

    run = close(closed, "2026-07")

    error = raised(run)
    assert isinstance(error, ValidationFailedError)
    assert error.exit_code == 3
    assert "(invoice_id I3-7, lines_amount_doc 60.0000, invoice_total 90.0000)" in str(error)
    assert run.state == "Checks failed"
    assert str(error) in run.message
    assert "Traceback" not in run.message
    assert published(closed, "FROM marts.receivables_ageing") == before
    assert versions(closed) == [(date(2026, 6, 1), 1)]
    assert [row["period_month"] for row in published(closed, "FROM reporting.failed_closes")] == [date(2026, 7, 1)]
    artifacts = run.artifacts()
    assert artifacts["test-checks-2026-07"] == [
        {
            "Severity": "critical",
            "Rule": "The lines of a document add up to the total that the document states.",
            "Failed": "1",
            "Check": "invoices.total_matches_lines",
        }
    ]
    assert [row["Loaded"] for row in artifacts["test-loads-2026-07"]] == ["1"]


@long
def test_an_edit_of_the_settings_during_a_close_does_not_reach_it(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(GOOD)
    reads: list[Path] = []
    load_settings, validate = kam.site.site.load_settings, steps.validate_feeds

    def counted(directory: Path) -> Settings:
        reads.append(directory)
        return load_settings(directory)

    def edited_meanwhile(*arguments: Any) -> Any:
        file = site.directory / "kam.toml"
        file.write_text(file.read_text() + "\n[receivables]\nbuckets = [10]\n")
        return validate(*arguments)

    monkeypatch.setattr("kam.site.site.load_settings", counted)
    monkeypatch.setattr(steps, "validate_feeds", edited_meanwhile)

    run = close(site)

    assert run.state == "Published", run.message
    assert reads == [site.directory]
    buckets = published(site, "SELECT DISTINCT bucket FROM reporting.receivables_ageing")
    assert {row["bucket"] for row in buckets} <= {"current", "1-30", "31-60", "61-90", "91-120", "over 120"}
    recorded = published(site, "SELECT settings_hash FROM reporting.closes")
    assert recorded == [{"settings_hash": site.settings.definitions_hash(date(2026, 10, 1))}]


@long
def test_closing_again_makes_no_new_version(closed: Site) -> None:
    before = file_bytes(closed)

    again = close(closed)

    assert again.state == "Unchanged"
    assert [(month.outcome, month.version) for month in again.result.months] == [("unchanged", 1)]
    assert not again.result.published
    assert again.artifacts()["test-loads-2026-06"] == "Nothing new was loaded."
    assert file_bytes(closed) == before
    assert versions(closed) == [(date(2026, 6, 1), 1)]


@long
def test_a_closed_month_whose_inputs_changed_asks_for_a_restatement(closed: Site) -> None:
    before = file_bytes(closed)
    deliver(closed, "invoices_late.csv", LATE)

    run = close(closed)

    error = raised(run)
    assert isinstance(error, MonthChangedError)
    assert error.exit_code == 4
    assert run.state == "Needs a restatement"
    assert "of invoices" in str(error)
    assert f'kam --site {closed.directory} close 2026-06 --restate --reason "…"' in str(error)
    assert file_bytes(closed) == before


def test_a_restatement_needs_a_reason(closed: Site) -> None:
    run = close(closed, restate=True, reason=" ")

    error = raised(run)
    assert isinstance(error, UsageError)
    assert "--reason" in str(error)
    assert versions(closed) == [(date(2026, 6, 1), 1)]


@long
def test_a_restatement_is_a_second_version_and_the_first_stays_readable(closed: Site) -> None:
    deliver(closed, "invoices_late.csv", LATE)

    run = close(closed, restate=True, reason="invoice of 20 June came late")

    assert run.state == "Published with warnings"
    newest = "SELECT DISTINCT close_version, closing_amount FROM reporting.receivables_rollforward"
    assert published(closed, newest) == [{"close_version": 2, "closing_amount": 165}]
    history = """
        SELECT close_version, sum(closing_amount) AS amount FROM history.receivables_rollforward
        GROUP BY close_version ORDER BY close_version
    """
    assert published(closed, history) == [{"close_version": 1, "amount": 125}, {"close_version": 2, "amount": 165}]
    reasons = published(closed, "SELECT close_version, is_newest, reason FROM reporting.closes ORDER BY close_version")
    assert [tuple(row.values()) for row in reasons] == [(1, False, ""), (2, True, "invoice of 20 June came late")]


def in_month(month: int, invoice: Row) -> Row:
    """The invoice with its own number, dated in another month of 2026."""
    dates = {"invoice_date": f"2026-{month:02}-10", "due_date": f"2026-{month + 1:02}-10"}
    return {**invoice, "invoice_id": f"{invoice['invoice_id']}-{month}", **dates}


@long
def test_a_backfill_closes_every_month(make_site: Callable[..., Site]) -> None:
    site = make_site(in_month(5, GOOD), in_month(6, GOOD), in_month(7, GOOD))

    run = backfill(site, "2026-05", "2026-07")

    assert (run.flow_run.name, run.state) == ("test: backfill 2026-05 2026-07", "Published")
    names = run.task_names(last="publish")
    assert [name for name in names if name.startswith("commit")] == [
        "commit-2026-05",
        "commit-2026-06",
        "commit-2026-07",
    ]
    assert versions(site) == [(date(2026, month, 1), 1) for month in (5, 6, 7)]
    open_amounts = """
        SELECT sum(outstanding_amount) AS amount FROM reporting.receivables_ageing
        GROUP BY period_month ORDER BY period_month
    """
    assert published(site, open_amounts) == [{"amount": 100}, {"amount": 200}, {"amount": 300}]
    assert "test-headlines-2026-05-to-2026-07" in run.artifacts()


@long
def test_a_month_that_fails_does_not_keep_the_others_from_closing_and_the_next_run_goes_on_there(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(in_month(5, GOOD), in_month(6, WRONG_TOTAL), in_month(7, GOOD))

    run = backfill(site, "2026-05", "2026-07")

    error = raised(run)
    assert isinstance(error, ValidationFailedError)
    assert str(error).startswith("2026-06 was not published")
    assert "2026-05" not in str(error)
    assert run.state == "Checks failed"
    assert versions(site) == [(date(2026, 5, 1), 1), (date(2026, 7, 1), 1)]
    assert [row["Check"] for row in run.artifacts()["test-checks-2026-05-to-2026-07"]] == [
        "invoices.total_matches_lines"
    ]

    deliver(site, "invoices_corrected.csv", {**in_month(6, WRONG_TOTAL), "invoice_total": "60"})
    run = backfill(site, "2026-05", "2026-07")

    assert run.state == "Published", run.message
    assert [month.outcome for month in run.result.months] == ["unchanged", "closed", "unchanged"]
    assert versions(site) == [(date(2026, month, 1), 1) for month in (5, 6, 7)]


def test_a_dry_run_leaves_what_would_be_done_and_no_other_artifact(closed: Site) -> None:
    run = backfill(closed, "2026-06", "2026-07", dry_run=True)

    assert run.artifacts() == {
        "test-plan-2026-06-to-2026-07": [
            {"Month": "2026-06", "Version": "1", "Would do": "nothing", "Why": "nothing changed since version 1"},
            {"Month": "2026-07", "Version": "–", "Would do": "close", "Why": "never closed"},
        ]
    }
    assert versions(closed) == [(date(2026, 6, 1), 1)]


def test_an_ingest_loads_and_closes_nothing(make_site: Callable[..., Site]) -> None:
    from flows.ingest import ingest

    site = make_site(GOOD)

    run = Run(ingest, str(site.directory))

    assert (run.flow_run.name, run.state) == ("test: ingest", "Loaded")
    assert run.task_names(last="load-invoices") == ["load-accounts", "load-invoices"]
    assert [(load.feed, load.loaded_count) for load in run.result] == [("accounts", 1), ("invoices", 1)]
    assert [row["Feed"] for row in run.artifacts()["test-loads"]] == ["accounts", "invoices"]
    assert not site.published.exists()
    with warehouse(site) as con:
        kept = con.execute("SELECT step, subject, run_id FROM ops.steps ORDER BY step_no").fetchall()
    steps = [("run", ""), ("open", ""), ("load", "accounts"), ("load", "invoices")]
    assert kept == [(*step, str(run.flow_run.id)) for step in steps]


def test_a_feed_that_the_site_does_not_declare_is_refused_in_one_line(make_site: Callable[..., Site]) -> None:
    from flows.ingest import ingest

    error = raised(Run(ingest, str(make_site(GOOD).directory), "invoice"))

    assert isinstance(error, UsageError)
    assert str(error).startswith("invoice: no such feed in this site.")
    assert str(error).endswith("Declared: accounts, invoices")


def test_an_ingest_of_one_feed_loads_no_other(make_site: Callable[..., Site]) -> None:
    from flows.ingest import ingest

    run = Run(ingest, str(make_site(GOOD).directory), "invoices")

    assert [load.feed for load in run.result] == ["invoices"]


def test_a_refused_file_fails_the_ingest_after_the_others_are_loaded(make_site: Callable[..., Site]) -> None:
    from flows.ingest import ingest

    site = make_site(GOOD)
    deliver(site, "accounts_broken.csv", {"customer": "A"})

    run = Run(ingest, str(site.directory))

    error = raised(run)
    assert isinstance(error, SourceRefusedError)
    assert "landing/accounts_broken.csv" in str(error)
    assert run.state == "Source refused"
    statuses = [(row["Source"], row["Status"] == "loaded") for row in run.artifacts()["test-loads"]]
    assert statuses == [
        ("landing/accounts.csv", True),
        ("landing/accounts_broken.csv", False),
        ("landing/invoices.csv", True),
    ]


def test_a_refused_file_stops_the_close_and_changes_nothing(closed: Site) -> None:
    before = file_bytes(closed)
    deliver(closed, "invoices_broken.csv", {"number": "I9", "amount": "5"})

    run = close(closed)

    error = raised(run)
    assert isinstance(error, SourceRefusedError)
    assert "landing/invoices_broken.csv" in str(error)
    assert run.state == "Source refused"
    assert file_bytes(closed) == before
    assert versions(closed) == [(date(2026, 6, 1), 1)]
    artifacts = run.artifacts()
    (refused,) = artifacts["test-loads-2026-06"]
    assert refused["Source"] == "landing/invoices_broken.csv"
    assert "invoice_id" in refused["Status"]
    assert artifacts["test-checks-2026-06"] == "Nothing was checked."


class Tries:
    """The condition that is asked before a load is tried again, and how often it said yes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, between: Callable[[], None] = lambda: None) -> None:
        import flows.ingest
        from tasks import TASKS, loading

        self.again = 0
        helps = loading.load_feed.retry_condition_fn

        def condition(*failure: Any) -> bool:
            between()
            may_help = bool(helps(*failure))
            self.again += may_help
            return may_help

        at_once = loading.load_feed.with_options(retry_delay_seconds=0, retry_condition_fn=condition)
        monkeypatch.setattr(flows.ingest, "TASKS", replace(TASKS, load_feed=at_once))


@pytest.fixture
def unreachable(make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site whose orders are in a database that does not answer."""
    site = make_site(GOOD)
    with (site.directory / "kam.toml").open("a") as settings:
        settings.write(
            '[feeds.orders]\ndatabase = "env:ERP_URL"\n'
            "query = \"SELECT '1' AS order_id, 'A' AS account_id, '2026-05-01' AS order_date, 1 AS quantity\"\n"
        )
    monkeypatch.setenv("ERP_URL", "postgresql://reader@127.0.0.1:1/books")
    return find_site(site.directory)


def test_a_database_that_comes_back_is_read_at_the_next_try(
    unreachable: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from flows.ingest import ingest

    (tmp_path / "erp.sqlite").touch()
    tries = Tries(monkeypatch, between=lambda: monkeypatch.setenv("ERP_URL", f"sqlite:///{tmp_path}/erp.sqlite"))

    (result,) = Run(ingest, str(unreachable.directory), "orders").result

    assert (tries.again, result.read_count, result.loaded_count) == (1, 1, 1)


@long
def test_a_database_that_stays_away_is_tried_three_times_and_the_other_feeds_load(
    unreachable: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.ingest import ingest

    tries = Tries(monkeypatch)

    run = Run(ingest, str(unreachable.directory))

    assert isinstance(raised(run), SourceRefusedError)
    assert "the database books on 127.0.0.1:1 cannot be reached" in str(raised(run))
    assert tries.again == 2
    statuses = [(row["Feed"], row["Status"]) for row in run.artifacts()["test-loads"] if row["Status"] == "loaded"]
    assert statuses == [("accounts", "loaded"), ("invoices", "loaded")]


@long
def test_ingest_goes_on_with_a_shrunken_extract_only_when_told(site_folder: Path) -> None:
    site = write_site(site_folder, {}, feeds=[])
    with (site_folder / "kam.toml").open("a") as settings:
        settings.write('[feeds.accounts]\nfiles = "landing/*.csv"\nmode = "snapshot"\n')
    (site_folder / "landing" / "a.csv").write_text("account_id\n1\n2\n3\n")
    assert CliRunner().invoke(app, ["--site", str(site_folder), "ingest"]).exit_code == 0
    (site_folder / "landing" / "b.csv").write_text("account_id\n1\n")
    asked = CliRunner().invoke(app, ["--site", str(site_folder), "ingest"])
    assert isinstance(asked.exception, SourceRefusedError)
    assert "lacks 2 of the 3 rows" in str(asked.exception)
    assert " ingest --feed accounts --accept-shrink" in str(asked.exception)
    told = CliRunner().invoke(app, ["--site", str(site_folder), "ingest", "--feed", "accounts", "--accept-shrink"])
    assert told.exit_code == 0, told.exception
    with warehouse(site) as con:
        assert con.execute("SELECT account_id FROM core.accounts").fetchall() == [("1",)]


@long
def test_publish_restores_a_published_file_that_was_lost(closed: Site) -> None:
    from flows.publish import publish

    figures = "FROM reporting.receivables_ageing"
    before = published(closed, figures)
    (closed.published / "kam.duckdb").unlink()

    run = Run(publish, str(closed.directory))

    assert (run.flow_run.name, run.state, run.result) == ("test: publish", "Published", True)
    assert run.task_names(last="publish") == ["publish"]
    assert published(closed, figures) == before


@long
def test_the_receivables_of_a_day_are_a_run_of_their_own(closed: Site) -> None:
    from flows.ageing import ageing

    before = file_bytes(closed)
    run = Run(ageing, str(closed.directory), "2026-06-15", "june.csv")

    assert (run.flow_run.name, run.state) == ("test: ageing 2026-06-15", "Completed")
    assert run.task_names(last="ageing-2026-06-15") == ["ageing-2026-06-15"]
    assert run.artifacts()["test-ageing-2026-06-15"][-1] == {
        "Bucket": "All",
        "Items": "2",
        "Open": "125.00 EUR",
        "Overdue": "25.00 EUR",
    }
    assert len((closed.directory / "june.csv").read_text(encoding="utf-8").splitlines()) == 3  # header and two items
    assert file_bytes(closed) == before


@long
def test_a_forecast_is_a_run_of_its_own(site_folder: Path) -> None:
    from flows.forecast import forecast

    sold = {"invoice_id": "I", "account_id": "A", "product_id": "P", "quantity": 7, "net_amount": 1}
    given = {"invoices": [sold | {"invoice_date": "2024-06-10"}]}
    site = write_site(site_folder, given, feeds=["invoices", "forecasts"])
    with warehouse(site) as con:
        ingest(con, site)
    run = Run(forecast, str(site.directory), "2024-06", months=2)

    assert (run.flow_run.name, run.state) == ("test: forecast 2024-06", "Completed")
    assert run.task_names(last="forecast-2024-06") == ["forecast-2024-06"]
    assert (run.result.items, run.result.load.loaded_count) == ({"last_value": 1}, 2)


@long
def test_a_run_that_changes_nothing_publishes_when_the_file_was_lost(closed: Site) -> None:
    (closed.published / "kam.duckdb").unlink()

    run = backfill(closed, "2026-06", "2026-06")

    assert [month.outcome for month in run.result.months] == ["unchanged"]
    assert run.result.published
    assert versions(closed) == [(date(2026, 6, 1), 1)]


@long
def test_a_publication_that_fails_is_made_up_for_by_the_next_run(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)
    site.published.write_text("in the way of the folder", encoding="utf-8")

    failed = close(site)
    site.published.unlink()
    repaired = backfill(site, "2026-06", "2026-06")

    assert str(raised(failed)).endswith(
        f"every closed month is kept. Make room or make it writable, then: {site.command('publish')}"
    )
    assert failed.artifacts()["test-headlines-2026-06"][0] == {"Figure": "Open receivables", "2026-06": "100.00 EUR"}
    assert [month.outcome for month in repaired.result.months] == ["unchanged"]
    assert repaired.result.published
    assert versions(site) == [(date(2026, 6, 1), 1)]


@long
@pytest.mark.parametrize("function", ["create_table_artifact", "create_markdown_artifact"])
def test_artifacts_that_the_server_refuses_do_not_harm_the_run(
    closed: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, function: str
) -> None:
    def refuse(**_: object) -> None:
        message = "the server is full"
        raise OSError(message)

    monkeypatch.setattr(f"tasks.artifacts.{function}", refuse)

    run = backfill(closed, "2026-06", "2026-06")

    assert run.state == "Unchanged"
    assert "Prefect did not take the artifacts (the server is full); the figures are not affected" in caplog.messages


@long
def test_an_artifact_that_is_refused_does_not_hide_why_a_close_failed(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise OSError

    monkeypatch.setattr("tasks.artifacts.create_table_artifact", refuse)
    site = make_site(GOOD)
    deliver(site, "invoices_broken.csv", {"number": "I9", "amount": "5"})

    assert isinstance(close(site).result, SourceRefusedError)


@pytest.mark.parametrize(
    ("due", "timezone", "month"),
    [
        (datetime(2026, 7, 3, 5, 0, tzinfo=zoneinfo.ZoneInfo("UTC")), "UTC", "2026-06"),
        (datetime(2026, 6, 30, 22, 30, tzinfo=zoneinfo.ZoneInfo("UTC")), "UTC", "2026-05"),
        # In Berlin the first of July has begun by then.
        (datetime(2026, 6, 30, 22, 30, tzinfo=zoneinfo.ZoneInfo("UTC")), "Europe/Berlin", "2026-06"),
        # In New York June has not ended yet.
        (datetime(2026, 7, 1, 2, 0, tzinfo=zoneinfo.ZoneInfo("UTC")), "America/New_York", "2026-05"),
        (datetime(2026, 1, 3, 5, 0, tzinfo=zoneinfo.ZoneInfo("UTC")), "UTC", "2025-12"),
    ],
)
def test_previous_is_the_month_before_the_run_was_due_where_the_site_is(
    site_folder: Path, monkeypatch: pytest.MonkeyPatch, due: datetime, timezone: str, month: str
) -> None:
    from flows import monthly_close

    site = write_site(site_folder, {}, settings={"site": {"timezone": timezone}}, feeds=[])
    monkeypatch.setattr(monthly_close, "flow_run", SimpleNamespace(scheduled_start_time=due))

    assert monthly_close.resolved(site, "previous") == month


@pytest.mark.parametrize(("timezone", "day"), [("UTC", date(2026, 6, 29)), ("Europe/Berlin", date(2026, 6, 30))])
def test_previous_is_the_day_before_the_run_was_due_where_the_site_is(
    site_folder: Path, monkeypatch: pytest.MonkeyPatch, timezone: str, day: date
) -> None:
    from flows import ageing

    # In Berlin the first of July has begun by then.
    due = datetime(2026, 6, 30, 22, 30, tzinfo=zoneinfo.ZoneInfo("UTC"))
    site = write_site(site_folder, {}, settings={"site": {"timezone": timezone}}, feeds=[])
    monkeypatch.setattr(ageing, "flow_run", SimpleNamespace(scheduled_start_time=due))

    assert ageing.resolved(site, "previous") == day
    assert ageing.resolved(site, "2026-06-15") == date(2026, 6, 15)


def test_a_month_that_is_named_is_taken_as_it_is(site_folder: Path) -> None:
    from flows.monthly_close import resolved

    assert resolved(write_site(site_folder, {}, feeds=[]), "2026-06") == "2026-06"


@pytest.mark.parametrize("month", ["2026-13", "June", "2026-6"])
def test_a_month_that_is_none_fails_with_one_sentence(make_site: Callable[..., Site], month: str) -> None:
    run = close(make_site(GOOD), month)

    assert isinstance(raised(run), UsageError)
    assert run.message.endswith(f"{month!r} is not a month. Write it as year and month, such as 2026-10")


def test_a_month_without_data_fails_with_one_sentence(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)

    run = close(site, "2027-06")

    assert isinstance(raised(run), UsageError)
    assert run.message.endswith("the data runs from 2026-06 to 2026-07")
    assert not site.published.exists()
