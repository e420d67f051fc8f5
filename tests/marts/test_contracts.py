"""Contracts as of a month's end: their state, notice and volumes follow from the dates known then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from kam.build import prepare_marts
from kam.warehouse import Connection, memory, prepare
from tests.expectations.cases import Tampering
from tests.support import build, build_case, fetch, settings_of, stage

TAMPERINGS = (
    Tampering("contract_status.state_follows_from_dates", "state = 'terminated'", "terminated_on IS NULL"),
    Tampering("contract_status.fulfilled_are_due", "commitments_fulfilled = commitments_due + 1"),
    Tampering("contract_status.undefined_has_a_reason", "days_to_end = NULL", "days_to_end IS NOT NULL"),
    Tampering("commitments.state_follows_from_dates", "is_fulfilled = NOT is_fulfilled"),
    Tampering("commitments.undefined_has_a_reason", "bought_amount = NULL", "bought_amount IS NOT NULL"),
)

JUNE = dt.date(2026, 6, 1)
TABLES = ["contract_status", "commitments"]


def contract(number: str, start: str, end: str | None = None, **given: Any) -> dict[str, Any]:
    signed = {"signed_by_us": "2023-01-02", "signed_by_customer": "2023-01-03"}
    return {"contract_id": number, "account_id": "A", "start_date": start, "end_date": end} | signed | given


def commitment(number: str, start: str, end: str, **given: Any) -> dict[str, Any]:
    return {"commitment_id": number, "account_id": "A", "from_date": start, "to_date": end} | given


def line(number: str, day: str, product: str, quantity: int, amount: int, **given: Any) -> dict[str, Any]:
    item = {"invoice_id": number, "account_id": "A", "invoice_date": day, "product_id": product}
    return item | {"quantity": quantity, "net_amount": amount} | given


def test_june_is_what_june_s_extract_said_whatever_december_s_overwrote() -> None:
    """June closed with June's loads, and again with those of December as well."""
    june = {
        "contracts": [
            contract("SIGNED", "2026-01-01", "2026-12-31", signed_by_customer="2026-06-20"),
            contract("RUNS", "2025-01-01", "2026-12-31"),
        ],
        "commitments": [
            commitment("DONE", "2026-01-01", "2026-12-31", due_date="2026-06-30", fulfilled_on="2026-06-30"),
            commitment("OPEN", "2026-01-01", "2026-12-31", due_date="2026-06-29", contract_id="RUNS"),
            commitment("VOLUME", "2026-06-01", "2026-07-30", quantity=60, contract_id="RUNS", product_id="X"),
        ],
        "invoices": [line("I1", "2026-06-10", "X", 12, 120)],
    }
    december = {
        "contracts": [
            contract("SIGNED", "2026-01-01", "2026-12-31", signed_by_customer="2026-08-01"),
            contract("RUNS", "2025-01-01", "2026-12-31", terminated_on="2026-07-10"),
            contract("LATER", "2026-07-01", signed_by_us="2026-07-01", signed_by_customer=None),
        ],
        "commitments": [
            commitment("DONE", "2026-01-01", "2026-12-31", due_date="2026-06-30", fulfilled_on="2026-11-02"),
            commitment(
                "OPEN", "2026-01-01", "2026-12-31", due_date="2026-06-29", contract_id="RUNS", fulfilled_on="2026-07-02"
            ),
            commitment("LATER", "2026-07-01", "2026-12-31", quantity=9, contract_id="RUNS"),
        ],
        "invoices": [line("I2", "2026-07-05", "X", 7, 70)],
    }
    settings = settings_of(feeds=("contracts", "commitments", "invoices", "accounts", "products"))
    found = []
    for load in (1, 2):
        con = memory()
        prepare(con, "EUR")
        prepare_marts(con)
        stage(con, june, load_id=1)
        stage(con, {"accounts": [{"account_id": "A"}], "products": [{"product_id": "X"}]}, load_id=1)
        stage(con, december, load_id=2)
        con.execute("UPDATE staging.contracts SET superseded_load_id = 2 WHERE load_id = 1")
        con.execute("UPDATE staging.commitments SET superseded_load_id = 2 WHERE load_id = 1 AND quantity IS NULL")
        build(con, settings, [JUNE], as_of_load=load)
        found.append([fetch(con, f"FROM build.{table} ORDER BY ALL") for table in TABLES])
    assert found[0] == found[1]
    status = {row["contract_id"]: row for row in found[0][0]}
    assert {name: row["state"] for name, row in status.items()} == {
        "SIGNED": "running",
        "RUNS": "running",
        "DONE": None,
    }
    # 60 × 30 ÷ 60 days; 12 bought.
    runs = status["RUNS"]
    assert (runs["committed_quantity"], runs["bought_quantity"], runs["fulfilment_ratio"]) == (30, 12, Decimal("0.4"))
    assert [(row["commitments_due"], row["commitments_fulfilled"]) for row in (runs, status["DONE"])] == [
        (1, 0),
        (1, 1),
    ]


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """June 2026. A dollar is 0.90; X and Y are tyres, Z is glue."""
    given: dict[str, list[dict[str, Any]]] = {
        "accounts": [{"account_id": "A", "account_manager": "Ito"}, {"account_id": "B"}],
        "products": [
            {"product_id": "X", "product_line": "tyres", "unit": "pc"},
            {"product_id": "Y", "product_line": "tyres", "unit": "pc"},
            {"product_id": "Z", "product_line": "glue", "unit": "kg"},
        ],
        "fx_rates": [{"currency": "USD", "rate_date": "2026-01-01", "rate": "0.9"}],
        "contracts": [
            contract("RENEWED", "2024-01-01", "2024-12-31", notice_days=60, is_renewed_automatically=True),
            contract("LEAP", "2023-03-01", "2024-02-29", is_renewed_automatically=True),
            contract("LAST DAY", "2026-01-01", "2026-06-30", notice_days=0),
            contract("NO END", "2026-01-01", notice_days=30),
            contract("ENDED", "2024-01-01", "2024-12-31", is_renewed_automatically=True, terminated_on="2026-06-15"),
            contract("ENDED FIRST", "2024-01-01", "2024-12-31", terminated_on="2026-07-01"),
        ],
        "commitments": [
            commitment("YEAR", "2026-01-01", "2026-12-31", contract_id="RENEWED", amount=36500, currency="USD")
            | {"product_line": "tyres"},
            commitment("OURS", "2026-01-01", "2026-12-31", contract_id="RENEWED", amount=99, party="ours"),
            commitment("CUT", "2026-06-01", "2026-06-30", contract_id="ENDED", quantity=300, product_id="X"),
            commitment("PIECES", "2026-01-01", "2026-06-30", contract_id="LEAP", quantity=2, product_id="X"),
            commitment("WEIGHT", "2026-01-01", "2026-06-30", contract_id="LEAP", quantity=3, product_id="Z"),
            commitment("ALL", "2026-06-21", "2026-06-30", quantity=50, contract_id="LAST DAY"),
            commitment("BACKWARDS", "2026-06-20", "2026-06-10", amount=50),
            commitment("RUPEES", "2026-06-20", "2026-06-30", amount=50, currency="INR", contract_id="GONE"),
        ],
        "invoices": [
            line("I1", "2026-05-10", "X", 100, 10000, currency="USD"),
            line("I2", "2026-05-20", "Y", 10, 1000, currency="USD", document_type="credit_note"),
            line("I3", "2026-05-20", "Z", 5, 777),
            line("I4", "2026-06-15", "X", 40, 400),
            line("I5", "2026-06-21", "X", 9, 90),
            line("I6", "2026-06-30", "Z", 1, 20),
            line("I7", "2026-06-30", "X", 1, 5, account_id="B"),
        ],
    }
    with build_case(given, periods=["2026-06"], tables=TABLES) as built:
        yield built


