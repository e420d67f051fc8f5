"""Gates of projects as of a month's end: what is passed, what slips, and whether the quantity comes after the start of production."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from kam.build import prepare_marts
from kam.warehouse import Connection, memory, prepare
from tests.expectations.cases import Tampering
from tests.support import build, fetch, settings_of, stage

TAMPERINGS = (
    Tampering("gate_performance.state_follows_from_dates", "is_done = NOT is_done"),
    Tampering("gate_performance.undefined_has_a_reason", "lifetime_amount = NULL", "lifetime_amount IS NOT NULL"),
)

JUNE = dt.date(2026, 6, 1)


def gate(project: str, name: str, planned: str | None, **given: Any) -> dict[str, Any]:
    return {"project_id": project, "gate": name, "account_id": "A", "planned_date": planned} | given


def test_june_is_what_june_s_extract_said_whatever_december_s_overwrote() -> None:
    """June closed with June's load, and again with December's: decided anew, planned anew, a gate and a project more."""
    june = {
        "milestones": [
            gate("R1", "RFQ", "2026-02-01", actual_date="2026-02-01", result="approved"),
            gate("R1", "OTS", "2026-06-10", actual_date="2026-06-30", result="rejected"),
            gate("R1", "PPAP", "2026-06-20", requested_date="2026-06-15"),
            gate("R1", "SOP", "2026-09-01", requested_date="2026-09-01"),
        ]
    }
    december = {
        "milestones": [
            gate("R1", "OTS", "2026-07-20", actual_date="2026-07-20", result="approved"),
            gate("R1", "PPAP", "2026-11-10", requested_date="2026-06-15"),
            gate("R1", "SOP", "2027-01-15", requested_date="2026-09-01"),
            gate("R1", "fleet test", "2026-05-01"),
            gate("R2", "RFQ", "2026-07-05"),
        ]
    }
    settings = settings_of(feeds=("milestones",))
    found = []
    for load in (1, 2):
        con = memory()
        prepare(con, "EUR")
        prepare_marts(con)
        stage(con, june, load_id=1)
        stage(con, december, load_id=2)
        con.execute("UPDATE staging.milestones SET superseded_load_id = 2 WHERE load_id = 1 AND gate <> 'RFQ'")
        build(con, settings, [JUNE], as_of_load=load)
        found.append(fetch(con, "FROM build.gate_performance ORDER BY planned_date"))
    assert found[0] == found[1]
    names = ("gate", "result", "is_done", "is_next_gate", "slip_days_planned", "slip_days_requested")
    assert [tuple(row[name] for name in names) for row in found[0]] == [
        ("RFQ", "approved", True, False, 0, None),
        # Rejected on the last day, so that it is still open then.
        ("OTS", "rejected", False, True, 20, None),
        ("PPAP", None, False, False, 10, 15),
        ("SOP", None, False, False, 0, 0),
    ]


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """May, then June: production of X began on 31 May 2026, a plan was changed in June, and one project has gates without days."""
    given: dict[str, list[dict[str, Any]]] = {
        "accounts": [{"account_id": "A", "account_manager": "Ito"}],
        "products": [{"product_id": "X"}],
        "fx_rates": [{"currency": "USD", "rate_date": "2026-01-01", "rate": "0.9"}],
        "milestones": [
            gate("R1", "PPAP", "2026-05-10", actual_date="2026-05-12", result="interim", requested_date="2026-05-20"),
            gate("R1", "sop", "2026-06-10", actual_date="2026-05-31", product_id="X", annual_quantity=3650)
            | {"unit_price": "2.5", "lifetime_years": 4, "currency": "USD"},
            gate("R2", "award", "2026-06-01"),
            gate("R3", "RFQ", "2026-05-05"),
            gate("R3", "award", None, requested_date="2026-06-20"),
            gate("R3", "SOP", None, product_id="X", annual_quantity=9),
        ],
        "orders": [{"order_id": "O1", "account_id": "A", "product_id": "X", "order_date": "2026-05-01", "quantity": 900}],
        "deliveries": [
            {"delivery_id": f"D{day}", "order_id": "O1", "delivered_date": day, "quantity": quantity}
            for day, quantity in (("2026-05-30", 7), ("2026-05-31", 40), ("2026-06-30", 200), ("2026-07-01", 9))
        ],
    }  # fmt: skip
    con = memory()
    prepare(con, "EUR")
    prepare_marts(con)
    stage(con, given, load_id=1)
    stage(con, {"milestones": [gate("R2", "award", "2026-06-25")]}, load_id=2)
    con.execute("UPDATE staging.milestones SET superseded_load_id = 2 WHERE load_id = 1 AND project_id = 'R2'")
    build(con, settings_of(feeds=tuple(given)), [dt.date(2026, 5, 1), JUNE], as_of_load=2)
    yield con
    con.close()


def gate_of(con: Connection, project: str, name: str, month: str = "2026-06-01") -> dict[str, Any]:
    (row,) = fetch(
        con,
        f"FROM build.gate_performance WHERE project_id = '{project}' AND gate = '{name}' AND period_month = '{month}'",
    )
    return row


def test_after_the_start_of_production_deliveries_are_compared_with_the_annual_quantity(con: Connection) -> None:
    """10 a day for 30 days; delivered 40 on the first and 200 on the last day."""
    june = gate_of(con, "R1", "sop")
    assert (june["delivered_since_sop_quantity"], june["planned_since_sop_quantity"]) == (240, 300)
    assert june["ramp_ratio"] == Decimal("0.8")
    # 3,650 × 2.50 × 4 years = 36,500 dollars.
    assert june["lifetime_amount"] == Decimal("32850.00")
    may = gate_of(con, "R1", "sop", "2026-05-01")
    assert (may["delivered_since_sop_quantity"], may["ramp_ratio"]) == (40, None)
    assert may["ramp_ratio_reason"] == "nothing is expected by the month end"
    assert gate_of(con, "R1", "PPAP")["ramp_ratio_reason"] == "the gate is not SOP"
    assert gate_of(con, "R3", "SOP")["ramp_ratio_reason"] == "production has not started by the month end"


def test_an_interim_approval_is_done_and_early_days_are_negative(con: Connection) -> None:
    ppap = gate_of(con, "R1", "PPAP")
    assert (ppap["is_done"], ppap["is_on_time"]) == (True, True)
    assert (ppap["slip_days_requested"], ppap["slip_days_planned"]) == (-8, 2)


def test_a_new_plan_keeps_the_first_one_beside_it(con: Connection) -> None:
    award = gate_of(con, "R2", "award")
    assert (award["first_planned_date"], award["planned_date"]) == (dt.date(2026, 6, 1), dt.date(2026, 6, 25))
    assert (award["slip_days_first_planned"], award["slip_days_planned"], award["is_on_time"]) == (29, 5, False)


def test_a_project_begins_with_its_first_date_and_a_gate_without_dates_has_no_slip(con: Connection) -> None:
    assert fetch(con, "FROM build.gate_performance WHERE project_id = 'R2' AND period_month = '2026-05-01'") == []
    award = gate_of(con, "R3", "award")
    assert (award["slip_days_requested"], award["slip_days_planned"]) == (10, None)
    undated = gate_of(con, "R3", "SOP")
    assert (undated["is_on_time"], undated["slip_days_planned_reason"]) == (None, "no day is planned")
    assert undated["lifetime_amount_reason"] == "no unit price is given"
    may = gate_of(con, "R3", "award", "2026-05-01")
    assert (may["slip_days_requested"], may["is_on_time"]) == (0, True)
