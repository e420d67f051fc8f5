"""Great Expectations on the project's own connection: what is counted, what is seen, and what is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from expectations import MAX_SAMPLE_KEYS, CheckResult, Rule, Severity, Suite, validate
from expectations.rules import Owner
from kam.errors import KamError, OutOfMemoryError
from kam.site import Site
from kam.warehouse import Connection, memory, warehouse
from tests.expectations.cases import passed, sample_keys
from tests.support import REPOSITORY, long, settings_of

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


def rule(failing: str, *keys: str, name: str = "items.are_fine", severity: Severity = Severity.CRITICAL) -> Rule:
    return Rule(
        name=name,
        sentence="All items are fine.",
        owner=Owner.DATA,
        severity=severity,
        if_it_fails="Nothing much.",
        failing=failing,
        keys=keys or ("item",),
    )


def suite(*rules: Rule, name: str = "items") -> Suite:
    return Suite(name=name, table="items", batch="SELECT * FROM items", rules=rules)


def check(con: Connection, failing: str, *keys: str) -> CheckResult:
    (result,) = validate(con, [suite(rule(failing, *keys))])
    return result


@pytest.fixture
def con() -> Connection:
    con = memory()
    con.execute(
        """
        CREATE TABLE items AS
        SELECT * FROM (VALUES
            (DATE '2026-06-01', 'A', 10.50::DECIMAL(18, 2)),
            (DATE '2026-06-01', 'B', -1),
            (DATE '2026-07-01', 'C', -2),
            (DATE '2026-07-01', 'D', -3)
        ) AS items(period_month, item, amount)
        """
    )
    return con


def test_a_rule_that_holds_says_how_much_it_checked(con: Connection) -> None:
    result = check(con, "SELECT * FROM batch WHERE amount > 100")
    assert passed(result)
    assert (result.checked_count, result.failed_count) == (4, 0)
    assert result.failed_by_month == {}
    assert sample_keys(result) == ()


def test_failing_rows_are_counted_by_month_and_named(con: Connection) -> None:
    result = check(con, "SELECT * FROM batch WHERE amount < 0", "item", "amount")
    assert not passed(result)
    assert result.failed_count == 3
    assert result.failed_by_month == {JUNE: 1, JULY: 2}
    assert sample_keys(result) == (
        {"period_month": "2026-06-01", "item": "B", "amount": "-1.00"},
        {"period_month": "2026-07-01", "item": "C", "amount": "-2.00"},
        {"period_month": "2026-07-01", "item": "D", "amount": "-3.00"},
    )
    assert json.loads(json.dumps(sample_keys(result))) == list(sample_keys(result))


def test_a_critical_failure_stops_the_months_it_is_in_and_no_other(con: Connection) -> None:
    result = check(con, "SELECT * FROM batch WHERE item = 'C'")
    assert result.stops(JULY)
    assert not result.stops(JUNE)


def test_a_failure_without_a_month_concerns_every_month(con: Connection) -> None:
    result = check(con, "SELECT NULL::DATE AS period_month, 'master' AS item")
    assert result.failed_by_month == {}
    assert (result.failed_in(JUNE), result.failed_in(JULY)) == (1, 1)
    assert result.stops(JUNE)
    assert sample_keys(result) == ({"period_month": None, "item": "master"},)


def test_a_month_that_a_rule_gives_as_a_timestamp_is_that_month(con: Connection) -> None:
    result = check(con, "SELECT item, period_month::TIMESTAMP AS period_month FROM batch WHERE item = 'C'")
    assert result.stops(JULY)


def test_a_warning_stops_nothing(con: Connection) -> None:
    (result,) = validate(con, [suite(rule("SELECT * FROM batch", severity=Severity.WARNING))])
    assert result.failed_in(JUNE) == 2
    assert not result.stops(JUNE)


def test_the_samples_of_a_month_have_its_own_failures_and_are_bounded(con: Connection) -> None:
    con.execute("INSERT INTO items SELECT NULL, 'bulk ' || range, -9 FROM range(1000000)")
    result = check(con, "SELECT * FROM batch WHERE amount < 0")
    assert result.failed_count == 1_000_003
    assert result.failed_by_month == {JUNE: 1, JULY: 2}
    assert len(result.keys_in(JULY)) == MAX_SAMPLE_KEYS
    assert {keys["item"] for keys in result.keys_in(JULY)} >= {"C", "D"}


def test_each_rule_gets_its_own_result_in_the_order_given(con: Connection) -> None:
    second = rule("SELECT * FROM batch", name="items.a_later_one")
    first = rule("SELECT * FROM batch WHERE false", name="items.the_first")
    results = validate(con, [suite(first, second), suite(second, name="more items")])
    assert [(result.name, result.failed_count) for result in results] == [
        ("items.the_first", 0),
        ("items.a_later_one", 4),
        ("items.a_later_one", 4),
    ]


def test_an_empty_table_breaks_no_rule(con: Connection) -> None:
    con.execute("DELETE FROM items")
    result = check(con, "SELECT * FROM batch WHERE amount < 0")
    assert passed(result)
    assert result.checked_count == 0


@pytest.mark.parametrize("text", ["{batch}", "12:30", ":name", "100 %", r"a\b", "it''s -- so", "$1"])
def test_sql_is_run_as_it_is_written(con: Connection, text: str) -> None:
    one = f"WITH one AS (SELECT NULL::DATE AS period_month, '{text}'::VARCHAR AS item)"
    result = check(con, f"{one} SELECT one.* FROM one JOIN one AS same USING (item) -- end")
    assert sample_keys(result) == ({"period_month": None, "item": text.replace("''", "'")},)


@pytest.mark.parametrize(
    "failing",
    [
        "SELECT * FROM no_such_table",
        "SELECT period_month FROM batch",
        "SELECT item FROM batch",
        "SELECT period_month, error('boom') AS item FROM batch",
        "not sql",
    ],
)
def test_a_rule_that_cannot_be_run_is_an_error_that_names_it(con: Connection, failing: str) -> None:
    good = rule("SELECT * FROM batch WHERE false", name="items.good")
    with pytest.raises(KamError, match=r"rule items\.are_fine failed to run") as raised:
        validate(con, [suite(good, rule(failing))])
    assert len(str(raised.value).splitlines()) == 1


def test_a_rule_that_lacks_memory_says_so_and_no_more(con: Connection) -> None:
    """Fewer months at once may fit, so it is told from a rule that is wrong."""
    con.execute("SET memory_limit = '2MB'")
    con.execute("SET max_temp_directory_size = '0B'")
    too_large = "SELECT NULL AS period_month, list(range::VARCHAR) AS item FROM range(3000000) GROUP BY range % 3"
    with pytest.raises(OutOfMemoryError, match=r"^rule items\.are_fine: .*Out of Memory Error") as raised:
        validate(con, [suite(rule(too_large))])
    assert len(str(raised.value).splitlines()) == 1


def test_the_callers_transaction_is_seen_and_stays_open(con: Connection) -> None:
    con.execute("BEGIN")
    con.execute("INSERT INTO items VALUES (DATE '2026-06-01', 'uncommitted', 0)")
    con.execute("CREATE TEMP TABLE expected AS SELECT 5 AS item_count")
    con.execute("SET VARIABLE as_of_load = 7")
    seen = "(SELECT count(*) FROM batch) = item_count AND getvariable('as_of_load') = 7"
    assert passed(check(con, f"SELECT NULL AS period_month, item_count AS item FROM expected WHERE NOT ({seen})"))
    con.execute("ROLLBACK")
    assert con.execute("SELECT count(*) FROM items").fetchone() == (4,)


def test_nothing_is_printed_and_no_file_is_written(
    con: Connection, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check(con, "SELECT * FROM batch WHERE amount < 0")
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


@long
def test_several_warehouses_are_checked_at_once_and_none_stays_open(tmp_path: Path) -> None:
    def failures(number: int) -> int:
        directory = tmp_path / str(number)
        directory.mkdir()
        with warehouse(Site(directory, settings_of())) as con:
            con.execute(
                f"CREATE TABLE items AS SELECT DATE '2026-06-01' AS period_month, range AS item FROM range({number})"
            )
            return check(con, "SELECT * FROM batch").failed_count + check(con, "SELECT * FROM batch").failed_count

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(failures, [1, 2, 3])) == [2, 4, 6]
    # Only this module opens the file in another process: a lock that is left would make it fail.
    script = "import duckdb, sys; [duckdb.connect(f'{sys.argv[1]}/{n}/warehouse.duckdb').close() for n in (1, 2, 3)]"
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)


def test_importing_the_rules_does_not_import_great_expectations() -> None:
    script = "import sys, expectations, expectations.feeds; sys.exit('great_expectations' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY)


def test_warming_up_and_leaving_at_once_is_quiet() -> None:
    script = "import expectations; expectations.warm_up()"
    done = subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