def status_of(con: Connection, contract_id: str) -> dict[str, Any]:
    (row,) = fetch(con, f"FROM build.contract_status WHERE contract_id = '{contract_id}'")
    return row


def test_a_contract_renewed_ends_at_the_first_anniversary_of_its_end_that_is_not_past(con: Connection) -> None:
    renewed = status_of(con, "RENEWED")
    assert (renewed["end_date"], renewed["notice_by"]) == (dt.date(2026, 12, 31), dt.date(2026, 11, 1))
    assert (renewed["days_to_end"], renewed["days_to_notice"], renewed["state"]) == (184, 124, "running")
    leap = status_of(con, "LEAP")
    assert (leap["end_date"], leap["days_to_notice"]) == (dt.date(2027, 2, 28), None)
    assert leap["days_to_notice_reason"] == "no notice is agreed"


def test_what_has_ended_has_no_days_left_and_on_its_last_day_a_contract_has_not_ended(con: Connection) -> None:
    last_day = status_of(con, "LAST DAY")
    assert (last_day["state"], last_day["days_to_end"], last_day["days_to_notice"]) == ("notice", 0, 0)
    ended = status_of(con, "ENDED")
    assert (ended["state"], ended["end_date"], ended["days_to_end"]) == ("terminated", dt.date(2026, 12, 31), None)
    assert ended["days_to_notice_reason"] == "the contract is terminated"
    assert status_of(con, "ENDED FIRST")["days_to_end_reason"] == "the contract is expired"
    no_end = status_of(con, "NO END")
    assert (no_end["state"], no_end["days_to_end_reason"]) == ("running", "the contract has no end")


