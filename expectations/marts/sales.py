"""Sales without a plan: what was sold is what was invoiced, and its parts add up."""

from __future__ import annotations

from expectations.marts.common import (
    account_is_given,
    holds,
    shares_within_0_and_1,
    suite,
    undefined_has_a_reason,
)

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
            finding="{of} <row> of sales (is|are) not the list amount less discounts",
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
            finding="The lanes of {of} <row> of the sales bridge do not add up to the change of sales",
            if_it_fails="The explanation does not explain the change; a lane lost or doubled an amount.",
            shown=("variance_amount", *_LANES),
        ),
    ),
    suite(
        "price_trend",
        account_is_given("price_trend"),
        holds(
            "price_trend",
            "index_is_that_of_its_amounts",
            "price_index IS NULL OR (base_repriced_amount > 0 AND base_amount > 0 AND current_amount > 0"
            " AND current_at_base_prices_amount > 0 AND price_effect = current_amount - current_at_base_prices_amount"
            " AND price_index BETWEEN least(laspeyres_index, paasche_index) - 0.000002"
            " AND greatest(laspeyres_index, paasche_index) + 0.000002)",
            sentence="A price index lies between its two weightings, and is made of amounts above zero.",
            finding="{of} price <index|indexes> (does|do) not lie between the two weightings",
            if_it_fails="Prices seem to rise or fall that did not; the model mixes months, parts or currencies.",
            shown=("price_index", "laspeyres_index", "paasche_index", "price_effect"),
        ),
        shares_within_0_and_1("price_trend", "matched_ratio"),
        undefined_has_a_reason("price_trend"),
    ),
)
