"""`kill -9` at every point: a reader never sees half of it, a rerun gives what an undisturbed run gives.

A test run tries some points of each command, named steps and statements spread over the run, several kills in a row.
`KAM_CRASH_RUNS` asks for a soak of that many points a command, each killed on a site of its own, at most all of them;
every third is killed once more while it recovers. `KAM_CRASH_SEED` repeats one.
"""

from __future__ import annotations

import os
import random
import shutil

import pytest

from tests.crash.books import COMMANDS
from tests.crash.harness import KILLED, Sites
from tests.support import long

RUNS = int(os.environ.get("KAM_CRASH_RUNS") or 0)
SEED = int(os.environ.get("KAM_CRASH_SEED") or random.SystemRandom().getrandbits(32))
# Points and how many of them a run passes before it dies. Each run goes on where the one before it was killed.
KILLS = {
    "ingest": [
        ("step store.take_in: after", 1),
        ("os replace: before", 1),
        ("sql INSERT INTO ops.loads", 1),
        ("step ledger.add_load: before", 1),
        ("step store.keep: after", 1),
        ("step store.add_to_ledger: before", 2),
        ("os fsync: after", 1),
        ("step steps.load_feed: after", 4),
    ],
    "close": [
        ("sql INSERT INTO ops.closes", 1),
        ("step ledger.add_close: before", 1),
        ("step published_file._swap: before", 1),
    ],
    "backfill": [
        ("sql INSERT INTO ops.stored_ahead", 1),
        ("step versions.store_ahead: after", 1),
        ("sql DELETE FROM ops.stored_ahead", 1),
        ("sql DELETE FROM ops.stored_ahead", 2),
        ("sql INSERT INTO ops.closes", 1),
        ("step steps.commit_month: after", 1),
    ],
    "restatement": [("step versions.store_ahead: after", 1), ("step steps.commit_month: after", 2)],
    "approve": [
        ("sql INSERT INTO ops.approvals", 1),
        ("step ledger.sync: before", 1),
        ("step store.add_to_ledger: before", 1),
        ("step published_file._swap: before", 1),
    ],
    "publish": [("sql CREATE TABLE published.", 10), ("os replace: after", 1)],
}


@pytest.mark.parametrize(
    "command", [pytest.param(command, marks=() if command == "close" else long) for command in KILLS]
)
def test_a_command_killed_again_and_again_ends_as_if_it_had_not_been(sites: Sites, command: str) -> None:
    trial = sites.trial(command)
    folder = trial.site()
    for name, count in KILLS[command]:
        assert trial.kill(folder, named=name, kill_at=count) == KILLED, f"{name} was not reached"
    trial.rerun(folder)


@pytest.mark.skipif(not RUNS, reason="make soak kills at every point")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_killed_at_any_point_ends_as_if_it_had_not_been(sites: Sites, command: str) -> None:
    trial, chance = sites.trial(command), random.Random(f"{SEED} {command}")  # noqa: S311 - not a secret
    points = len(trial.points)
    chosen = range(1, points + 1) if points <= RUNS else sorted(chance.sample(range(1, points + 1), RUNS))
    faults, kills = [], 0
    for number, at in enumerate(chosen):
        folder = trial.site()
        where = f"{at} of {points} ({trial.points[at - 1]})"
        try:
            assert trial.kill(folder, kill_at=at) == KILLED, "was not reached"
            if number % 3 == 0:
                again = chance.randrange(1, points)
                where += f", then {again}"
                kills += trial.kill(folder, kill_at=again) == KILLED
            trial.rerun(folder)
        except AssertionError as error:
            faults.append(f"killed at {where}: {error}")
        shutil.rmtree(folder)
    print(f"{command}: {points} points, {len(chosen)} runs, {len(chosen) + kills} kills, seed {SEED}")  # noqa: T201
    assert faults == []


@pytest.mark.skipif(not RUNS, reason="make soak kills at every point")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_killed_at_any_moment_ends_as_if_it_had_not_been(sites: Sites, command: str) -> None:
    """Also in the middle of a statement, and several times over."""
    trial, chance = sites.trial(command), random.Random(f"{SEED} {command}")  # noqa: S311 - not a secret
    kills = 0
    for _ in range(min(RUNS, len(trial.points)) // 10):
        folder = trial.site()
        for _ in range(3):
            kills += trial.kill(folder, kill_after_seconds=chance.uniform(0, trial.seconds)) == KILLED
        trial.rerun(folder)
        shutil.rmtree(folder)
    print(f"{command}: {kills} kills at any moment, seed {SEED}")  # noqa: T201
