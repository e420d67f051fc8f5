"""Competitors: the newest observation by the month's end beside our own figure, and what was lost to each."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from kam.build import prepare_marts
from kam.warehouse import Connection, memory, prepare
from tests.expectations.cases import Tampering
from tests.support import build, build_case, fetch, settings_of, stage

TAMPERINGS = (
    Tampering("competitor_position.nothing_is_from_later", "age_days = -1"),
    Tampering("competitor_position.undefined_has_a_reason", "gap_reason = 'none'"),
)

Row = dict[str, Any]
JUNE = dt.date(2026, 6, 1)


def seen(account: str | None, day: str, value: float | None, kind: str = "price", **given: Any) -> Row:
    """An observation of the competitor Z, numbered by account and day."""
    return {"observation_id": f"{account}-{day}", "observed_on": day, "account_id": account, "competitor_id": "Z"} | {
        "kind": kind,
        "value": value,
        **given,
    }


def sold(account: str, day: str, quantity: float | None, net_amount: float, product_id: str = "X", **given: Any) -> Row:
    return {"invoice_id": f"{account}-{product_id}-{day}-{quantity}", "account_id": account, "invoice_date": day} | {
        "product_id": product_id,
        "quantity": quantity,
        "net_amount": net_amount,
        **given,
    }


def lost(number: str, account: str, day: str, unit_price: float | None, **given: Any) -> Row:
    return {"quotation_id": number, "account_id": account, "product_id": "X", "rfq_date": "2025-01-10"} | {
        "quoted_date": "2025-02-10",
        "quantity": 10,
        "unit_price": unit_price,
        "decision": "lost",
        "decided_date": day,
        "competitor_id": "Z",
        **given,
    }


@pytest.fixture(scope="module")
def con() -> Connection:
    """June 2026; each account tests one thing."""
    observations = [
        # Two on one day: the larger number counts. In dollars, at the rate of the day.
        seen("LAST", "2026-06-10", 10, product_id="X", currency="USD", observation_id="A-1"),
        seen("LAST", "2026-06-10", 20, product_id="X", currency="USD", observation_id="A-2"),
        seen("YEN", "2026-06-10", 10, product_id="X", currency="JPY"),
        # Of a product line; of parts in pieces and in kilograms; of a part that the account never bought.
        seen("LINE", "2026-06-10", 4, product_line="tyres"),
        seen("MIXED", "2026-06-10", 4, product_line="hoses"),
        seen("NEVER", "2026-06-10", 4, product_id="X"),
        seen(None, "2026-06-10", 4, product_id="X"),
        seen("FREE", "2026-06-10", 0, product_id="X"),
        seen("LOST", "2026-06-10", None, product_id="X"),
        seen("SERVED", "2026-06-10", 0.4, "otif"),
        seen("SERVED", "2026-06-11", 3, "visit"),
        seen("SERVED", "2026-06-12", None, "technology"),
        seen("LINE", "2026-06-11", 0.5, "share", product_line="tyres"),
        seen("SERVED", "2026-06-13", 0.5, "share", product_line="tyres"),
    ]
    invoices = [
        # 90 ÷ 10 in May: a rebate without a quantity and the returns of June have no price.
        sold("LAST", "2026-05-10", 10, 90),
        sold("LAST", "2026-06-10", None, 50),
        sold("LAST", "2026-06-11", 5, 60, document_type="credit_note"),
        # 60 ÷ 10 of both parts of the line.
        sold("LINE", "2026-06-10", 4, 20),
        sold("LINE", "2026-06-10", 6, 40, "X2"),
        sold("MIXED", "2026-06-10", 4, 20, "P"),
        sold("MIXED", "2026-06-10", 6, 40, "K"),
        sold("FREE", "2026-06-10", 6, 30),
    ]
    order = {"account_id": "SERVED", "order_date": "2026-06-01", "promised_date": "2026-06-20", "quantity": 5}
    return build_case(
        {
            "competitor_observations": observations,
            "invoices": invoices,
            # LINE bought for 60 from us.
            "market": [{"month": "2026-06-01", "account_id": "LINE", "product_line": "tyres", "total_amount": 240}],
            "products": [
                *({"product_id": name, "product_line": "tyres", "unit": "pc"} for name in ("X", "X2")),
                {"product_id": "P", "product_line": "hoses", "unit": "pc"},
                {"product_id": "K", "product_line": "hoses", "unit": "kg"},
            ],
            "fx_rates": [
                {"currency": "USD", "rate_date": "2026-06-10", "rate": "0.9"},
                {"currency": "USD", "rate_date": "2026-06-30", "rate": "0.5"},
            ],
            "orders": [{"order_id": f"O{number}"} | order for number in (1, 2)],
            "deliveries": [{"delivery_id": "D", "order_id": "O1", "delivered_date": "2026-06-20", "quantity": 5}],
            "visits": [
                {"visit_id": day, "account_id": "SERVED", "visit_date": day} for day in ("2026-06-30", "2026-07-01")
            ],
            "quotations": [
                # Of 1 July 2025 and later; one day earlier is over twelve months ago.
                lost("Q1", "LOST", "2025-07-01", 3),
                lost("Q2", "LOST", "2026-06-30", 4),
                lost("Q3", "LOST", "2025-06-30", 5),
                lost("Q4", "LOST", "2026-06-30", 6, competitor_id="Y"),
                lost("Q5", "FREE", "2026-06-30", None),
            ],
        },
        periods=["2026-06"],
        tables=["competitor_position"],
    )


def of(con: Connection, account: str, columns: str, kind: str = "price") -> list[Any]:
    """The row of an account and kind."""
    query = f"SELECT {columns} FROM build.competitor_position WHERE kind = '{kind}' AND account_id IS NOT DISTINCT FROM {account}"
    (row,) = fetch(con, query)
    return list(row.values())


def test_the_newest_price_stands_beside_our_last_month_with_sales(con: Connection) -> None:
    columns = "observation_id, age_days, value, our_value, our_month, gap, index_ratio"
    # 20 × 0.9; 9 − 18 and 9 ÷ 18.
    assert of(con, "'LAST'", columns) == ["A-2", 20, 18, 9, dt.date(2026, 5, 1), -9, Decimal("0.5")]


def test_an_observation_of_a_product_line_is_compared_with_our_price_of_the_line(con: Connection) -> None:
    assert of(con, "'LINE'", "product_line, our_value, gap, index_ratio") == ["tyres", 6, 2, Decimal("1.5")]
    assert of(con, "'MIXED'", "our_value, our_value_reason, gap_reason") == [None, *2 * ["items of different units"]]


def test_what_cannot_be_compared_says_why(con: Connection) -> None:
    assert of(con, "'YEN'", "value, value_reason, index_ratio_reason") == [None, *2 * ["no rate for JPY"]]
    assert of(con, "'NEVER'", "our_value, our_value_reason") == [None, "the account has not bought it by the month end"]
    columns = "account_name, value, our_value_reason, lost_quotations, lost_quotations_reason"
    assert of(con, "NULL", columns) == [
        None,
        4,
        "the observation names no account",
        None,
        "the observation names no account",
    ]
    assert of(con, "'FREE'", "gap, index_ratio, index_ratio_reason") == [5, None, "the figure of the competitor is 0"]


def test_share_quality_and_visits_are_those_of_the_month(con: Connection) -> None:
    assert of(con, "'LINE'", "our_value, gap, index_ratio", "share") == [
        Decimal("0.25"),
        Decimal("-0.25"),
        Decimal("0.5"),
    ]
    assert of(con, "'SERVED'", "our_value, our_value_reason", "share") == [None, "the market is not known in the month"]
    assert of(con, "'SERVED'", "our_value, gap, index_ratio", "otif") == [
        Decimal("0.5"),
        Decimal("0.1"),
        Decimal("1.25"),
    ]
    # One of the two visits was in June.
    assert of(con, "'SERVED'", "our_value, gap", "visit") == [1, -2]
    assert of(con, "'SERVED'", "value_reason, our_value_reason", "technology") == [
        *("the observation gives no figure", "we have no such figure"),
    ]


def test_quotations_lost_to_the_competitor_in_twelve_months_are_counted(con: Connection) -> None:
    # 10 × 3 + 10 × 4
    assert of(con, "'LOST'", "lost_quotations, lost_quotation_amount") == [2, 70]
    columns = "lost_quotations, lost_quotation_amount, lost_quotation_amount_reason"
    assert of(con, "'FREE'", columns) == [1, None, "quoted without a price"]


def test_june_is_what_june_s_extract_said_whatever_december_s_knows() -> None:
    """June closed with June's load, and again with that of December as well."""
    june: dict[str, list[Row]] = {
        "competitor_observations": [seen("A", "2026-05-10", 9, product_id="X")],
        "invoices": [sold("A", "2026-06-10", 10, 100)],
        "quotations": [lost("Q", "A", "2026-06-20", 5)],
    }
    december: dict[str, list[Row]] = {
        "competitor_observations": [
            seen("A", "2026-07-10", 8, product_id="X"),
            seen("A", "2026-12-10", 7, product_id="X"),
        ],
        "invoices": [sold("A", "2026-07-10", 10, 50)],
        # Decided anew.
        "quotations": [lost("Q", "A", "2026-11-20", 5, decision="won", competitor_id=None)],
    }
    settings = settings_of(feeds=("competitor_observations", "invoices", "quotations", "accounts", "products"))
    found = []
    for load in (1, 2):
        con = memory()
        prepare(con, "EUR")
        prepare_marts(con)
        stage(con, june, load_id=1)
        stage(con, december, load_id=2)
        con.execute("UPDATE staging.quotations SET superseded_load_id = 2 WHERE load_id = 1")
        build(con, settings, [JUNE], as_of_load=load)
        found.append(fetch(con, "FROM build.competitor_position"))
    assert found[0] == found[1]
    ((value, our_value, lost_quotations),) = (
        [row[name] for name in ("value", "our_value", "lost_quotations")] for row in found[0]
    )
    assert (value, our_value, lost_quotations) == (9, 10, 1)
