"""The flows on a real Prefect server: what a run is called, what it leaves behind, and what it never touches."""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import kam.site.site
from kam.close import steps
from kam.errors import KamError, MonthChangedError, SourceRefusedError, UsageError, ValidationFailedError
from kam.site import Settings, Site
from tests.flows.processes import wait_for
from tests.support import published, write_csv, write_site

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
    def make(*invoices: Row) -> Site:
        return write_site(
            site_folder, {"accounts": [{"account_id": "A"}], "invoices": invoices}, feeds=["accounts", "invoices"]
        )

    return make


def close(site: Site, month: str = "2026-06", **options: object) -> Run:
    from flows.monthly_close import monthly_close

    return Run(monthly_close, str(site.directory), month, **options)


def backfill(site: Site, first: str, last: str, **options: object) -> Run:
    from flows.backfill import backfill as flow

    return Run(flow, str(site.directory), first, last, **options)


def deliver(site: Site, file: str, *invoices: Row) -> None:
    """Put another extract of invoices into the landing folder."""
    write_csv(
        site.directory / "landing" / file, list(dict.fromkeys(name for row in invoices for name in row)), invoices
    )


def file_bytes(site: Site) -> bytes:
    return (site.published / "kam.duckdb").read_bytes()


def versions(site: Site) -> list[tuple[date, int]]:
    closes = published(site, "FROM reporting.closes ORDER BY period_month, close_version")
    return [(close["period_month"], close["close_version"]) for close in closes]


def raised(run: Run) -> KamError:
    assert isinstance(run.result, KamError), run.result
    return run.result


def test_a_close_and_its_steps_have_readable_names(make_site: Callable[..., Site]) -> None:
    run = close(make_site(GOOD))

    assert (run.flow_run.name, run.state) == ("close-2026-06", "Completed")
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


