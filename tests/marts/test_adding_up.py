"""What a column declares about adding up is so: ratios are those of their parts, and the rows of a level make the total."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from kam.build import MartColumn, Model, marts
from kam.close import require_loaded, steps
from kam.demo import write_demo
from kam.site import find_site
from kam.warehouse import Connection, warehouse
from tests.support import join_months

# The level whose rows are added up here, in the tables that have the total as well.
FINEST = {"receivables_kpis": "account", "sales_plan_summary": "account", "forecast_accuracy": "item"}
ADDED = ("sum", "last in time", "first in time")
BY_NAME = {mart.name: mart for mart in marts()}
# By which column each dimension is joined, beside the month.
DIMENSIONS = {
    "account_id": ("accounts", "account_id"),
    "product_id": ("products", "product_id"),
    "account_manager": ("account_managers", "account_manager"),
    "document_account_manager": ("account_managers", "account_manager"),
    "plan_version": ("plan_versions", "plan_version"),
    "bucket_no": ("ageing_buckets", "bucket_no"),
}
# By digits after the point. Mean errors of items carry a rounding each, and a difference of two rounded figures carries two.
TOLERANCE = {"2": "0.015", "4": "0.0001", "6": "0.000002", "BIGINT": "0"}


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """All tables of the demo for October."""
    folder = tmp_path_factory.mktemp("demo") / "site"
    write_demo(folder, accounts=12, products=10, months=4)
    join_months(folder)
    site = find_site(folder)
    for feed in site.settings.feeds:
        require_loaded(steps.load_feed(site, feed))
    steps.build_marts(site, steps.prepare_months(site, [date(2026, 10, 1)]))
    with warehouse(site) as con:
        yield con


def ratios() -> list[tuple[Model, MartColumn]]:
    return [(mart, column) for mart in marts() for column in mart.columns if column.aggregation == "ratio"]


def aggregated(column: MartColumn) -> str:
    """What the column declares, as SQL over several rows of a month."""
    if column.aggregation == "ratio":
        counted = f"FILTER (WHERE ({column.numerator}) IS NOT NULL)"
        return f"sum({column.numerator})::DOUBLE / nullif(sum({column.denominator}) {counted}, 0)"
    return f"sum({column.name})"


def differences(con: Connection, column: MartColumn, query: str) -> list[tuple[object, ...]]:
    """Rows of `declared` and `published` that are both known and further apart than rounding explains."""
    return con.execute(
        f"SELECT * FROM ({query}) WHERE abs(declared - published) > {TOLERANCE[column.sql_type.rstrip(')').split(',')[-1]]}"
    ).fetchall()


@pytest.mark.parametrize(("mart", "column"), ratios(), ids=lambda value: value.name)
def test_a_ratio_is_that_of_its_numerator_and_denominator(
    candidates: Connection, mart: Model, column: MartColumn
) -> None:
    query = (
        f"SELECT {', '.join(mart.grain)}, {column.name} AS published, "
        f"({column.numerator})::DOUBLE / nullif({column.denominator}, 0) AS declared FROM build.{mart.name}"
    )
    assert candidates.execute(f"SELECT count({column.name}) > 0 FROM build.{mart.name}").fetchall() == [(True,)]
    assert differences(candidates, column, query) == []


@pytest.mark.parametrize(
    ("name", "column"),
    [
        pytest.param(name, column, id=f"{name}.{column.name}")
        for name in FINEST
        for column in BY_NAME[name].columns
        if column.aggregation in (*ADDED, "ratio")
    ],
)
def test_the_rows_of_a_level_add_up_to_the_total(candidates: Connection, name: str, column: MartColumn) -> None:
    within = ", ".join(key for key in ("period_month", *BY_NAME[name].adds_up_within) if key != "level")
    query = f"""
        WITH added AS (
            SELECT {within}, {aggregated(column)} AS declared FROM build.{name} WHERE level = '{FINEST[name]}' GROUP BY ALL
        )
        SELECT added.*, {column.name} AS published
        FROM build.{name} JOIN added USING ({within}) WHERE level = 'total'
    """
    assert candidates.execute(f"SELECT count(*) > 0 FROM ({query})").fetchall() == [(True,)]
    assert differences(candidates, column, query) == []


@pytest.mark.parametrize("mart", [mart for mart in marts() if not mart.is_dimension], ids=lambda mart: mart.name)
def test_every_row_finds_its_dimensions_once(candidates: Connection, mart: Model) -> None:
    """Rows that name no account or part, such as totals and rebates, have none. Headline figures join by the month alone."""
    keys = {column.name for column in mart.columns} & DIMENSIONS.keys() if mart.name != "headline_figures" else set()
    for key in sorted(keys):
        dimension, of = DIMENSIONS[key]
        joined, found, named = candidates.execute(
            f"""
            SELECT count(*), count(dimension.{of}), (SELECT count({key}) FROM build.{mart.name})
            FROM build.{mart.name} AS facts
            LEFT JOIN build.{dimension} AS dimension
              ON dimension.{of} = facts.{key} AND dimension.period_month = facts.period_month
            WHERE facts.{key} IS NOT NULL
            """
        ).fetchall()[0]
        assert joined == found == named, key
    months = candidates.execute(f"SELECT count(*) FROM build.{mart.name} JOIN build.months USING (period_month)")
    assert months.fetchall() == candidates.execute(f"SELECT count(*) FROM build.{mart.name}").fetchall()
