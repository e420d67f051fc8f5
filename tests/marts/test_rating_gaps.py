"""Rating gaps: what costs points is named document by document, and adds up to what is missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("rating_gaps.points_are_lost", "points = -1"),
    Tampering("rating_gaps.documents_are_named", "document_id = NULL"),
)


def build(settings: dict[str, Any] | None = None, **feeds: Any) -> Connection:
    tables = ["rating_gaps", "vendor_rating"]
    return build_case(feeds, settings=settings, periods=["2026-06"], tables=tables)


def gaps(con: Connection, columns: str) -> list[tuple[Any, ...]]:
    found = fetch(con, f"SELECT {columns} FROM build.rating_gaps ORDER BY dimension, document_id, line_no")
    return [tuple(row.values()) for row in found]


def test_the_last_document_takes_what_rounding_leaves() -> None:
    line = {"account_id": "A", "product_id": "X", "order_date": "2026-06-01", "quantity": 10}
    con = build(
        orders=[
            line | {"order_id": f"O{number}", "requested_date": "2026-06-10", "promised_date": "2026-06-20"}
            for number in range(1, 7)
        ],
        # O1 is late by the requested day only; O2 is short; O3 to O6 are in time.
        deliveries=[
            {"delivery_id": f"D{number}", "order_id": f"O{number}", "quantity": 5 if number == 2 else 10}
            | {"delivered_date": "2026-06-15" if number == 1 else "2026-06-09", "rejected_quantity": 0}
            for number in range(1, 7)
        ],
        settings={"rating": {"delivery_basis": "requested"}},
    )
    # Four of six lines are 66.666667 points.
    assert gaps(con, "dimension, cause, document_id, line_no, points") == [
        ("delivery", "late_line", "O1", 1, Decimal("16.666667")),
        ("delivery", "late_line", "O2", 1, Decimal("16.666666")),
    ]


def test_a_line_that_is_dated_after_the_month_in_which_it_was_due_is_late_unless_it_came() -> None:
    line = {"account_id": "A", "order_date": "2026-07-05", "promised_date": "2026-06-20", "quantity": 10}
    con = build(
        orders=[line | {"order_id": f"O{number}"} for number in (1, 2, 3)] + [line | {"order_id": "O4", "line_no": 2}],
        deliveries=[
            {"delivery_id": "D1", "order_id": "O1", "delivered_date": "2026-06-19", "quantity": 10},
            {"delivery_id": "D2", "order_id": "O2", "delivered_date": "2026-07-08", "quantity": 10},
            {"delivery_id": "D3", "order_id": "O3", "delivered_date": "2026-06-19", "quantity": 4},
        ],
    )
    assert gaps(con, "cause, document_id, line_no, points") == [
        ("late_line", "O2", 1, 25),
        ("late_line", "O3", 1, 25),
        ("late_line", "O4", 2, 25),
    ]


def test_issues_that_were_due_and_not_closed_in_time_share_the_points_of_their_dimension() -> None:
    issue = {"account_id": "A", "opened_date": "2026-05-01", "target_close_date": "2026-06-10"}
    con = build(
        issues=[
            issue | {"issue_id": "S1", "dimension": "cost"},
            issue | {"issue_id": "S2", "dimension": "cost", "closed_date": "2026-06-10"},
            # Of no dimension of its own; it was closed in time, and reopened.
            issue | {"issue_id": "S3", "closed_date": "2026-06-01", "reopened_date": "2026-06-15"},
            issue | {"issue_id": "S4", "dimension": "delivery"},
        ],
        orders=[],
    )
    assert gaps(con, "dimension, cause, document_id, points") == [
        ("cost", "overdue_issue", "S1", 50),
        ("management", "overdue_issue", "S3", 100),
    ]


def test_a_rule_that_gives_no_full_score_is_named_where_no_document_is_at_fault() -> None:
    line = {"account_id": "A", "order_date": "2026-06-01", "quantity": 10, "order_id": "O1"}
    con = build(
        orders=[line | {"delivered_date": "2026-06-09", "rejected_quantity": 0}],
        settings={"rating": {"ppm_steps": [[0, 90], [100, 50]]}},
    )
    assert gaps(con, "dimension, cause, document_id, points") == [("quality", "rating_rule", None, 10)]


def test_rejects_that_orders_name_themselves_are_lots_of_the_order() -> None:
    line = {"account_id": "A", "order_date": "2026-06-01", "quantity": 1000, "order_id": "O1"}
    con = build(orders=[line | {"line_no": 2, "delivered_date": "2026-06-09", "rejected_quantity": 5}])
    assert gaps(con, "cause, document_id, line_no, quantity, points") == [("rejected_lot", "O1", 2, 5, 100)]
