"""Sign-off: who approved which version for readers, and which months are locked.

A version is approved once, as it was stored: the record has its content hash. Only the newest version of a month can be approved,
so that nobody publishes one that was replaced meanwhile. A month that is locked gets no other version.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from kam.build import content_query, marts, models_hash
from kam.close.versions import content_hash_of, last_version, shown_version
from kam.errors import KamError, UsageError
from kam.periods import add_months, month_name
from kam.site import Site
from kam.warehouse import Connection, acting, insert, rows, sql_text, stored, utc_now


@dataclass(frozen=True)
class Approval:
    """A version that is approved, who did it and when (UTC); `is_new` when this run did it."""

    month: date
    version: int
    approved_by: str
    approved_at: dt.datetime
    is_new: bool


@dataclass(frozen=True)
class Lock:
    """A lock that a month has: who set it, when (UTC), and why."""

    month: date
    locked_by: str
    locked_at: dt.datetime
    reason: str

    def __str__(self) -> str:
        """`2026-10 is locked by anna since 2026-11-09: audited`."""
        return f"{month_name(self.month)} is locked by {self.locked_by} since {self.locked_at:%Y-%m-%d}: {self.reason}"


@dataclass(frozen=True)
class Waiting:
    """A version that waits for approval, and the one that readers see meanwhile; 0 for none."""

    month: date
    version: int
    seen: int
    verdict: str
    closed_at: dt.datetime
    closed_by: str


def waiting_versions(con: Connection) -> list[Waiting]:
    """The versions that wait for approval, the oldest month first."""
    return [Waiting(**row) for row in rows(con, sql_text("close/waiting_versions.sql"))]


def is_preliminary(con: Connection, month: date, version: int) -> bool:
    """Whether a version waits for approval."""
    return any((found.month, found.version) == (month, version) for found in waiting_versions(con))


def approve(con: Connection, site: Site, wanted: Mapping[date, int], comment: str) -> list[Approval]:
    """Approve a version of each of these months, all or none, the oldest month first; one that is approved already stays as it is.

    Raises `UsageError` for a version that is not there, was withdrawn or replaced, needs no approval, opens from a version that readers do
    not see, or was closed by the same person where `[publish] four_eyes` asks for another one; `KamError` when its rows are not those
    that were closed.
    """
    found = []
    with stored(con):
        for month, version in sorted(wanted.items()):
            known = approval_of(con, month, version)
            found.append(known or _approve(con, site, month, version, comment))
    return found


def _approve(con: Connection, site: Site, month: date, version: int, comment: str) -> Approval:
    close = _close_to_approve(con, site, month, version)
    _require_opening_seen(con, site, month, version)
    _require_other_person(site, close)
    _require_same_content(con, site, month, version, close)
    now, person = utc_now(), acting(site)
    record = {
        "period_month": month,
        "close_version": version,
        "content_hash": close["content_hash"],
        "approved_at": now,
        **person.columns("approved"),
        "comment": comment,
    }
    insert(con, "ops.approvals", [record])
    return Approval(month, version, person.name, now, is_new=True)


def approval_of(con: Connection, month: date, version: int) -> Approval | None:
    """The approval of a version that stands, if it has one."""
    found = rows(
        con,
        """
        SELECT coalesce(approved_identity, approved_by) AS approved_by, approved_at
        FROM ops.approvals SEMI JOIN ops.standing_closes USING (period_month, close_version)
        WHERE period_month = ? AND close_version = ?
        """,
        [month, version],
    )
    return Approval(month, version, **found[0], is_new=False) if found else None


def _close_to_approve(con: Connection, site: Site, month: date, version: int) -> dict[str, object]:
    """The record of the version. Raises `UsageError` when it cannot be approved for what it is."""
    name = month_name(month)
    closes = {row["close_version"]: row for row in rows(con, sql_text("close/closes_of_month.sql"), [month])}
    if not closes:
        message = f"{name} is not closed, so there is nothing to approve. Next: {site.command('close', name)}"
        raise UsageError(message)
    if version not in closes:
        known = ", ".join(map(str, closes))
        message = f"{name} has no version {version}; its versions: {known}"
        raise UsageError(message)
    close, newest = closes[version], last_version(con, month)
    if close["is_withdrawn"]:
        message = f"{name} version {version} was withdrawn, and cannot be approved. Close the month again: {site.command('close', name)}"
        raise UsageError(message)
    if not close["is_preliminary"]:
        message = f"{name} version {version} needs no approval: it was published when it was closed"
        raise UsageError(message)
    if version != newest:
        newer = closes[newest]
        see = site.command("diff", name, f"--from {version} --to {newest}")
        then = f"Then approve version {newest}" if newer["is_preliminary"] else "Readers see that one. Keep it"
        message = (
            f"{name} version {version} was replaced by version {newest}, closed by {newer['closed_by']} at {newer['closed_at']:%Y-%m-%d %H:%M} UTC. "
            f"See what differs: {see}. {then}, or withdraw it first: {site.command('withdraw', name)}"
        )
        raise UsageError(message)
    return close


def _require_opening_seen(con: Connection, site: Site, month: date, version: int) -> None:
    """Raise `UsageError` when the month opens from a version that readers do not see: its opening balance would not be the last closing."""
    before = add_months(month, -1)
    found = con.execute(sql_text("close/opening_version.sql"), {"month": month, "before": before, "version": version})
    opened_from = found.fetchall()[0][0]
    seen = shown_version(con, before)
    if opened_from is None or opened_from == seen:
        return
    name, name_before = month_name(month), month_name(before)
    first = f"{name} version {version} opens from version {opened_from} of {name_before}"
    if is_preliminary(con, before, opened_from):
        both = approve_command(site, {before: opened_from, month: version})
        message = f"{first}, which is not approved. Approve that first, or both together: {both}"
    else:
        sees = f"version {seen}" if seen else "none"
        again = site.command("close", name, '--restate --reason "…"')
        message = f"{first}, and readers see {sees}. Make a version that opens from it: {again}"
    raise UsageError(message)


def _require_other_person(site: Site, close: Mapping[str, object]) -> None:
    """Raise `UsageError` when two persons have to look at a version and this one closed it."""
    person = acting(site)
    if site.settings.publish.four_eyes and person.name == close["closed_by"]:
        message = (
            f"{person} closed this version, and [publish] four_eyes wants somebody else to approve it. "
            "On this machine that is another user; on a Prefect server a deployment with another identity"
        )
        raise UsageError(message)


def _require_same_content(con: Connection, site: Site, month: date, version: int, close: Mapping[str, object]) -> None:
    """Raise `KamError` when the stored rows are not those that were closed. Of other models' tables that cannot be told."""
    if close["models_hash"] != models_hash():
        return
    condition = f"WHERE period_month = DATE '{month}' AND close_version = {version}"
    found = con.execute(
        " UNION ALL ".join(
            content_query(mart.name, f"(FROM marts.{mart.name} {condition})", mart.all_columns) for mart in marts()
        )
    )
    stored = {table: content_hash for _, table, content_hash, _ in found.fetchall()}
    if content_hash_of(stored) != close["content_hash"]:
        closed = json.loads(str(close["manifest"]))["content"]
        changed = [table for table in sorted({*stored, *closed}) if stored.get(table) != closed.get(table)]
        message = (
            f"{month_name(month)} version {version}: its rows are not those that were closed, in {', '.join(changed)}. "
            f"Rebuild the warehouse: {site.command('rebuild', '--force')}"
        )
        raise KamError(message)


