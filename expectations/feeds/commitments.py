"""What was promised in contracts: volumes to be bought in a time, and other things by a day."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, key_is_unique, of_the_months, product_is_known
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="commitments",
    table="core.commitments",
    batch=of_the_months("commitments"),
    needs=frozenset({"commitments"}),
    rules=(
        # No rule has_rows: in most months no commitments begin, and none is missing.
        key_is_unique("commitments"),
        account_is_known("commitments"),
        product_is_known("commitments"),
        Rule(
            name="commitments.end_after_they_begin",
            sentence="No commitment ends before it begins.",
            finding="{of} <commitment> (ends|end) before (it begins|they begin)",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="Its volume cannot be spread over its days and is left out; correct the dates in the source.",
            failing="SELECT * FROM batch WHERE to_date < from_date",
            keys=("commitment_id", "from_date", "to_date"),
        ),
        Rule(
            name="commitments.say_what_is_promised",
            sentence="Each commitment names a quantity, an amount, or a day by which it is due.",
            finding="{of} <commitment> (names|name) no quantity, no amount and no due date",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="The commitment counts in no figure; enter the volume or the due date.",
            failing="SELECT * FROM batch WHERE quantity IS NULL AND amount IS NULL AND due_date IS NULL",
            keys=("commitment_id",),
        ),
        Rule(
            name="commitments.contract_is_known",
            sentence="Each commitment that names a contract names one of the feed contracts, of the same account.",
            finding="{of} <commitment> (names|name) a contract that does not exist or is of another account",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="The commitment counts in a contract without a state, or in that of another account; correct contract_id.",
            failing="""
SELECT batch.*, contracts.account_id AS contract_account_id
FROM batch
LEFT JOIN core.contracts AS contracts USING (contract_id)
WHERE batch.contract_id IS NOT NULL AND contracts.account_id IS DISTINCT FROM batch.account_id""",
            keys=("commitment_id", "contract_id", "account_id", "contract_account_id"),
            needs=frozenset({"contracts"}),
        ),
    ),
)
