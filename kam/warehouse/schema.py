"""The schemas, ledgers, staging tables and views of a warehouse, made again only when their definition changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence

import duckdb

from kam.site import FEEDS, Correction, Feed
from kam.warehouse.across_feeds import SAID, account_terms, dates_said, feed_currencies, feed_events, feed_keys
from kam.warehouse.corrected import (
    corrected_columns,
    fill_corrections,
    states_of_corrections,
    stored_corrections,
    with_corrections,
)
from kam.warehouse.names import LOCAL_SCHEMAS, catalog, is_apart, names_mean
from kam.warehouse.sql import Connection, literal, quoted, sql_text, transaction

STAGING_BOOKKEEPING = (
    ("load_id", "BIGINT"),
    ("source_row", "BIGINT"),
    ("superseded_load_id", "BIGINT"),
)


def prepare(con: Connection, reporting_currency: str, corrections: Sequence[Correction] = ()) -> None:
    """Make what is missing: schemas, macros, the ledgers, an empty staging table and a view `core.<feed>` for each feed.

    The views show what the corrections make of the rows. `core.feed_events` and `core.feed_currencies` look across the feeds,
    and `core.corrections` shows how each correction stands to its row.
    """
    made_from = (wanted_shape(reporting_currency), _hash(json.dumps([entry.model_dump() for entry in corrections])))
    has_own = is_apart(con)
    # What this process made for itself, it made after the store had the same.
    if has_own and _local_made_from(con) == made_from:
        return
    is_made = shape_made_from(con) == made_from
    if not is_made:
        _prepare_stored(con, corrections)
    if not is_made or has_own:
        _prepare_local(con, _views(reporting_currency, corrections))
    # Last: what was made only in part is made again.
    if not is_made:
        con.execute(f"CREATE OR REPLACE TABLE {quoted(catalog(con))}.ops.shape AS {_hashes(made_from)}")
    if has_own:
        con.execute(f"CREATE OR REPLACE TABLE build.shape AS {_hashes(made_from)}")


def prepare_to_read(con: Connection, reporting_currency: str) -> None:
    """Make what a connection to a store has for itself, for a store of this release, to which nothing is written.

    The views show what the corrections of the command that wrote last make of the rows.
    """
    _prepare_local(con, _views(reporting_currency, stored_corrections(con, "staging.corrections")))


def is_of_this_release(con: Connection, reporting_currency: str) -> bool:
    """Whether the schemas of a store are as this release makes them; corrections do not count."""
    return shape_made_from(con)[:1] == (wanted_shape(reporting_currency),)


def _hashes(made_from: tuple[str, str]) -> str:
    return f"SELECT {literal(made_from[0])} AS sha256, {literal(made_from[1])} AS corrections_sha256"


def _prepare_stored(con: Connection, corrections: Sequence[Correction]) -> None:
    """What a store keeps: the ledgers, and the staging tables with the corrections of their rows."""
    with names_mean(con, catalog(con)), transaction(con):
        con.execute(sql_text("schema.sql"))
        fill_corrections(con, "staging.corrections", corrections)
        for statement in _changes_of_staging(con):
            con.execute(statement)


def _prepare_local(con: Connection, views: Mapping[str, str]) -> None:
    """What the connection's own database has. It is the store itself, or made anew with each connection to one."""
    with transaction(con):
        con.execute(sql_text("macros.sql"))
        for schema in LOCAL_SCHEMAS:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for name, select in views.items():
            con.execute(f"CREATE OR REPLACE VIEW core.{name} AS {select}")


def _views(reporting_currency: str, corrections: Sequence[Correction] = ()) -> dict[str, str]:
    views = {
        feed.name: as_known(feed, reporting_currency, corrected_columns(feed, corrections)) for feed in FEEDS.values()
    }
    versions = {
        name: _versions(FEEDS[name], corrected_columns(FEEDS[name], corrections))
        for name in ("accounts", *(said.feed for said in SAID.values()))
    }
    return views | {
        "feed_events": feed_events(),
        "feed_currencies": feed_currencies(),
        **feed_keys(),
        "account_terms": account_terms(versions["accounts"]),
        **{view: dates_said(versions[said.feed], said) for view, said in SAID.items()},
        "corrections": states_of_corrections(corrections, "staging.corrections"),
    }


