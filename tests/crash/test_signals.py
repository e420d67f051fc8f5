"""Ctrl-C, SIGTERM and a terminal that closes: a run ends at the next statement, whatever it is doing, and a rerun goes on.

`KAM_SIGNALS` asks for a soak of that many signals at real commands; `KAM_CRASH_SEED` repeats one.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crash.books import COMMANDS
from tests.crash.harness import MOST_SECONDS, Sites, Trial
from tests.crash.test_kills import SEED
from tests.flows.processes import end, environment
from tests.support import REPOSITORY, long

SIGNALS = int(os.environ.get("KAM_SIGNALS") or 0)
KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LAST_WORDS = "Data quality: "
# Points, how many of them a run passes before the signal, and how it comes. Each run goes on where the one before it stopped.
STOPS = [
    ("step store.take_in: after", 1, "at"),
    ("sql INSERT INTO ops.loads", 1, "within"),
    ("step ledger.add_load: before", 1, "lost"),
    ("sql SELECT count(*)", 1, "within"),
    ("sql SELECT count(*)", 1, "lost"),
    ("step steps.build_marts: before", 1, "lost"),
    ("sql INSERT INTO ops.closes", 1, "within"),
    ("step steps.commit_month: after", 1, "at"),
    ("step published_file._swap: before", 1, "at"),
    ("os replace: before", 1, "lost"),
]


@long
def test_a_close_stops_wherever_the_signal_comes(sites: Sites) -> None:
    trial = sites.trial("close")
    folder = trial.site()
    for number, (name, count, way) in enumerate(STOPS):
        trial.stop(folder, signal=KINDS[number % len(KINDS)], named=name, kill_at=count, way=way)
    trial.rerun(folder)


@long
def test_signals_at_any_moment_end_a_backfill(sites: Sites) -> None:
    """Those of `make test-long`; the soak sends more, and to commands in processes of their own."""
    signals_at_any_moment(sites, 20)


@pytest.mark.skipif(not SIGNALS, reason="make soak sends many signals")
@pytest.mark.timeout(0)
def test_many_signals_at_any_moment_end_a_backfill(sites: Sites) -> None:
    signals_at_any_moment(sites, SIGNALS, real=True)


def signals_at_any_moment(sites: Sites, count: int, *, real: bool = False) -> None:
    """Send so many signals at moments spread over a backfill, up to five to one site, then run it to its end and compare.

    With `real` those of every second site go to `kam` in a process of its own, sometimes two in a row.
    """
    for kind in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(kind) is signal.SIG_IGN:  # as nohup has it; what we start would ignore it, too
            signal.signal(kind, signal.SIG_DFL)
    trial, chance = sites.trial("backfill"), random.Random(f"{SEED} signals")  # noqa: S311 - not a secret
    faults: list[str] = []
    sent = late = number = 0
    while sent < count and late < count:
        folder, number = trial.site(), number + 1
        for _ in range(min(5, count - sent)):
            kind, after = chance.choice(KINDS), chance.uniform(0.1, trial.seconds)
            try:
                if real and number % 2:
                    is_stopped = stopped_for_real(trial, folder, kind, after, chance)
                else:
                    printed = trial.stop(folder, signal=kind, must_stop=False, kill_after_seconds=after)
                    is_stopped = "Stopped." in printed
            except AssertionError as error:
                is_stopped = True
                faults.append(f"{kind.name} after {after:.2f} s: {error}")
                print(faults[-1])  # noqa: T201
            sent, late = sent + is_stopped, late + (not is_stopped)
            if not is_stopped:
                break
        trial.rerun(folder)
        shutil.rmtree(folder)
        print(f"{sent} signals ended a run, {late} came too late, {len(faults)} faults, seed {SEED}", flush=True)  # noqa: T201
    assert faults == []


def stopped_for_real(trial: Trial, folder: Path, kind: int, after: float, chance: random.Random) -> bool:
    """Start the command as a person does, and send a signal so many seconds after it listens; whether it came before the end."""
    command = [sys.executable, "-m", "kam.cli", "--site", str(folder), *COMMANDS["backfill"].typed]
    env = environment(folder, ERP_URL=f"sqlite:///{folder}/erp.sqlite")
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    try:
        while not _listens(process.pid) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(after)
        process.send_signal(kind)
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0, 0.3))
            process.send_signal(chance.choice(KINDS))
        printed, _ = process.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        message = f"still there after {MOST_SECONDS} seconds"
        raise AssertionError(message) from None
    finally:
        end(process)
    assert process.returncode in (-kind, 0), (process.returncode, printed)
    if _LAST_WORDS in printed:  # all was done, and Python was on its way out, where it hears nobody
        return False
    if process.returncode:
        trial.require_stopped(folder, printed)
    return process.returncode != 0


def _listens(process: int) -> bool:
    """Whether a process handles SIGTERM by itself."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & (1 << (signal.SIGTERM - 1)))
