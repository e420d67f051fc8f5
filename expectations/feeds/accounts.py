"""The account master."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import all_rows, is_not_empty, key_is_unique
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="accounts",
    table="core.accounts",
    batch=all_rows("accounts"),
    needs=frozenset({"accounts"}),
    rules=(
        is_not_empty("accounts", Owner.MASTER_DATA),
        key_is_unique("accounts"),
        Rule(
            name="accounts.parent_is_known",
            sentence="Every parent account is in the account master itself.",
            finding="{of} <account> (has a parent that is|have parents that are) not in the account master",
            owner=Owner.MASTER_DATA,
            severity=Severity.INFO,
            if_it_fails="No figure is affected, but the account's group has no name; add the parent to accounts.",
            failing="""
SELECT batch.*
FROM batch
ANTI JOIN core.accounts AS parent ON parent.account_id = batch.parent_account_id
WHERE batch.parent_account_id IS NOT NULL""",
            keys=("account_id", "parent_account_id"),
        ),
        rule_from_file("accounts.parents_form_no_circle"),
    ),
)
