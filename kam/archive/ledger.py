"""What the archive's ledger says about the warehouse: a line for each load and each decision about a month, added after its commit.

A decision is a close, a withdrawal, an approval, or a lock that is set or opened.

The warehouse is written first. After a crash between the two, the next run adds the missing line. So a ledger that
knows more than the warehouse means that the warehouse was lost. Nothing may be written to it then.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from kam.archive import storage, store
from kam.errors import KamError
from kam.site import Site
from kam.warehouse import Connection, open_read_only, rows, store_of

LOAD, CLOSE, WITHDRAWAL, APPROVAL, LOCK = "load", "close", "withdrawal", "approval", "lock"
_JSON_COLUMNS = ("files", "reading", "manifest", "sample_keys")
# All loads up to `as_of_load`: the ledger has them already.
_LISTED_ELSEWHERE = "loads"
# What `_places` gave of each archive when this process last brought its ledger in step with the warehouse.
_synced: dict[Path, tuple[int, ...]] = {}
log = logging.getLogger("kam")


def sync_once(con: Connection, site: Site) -> None:
    """Do what `sync` does, unless this process did and neither ledger nor warehouse was replaced since. Needs the right to write."""
    if _synced.get(site.archive) != _places(site):
        sync(con, site)


def sync(con: Connection, site: Site) -> None:
    """Compare the ledger with the warehouse and with the files of the archive, and add its missing lines.

    Raises `KamError` when the ledger lists something that the warehouse does not have, or when the archive lacks a file
    that was loaded.
    """
    storage.look_again(site)
    # A line that repeats another is named once.
    heard = site.archive in _synced
    listed = store.ledger_entries(site, (lambda _: None) if heard else log.warning)
    unlisted = _unlisted(con, site, listed)
    store.require_there(site, [entry for entry in (*listed, *unlisted) if is_load(entry)], bring_back=True)
    if unlisted:
        store.add_to_ledger(site, unlisted)
    _synced[site.archive] = _places(site)


def lists_all(con: Connection, site: Site) -> bool:
    """Whether the ledger lists everything that the warehouse has."""
    return _subjects(con) <= {store.subject(entry) for entry in store.ledger_entries(site)}


@contextmanager
def open_complete(site: Site) -> Iterator[Connection]:
    """Open the working file for reading only. Raises `KamError` when it lacks something that the ledger lists."""
    with open_read_only(site) as con:
        entries = store.ledger_entries(site)
        _require_own(con, site, entries)
        _require_complete(site, entries, _subjects(con))
        yield con


def what_the_archive_lacks(site: Site) -> str:
    """The message about files that were loaded and are not in the archive; empty when all are there. Reads no file."""
    storage.look_again(site)
    try:
        store.require_there(site, listed(site), bring_back=False)
    except KamError as error:
        return str(error)
    return ""


def listed(site: Site) -> list[dict[str, Any]]:
    """All lines of the ledger. Raises `KamError` when there is none although the warehouse has loads: the archive was lost."""
    entries = store.ledger_entries(site)
    if not entries and store_of(site).exists():
        has_any = False
        # One that cannot be read proves nothing.
        with suppress(KamError), open_read_only(site) as con:
            has_any = bool(_count(con))
        if has_any:
            message = (
                f"{site.archive_name}: lists no load, but {store_of(site).name} has some. {store.why_away(site)} "
                "Bring it back or restore it from a backup; nothing was changed"
            )
            raise KamError(message)
    return entries


def _unlisted(con: Connection, site: Site, listed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the warehouse has and the ledger does not list. Raises `KamError` when it lacks something that the ledger lists."""
    _require_own(con, site, listed)
    has = _subjects(con)
    _require_complete(site, listed, has)
    known = {store.subject(entry) for entry in listed}
    if has <= known:
        return []
    lacking = has - known
    closes = [(month, version) for kind, _, month, version, _ in lacking if kind == CLOSE]
    entries = [*_loads(con), *_closes(con, closes), *_withdrawals(con), *_approvals(con), *_locks(con)]
    return [entry for entry in entries if store.subject(entry) in lacking]


def _require_own(con: Connection, site: Site, listed: Sequence[Mapping[str, Any]]) -> None:
    """Raise `KamError` when the ledger in storage is that of another site, whose loads have the same numbers.

    A folder lies in its site. A place in storage is a name in the settings, which may be the wrong one.
    """
    if not site.archive_place:
        return
    has = dict(con.execute("SELECT load_id, sha256 FROM ops.loads WHERE status = 'loaded'").fetchall())
    for entry in filter(is_load, listed):
        if has.get(entry["load_id"], entry["sha256"]) != entry["sha256"]:
            message = (
                f"{site.ledger_name}: {_in_words(entry)} is not the one that {store_of(site).name} has. Is it the archive of another site? "
                "Name the right place in [warehouse] archive; nothing was changed"
            )
            raise KamError(message)


def _require_complete(site: Site, listed: Sequence[Mapping[str, Any]], has: AbstractSet[tuple[Any, ...]]) -> None:
    lacking = next((entry for entry in listed if store.subject(entry) not in has), None)
    if lacking is not None:
        rebuild = site.command("rebuild", *(["--force"] if has else []))
        another = ", or is that the archive of another site" if site.archive_place else ""
        message = (
            f"{store_of(site).name}: lacks {_in_words(lacking)}, which {site.ledger_name} lists. Is it an older copy{another}? "
            f"Rebuild the warehouse from the archive: {rebuild}"
        )
        raise KamError(message)


