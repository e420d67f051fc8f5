"""From which day on the rows that a load changed can matter: no figure of a month reads what is dated after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from kam.site import Feed
from kam.warehouse import Connection

# Of the rows of another feed, or of other rows of the document, that are read together with those of a feed: the column that both
# have, and the day of the other. A delivery is for the account of its order; an instalment is due with its invoice.
_READ_WITH: Mapping[str, tuple[str, str, str]] = {
    "orders": ("deliveries", "order_id", "delivered_date"),
    "deliveries": ("orders", "order_id", "delivered_date"),
    "invoices": ("invoices", "invoice_id", "invoice_date"),
    "instalments": ("invoices", "invoice_id", "invoice_date"),
}
# What a source never says is unknown in every month, and no longer is when one row says it.
_SAID_EVER: Mapping[str, tuple[str, ...]] = {
    "orders": ("delivered_date", "rejected_quantity"),
    "deliveries": ("rejected_quantity",),
}


def first_date(con: Connection, feed: Feed, load_id: int) -> date | None:
    """The earliest day that rows which a load brought or ended are about; None when they may matter in any month."""
    changed = f"FROM staging.{feed.name} WHERE load_id = {load_id} OR superseded_load_id = {load_id}"
    days: list[date] = []
    if feed.is_read_by_date:
        own = f"least({', '.join(feed.date_columns)})"
        first, undated = con.execute(f"SELECT min({own}), count(*) FILTER ({own} IS NULL) {changed}").fetchall()[0]
        if undated:
            return None
        days += [first] if first else []
    elif feed.name not in _READ_WITH:
        return None
    if any(_is_new_or_gone(con, feed, name, load_id) for name in _SAID_EVER.get(feed.name, ())):
        return None
    if feed.name in _READ_WITH:
        other, shared, day = _READ_WITH[feed.name]
        found = con.execute(
            f"SELECT min({day}) FROM staging.{other} "
            f"WHERE load_id <> {load_id} AND {day} IS NOT NULL AND {shared} IN (SELECT {shared} {changed})"
        ).fetchall()[0][0]
        days += [found] if found else []
    return min(days, default=date.max)


def _is_new_or_gone(con: Connection, feed: Feed, name: str, load_id: int) -> bool:
    """Whether a load brought the first values of a column, or ended the last ones."""
    before, now = con.execute(
        f"""
        SELECT
            count(*) FILTER (load_id < {load_id} AND (superseded_load_id IS NULL OR superseded_load_id = {load_id})) > 0,
            count(*) FILTER (superseded_load_id IS NULL) > 0
        FROM staging.{feed.name} WHERE {name} IS NOT NULL
        """
    ).fetchall()[0]
    return bool(before != now)