def wanted_shape(reporting_currency: str) -> str:
    """Changes when the schemas have to be made differently; corrections do not count."""
    staging = (_staging_columns(feed) for feed in FEEDS.values())
    return _hash(
        "\0".join((sql_text("macros.sql"), sql_text("schema.sql"), *staging, *_views(reporting_currency).values()))
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def shape_made_from(con: Connection) -> tuple[str, ...]:
    """Hashes of what the schemas and the corrections were last made from; empty for a new database."""
    return _made_from(con, "ops.shape")


def _local_made_from(con: Connection) -> tuple[str, ...]:
    """The same of the schemas that are not stored, where these are apart: other connections of this process may have made them."""
    return _made_from(con, "build.shape")


def _made_from(con: Connection, table: str) -> tuple[str, ...]:
    try:
        return tuple(map(str, con.execute(f"FROM {table}").fetchall()[0]))
    except duckdb.CatalogException:
        return ()


def _staging_columns(feed: Feed) -> str:
    columns = [(column.name, column.sql_type) for column in feed.columns]
    return ", ".join(f"{name} {sql_type}" for name, sql_type in (*columns, *STAGING_BOOKKEEPING))


def _changes_of_staging(con: Connection) -> list[str]:
    """The statements that make each staging table, or give one of an earlier release the columns and types of the contract."""
    # One query for all tables: each costs as much as making a table. No query parameter: DuckDB imports pandas to look at one.
    found = con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        f"WHERE database_name = {literal(catalog(con))} AND schema_name = 'staging'"
    )
    had: dict[str, dict[str, str]] = {}
    for table, column, sql_type in found.fetchall():
        had.setdefault(table, {})[column] = sql_type
    statements: list[str] = []
    for feed in FEEDS.values():
        columns = had.get(feed.name)
        if columns is None:
            statements.append(f"CREATE TABLE staging.{feed.name} ({_staging_columns(feed)})")
            continue
        for column in feed.columns:
            if column.name not in columns:
                # Rows of earlier loads get what a cell that is empty or absent gets.
                default = "" if column.default is None else f" DEFAULT {literal(column.default)}"
                statements.append(
                    f"ALTER TABLE staging.{feed.name} ADD COLUMN {column.name} {column.sql_type}{default}"
                )
            elif columns[column.name] != column.sql_type:
                statements.append(f"ALTER TABLE staging.{feed.name} ALTER {column.name} TYPE {column.sql_type}")
        # Earlier releases kept a hash of each row; rows are compared by their values now.
        if "row_hash" in columns:
            statements.append(f"ALTER TABLE staging.{feed.name} DROP COLUMN row_hash")
    return statements


def as_known(feed: Feed, reporting_currency: str, corrected: Collection[str] = ()) -> str:
    """The feed's rows as known at the variable `as_of_load`, one per key; without the variable, as known now.

    The columns `corrected` have their right values where `staging.corrections` names the row and its wrong value.
    """
    default = literal(reporting_currency)
    columns = ", ".join(
        f"coalesce(currency, {default}) AS currency" if name == "currency" and feed.name != "payments" else name
        for name in feed.column_names
    )
    return f"""
        SELECT {columns}, load_id, source_row
        FROM {_versions(feed, corrected)}
        WHERE (getvariable('as_of_load') IS NULL OR load_id <= getvariable('as_of_load'))
          AND (superseded_load_id IS NULL OR superseded_load_id > getvariable('as_of_load'))"""


def _versions(feed: Feed, corrected: Collection[str]) -> str:
    """Where all versions of a feed's rows come from, the columns `corrected` with their right values."""
    return f"({with_corrections(feed, corrected)})" if corrected else f"staging.{feed.name}"
