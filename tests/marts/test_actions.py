"""Actions as of a month's end: what is open, overdue and forgotten follows from the dates known then."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kam.build import prepare_marts
from kam.build.measures import measures
from kam.warehouse import memory, prepare
from tests.expectations.cases import Tampering
from tests.support import build, build_case, fetch, settings_of, stage

TAMPERINGS = (
    Tampering("actions.state_follows_from_dates", "is_open = NOT is_open", "is_open"),
    Tampering("action_status.parts_are_within_the_whole", "overdue = open + 1"),
    Tampering("action_status.shares_within_0_and_1", "done_on_time_ratio = 1.5", "done_on_time_ratio IS NOT NULL"),
    Tampering("actions.undefined_has_a_reason", "measure_value_reason = NULL"),
    Tampering("action_status.undefined_has_a_reason", "average_age_days = NULL", "average_age_days IS NOT NULL"),
)

JUNE = dt.date(2026, 6, 1)


def action(number: str, opened: str, **given: Any) -> dict[str, Any]:
    return {"action_id": number, "account_id": "A", "kind": "to_do", "owner": "Kim", "opened_date": opened} | given


def test_june_is_what_june_s_extract_said_whatever_december_s_overwrote() -> None:
    """June closed with June's load, and again with that of December as well."""
    june = {
        "actions": [
            action("DONE", "2026-06-02", due_date="2026-06-30", done_date="2026-06-30", updated_date="2026-06-30"),
            action("OPEN", "2026-06-02", due_date="2026-06-29", updated_date="2026-06-23"),
            action("LAST DAY", "2026-05-02", due_date="2026-06-30", updated_date="2026-06-22"),
        ]
    }
    december = {
        "actions": [
            # Done, opened again and done again; done and updated in autumn; given up in July.
            action("DONE", "2026-06-02", due_date="2026-06-30", done_date="2026-11-05", updated_date="2026-11-05"),
            action("OPEN", "2026-06-02", due_date="2026-06-29", done_date="2026-10-01", updated_date="2026-10-01"),
            action("LAST DAY", "2026-05-02", due_date="2026-06-30", cancelled_date="2026-07-03"),
            action("LATER", "2026-07-01"),
        ]
    }
    settings = settings_of(feeds=("actions", "accounts"))
    found = []
    for load in (1, 2):
        con = memory()
        prepare(con, "EUR")
        prepare_marts(con)
        stage(con, june, load_id=1)
        stage(con, {"accounts": [{"account_id": "A", "account_manager": "Ito"}]}, load_id=1)
        stage(con, december, load_id=2)
        con.execute("UPDATE staging.actions SET superseded_load_id = 2 WHERE load_id = 1")
        build(con, settings, [JUNE], as_of_load=load)
        found.append(fetch(con, "FROM build.action_status") + fetch(con, "FROM build.actions"))
    assert found[0] == found[1]
    status = found[0][0]
    assert (status["account_manager"], status["opened"], status["done"], status["done_on_time"]) == ("Ito", 2, 1, 1)
    # 28 and 59 days; due on the last day is not overdue; reported 7 and 8 days ago.
    assert (status["open"], status["overdue"], status["not_updated_7_days"], status["age_days"]) == (2, 1, 1, 87)


def test_an_action_of_no_account_belongs_to_its_owner_and_one_given_up_is_neither_open_nor_done() -> None:
    given = {
        "actions": [
            action("OWN", "2026-06-02", account_id=None, kind=None),
            action("GIVEN UP", "2026-06-02", due_date="2026-06-10", cancelled_date="2026-06-20"),
            action("WITHOUT DUE DATE", "2026-06-02", done_date="2026-06-20"),
        ]
    }
    rows = fetch(build_case(given, periods=["2026-06"]), "FROM build.action_status ORDER BY account_id NULLS FIRST")
    own, of_account = rows
    assert (own["account_manager"], own["account_name"], own["kind"], own["open"]) == ("Kim", None, "unknown", 1)
    names = ("opened", "done", "done_with_due", "cancelled", "open", "overdue")
    assert [of_account[name] for name in names] == [2, 1, 0, 1, 0, 0]
    assert of_account["average_age_days_reason"] == "nothing is open"
    assert of_account["done_on_time_ratio_reason"] == "nothing with a due date was done in the month"


def test_an_action_shows_what_its_figure_is_now_of_its_account_or_of_all() -> None:
    sales, unknown = "sales.net_amount", "sales.turnover"
    given = {
        "actions": [
            action("OF A", "2026-05-02", measure=sales, baseline=80, target=120),
            action("OF ALL", "2026-06-02", account_id=None, measure=sales),
            action("UNKNOWN", "2026-06-02", measure=unknown),
            action("NONE", "2026-06-02"),
            action("NOT BY ACCOUNT", "2026-06-02", measure="receivables_kpis_total.closing_amount"),
        ],
        "invoices": [
            {"invoice_id": account, "account_id": account, "invoice_date": "2026-06-10", "net_amount": amount}
            for account, amount in (("A", 100), ("B", 50))
        ],
    }
    con = build_case(given, periods=["2026-06"], tables=["actions"])
    found = con.execute(
        "SELECT action_id, measure_value, measure_value_reason FROM build.actions ORDER BY ALL"
    ).fetchall()
    assert found == [
        ("NONE", None, "the action names no figure"),
        ("NOT BY ACCOUNT", None, "the table is not by account"),
        ("OF A", 100, None),
        ("OF ALL", 150, None),
        ("UNKNOWN", None, "no such measure"),
    ]
    # What shows measures is none itself.
    assert {name for name in measures() if name.startswith(("actions.", "target_attainment."))} == set()
