"""The SQL that applies corrections to staged rows and says how each correction compares with its row."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from kam.site import FEEDS, Correction, Feed, RowRule
from kam.warehouse.sql import Connection, insert, literal, sql_text

_CORRECTION_COLUMNS = (
    "feed", "key", "key_values", "column_name", "wrong_value", "right_value", "reason", "owner",
)  # fmt: skip


def corrected_columns(feed: Feed, corrections: Sequence[Correction]) -> list[str]:
    """The columns of a feed that corrections name, in the feed's order."""
    named = {correction.column for correction in corrections if correction.feed == feed.name}
    return [name for name in feed.column_names if name in named]


def with_corrections(feed: Feed, corrected: Collection[str]) -> str:
    """All rows of a feed in staging, right values in place of wrong ones; one row of corrections a key, or none."""
    entries = []
    values = []
    for name in corrected:
        sql_type, named = feed.column(name).sql_type, f"column_name = {literal(name)}"
        entries += [
            f"bool_or({named}) AS is_named_{name}",
            f"(any_value(wrong_value) FILTER ({named}))::{sql_type} AS wrong_{name}",
            f"(any_value(right_value) FILTER ({named}))::{sql_type} AS right_{name}",
        ]
        holds = f"entries.is_named_{name} AND line.{name} IS NOT DISTINCT FROM entries.wrong_{name}"
        values.append(f"CASE WHEN {holds} THEN entries.right_{name} ELSE line.{name} END AS {name}")
    return f"""
        SELECT line.* REPLACE ({", ".join(values)})
        FROM staging.{feed.name} AS line
        LEFT JOIN (
            SELECT {_key_columns(feed)}, {", ".join(entries)}
            FROM staging.corrections WHERE feed = {literal(feed.name)} GROUP BY {", ".join(feed.key)}
        ) AS entries ON {feed.same_key("line", "entries")}"""


def _key_columns(feed: Feed) -> str:
    """The key of a row that a correction names, from its JSON."""
    return ", ".join(f"(key_values ->> '$.{name}')::{feed.column(name).sql_type} AS {name}" for name in feed.key)


def fill_corrections(con: Connection, table: str, corrections: Sequence[Correction]) -> None:
    """Make a table with one row per correction."""
    kind = "TEMP TABLE" if table.startswith("temp.") else "TABLE"
    con.execute(f"CREATE OR REPLACE {kind} {table} ({', '.join(f'{name} VARCHAR' for name in _CORRECTION_COLUMNS)})")
    values = [
        (
            entry.feed, entry.key_in_words, json.dumps(entry.key, ensure_ascii=False), entry.column, entry.wrong,
            entry.right, entry.reason, entry.owner,
        )
        for entry in corrections
    ]  # fmt: skip
    insert(con, table, [dict(zip(_CORRECTION_COLUMNS, entry, strict=True)) for entry in values])


def stored_corrections(con: Connection, table: str) -> list[Correction]:
    """The corrections in a table of `fill_corrections`."""
    found = con.execute(f"SELECT {', '.join(_CORRECTION_COLUMNS)} FROM {table}").fetchall()
    return [
        Correction(
            feed=feed, key=json.loads(key), column=column, wrong=wrong, right=right, reason=reason, owner=owner
        )
        for feed, _, key, column, wrong, right, reason, owner in found
    ]  # fmt: skip


def states_of_corrections(corrections: Sequence[Correction], table: str) -> str:
    """A SELECT of the corrections in `table`, each with its row as known at the variable `as_of_load`.

    It adds `found_value` (what the source says), `state` (applied, not yet loaded, stale) and `fault` (why it is stale).
    """
    feeds = [feed for feed in FEEDS.values() if corrected_columns(feed, corrections)]
    if not feeds:
        nothing = ", ".join(f"NULL::VARCHAR AS {name}" for name in ("found_value", "state", "fault"))
        return f"SELECT *, {nothing} FROM {table} WHERE false"
    looked_up = " UNION ALL ".join(_looked_up(feed, corrected_columns(feed, corrections), table) for feed in feeds)
    return sql_text("corrections/states.sql", looked_up=looked_up)


def _looked_up(feed: Feed, corrected: Collection[str], table: str) -> str:
    """A SELECT of the corrections of one feed with what is known of their rows."""
    known = "line.load_id <= coalesce(getvariable('as_of_load'), line.load_id)"
    current = "coalesce(line.superseded_load_id > getvariable('as_of_load'), line.superseded_load_id IS NULL)"
    found = " ".join(f"WHEN {literal(name)} THEN line.{name}::VARCHAR" for name in corrected)
    lacks = " OR ".join(f"NOT ({_is_given(rule)})" for rule in feed.row_rules) or "false"
    return sql_text(
        "corrections/looked_up.sql",
        feed=feed.name,
        corrections=table,
        columns=", ".join(f"entries.{name}" for name in _CORRECTION_COLUMNS),
        key=_key_columns(feed),
        same_key=feed.same_key("line", "entries"),
        known=known,
        current=current,
        found_value=found,
        is_too_little=lacks,
    )


def _is_given(rule: RowRule) -> str:
    """A condition: a row has what a rule of the feed asks for, once its corrections are applied."""
    return rule.is_kept(
        lambda name: (
            f"((line.{name} IS NOT NULL OR coalesce(list_contains(filled, {literal(name)}), false)) "
            f"AND NOT coalesce(list_contains(emptied, {literal(name)}), false))"
        )
    )
