"""What a SELECT of somebody else reads, from DuckDB's own parse of it; nothing is run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from kam.warehouse.sql import Connection

# Table functions that read nothing.
OF_ITS_ARGUMENTS = ("unnest", "range", "generate_series")


def parsed(con: Connection, select: str) -> dict[str, Any]:
    """The parse of one SELECT; with `error` and `error_message` where DuckDB cannot write it down."""
    found = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [select]).fetchall()
    return dict(json.loads(found[0][0]))


def objects(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a JSON tree
    """A node of a parse with all nodes below it."""
    if isinstance(node, list):
        for child in node:
            yield from objects(child)
    elif isinstance(node, dict):
        yield node
        for child in node.values():
            yield from objects(child)


def reads_beyond_tables(con: Connection, select: str) -> str:
    """The first thing that a SELECT reads and that is no table or view, such as a file; empty when there is none."""
    tree = parsed(con, select)
    if tree.get("error"):
        return f"what cannot be told from its text ({tree.get('error_message', '')})"
    own = con.execute(
        "SELECT function_name FROM duckdb_functions() WHERE function_type = 'table_macro' AND NOT internal"
    )
    allowed = {*OF_ITS_ARGUMENTS, *(name for (name,) in own.fetchall())}
    for node in objects(tree):
        if node.get("type") == "TABLE_FUNCTION" and node["function"]["function_name"].lower() not in allowed:
            return f"{node['function']['function_name']}()"
        # Any other name may be that of a file.
        if node.get("type") == "BASE_TABLE" and not re.fullmatch(r"\w+", node["table_name"]):
            return str(node["table_name"])
    return ""
