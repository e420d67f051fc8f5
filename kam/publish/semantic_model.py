"""The published tables as a semantic model of the Open Semantic Interchange (OSI), for tools that read one.

Version 0.1.1 of that format, as JSON: what dbt and converters to Tableau, Snowflake, GoodData and others read. It names the tables,
their keys and columns, how they join their dimensions, and each measure as SQL. Old names are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kam.build import MartColumn, Model, marts, published_tables

SEMANTIC_MODEL_FILE = "kam.osi.json"
_VERSION = "0.1.1"
_MONTH = "period_month"
# The columns of a table that a dimension knows by another name.
_ALSO_NAMED = {"document_account_manager": "account_manager"}
_ADVICE = (
    "Tables have the newest version of each closed month. Never average a ratio: use its metric. A figure that is undefined "
    "is NULL, and the column <figure>_reason says why. Filter by one month where a metric says so."
)
_WITHIN_A_MONTH = {
    "last in time": "Within one month; of several months the last counts.",
    "first in time": "Within one month; of several months the first counts.",
}

Entry = dict[str, Any]


def write_semantic_model(folder: Path) -> None:
    """Write `kam.osi.json` into a folder; raises `OSError`."""
    text = json.dumps(semantic_model(), indent=1, ensure_ascii=False)
    (folder / SEMANTIC_MODEL_FILE).write_text(f"{text}\n", encoding="utf-8")


def semantic_model() -> Entry:
    """The document: one model with a dataset per table, the joins to the dimensions, and a metric per measure."""
    tables = [table for table in published_tables() if table.schema == "marts" and not table.is_old_name]
    model = {
        "name": "kam_close",
        "description": "Month-end figures for key accounts",
        "ai_context": {"instructions": _ADVICE},
        "datasets": [_dataset(table) for table in tables],
        "relationships": [entry for table in tables for entry in _relationships(table)],
        "metrics": [_metric(table, column) for table in tables for column in measures(table)],
    }
    return {"version": _VERSION, "semantic_model": [model]}


def measures(table: Model) -> list[MartColumn]:
    """The columns of a table that can be aggregated."""
    return [column for column in table.columns if column.aggregation not in ("", "none")]


def _dataset(table: Model) -> Entry:
    return {
        "name": table.name,
        "source": f"kam.reporting.{table.name}",
        "primary_key": list(table.grain),
        "description": table.description,
        "fields": [_field(column) for column in table.columns],
    }


def _field(column: MartColumn) -> Entry:
    field: Entry = {"name": column.name, "expression": _sql(column.name), "description": column.comment}
    if not column.is_numeric:
        field["dimension"] = {"is_time": column.sql_type == "DATE"}
    return field


def _relationships(table: Model) -> Iterator[Entry]:
    """The joins to dimensions. One is joined by the month and its own key; `months` by the month alone."""
    if table.is_dimension:
        return
    # A headline figure is of an account, a plan or a forecast step: it has no key that is always one thing.
    names = {column.name for column in table.columns} if table.name != "headline_figures" else {_MONTH}
    for dimension in (mart for mart in marts() if mart.is_dimension):
        keys = [key for key in dimension.grain if key != _MONTH]
        for own in _own_keys(keys, names):
            yield {
                "name": f"{table.name}_to_{dimension.name}{f'_by_{own[0]}' if own != keys else ''}",
                "from": table.name,
                "to": dimension.name,
                "from_columns": [_MONTH, *own],
                "to_columns": [_MONTH, *keys],
            }


def _own_keys(keys: Sequence[str], names: set[str]) -> list[list[str]]:
    also = [[own] for own, key in _ALSO_NAMED.items() if [key] == list(keys) and own in names]
    return ([list(keys)] if set(keys) <= names else []) + also


def _metric(table: Model, column: MartColumn) -> Entry:
    """The measure over any rows that add up, named `<table>__<column>`, since names are unique in a model."""
    better = [f"{column.direction.capitalize()} is better."] if column.direction in ("more", "less") else []
    metric: Entry = {
        "name": f"{table.name}__{column.name}",
        "expression": _sql(aggregate(column, f"{table.name}.")),
        "description": f"{column.meaning.rstrip('.')}. {' '.join([*caveats(table, column), *better])}".rstrip(),
    }
    details = {
        "unit": column.unit,
        "format": column.format,
        "direction": column.direction,
        "aggregation": column.aggregation,
        "formula_source": column.source,
    }
    metric["custom_extensions"] = [{"vendor_name": "COMMON", "data": json.dumps(details, ensure_ascii=False)}]
    return metric


def caveats(table: Model, column: MartColumn) -> list[str]:
    """Sentences on the rows within which a measure adds up; none where it adds up over all."""
    notes = [_WITHIN_A_MONTH[column.aggregation]] if column.aggregation in _WITHIN_A_MONTH else []
    return [*notes, *(f"Filter by one {name}." for name in table.adds_up_within)]


def aggregate(column: MartColumn, prefix: str = "") -> str:
    """SQL for a measure over any rows that add up, its columns named with the `prefix`.

    A ratio takes the denominators of those rows only of which it knows the numerator.
    """
    if column.aggregation != "ratio":
        return f"SUM({prefix}{column.name})"
    above, below = (
        re.sub(r"[a-z_][a-z_0-9]*", rf"{prefix}\g<0>", part) for part in (column.numerator, column.denominator)
    )
    return f"CAST(SUM({above}) AS DOUBLE PRECISION) / NULLIF(SUM(CASE WHEN {above} IS NOT NULL THEN {below} END), 0)"


def _sql(expression: str) -> Entry:
    return {"dialects": [{"dialect": "ANSI_SQL", "expression": expression}]}
