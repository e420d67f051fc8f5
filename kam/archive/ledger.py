"""What the archive's ledger says about the warehouse: a line for each load, each close and each withdrawal, added after its commit.

The warehouse is written first. After a crash between the two, the next run adds the missing line. So a ledger that
knows more than the warehouse means that the warehouse was lost. Nothing may be written to it then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kam.archive import store
from kam.errors import KamError
from kam.site import Site
from kam.warehouse import Connection, rows

LOAD, CLOSE, WITHDRAWAL = "load", "close", "withdrawal"
_JSON_COLUMNS = ("files", "reading", "manifest", "sample_keys")
# All loads up to `as_of_load`: the ledger has them already.
_LISTED_ELSEWHERE = "loads"


def sync(con: Connection, site: Site) -> None:
    """Add the missing lines to the ledger. Raises `KamError` when it lists something that the warehouse does not have."""
    if store.ledger_lines(site) == _count(con):
        return
    loads = {entry["load_id"]: entry for entry in _loads(con)}
    closes = {_version(entry): entry for entry in _closes(con)}
    withdrawals = {_version(entry): entry for entry in _withdrawals(con)}
    for entry in store.ledger_entries(site):
        if is_load(entry):
            kept = loads.pop(entry["load_id"], None)
        else:
            kept = (closes if is_close(entry) else withdrawals).pop(_version(entry), None)
        if kept is None:
            message = (
                f"{site.warehouse}: lacks {_in_words(entry)}, which {store.ledger(site)} lists. "
                "Rebuild the warehouse from the archive: kam rebuild"
            )
            raise KamError(message)
    store.add_to_ledger(site, [*loads.values(), *closes.values(), *withdrawals.values()])


def add_load(con: Connection, site: Site, load_id: int) -> None:
    """Add the line of a load that was just committed."""
    store.add_to_ledger(site, _loads(con, f"load_id = {load_id}"))


def is_load(entry: Mapping[str, Any]) -> bool:
    """Whether a line of the ledger is about a load."""
    return bool(entry.get("kind", LOAD) == LOAD)


def is_withdrawal(entry: Mapping[str, Any]) -> bool:
    """Whether a line of the ledger is about a version that was taken back."""
    return entry.get("kind") == WITHDRAWAL


def is_close(entry: Mapping[str, Any]) -> bool:
    """Whether a line of the ledger is about a close."""
    return entry.get("kind") == CLOSE


def _in_words(entry: Mapping[str, Any]) -> str:
    if is_withdrawal(entry):
        return f"the withdrawal of version {entry['close_version']} of {entry['period_month'][:7]}"
    if is_close(entry):
        return f"version {entry['close_version']} of {entry['period_month'][:7]}"
    return f"load {entry['load_id']} of {entry['feed']}"


def _version(entry: Mapping[str, Any]) -> tuple[str, int]:
    return entry["period_month"], entry["close_version"]


def _count(con: Connection) -> int:
    found = con.execute(
        "SELECT (SELECT count(*) FROM ops.loads WHERE status = 'loaded') + (SELECT count(*) FROM ops.closes) "
        "+ (SELECT count(*) FROM ops.withdrawals)"
    )
    return int(found.fetchall()[0][0])


def _loads(con: Connection, condition: str = "true") -> list[dict[str, Any]]:
    return _entries(
        con,
        LOAD,
        f"""
        SELECT load_id, feed, source, sha256, mapping_hash, files, bytes, reading, read_count, loaded_count,
               unchanged_count, rejected_count, superseded_count, watermark,
               started_at::VARCHAR AS started_at, finished_at::VARCHAR AS finished_at
        FROM ops.loads WHERE status = 'loaded' AND {condition} ORDER BY load_id
        """,
    )


def _closes(con: Connection) -> list[dict[str, Any]]:
    """The closes in the order of their commits, whatever the clock said, each with its checks and control totals."""
    closes = _entries(
        con,
        CLOSE,
        """
        SELECT period_month::VARCHAR AS period_month, close_version, as_of_load, content_hash, settings_hash,
               models_hash, verdict, closed_at::VARCHAR AS closed_at, closed_by, reason, manifest
        FROM ops.closes ORDER BY rowid
        """,
    )
    for close in closes:
        close["manifest"] = {name: value for name, value in close["manifest"].items() if name != _LISTED_ELSEWHERE}
        for table in ("checks", "control_totals"):
            found = rows(
                con,
                f"FROM ops.{table} WHERE period_month = ? AND close_version = ? ORDER BY ALL",
                [close["period_month"], close["close_version"]],
            )
            close[table] = [_plain(row, leave_out=("period_month", "close_version")) for row in found]
    return closes


def _withdrawals(con: Connection) -> list[dict[str, Any]]:
    return _entries(
        con,
        WITHDRAWAL,
        """
        SELECT period_month::VARCHAR AS period_month, close_version, withdrawn_at::VARCHAR AS withdrawn_at, withdrawn_by,
               reason
        FROM ops.withdrawals ORDER BY rowid
        """,
    )


def _entries(con: Connection, kind: str, sql: str) -> list[dict[str, Any]]:
    return [{"kind": kind} | _plain(row) for row in rows(con, sql)]


def _plain(row: Mapping[str, Any], *, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """A row as JSON has it; amounts as text, so that they stay exact."""
    return {
        name: json.loads(value)
        if name in _JSON_COLUMNS and value is not None
        else value
        if value is None or isinstance(value, str | int | bool)
        else str(value)
        for name, value in row.items()
        if name not in leave_out
    }
