"""The small things that SQL is put together from: keys, named columns, templates."""

from __future__ import annotations

import jinja2
import pytest

from kam.site import FEEDS
from kam.warehouse import insert, memory, rows, sql_text


def test_rows_whose_key_has_the_same_empty_columns_have_one_key() -> None:
    """Forecasts of an account for all products: `product_id` is empty. The other row is of a product."""
    forecasts = (
        "SELECT 'sales' AS forecast_step, DATE '2026-05-01' AS snapshot_month, DATE '2026-06-01' AS target_month, "
        "'A' AS account_id, unnest([NULL, 'P']) AS product_id"
    )
    same = FEEDS["forecasts"].same_key("a", "b")
    with memory() as con:
        found = con.execute(f"SELECT a.product_id FROM ({forecasts}) AS a JOIN ({forecasts}) AS b ON {same} ORDER BY 1")
        assert found.fetchall() == [("P",), (None,)]


def test_key_columns_that_are_never_empty_are_compared_by_the_cheaper_sign() -> None:
    """`order_id` is required, `line_no` has a default."""
    assert FEEDS["orders"].same_key("kept", "incoming") == (
        "kept.order_id = incoming.order_id AND kept.line_no = incoming.line_no"
    )


def test_rows_are_inserted_by_name_and_other_columns_get_their_defaults() -> None:
    with memory() as con:
        con.execute("CREATE TABLE seen (a INTEGER DEFAULT 7, b VARCHAR, months DATE[])")
        insert(con, "seen", [{"months": [], "b": "x"}, {"months": ["2026-05-01"], "b": None}])
        insert(con, "seen", [])
        assert rows(con, "SELECT a, b, len(months) AS months FROM seen") == [
            {"a": 7, "b": "x", "months": 0},
            {"a": 7, "b": None, "months": 1},
        ]


def test_a_template_without_one_of_its_values_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="'columns' is undefined"):
        sql_text("checks/templates/far_from_usual.sql", feed="orders")
