"""What depends on a feed that a site does not declare is NULL, never 0: every column of every table, feed by feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from kam.build import marts
from kam.site import FEEDS
from kam.warehouse import Connection
from tests.support import build_case, fetch, long

Rows = Sequence[Mapping[str, Any]]
MONTHS = [f"2025-{month:02}" for month in range(5, 13)] + [f"2026-{month:02}" for month in range(1, 7)]
LINES = [
    {"account_id": account, "product_id": product, "currency": "EUR"}
    | {"key": f"{account}{product}-{month}", "month": month}
    for account in "AB"
    for product in "XY"
    for month in MONTHS
]


def _of(line: Mapping[str, Any], **values: object) -> dict[str, Any]:
    """A row of an account, a part and a currency, with these values."""
    return {name: line[name] for name in ("account_id", "product_id", "currency")} | values


def full_case_rows() -> dict[str, Rows]:
    """Two accounts that order, get, are billed, pay, complain, rate and are planned in each of 14 months; nothing is 0."""
    return _master() | _trade() | _money() | _outlook() | _outside()


def _master() -> dict[str, Rows]:
    return {
        "accounts": [
            {
                "account_id": account,
                "account_manager": "Kim",
                "credit_limit": 50,
                "region": "N",
                "payment_terms_days": 10,
            }
            for account in "AB"
        ],
        "products": [
            {"product_id": product, "product_line": "L", "unit": "pc", "list_price": 12, "standard_cost": 3}
            for product in ("X", "Y", "LOST")
        ],
        "calendar": [],
        "fx_rates": [],
        "standard_costs": [{"product_id": product, "valid_from": "2025-01-01", "unit_cost": 4} for product in "XY"],
    }


def _trade() -> dict[str, Rows]:
    return {
        "orders": [
            _of(line, order_id=f"O{line['key']}", order_date=f"{line['month']}-01", quantity=10, unit_price=9)
            | {f"{kind}_date": f"{line['month']}-05" for kind in ("requested", "promised", "last_promised")}
            for line in LINES
        ],
        "deliveries": [
            {
                "delivery_id": f"D{line['key']}",
                "order_id": f"O{line['key']}",
                "delivered_date": f"{line['month']}-0{5 if line['product_id'] == 'X' else 9}",
            }
            | {"quantity": 10 if line["product_id"] == "X" else 8, "rejected_quantity": 1}
            for line in LINES
        ],
        "issues": [
            {
                "account_id": line["account_id"],
                "product_id": line["product_id"],
                "issue_id": f"S{line['key']}-{dimension}",
            }
            | {"dimension": dimension, "issue_type": "complaint", "affected_quantity": 2}
            | {
                "opened_date": f"{line['month']}-03",
                "target_close_date": f"{line['month']}-20",
                "closed_date": f"{line['month']}-09",
            }
            for line in LINES
            for dimension in ("cost", "management")
        ],
        "opportunities": [
            {"opportunity_id": f"P{line['key']}", "account_id": line["account_id"], "recorded_on": f"{month}-04"}
            | {"value": 50, "success_probability": 0.4, "account_manager": "Lou"}
            | ({"outcome": "won", "closed_on": f"{month}-03"} if month > line["month"] else {})
            for line in LINES
            for month in sorted({line["month"], MONTHS[-1]})
        ],
        "quotations": [
            {
                "quotation_id": f"Q{line['key']}-{decision}",
                "account_id": line["account_id"],
                "product_id": line["product_id"],
            }
            | {"project_type": "new", "rfq_date": f"{line['month']}-02", "quoted_date": f"{line['month']}-05"}
            | {"requested_by": f"{line['month']}-09", "quantity": 5, "unit_price": 3, "target_price": 2}
            | ({"decision": decision, "decided_date": f"{line['month']}-20", "competitor_id": "Z"} if decision else {})
            for line in LINES
            for decision in ("won", "lost", "declined", "withdrawn", "")
        ],
        "competitor_observations": [
            {
                "observation_id": f"{line['key']}-{kind}",
                "account_id": line["account_id"],
                "product_id": line["product_id"],
            }
            | {"competitor_id": "Z", "observed_on": f"{line['month']}-15", "kind": kind, "value": 0.5}
            for line in LINES
            for kind in ("price", "share", "otif", "ppm", "visit", "technology")
        ],
        "scorecards": [
            {
                "account_id": line["account_id"],
                "month": f"{line['month']}-01",
                "dimension": "quality",
                "score": 70 + int(line["month"][-2:]),
            }
            for line in LINES
            if line["product_id"] == "X"
        ],
    }


def _money() -> dict[str, Rows]:
    return {
        "invoices": [
            _of(line, invoice_id=f"I{line['key']}", invoice_date=f"{line['month']}-10", due_date=f"{line['month']}-15")
            | {"quantity": 8, "net_amount": 100, "tax_amount": 19, "tax_form_type": "C"}
            for line in LINES
        ]
        # Bought once, and never again.
        + [
            {"account_id": "A", "product_id": "LOST", "currency": "EUR", "invoice_id": "LOST", "quantity": 8}
            | {"invoice_date": "2025-06-10", "due_date": "2025-06-15", "net_amount": 100, "tax_amount": 19}
        ],
        "tax_forms": [
            {"form_id": f"F{line['key']}", "form_type": "C", "account_id": line["account_id"], "amount": 70}
            | {"received_date": f"{line['month']}-21", "invoice_id": f"I{line['key']}"}
            for line in LINES
        ],
        "instalments": [
            {
                "invoice_id": f"I{line['key']}",
                "instalment_no": number,
                "due_date": f"{line['month']}-{number}2",
                "amount": 59.5,
            }
            for line in LINES
            for number in (1, 2)
        ],
        "payments": [
            {
                "account_id": line["account_id"],
                "payment_id": f"P{line['key']}-{kind}",
                "payment_date": f"{line['month']}-28",
            }
            | {"amount": amount, "payment_type": kind, "invoice_id": f"I{line['key']}"}
            for line in LINES
            for kind, amount in (
                ("receipt", 114 if line["product_id"] == "X" else 60),
                ("discount", 2),
                ("write_off", 3),
            )
        ]
        + [
            {"account_id": "A", "payment_id": f"U{month}", "payment_date": f"{month}-27", "amount": 5}
            for month in MONTHS
        ],
        "payment_plan": [{"account_id": "A", "month": f"{month}-01", "amount": 77} for month in MONTHS],
        "credit_reviews": [
            {
                "account_id": account,
                "reviewed_on": f"{month}-11",
                "score": 55,
                "recommended_limit": 40,
                "is_blocked": True,
            }
            for account in "AB"
            for month in MONTHS
        ],
        "visits": [
            {"account_id": line["account_id"], "visit_id": f"V{line['key']}", "visit_date": f"{line['month']}-02"}
            | {"promised_payment_amount": 6, "promised_payment_date": f"{line['month']}-28", "rating_delivery": 80}
            | {"cost": 6}
            for line in LINES
        ],
        "account_costs": [
            {"account_id": account, "month": f"{month}-01", "cost_type": kind, "amount": 3}
            for account in "AB"
            for month in MONTHS
            for kind in ("freight", "rebate", "service", "warranty", "other")
        ],
        "business_cases": [
            {"case_id": "K", "account_id": "A", "month": f"{month}-01", "cash_flow": flow, "discount_rate": 0.1}
            for month, flow in ((MONTHS[0], -50), ("2027-01", 70))
        ],
    }


def _outlook() -> dict[str, Rows]:
    return {
        "sales_plan": [
            _of(line, plan_version="AOP", month=f"{line['month']}-01", quantity=7, unit_price=11) for line in LINES
        ],
        "forecasts": [
            {"account_id": line["account_id"], "product_id": line["product_id"], "forecast_step": step, "quantity": 6}
            | {"snapshot_month": f"{before}-01", "target_month": f"{month}-01"}
            for line in LINES
            for before, month in pairwise(MONTHS)
            if month == line["month"]
            for step in ("sales", "statistical")
        ],
        "actions": [
            {"action_id": f"T{line['key']}", "account_id": line["account_id"], "owner": "Kim", "kind": "to_do"}
            | {"measure": "quality_performance.ppm"}
            | {"opened_date": f"{line['month']}-02", "due_date": f"{line['month']}-20"}
            | ({"done_date": f"{line['month']}-21"} if line["product_id"] == "X" else {})
            for line in LINES
        ],
        "contracts": [
            {"contract_id": f"T{account}", "account_id": account, "start_date": "2025-05-01", "end_date": "2026-12-31"}
            | {"notice_days": 30, "signed_by_us": "2025-05-01", "signed_by_customer": "2025-12-20"}
            | {"terminated_on": "2026-06-28" if account == "A" else None}
            for account in "AB"
        ],
        "commitments": [
            {"commitment_id": f"{account}{number}", "account_id": account, "contract_id": f"T{account}"}
            | {"from_date": "2025-07-01", "to_date": "2026-12-31"}
            | given
            for account in "AB"
            for number, given in enumerate(
                [
                    {"product_id": "X", "quantity": 99},
                    {"product_line": "L", "amount": 999},
                    {"due_date": "2026-01-05", "fulfilled_on": "2026-01-05"},
                ]
            )
        ],
        "milestones": [
            {"project_id": "R", "gate": gate, "account_id": "A", "product_id": "X", "planned_date": f"{month}-05"}
            | {"requested_date": f"{month}-04", "actual_date": f"{month}-06", "result": "approved"}
            | {"annual_quantity": 300, "unit_price": 9, "lifetime_years": 3}
            for gate, month in (("RFQ", "2025-08"), ("PPAP", "2025-12"), ("SOP", "2026-03"))
        ],
        "targets": [
            {"month": f"{month}-01", "measure": measure, "account_id": account, "target": 7}
            for month in MONTHS
            for account in "AB"
            for measure in ("sales.net_amount", "quality_performance.ppm", "receivables_kpis_by_account.overdue_ratio")
        ],
    }


def _outside() -> dict[str, Rows]:
    """What markets buy, how the economy goes, and what customers and certifiers find."""
    return {
        "market": [
            {"month": f"{month}-01", "source": "S", "total_amount": 1000, "total_quantity": 100} | market
            for month in MONTHS
            for market in (
                *({"account_id": account, "product_line": "L"} for account in "AB"),
                {"region": "N"},
            )
        ],
        "indicators": [
            {"indicator": "vehicles", "month": f"{month}-01", "value": 50 + number, "unit": "1,000"}
            for number, month in enumerate(MONTHS)
        ],
        "assessments": [
            {"assessment_id": f"{kind}-{account}-{month}", "account_id": account, "assessed_on": f"{month}-07"}
            | {"kind": kind, "points": 3 + number, "max_points": 30, "valid_until": "2027-01-31"}
            for number, month in enumerate(MONTHS)
            for account in "AB"
            for kind in ("audit", "award")
        ],
    }


def full_case(without: str = "") -> Connection:
    """June 2026 of a site that has everything, except a feed."""
    books = {feed: rows for feed, rows in full_case_rows().items() if feed != without}
    settings = {
        "tax_forms": {"rates": {"C": 0.1}},
        "profit": {"receivables_rate": 0.1},
        "receivables": {
            "credit_exposure": "outstanding_and_open_orders",
            "loss_rates": {"current": 0.1, "1-30": 0.1, "31-60": 0.1, "61-90": 0.1, "91-120": 0.1, "over 120": 0.1},
        },
    }
    return build_case(books, settings=settings, periods=["2026-06"])


# Flags show figures of other tables, as these have them.
FLAGS = {"figure", "compared_to", "deviation_mads"}
RATINGS = {"rating_score", "last_month_rating_score", "prior_year_rating_score"}
# Without a feed its flags are gone.
FLAG_COUNTS = {"flag_count", "last_month_flag_count", "critical_flag_count", "raised_flag_count", "cleared_flag_count"}
MARGINS = {"cost_of_goods_amount", "gross_margin_amount", "gross_margin_ratio"}
PROFITS = {"fixed_cost_amount", "profit_amount", "breakeven_amount"}
REVIEWED_PROFITS = {f"{when}profit_amount" for when in ("", "last_month_", "prior_year_")}
REVIEWED_MARGINS = {f"{when}gross_margin_ratio" for when in ("", "last_month_", "prior_year_")}
# What a feed adds to figures that stand without it, by table: the table says which of the two a figure is.
STANDS = {
    # The balances are those of all that was billed: `paid_amount_doc_reason` and `received_amount_doc_reason` say so. Credit notes are
    # in invoices, cash is in `unapplied_cash`.
    "payments": {
        "headline_figures": {"value"},
        "receivables_ageing": {"outstanding_amount_doc", "outstanding_amount", "book_amount"},
        "receivables_summary": {"outstanding_amount", "item_count"},
        "receivables_rollforward": {
            *("opening_amount_doc", "closing_amount_doc", "opening_amount", "movement_amount", "closing_amount"),
        },
        "receivables_kpis": {
            *("opening_amount", "closing_amount", "overdue_amount", "credit_amount", "dso_days", "dso_countback_days"),
            *("average_days_delinquent", "exposure", "credit_use_ratio", "expected_credit_loss", "expected_receipts"),
        },
        "credit_files": {"exposure"},
        "account_flags": FLAGS,
        "account_review": {
            *("outstanding_amount", "last_month_outstanding_amount", "prior_year_outstanding_amount", "exposure"),
            *REVIEWED_PROFITS,
        },
        # `profit_note` says so.
        "account_profit": {"receivables_cost_amount", *PROFITS},
    },
    # Due dates of the whole invoice.
    "instalments": {
        "receivables_kpis": {
            *("settled_amount", "settled_amount_days", "weighted_days_late", "expected_receipts", "collection_ratio"),
        },
        "receivables_roll_rates": {"from_amount", "amount", "roll_ratio"},
        "credit_files": {"settled_amount", "settled_amount_days", "weighted_days_late"},
        "order_to_cash": {
            *("invoice_to_due_amount_days", "due_to_cash_amount_days", "invoice_to_due_days", "due_to_cash_days"),
        },
    },
    # The sales of a part whose cost only its master data has are left out of the margin: `uncosted_amount` says so.
    "products": {
        "account_review": {
            *("prior_year_gross_margin_ratio", "prior_year_contribution_ratio", "prior_year_profit_amount"),
        },
    },
    # The cost that the product master has.
    "standard_costs": {
        "product_line_profit": MARGINS,
        "account_profit": {*MARGINS, *PROFITS, "contribution_amount", "contribution_ratio"},
        "account_review": {
            *(*REVIEWED_PROFITS, *REVIEWED_MARGINS, "contribution_ratio"),
            *("last_month_contribution_ratio", "prior_year_contribution_ratio"),
        },
        "account_flags": FLAGS,
    },
    # Commitments by their own days: `state_reason` says that nothing tells whether the contract ended earlier.
    "contracts": {
        "commitments": {"committed_quantity", "committed_amount"},
        "contract_status": {"committed_quantity", "committed_amount", "fulfilment_ratio"},
        "account_review": {"fulfilment_ratio", "last_month_fulfilment_ratio", "prior_year_fulfilment_ratio"},
    },
    # What is due by the invoices.
    "payment_plan": {"receivables_kpis": {"expected_receipts", "collection_ratio"}},
    # `score_source` names the source; overall is the mean of the dimensions that have a score.
    "scorecards": {"vendor_rating": {"*"}, "account_flags": FLAGS, "account_review": RATINGS},
    "visits": {
        "vendor_rating": {"*"},
        "account_flags": FLAGS,
        "account_review": {*RATINGS, *REVIEWED_PROFITS},
        "account_profit": PROFITS,
    },
    "issues": {"vendor_rating": {"own_score", "gap"}, "account_flags": FLAGS},
    "orders": {"vendor_rating": {"own_score", "gap"}, "account_flags": FLAGS},
    "deliveries": {"vendor_rating": {"own_score", "gap"}, "account_flags": FLAGS},
}
Cells = Mapping[tuple[str, ...], tuple[Any, str | None]]


def _cells(con: Connection) -> Cells:
    """Each number of each table with its reason, by table, key and column."""
    return {
        (mart.name, *(str(row[key]) for key in mart.grain), column.name): (
            row[column.name],
            row.get(f"{column.name}_reason"),
        )
        for mart in marts()
        for row in fetch(con, f"FROM build.{mart.name}")
        for column in mart.columns
        if column.is_numeric
    }


@pytest.fixture(scope="module")
def with_all_feeds() -> Cells:
    return _cells(full_case())


@pytest.mark.parametrize(
    "feed", [pytest.param(feed, marks=() if feed in ("payments", "deliveries", "products") else long) for feed in FEEDS]
)
def test_what_an_undeclared_feed_would_say_is_null_with_that_reason(feed: str, with_all_feeds: Cells) -> None:
    without = _cells(full_case(feed))
    stands = STANDS.get(feed, {}) | {"account_review": FLAG_COUNTS | STANDS.get(feed, {}).get("account_review", set())}
    changed = {
        f"{cell[0]}.{cell[-1]}: {before[0]} is {without[cell][0]} ({without[cell][1]})"
        for cell, before in with_all_feeds.items()
        if cell in without and without[cell][0] != before[0]
        if not {cell[-1], "*"} & stands.get(cell[0], set())
        if without[cell][0] is not None or f"the feed {feed}" not in (without[cell][1] or f"the feed {feed}")
    }

    assert changed == set()