def test_a_close_leaves_its_figures_as_artifacts(make_site: Callable[..., Site]) -> None:
    artifacts = close(make_site(GOOD, DUE_TOO_EARLY)).artifacts()

    assert sorted(artifacts) == ["checks-2026-06", "control-totals-2026-06", "headlines-2026-06", "loads-2026-06"]
    loaded = {"Unchanged": "0", "Rejected": "0", "Status": "loaded"}
    assert artifacts["loads-2026-06"] == [
        {"Feed": "accounts", "Source": "landing/accounts.csv", "Read": "1", "Loaded": "1"} | loaded,
        {"Feed": "invoices", "Source": "landing/invoices.csv", "Read": "2", "Loaded": "2"} | loaded,
    ]
    assert artifacts["checks-2026-06"] == [
        {
            "Severity": "warning",
            "Rule": "No invoice is due before its own date.",
            "Failed": "1",
            "Check": "invoices.due_on_or_after_invoice_date",
        }
    ]
    # An account; two invoices over 125 in all, which no payment, credit note or write-off touches.
    totals = artifacts["control-totals-2026-06"]
    assert {(total["Month"], total["Ties"], total["Left"] == total["Right"]) for total in totals} == {
        ("2026-06", "yes", True)
    }
    assert sorted((total["Control"], total["Currency"], total["Left"]) for total in totals) == [
        ("accounts: rows loaded − replaced = core", "rows", "1.00"),
        ("accounts: rows read = staging + unchanged + rejected", "rows", "1.00"),
        ("ageing buckets = open items", "", "125.00"),
        ("invoice lines of the month = sales", "EUR", "125.00"),
        ("invoices of the month = roll-forward, invoiced", "EUR", "125.00"),
        ("invoices: rows loaded − replaced = core", "rows", "2.00"),
        ("invoices: rows read = staging + unchanged + rejected", "rows", "2.00"),
        ("open items = ledger roll-forward", "EUR", "125.00"),
    ]
    # 25 of 125 are overdue; all that was billed in the 91 days from April to June is still open.
    assert artifacts["headlines-2026-06"] == [
        {"Figure": "Open receivables", "2026-06": "125.00 EUR"},
        {"Figure": "Of that overdue", "2026-06": "20.0 %"},
        {"Figure": "Days sales outstanding", "2026-06": "91.0 days"},
    ]


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
    assert run.state == "Completed"
    assert run.artifacts()["corrections-2026-06"] == [
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


def test_an_artifact_says_so_when_there_is_nothing_to_list(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)
    close(site)

    artifacts = close(site).artifacts()

    assert artifacts["loads-2026-06"] == "Nothing new was loaded."
    assert artifacts["checks-2026-06"].endswith("checks passed.")


def test_a_failed_validation_fails_the_run_and_touches_no_closed_month(make_site: Callable[..., Site]) -> None:
    site = make_site({**GOOD, "invoice_date": "2026-05-10"})
    close(site, "2026-05")
    before = published(site, "FROM marts.receivables_ageing")
    deliver(site, "invoices_june.csv", WRONG_TOTAL)

    run = close(site)

    error = raised(run)
    assert isinstance(error, ValidationFailedError)
    assert error.exit_code == 3
    assert "(invoice_id I3, lines_amount_doc 60.0000, invoice_total 90.0000)" in str(error)
    assert run.state == "Failed"
    assert str(error) in run.message
    assert "Traceback" not in run.message
    assert published(site, "FROM marts.receivables_ageing") == before
    assert versions(site) == [(date(2026, 5, 1), 1)]
    assert [row["period_month"] for row in published(site, "FROM reporting.failed_closes")] == [date(2026, 6, 1)]


def test_a_failed_validation_leaves_its_checks_as_an_artifact(make_site: Callable[..., Site]) -> None:
    artifacts = close(make_site(GOOD, WRONG_TOTAL)).artifacts()

    assert artifacts["checks-2026-06"] == [
        {
            "Severity": "critical",
            "Rule": "The lines of a document add up to the total that the document states.",
            "Failed": "1",
            "Check": "invoices.total_matches_lines",
        }
    ]
    assert [row["Loaded"] for row in artifacts["loads-2026-06"]] == ["1", "2"]


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

    assert run.state == "Completed", run.message
    assert reads == [site.directory]
    buckets = published(site, "SELECT DISTINCT bucket FROM reporting.receivables_ageing")
    assert {row["bucket"] for row in buckets} <= {"current", "1-30", "31-60", "61-90", "91-120", "over 120"}
    recorded = published(site, "SELECT settings_hash FROM reporting.closes")
    assert recorded == [{"settings_hash": site.settings.definitions_hash}]


def test_closing_again_makes_no_new_version(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)
    close(site)
    before = file_bytes(site)

    again = close(site)

    assert again.state == "Completed"
    assert [(month.outcome, month.version) for month in again.result.months] == [("unchanged", 1)]
    assert not again.result.published
    assert file_bytes(site) == before
    assert versions(site) == [(date(2026, 6, 1), 1)]


def test_a_closed_month_whose_inputs_changed_asks_for_a_restatement(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)
    close(site)
    before = file_bytes(site)
    deliver(site, "invoices_late.csv", LATE)

    run = close(site)

    error = raised(run)
    assert isinstance(error, MonthChangedError)
    assert error.exit_code == 4
    assert run.state == "Failed"
    assert "of invoices" in str(error)
    assert f'kam --site {site.directory} close 2026-06 --restate --reason "…"' in str(error)
    assert file_bytes(site) == before


def test_a_restatement_needs_a_reason(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)
    close(site)

    run = close(site, restate=True, reason=" ")

    error = raised(run)
    assert isinstance(error, UsageError)
    assert "--reason" in str(error)
    assert versions(site) == [(date(2026, 6, 1), 1)]


def test_a_restatement_is_a_second_version_and_the_first_stays_readable(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)
    close(site)
    deliver(site, "invoices_late.csv", LATE)

    run = close(site, restate=True, reason="invoice of 20 June came late")

    assert run.state == "Completed"
    assert published(site, "SELECT DISTINCT close_version, closing_amount FROM reporting.receivables_rollforward") == [
        {"close_version": 2, "closing_amount": 140}
    ]
    history = """
        SELECT close_version, sum(closing_amount) AS amount FROM reporting.receivables_rollforward_history
        GROUP BY close_version ORDER BY close_version
    """
    assert published(site, history) == [{"close_version": 1, "amount": 100}, {"close_version": 2, "amount": 140}]
    reasons = published(site, "SELECT close_version, is_newest, reason FROM reporting.closes ORDER BY close_version")
    assert [tuple(close.values()) for close in reasons] == [(1, False, ""), (2, True, "invoice of 20 June came late")]


def in_month(month: int, invoice: Row) -> Row:
    """The invoice with its own number, dated in another month of 2026."""
    dates = {"invoice_date": f"2026-{month:02}-10", "due_date": f"2026-{month + 1:02}-10"}
    return {**invoice, "invoice_id": f"{invoice['invoice_id']}-{month}", **dates}


def test_a_backfill_closes_every_month(make_site: Callable[..., Site]) -> None:
    site = make_site(in_month(5, GOOD), in_month(6, GOOD), in_month(7, GOOD))

    run = backfill(site, "2026-05", "2026-07")

    assert (run.flow_run.name, run.state) == ("backfill-2026-05-to-2026-07", "Completed")
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
    assert "headlines-2026-05-to-2026-07" in run.artifacts()


def test_a_month_that_fails_does_not_keep_the_others_from_closing(make_site: Callable[..., Site]) -> None:
    site = make_site(in_month(5, GOOD), in_month(6, WRONG_TOTAL), in_month(7, GOOD))

    run = backfill(site, "2026-05", "2026-07")

    error = raised(run)
    assert isinstance(error, ValidationFailedError)
    assert str(error).startswith("2026-06 was not published")
    assert "2026-05" not in str(error)
    assert run.state == "Failed"
    assert versions(site) == [(date(2026, 5, 1), 1), (date(2026, 7, 1), 1)]
    assert [row["Check"] for row in run.artifacts()["checks-2026-05-to-2026-07"]] == ["invoices.total_matches_lines"]


def test_a_backfill_goes_on_where_it_failed(make_site: Callable[..., Site]) -> None:
    site = make_site(in_month(5, GOOD), in_month(6, WRONG_TOTAL), in_month(7, GOOD))
    backfill(site, "2026-05", "2026-07")
    deliver(site, "invoices_mended.csv", {**in_month(6, WRONG_TOTAL), "invoice_total": "60"})

    run = backfill(site, "2026-05", "2026-07")

    assert run.state == "Completed", run.message
    assert [month.outcome for month in run.result.months] == ["unchanged", "closed", "unchanged"]
    assert versions(site) == [(date(2026, month, 1), 1) for month in (5, 6, 7)]


def test_a_dry_run_leaves_what_would_be_done_and_no_other_artifact(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)
    close(site)

    run = backfill(site, "2026-06", "2026-07", dry_run=True)

    assert run.artifacts() == {
        "plan-2026-06-to-2026-07": [
            {"Month": "2026-06", "Version": "1", "Would do": "nothing", "Why": "nothing changed since version 1"},
            {"Month": "2026-07", "Version": "–", "Would do": "close", "Why": "never closed"},
        ]
    }
    assert versions(site) == [(date(2026, 6, 1), 1)]


def test_an_ingest_loads_and_closes_nothing(make_site: Callable[..., Site]) -> None:
    from flows.ingest import ingest

    site = make_site(GOOD)

    run = Run(ingest, str(site.directory))

    assert (run.flow_run.name, run.state) == ("ingest", "Completed")
    assert run.task_names(last="load-invoices") == ["load-accounts", "load-invoices"]
    assert [(load.feed, load.loaded_count) for load in run.result] == [("accounts", 1), ("invoices", 1)]
    assert [row["Feed"] for row in run.artifacts()["loads"]] == ["accounts", "invoices"]
    assert not site.published.exists()


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
    assert run.state == "Failed"
    statuses = [(row["Source"], row["Status"] == "loaded") for row in run.artifacts()["loads"]]
    assert statuses == [
        ("landing/accounts.csv", True),
        ("landing/accounts_broken.csv", False),
        ("landing/invoices.csv", True),
    ]


def test_a_refused_file_stops_the_close_and_changes_nothing(make_site: Callable[..., Site]) -> None:
    site = make_site({**GOOD, "invoice_date": "2026-05-10"})
    close(site, "2026-05")
    before = file_bytes(site)
    deliver(site, "invoices_broken.csv", {"number": "I9", "amount": "5"})

    run = close(site, "2026-05")

    error = raised(run)
    assert isinstance(error, SourceRefusedError)
    assert "landing/invoices_broken.csv" in str(error)
    assert run.state == "Failed"
    assert file_bytes(site) == before
    assert versions(site) == [(date(2026, 5, 1), 1)]


def test_a_close_that_was_stopped_by_a_refused_file_shows_it_among_its_loads(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)
    deliver(site, "invoices_broken.csv", {"number": "I9", "amount": "5"})

    artifacts = close(site).artifacts()

    refused = [row for row in artifacts["loads-2026-06"] if row["Status"] != "loaded"]
    assert [row["Source"] for row in refused] == ["landing/invoices_broken.csv"]
    assert "invoice_id" in refused[0]["Status"]
    assert artifacts["checks-2026-06"] == "Nothing was checked."


def test_publish_restores_a_published_file_that_was_lost(make_site: Callable[..., Site]) -> None:
    from flows.publish import publish

    site = make_site(GOOD)
    close(site)
    figures = "FROM reporting.receivables_ageing"
    before = published(site, figures)
    (site.published / "kam.duckdb").unlink()

    run = Run(publish, str(site.directory))

    assert (run.flow_run.name, run.state, run.result) == ("publish", "Completed", True)
    assert run.task_names(last="publish") == ["publish"]
    assert published(site, figures) == before


def test_a_close_that_changes_nothing_publishes_when_the_file_was_lost(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)
    close(site)
    (site.published / "kam.duckdb").unlink()

    run = close(site)

    assert run.result.published
    assert versions(site) == [(date(2026, 6, 1), 1)]


def test_a_publication_that_fails_is_made_up_for_by_the_next_close(make_site: Callable[..., Site]) -> None:
    site = make_site(GOOD)
    site.published.write_text("in the way of the folder", encoding="utf-8")

    failed = close(site)
    site.published.unlink()
    mended = close(site)

    assert str(raised(failed)).endswith("every closed month is kept. Make room or make it writable, then: kam publish")
    assert failed.artifacts()["headlines-2026-06"][0] == {"Figure": "Open receivables", "2026-06": "100.00 EUR"}
    assert [month.outcome for month in mended.result.months] == ["unchanged"]
    assert mended.result.published
    assert versions(site) == [(date(2026, 6, 1), 1)]


@pytest.mark.parametrize("function", ["create_table_artifact", "create_markdown_artifact"])
def test_artifacts_that_the_server_refuses_do_not_harm_the_close(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, function: str
) -> None:
    def refuse(**_: object) -> None:
        message = "the server is full"
        raise OSError(message)

    monkeypatch.setattr(f"tasks.artifacts.{function}", refuse)
    site = make_site(GOOD)

    run = close(site)

    assert run.state == "Completed"
    assert versions(site) == [(date(2026, 6, 1), 1)]
    assert "Prefect did not take the artifacts (the server is full); the figures are not affected" in caplog.messages


def test_an_artifact_that_is_refused_does_not_hide_why_a_close_failed(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise OSError

    monkeypatch.setattr("tasks.artifacts.create_table_artifact", refuse)

    assert isinstance(close(make_site(WRONG_TOTAL)).result, ValidationFailedError)


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
