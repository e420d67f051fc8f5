"""Markets: our share of them, and what a change of it is worth."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "market",
        account_is_given("market", "account_name IS NOT NULL"),
        holds(
            "market",
            "what_counts_is_named",
            "coalesce(account_id, region) IS NOT NULL AND (total_quantity IS NOT NULL OR NOT is_quantity_used)",
            sentence="A size that counts is of an account or region, and is known.",
            finding="{of} <size> of the market (counts|count) without an account or region, or without being known",
            if_it_fails="A share is made of nothing; the model uses a row that names no size.",
            shown=("total_quantity", "is_quantity_used"),
        ),
        undefined_has_a_reason("market"),
    ),
    suite(
        "market_share",
        account_is_given("market_share", "market_of = 'account'"),
        holds(
            "market_share",
            "effects_add_up_to_the_change",
            "coalesce(market_effect_amount + share_effect_amount = own_change_amount, own_change_amount IS NULL)"
            " AND coalesce(market_effect_quantity + share_effect_quantity = own_change_quantity, own_change_quantity IS NULL)",
            sentence="The effects of the market and of the share add up to the change of our sales.",
            finding="The effects of market and share do not add up to the change of sales in {of} <row> of market_share",
            if_it_fails="A part of the change is not explained, or explained twice; the model rounds its parts apart.",
            shown=(
                *("own_change_amount", "market_effect_amount", "share_effect_amount"),
                *("own_change_quantity", "market_effect_quantity", "share_effect_quantity"),
            ),
        ),
        holds(
            "market_share",
            "own_sales_are_of_a_known_market",
            "(total_amount IS NOT NULL OR own_amount IS NULL) AND (total_quantity IS NOT NULL OR own_quantity IS NULL)",
            sentence="Our sales count where the size of the market is known.",
            finding="{of} <row> of market_share (counts|count) our sales where the size of the market is not known",
            if_it_fails="The share of several rows is too high; the model counts sales to a market of unknown size.",
            shown=("own_amount", "total_amount", "own_quantity", "total_quantity"),
        ),
        undefined_has_a_reason("market_share"),
    ),
    suite(
        "lost_items",
        account_is_given("lost_items"),
        holds(
            "lost_items",
            "last_bought_before_the_last_three_months",
            "last_bought_month <= period_month - INTERVAL 3 MONTH AND last_bought_month >= period_month - INTERVAL 14 MONTH",
            sentence="A lost part was last bought in the twelve months before the last three.",
            finding="{of} lost <part> (was|were) bought in the last three months, or more than a year before",
            if_it_fails="A part counts as lost that is bought, or that was lost long ago; the months of the model are wrong.",
            shown=("last_bought_month",),
        ),
        undefined_has_a_reason("lost_items"),
    ),
    suite(
        "indicator_trends",
        holds(
            "indicator_trends",
            "change_is_from_a_year_before",
            "coalesce(change_value = value - prior_year_value, true)",
            sentence="An indicator changes by the difference to the value of a year before.",
            finding="{of} <indicator> (changes|change) by something else than the difference to a year before",
            if_it_fails="A market seems to grow that shrinks; the model compares other months.",
            shown=("value", "prior_year_value", "change_value"),
        ),
        undefined_has_a_reason("indicator_trends"),
    ),
)
