"""What `kam status` and `kam rejects` show. Reads the warehouse; imports neither Prefect nor Great Expectations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from kam.archive import ledger
from kam.cli.signoff import lock_rows, waiting_rows
from kam.close import Action, newest_load, planned_months, signoff, waiting_versions
from kam.periods import month_name, parse_month
from kam.publish import PUBLISHED_FILE, Flags, TargetState, newest_flags, published_file, target_states
from kam.site import Settings, Site
from kam.warehouse import LAST_TRIED, Connection, literal, open_read_only, sql_text

Row = dict[str, Any]
_SHOWN_LOADS = 15
_SHOWN_REJECTS = 20
_SHOWN_FLAGS = 15


@dataclass(frozen=True)
class Status:
    """Closed months, versions that wait for approval, locked months, those whose last attempt failed, last loads, failed checks and undelivered alerts.

    `flags` are those of the newest closed month, the new ones first, as far as they are shown; `flag_counts` counts all of them.
    `targets` are those of `[publish]`; `faults` says what of the archive and the published file is lost, and what to do.
    """

    months: list[Row]
    waiting: list[Row]
    locked: list[Row]
    failed_closes: list[Row]
    loads: list[Row]
    failed_checks: list[Row]
    undelivered: list[Row]
    flag_counts: str
    flags: list[Row]
    targets: list[Row]
    faults: list[str]


@dataclass(frozen=True)
class Rejects:
    """Rejected rows counted by load, rule and status, how many are open, and the first of those.

    A row that breaks two rules is counted under each; in `open_count` it is one.
    """

    by_rule: list[Row]
    open_count: int
    rows: list[Row]


def site_status(site: Site) -> Status:
    """The state of a site. Raises `KamError` when the warehouse is lost, damaged, or lacks what the ledger lists."""
    with ledger.open_complete(site) as con:
        flags = newest_flags(con)
        return Status(
            _months(con, site.settings),
            waiting_rows(site, waiting_versions(con)),
            lock_rows(signoff.locks(con)),
            _failed_closes(con),
            _loads(con),
            _failed_checks(con),
            _undelivered(con, site.settings),
            f"Flags of {month_name(flags.month)}: {flags.summary}" if flags else "",
            _flags(flags) if flags else [],
            target_rows(target_states(con, site)),
            _faults(con, site),
        )


def _faults(con: Connection, site: Site) -> list[str]:
    lost = ledger.what_the_archive_lacks(site)
    faults = [lost] if lost else []
    is_closed = bool(con.execute("SELECT count(*) FROM ops.standing_closes").fetchall()[0][0])
    if is_closed and published_file.lags(con, site):
        file = site.published / PUBLISHED_FILE
        faults.append(f"{file}: is missing, damaged, or not up to date. Publish again: {site.command('publish')}")
    return faults


def failed_targets(site: Site) -> list[str]:
    """The targets whose last publication failed."""
    with open_read_only(site) as con:
        return [state.name for state in target_states(con, site) if state.error]


def target_rows(states: Sequence[TargetState]) -> list[Row]:
    """Targets of publications beside the published file, with what is wrong."""
    return [
        {
            "Target": state.name,
            "Months": state.months,
            "Newest": month_name(state.newest) if state.newest else "",
            "Tried (UTC)": f"{state.tried_at:%Y-%m-%d %H:%M}" if state.tried_at else "",
            "Failed since (UTC)": f"{state.failed_since:%Y-%m-%d %H:%M}" if state.failed_since else "",
            "Why": "; ".join(filter(None, [state.error, *state.notes])),
        }
        for state in states
    ]


def _months(con: Connection, settings: Settings) -> list[Row]:
    found = _rows_of(con.execute(sql_text("status/closed_months.sql")))
    planned = planned_months(con, settings, [parse_month(row["Month"]) for row in found], as_of_load=newest_load(con))
    stale = {month.month: month.why for month in planned if month.action is Action.COMPARE}
    return [row | {"May have changed": stale.get(parse_month(row["Month"]), "")} for row in found]


def _failed_closes(con: Connection) -> list[Row]:
    return _rows_of(
        con.execute(
            """
            SELECT
                strftime(period_month, '%Y-%m') AS "Month",
                strftime(failed_at, '%Y-%m-%d %H:%M') AS "Tried (UTC)",
                failed_by AS "By",
                coalesce(nullif(last_version, 0)::VARCHAR, 'none') AS "Published version",
                message AS "Why"
            FROM ops.failed_closes
            ORDER BY period_month
            """
        )
    )


def _loads(con: Connection) -> list[Row]:
    return _rows_of(
        con.execute(
            f"""
            SELECT
                load_id AS "Load", feed AS "Feed", source AS "Source", read_count AS "Read",
                loaded_count AS "Loaded", unchanged_count AS "Unchanged", rejected_count AS "Rejected",
                coalesce(message, status) AS "Status"
            FROM ops.loads
            ORDER BY ops.loads.status = 'failed' DESC, ops.loads.load_id DESC
            LIMIT {_SHOWN_LOADS}
            """
        ),
    )


def _flags(flags: Flags) -> list[Row]:
    return [
        {
            "Flag": row["state"],
            "Since": month_name(row["since"]),
            "Severity": row["severity"],
            "Account": row["account_id"],
            "Manager": row["account_manager"],
            "What": row["sentence"],
        }
        for row in flags.rows[:_SHOWN_FLAGS]
    ]


def _failed_checks(con: Connection) -> list[Row]:
    return _rows_of(con.execute(sql_text("status/failed_checks.sql", last_tried=LAST_TRIED)))


def _undelivered(con: Connection, settings: Settings) -> list[Row]:
    try:
        found = con.execute(
            """
            SELECT
                strftime(created_at, '%Y-%m-%d %H:%M') AS "Written (UTC)", subject AS "Alert", channel AS "Channel",
                attempts AS "Attempts", last_error AS "Why"
            FROM ops.alert_deliveries
            JOIN ops.alerts USING (alert_id)
            WHERE delivered_at IS NULL
            ORDER BY alert_id, channel
            """
        )
    except duckdb.CatalogException:  # a warehouse that no run of this release has opened for writing yet
        return []
    return [row for row in _rows_of(found) if row["Channel"] in settings.alerts.channels]


def site_rejects(site: Site, feed: str | None) -> Rejects:
    """The rejected rows of one feed, else of all."""
    # No query parameters here: DuckDB imports pandas to look at one, which costs more than all the rest.
    wanted = f"feed = {literal(feed)}" if feed else "true"
    with ledger.open_complete(site) as con:
        by_rule = con.execute(
            f"""
            SELECT
                load_id AS "Load", feed AS "Feed", file AS "File", column_name AS "Column", rule AS "Rule",
                status || CASE WHEN status <> 'repeated' THEN coalesce(' by load ' || resolved_load_id, '') ELSE '' END AS "Status",
                count(DISTINCT (source_row, source_column)) AS "Rows", any_value(message) AS "What is wrong"
            FROM staging.rejects
            WHERE {wanted}
            GROUP BY load_id, feed, file, column_name, rule, status, resolved_load_id
            ORDER BY staging.rejects.load_id, feed, column_name, rule, resolved_load_id
            """
        )
        counted = _rows_of(by_rule)
        is_open = con.execute(
            "SELECT count(*) FROM "
            f"(SELECT DISTINCT load_id, source_row, source_column FROM staging.rejects WHERE {wanted} AND status = 'open')"
        ).fetchall()
        first = con.execute(
            f"""
            SELECT
                file AS "File", source_row || coalesce(', column ' || source_column, '') AS "Record", column_name AS "Column", value AS "Value",
                source AS "Source row"
            FROM staging.rejects
            WHERE {wanted} AND status = 'open'
            ORDER BY load_id, source_row, rowid, column_name
            LIMIT {_SHOWN_REJECTS}
            """
        )
        return Rejects(counted, int(is_open[0][0]), _rows_of(first))


def _rows_of(cursor: Connection) -> list[Row]:
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
