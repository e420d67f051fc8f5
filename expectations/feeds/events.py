"""Rules of the feeds of events: they compare a month with those before it, and dates with those of the other feeds.

They read `core.feed_activity` and `core.newest_dates`, where each feed is counted once for all of them, and the months
before a month, but never other months that are being built. With a short history or few rows they stay
silent.

Both tables follow from the feeds' contracts. A rule for a feed whose contract lacks what the rule needs would hold for any
rows, so each raises `ValueError`, naming feed, rule and what is missing, when it is made.
"""

from __future__ import annotations

from decimal import Decimal

from expectations.feeds.common import require, require_columns, titled
from expectations.rules import Owner, Rule, Severity, Threshold
from kam.site import FEEDS, Events
from kam.warehouse import sql_text

MONTHS_OF_A_FEED = 6
"""Months of history needed to call a month's number of rows unusual. Payments, for instance, begin months after sales."""
MONTHS_OF_AN_ITEM = 3
"""Months with lines of an item from which a line of it can be called unusual."""
ENOUGH_ROWS = 20
"""Rows per month needed to judge their number and their newest date; smaller numbers vary too much."""


def _events(feed: str, rule: str) -> tuple[str, Events]:
    """The feed's date and what its contract says of its events."""
    contract = FEEDS[feed]
    date = require(feed, rule, "the date of an event", contract.date, "`date`")
    return date, require(feed, rule, "events", contract.events, "`events`")


def accounts_have_rows(feed: str, owner: Owner, severity: Severity = Severity.WARNING) -> Rule:
    """One failure per account and month. A month without any row is what `has_rows` watches."""
    _events(feed, "accounts_have_rows")
    require_columns(feed, "accounts_have_rows", "account_id")
    name = f"{feed}.accounts_have_rows"
    months = f"least(threshold('{name}')::INTEGER, 12)"
    return Rule(
        name=name,
        sentence=f"Every account that had {feed} in each of the months before has some in this month.",
        finding=f"{{n}} (account|accounts) with {feed} in each month before (has|have) none in {{month}}",
        owner=owner,
        severity=severity,
        if_it_fails=f"The account left, or its {feed} are missing and its figures are too low; find out, and load what is missing.",
        failing=sql_text("checks/templates/accounts_have_rows.sql", feed=feed, rule=name, months=months),
        keys=("account_id", "row_count_before"),
        # In real data half a year separates a missing customer from one who buys now and then.
        threshold=Threshold(
            Decimal(6), "months in a row with rows (at most 12) after which an account is expected to have some"
        ),
    )


def row_count_is_usual(feed: str, owner: Owner) -> Rule:
    """A month without any row is what `has_rows` watches."""
    _events(feed, "row_count_is_usual")
    name = f"{feed}.row_count_is_usual"
    return Rule(
        name=name,
        sentence=f"The month has about as many rows of {feed} as the months before it.",
        finding=f"{titled(feed)}: {{row_count}} rows in {{month}}, and about {{usual_row_count}} are usual",
        owner=owner,
        severity=Severity.WARNING,
        if_it_fails="Figures are too low or too high when an extract is cut short or sent twice under other keys; compare the"
        " number with the source, and load what is missing.",
        failing=sql_text(
            "checks/templates/row_count_is_usual.sql",
            feed=feed,
            rule=name,
            fewest_months=MONTHS_OF_A_FEED,
            fewest_rows=ENOUGH_ROWS,
        ),
        keys=("feed", "row_count", "usual_row_count"),
        threshold=Threshold(Decimal("0.5"), "share by which it may differ from the mean of the up to 12 months before"),
    )


def is_fresh(feed: str, owner: Owner, days: int) -> Rule:
    """Against the end of the month, never against the day on which it is closed."""
    _events(feed, "is_fresh")
    name = f"{feed}.is_fresh"
    return Rule(
        name=name,
        sentence=f"The newest rows of {feed} are from the last days of the month.",
        finding=f"{titled(feed)}: the newest row of {{month}} is of {{newest_date}}",
        owner=owner,
        severity=Severity.WARNING,
        if_it_fails="The extract was made before the month was over, and figures are too low; load the rest and close again.",
        failing=sql_text("checks/templates/is_fresh.sql", feed=feed, rule=name, fewest_rows=ENOUGH_ROWS),
        keys=("feed", "newest_date", "as_of_date"),
        threshold=Threshold(Decimal(days), "days before the end of the month"),
    )


