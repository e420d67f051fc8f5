"""What Superset imports: every table as a dataset with its columns and measures, whose SQL runs, and dashboards that sum nothing twice."""

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

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

BRIDGES = {"plan_bridge", "year_bridge"}
# Figures of a month-end, which add up within one month only.
OF_A_MONTH = ("last in time", "first in time")


def kam(site: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["--site", str(site), "superset", *map(str, arguments)])


def datasets(folder: Path) -> dict[str, dict[str, Any]]:
    """By table."""
    files = (folder / "datasets" / "kam_close").glob("*.yaml")
    return {file.stem: parsed(file) for file in files}


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
    assert found.keys() == tables.keys() | BRIDGES
    for name, table in tables.items():
        columns = [column["column_name"] for column in found[name]["columns"] if "expression" not in column]
        assert columns == [column.name for column in table.columns]
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


def test_amounts_are_in_the_reporting_currency_and_counts_are_not(folder: Path) -> None:
    metrics = {metric["metric_name"]: metric for metric in datasets(folder)["receivables_summary"]["metrics"]}
    assert metrics["total_outstanding_amount"]["currency"] == {"symbol": "EUR", "symbolPosition": "suffix"}
    assert "currency" not in metrics["total_item_count"]


def test_the_schema_may_have_another_name(folder: Path, tmp_path: Path) -> None:
    assert kam(folder.parent, tmp_path, "--url", "postgresql://reader@db/kam", "--schema", "month end").exit_code == 0
    found = datasets(tmp_path)
    assert {dataset["schema"] for dataset in found.values()} == {"month end"}
    assert 'FROM "month end".sales_plan_summary_by_account' in found["plan_bridge"]["sql"]


def test_the_steps_of_the_bridge_lead_from_plan_to_actual_sales_also_where_the_plan_is_not_split(folder: Path) -> None:
    sql = datasets(folder)["plan_bridge"]["sql"]
    with memory() as con:
        effects = ", ".join(f"{name}_effect" for name in EFFECTS)
        # A: 100 planned, 90 sold; volume -15, price +5. B: 50 planned, 70 sold, and the plan has no quantities.
        con.execute("CREATE SCHEMA reporting")
        con.execute(
            f"CREATE TABLE reporting.sales_plan_summary_by_account AS SELECT DATE '2026-10-01' AS period_month, rows.* FROM (VALUES "
            f"('A', 'Alpha', 'M', 'P1', 100, -10, -15, 0, 5, 0, 0, 0, 0, 0), ('B', 'Beta', 'M', 'P1', 50, 20, {', '.join(['NULL'] * 8)})) AS rows"
            f"(account_id, account_name, account_manager, plan_version, plan_amount, variance_amount, {effects})"
        )
        steps = con.execute(
            f"SELECT step, SUM(amount) FROM ({sql}) GROUP BY step HAVING SUM(amount) <> 0 ORDER BY step"
        )
        assert steps.fetchall() == [("01 Plan", 150), ("02 Volume", -15), ("04 Price", 5), ("10 Not split", 20)]


EFFECTS = ("volume", "mix", "price", "fx", "new", "lost", "adjustment", "rounding")


