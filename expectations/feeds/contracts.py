"""Contracts with customers: when they run, who signed them, until when notice can be given."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, key_is_unique, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="contracts",
    table="core.contracts",
    batch=of_the_months("contracts"),
    needs=frozenset({"contracts"}),
    rules=(
        # No rule has_rows: in most months no contracts begin, and none is missing.
        key_is_unique("contracts"),
        account_is_known("contracts"),
        Rule(
            name="contracts.end_after_they_start",
            sentence="No contract ends before it starts.",
            finding="{of} <contract> (ends|end) before (it starts|they start)",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="The contract shows as expired from the first day; correct the dates in the source.",
            failing="SELECT * FROM batch WHERE end_date < start_date",
            keys=("contract_id", "start_date", "end_date"),
        ),
        Rule(
            name="contracts.what_is_renewed_has_an_end",
            sentence="A contract that is renewed automatically, or for which notice is agreed, names its end.",
            finding="{of} <contract> (is|are) renewed or given notice, and (has|have) no end",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="Nobody sees when notice has to be given; enter the last day of the first term.",
            failing="SELECT * FROM batch WHERE end_date IS NULL AND (is_renewed_automatically OR notice_days IS NOT NULL)",
            keys=("contract_id", "notice_days"),
        ),
    ),
)
