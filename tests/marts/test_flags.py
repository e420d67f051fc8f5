"""Flags of accounts: raised, continuing, cleared; since when, compared to what, and in which words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from kam.cli.status import site_status
from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, close_plainly, fetch, long, published, write_site

TAMPERINGS = (
    Tampering("account_flags.states_follow_from_months", "since = period_month - INTERVAL 1 MONTH", "state = 'raised'"),
    Tampering("account_flags.says_what_it_is", "sentence = 'Exposure {figure}'"),
    Tampering("account_flags.undefined_has_a_reason", "figure_reason = 'none'"),
)

Row = dict[str, Any]
STATES = ("raised", "continuing", "cleared")
MONTHS = [f"2025-{month:02}" for month in range(6, 13)] + [f"2026-{month:02}" for month in range(1, 7)]
SETTINGS = {
    "tax_forms": {"rates": {"C": 0.1}},
    "flags": {
        "thresholds": {"forecast_biased": "off", "no_visit": 60},
        "segments": {"fleet": {"no_visit": 20}},
        "accounts": {"OWN": {"no_visit": 15}, "OFF": {"no_visit": "off"}},
    },
}


def invoice(account: str, month: str, amount: float, **given: Any) -> Row:
    """Billed on the 10th of a month, due a month later unless something else is given."""
    due = dt.date.fromisoformat(f"{month}-10") + dt.timedelta(days=30)
    return {
        "invoice_id": f"{account}-{month}",
        "account_id": account,
        "product_id": "X",
        "invoice_date": f"{month}-10",
        "due_date": due,
        "quantity": 1,
        "net_amount": amount,
    } | given


def paid(account: str, month: str, day: str, amount: float) -> Row:
    return {"payment_id": f"P-{account}-{month}", "account_id": account, "invoice_id": f"{account}-{month}"} | {
        "payment_date": day,
        "amount": amount,
    }


def delivered(account: str, month: str, late: int, rejected: int = 0) -> tuple[list[Row], list[Row]]:
    """Two lines of 100 due on the 20th, of which so many were delivered on the 25th."""
    orders, deliveries = [], []
    for number in (1, 2):
        order = f"{account}-{month}-{number}"
        orders.append(
            {"order_id": order, "account_id": account, "product_id": "X", "order_date": f"{month}-01"}
            | {"promised_date": f"{month}-20", "quantity": 100}
        )
        deliveries.append(
            {"delivery_id": order, "order_id": order, "order_line_no": 1, "quantity": 100}
            | {"delivered_date": f"{month}-{25 if number <= late else 20}"}
            | {"rejected_quantity": rejected if number == 1 else 0}
        )
    return orders, deliveries


def visit(account: str, day: str, **given: Any) -> Row:
    return {"visit_id": f"V-{account}-{day}", "account_id": account, "visit_date": day} | given


def contract(account: str, end: str, **given: Any) -> Row:
    """A contract since 2025 that ends on that day, with 60 days of notice."""
    item = {
        "contract_id": account,
        "account_id": account,
        "start_date": "2025-01-01",
        "end_date": end,
        "notice_days": 60,
    }
    return item | {"signed_by_us": "2025-01-01", "signed_by_customer": "2025-01-01"} | given


def gate(name: str, **given: Any) -> Row:
    return {"project_id": "R", "gate": name, "account_id": "GATE"} | given


def certificate(account: str, day: str, valid_until: str) -> Row:
    return {"assessment_id": f"C-{account}-{day}", "account_id": account, "kind": "certificate"} | {
        "assessed_on": day,
        "valid_until": valid_until,
    }


def scorecard(account: str, month: str, score: float) -> Row:
    return {"account_id": account, "month": f"{month}-01", "dimension": "overall", "score": score}


def decided(account: str, month: str, won: int, lost: int) -> list[Row]:
    """So many quotations of an account that were decided in a month."""
    return [
        {"quotation_id": f"{account}-{month}-{number}", "account_id": account, "rfq_date": f"{month}-02"}
        | {"quoted_date": f"{month}-05", "quantity": 10, "unit_price": 7, "decided_date": f"{month}-20"}
        | {"decision": "won" if number < won else "lost"}
        for number in range(won + lost)
    ]


def seen_price(account: str, day: str, value: float) -> Row:
    """The price of the part X that the competitor Z has."""
    return {"observation_id": f"{account}-{day}", "observed_on": day, "account_id": account, "competitor_id": "Z"} | {
        "product_id": "X",
        "kind": "price",
        "value": value,
    }


def _given() -> dict[str, list[Row]]:
    served = [
        *(delivered("OTIF", month, late) for month, late in (("2026-04", 1), ("2026-06", 1))),
        delivered("PPM", "2026-05", 0, rejected=1),
        delivered("PPM", "2026-06", 0),
    ]
    return {
        "accounts": [
            {"account_id": "LIMIT", "account_name": "Limit Ltd", "credit_limit": 1000, "account_manager": "Ito"},
            {"account_id": "EVEN", "credit_limit": 1000},
            {"account_id": "SEEN", "key_account": True, "segment": "other"},
            {"account_id": "FLEET", "key_account": True, "segment": "fleet"},
            {"account_id": "OWN", "key_account": True, "segment": "fleet"},
            {"account_id": "OFF", "key_account": True},
            {"account_id": "NEVER", "key_account": True},
            {"account_id": "THIN", "target_margin_ratio": 0.3},
        ],
        "products": [{"product_id": "X"}, {"product_id": "Y", "standard_cost": 70}],
        "invoices": [
            # Due on 10 July: nothing is overdue but the exposure is over the limit since May.
            invoice("LIMIT", "2026-05", 1500, due_date="2026-08-10"),
            invoice("EVEN", "2026-05", 1000, due_date="2026-08-10"),
            # Due in May 100 of 400, in June 300 of 400.
            invoice("LATE", "2026-04", 100),
            invoice("LATE", "2026-05", 200),
            invoice("LATE", "2026-06", 100),
            # Sales of 100 a month from June 2025 on, none in June 2026; paid at once.
            *(invoice("STOPS", month, 100) for month in MONTHS[:-1]),
            # Twice as much in April, May and June 2026; the first only has eleven months before, all equal.
            *(invoice("MORE", month, 100 if month < "2026-04" else 200) for month in MONTHS),
            # 30 of 100 in April and May, 10 of 80 in June.
            *(invoice("THIN", month, 100, product_id="Y") for month in ("2026-04", "2026-05")),
            invoice("THIN", "2026-06", 80, product_id="Y"),
            # 10 % and 5 % of what it buys, 10 % and 7 %.
            *(invoice("SHARE", month, amount) for month, amount in (("2025-06", 100), ("2026-06", 50))),
            *(invoice("HOLDS", month, amount) for month, amount in (("2025-06", 100), ("2026-06", 70))),
            *(invoice("SHORT", month, 100 if month < "2026-06" else 500) for month in MONTHS[-6:]),
            # At 100 each.
            *(invoice(account, "2026-04", 100) for account in ("DEAR", "EQUAL", "LONG AGO", "YEAR AGO")),
            # Quarters that ended 91 days and 181 days before the end of June; the form of the latter came in June.
            *(invoice("FORM", month, 100, tax_form_type="C") for month in ("2025-12", "2026-03", "2026-04")),
            invoice("CAME", "2025-12", 100, tax_form_type="C"),
        ],
        "contracts": [
            # Notice by 1 August and by 3 July.
            contract("NOTICE", "2026-09-30"),
            contract("ENDED", "2026-09-01", terminated_on="2026-06-15"),
        ],
        "commitments": [
            {
                "commitment_id": "V",
                "account_id": "STOPS",
                "amount": 1000,
                "from_date": "2026-01-01",
                "to_date": "2026-12-31",
            }
        ],
        "milestones": [
            gate("PPAP", planned_date="2026-06-10", requested_date="2026-06-12"),
            gate("SOP", planned_date="2026-07-20", requested_date="2026-07-10"),
        ],
        "actions": [
            {"action_id": action, "account_id": action, "opened_date": "2026-04-02", "due_date": due, "done_date": done}
            for action, due, done in (("DONE LATE", "2026-05-20", "2026-06-10"), ("NOT DONE", "2026-06-29", None))
        ],
        "tax_forms": [
            {"form_id": account, "account_id": account, "form_type": "C", "received_date": day, "amount": 100}
            | {"fiscal_year": 2025, "quarter": 4}
            for account, day in (("FORM", "2026-02-10"), ("CAME", "2026-06-10"))
        ],
        "payments": [
            *(paid("STOPS", month, f"{month}-11", 100) for month in MONTHS[:-1]),
            # Of what was promised for 10 June, 40 of 50 came; of that for 10 May everything.
            {"payment_id": "PR1", "account_id": "VOW", "payment_date": "2026-05-05", "amount": 50},
            {"payment_id": "PR2", "account_id": "VOW", "payment_date": "2026-06-05", "amount": 40},
        ],
        "visits": [
            visit("VOW", "2026-05-02", promised_payment_amount=50, promised_payment_date="2026-05-10"),
            visit("VOW", "2026-06-02", promised_payment_amount=50, promised_payment_date="2026-06-10"),
            # 21 days before the end of June.
            *(visit(account, "2026-06-09") for account in ("SEEN", "FLEET", "OWN", "OFF")),
            visit("OTHER", "2026-03-02"),
        ],
        "orders": [row for orders, _ in served for row in orders],
        "deliveries": [row for _, deliveries in served for row in deliveries],
        "scorecards": [
            *(scorecard("FALLS", month, score) for month, score in (("2026-03", 90), ("2026-06", 84))),
            *(scorecard("SLIDES", f"2026-0{3 + n}", 90 - 3 * n) for n in range(4)),
            scorecard("LOW", "2026-05", 60),
        ],
        "quotations": [
            *(decided("LOSES", "2026-05", 6, 0) + decided("LOSES", "2026-06", 0, 2)),
            *(decided("FEW", "2026-05", 4, 0) + decided("FEW", "2026-06", 0, 1)),
            # Six won; then one lost in each of three months.
            *decided("SLOWLY", "2025-08", 60, 0),
            *(row for month in MONTHS[-3:] for row in decided("SLOWLY", month, 0, 1)),
        ],
        "competitor_observations": [
            seen_price("DEAR", "2026-03-20", 90),
            seen_price("DEAR", "2026-05-20", 80),
            seen_price("EQUAL", "2026-05-20", 100),
            # 366 and 365 days before the end of June.
            seen_price("LONG AGO", "2025-06-29", 50),
            seen_price("YEAR AGO", "2025-06-30", 50),
        ],
        "market": [
            {"month": f"{month}-01", "account_id": account, "total_amount": 1000}
            for month in ("2025-06", "2026-06")
            for account in ("SHARE", "HOLDS")
        ],
        "assessments": [
            # 90 days after the end of June, and a day more.
            certificate("ENDS", "2025-09-28", "2026-09-28"),
            certificate("LASTS", "2025-09-28", "2026-09-29"),
            certificate("RENEWED", "2025-07-01", "2026-06-30"),
            certificate("RENEWED", "2026-06-30", "2027-06-30"),
            certificate("AWARDED", "2025-01-01", "2025-12-31") | {"kind": "award"},
        ],
        "sales_plan": [
            {"plan_version": "budget", "month": f"2026-{month:02}-01", "account_id": "MORE", "amount": 180}
            for month in range(1, 7)
        ],
        "forecasts": [
            {"forecast_step": "sales", "snapshot_month": "2026-05-01", "target_month": "2026-06-01"}
            | {"account_id": "MORE", "product_id": "X", "quantity": 9}
        ],
    }


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """June 2026 alone."""
    with build_case(_given(), settings=SETTINGS, periods=["2026-06"], tables=["account_flags"]) as built:
        yield built


def flag(con: Connection, account: str, rule: str, *columns: str) -> list[tuple[Any, ...]]:
    query = f"SELECT {', '.join(columns)} FROM build.account_flags WHERE account_id = '{account}' AND rule = '{rule}'"
    return [tuple(row.values()) for row in fetch(con, query)]


def month(number: int, year: int = 2026) -> dt.date:
    return dt.date(year, number, 1)


def test_a_flag_says_since_when_compared_to_what_and_where_to_look(con: Connection) -> None:
    (found,) = fetch(con, "FROM build.account_flags WHERE account_id = 'LIMIT' AND rule = 'credit_limit_breached'")
    assert found["state"] == "continuing"
    assert found["since"] == month(5)
    assert (found["figure"], found["threshold"], found["unit"], found["severity"]) == (1500, 1000, "EUR", "critical")
    assert (found["account_name"], found["account_manager"]) == ("Limit Ltd", "Ito")
    assert (found["look_at_table"], found["look_at_column"]) == ("receivables_kpis_by_account", "exposure")
    assert found["sentence"] == "Exposure 1,500 EUR, limit 1,000 EUR"
    # Exactly the limit is within it.
    assert flag(con, "EVEN", "credit_limit_breached", "state") == []


def test_the_overdue_share_is_compared_with_the_month_before(con: Connection) -> None:
    # April 0 of 100, May 100 of 300, June 300 of 400: 0 → 0.333 → 0.75, up twice.
    columns = ("state", "since", "figure", "compared_to", "compared_month", "sentence")
    assert flag(con, "LATE", "overdue_ratio_up", *columns) == [
        (
            "continuing",
            month(5),
            Decimal("0.75"),
            Decimal("0.333333"),
            month(5),
            "Overdue share 75 % of what invoices owe, 33.3 % in 2026-05",
        )
    ]


def test_more_than_half_of_what_is_owed_is_overdue(con: Connection) -> None:
    # 300 of 400; 100 of 300 in May is within the limit.
    assert flag(con, "LATE", "overdue_ratio_high", "state", "since", "sentence") == [
        ("raised", month(6), "Overdue share 75 % of what invoices owe, limit 50 %")
    ]


def test_broken_promises_count_in_the_month_of_the_promised_day(con: Connection) -> None:
    assert flag(con, "VOW", "promise_broken", "state", "figure", "sentence") == [
        ("raised", 1, "Promises of payment broken that fell due in the month: 1")
    ]


def test_a_tax_form_is_outstanding_from_three_months_after_its_quarter_on(con: Connection) -> None:
    columns = ("state", "since", "figure", "look_at_key", "sentence")
    assert flag(con, "FORM", "form_outstanding", *columns) == [
        (
            "raised",
            month(6),
            91,
            "form_type C, fiscal_year 2026, fiscal_quarter 1",
            "Oldest tax form outstanding: 91 days after the end of its quarter, limit 90 days",
        )
    ]
    # In April 120 days.
    assert flag(con, "CAME", "form_outstanding", *columns[:3]) == [("cleared", month(4), 0)]


def test_notice_of_a_contract_is_due_until_it_is_terminated(con: Connection) -> None:
    columns = ("state", "since", "figure", "sentence")
    assert flag(con, "NOTICE", "contract_notice_due", *columns) == [
        ("raised", month(6), 32, "Next day for notice of a contract in 32 days (contract_id NOTICE)")
    ]
    # In May 33 days, in April 64.
    assert flag(con, "ENDED", "contract_notice_due", *columns[:3]) == [("cleared", month(5), 366)]


def test_a_gate_slips_against_the_day_that_the_customer_wants(con: Connection) -> None:
    """PPAP is open 18 days after the day requested; SOP is planned 10 days after it."""
    assert flag(con, "GATE", "gate_slipping", "state", "figure", "look_at_key", "sentence") == [
        (
            "raised",
            18,
            "project_id R, gate PPAP",
            "Open gate furthest behind: 18 days (project_id R, gate PPAP), limit 14 days",
        )
    ]


def test_an_action_is_overdue_until_it_is_done(con: Connection) -> None:
    columns = ("state", "since", "figure", "sentence")
    assert flag(con, "NOT DONE", "action_overdue", *columns) == [("raised", month(6), 1, "Actions overdue: 1")]
    assert flag(con, "DONE LATE", "action_overdue", *columns) == [("cleared", month(5), 0, "Over: Actions overdue: 0")]


def test_the_margin_is_compared_with_the_target_of_the_account(con: Connection) -> None:
    assert flag(con, "THIN", "margin_below_target", "state", "since", "figure", "threshold", "sentence") == [
        ("raised", month(6), Decimal("0.125"), Decimal("0.3"), "Gross margin 12.5 % of the sales, target 30 %")
    ]


def test_a_rating_falls_at_once_or_three_times_in_a_row(con: Connection) -> None:
    # 90 in March, 84 in June: 6 points, and months without a score are skipped. 90, 87, 84, 81: three times in a row.
    assert flag(con, "FALLS", "rating_falling", "state", "figure", "compared_to", "compared_month") == [
        ("raised", 84, 90, month(3))
    ]
    assert flag(con, "SLIDES", "rating_falling", "state", "since", "figure", "compared_to") == [
        ("raised", month(6), 81, 84)
    ]


def test_a_month_without_a_figure_neither_raises_nor_clears(con: Connection) -> None:
    # Rated 60 in May, not rated in June.
    assert flag(con, "LOW", "rating_below_band", "state", "since", "figure", "figure_reason") == [
        ("continuing", month(5), None, "not known in this month")
    ]
    ((sentence,),) = flag(con, "LOW", "rating_below_band", "sentence")
    assert sentence.startswith("Not known this month, so the flag stays: the overall score is not above")
    # Late in April and June, nothing due in May.
    assert flag(con, "OTIF", "otif_below_target", "state", "since", "figure") == [
        ("continuing", month(4), Decimal("0.5"))
    ]


def test_a_flag_is_cleared_once(con: Connection) -> None:
    # One of 200 rejected in May is 5,000 ppm; none in June.
    assert flag(con, "PPM", "ppm_above_target", "state", "since", "figure", "sentence") == [
        ("cleared", month(5), 0, "Over: Rejects 0 ppm, target 100 ppm")
    ]


def test_the_plan_gap_is_that_of_the_fiscal_year_to_date(con: Connection) -> None:
    # January to March 100 of 180 each, April to June 200 of 180: 900 of 1080, −16.7 %, below −10 % since January.
    assert flag(con, "MORE", "plan_gap", "state", "since", "figure", "look_at_key", "sentence") == [
        (
            "continuing",
            month(1),
            Decimal("-0.166667"),
            "plan_version budget",
            "Sales of the fiscal year to date against plan: -16.7 % (plan_version budget), limit -10 %",
        )
    ]


def test_a_share_of_what_an_account_buys_falls_against_a_year_before(con: Connection) -> None:
    # −5 points; exactly −3 is not below.
    columns = ("state", "since", "figure", "look_at_key", "sentence")
    assert flag(con, "SHARE", "share_falling", *columns) == [
        (
            "raised",
            month(6),
            -5,
            "product_line all together",
            "Share of what the account buys, against a year before: -5 points, limit -3 points",
        )
    ]
    assert flag(con, "HOLDS", "share_falling", "state") == []


def test_a_certificate_expires_unless_it_was_renewed_or_is_an_award(con: Connection) -> None:
    assert flag(con, "ENDS", "certificate_expiring", "state", "since", "figure", "sentence") == [
        ("raised", month(6), 90, "Validity left of certificate overall: 90 days, limit 90 days")
    ]
    found = fetch(con, "FROM build.account_flags WHERE rule = 'certificate_expiring' AND account_id <> 'ENDS'")
    assert [(row["account_id"], row["state"], row["figure"]) for row in found] == [("RENEWED", "cleared", 365)]


def forecast_errors(account: str, product: str, errors: Sequence[int]) -> tuple[list[Row], list[Row]]:
    """100 sold in each month up to June, each forecast a month before; an error above 0 is a forecast too high."""
    forecasts, invoices = [], []
    for number, error in enumerate(errors, 7 - len(errors)):
        item = {"account_id": account, "product_id": product}
        snapshot = f"2026-{number - 1:02}-01" if number > 1 else "2025-12-01"
        forecasts.append(
            {"forecast_step": "sales", "snapshot_month": snapshot, "target_month": f"2026-{number:02}-01"}
            | item
            | {"quantity": 100 + error}
        )
        sold = {"invoice_id": f"{account}-{product}-{number}", "quantity": 100, "net_amount": 100}
        invoices.append(sold | item | {"invoice_date": f"2026-{number:02}-10", "due_date": f"2026-{number:02}-20"})
    return forecasts, invoices


def test_a_forecast_is_biased_when_half_of_the_items_err_to_the_same_side() -> None:
    high, low, even = [10] * 5, [-10] * 6, [10, -10, 10, -10]
    given = [
        # Five and six months, each too high: signals of −5 and −6, and 0 for the third.
        *(
            forecast_errors("BIASED", product, errors)
            for product, errors in (("A", high), ("B", [20] * 6), ("C", even))
        ),
        # As far off, but to different sides.
        *(forecast_errors("MIXED", product, errors) for product, errors in (("A", high), ("B", low), ("C", even))),
        # Two items say too little.
        *(forecast_errors("TWO", product, high) for product in "AB"),
    ]
    tables = {
        "accounts": [{"account_id": account} for account in ("BIASED", "MIXED", "TWO")],
        "forecasts": [row for forecasts, _ in given for row in forecasts],
        "invoices": [row for _, invoices in given for row in invoices],
    }
    with build_case(tables, periods=["2026-06"], tables=["account_flags"]) as con:
        found = fetch(con, "FROM build.account_flags WHERE rule = 'forecast_biased'")
    assert [(row["account_id"], row["state"], row["since"], row["figure"], row["look_at_key"]) for row in found] == [
        ("BIASED", "raised", month(6), 5, "forecast_step sales")
    ]


def test_thresholds_are_those_of_the_account_else_of_its_segment_else_of_all(con: Connection) -> None:
    # All were visited 21 days ago, NEVER not since the visit log began on 2 March, 120 days ago.
    found = fetch(
        con,
        "SELECT account_id, figure, threshold FROM build.account_flags WHERE rule = 'no_visit' AND state <> 'cleared' ORDER BY 1",
    )
    assert [tuple(row.values()) for row in found] == [("FLEET", 21, 20), ("NEVER", 120, 60), ("OWN", 21, 15)]
    assert fetch(con, "FROM build.account_flags WHERE rule = 'forecast_biased'") == []


def test_a_change_is_significant_beyond_a_share_where_all_months_before_are_equal(con: Connection) -> None:
    rule = "significant_change:sales.net_amount"
    columns = ("state", "since", "figure", "compared_to", "deviation_mads")
    # Nothing bought in June, 100 in each month before.
    assert flag(con, "STOPS", rule, *columns) == [("raised", month(6), 0, 100, None)]
    # 200 since April; of the twelve months before June ten are of 100, so that 100 is usual.
    assert flag(con, "MORE", rule, *columns) == [("continuing", month(4), 200, 100, None)]
    # Five months before are too few to say what is usual.
    assert flag(con, "SHORT", rule, *columns) == []


def test_the_hit_ratio_of_twelve_months_falls_at_once_or_three_times_in_a_row(con: Connection) -> None:
    # Six of six, then six of eight.
    assert flag(con, "LOSES", "hit_rate_falling", "state", "figure", "sentence") == [
        ("raised", Decimal("0.75"), "Won of the quotations decided in twelve months: 75 %, 100 % in 2026-05")
    ]
    # 60 of 60, 61, 62 and 63.
    assert flag(con, "SLOWLY", "hit_rate_falling", "state", "figure") == [("raised", Decimal("0.952381"))]
    # Four of five: too few.
    assert flag(con, "FEW", "hit_rate_falling", "state") == []


def test_our_price_is_above_the_newest_one_of_a_competitor(con: Connection) -> None:
    # 100 ÷ 90 from April on, when we had a price, 100 ÷ 80 from May on.
    assert flag(con, "DEAR", "competitor_price_below_ours", "state", "since", "figure", "sentence") == [
        (
            "continuing",
            month(4),
            Decimal("1.25"),
            "Our price is 125 % of that of a competitor (competitor_id Z, product_line unknown)",
        )
    ]
    assert flag(con, "EQUAL", "competitor_price_below_ours", "state") == []
    # A price of over a year ago is not known any more.
    (long_ago, year_ago) = (
        flag(con, f"{age} AGO", "competitor_price_below_ours", "figure") for age in ("LONG", "YEAR")
    )
    assert (long_ago, year_ago) == ([(None,)], [(2,)])


def all_flags(con: Connection, months: Sequence[dt.date]) -> list[Row]:
    listed = ", ".join(f"'{one}'" for one in months)
    return fetch(con, f"FROM build.account_flags WHERE period_month IN ({listed}) ORDER BY ALL")


@long
def test_months_built_together_have_the_flags_of_months_built_alone(con: Connection) -> None:
    periods = ["2025-12", "2026-01", "2026-03", "2026-04", "2026-05", "2026-06"]
    with build_case(_given(), settings=SETTINGS, periods=periods, tables=["account_flags"]) as together:
        assert all_flags(together, [month(6)]) == all_flags(con, [month(6)])
        for alone in ("2026-01", "2026-04"):
            with build_case(_given(), settings=SETTINGS, periods=[alone], tables=["account_flags"]) as single:
                one = [dt.date.fromisoformat(f"{alone}-01")]
                assert all_flags(single, one) == all_flags(together, one)


@long
def test_figures_are_those_of_the_tables_they_name() -> None:
    tables = ["account_flags", "vendor_rating", "sales_plan_summary", "delivery_performance", "quality_performance"]
    with build_case(_given(), settings=SETTINGS, periods=["2026-06"], tables=[*tables, *FURTHER_TABLES]) as con:
        compared = fetch(con, FIGURES_OF_TABLES)
    assert len(compared) == 22
    assert [row for row in compared if row["differing"] or not row["n"]] == []


FURTHER_TABLES = (
    *("sales", "tax_forms_outstanding", "contract_status", "gate_performance", "action_status"),
    *("account_profit", "quotation_performance", "competitor_position", "market_share", "assessment_scores"),
)
FIGURES_OF_TABLES = """
    WITH tables AS (
        SELECT account_id, 'receivables_kpis_by_account.overdue_ratio' AS measure, overdue_ratio::DECIMAL(36, 6) AS figure
        FROM build.receivables_kpis WHERE level = 'account'
        UNION ALL SELECT account_id, 'receivables_kpis_by_account.exposure', exposure
        FROM build.receivables_kpis WHERE level = 'account'
        UNION ALL SELECT account_id, 'vendor_rating.score', score FROM build.vendor_rating WHERE dimension = 'overall'
        UNION ALL SELECT account_id, 'sales_plan_summary_by_account.ytd_variance_ratio', ytd_variance_ratio
        FROM build.sales_plan_summary WHERE level = 'account' AND account_id = 'MORE'
        UNION ALL SELECT account_id, 'delivery_performance.otif_ratio', otif_ratio
        FROM build.delivery_performance WHERE is_default_basis
        UNION ALL SELECT account_id, 'quality_performance.ppm', ppm FROM build.quality_performance
        UNION ALL SELECT account_id, 'market_share.share_change_points', share_change_points FROM build.market_share
        UNION ALL SELECT account_id, 'assessment_scores.days_left', days_left FROM build.assessment_scores
        UNION ALL SELECT account_id, 'sales.net_amount', sum(net_amount)::DECIMAL(32, 2) FROM build.sales GROUP BY ALL
        UNION ALL SELECT account_id, 'action_status.open', sum(open)::DECIMAL(36, 6) FROM build.action_status GROUP BY ALL
        UNION ALL SELECT account_id, 'action_status.overdue', sum(overdue)::DECIMAL(36, 6)
        FROM build.action_status GROUP BY ALL
        UNION ALL SELECT account_id, 'tax_forms_outstanding.days_outstanding',
            coalesce(max(days_outstanding) FILTER (outstanding_amount > 0), 0)
        FROM build.tax_forms_outstanding GROUP BY ALL
        UNION ALL SELECT account_id, 'tax_forms_outstanding.outstanding_amount', sum(outstanding_amount)::DECIMAL(32, 2)
        FROM build.tax_forms_outstanding GROUP BY ALL
        UNION ALL SELECT account_id, 'tax_forms_outstanding.tax_at_risk_amount', sum(tax_at_risk_amount)::DECIMAL(32, 2)
        FROM build.tax_forms_outstanding GROUP BY ALL
        UNION ALL SELECT account_id, 'contract_status.days_to_notice', days_to_notice
        FROM build.contract_status WHERE state = 'running'
        UNION ALL SELECT account_id, 'contract_status.fulfilment_ratio', fulfilment_ratio FROM build.contract_status
        UNION ALL SELECT account_id, 'gate_performance.slip_days_requested', max(slip_days_requested)
        FROM build.gate_performance GROUP BY ALL
        UNION ALL SELECT account_id, 'account_profit.gross_margin_ratio', gross_margin_ratio FROM build.account_profit
        UNION ALL SELECT account_id, 'quotation_performance.hit_ratio', hit_ratio FROM build.quotation_performance
        UNION ALL SELECT account_id, 'quotation_performance.rolling_12_hit_ratio', rolling_12_hit_ratio
        FROM build.quotation_performance WHERE rolling_12_decided >= 6
        UNION ALL SELECT account_id, 'quotation_performance.lost_amount', lost_amount FROM build.quotation_performance
        UNION ALL SELECT account_id, 'competitor_position.index_ratio', index_ratio FROM build.competitor_position
        WHERE age_days <= 365
    )
    SELECT tables.measure, count(tables.figure) AS n, count(*) FILTER (tables.figure <> figures.figure) AS differing
    FROM tables
    JOIN core.headlines AS figures
        ON figures.account_id = tables.account_id AND figures.measure = tables.measure AND figures.looked_month = '2026-06-01'
    GROUP BY tables.measure
