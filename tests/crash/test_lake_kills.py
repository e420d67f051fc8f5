"""`kill -9` at the statements that go to a lake: nobody has to wait, nobody sees half of it, and a rerun gives what it gives undisturbed.

A test run tries some points of an ingest. `make test-lake` tries named ones of each command, and `make soak` every statement that changes
the lake or its catalog. The files of a run that died are removed by `kam maintain`.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.crash import books
from tests.crash.books import COMMANDS
from tests.crash.harness import KILLED, Sites, runner
from tests.crash.test_kills import KILLS, RUNS
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - a fixture
from tests.stores import ON_LAKE, sites_on_lakes

pytest.importorskip("duckdb_extension_ducklake")
pytest.importorskip("duckdb_extension_postgres_scanner")

takes_minutes = pytest.mark.skipif(not os.environ.get("KAM_LAKE"), reason="takes minutes: make test-lake runs it")
# Those of the file, and where it begins: a lake is made, and its lock taken.
_OF_LAKE = {
    "ingest": [
        ("pg SELECT pg_try_advisory_lock", 1),
        ("sql ATTACH 'ducklake", 1),
        ("sql CREATE TABLE lake.ops.workers", 1),
        ("pg CREATE TABLE IF NOT EXISTS public.kam_lake", 1),
        ("pg INSERT INTO public.kam_lake", 1),
        ("sql UPDATE ops.writer SET token", 1),
        ("sql COMMIT", 4),
    ],
    "close": [
        ("sql UPDATE ops.writer SET token", 1),
        ("sql UPDATE ops.writer SET commits", 1),
        ("sql INSERT INTO marts.", 3),
        ("sql COMMIT", 3),
    ],
}
# What changes a lake or its catalog, and where it is opened.
_GOES_THERE = re.compile(
    r"(pg .*|sql (ATTACH 'ducklake.*|BEGIN|COMMIT|CREATE SCHEMA lake\..*"
    r"|(INSERT INTO|UPDATE|DELETE FROM|ALTER TABLE|CREATE (OR REPLACE )?(TABLE|VIEW)( IF NOT EXISTS)?) "
    r'("?lake"?\.)?(ops|staging|marts|reporting|history)\..*))'
)


@pytest.fixture(scope="module")
def lakes(postgresql: PostgreSql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:  # noqa: F811
    """Sites in every state that a command finds, each in a lake of its own."""
    place = tmp_path_factory.mktemp("crash")
    with nullcontext() if ON_LAKE else sites_on_lakes(postgresql), runner(place) as commands:
        yield Sites(commands, place)


@pytest.mark.parametrize(
    "command", [pytest.param(command, marks=() if command == "ingest" else takes_minutes) for command in KILLS]
)
def test_a_command_killed_again_and_again_ends_as_if_it_had_not_been(lakes: Sites, command: str) -> None:
    trial = lakes.trial(command)
    folder = trial.site()
    points = [*_OF_LAKE.get(command, []), *(KILLS[command] if os.environ.get("KAM_LAKE") else [])]
    for name, count in points:
        assert trial.kill(folder, named=name, kill_at=count) == KILLED, f"{name} was not reached"
    trial.rerun(folder)
    books.require_no_orphans(folder)


@pytest.mark.skipif(not RUNS, reason="make soak kills at every point")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_killed_at_any_statement_to_the_lake_ends_as_if_it_had_not_been(lakes: Sites, command: str) -> None:
    trial = lakes.trial(command)
    chosen = [number for number, name in enumerate(trial.points, 1) if _GOES_THERE.fullmatch(name)]
    assert chosen
    faults = []
    for at in chosen[:: max(1, len(chosen) // RUNS)]:
        folder = trial.site()
        try:
            assert trial.kill(folder, kill_at=at) == KILLED, "was not reached"
            trial.rerun(folder)
            books.require_no_orphans(folder)
        except AssertionError as error:
            faults.append(f"killed at {at} ({trial.points[at - 1]}): {error}")
        shutil.rmtree(folder)
    print(f"{command}: {len(chosen)} statements, {len(faults)} faults")  # noqa: T201
    assert faults == []