def test_a_volume_counts_what_the_customer_bought_of_its_line_in_its_days_up_to_the_month_end(con: Connection) -> None:
    """36,500 × 181 ÷ 365 days = 18,100 dollars; bought 10,000 − 1,000 dollars, and 400 + 90. What we promised is not added."""
    row = status_of(con, "RENEWED")
    assert (row["committed_amount"], row["bought_amount"]) == (Decimal("16290.00"), Decimal("8590.00"))
    assert row["fulfilment_ratio"] == Decimal("0.527317")
    assert row["committed_quantity_reason"] == row["bought_quantity_reason"] == "no quantity is committed"
    (ours,) = fetch(con, "FROM build.commitments WHERE commitment_id = 'OURS'")
    # 99 × 181 ÷ 365.
    assert (ours["party"], ours["committed_amount"]) == ("ours", Decimal("49.09"))


def test_a_volume_ends_on_the_day_its_contract_is_terminated(con: Connection) -> None:
    """15 of 30 days; what was bought on the 15th counts, and on the 21st not."""
    row = status_of(con, "ENDED")
    assert (row["committed_quantity"], row["bought_quantity"]) == (150, 40)


def test_quantities_of_different_units_are_not_added(con: Connection) -> None:
    # Pieces and kilograms, of two commitments and within one.
    for contract_id in ("LEAP", "LAST DAY"):
        row = status_of(con, contract_id)
        assert (row["bought_quantity"], row["bought_quantity_reason"]) == (None, "items of different units")
        assert (row["fulfilment_ratio"], row["fulfilment_ratio_reason"]) == (None, "items of different units")


def test_a_commitment_without_a_known_contract_has_no_state_and_says_why(con: Connection) -> None:
    alone = status_of(con, "BACKWARDS")
    assert (alone["commitment_id"], alone["state"]) == ("BACKWARDS", None)
    assert alone["state_reason"] == alone["days_to_end_reason"] == "the commitment belongs to no contract"
    assert alone["committed_amount_reason"] == "to_date lies before from_date"
    gone = status_of(con, "GONE")
    assert (gone["commitment_id"], gone["state_reason"]) == (None, "the contract is not known")
    assert gone["fulfilment_ratio_reason"] == "no rate for INR"
    no_end = status_of(con, "NO END")
    assert (no_end["commitments_due"], no_end["fulfilment_ratio_reason"]) == (0, "no commitments")
