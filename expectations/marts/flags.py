"""Flags of accounts: what is new, what continues, what is over."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "account_flags",
        account_is_given("account_flags"),
        holds(
            "account_flags",
            "states_follow_from_months",
            "CASE state WHEN 'raised' THEN since = period_month AND figure IS NOT NULL"
            " WHEN 'cleared' THEN since < period_month AND figure IS NOT NULL"
            " ELSE state = 'continuing' AND since < period_month END",
            sentence="A flag is raised in its first month; one that continues or is over began earlier.",
            finding="{of} <flag> (has|have) a state that (its|their) months do not give",
            if_it_fails="Managers are told of old flags as new ones, or of none; the model reads the months before wrongly.",
            shown=("state", "since", "figure"),
        ),
        holds(
            "account_flags",
            "says_what_it_is",
            "sentence IS NOT NULL AND NOT contains(sentence, '{')",
            sentence="Every flag has a sentence.",
            finding="{of} <flag> (has|have) no sentence",
            if_it_fails="A manager gets a flag without words; a text in kam/site/flag_rules.toml names what the model does not fill in.",
            shown=("sentence",),
        ),
        undefined_has_a_reason("account_flags"),
    ),
)