def not_in_the_future(feed: str, owner: Owner) -> Rule:
    """A date far after all others; it is in no month that is closed, so it concerns all of them.

    A feed that goes on without a gap where the others have ended is ahead of them, not wrong.
    """
    date, _ = _events(feed, "not_in_the_future")
    name = f"{feed}.not_in_the_future"
    return Rule(
        name=name,
        sentence=f"No {date} in {feed} is far after all other dates.",
        finding=f"{{n}} (row|rows) of {feed} (is|are) dated far after all others",
        owner=owner,
        severity=Severity.WARNING,
        if_it_fails="The row is missing from the month that it belongs to; correct the year or month in the source.",
        failing=sql_text("checks/templates/not_in_the_future.sql", feed=feed, rule=name, date=date),
        keys=(*FEEDS[feed].key, date, "last_date"),
        threshold=Threshold(Decimal(45), "days after all other dates"),
    )


def price_is_usual(feed: str, owner: Owner, *, shown_in: str) -> Rule:
    """An item is one account, product and currency. `shown_in` are the figures that a wrong price is in, such as `Sales`."""
    quantity, line_counts = _lines(feed, "price_is_usual")
    events = FEEDS[feed].events or Events()
    price = events.unit_price
    if price is None:
        amount = require(feed, "price_is_usual", "a price", events.amount, "`events`, `unit_price` or `amount`")
        price, line_counts = f"{amount}::DOUBLE / {quantity}", f"({line_counts}) AND {quantity} > 0"
    name = f"{feed}.price_is_usual"
    return Rule(
        name=name,
        sentence=f"No price in {feed} is far from the usual price of the account and product in the year before.",
        finding=f"{{n}} (price|prices) in {feed} (is|are) far from what the account usually pays",
        owner=owner,
        severity=Severity.WARNING,
        if_it_fails=f"{shown_in} show a typing error or another unit; correct it, or confirm it.",
        failing=_far_from_usual(
            feed,
            "price",
            of_line=f"CASE WHEN {line_counts} THEN {price} END",
            of_month="activity.priced_amount_doc::DOUBLE / activity.priced_quantity",
            is_far=f"abs(price - usual_price) > threshold('{name}') * usual_price",
        ),
        keys=(*FEEDS[feed].key, "account_id", "product_id", "price", "usual_price"),
        threshold=Threshold(
            Decimal("0.5"), "share by which it may differ from the median of the mean prices of the 12 months before"
        ),
    )


def quantity_is_usual(feed: str, owner: Owner, *, shown_in: str) -> Rule:
    """Of an item as for `price_is_usual`."""
    quantity, line_counts = _lines(feed, "quantity_is_usual")
    name = f"{feed}.quantity_is_usual"
    return Rule(
        name=name,
        sentence=f"No quantity in {feed} is far from the usual one of the account and product in the year before.",
        finding=f"{{n}} (quantity|quantities) in {feed} (is|are) far from what the account usually takes",
        owner=owner,
        severity=Severity.WARNING,
        if_it_fails=f"{shown_in} show a typing error or another unit; correct it, or confirm it.",
        failing=_far_from_usual(
            feed,
            "quantity",
            of_line=f"CASE WHEN {line_counts} THEN {quantity} END",
            of_month="activity.line_quantity::DOUBLE / activity.line_count",
            is_far=f"quantity > threshold('{name}') * usual_quantity OR quantity * threshold('{name}') < usual_quantity",
        ),
        keys=(*FEEDS[feed].key, "account_id", "product_id", "quantity", "usual_quantity"),
        threshold=Threshold(
            Decimal(10), "times as much or as little as the median of the mean line quantities of the 12 months before"
        ),
    )


def _lines(feed: str, rule: str) -> tuple[str, str]:
    """The column of a line's quantity, and the condition under which the line counts."""
    _, events = _events(feed, rule)
    require_columns(feed, rule, "account_id", "product_id", "currency")
    return require(feed, rule, "a quantity", events.quantity, "`events`, `quantity`"), events.line_counts


def _far_from_usual(feed: str, figure: str, *, of_line: str, of_month: str, is_far: str) -> str:
    """The lines whose figure is far from the median of their item's monthly means: one unusual month does not move it."""
    item = ("period_month", "account_id", "product_id", "currency")
    return sql_text(
        "checks/templates/far_from_usual.sql",
        feed=feed,
        figure=figure,
        columns=", ".join(dict.fromkeys((*item, *FEEDS[feed].key))),
        of_line=of_line,
        of_month=of_month,
        is_far=is_far,
        fewest_months=MONTHS_OF_AN_ITEM,
    )