def _subjects(con: Connection) -> AbstractSet[tuple[Any, ...]]:
    """What the warehouse has, as lines of the ledger name it."""
    found = con.execute(
        f"""
        SELECT '{LOAD}', load_id, NULL, NULL, NULL FROM ops.loads WHERE status = 'loaded'
        UNION ALL SELECT '{CLOSE}', NULL, period_month::VARCHAR, close_version, NULL FROM ops.closes
        UNION ALL SELECT '{WITHDRAWAL}', NULL, period_month::VARCHAR, close_version, NULL FROM ops.withdrawals
        UNION ALL SELECT '{APPROVAL}', NULL, period_month::VARCHAR, close_version, NULL FROM ops.approvals
        UNION ALL SELECT '{LOCK}', NULL, period_month::VARCHAR, NULL, lock_no FROM ops.locks
        """
    )
    return set(found.fetchall())


def _places(site: Site) -> tuple[int, ...]:
    """Changes when the ledger gets a line or is replaced, and when the warehouse is replaced."""
    ledger = site.ledger.stat() if site.ledger.exists() else None
    return (
        *((ledger.st_ino, ledger.st_size, ledger.st_mtime_ns) if ledger else ()),
        *store_of(site).stamp(),
    )


def add_load(con: Connection, site: Site, load_id: int) -> None:
    """Add the line of a load that was just committed."""
    _add(site, _loads(con, f"load_id = {load_id}"))


def add_close(con: Connection, site: Site, month: date, version: int) -> None:
    """Add the line of a version that was just committed."""
    _add(site, _closes(con, [(str(month), version)]))


def _add(site: Site, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add lines. What was in step with the warehouse before is so afterwards, unless they cannot be written."""
    is_in_step = _synced.pop(site.archive, None) == _places(site)
    store.add_to_ledger(site, entries)
    if is_in_step:
        _synced[site.archive] = _places(site)


def is_load(entry: Mapping[str, Any]) -> bool:
    """Whether a line of the ledger is about a load."""
    return bool(entry.get("kind", LOAD) == LOAD)


def loaded(site: Site) -> set[tuple[str, str]]:
    """The feed and the hash of each extract that was ever loaded. Raises `KamError` for a damaged ledger."""
    loads = (entry for entry in store.ledger_entries(site) if is_load(entry))
    return {(entry["feed"], entry["sha256"]) for entry in loads}


def is_withdrawal(entry: Mapping[str, Any]) -> bool:
    """Whether a line of the ledger is about a version that was taken back."""
    return entry.get("kind") == WITHDRAWAL


def is_approval(entry: Mapping[str, Any]) -> bool:
    """Whether a line of the ledger is about a version that was approved."""
    return entry.get("kind") == APPROVAL


def is_lock(entry: Mapping[str, Any]) -> bool:
    """Whether a line of the ledger is about a month that was locked, or whose lock was opened."""
    return entry.get("kind") == LOCK


def is_close(entry: Mapping[str, Any]) -> bool:
    """Whether a line of the ledger is about a close."""
    return entry.get("kind") == CLOSE


def _in_words(entry: Mapping[str, Any]) -> str:
    if is_withdrawal(entry):
        return f"the withdrawal of version {entry['close_version']} of {entry['period_month'][:7]}"
    if is_approval(entry):
        return f"the approval of version {entry['close_version']} of {entry['period_month'][:7]}"
    if is_lock(entry):
        return f"lock {entry['lock_no']} of {entry['period_month'][:7]}"
    if is_close(entry):
        return f"version {entry['close_version']} of {entry['period_month'][:7]}"
    return f"load {entry['load_id']} of {entry['feed']}"


def _count(con: Connection) -> int:
    found = con.execute(
        "SELECT (SELECT count(*) FROM ops.loads WHERE status = 'loaded') + (SELECT count(*) FROM ops.closes) "
        "+ (SELECT count(*) FROM ops.withdrawals) + (SELECT count(*) FROM ops.approvals) + (SELECT count(*) FROM ops.locks)"
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


def _closes(con: Connection, wanted: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Closes by month and version, in the order of their commits, whatever the clock said, each with its checks and control totals.

    Only what is wanted is read: a site may have hundreds of closes with hundreds of checks each.
    """
    closes = _entries(
        con,
        CLOSE,
        """
        SELECT period_month::VARCHAR AS period_month, close_version, as_of_load, content_hash, settings_hash,
               models_hash, verdict, closed_at::VARCHAR AS closed_at, closed_by, reason, manifest,
               closed_uid, closed_identity, needs_approval
        FROM ops.closes WHERE (period_month::VARCHAR, close_version) IN (SELECT unnest($months::VARCHAR[]), unnest($versions::BIGINT[]))
        ORDER BY rowid
        """,
        {"months": [month for month, _ in wanted], "versions": [version for _, version in wanted]},
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
               reason, withdrawn_uid, withdrawn_identity
        FROM ops.withdrawals ORDER BY rowid
        """,
    )


def _approvals(con: Connection) -> list[dict[str, Any]]:
    return _entries(
        con,
        APPROVAL,
        """
        SELECT period_month::VARCHAR AS period_month, close_version, content_hash, approved_at::VARCHAR AS approved_at,
               approved_by, approved_uid, approved_identity, comment
        FROM ops.approvals ORDER BY rowid
        """,
    )


def _locks(con: Connection) -> list[dict[str, Any]]:
    return _entries(
        con,
        LOCK,
        """
        SELECT period_month::VARCHAR AS period_month, lock_no, is_locked, decided_at::VARCHAR AS decided_at, decided_by,
               decided_uid, decided_identity, reason
        FROM ops.locks ORDER BY rowid
        """,
    )


def _entries(con: Connection, kind: str, sql: str, given: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
    return [{"kind": kind} | _plain(row) for row in rows(con, sql, given)]


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
