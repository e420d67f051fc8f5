"""From which day on the rows that a load changed can matter: no figure of a month reads what is dated after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from kam.site import Feed
from kam.warehouse import Connection

_INVOICES = ("invoices", "invoice_id", "invoice_date")
# What is read together with the rows of a feed: another feed, or other rows of the document; the column that both have; and the day
# of the other. A delivery is for the account of its order, and says that a line which is closed by now was open before it. An
# instalment is due with its invoice.
_READ_WITH: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "orders": (("deliveries", "order_id", "delivered_date"), ("invoices", "order_id", "invoice_date")),
    "deliveries": (("orders", "order_id", "least(delivered_date, CASE WHEN status = 'closed' THEN order_date END)"),),
    "invoices": (_INVOICES,),
    "instalments": (_INVOICES,),
}
# So many rows are history of all months; to look at all that is read with them would take long.
_MOST_ROWS = 1_000_000
# What a source never says is unknown in every month, and no longer is when one row says it.
_SAID_EVER: Mapping[str, tuple[str, ...]] = {
    "orders": ("delivered_date", "rejected_quantity"),
    "deliveries": ("rejected_quantity",),
}


def first_date(con: Connection, feed: Feed, load_id: int) -> date | None:
    """The earliest day that rows which a load brought or ended are about; None when they may matter in any month."""
    if not feed.is_read_by_date and feed.name not in _READ_WITH:
        return None
    changed = f"FROM staging.{feed.name} WHERE load_id = {load_id} OR superseded_load_id = {load_id}"
    own = f"least({', '.join(feed.date_columns)})" if feed.is_read_by_date else "DATE 'infinity'"
    first, count, undated = con.execute(
        f"SELECT min({own}), count(*), count(*) FILTER ({own} IS NULL) {changed}"
    ).fetchall()[0]
    if undated or count > _MOST_ROWS:
        return None
    if any(_is_new_or_gone(con, feed, name, load_id) for name in _SAID_EVER.get(feed.name, ())):
        return None
    days = [first] if count and feed.is_read_by_date else []
    for other, shared, day in _READ_WITH.get(feed.name, ()):
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
