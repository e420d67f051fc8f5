"""Contracts and what was promised in them."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "contract_status",
        account_is_given("contract_status"),
        holds(
            "contract_status",
            "state_follows_from_dates",
            "state IS NULL OR CASE state WHEN 'terminated' THEN terminated_on IS NOT NULL"
            " ELSE terminated_on IS NULL AND (state NOT IN ('signed', 'notice', 'running')"
            " OR (signed_by_us IS NOT NULL AND signed_by_customer IS NOT NULL AND coalesce(days_to_end >= 0, true)"
            " AND (state = 'notice') <= coalesce(days_to_notice <= 0, false))) END",
            sentence="A contract is in the state that its dates give it.",
            finding="{of} <contract> (is|are) in a state that (its|their) dates do not give",
            if_it_fails="A contract that has ended counts as running, or notice is missed; the model reads its dates wrongly.",
            shown=("state", "terminated_on", "end_date", "notice_by", "signed_by_us", "signed_by_customer"),
        ),
        holds(
            "contract_status",
            "fulfilled_are_due",
            "coalesce(commitments_fulfilled <= commitments_due, true)",
            sentence="No more commitments are fulfilled than are due.",
            finding="{of} <contract> (has|have) more commitments fulfilled than are due",
            if_it_fails="A commitment counts twice.",
            shown=("commitments_due", "commitments_fulfilled"),
        ),
        undefined_has_a_reason("contract_status"),
    ),
    suite(
        "commitments",
        account_is_given("commitments"),
        holds(
            "commitments",
            "state_follows_from_dates",
            "is_fulfilled = (fulfilled_on IS NOT NULL) AND (is_due OR NOT is_overdue) AND NOT (is_fulfilled AND is_overdue)",
            sentence="A commitment is overdue only once it is due and while it is not fulfilled.",
            finding="{of} <commitment> (has|have) a state that (its|their) dates do not give",
            if_it_fails="What is done is chased, or what is overdue is not seen.",
            shown=("due_date", "fulfilled_on", "is_due", "is_fulfilled", "is_overdue"),
        ),
        undefined_has_a_reason("commitments"),
    ),
)
