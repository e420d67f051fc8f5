"""Sales without a plan: what was sold is what was invoiced, and its parts add up."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

_LANES = ("volume_effect", "mix_effect", "price_effect", "fx_effect", "new_effect", "lost_effect", "adjustment_effect")

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
    suite(
        "sales_bridge",
        account_is_given("sales_bridge"),
        holds(
            "sales_bridge",
            "lanes_add_up",
            f"coalesce({' + '.join(_LANES)} = variance_amount, bridge_status LIKE 'no rate%')",
            sentence="The lanes of the sales bridge add up to the change of sales, to the cent.",
            if_it_fails="The explanation does not explain the change; a lane lost or doubled an amount.",
            shown=("variance_amount", *_LANES),
        ),
    ),
)
