"""Dimensions: every account has its place in a group."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite

SUITES = (
    suite(
        "accounts",
        account_is_given("accounts"),
        holds(
            "accounts",
            "has_a_group",
            "top_account_id IS NOT NULL",
            sentence="Every account has an account at the top of its group, which may be itself.",
            finding="{of} <account> (belongs|belong) to no group, not even (its|their) own",
            if_it_fails="Figures of a group leave out the account; its parents form a circle.",
        ),
    ),
)
