"""The comparison with peers: it counts only equal figures, and says where one is not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from benchmarks import lake
from benchmarks.measure import Measured, measured_command
from benchmarks.peers import floor, in_polars, kept
from benchmarks.peers.generate import write_files
from benchmarks.peers.tables import TABLES, DifferentFiguresError, check_equal, in_file, in_folder

MONTH = "2026-10"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("peers") / "files"
    write_files(folder, 400)
    return folder


@pytest.fixture(scope="module")
def built(files: Path) -> Path:
    """What the bare DuckDB script makes of the files."""
    database = files.parent / "floor.duckdb"
    floor.run(files, database, [MONTH], "1GB")
    return database


@pytest.fixture
def con(built: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with those tables as published ones: `published.<table>`, to be tampered with."""
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{built}' AS built (READ_ONLY); CREATE SCHEMA published")
        for table in TABLES:
            con.execute(
                f"CREATE TABLE published.{table.name} AS SELECT *, DATE '{MONTH}-01' AS period_month FROM built.main_marts.{table.name}"
            )
        con.execute("ALTER TABLE published.receivables_kpis ADD COLUMN level VARCHAR DEFAULT 'account'")
        yield con


def compared(con: duckdb.DuckDBPyConnection, built: Path, month: str = MONTH) -> int:
    return check_equal(con, "the script", lambda table: f"published.{table.name}", in_file(con, built), month)


def test_equal_figures_are_counted(con: duckdb.DuckDBPyConnection, built: Path) -> None:
    assert compared(con, built) > 1000


def test_polars_has_the_figures_of_the_script(con: duckdb.DuckDBPyConnection, files: Path, tmp_path: Path) -> None:
    in_polars.run(files, tmp_path, date(2026, 10, 1))
    assert check_equal(con, "Polars", lambda table: f"published.{table.name}", in_folder(tmp_path), MONTH) > 1000


def test_a_cent_too_much_ends_the_comparison_and_is_named(con: duckdb.DuckDBPyConnection, built: Path) -> None:
    row = con.execute(
        "SELECT document_id, outstanding_amount FROM published.receivables_ageing WHERE item_type = 'invoice' ORDER BY ALL LIMIT 1"
    ).fetchone()
    assert row is not None
    con.execute(
        "UPDATE published.receivables_ageing SET outstanding_amount = outstanding_amount + 0.01 WHERE document_id = $1",
        [row[0]],
    )
    with pytest.raises(DifferentFiguresError) as caught:
        compared(con, built)
    (said,) = caught.value.args
    assert said.startswith("the script: receivables_ageing.outstanding_amount differs in 1 rows: item_type invoice")
    assert f"document_id {row[0]}" in said
    assert f"theirs {row[1]}" in said


@pytest.mark.parametrize("column", ["otif_ratio", "on_time_count"])
def test_a_figure_that_is_missing_differs(con: duckdb.DuckDBPyConnection, built: Path, column: str) -> None:
    con.execute(f"UPDATE published.delivery_performance SET {column} = NULL WHERE basis = 'promised'")
    with pytest.raises(DifferentFiguresError, match=rf"delivery_performance\.{column} differs"):
        compared(con, built)


def test_a_ratio_may_differ_in_its_seventh_digit_only(con: duckdb.DuckDBPyConnection, built: Path) -> None:
    con.execute("UPDATE published.receivables_kpis SET overdue_ratio = overdue_ratio + 0.0000004")
    compared(con, built)
    con.execute("UPDATE published.receivables_kpis SET overdue_ratio = overdue_ratio + 0.00001")
    with pytest.raises(DifferentFiguresError, match="overdue_ratio differs"):
        compared(con, built)


@pytest.mark.parametrize(
    ("change", "who"),
    [
        ("DELETE FROM published.sales WHERE account_id = 'A0001'", "kam-close"),
        (
            "INSERT INTO published.sales BY NAME SELECT * REPLACE ('A9' AS account_id) FROM published.sales LIMIT 1",
            "the script",
        ),
    ],
)
def test_a_row_that_only_one_has_is_named(con: duckdb.DuckDBPyConnection, built: Path, change: str, who: str) -> None:
    con.execute(change)
    with pytest.raises(DifferentFiguresError, match=rf"sales: .* rows are missing in {who}: account_id A"):
        compared(con, built)


def test_a_month_without_rows_is_not_equal(con: duckdb.DuckDBPyConnection, built: Path) -> None:
    con.execute("DELETE FROM published.sales")
    con.execute(f"ATTACH '{built.with_name('empty.duckdb')}' AS empty; CREATE SCHEMA empty.main_marts")
    con.execute("CREATE TABLE empty.main_marts.sales AS FROM built.main_marts.sales LIMIT 0")
    with pytest.raises(DifferentFiguresError, match="no rows for 2026-10"):
        check_equal(
            con,
            "nobody",
            lambda table: f"published.{table.name}",
            lambda table: f"empty.main_marts.{table.name}",
            MONTH,
        )


def test_the_same_number_of_lines_gives_the_same_files(files: Path, tmp_path: Path) -> None:
    write_files(tmp_path, 400)
    for file in files.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


def test_a_ratio_that_got_worse_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "last.json"
    bare = Measured("bare", 2.0, 2.0, 0)
    kept.keep(bare, [Measured("close", 9.0, 20.0, 0), Measured("load", 9.0, 6.0, 0)], file)
    assert json.loads(file.read_text(encoding="utf-8"))["cpu_ratios"] == {"close": 10.0, "load": 3.0}
    assert kept.print_beside_kept(bare, [Measured("close", 9.0, 22.9, 0), Measured("load", 9.0, 6.0, 0)], file) == []
    (warning,) = kept.print_beside_kept(bare, [Measured("close", 9.0, 23.2, 0), Measured("load", 9.0, 1.0, 0)], file)
    assert warning.startswith("close: 11.60 times the floor, 10.00 last time.")
    assert "WARNING close: 11.60" in capsys.readouterr().err


def test_processes_that_a_step_starts_count() -> None:
    """Two processes of 150 MB each, one of which is busy for half a second."""
    busy = "import time; x = b'x' * 150_000_000; t = time.process_time()\nwhile time.process_time() < t + 0.5: pass\ntime.sleep(0.6)"
    parent = f"import subprocess, sys; x = b'x' * 150_000_000; subprocess.run([sys.executable, '-c', {busy!r}])"
    taken = measured_command("two processes", sys.executable, "-c", parent)
    assert taken.cpu_seconds > 0.5
    assert taken.peak_bytes > 300_000_000


def test_a_step_that_fails_shows_what_it_said() -> None:
    with pytest.raises(SystemExit, match="no such thing\ntry: failed"):
        measured_command("try", sys.executable, "-c", "import sys; print('no such thing'); sys.exit(3)", silent=True)


@pytest.mark.long
def test_the_figures_of_a_close_are_those_of_the_script(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.peers", "--quick", "--lines", "400", "--folder", str(tmp_path)]
    measured_command("the comparison", *command, silent=True)


def test_times_of_stores_whose_versions_differ_do_not_count() -> None:
    version = (date(2026, 10, 1), 1, "a")
    lake.require_equal({"file": [version], "lake": [version]})
    for other in ([], [(*version[:2], "b")], [version, version]):
        with pytest.raises(SystemExit, match="the versions differ"):
            lake.require_equal({"file": [version], "lake": other})
    with pytest.raises(SystemExit, match="the versions differ"):
        lake.require_equal({"file": [], "lake": []})
