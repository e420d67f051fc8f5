"""Orders: the order book rolls forward, and its parts add up."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite("order_lines", account_is_given("order_lines"), undefined_has_a_reason("order_lines")),
    suite("order_to_cash", account_is_given("order_to_cash"), undefined_has_a_reason("order_to_cash")),
    suite(
        "order_book",
        account_is_given("order_book"),
        holds(
            "order_book",
            "rolls_forward",
            " AND ".join(
                f"coalesce(opening_{of} + ordered_{of} - cancelled_{of} - delivered_{of} + change_{of} = closing_{of}, true)"
                for of in ("quantity", "amount")
            ),
            sentence="What was open, ordered, cancelled, delivered and changed adds up to what is open now.",
            finding="{of} <row> of the order book (does|do) not roll forward to what is open now",
            if_it_fails="Orders are lost or doubled between two months; a line is in no lane, or in two.",
            shown=("opening_quantity", "closing_quantity", "opening_amount", "closing_amount"),
        ),
        undefined_has_a_reason("order_book"),
        holds(
            "order_book",
            "parts_add_up",
            "coalesce(closing_quantity = overdue_quantity + due_quantity + undated_quantity, true)"
            " AND coalesce(closing_amount = overdue_amount + due_month_1_amount + due_month_2_amount"
            " + due_month_3_amount + due_later_amount + undated_amount, true)",
            sentence="What is open is overdue, due later or without a date.",
            finding="Overdue, due and undated do not add up to what is open in {of} <row> of the order book",
            if_it_fails="Open orders are missing from what is due, or in it twice.",
            shown=("closing_quantity", "closing_amount"),
        ),
    ),
)
