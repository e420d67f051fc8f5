"""Rules of the feeds of events: a month beside the months before it, and dates beside those of the other feeds.

They read `core.feed_activity` and `core.newest_dates`, where each feed is counted once for all of them, and the months
before a month, never the other months that are being built. Where the history is short or the rows are few they say
nothing.

Both tables follow from the feeds' contracts. A rule for a feed whose contract lacks what the rule needs would hold for any
rows, so each raises `ValueError`, naming feed, rule and what is missing, when it is made.
"""

from __future__ import annotations

from decimal import Decimal

from expectations.feeds.common import require, require_columns
from expectations.rules import Owner, Rule, Severity, Threshold
from kam.site import FEEDS, Events

MONTHS_OF_A_FEED = 6
"""Months of history from which a month's number of rows can be called unusual: payments, say, begin months after sales."""
MONTHS_OF_AN_ITEM = 3
"""Months with lines of an item from which a line of it can be called unusual."""
ENOUGH_ROWS = 20
"""Rows a month from which their number and their newest date say something; fewer come as they come."""


def _events(feed: str, rule: str) -> tuple[str, Events]:
    """The feed's date and what its contract says of its events."""
    contract = FEEDS[feed]
    date = require(feed, rule, "the date of an event", contract.date, "`date`")
    return date, require(feed, rule, "events", contract.events, "`events`")


def accounts_have_rows(feed: str, owner: Owner, severity: Severity = Severity.WARNING) -> Rule:
    """One failure an account and month. A month without any row is what `has_rows` watches."""
    _events(feed, "accounts_have_rows")
    require_columns(feed, "accounts_have_rows", "account_id")
    name = f"{feed}.accounts_have_rows"
    months = f"least(threshold('{name}')::INTEGER, 12)"
    return Rule(
        name=name,
        sentence=f"Every account that had {feed} in each of the months before has some in this month.",
        owner=owner,
        severity=severity,
        if_it_fails=f"The account left, or its {feed} are missing and its figures too low; ask, and load what is missing.",
        failing=f"""
WITH of_the_feed AS (
    SELECT period_month, month_index, account_id, sum(row_count)::BIGINT AS row_count
    FROM core.feed_activity
    WHERE feed = '{feed}'
    GROUP BY ALL
),

before AS (
    SELECT
        periods.period_month,
        earlier.account_id,
        count(*) AS month_count,
        sum(earlier.row_count)::BIGINT AS row_count_before
    FROM of_the_feed AS earlier
    JOIN build.periods AS periods
        ON earlier.month_index BETWEEN periods.month_index - {months} AND periods.month_index - 1
    SEMI JOIN batch ON batch.period_month = periods.period_month
    GROUP BY ALL
)

SELECT before.*
FROM before
ANTI JOIN of_the_feed USING (period_month, account_id)
WHERE before.month_count = {months}""",
        keys=("account_id", "row_count_before"),
        # On real books half a year is what tells a customer who is missing from one who buys now and then.
        threshold=Threshold(Decimal(6), "months in a row with rows (at most 12) that make an account one to expect"),
    )


