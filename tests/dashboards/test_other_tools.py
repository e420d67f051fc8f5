"""The texts for Power BI and Tableau: they name tables and columns that exist, and their ratios are those of the definitions."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kam.build import published_tables
from tests.support import REPOSITORY

FOLDER = REPOSITORY / "dashboards"
TABLES = {table.name: {column.name: column for column in table.columns} for table in published_tables()}


@pytest.mark.parametrize("file", sorted((FOLDER / "powerbi").glob("*.pq")), ids=lambda file: file.stem)
def test_power_query_reads_a_published_table_and_every_step_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    [table] = re.findall(r'TableName = "(.*)"', text)
    assert table in TABLES
    steps = re.findall(r"^    (\w+) = ", text, re.MULTILINE)
    assert text.rstrip().endswith(f"in\n    {steps[-1]}")
    # Each step after the settings uses one before it, and none is left over.
    for number, step in enumerate(steps[:-1]):
        assert any(re.search(rf"\b{step}\b", line) for line in text.split(f"    {step} = ")[1].splitlines()[1:]), number


def test_the_measures_of_power_bi_name_columns_that_exist() -> None:
    text = (FOLDER / "powerbi" / "measures.dax").read_text(encoding="utf-8")
    used = re.findall(r"([a-z_]+)\[([a-z_]+)\]", text)
    assert used
    assert not [(table, column) for table, column in used if column not in TABLES[table]]
    assert text.count("(") == text.count(")")


@pytest.mark.parametrize(
    ("table", "ratio", "measure"),
    [
        ("receivables_kpis_by_account", "overdue_ratio", "Overdue ratio"),
        ("delivery_performance", "otif_ratio", "On time in full"),
    ],
)
def test_a_ratio_in_power_bi_has_the_parts_of_its_definition(table: str, ratio: str, measure: str) -> None:
    text = (FOLDER / "powerbi" / "measures.dax").read_text(encoding="utf-8")
    body = text.partition(f"{measure} =")[2].partition("\n\n")[0]
    column = TABLES[table][ratio]
    parts = set(re.findall(r"[a-z_]+", f"{column.numerator} {column.denominator}"))
    assert parts <= set(re.findall(rf"{table}\[([a-z_]+)\]", body))


@pytest.mark.parametrize("file", sorted((FOLDER / "tableau").glob("*.tds")), ids=lambda file: file.stem)
def test_a_data_source_of_tableau_reads_a_published_table_and_its_fields_exist(file: Path) -> None:
    source = ET.fromstring(file.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    [relation] = source.iter("relation")
    name = relation.attrib["name"]
    assert relation.attrib["table"] == f"[kam].[{name}]"
    assert [connection.attrib["name"] for connection in source.iter("named-connection")] == [
        relation.attrib["connection"]
    ]
    formulas = [calculation.attrib["formula"] for calculation in source.iter("calculation")]
    assert formulas
    for formula in formulas:
        assert set(re.findall(r"\[(\w+)\]", formula)) <= TABLES[name].keys()
    for column in source.iter("column"):
        ratio = TABLES[name][column.attrib["name"].removeprefix("[kam_").removesuffix("]")]
        [calculation] = column
        parts = set(re.findall(r"[a-z_]+", f"{ratio.numerator} {ratio.denominator}"))
        assert parts <= set(re.findall(r"\[(\w+)\]", calculation.attrib["formula"]))
