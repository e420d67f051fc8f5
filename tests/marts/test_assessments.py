"""Assessments and markets as of a month's end: the newest by then, whatever later loads say."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from kam.build import prepare_marts
from kam.warehouse import memory, prepare
from tests.expectations.cases import Tampering
from tests.support import build, build_case, fetch, settings_of, stage

TAMPERINGS = (
    Tampering("assessments.newest_is_not_the_previous", "is_previous = true", "is_newest"),
    Tampering("assessment_scores.change_is_from_the_previous_score", "awards_this_fiscal_year = 1", "kind <> 'award'"),
    Tampering("assessment_scores.undefined_has_a_reason", "days_left_reason = 'none'", "days_left IS NOT NULL"),
)

JUNE = dt.date(2026, 6, 1)
TABLES = ("assessment_scores", "assessments", "market_share", "market", "lost_items", "indicator_trends")


def assessment(number: str, assessed_on: str, **given: Any) -> dict[str, Any]:
    return {"assessment_id": number, "account_id": "A", "kind": "audit", "assessed_on": assessed_on} | given


def sale(day: str, amount: float, product: str = "X") -> dict[str, Any]:
    return {"invoice_id": f"I-{day}", "account_id": "A", "product_id": product, "invoice_date": day} | {
        "quantity": 1,
        "net_amount": amount,
    }


def test_june_is_what_june_s_extract_said_whatever_december_s_says_of_later_months() -> None:
    """June closed with June's load, and again with that of December as well."""
    june = {
        "assessments": [
            assessment("OLD", "2025-06-30", points=7, max_points=10),
            assessment("RENEWED", "2026-06-05", points=160, max_points=200, valid_until="2026-07-30"),
            assessment("AWARD", "2026-03-05", kind="award"),
        ],
        "market": [
            {"month": month, "account_id": "A", "product_line": "L", "total_amount": 100, "source": "S"}
            for month in ("2025-06-01", "2026-06-01")
        ],
        "products": [{"product_id": product, "product_line": "L"} for product in ("X", "LOST")],
        "invoices": [sale("2025-06-10", 10), sale("2026-01-10", 5, "LOST"), sale("2026-06-10", 20)],
        "indicators": [{"indicator": "vehicles", "month": "2026-06-01", "value": 9}],
    }
    december = {
        "assessments": [
            # The register keeps one row per certificate: a later audit overwrites it. One more was given in autumn.
            assessment("RENEWED", "2026-11-05", points=190, max_points=200, valid_until="2027-11-05"),
            assessment("LATER", "2026-10-05", points=1, max_points=10),
            assessment("AWARD 2", "2026-07-01", kind="award"),
        ],
        "market": [{"month": "2026-07-01", "account_id": "A", "product_line": "L", "total_amount": 9, "source": "S"}],
        "invoices": [sale("2026-07-10", 99), sale("2026-08-10", 99, "LOST")],
        "indicators": [{"indicator": "vehicles", "month": "2026-07-01", "value": 1}],
    }
    settings = settings_of(feeds=tuple(june))
    found = []
    for load in (1, 2):
        with memory() as con:
            prepare(con, "EUR")
            prepare_marts(con)
            stage(con, june, load_id=1)
            stage(con, december, load_id=2)
            con.execute(
                "UPDATE staging.assessments SET superseded_load_id = 2 WHERE load_id = 1 AND assessment_id = 'RENEWED'"
            )
            build(con, settings, [JUNE], as_of_load=load)
            found.append({table: fetch(con, f"FROM build.{table} ORDER BY ALL") for table in TABLES})
    assert found[0] == found[1]
    audit, award = sorted(found[0]["assessment_scores"], key=lambda row: row["kind"])
    # 160 ÷ 200 after 7 ÷ 10; from 30 June to 30 July.
    assert (audit["score_ratio"], audit["score_change"], audit["days_left"]) == (Decimal("0.8"), Decimal("0.1"), 30)
    assert (award["assessment_id"], award["awards_this_fiscal_year"]) == ("AWARD", 1)
    (share,) = found[0]["market_share"]
    assert (share["share_ratio"], share["share_change_points"], share["lost_item_count"]) == (Decimal("0.2"), 10, 1)


def test_the_newest_counts_per_account_kind_and_criterion_and_is_compared_with_the_last_one_that_has_a_score() -> None:
    given = {
        "assessments": [
            assessment("E1", "2026-01-05", points=50, max_points=100),
            assessment("E2", "2026-02-05"),
            # Two on one day: the larger number is the newest.
            assessment("E4", "2026-06-30", points=30, max_points=40, valid_until="2026-06-29"),
            assessment("E3", "2026-06-30", points=3, max_points=4),
            assessment("E4", "2026-06-30", criterion="logistics", points=8),
            assessment("ISO", "2025-06-01", account_id=None, kind="certificate", valid_until="2026-07-01"),
            # 2027 is the fiscal year of May and June, 2026 that of March.
            *(assessment(f"W{month}", f"2026-0{month}-01", kind="award") for month in (3, 5, 6)),
        ]
    }
    settings = {"site": {"name": "test", "fiscal_year_start_month": 4}}
    with build_case(given, settings=settings, periods=["2026-06"], tables=["assessment_scores", "assessments"]) as con:
        rows = {(row["kind"], row["criterion"]): row for row in fetch(con, "FROM build.assessment_scores")}
        listed = fetch(con, "SELECT assessment_id FROM build.assessments WHERE kind = 'audit' ORDER BY ALL")
    audit = rows["audit", "overall"]
    assert (audit["assessment_id"], audit["previous_assessment_id"], audit["score_change"]) == ("E4", "E3", 0)
    # It lapsed yesterday.
    assert audit["days_left"] == -1
    logistics = rows["audit", "logistics"]
    assert (logistics["points"], logistics["score_ratio"]) == (None, None)
    assert logistics["score_ratio_reason"] == "the assessment does not say how many points are possible"
    ours = rows["certificate", "overall"]
    assert (ours["account_id"], ours["account_name"], ours["days_left"]) == (None, None, 1)
    assert rows["award", "overall"]["awards_this_fiscal_year"] == 2
    # E1 and E2 are neither the newest, nor compared with it, nor of the month.
    assert [row["assessment_id"] for row in listed] == ["E3", "E4", "E4"]
