"""What every published measure means, each at the anchor `<table>.<column>`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from kam.publish.reviews.measures import tables
from kam.warehouse import Connection, rows


def definitions(con: Connection, linked: Iterable[str]) -> dict[str, list[Mapping[str, Any]]]:
    """The measures by table, without old names, and other columns that pages link to (`linked`, as `table.column`)."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    others = set(linked)
    for row in rows(con, "FROM reporting.metric_definitions ORDER BY table_name"):
        table = tables().get(row["table_name"])
        is_measure = row["unit"] not in ("", "number") or f"{row['table_name']}.{row['column_name']}" in others
        if table and not table.is_old_name and is_measure:
            found[table.name].append(row)
    return dict(found)
