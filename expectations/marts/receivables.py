"""Receivables: open items, ageing buckets and the ledger roll-forward are three views of one balance."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.marts.common import account_is_given, holds, shares_within_0_and_1, suite, undefined_has_a_reason

SUITES = (
    suite(
        "receivables_ageing",
        account_is_given("receivables_ageing"),
        rule_from_file("receivables_ageing.every_item_has_its_bucket"),
        holds(
            "receivables_ageing",
            "amounts_add_up",
            "outstanding_amount_doc"
            " = original_amount_doc - coalesce(paid_amount_doc + written_off_amount_doc, 0) - credited_amount_doc",
            sentence="The open amount of an item is its original amount less what was applied to it.",
            finding="The open amount of {of} <item> is not the original amount less what was applied",
            if_it_fails="A reader cannot follow the balance of the item; a settlement was applied twice or not shown.",
            shown=("original_amount_doc", "outstanding_amount_doc"),
        ),
        holds(
            "receivables_ageing",
            "items_are_open",
            "outstanding_amount_doc <> 0",
            sentence="Only items that are open are listed.",
            finding="{of} listed <item> (is|are) not open",
            if_it_fails="Item counts are too high; the model lists settled items.",
        ),
        holds(
            "receivables_ageing",
            "nothing_is_dated_after_month_end",
            "document_date <= as_of_date",
            sentence="No item is dated after the month end.",
            finding="{of} open <item> (is|are) dated after the end of the month",
            if_it_fails="The month changes with what happens later; a rebuilt month would not equal the closed one.",
            shown=("document_date", "as_of_date"),
        ),
        undefined_has_a_reason("receivables_ageing"),
    ),
    suite(
        "receivables_summary",
        account_is_given("receivables_summary"),
        rule_from_file("receivables_summary.buckets_add_up_the_items"),
        undefined_has_a_reason("receivables_summary"),
    ),
    suite(
        "receivables_rollforward",
        account_is_given("receivables_rollforward"),
        holds(
            "receivables_rollforward",
            "difference_is_zero",
            "difference_doc = 0"
            " AND opening_amount_doc + invoiced_amount_doc - credited_amount_doc"
            " - coalesce(received_amount_doc + discount_amount_doc + written_off_amount_doc - refunded_amount_doc, 0)"
            " + prior_period_adjustment_doc = closing_amount_doc",
            sentence="Opening balance and movements of the month add up to the closing balance, to the cent.",
            finding="Opening balance and movements do not add up to the closing balance in {of} <row> of the roll-forward",
            if_it_fails="Documents or payments are lost or doubled on the way to the open items.",
            shown=("opening_amount_doc", "closing_amount_doc", "difference_doc"),
        ),
        rule_from_file("receivables_rollforward.closes_on_the_open_items"),
        rule_from_file("receivables_rollforward.opens_on_the_last_closing"),
    ),
    suite(
        "receivables_kpis",
        account_is_given("receivables_kpis", "level = 'account'"),
        rule_from_file("receivables_kpis.levels_add_up"),
        undefined_has_a_reason("receivables_kpis"),
        shares_within_0_and_1("receivables_kpis", "promise_kept_ratio"),
    ),
    suite(
        "receivables_roll_rates",
        account_is_given("receivables_roll_rates"),
        rule_from_file("receivables_roll_rates.shares_add_up"),
        undefined_has_a_reason("receivables_roll_rates"),
    ),
    suite(
        "promises",
        account_is_given("promises"),
        holds(
            "promises",
            "received_within_the_promise",
            "coalesce(received_amount_doc BETWEEN 0 AND promised_amount_doc, true)"
            " AND coalesce((state = 'kept') = (received_amount_doc = promised_amount_doc), true)",
            sentence="A promise receives at most what was promised, and is kept when it received all.",
            finding="{of} <promise> received more than was promised, or (has|have) the wrong state",
            if_it_fails="A promise seems kept that was not, or money keeps two of them; the model shares receipts wrongly.",
            shown=("promised_amount_doc", "received_amount_doc", "state"),
        ),
        undefined_has_a_reason("promises"),
    ),
    suite(
        "credit_files",
        account_is_given("credit_files"),
        holds(
            "credit_files",
            "review_is_of_the_past",
            "coalesce(review_age_days >= 0, true)",
            sentence="No review is dated after the month end.",
            finding="{of} <review> (is|are) dated after the end of the month",
            if_it_fails="The month changes with what is found later; a rebuilt month would not equal the closed one.",
            shown=("reviewed_on",),
        ),
        holds(
            "credit_files",
            "stop_has_its_grounds",
            "coalesce(is_order_stop_advised, false) = (order_stop_reason IS NOT NULL)"
            " AND coalesce((exposure > credit_limit) = coalesce(order_stop_reason LIKE 'over the limit%', false), true)"
            " AND coalesce(is_blocked, false) = coalesce(order_stop_reason LIKE '%blocked', false)",
            sentence="A stop of orders is advised where the account is above its limit or blocked, and nowhere else.",
            finding="{of} <account> (has|have) an advised order stop without a ground, or a ground without a stop",
            if_it_fails="Orders are stopped without a ground, or go on in spite of one; the model reads limit or review wrongly.",
            shown=("exposure", "credit_limit", "is_blocked", "is_order_stop_advised", "order_stop_reason"),
        ),
        undefined_has_a_reason("credit_files"),
    ),
)