def row_count_is_usual(feed: str, owner: Owner) -> Rule:
    """A month without any row is what `has_rows` watches."""
    _events(feed, "row_count_is_usual")
    name = f"{feed}.row_count_is_usual"
    return Rule(
        name=name,
        sentence=f"The month has about as many rows of {feed} as the months before it.",
        owner=owner,
        severity=Severity.WARNING,
        if_it_fails="Figures are too low or too high when an extract is cut short or sent twice under other keys; compare the"
        " number with the source, and load what is missing.",
        failing=f"""
WITH of_the_feed AS (
    SELECT period_month, month_index, sum(row_count)::BIGINT AS row_count
    FROM core.feed_activity
    WHERE feed = '{feed}'
    GROUP BY ALL
),

usual AS (
    SELECT periods.period_month, avg(earlier.row_count) AS usual_row_count
    FROM of_the_feed AS earlier
    JOIN build.periods AS periods
        ON earlier.month_index BETWEEN periods.month_index - 12 AND periods.month_index - 1
    GROUP BY periods.period_month
    HAVING count(*) >= {MONTHS_OF_A_FEED} AND avg(earlier.row_count) >= {ENOUGH_ROWS}
)

SELECT period_month, '{feed}' AS feed, row_count, round(usual_row_count)::BIGINT AS usual_row_count
FROM of_the_feed
JOIN usual USING (period_month)
WHERE abs(row_count - usual_row_count) > threshold('{name}') * usual_row_count""",
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
        owner=owner,
        severity=Severity.WARNING,
        if_it_fails="The extract was made before the month was over, and figures are too low; load the rest and close again.",
        failing=f"""
SELECT
    periods.period_month,
    '{feed}' AS feed,
    max(activity.newest_date) AS newest_date,
    any_value(periods.as_of_date) AS as_of_date
FROM core.feed_activity AS activity
JOIN build.periods AS periods ON periods.period_month = activity.period_month
WHERE activity.feed = '{feed}'
GROUP BY periods.period_month
HAVING sum(activity.row_count) >= {ENOUGH_ROWS}
   AND max(activity.newest_date) < any_value(periods.as_of_date) - threshold('{name}')::INTEGER""",
        keys=("feed", "newest_date", "as_of_date"),
        threshold=Threshold(Decimal(days), "days before the end of the month"),
    )


def not_in_the_future(feed: str, owner: Owner) -> Rule:
    """A date that lies far behind all others; it is in no month that is closed, so it concerns all of them.

    A feed that goes on without a gap where the others have ended is ahead of them, not wrong.
    """
    date, _ = _events(feed, "not_in_the_future")
    name = f"{feed}.not_in_the_future"
    return Rule(
        name=name,
        sentence=f"No {date} in {feed} lies far after all other dates.",
        owner=owner,
        severity=Severity.WARNING,
        if_it_fails="The row is missing from the month that it belongs to; correct the year or month in the source.",
        failing=f"""
WITH others AS (
    SELECT max(newest_date) AS newest_date
    FROM core.newest_dates
    WHERE feed <> '{feed}'
),

ahead AS (
    SELECT DISTINCT feed.{date} AS date_ahead, others.newest_date
    FROM core.{feed} AS feed
    JOIN others ON feed.{date} > others.newest_date
),

gaps AS (
    SELECT date_ahead, coalesce(lag(date_ahead) OVER (ORDER BY date_ahead), newest_date) AS last_date
    FROM ahead
),

first_after_gap AS (
    SELECT min(date_ahead) AS date_ahead, min(last_date) AS last_date
    FROM gaps
    WHERE date_ahead - last_date > threshold('{name}')
)

SELECT NULL::DATE AS period_month, feed.*, first_after_gap.last_date
FROM core.{feed} AS feed
JOIN first_after_gap ON feed.{date} >= first_after_gap.date_ahead""",
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
    """The lines whose figure lies far from the median of their item's monthly means: one wild month does not move it."""
    item = ("account_id", "product_id", "currency")
    own_keys = [name for name in FEEDS[feed].key if name not in item]
    return f"""
WITH lines AS (
    SELECT {", ".join(("period_month", *item, *own_keys))}, ({of_line})::DOUBLE AS {figure}
    FROM batch
),

items AS (
    SELECT DISTINCT period_month, account_id, product_id, currency FROM lines WHERE {figure} > 0
),

usual AS (
    SELECT items.*, median({of_month}) AS usual_{figure}
    FROM items
    JOIN build.periods AS periods USING (period_month)
    JOIN core.feed_activity AS activity
        ON activity.account_id = items.account_id
        AND activity.product_id = items.product_id
        AND activity.currency = items.currency
        AND activity.month_index BETWEEN periods.month_index - 12 AND periods.month_index - 1
    WHERE activity.feed = '{feed}'
    GROUP BY ALL
    HAVING count({of_month}) >= {MONTHS_OF_AN_ITEM}
)

SELECT lines.* REPLACE ({figure}::DECIMAL(38, 4) AS {figure}), usual_{figure}::DECIMAL(38, 4) AS usual_{figure}
FROM lines
JOIN usual USING (period_month, account_id, product_id, currency)
WHERE lines.{figure} > 0 AND ({is_far})"""
