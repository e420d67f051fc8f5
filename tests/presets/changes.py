"""What is asked of every preset: a load that is killed loses and doubles nothing, and a closed month asks before it changes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from kam.site import FEEDS, find_site
from kam.warehouse import rows, warehouse
from tests.cli import kam
from tests.presets.books import Books
from tests.support import REPOSITORY


def require_nothing_lost_or_doubled(books: Books, change: Callable[[], None]) -> None:
    """Kill -9 a first load, and a later one after `change`: a second run gives what one that was not killed gives.

    `change` has to concern two feeds, so that one of them is still to come when the first is loaded.
    """
    whole, killed = books.folder, books.folder.with_name("killed")
    shutil.copytree(whole, killed)
    kill_after(killed, 2)
    assert not all(content(killed).values()), "it was killed too late to show anything"
    for site in (whole, killed):
        load(site)
    assert content(killed) == content(whole)
    change()
    shutil.copytree(whole / "landing", killed / "landing", dirs_exist_ok=True)
    kill_after(killed, ledger_lines(killed) + 1)
    load(whole)
    assert content(killed) != content(whole), "it was killed too late to show anything"
    load(killed)
    assert content(killed) == content(whole)


def require_question(books: Books, month: str, feeds: str, expected: dict[str, Decimal]) -> None:
    """A closed month keeps its receivables and asks because of rows of these feeds; a restatement gives those that are expected."""
    before = books.published_receivables(month)
    asked = kam("--site", books.folder, "close", month)
    assert asked.returncode == 4, asked.stdout + asked.stderr
    assert "closing it now would give different figures" in asked.stderr
    for feed in feeds.split():
        assert f" of {feed}" in asked.stderr.replace("\n", " ")
    assert stale_months(books.folder) == {month}
    assert books.published_receivables(month) == before != expected
    restated = kam("--site", books.folder, "close", month, "--restate", "--reason", "It changed in the ERP")
    assert restated.returncode == 0, restated.stdout + restated.stderr
    assert books.published_receivables(month) == expected
    assert stale_months(books.folder) == set()


def load(site: Path) -> None:
    loaded = kam("--site", site, "ingest")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr


def kill_after(site: Path, lines: int) -> None:
    """Begin to load, and kill -9 the process when the ledger has so many lines."""
    running = subprocess.Popen(
        [sys.executable, "-m", "kam.cli", "--site", str(site), "ingest"],
        cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while running.poll() is None and ledger_lines(site) < lines:
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL


def ledger_lines(site: Path) -> int:
    ledger = site / "archive" / "ledger.ndjson"
    return ledger.read_bytes().count(b"\n") if ledger.exists() else 0


def content(site: Path) -> dict[str, list[tuple[str, ...]]]:
    """What each feed has now, every row as often as it is there."""
    found = find_site(site)
    with warehouse(found) as con:
        return {
            feed: sorted(
                tuple(map(str, row.values()))
                for row in rows(con, f"SELECT {', '.join(FEEDS[feed].column_names)} FROM core.{feed}")
            )
            for feed in found.settings.feeds
        }


def stale_months(site: Path) -> set[str]:
    """The closed months that may have changed."""
    months = json.loads(kam("--site", site, "status", "--json").stdout)["months"]
    return {month["month"] for month in months if month["may_have_changed"]}