def locks(con: Connection) -> list[Lock]:
    """The months that are locked now, in their order."""
    found = rows(
        con,
        "SELECT period_month AS month, coalesce(decided_identity, decided_by) AS locked_by, decided_at AS locked_at, reason "
        "FROM ops.locked_months ORDER BY ALL",
    )
    return [Lock(**row) for row in found]


def lock_of(con: Connection, month: date) -> Lock | None:
    """The lock of a month, if it has one."""
    return next((lock for lock in locks(con) if lock.month == month), None)


def require_unlocked(con: Connection, site: Site, months: Sequence[date]) -> None:
    """Raise `UsageError` when one of these months is locked."""
    for month in months:
        if lock := lock_of(con, month):
            message = f"{lock}. To open it: {unlock_command(site, month)}"
            raise UsageError(message)


def approve_command(site: Site, versions: Mapping[date, int]) -> str:
    """The command that approves these versions."""
    if len(versions) == 1:
        ((month, version),) = versions.items()
        return site.command("approve", month_name(month), f'--version {version} --comment "…"')
    named = (f"{month_name(month)}:{version}" for month, version in sorted(versions.items()))
    return site.command("approve", *named, '--comment "…"')


def look_command(site: Site, month: date) -> str:
    """The command that writes the pages of a version that waits for approval."""
    return site.command("report", month_name(month), "--html --preliminary")


def unlock_command(site: Site, month: date) -> str:
    """The command that opens the lock of a month."""
    return site.command("unlock", month_name(month), '--reason "…"')


def set_lock(con: Connection, site: Site, month: date, reason: str, *, is_locked: bool) -> None:
    """Lock a month, or open its lock.

    Raises `UsageError` for a month that is locked already, is not locked, is not closed, or has a version that waits for approval.
    """
    name, lock = month_name(month), lock_of(con, month)
    if not is_locked and lock is None:
        message = f"{name} is not locked"
        raise UsageError(message)
    if is_locked:
        if lock:
            message = f"{lock}. It stays locked"
            raise UsageError(message)
        _require_may_be_locked(con, site, month)
    (number,) = con.execute("SELECT count(*) + 1 FROM ops.locks WHERE period_month = ?", [month]).fetchall()[0]
    record = {
        "period_month": month,
        "lock_no": number,
        "is_locked": is_locked,
        "decided_at": utc_now(),
        **acting(site).columns("decided"),
        "reason": reason,
    }
    with stored(con):
        insert(con, "ops.locks", [record])


def _require_may_be_locked(con: Connection, site: Site, month: date) -> None:
    name, newest = month_name(month), last_version(con, month)
    if not newest:
        message = f"{name} is not closed, so there is nothing to lock. Next: {site.command('close', name)}"
        raise UsageError(message)
    if is_preliminary(con, month, newest):
        message = (
            f"{name} version {newest} waits for approval. Approve it first, or withdraw it: "
            f"{approve_command(site, {month: newest})}"
        )
        raise UsageError(message)
