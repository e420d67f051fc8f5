"""What a command says with `--log-format json`: one JSON object a line on stderr, whatever it is, and the same exit status."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from kam.cli.console import out, print_table, problems
from kam.cli.json_lines import FORMAT_VARIABLE, hint, is_wanted, json_lines, write_error
from kam.site import Site
from kam.stops import Stopped
from tests.cli import Answer, kam
from tests.support import write_site

ORDER = {"order_id": "O1", "line_no": 1, "account_id": "A", "order_date": "2026-06-10", "quantity": 5}


@pytest.fixture
def site(site_folder: Path) -> Site:
    return write_site(
        site_folder, {"orders": [ORDER, ORDER | {"order_id": "O2", "quantity": "many"}]}, feeds=["orders"]
    )


def lines_of(answer: Answer) -> list[dict[str, Any]]:
    """All of stderr, each line an object with the keys that every line has."""
    found = [json.loads(line) for line in answer.stderr.splitlines()]
    assert all({"time", "level", "event", "message", "run_id", "command"} <= line.keys() for line in found)
    assert len({line["run_id"] for line in found}) == 1
    return found


def test_all_that_an_ingest_says_is_a_line_and_nothing_is_on_stdout(site: Site) -> None:
    answer = kam("--log-format", "json", "--site", site.directory, "ingest")

    assert (answer.returncode, answer.stdout) == (0, "")
    found = lines_of(answer)
    assert {(line["command"], line["site"]) for line in found} == {("ingest", "test")}
    (load,) = [line for line in found if line.get("step") == "load"]
    assert (load["subject"], load["rows"], load["outcome"]) == ("orders", 2, "done")
    (table,) = [line for line in found if line["event"] == "table"]
    assert table["message"] == "Loaded"
    assert found[0]["event"] == "run_began"
    rejected = next(line for line in found if "more than [ingest] reject_share allows" in line["message"])
    assert rejected["level"] == "warning"


def test_a_result_stays_on_stdout(site: Site) -> None:
    answer = kam("--log-format", "json", "--site", site.directory, "check", "--json")
    assert json.loads(answer.stdout)["sources"][0]["rejected_count"] == 1
    assert answer.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "error", "month", "says"),
    [
        (["close", "2026-13"], "UsageError", "2026-13", "Write it as year and month, such as 2026-10"),
        (["close"], "MissingParameter", None, ""),
        (["clsoe", "2026-06"], "UsageError", "2026-06", "Did you mean 'close'?"),
        (["ui", "--port", "99999"], "BadParameter", None, ""),
        (["diff", "2026-06", "--limit", "9" * 20], "BadParameter", "2026-06", ""),
    ],
)
def test_what_is_wrong_with_a_command_is_a_line_with_a_hint(
    site: Site, arguments: list[str], error: str, month: str | None, says: str
) -> None:
    answer = kam("--site", site.directory, *arguments, KAM_LOG_FORMAT="json")
    assert (answer.returncode, answer.stdout) == (2, "")
    (line,) = [json.loads(line) for line in answer.stderr.splitlines()]
    assert (line["level"], line["event"], line["exit_status"], line["error"]) == ("error", "error", 2, error)
    assert (line.get("month"), line["hint"]) == (month, says)


def test_an_unexpected_error_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "first\nsecond"
        raise ValueError(message)

    monkeypatch.setattr("kam.site.find_site", broken)
    (line,) = lines_of(kam("--log-format=json", "--verbose", "status"))
    assert line["message"].startswith("Unexpected: ValueError: first\nsecond.")
    assert "in broken" in line["traceback"]
    assert line["exit_status"] == 1


def test_a_command_that_is_stopped_says_so_with_the_status_of_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr("kam.site.find_site", stopped)
    (line,) = lines_of(kam("--log-format=json", "status"))
    assert (line["event"], line["error"], line["exit_status"]) == ("error", "StoppedError", 143)


@pytest.mark.parametrize(
    ("wanted", "printed"),
    [("json", {"level": "error", "event": "error", "message": "Stopped.", "exit_status": 130}), ("text", "Stopped.")],
)
def test_a_signal_before_the_command_began_is_a_line_too(wanted: str, printed: dict[str, Any] | str) -> None:
    raised = "import os, signal, kam.cli, kam.cli.commands as commands; commands.main = lambda: os.kill(os.getpid(), signal.SIGINT); kam.cli.main()"
    ended = subprocess.run(
        [sys.executable, "-c", raised], env=os.environ | {FORMAT_VARIABLE: wanted}, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ended.returncode == -signal.SIGINT
    (line,) = ended.stderr.splitlines()
    if isinstance(printed, dict):
        assert json.loads(line).items() >= printed.items()
    else:
        assert line == printed


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAM_LOG_FORMAT", "json")
    assert is_wanted(["status"])
    assert not is_wanted(["--log-format", "text", "status"])
    assert not is_wanted(["--log-format=text", "status"])
    assert is_wanted(["approve", "--comment", "read with --log-format=text"])


@pytest.mark.parametrize("wanted", ["text", "json"])
def test_the_command_without_any_argument_says_what_is_missing(wanted: str) -> None:
    answer = kam(KAM_LOG_FORMAT=wanted)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    assert "Commands" in answer.stdout + answer.stderr
    assert ("A command is missing" in answer.stderr) == (wanted == "json")


def test_what_libraries_say_markup_and_tables_are_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where a test before imported Prefect, its handlers write, too.
    for name in (None, "prefect", "prefect.flow_runs"):
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])
    with json_lines(["close", "2026-06"]):
        logging.getLogger("some.library").warning("slow %s", "disk")
        logging.getLogger("prefect.flow_runs").error("a traceback of a hundred lines")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        problems.print("[red]month [bold]2026-06[/bold] failed[/red]")
        problems.print("[red]no markup", markup=False)
        out.print()
        print_table("Loads", [{"Read (rows)": 3, "Feed": "orders"}])
        write_error(ValueError("x"), "Stopped.", 1)
    out.print("text again")

    shown = capsys.readouterr()
    assert shown.out == "text again\n"
    found = [json.loads(line) for line in shown.err.splitlines()]
    assert [(line["level"], line["event"], line["message"].splitlines()[0]) for line in found if "old" not in line["message"]] == [
        ("warning", "log", "slow disk"),
        ("error", "message", "month 2026-06 failed"),
        ("info", "message", "[red]no markup"),
        ("info", "table", "Loads"),
        ("error", "error", "Stopped."),
    ]  # fmt: skip
    assert found[-2]["rows"] == [{"read_rows": 3, "feed": "orders"}]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("orders.csv: is empty", ""),
        ("2026-06 changed\nSee: kam diff 2026-06", "See: kam diff 2026-06"),
        ("warehouse.duckdb: lacks load 3.5 of orders. Rebuild it: kam rebuild", "Rebuild it: kam rebuild"),
    ],
)
def test_a_hint_is_what_follows_the_first_sentence(message: str, says: str) -> None:
    assert hint(message) == says
