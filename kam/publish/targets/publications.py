"""Publishing to the targets of a site: each tried a few times, and on record with what it has, or why not."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from kam.errors import KamError, UsageError
from kam.periods import month_name
from kam.publish.targets.databases import Database
from kam.publish.targets.editions import CaughtUp, Edition, Target, editions
from kam.publish.targets.files import Pack, ParquetFiles, Workbooks
from kam.site import Site
from kam.stops import check
from kam.timing import Step, step
from kam.warehouse import Connection, insert, literal, rows, stored, utc_now

_PAUSES = (1, 3)
"""Seconds to wait before the second try and before the third, which is the last."""
_NAMED_MONTHS = 3
log = logging.getLogger("kam")


@dataclass(frozen=True)
class TargetState:
    """A target as its last publication left it: the newest month it has, and since when and why it fails, or empty."""

    name: str
    months: int
    newest: date | None
    tried_at: dt.datetime | None
    failed_since: dt.datetime | None
    error: str
    notes: tuple[str, ...]


def targets_of(site: Site) -> list[Target]:
    """The targets that `[publish]` names."""
    publish, folder = site.settings.publish, site.published
    found: list[Target] = []
    if publish.parquet:
        found.append(ParquetFiles(folder / "parquet"))
    if publish.xlsx:
        found.append(Workbooks(folder / "reports"))
    if publish.pack:
        found.append(Pack(folder))
    return [*found, *(Database(name, settings) for name, settings in publish.databases.items())]


def publish_to_targets(con: Connection, site: Site, *, again: bool = False) -> bool:
    """Bring every target up to date with the published file; whether any was written to.

    Never raises for a target: one that fails is logged and on record, and caught up at the next publication. With `again` targets of files
    write the newest month whatever they have.
    """
    targets = targets_of(site)
    _forget_others(con, [target.name for target in targets])
    if not targets:
        return False
    wanted = editions(con)
    done: list[bool] = []
    for target in targets:
        with step("target", target.name) as now:
            done.append(_publish(con, site, target, wanted, now, again=again))
            now.outcome = "failed" if now.error else "done" if done[-1] else "unchanged"
    return any(done)


def faults_of_targets(site: Site) -> list[str]:
    """What is wrong with the targets of a site, one line each; nothing is written."""
    return [f"[publish] {target.name}: {fault}" for target in targets_of(site) for fault in target.faults()]


def target_states(con: Connection, site: Site) -> list[TargetState]:
    """The targets of a site in the order of their names, also those that were not tried yet."""
    try:
        tried = {row["target"]: row for row in rows(con, "FROM ops.targets")}
        held = rows(
            con,
            "SELECT target, count(*) AS months, max(period_month) AS newest FROM ops.publications WHERE close_version > 0 GROUP BY ALL",
        )
    except duckdb.CatalogException:  # a warehouse that no run of this release has opened for writing yet
        tried, held = {}, []
    has = {row["target"]: (row["months"], row["newest"]) for row in held}
    found = []
    for name in sorted(target.name for target in targets_of(site)):
        row = tried.get(name, {})
        months, newest = has.get(name, (0, None))
        found.append(
            TargetState(
                name,
                months,
                newest,
                row.get("tried_at"),
                row.get("failed_since"),
                row.get("last_error") or "",
                tuple(json.loads(row.get("notes") or "[]")),
            )
        )
    return found


def _publish(con: Connection, site: Site, target: Target, wanted: Sequence[Edition], now: Step, *, again: bool) -> bool:
    log.info("Publishing to %s …", target.name)
    held = {
        row["period_month"]: row["stamp"]
        for row in rows(con, "SELECT period_month, stamp FROM ops.publications WHERE target = ?", [target.name])
    }
    try:
        caught = _tried(site, target, wanted, held, again=again)
    except Exception as error:  # noqa: BLE001 - a close must not fail because a target does
        check()
        # The text of an unknown error may hold a secret.
        why = str(error) if isinstance(error, KamError) else f"unexpected {type(error).__name__}"
        _keep_failure(con, target.name, why)
        now.error = why
        log.warning(
            "Not published to %s: %s. Caught up by the next close, or by: %s", target.name, why, site.command("publish")
        )
        return False
    _keep(con, target.name, wanted, caught)
    if caught.written or caught.removed:
        log.info("Published to %s: %s", target.name, _in_words(caught))
    for note in caught.notes:
        log.warning("%s: %s", target.name, note)
    return bool(caught.written or caught.removed)


def _tried(site: Site, target: Target, wanted: Sequence[Edition], held: Mapping[date, str], *, again: bool) -> CaughtUp:
    for pause in _PAUSES:
        try:
            return target.catch_up(site, wanted, held, again=again)
        except UsageError:
            raise  # a setting or a file of somebody else: it does not go away by waiting
        except KamError as error:
            log.info("%s: %s. It is tried again in %g seconds …", target.name, error, pause)
            time.sleep(pause)
    return target.catch_up(site, wanted, held, again=again)


def _in_words(caught: CaughtUp) -> str:
    parts = [
        f"{_months(months)}{what}" for months, what in ((caught.written, ""), (caught.removed, " removed")) if months
    ]
    return "; ".join(parts)


def _months(months: Sequence[date]) -> str:
    if len(months) <= _NAMED_MONTHS:
        return ", ".join(map(month_name, months))
    return f"{len(months)} months, {month_name(min(months))} to {month_name(max(months))}"


def _keep(con: Connection, name: str, wanted: Sequence[Edition], caught: CaughtUp) -> None:
    """Put on record what a target has now; months that it had already keep the time when they came."""
    by_month = {edition.month: edition for edition in wanted}
    now = utc_now()
    with stored(con):
        had = {row["period_month"]: row for row in rows(con, "FROM ops.publications WHERE target = ?", [name])}
        con.execute("DELETE FROM ops.publications WHERE target = ?", [name])
        kept = [
            had[month]
            if month in had and had[month]["stamp"] == stamp and month not in caught.written
            else {
                "target": name, "period_month": month, "close_version": by_month[month].version,
                "content_hash": by_month[month].content_hash, "stamp": stamp, "published_at": now,
            }
            for month, stamp in sorted(caught.stamps.items())
        ]  # fmt: skip
        insert(con, "ops.publications", kept)
        con.execute("DELETE FROM ops.targets WHERE target = ?", [name])
        insert(con, "ops.targets", [{"target": name, "tried_at": now, "notes": json.dumps(list(caught.notes))}])


def _keep_failure(con: Connection, name: str, why: str) -> None:
    now = utc_now()
    with stored(con):
        failed = con.execute("SELECT failed_since FROM ops.targets WHERE target = ?", [name]).fetchone()
        since = failed[0] if failed and failed[0] else now
        con.execute("DELETE FROM ops.targets WHERE target = ?", [name])
        insert(con, "ops.targets", [{"target": name, "tried_at": now, "failed_since": since, "last_error": why}])


def _forget_others(con: Connection, names: Sequence[str]) -> None:
    """Remove the records of targets that the settings do not name any more: what they have is no matter of ours."""
    named = ", ".join(map(literal, names)) or "NULL"
    for table in ("publications", "targets"):
        con.execute(f"DELETE FROM ops.{table} WHERE coalesce(target NOT IN ({named}), true)")
