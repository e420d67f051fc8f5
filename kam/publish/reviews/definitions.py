"""What every published column means, each at the anchor `<table>.<column>`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from kam.publish.reviews.measures import tables
from kam.warehouse import Connection, rows


def definitions(con: Connection) -> dict[str, list[Mapping[str, Any]]]:
    """The columns by table, without old names."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows(con, "FROM reporting.metric_definitions ORDER BY table_name"):
        table = tables().get(row["table_name"])
        if table and not table.is_old_name:
            found[table.name].append(row)
    return dict(found)
