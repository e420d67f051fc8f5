"""What a run keeps of its steps: how long each took, also when the run failed, and never at the cost of the run."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kam import timing
from kam.audit import rebuild
from kam.close import run, steps
from kam.site import Site
from kam.stops import Stopped
from kam.timing import Step
from kam.warehouse import Connection, kept_steps, memory, rows, run_steps, warehouse
from tests.cli import kam
from tests.support import only, write_site

INVOICE = {"invoice_id": "I1", "account_id": "A", "invoice_date": "2026-06-10", "net_amount": "1234.50"}
JUNE = date(2026, 6, 1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """June was closed; then nothing had changed; then a file was refused."""
    made = write_site(
        tmp_path_factory.mktemp("site"),
        {"accounts": [{"account_id": "A"}], "invoices": [INVOICE]},
        feeds=["accounts", "invoices"],
    )
    # Rules and other tables would take most of the time.
    with only(["accounts"]), pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "warm_up", lambda: None)
        patch.setattr(steps, "validate", lambda *_, **__: [])
        patch.setattr(steps, "control_totals", lambda *_: [])
        for _ in range(2):
            assert kam("--site", made.directory, "close", "2026-06").returncode == 0
    (made.directory / "landing" / "invoices_2.csv").write_text("invoice_id,a\nI2\n", encoding="utf-8")
    assert kam("--site", made.directory, "close", "2026-06").returncode == 1
    return made


def steps_of(site: Site, run_no: int) -> dict[str, Mapping[str, Any]]:
    """The steps of a run by their name and what they are of, without the models."""
    with warehouse(site) as con:
        found = rows(con, f"FROM ops.steps WHERE run_no = {run_no} AND step <> 'model' ORDER BY step_no")
    return {f"{step['step']} {step['subject']}".strip(): step for step in found}


def test_a_close_keeps_its_steps_in_their_order_with_rows_time_and_memory(site: Site) -> None:
    found = steps_of(site, 1)

    assert list(found) == [
        "run", "open", "look for changes", "load accounts", "load invoices", "plan", "readiness", "prepare",
        "validate feeds", "build", "validate tables", "commit 2026-06", "headlines", "publish",
    ]  # fmt: skip
    assert (found["load invoices"]["row_count"], found["load invoices"]["outcome"]) == (1, "done")
    assert (found["commit 2026-06"]["outcome"], found["run"]["outcome"]) == ("closed", "done")
    assert found["build"]["period_months"] == [JUNE]
    whole = found.pop("run")
    assert whole["command"] == "close 2026-06"
    assert 0.5 * float(whole["seconds"]) < sum(float(step["seconds"]) for step in found.values()) <= whole["seconds"]
    memory = [step["peak_memory_bytes"] for step in found.values()]
    assert memory == sorted(memory)
    assert memory[0] > 50_000_000  # Python with DuckDB


def test_the_models_of_a_build_are_steps_in_it_with_the_rows_of_their_tables(site: Site) -> None:
    with warehouse(site) as con:
        found = rows(con, "FROM ops.steps WHERE run_no = 1 AND step = 'model'")
        (build,) = rows(con, "FROM ops.steps WHERE run_no = 1 AND step = 'build'")
        (count,) = con.execute("SELECT count(*) FROM marts.accounts").fetchall()[0]

    assert {model["parent_no"] for model in found} == {build["step_no"]}
    assert {model["subject"]: model["row_count"] for model in found}["build.accounts"] == count == 1
    assert sum(model["seconds"] for model in found) <= build["seconds"]


def test_a_close_that_changed_nothing_is_kept_too(site: Site) -> None:
    found = steps_of(site, 2)

    assert (found["run"]["outcome"], found["publish"]["outcome"]) == ("unchanged", "unchanged")
    assert "build" not in found


def test_a_run_that_failed_keeps_its_steps_and_why(site: Site) -> None:
    found = steps_of(site, 3)

    assert list(found) == ["run", "open", "look for changes", "load accounts", "load invoices"]
    for step in ("run", "load invoices"):
        assert found[step]["outcome"] == "failed"
        assert "invoices_2.csv" in found[step]["error"]


def test_the_status_shows_the_last_runs_and_where_time_went(site: Site) -> None:
    found = json.loads(kam("--site", site.directory, "status", "--timings", "--json").stdout)

    assert [(run["run"], run["command"], run["outcome"]) for run in found["runs"]] == [
        (3, "close 2026-06", "failed"),
        (2, "close 2026-06", "unchanged"),
        (1, "close 2026-06", "done"),
    ]
    assert (found["steps"][0]["step"], found["steps"][0]["of"]) == ("load", "invoices")
    assert "build.accounts" in {model["model"] for model in found["models"]}
    seconds = [model["seconds"] for model in found["models"]]
    assert seconds == sorted(seconds, reverse=True)
    shown = kam("--site", site.directory, "status", "--timings", "--month", "2026-06").stdout
    assert "Where the time of run 3 went" in shown
    shown = kam("--site", site.directory, "status", "--timings", "--month", "2026-05").stdout
    assert "No run over 2026-05 is on record." in shown


def test_a_month_without_timings_is_refused(site: Site) -> None:
    assert kam("--site", site.directory, "status", "--month", "2026-06").returncode == 2


def test_a_rebuild_forgets_the_runs_before_it_and_finds_the_same_figures(site: Site) -> None:
    (site.directory / "landing" / "invoices_2.csv").unlink()
    with only(["accounts"]):
        assert rebuild(site, force=True).differences == []
    found = json.loads(kam("--site", site.directory, "status", "--timings", "--json").stdout)
    assert [(run["command"], run["outcome"]) for run in found["runs"]] == [("rebuild", "done")]
    assert {(step["step"], step["of"]) for step in found["steps"]} == {
        ("load", "accounts"), ("load", "invoices"), ("close again", "2026-06"),
    }  # fmt: skip


def test_a_warehouse_of_an_earlier_release_has_no_runs_yet(site_folder: Path) -> None:
    site = write_site(site_folder, {}, feeds=["orders"])
    with warehouse(site) as con:
        con.execute("DROP TABLE ops.steps")
        con.execute("UPDATE ops.shape SET sha256 = 'of another release'")
    answer = kam("--site", site.directory, "status", "--timings", "--json")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["runs"] == []


@pytest.fixture
def con() -> Connection:
    con = memory()
    con.execute("CREATE SCHEMA ops")
    con.execute(
        "CREATE TABLE ops.steps (run_no BIGINT, run_id VARCHAR, command VARCHAR, step_no BIGINT, parent_no BIGINT, "
        "step VARCHAR, subject VARCHAR, period_months DATE[], started_at TIMESTAMP, seconds DECIMAL(12, 3), "
        "row_count BIGINT, peak_memory_bytes BIGINT, outcome VARCHAR, error VARCHAR)"
    )
    return con


def outcomes(con: Connection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT step, outcome, error FROM ops.steps ORDER BY run_no, step_no").fetchall()


def test_a_run_that_is_killed_leaves_what_it_did(con: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_steps, "_MOMENT", 0)
    with timing.run("close 2026-06"), kept_steps(con):
        with timing.step("load", "orders"):
            pass
        # What another process would find if this one ended here.
        assert outcomes(con) == [("run", "did not end", ""), ("load", "done", "")]


def test_a_run_that_is_stopped_says_so(con: Connection) -> None:
    with pytest.raises(Stopped), timing.run("close 2026-06"), kept_steps(con), timing.step("build"):
        raise Stopped(signal.SIGTERM)
    assert outcomes(con) == [("run", "stopped", "stopped by SIGTERM"), ("build", "stopped", "stopped by SIGTERM")]


def test_the_text_of_an_unknown_error_is_not_kept(con: Connection) -> None:
    with pytest.raises(ValueError, match="hunter2"), timing.run("publish"), kept_steps(con), timing.step("publish"):
        raise ValueError("postgresql://kam:hunter2@db")  # noqa: EM101
    assert outcomes(con) == [("run", "failed", "unexpected ValueError"), ("publish", "failed", "unexpected ValueError")]


def test_only_the_newest_runs_are_kept(con: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_steps, "KEPT_RUNS", 2)
    for name in ("one", "two", "three"):
        with timing.run(name), kept_steps(con), timing.step("load"):
            pass
    found = con.execute("SELECT run_no, command, step FROM ops.steps ORDER BY ALL").fetchall()
    assert found == [(2, "two", "load"), (2, "two", "run"), (3, "three", "load"), (3, "three", "run")]


def test_a_table_that_cannot_be_written_harms_no_run(con: Connection, caplog: pytest.LogCaptureFixture) -> None:
    con.execute("DROP TABLE ops.steps")
    with timing.run("close 2026-06"), kept_steps(con), timing.step("build") as step:
        step.row_count = 1
    (record,) = caplog.records
    assert "The run itself is not affected" in record.getMessage()


def test_steps_outside_a_run_are_heard_by_nobody() -> None:
    with timing.step("load", "orders") as step:
        timing.note(version=1)
    assert isinstance(step, Step)
    assert timing.whole_run() is None