def parsed(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one


def documents(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [parsed(file) for file in sorted((folder / kind).rglob("*.yaml"))]


def test_there_are_six_dashboards_and_each_shows_charts_that_exist(folder: Path) -> None:
    charts = {chart["uuid"]: chart["slice_name"] for chart in documents(folder, "charts")}
    dashboards = documents(folder, "dashboards")
    slugs = {dashboard["slug"] for dashboard in dashboards}
    assert slugs == {"kam-overview", "kam-plan", "kam-receivables", "kam-rating", "kam-forecast", "kam-quality"}
    # Superset shows others to nobody but their owners.
    assert all(dashboard["published"] for dashboard in dashboards)
    shown = [tile["uuid"] for dashboard in dashboards for tile in tiles(dashboard)]
    assert sorted(shown) == sorted(charts)
    for dashboard in dashboards:
        assert [charts[tile["uuid"]] for tile in tiles(dashboard)] == [tile["sliceName"] for tile in tiles(dashboard)]


def tiles(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        entry["meta"]
        for entry in dashboard["position"].values()
        if isinstance(entry, dict) and entry["type"] == "CHART"
    ]


def test_charts_and_filters_name_only_columns_and_metrics_that_exist(folder: Path) -> None:
    by_uuid = {dataset["uuid"]: dataset for dataset in datasets(folder).values()}
    for chart in documents(folder, "charts"):
        dataset = by_uuid[chart["dataset_uuid"]]
        unknown = named(chart["params"]) - names_of(dataset)
        assert not unknown, (chart["slice_name"], unknown)
    for dashboard in documents(folder, "dashboards"):
        for entry in dashboard["metadata"]["native_filter_configuration"]:
            [target] = entry["targets"]
            wanted = {target["column"]["name"], entry.get("sortMetric", target["column"]["name"])}
            assert wanted <= names_of(by_uuid[target["datasetUuid"]])


def names_of(dataset: dict[str, Any]) -> set[str]:
    columns = {column["column_name"] for column in dataset["columns"]}
    # The view has it too; it is no column of the model.
    return columns | {metric["metric_name"] for metric in dataset["metrics"]} | {"close_version"}


def named(params: dict[str, Any]) -> set[str]:
    """The columns and metrics that a chart asks for by name."""
    asked: list[Any] = [params.get("metric"), params.get("x_axis"), params.get("timeseries_limit_metric")]
    asked += [*params.get("metrics", []), *params.get("groupby", []), *params.get("all_columns", [])]
    asked += [entry["subject"] for entry in params["adhoc_filters"] if entry["expressionType"] == "SIMPLE"]
    return {name for name in asked if isinstance(name, str)}


def test_no_tile_sums_rows_that_do_not_add_up(folder: Path) -> None:
    tables = {table.name: table for table in published_tables()}
    names = {dataset["uuid"]: name for name, dataset in datasets(folder).items()}
    charts = {chart["uuid"]: chart for chart in documents(folder, "charts")}
    for dashboard in documents(folder, "dashboards"):
        for tile in tiles(dashboard):
            chart = charts[tile["uuid"]]
            table = names[chart["dataset_uuid"]]
            if chart["params"].get("query_mode") == "raw" or counts_rows(chart["params"]):
                continue
            apart = held_apart(chart["params"]) | filtered(dashboard, tile["chartId"])
            assert needed(table, tables) <= apart, (dashboard["slug"], chart["slice_name"], apart)


def counts_rows(params: dict[str, Any]) -> bool:
    metric = params.get("metric")
    return isinstance(metric, dict) and metric["sqlExpression"].startswith(("COUNT(*)", "SUM(CASE WHEN"))


def needed(table: str, tables: dict[str, Any]) -> set[str]:
    """The columns of which a tile must have one value, or one per bar or row."""
    if table in BRIDGES:
        return {"month"} | ({"plan_version"} if table == "plan_bridge" else set())
    of_a_month = any(column.aggregation in OF_A_MONTH for column in tables[table].columns)
    within = set(tables[table].adds_up_within) - {"close_version", "period_month"}
    return within | ({"month"} if of_a_month else set())


def held_apart(params: dict[str, Any]) -> set[str]:
    """What a chart groups by, or filters to one value itself."""
    apart = {name for name in [*params.get("groupby", []), params.get("x_axis")] if isinstance(name, str)}
    for entry in params["adhoc_filters"]:
        if entry["expressionType"] == "SIMPLE" and entry["operator"] == "==":
            apart.add(entry["subject"])
        elif entry.get("sqlExpression") == "is_default_basis":
            apart.add("basis")
    return apart | ({"month"} if "period_month" in apart else set())


def filtered(dashboard: dict[str, Any], chart: int) -> set[str]:
    """The columns of which the filters of the dashboard let one value through to a chart."""
    return {
        entry["targets"][0]["column"]["name"]
        for entry in dashboard["metadata"]["native_filter_configuration"]
        if chart not in entry["scope"]["excluded"]
        and not entry["controlValues"]["multiSelect"]
        and entry["controlValues"]["enableEmptyFilter"]
        # Without it Superset shows the filter and does not apply it.
        and entry["requiredFirst"]
        and entry["controlValues"]["defaultToFirstItem"]
    }
