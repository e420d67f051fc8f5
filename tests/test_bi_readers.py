"""Many readers of the published file while months are closed again and again: each look shows one whole publication.

`KAM_SOAK_CLOSES` asks for a soak of that many publications and forty readers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kam.close import MonthOutcome, require_loaded, steps
from kam.site import FEEDS, Site
from tests.flows.processes import end
from tests.reader import HABITS
from tests.support import REPOSITORY, long, write_csv, write_site

# A dozen processes read beside the one that closes.
pytestmark = pytest.mark.timeout(900)
_ASKED_FOR = os.environ.get("KAM_SOAK_CLOSES", "")
CLOSES = int(_ASKED_FOR or 12)
READERS = 40 if _ASKED_FOR else 12
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
VIEWS_WITH_AMOUNT, VIEW_OF_CLOSES = range(4), 4


def invoice(number: str, account: str, month: int, amount: int) -> dict[str, Any]:
    dates = {"invoice_date": f"2026-{month:02}-10", "due_date": f"2026-{month + 1:02}-10"}
    return {"invoice_id": number, "account_id": account, **dates, "net_amount": amount}


def published_as(version: int) -> list[list[Any]]:
    """Every view of publication n: the invoice of June is over 90 + 10 n, the one of July over 50; none is paid."""
    june, july = 90 + 10 * version, 140 + 10 * version
    amounts = [
        [number, str(month), version, float(amount)]
        for number in VIEWS_WITH_AMOUNT
        for month, amount in ((JUNE, june), (JULY, july))
    ]
    return amounts + [[VIEW_OF_CLOSES, str(month), version, 0.0] for month in (JUNE, JULY)]


def close(site: Site, version: int) -> None:
    """Correct the invoice of June, make a version of both months, and publish them together."""
    corrected = invoice("I1", "A", 6, 90 + 10 * version)
    write_csv(site.directory / "landing" / f"invoices_{version:06}.csv", FEEDS["invoices"].column_names, [corrected])
    require_loaded(steps.load_feed(site, "invoices"))
    load = steps.prepare_months(site, [JUNE, JULY], restate=True)
    steps.build_marts(site, load)
    for month in (JUNE, JULY):
        outcome = steps.commit_month(
            site, month, as_of_load=load, checks=(), controls=(), restate=True, reason="a correction"
        )
        assert outcome == MonthOutcome(month, "closed", version)
    assert steps.publish(site, only_if_lagging=True)


@pytest.fixture
def site(site_folder: Path) -> Iterator[Site]:
    """Closed once; held open for more."""
    site = write_site(site_folder, {"invoices": [invoice("I2", "B", 7, 50)]}, feeds=["invoices"])
    with steps.writing_session(site, "closes"):
        close(site, 1)
        yield site


@dataclass(frozen=True)
class Seen:
    """What a reader tells at its end: how often it looked, what it saw in its order, and what went wrong."""

    habit: str
    reads: int
    seen: Sequence[list[list[Any]]]
    faults: Sequence[str]

    @property
    def versions(self) -> list[int]:
        return [look[0][2] for look in self.seen]


class Reader:
    """A reader in a process of its own."""

    def __init__(self, file: Path, habit: str) -> None:
        self.habit = habit
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.reader", str(file), habit],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def has_begun(self) -> bool:
        assert self.process.stdout is not None
        return self.process.stdout.readline() == "reading\n"

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def finished(self) -> Seen:
        assert self.process.stdout is not None
        seen = Seen(self.habit, **json.load(self.process.stdout))
        self.process.stdout.close()
        assert self.process.wait() == 0
        return seen


@contextmanager
def readers(file: Path, count: int) -> Iterator[list[Reader]]:
    """Readers of all habits in turn, all of which have looked once."""
    with ExitStack() as stack:
        started = []
        for number in range(count):
            reader = Reader(file, list(HABITS)[number % len(HABITS)])
            stack.callback(end, reader.process)
            started.append(reader)
        assert all(reader.has_begun() for reader in started)
        yield started


@long
def test_readers_see_whole_months_while_they_are_closed_again_and_again(site: Site) -> None:
    newest = CLOSES + 1
    with readers(site.published / "kam.duckdb", READERS) as started:
        for version in range(2, newest + 1):
            close(site, version)
        # Those that keep their connection have held it through all publications until here.
        for reader in started:
            reader.stop()
        ended = [reader.finished() for reader in started]

    counts = [reader.reads for reader in ended]
    sys.stdout.write(
        f"\n{READERS} readers, {CLOSES} publications, {sum(counts):,} reads, {min(counts):,} to {max(counts):,} each\n"
    )
    # The first before all publications, the last after them.
    assert min(counts) > 1
    assert [fault for reader in ended for fault in reader.faults] == []
    whole = {version: sorted(published_as(version)) for version in range(1, newest + 1)}
    assert [(reader.habit, look) for reader in ended for look in reader.seen if look not in whole.values()] == []
    for reader in ended:
        if reader.habit == "keeps":
            assert reader.versions == [1]
        else:
            # From the first to the last, never back.
            assert reader.versions == sorted(set(reader.versions))
            assert (reader.versions[0], reader.versions[-1]) == (1, newest)
    assert {file.name for file in site.published.iterdir()} == {"kam.duckdb", "kam.osi.json", "quality"}
