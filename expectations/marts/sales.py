"""Sales without a plan: what was sold is what was invoiced, and its parts add up."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "sales",
        account_is_given("sales"),
        holds(
            "sales",
            "parts_add_up",
            " AND ".join(
                f"coalesce({p}net_amount = {p}list_amount - {p}discount_amount + {p}adjustment_amount, true)"
                for p in ("", "prior_year_", "ytd_", "rolling_12_")
            ),
            sentence="Sales are the list amount less discounts, and what has no quantity.",
            if_it_fails="Discounts are wrong; the model counts a line twice, or in no part.",
            shown=("net_amount", "list_amount", "discount_amount", "adjustment_amount"),
        ),
        undefined_has_a_reason("sales"),
    ),
)
