"""The semantic model: a document of the format, of the tables that are published, whose metrics are SQL that runs."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from kam.build import marts, prepare_marts
from kam.publish.published_file import create_reporting_views
from kam.publish.semantic_model import semantic_model
from kam.warehouse import memory, prepare

TEXT = {"type": "string", "minLength": 1}
NAMES = {"type": "array", "items": TEXT, "minItems": 1}


def only(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """An object with these properties and no others."""
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def several(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


EXPRESSION = only({"dialects": several(only({"dialect": {"enum": ["ANSI_SQL"]}, "expression": TEXT}))})
EXTENSIONS = several(only({"vendor_name": {"enum": ["COMMON"]}, "data": TEXT}))
FIELD = only(
    {"name": TEXT, "expression": EXPRESSION, "description": TEXT}, dimension=only({"is_time": {"type": "boolean"}})
)
DATASET = only({"name": TEXT, "source": TEXT, "primary_key": NAMES, "description": TEXT, "fields": several(FIELD)})
RELATIONSHIP = only({"name": TEXT, "from": TEXT, "to": TEXT, "from_columns": NAMES, "to_columns": NAMES})
METRIC = only({"name": TEXT, "expression": EXPRESSION, "description": TEXT, "custom_extensions": EXTENSIONS})
MODEL = only(
    {
        "name": TEXT,
        "description": TEXT,
        "ai_context": only({"instructions": TEXT}),
        "datasets": several(DATASET),
        "relationships": several(RELATIONSHIP),
        "metrics": several(METRIC),
    }
)
# What version 0.1.1 of the format allows, as far as it is used here.
FORMAT = only({"version": {"const": "0.1.1"}, "semantic_model": several(MODEL)})


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    document = semantic_model()
    jsonschema.validate(document, FORMAT)
    found: dict[str, Any] = document["semantic_model"][0]
    return found


def test_it_has_every_table_of_one_grain_and_no_old_name(model: dict[str, Any]) -> None:
    names = [dataset["name"] for dataset in model["datasets"]]
    assert len(names) == len(set(names))
    assert {mart.name for mart in marts() if "level" not in mart.grain} <= set(names)
    assert "receivables_kpis_by_account" in names
    assert "receivables_kpis" not in names


def test_a_table_joins_each_dimension_by_columns_of_both(model: dict[str, Any]) -> None:
    columns = {dataset["name"]: {field["name"] for field in dataset["fields"]} for dataset in model["datasets"]}
    keys = {dataset["name"]: dataset["primary_key"] for dataset in model["datasets"]}
    names = [relationship["name"] for relationship in model["relationships"]]
    assert len(names) == len(set(names))
    for relationship in model["relationships"]:
        assert set(relationship["from_columns"]) <= columns[relationship["from"]], relationship["name"]
        assert relationship["to_columns"] == keys[relationship["to"]], relationship["name"]
    assert {"sales_to_account_managers", "sales_to_account_managers_by_document_account_manager"} <= set(names)
    assert "headline_figures_to_plan_versions" not in names


def test_each_metric_is_sql_over_its_published_table(model: dict[str, Any]) -> None:
    with memory() as con:
        prepare(con, "EUR")
        prepare_marts(con)
        create_reporting_views(con)
        for dataset in model["datasets"]:
            of_table = [metric for metric in model["metrics"] if metric["name"].startswith(f"{dataset['name']}__")]
            expressions = [metric["expression"]["dialects"][0]["expression"] for metric in of_table]
            columns = ", ".join(expressions or ["count(*)"])
            assert len(con.execute(f"SELECT {columns} FROM reporting.{dataset['name']}").fetchall()) == 1
    names = {metric["name"] for metric in model["metrics"]}
    assert {"sales__net_amount", "delivery_performance__otif_ratio", "forecast_accuracy_total__wape"} <= names


def test_a_metric_that_must_not_mix_rows_says_so(model: dict[str, Any]) -> None:
    said = {metric["name"]: metric["description"] for metric in model["metrics"]}
    assert "Filter by one basis." in said["delivery_performance__otif_count"]
    assert "of several months the last counts" in said["receivables_summary__outstanding_amount"]
