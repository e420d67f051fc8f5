"""The datasets of Superset: every table with its columns and measures, whose SQL runs; written again without leftovers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from kam.build import published_tables
from kam.cli.commands import app
from kam.warehouse import memory
from tests.support import write_site


def kam(site: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["--site", str(site), "superset", *map(str, arguments)])


def datasets(folder: Path) -> dict[str, dict[str, Any]]:
    """By table."""
    files = (folder / "datasets" / "kam_close").glob("*.yaml")
    return {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = write_site(tmp_path_factory.mktemp("site"), {}, feeds=["orders"]).directory
    target = site / "assets"
    done = kam(site, target)
    assert done.exit_code == 0, done.output
    return target


def test_every_table_is_a_dataset_with_its_columns_and_no_old_name_is(folder: Path) -> None:
    found = datasets(folder)
    tables = {table.name: table for table in published_tables() if not table.is_old_name}
    assert found.keys() == tables.keys()
    for name, dataset in found.items():
        columns = [column["column_name"] for column in dataset["columns"]]
        assert columns == [column.name for column in tables[name].columns]
        assert len({dataset["uuid"] for dataset in found.values()}) == len(found)


def test_a_ratio_divides_sums_and_leaves_out_what_has_no_numerator(folder: Path) -> None:
    dataset = datasets(folder)["delivery_performance"]
    metric = next(metric for metric in dataset["metrics"] if metric["metric_name"] == "total_otif_ratio")
    assert (metric["verbose_name"], metric["d3format"]) == ("otif ratio", ".1%")
    assert metric["warning_text"] == "Filter by one basis."
    # 3 of 4 and 1 of 6 lines are 4 of 10; of the third row nothing is known.
    with memory() as con:
        con.execute("CREATE TABLE delivery AS FROM (VALUES (3, 4), (1, 6), (NULL, 90)) AS rows(otif_count, line_count)")
        assert con.execute(f"SELECT {metric['expression']} FROM delivery").fetchall() == [(0.4,)]


def test_a_figure_of_a_month_end_says_that_only_the_last_month_counts(folder: Path) -> None:
    metrics = {metric["metric_name"]: metric for metric in datasets(folder)["receivables_summary"]["metrics"]}
    assert metrics["total_outstanding_amount"]["warning_text"] == "Within one month; of several months the last counts."


def test_the_published_file_is_opened_for_reading_only_and_shows_no_other_file(folder: Path) -> None:
    database = yaml.safe_load((folder / "databases" / "kam_close.yaml").read_text(encoding="utf-8"))
    file, options = database["sqlalchemy_uri"].removeprefix("duckdb:///").split("?")
    assert file == str(folder.parent / "published" / "kam.duckdb")
    assert {"access_mode=read_only", "enable_external_access=false", "lock_configuration=true"} == set(
        options.split("&")
    )


def test_written_again_it_is_the_same_and_drops_tables_that_are_no_more(folder: Path) -> None:
    before = datasets(folder)
    old = folder / "datasets" / "kam_close" / "a_table_of_before.yaml"
    old.write_text("table_name: a_table_of_before\n", encoding="utf-8")
    assert kam(folder.parent, folder).exit_code == 0
    assert datasets(folder) == before


def test_a_folder_with_other_files_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    done = kam(folder.parent, tmp_path)
    assert done.exit_code != 0
    assert "has other files in it" in str(done.exception)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_password_is_not_written_to_a_file(folder: Path, tmp_path: Path) -> None:
    done = kam(folder.parent, tmp_path / "new", "--url", "postgresql://reader:secret@db/kam")
    assert "the URL has a password" in str(done.exception)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file", encoding="utf-8")
    done = kam(folder.parent, tmp_path / "file")
    assert str(done.exception).startswith(f"{tmp_path / 'file'}: cannot be written to: ")
