"""The stories of accounts: sentences worked by hand, and what they say where figures are unknown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from kam.publish.reviews.facts import Facts, Found, largest_effect
from kam.publish.reviews.sections import REVIEW
from kam.publish.reviews.story import story

JUNE = date(2026, 6, 1)
KPIS, DELIVERY = "receivables_kpis_by_account", "delivery_performance"


def told(facts: Facts, reasons: list[str] | None = None) -> dict[str, str]:
    return {sentence.about: sentence.text for sentence in story(facts, reasons or [], "EUR")}


def figures(**values: Any) -> dict[tuple[str, str], tuple[Any, Any, Any]]:
    """Figures of the review: a value of this month, or those of this month, last month and a year ago."""
    return {
        (REVIEW, name): value if isinstance(value, tuple) else (value, None, None) for name, value in values.items()
    }


def test_sales_below_plan_and_above_a_year_ago_with_the_largest_effect_of_each() -> None:
    # 900 against a plan of 1,000: -100, of which volume -130 and price +30. A year ago 800: +100, of which new parts 70 and price 30.
    facts = Facts(
        JUNE,
        figures(net_sales_amount=(Decimal(900), None, Decimal(800))),
        plan={
            "plan_amount": Decimal(1000), "actual_amount": Decimal(900), "variance_amount": Decimal(-100),
            "volume_effect": Decimal(-130), "price_effect": Decimal(30),
        },
        year_bridge={"new_effect": Decimal(70), "price_effect": Decimal(30)},
    )  # fmt: skip
    assert told(facts)["Sales"] == (
        "Net sales were 900 EUR, 100 EUR (10.0 %) below plan, mostly for volume (-130 EUR), "
        "and 100 EUR (12.5 %) above a year ago, mostly for new parts (+70 EUR)."
    )


def test_sales_without_plan_or_year_ago_claim_nothing_about_them() -> None:
    assert told(Facts(JUNE, figures(net_sales_amount=Decimal(5))))["Sales"] == "Net sales were 5 EUR."
    assert told(Facts(JUNE))["Sales"] == "Net sales of 2026-06 are not known."


def test_a_month_without_sales_says_so_and_has_no_share_of_nothing() -> None:
    plan = {"plan_amount": Decimal(0), "actual_amount": Decimal(0), "variance_amount": Decimal(0)}
    facts = Facts(JUNE, figures(net_sales_amount=(Decimal(0), None, Decimal(40))), plan=plan)
    assert told(facts)["Sales"] == "There were no net sales, on plan, and 40 EUR (100.0 %) below a year ago."
    after_nothing = Facts(JUNE, figures(net_sales_amount=(Decimal(40), None, Decimal(0))))
    assert told(after_nothing)["Sales"] == "Net sales were 40 EUR, 40 EUR above a year ago."


def test_a_plan_that_counts_something_else_is_named() -> None:
    plan = {"plan_amount": Decimal(100), "actual_amount": Decimal(120), "variance_amount": Decimal(20)}
    facts = Facts(JUNE, figures(net_sales_amount=Decimal(90)), plan=plan)
    assert told(facts)["Sales"] == "Net sales were 90 EUR, 20 EUR (20.0 %) above plan (which counts 120 EUR)."


def test_what_is_owed_overdue_and_promised() -> None:
    facts = Facts(
        JUNE,
        figures(
            outstanding_amount=Decimal(700), broken_promise_count=2, exposure=Decimal(700), credit_limit=Decimal(500)
        )
        | {(KPIS, "overdue_amount"): (Decimal(300), None, None)},
        lines={"open-items": Found([{"days_overdue": 45}], 3)},
    )
    assert told(facts)["Money"] == (
        "The account owes 700 EUR at the month end, 300 EUR is overdue, the oldest item for 45 days, "
        "2 promises of payment were broken, and the exposure is 200 EUR above the credit limit."
    )


def test_an_account_that_owes_nothing_or_has_a_credit() -> None:
    nothing = Facts(JUNE, figures(outstanding_amount=Decimal(0)) | {(KPIS, "overdue_amount"): (Decimal(0), None, None)})
    assert told(nothing)["Money"] == "The account owes nothing at the month end."
    credit = Facts(JUNE, figures(outstanding_amount=Decimal(-50)))
    assert told(credit)["Money"] == "The account has 50 EUR to its credit at the month end."


def test_the_customers_rating_against_our_own_with_what_costs_most() -> None:
    facts = Facts(
        JUNE,
        figures(rating_score=(Decimal("63.6"), Decimal("65.4"), None))
        | {("vendor_rating", "own_score"): (Decimal("5.2"), None, None)},
        history={JUNE: {"customer_score": Decimal("63.6")}},
        causes=[
            # The rules themselves are no event that one could look at.
            {"cause": "rating_rule", "dimension": "quality", "documents": 0, "points": Decimal(90)},
            {"cause": "late_line", "dimension": "delivery", "documents": 8, "points": Decimal("88.9")},
        ],
    )
    assert told(facts)["Rating"] == (
        "The customer rates us 63.6 of 100 points, 1.8 fewer than last month; our own records give 5.2, "
        "and most is lost by 8 order lines that were not on time in full (88.9 points of delivery)."
    )


def test_our_own_rating_is_not_called_the_customers() -> None:
    facts = Facts(
        JUNE, figures(rating_score=(Decimal(80), Decimal("80.04"), None)), history={JUNE: {"customer_score": None}}
    )
    assert (
        told(facts)["Rating"]
        == "By our own records the rating is 80.0 of 100 points, as last month; the customer gave none."
    )


def test_delivery_says_what_is_known_and_nothing_else() -> None:
    facts = Facts(
        JUNE,
        figures(otif_ratio=(Decimal("0.75"), Decimal("0.5"), None), open_issue_count=3, overdue_issue_count=1)
        | {(DELIVERY, "line_count"): (8, None, None)},
    )
    assert told(facts)["Delivery"] == (
        "75.0 % of 8 order lines due were on time in full (50.0 % last month), and 3 issues are open, 1 of them overdue."
    )
    assert told(Facts(JUNE, figures(ppm=Decimal(0))))["Delivery"] == "No part was rejected."
    assert "Delivery" not in told(Facts(JUNE))


def test_what_to_look_at_names_the_weightiest_reasons_and_the_next_dates() -> None:
    dates = [{"day": date(2026, 7, 3), "what": "action due", "which": "Call <them>"}]
    assert told(Facts(JUNE, dates=dates), ["Broke a promise.", "Rejects 9 ppm", "C.", "D."])["Look at"] == (
        "Broke a promise. Rejects 9 ppm. 2 more below. Next: 2026-07-03 action due (Call <them>)."
    )
    assert told(Facts(JUNE), ["A."])["Look at"] == "A."
    assert told(Facts(JUNE))["Look at"] == "Nothing asks for attention."


def test_an_effect_against_the_difference_does_not_explain_it() -> None:
    bridge = {"volume_effect": Decimal(-90), "price_effect": Decimal(40), "mix_effect": None}
    assert largest_effect(bridge, Decimal(-50)) == ("volume", Decimal(-90))
    assert largest_effect(bridge, Decimal(10)) == ("price", Decimal(40))
    assert largest_effect({"volume_effect": Decimal(5)}, Decimal(-1)) is None
