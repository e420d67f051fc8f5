"""The SQL models: headers that are contracts, no wall clock, docs that follow, and months built together or alone."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kam.build import Model, marts, models, published_tables, record_content, run_views, runner
from kam.errors import KamError, ModelFailedError
from kam.publish.docs import DOCS, feeds_page, metrics_page
from kam.warehouse import SQL, memory, rows, warehouse
from tests.support import build_case, ingest, long, write_site

MODELS = [*models().values(), *run_views().values()]
# A template has no SELECT before its measures are known; test_targets builds it with all of them.
CORE = [model for model in models().values() if model.schema == "core" and not model.is_of_measures]
PUBLISHED = published_tables()
# Templates for another database, which the formatter does not know.
OF_POSTGRESQL = {SQL / "publish" / "account_access.sql"}
INVOICES = [
    {"invoice_id": "I1", "account_id": "A", "invoice_date": "2026-01-10", "due_date": "2026-02-09", "net_amount": 100},
    {"invoice_id": "I2", "account_id": "B", "invoice_date": "2026-02-10", "due_date": "2026-03-12", "net_amount": 50},
]
PAYMENTS = [{"payment_id": "P1", "account_id": "A", "invoice_id": "I1", "payment_date": "2026-02-20", "amount": 30}]


@pytest.mark.parametrize("file", sorted(SQL.rglob("*.sql")), ids=lambda file: file.stem)
def test_no_result_depends_on_the_wall_clock_or_on_chance(file: Path) -> None:
    sql = re.sub(r"--[^\n]*", "", file.read_text(encoding="utf-8"))
    forbidden = (
        r"\b(now|today|random|uuid|gen_random_uuid|current_date|current_timestamp|current_time|localtimestamp)\b"
    )
    assert not re.search(forbidden, sql, re.IGNORECASE)


@pytest.mark.parametrize("file", sorted(set(SQL.glob("*/**/*.sql")) - OF_POSTGRESQL), ids=lambda file: file.stem)
def test_the_formatter_leaves_headers_and_divisions_alone(file: Path) -> None:
    sql = file.read_text(encoding="utf-8")
    header = "".join(itertools.takewhile(lambda line: line.startswith("--"), sql.splitlines(keepends=True)))
    assert header.startswith("-- fmt: off\n")
    assert "\n-- fmt: on\n" in header
    assert "//" not in sql, "sqlfmt takes // for a comment; write divide(a, b)"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_says_why_it_is_there(model: Model) -> None:
    assert model.why


@pytest.mark.parametrize("model", PUBLISHED, ids=lambda model: model.name)
def test_a_published_table_describes_its_grain_and_every_column(model: Model) -> None:
    names = [column.name for column in model.columns]
    assert set(model.grain) <= set(names)
    assert len(names) == len(set(names))
    for column in model.columns:
        assert column.meaning, column.name
        assert column.sql_type != "DOUBLE", (
            f"{column.name}: a figure is DECIMAL, so that the same rows give the same bytes"
        )


@pytest.mark.parametrize("model", marts(), ids=lambda model: model.name)
def test_a_mart_is_by_month_and_names_its_method(model: Model) -> None:
    assert "period_month" in model.grain
    assert re.fullmatch(r"[a-z-]+-\d+", model.method)


def test_generated_pages_are_up_to_date() -> None:
    assert (DOCS / "feeds.md").read_text(encoding="utf-8") == feeds_page()
    assert (DOCS / "metrics.md").read_text(encoding="utf-8") == metrics_page()


def test_a_mart_without_its_feed_is_empty_and_has_its_columns() -> None:
    con = build_case({"invoices": INVOICES}, periods=["2026-02"], feeds=["invoices"])
    assert con.execute("SELECT count(*) FROM build.delivery_performance").fetchall() == [(0,)]
    columns = [name for name, *_ in con.execute("DESCRIBE build.delivery_performance").fetchall()]
    assert columns == [column.name for column in models()["build.delivery_performance"].all_columns]


@long
def test_months_built_together_equal_months_built_alone() -> None:
    given = {"invoices": INVOICES, "payments": PAYMENTS}
    together = build_case(given, periods=["2026-01", "2026-02"])
    record_content(together)
    for period in ("2026-01", "2026-02"):
        alone = build_case(given, periods=[period])
        record_content(alone)
        query = f"FROM build.content WHERE period_month = '{period}-01' ORDER BY ALL"
        assert rows(alone, query)
        assert rows(alone, query) == rows(together, query)


@long
def test_the_content_hash_sees_a_doubled_row_and_not_the_order() -> None:
    def content(values: str) -> str:
        con = build_case({"invoices": INVOICES}, periods=["2026-01"])
        con.execute(f"CREATE OR REPLACE TABLE build.receivables_summary AS {values}")
        con.execute("ALTER TABLE build.receivables_summary ADD COLUMN IF NOT EXISTS method VARCHAR")
        record_content(con)
        found = con.execute("SELECT content_hash FROM build.content WHERE table_name = 'receivables_summary'")
        return str(found.fetchall()[0][0])

    columns = "SELECT * EXCLUDE method FROM build.receivables_summary"
    assert content(columns) == content(f"{columns} ORDER BY ALL DESC")
    assert content(columns) != content(f"{columns} UNION ALL {columns}")


@long
@pytest.mark.parametrize(
    ("select", "row"),
    [
        ("quantity::DECIMAL(12, 4)", "That is a value of orders order_id 2, line_no 1 (landing/orders.csv, record 2): quantity 987654321.5000"),
        ("((quantity * 0)::VARCHAR || 'x')::INTEGER", "The largest number that it reads is in orders order_id 2, line_no 1"),
    ],
)  # fmt: skip
def test_a_model_that_fails_names_the_row(site_folder: Path, select: str, row: str) -> None:
    orders = [
        {"order_id": number, "line_no": 1, "account_id": "A", "order_date": "2026-01-05", "quantity": quantity}
        for number, quantity in (("1", "12"), ("2", "987654321.5"), ("3", "-5"))
    ]
    site = write_site(site_folder, {"orders": orders}, feeds=["orders"])
    model = dataclasses.replace(models()["core.sales"], sql=f"SELECT {select} FROM core.orders")
    with warehouse(site) as con:
        ingest(con, site)
        with pytest.raises(ModelFailedError) as failed:
            runner._run(con, f"CREATE TABLE build.trial AS {model.sql}", model)  # noqa: SLF001 - no model fails by itself
    assert str(failed.value).startswith("sql/core/")
    assert row in str(failed.value)


@long
def test_a_doubled_grain_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    summary = models()["build.receivables_summary"]
    doubled = dataclasses.replace(summary, sql=f"SELECT * FROM ({summary.sql}) UNION ALL SELECT * FROM ({summary.sql})")
    known = {**models(), summary.relation: doubled}
    monkeypatch.setattr("kam.build.runner.models", lambda: known)
    with pytest.raises(KamError, match=r"receivables_summary\.sql: 2 rows for one key"):
        build_case({"invoices": INVOICES}, periods=["2026-01"])


@pytest.mark.parametrize(
    ("select", "fault"),
    [
        ("SELECT month_index, period_month, snapshot_no, as_of_date FROM", "in another order"),
        ("SELECT * EXCLUDE month_index FROM", "the SELECT lacks month_index INTEGER"),
        ("SELECT *, 1 AS one FROM", "the header lacks one INTEGER"),
        (
            "SELECT * REPLACE (month_index::BIGINT AS month_index) FROM",
            "the SELECT lacks month_index INTEGER; the header lacks month_index BIGINT",
        ),
    ],
)
def test_a_core_model_gives_the_columns_of_its_header(monkeypatch: pytest.MonkeyPatch, select: str, fault: str) -> None:
    snapshots = models()["core.receivable_snapshots"]
    known = {**models(), snapshots.relation: dataclasses.replace(snapshots, sql=f"{select} ({snapshots.sql})")}
    monkeypatch.setattr("kam.build.runner.models", lambda: known)
    with pytest.raises(KamError, match=rf"receivable_snapshots\.sql: .*{fault}"):
        build_case({"invoices": INVOICES}, periods=["2026-01"])


@pytest.mark.parametrize("model", CORE, ids=lambda model: model.name)
def test_a_core_model_names_the_columns_of_its_last_select(model: Model) -> None:
    with memory() as con:
        tree = json.loads(str(con.execute("SELECT json_serialize_sql(?::VARCHAR)", [model.sql]).fetchall()[0][0]))
    for select in _last_selects(tree["statements"][0]["node"]):
        assert "STAR" not in [column["class"] for column in select["select_list"]]


def _last_selects(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A SELECT that may be a UNION of several."""
    if node["type"] == "SELECT_NODE":
        return [node]
    return [
        select
        for part in (node.get("left"), node.get("right"), *node.get("children", ()))
        if part
        for select in _last_selects(part)
    ]


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [("1", "4", 0.25), ("1", "0", None), ("0", "0", None), ("NULL", "4", None)],
)
def test_a_ratio_is_null_where_it_is_undefined(numerator: str, denominator: str, expected: float | None) -> None:
    with memory() as con:
        assert con.execute(f"SELECT ratio({numerator}, {denominator})").fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("amount", "expected"),
    # 1.005 and 0.285 lie below their half as binary fractions; a cent must not depend on that.
    [("1.005::DOUBLE", "1.01"), ("0.285::DOUBLE", "0.29"), ("-1.005::DOUBLE", "-1.01"), ("2.675", "2.68")],
)
def test_money_is_rounded_half_away_from_zero(amount: str, expected: str) -> None:
    with memory() as con:
        assert con.execute(f"SELECT money_round({amount})").fetchall() == [(Decimal(expected),)]