"""


@long
def test_closing_month_by_month_gives_the_flags_of_a_backfill(tmp_path: Any) -> None:
    months = [month(number) for number in (4, 5, 6)]
    flags = "FROM reporting.account_flags ORDER BY ALL"
    feeds = [*_given()]
    (tmp_path / "one").mkdir()
    one_by_one = write_site(tmp_path / "one", _given(), feeds=feeds)
    for single in months:
        close_plainly(one_by_one, [single])
    (tmp_path / "all").mkdir()
    together = write_site(tmp_path / "all", _given(), feeds=feeds)
    close_plainly(together, months)
    found = published(together, flags)
    assert {row["period_month"] for row in found} == set(months)
    assert found == published(one_by_one, flags)

    # June is the newest month: kam status and the quality page show its flags, the new ones first.
    status = site_status(together)
    counts = [sum(row["period_month"] == month(6) and row["state"] == state for row in found) for state in STATES]
    assert status.flag_counts == "Flags of 2026-06: " + ", ".join(
        map(" ".join, zip(map(str, counts), STATES, strict=True))
    )
    assert {row["Flag"] for row in status.flags[: counts[0]]} == {"raised"}
    page = (together.published / "quality" / "index.html").read_text(encoding="utf-8")
    assert "Flags of accounts, 2026-06" in page
    assert "Exposure 1,500 EUR, limit 1,000 EUR" in page
