"""A signal ends what DuckDB and Great Expectations are busy with; `tests/crash/test_signals.py` sends them to whole runs."""

from __future__ import annotations

import gc
import os
import signal
import threading
import weakref

import pytest

from expectations import Rule, Severity, Suite, validate
from kam.cli.commands import main
from kam.stops import Stopped, check, listening
from kam.warehouse import Connection, memory, transaction

ENDLESS = "SELECT max(hash(range)) AS found FROM range(1_000_000_000_000)"


def in_a_moment(number: int) -> None:
    """A signal to this process, sent while it is busy."""
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()


def inserted(con: Connection) -> None:
    with listening(), transaction(con):
        con.execute("INSERT INTO kept VALUES (1)")
        in_a_moment(signal.SIGTERM)
        con.execute(ENDLESS)


@pytest.mark.timeout(60)
def test_a_signal_ends_a_statement_and_its_transaction_at_once() -> None:
    with memory() as con:
        con.execute("CREATE TABLE kept (number INTEGER)")
        with pytest.raises(Stopped):
            inserted(con)
        assert con.execute("FROM kept").fetchall() == []


def validated(con: Connection, suite: Suite) -> None:
    with listening():
        in_a_moment(signal.SIGINT)
        validate(con, [suite])


@pytest.mark.timeout(60)
def test_great_expectations_does_not_go_on_after_a_signal() -> None:
    def rule(name: str, failing: str) -> Rule:
        return Rule(
            name=name,
            sentence="It holds.",
            owner="",
            severity=Severity.INFO,
            if_it_fails="",
            failing=failing,
            keys=("found",),
        )

    slow = rule("site.slow", f"SELECT NULL::DATE AS period_month, found FROM ({ENDLESS})")
    suite = Suite(name="site", table="site", batch="SELECT 1 AS one", rules=(slow, rule("site.next", slow.failing)))
    with memory() as con:
        validate(con, [])  # so that the library is there
        with pytest.raises(Stopped):
            validated(con, suite)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_whose_exception_python_drops_is_raised_by_the_next_look() -> None:
    class Anything:
        pass

    gone = Anything()
    dropping = weakref.ref(gone, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    with listening():
        check()
        del gone
        gc.collect()
        with pytest.raises(Stopped):
            check()
    assert dropping() is None


@pytest.mark.parametrize("options", [(), ("--log-format", "json")])
def test_a_signal_before_the_command_begins_is_told_as_any_other(
    options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def parse(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("kam.cli.commands._Commands.parse_args", parse)
    monkeypatch.setattr("sys.argv", ["kam", *options, "status"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 143
    assert "Stopped." in capsys.readouterr().err
