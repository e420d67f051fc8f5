"""Tables of one level each: a total is made from the rows of any level, and a manager is the one that the column says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from kam.publish.semantic_model import semantic_model
from kam.warehouse import Connection
from tests.support import build_case, publish_candidates

JUNE = date(2026, 6, 1)


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """A owes 100 that is overdue and B 300 that is not. Both are accounts of Ito; the invoice of B names Lee."""
    given = {
        "accounts": [{"account_id": name, "account_manager": "Ito"} for name in ("A", "B")],
        "invoices": [
            {"invoice_id": "I1", "account_id": "A", "invoice_date": "2026-06-01", "due_date": "2026-06-20", "net_amount": 100},
            {"invoice_id": "I2", "account_id": "B", "invoice_date": "2026-06-01", "due_date": "2026-07-20", "net_amount": 300}
            | {"account_manager": "Lee"},
        ],
    }  # fmt: skip
    with build_case(given, periods=["2026-06"], tables=["receivables_kpis", "receivables_ageing"]) as built:
        publish_candidates(built, JUNE)
        yield built


def test_the_sums_of_numerator_and_denominator_give_the_total_at_every_level(con: Connection) -> None:
    """100 of 400 is overdue; the mean of the accounts, 1 and 0, would be a half."""
    (of_total,) = con.execute("SELECT overdue_ratio FROM reporting.receivables_kpis_total").fetchall()
    assert of_total == (Decimal("0.25"),)
    (model,) = semantic_model()["semantic_model"]
    metrics = {metric["name"]: metric["expression"]["dialects"][0]["expression"] for metric in model["metrics"]}
    for name in ("receivables_kpis_by_account", "receivables_kpis_by_manager", "receivables_kpis_total"):
        added = con.execute(f"SELECT {metrics[f'{name}__overdue_ratio']} FROM reporting.{name}")
        assert added.fetchall() == [(0.25,)]


def test_the_account_s_manager_and_the_document_s_have_columns_of_their_own(con: Connection) -> None:
    managers = "SELECT document_account_manager, closing_amount FROM reporting.receivables_kpis_by_manager ORDER BY ALL"
    assert con.execute(managers).fetchall() == [("Ito", 100), ("Lee", 300)]
    accounts = "SELECT account_id, account_manager FROM reporting.receivables_kpis_by_account ORDER BY ALL"
    assert con.execute(accounts).fetchall() == [("A", "Ito"), ("B", "Ito")]
    items = (
        "SELECT account_id, account_manager, document_account_manager FROM reporting.receivables_ageing ORDER BY ALL"
    )
    assert con.execute(items).fetchall() == [("A", "Ito", "Ito"), ("B", "Ito", "Lee")]
