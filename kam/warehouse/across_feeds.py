"""Views over all feeds at once, made from what the contracts say: what happened, and in which currencies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kam.site import FEEDS, Feed, Kind
from kam.warehouse.sql import literal

# Columns whose values the dimensions list, each with the view of all feeds that name one.
_KEYS = {"account_id": "feed_accounts", "product_id": "feed_products", "account_manager": "feed_managers"}


@dataclass(frozen=True)
class Said:
    """Columns of dates in a feed of which each value that was ever said is kept, by key, and columns that came with them."""

    feed: str
    key: str
    dates: tuple[str, ...]
    beside: tuple[str, ...] = ()


# What a load says of an offer and its decision, beside their dates.
_OF_AN_OFFER = (
    *("quantity", "unit_price", "target_price", "currency", "decision", "lost_reason", "competitor_id", "order_id"),
    *("has_drawing", "has_quantity", "has_specification", "has_usage", "has_sample"),
)
# What a load says of an assessment, beside its day.
_OF_AN_ASSESSMENT = ("account_id", "kind", "valid_until", "points", "max_points", "title")
SAID: Mapping[str, Said] = MappingProxyType(
    {
        "issue_dates": Said("issues", "issue_id", ("closed_date", "reopened_date")),
        "action_dates": Said("actions", "action_id", ("done_date", "cancelled_date", "updated_date")),
        "quotation_dates": Said(
            "quotations", "quotation_id, revision", ("rfq_date", "quoted_date", "decided_date"), _OF_AN_OFFER
        ),
        "contract_dates": Said("contracts", "contract_id", ("signed_by_us", "signed_by_customer", "terminated_on")),
        "commitment_dates": Said("commitments", "commitment_id", ("fulfilled_on",)),
        "milestone_dates": Said(
            "milestones", "project_id, gate", ("requested_date", "planned_date", "actual_date"), ("result",)
        ),
        "assessment_versions": Said("assessments", "assessment_id, criterion", ("assessed_on",), _OF_AN_ASSESSMENT),
    }
)
"""The views of what was ever said, by name."""


def _amounts(feed: Feed) -> list[str]:
    return [column.name for column in feed.columns if column.kind is Kind.MONEY]


FEEDS_IN_VIEW: Mapping[str, Collection[str]] = MappingProxyType(
    {
        "feed_events": [feed.name for feed in FEEDS.values() if feed.events],
        "account_terms": ["accounts"],
        **{view: [said.feed] for view, said in SAID.items()},
        **{view: [feed.name for feed in FEEDS.values() if key in feed.column_names] for key, view in _KEYS.items()},
        "feed_currencies": [feed.name for feed in FEEDS.values() if "currency" in feed.column_names and _amounts(feed)],
    }
)
"""The feeds that each view reads."""


def account_terms(accounts: str) -> str:
    """A SELECT of the payment terms that an account ever had, each with the load that brought them.

    `accounts` is where all versions of the rows come from; versions after the variable `as_of_load` are not known.
    """
    return f"""
        SELECT account_id, payment_terms_days, load_id
        FROM {accounts}
        WHERE payment_terms_days IS NOT NULL
          AND (getvariable('as_of_load') IS NULL OR load_id <= getvariable('as_of_load'))"""


def dates_said(rows: str, said: Said) -> str:
    """A SELECT of what was ever said in columns of dates, each with the load that said so.

    `rows` is where all versions of the rows come from; versions after the variable `as_of_load` are not known.
    """
    dates = ", ".join(said.dates)
    return f"""
        SELECT {", ".join((said.key, dates, *said.beside))}, load_id
        FROM {rows}
        WHERE coalesce({dates}) IS NOT NULL
          AND (getvariable('as_of_load') IS NULL OR load_id <= getvariable('as_of_load'))"""


def feed_events() -> str:
    """A SELECT of all rows of the feeds of events, in columns of the same names.

    `event_date` is the day by which a row belongs to a month, `happened_on` is NULL for what was only planned. A line that
    counts has a `line_quantity` above zero; `amount_doc` is NULL where the line is free of charge or says no price. A column
    that a feed does not have is NULL.
    """
    return " UNION ALL ".join(_events_of(feed) for feed in map(FEEDS.__getitem__, FEEDS_IN_VIEW["feed_events"]))


def _events_of(feed: Feed) -> str:
    events = feed.events
    if events is None or feed.date is None:
        message = f"{feed.name} is no feed of events"
        raise ValueError(message)
    quantity = events.quantity
    counted = f"CASE WHEN ({events.line_counts}) AND {quantity} > 0 THEN {quantity} END" if quantity else "NULL"
    amount = events.amount or (
        f"{quantity}::DECIMAL(28, 4) * {events.unit_price}" if quantity and events.unit_price else "NULL"
    )
    named = ", ".join(
        f"{name if name in feed.column_names else 'NULL'}::VARCHAR AS {name}"
        for name in ("account_id", "product_id", "currency")
    )
    return f"""
        SELECT
            {literal(feed.name)} AS feed,
            {_business_date(feed)} AS event_date,
            {feed.date} AS happened_on,
            {named},
            {counted}::DECIMAL(18, 4) AS line_quantity,
            nullif({amount}, 0)::DECIMAL(38, 8) AS amount_doc
        FROM core.{feed.name}"""


def feed_currencies() -> str:
    """A SELECT of the currencies of the amounts in each feed, and since when; `first_date` is NULL for master data."""
    return " UNION ALL ".join(
        f"""
        SELECT {literal(feed.name)} AS feed, currency, min({_business_date(feed)}) AS first_date
        FROM core.{feed.name}
        WHERE coalesce({", ".join(_amounts(feed))}) IS NOT NULL AND currency IS NOT NULL
        GROUP BY currency"""
        for feed in map(FEEDS.__getitem__, FEEDS_IN_VIEW["feed_currencies"])
    )


def feed_keys() -> Mapping[str, str]:
    """By view, a SELECT of the accounts, products and account managers that any feed names, each once, and since which day.

    Rows of feeds that are not read by their dates are there from the beginning.
    """
    return {
        view: f"SELECT {key}, min(first_date) AS first_date FROM ("
        + " UNION ALL ".join(_keys_of(FEEDS[feed], key) for feed in FEEDS_IN_VIEW[view])
        + f") GROUP BY {key}"
        for key, view in _KEYS.items()
    }


def _keys_of(feed: Feed, key: str) -> str:
    beginning = "DATE '-infinity'"
    first = f"coalesce(min(least({', '.join(feed.date_columns)})), {beginning})" if feed.is_read_by_date else beginning
    return f"SELECT {key}, {first} AS first_date FROM core.{feed.name} WHERE {key} IS NOT NULL GROUP BY {key}"


def _business_date(feed: Feed) -> str:
    """The day or month by which a row belongs to a business month, as SQL."""
    if feed.date is None:
        return "NULL::DATE"
    planned = feed.events.planned_date if feed.events else None
    return f"coalesce({feed.date}, {planned})" if planned else feed.date
