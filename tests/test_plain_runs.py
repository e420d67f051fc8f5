"""A run without Prefect: which steps are tried again, and when the pages of a site claim its runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kam.cli.server import configured_server, keep_running
from kam.close.run import LOADING, _retried
from kam.errors import DatabaseUnreachableError, KamError
from tests.support import write_site


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited before each further try."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


def failing(times: int, error: Exception) -> Callable[[], str]:
    """A step that fails so many times before it succeeds."""
    left = [error] * times

    def step() -> str:
        if left:
            raise left.pop()
        return "done"

    return step


def test_a_database_that_comes_back_is_read_at_a_later_try(slept: list[float]) -> None:
    assert _retried(failing(2, DatabaseUnreachableError("gone")), LOADING)() == "done"
    assert slept == [5, 5]


def test_after_the_last_try_the_error_is_told(slept: list[float]) -> None:
    with pytest.raises(DatabaseUnreachableError, match="gone"):
        _retried(failing(3, DatabaseUnreachableError("gone")), LOADING)()
    assert slept == [5, 5]


def test_what_another_try_cannot_help_is_told_at_once(slept: list[float]) -> None:
    with pytest.raises(KamError, match="wrong"):
        _retried(failing(1, KamError("wrong")), LOADING)()
    assert slept == []


def test_pages_whose_process_is_gone_claim_no_runs(site_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_URL", "PREFECT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(site_folder / "prefect"))
    site = write_site(site_folder, {}, feeds=["orders"])
    note = keep_running(site, "http://127.0.0.1:4200/api")
    found = configured_server(site)
    assert found
    assert (found.url, found.named_by) == ("http://127.0.0.1:4200/api", "this site")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    note.write_text(json.dumps({"url": found.url, "process": gone.pid}), encoding="utf-8")
    assert configured_server(site) is None
