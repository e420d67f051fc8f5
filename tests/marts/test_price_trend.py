"""Prices against the month before and a year before: each part with itself, apart from mix and exchange rates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("price_trend.index_is_that_of_its_amounts", "price_index = 2 * price_index", "price_index IS NOT NULL"),
    Tampering("price_trend.shares_within_0_and_1", "matched_ratio = 1.1"),
    Tampering("price_trend.undefined_has_a_reason", "price_index = NULL", "price_index IS NOT NULL"),
)

Row = dict[str, Any]
_THEN, _NOW = "2025-06-10", "2026-06-10"


def sold(account_id: str, on: str, quantity: float | None, price: float, product_id: str = "X", **given: Any) -> Row:
    """An invoice line; without a quantity the price is its amount."""
    line = {"account_id": account_id, "invoice_date": on, "product_id": product_id, "quantity": quantity}
    number = f"{account_id}{on}{product_id}{price}{given}"
    return line | {"invoice_id": number, "net_amount": (1 if quantity is None else quantity) * price} | given


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """One account per behaviour. K is sold by the kilogram, all other parts by the piece."""
    back = {"document_type": "credit_note"}
    invoices = [
        *(sold("MIX", _THEN, 100, 10), sold("MIX", _THEN, 100, 20, "Y")),
        *(sold("MIX", _NOW, 100, 11), sold("MIX", _NOW, 300, 20, "Y"), sold("MIX", _NOW, None, 900, **back)),
        *(sold("UNITS", _THEN, 10, 10), sold("UNITS", _THEN, 5, 2, "K")),
        *(sold("UNITS", _NOW, 10, 11), sold("UNITS", _NOW, 5, 3, "K")),
        *(sold("BACK", _THEN, 10, 10), sold("BACK", _THEN, 10, 10, "Y")),
        *(sold("BACK", _NOW, 12, 11), sold("BACK", _NOW, 2, 11, **back), sold("BACK", _NOW, 3, 9, "Y", **back)),
        *(sold("ONCE", _THEN, 10, 10, "Y"), sold("ONCE", _NOW, 10, 10, "Y"), sold("ONCE", _NOW, 10, 30)),
        *(sold("FREE", _THEN, 10, 0), sold("FREE", _NOW, 10, 10)),
        *(sold("GIFT", _THEN, 10, 10), sold("GIFT", _NOW, 10, 0)),
        *(sold("USD", _THEN, 10, 10, currency="USD"), sold("USD", _NOW, 10, 10, currency="USD")),
        *(sold("SWITCH", _THEN, 10, 10, currency="USD"), sold("SWITCH", _NOW, 10, 5)),
        *(sold("YEN", _THEN, 10, 10, currency="JPY"), sold("YEN", _NOW, 10, 10, currency="JPY")),
        *(sold("NAMELESS", _THEN, 10, 10, product_id=None), sold("NAMELESS", _NOW, 10, 12, product_id=None)),
        *(sold("SPRING", "2026-05-10", 10, 8), sold("SPRING", _NOW, 10, 10)),
    ]
    given = {
        "products": [{"product_id": part, "product_line": "L", "unit": "pc"} for part in "XY"]
        + [{"product_id": "K", "product_line": "L", "unit": "kg"}],
        "fx_rates": [
            {"currency": currency, "rate_date": day, "rate": rate}
            for currency, day, rate in (
                ("USD", "2025-06-01", "0.5"),
                ("USD", "2026-06-01", "0.8"),
                ("JPY", "2026-06-01", "0.006"),
            )
        ],
        "invoices": invoices,
    }
    with build_case(given, periods=["2025-06", "2026-06"], tables=["price_trend"]) as built:
        yield built


def trend(con: Connection, account_id: str, version: str = "prior year", month: str = "2026-06") -> Row:
    """The row of an account, all of whose sales are of one product line."""
    where = f"account_id = '{account_id}' AND plan_version = '{version}' AND period_month = '{month}-01'"
    (found,) = fetch(con, f"FROM build.price_trend WHERE {where}")
    return found


def figures(found: Row, *names: str) -> list[float | None]:
    return [None if found[name] is None else float(found[name]) for name in names]


def test_the_index_tells_prices_from_the_mix_of_parts(con: Connection) -> None:
    found = trend(con, "MIX")
    # 3,000 ÷ 200 = 15 was the average, and 7,100 ÷ 400 = 17.75 is it now. The rebate of 900 has no quantity.
    columns = ("base_average_price", "average_price", "average_price_change_ratio", "matched_ratio")
    assert figures(found, *columns) == [15, 17.75, 0.183333, 1]
    amounts = ("base_amount", "base_repriced_amount", "current_at_base_prices_amount", "current_amount")
    # 100 × 10 + 100 × 20; 100 × 11 + 100 × 20; 100 × 10 + 300 × 20; 100 × 11 + 300 × 20.
    assert figures(found, *amounts, "price_effect") == [3000, 3100, 7000, 7100, 100]
    # 3,100 ÷ 3,000; 7,100 ÷ 7,000; √(1.033333 × 1.014286); (7,000 ÷ 400) ÷ (3,000 ÷ 200). 1.014286 × 1.166667 = 1.183333.
    indices = ("laspeyres_index", "paasche_index", "price_index", "mix_index")
    assert figures(found, *indices) == [1.033333, 1.014286, 1.023765, 1.166667]


def test_parts_of_different_units_have_an_index_and_no_average_price(con: Connection) -> None:
    found = trend(con, "UNITS")
    # (10 × 11 + 5 × 3) ÷ (10 × 10 + 5 × 2)
    assert figures(found, "price_index", "average_price", "mix_index") == [1.136364, None, None]
    assert found["average_price_reason"] == found["mix_index_reason"] == "items of different units"


def test_credit_notes_take_quantity_and_amount_back_and_what_only_came_back_has_no_price(con: Connection) -> None:
    found = trend(con, "BACK")
    # Net 10 pieces for 110; the three pieces of Y for 27 are taken off the average: (132 − 22 − 27) ÷ (12 − 2 − 3).
    columns = ("price_index", "matched_item_count", "sold_amount", "matched_return_amount", "priced_amount")
    assert figures(found, *columns, "average_price") == [1.1, 1, 110, 22, 83, 11.857143]


def test_a_part_sold_only_once_is_left_out_and_the_share_says_so(con: Connection) -> None:
    # The average price rose from 10 to 20, and no price did.
    columns = ("average_price_change_ratio", "price_index", "matched_amount", "sold_amount", "matched_ratio")
    assert figures(trend(con, "ONCE"), *columns) == [1, 1, 100, 400, 0.25]


@pytest.mark.parametrize("account_id", ["FREE", "GIFT", "SWITCH", "NAMELESS"])
def test_a_price_of_zero_another_currency_or_an_unnamed_part_cannot_be_compared(
    con: Connection, account_id: str
) -> None:
    found = trend(con, account_id)
    assert (found["price_index"], found["price_effect"], found["matched_item_count"]) == (None, None, 0)
    assert found["price_index_reason"] == "no part was sold in both months"


def test_no_change_of_the_average_is_told_from_a_price_of_zero(con: Connection) -> None:
    assert trend(con, "FREE")["average_price_change_ratio_reason"] == "the price compared with is not above zero"
    assert figures(trend(con, "GIFT"), "average_price_change_ratio", "matched_ratio") == [-1, None]


def test_an_exchange_rate_moves_the_average_price_and_not_the_index(con: Connection) -> None:
    found = trend(con, "USD")
    # 100 USD were 50 and are 80.
    assert figures(found, "average_price_change_ratio", "price_index", "current_amount", "matched_amount") == [
        *(0.6, 1),
        *(50, 80),
    ]


def test_without_a_rate_a_record_or_sales_before_it_says_why(con: Connection) -> None:
    yen = trend(con, "YEN")
    assert (yen["price_index_reason"], yen["base_average_price_reason"]) == ("no rate for JPY", "no rate for JPY")
    assert figures(yen, "average_price", "base_amount", "matched_ratio") == [0.06, None, 1]
    first = trend(con, "MIX", month="2025-06")
    assert (first["price_index_reason"], first["base_priced_amount"]) == ("no invoices on record by then", None)
    assert figures(first, "average_price", "matched_ratio") == [15, None]
    assert trend(con, "MIX", "prior month")["base_average_price_reason"] == "nothing sold in the month compared with"


def test_the_month_before_is_compared_in_the_same_way(con: Connection) -> None:
    assert figures(trend(con, "SPRING", "prior month"), "price_index", "base_average_price") == [1.25, 8]
    assert trend(con, "SPRING")["price_index_reason"] == "no part was sold in both months"
