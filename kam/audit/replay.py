"""Rebuilds the warehouse from the archive and its ledger alone: every load, then every closed version.

It is built beside the old one, which stays in its place until the new one is complete. Each load is read from the
archived bytes with its original mapping. Each version is computed as known at its load, with its original settings and
the current models, and compared with the content hash in the ledger.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from kam import telemetry
from kam.archive import archived, ledger, store
from kam.audit.aside import Aside
from kam.audit.migration import replace_lake
from kam.build import models_hash, prepare_build, prepare_marts, record_content, run_models
from kam.close import versions
from kam.errors import ArchiveIncompleteError, KamError, UsageError
from kam.ingest import Extract, SourceFile, replay
from kam.periods import add_months
from kam.site import SETTINGS_FILE, Settings, Site, scratch_folder, validate_settings
from kam.timing import run, step
from kam.warehouse import (
    Connection,
    FileStore,
    LakeStore,
    insert,
    kept_steps,
    prepare,
    rows,
    store_of,
    transaction,
    warehouse,
    writing,
)

_COUNTS = ("read_count", "loaded_count", "unchanged_count", "rejected_count", "superseded_count")
Entry = Mapping[str, Any]
log = logging.getLogger("kam")


@dataclass
class RebuildReport:
    """What was rebuilt; `differences` names each version that differs, and `kept` then names the old file."""

    load_count: int = 0
    row_count: int = 0
    close_count: int = 0
    differences: list[str] = field(default_factory=list)
    kept: str = ""


def rebuild(
    site: Site,
    *,
    force: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
    on_wait: Callable[[str], None] = log.info,
) -> RebuildReport:
    """Make the warehouse again and put it in the place of the old one: a file, or a lake beside the one in use.

    Raises `UsageError` when there is a warehouse with loads in it and not `force`; `KamError` when the archive lacks a
    file or has it with other bytes, or a load differs from the ledger. The old warehouse stays then.
    """
    with ExitStack() as held:
        held.enter_context(run("rebuild", (), telemetry.listeners(site.settings.site.name)))
        # Of a lake only the lock: whatever state the lake is in, it is not opened for that.
        turn: Callable[..., AbstractContextManager[Any]]
        turn = LakeStore(site).turn if site.has_lake else partial(writing, site)
        patience = site.settings.run.busy_timeout_seconds
        lock: Any = held.enter_context(turn("rebuild", wait_seconds=patience, on_wait=on_wait))
        if site.has_lake:
            LakeStore(site).require_storage()
        _bring_ledger_up_to_date(site)
        entries = ledger.listed(site)
        if not entries:
            message = f"{site.ledger_name}: lists no load, so there is nothing to rebuild"
            raise KamError(message)
        if not force and _holds_anything(site):
            message = f"{store_of(site).name}: exists already. To replace it with one rebuilt from the archive: {site.command('rebuild', '--force')}"
            raise UsageError(message)
        on_step("Comparing the archive with its ledger …")
        store.require_sound(site, entries, repair=True)
        with scratch_folder(site, "rebuild-") as folder:
            aside = Aside(site, folder)
            report = replayed(aside, entries, on_step)
            _take_over_alerts(site, aside)
            report.kept = _kept(site) if report.differences else ""
            if site.has_lake:
                replace_lake(site, FileStore(aside), lock, on_step)
            else:
                _swap(aside, site)
    return report


def _bring_ledger_up_to_date(site: Site) -> None:
    """Add the lines that a process could not add because it was killed right after a commit.

    A warehouse that is incomplete or cannot be opened is not an error here: the rebuild replaces it.
    """
    if not store_of(site).exists():
        return
    try:
        with warehouse(site) as con:
            if not ledger.lists_all(con, site):
                ledger.sync(con, site)
    except ArchiveIncompleteError:
        raise
    except (KamError, duckdb.Error):
        return


def _holds_anything(site: Site) -> bool:
    """Whether a warehouse exists and may have content; one that cannot be opened may."""
    if not store_of(site).exists():
        return False
    try:
        with warehouse(site) as con:
            return bool(
                con.execute("SELECT (SELECT count(*) FROM ops.loads) + (SELECT count(*) FROM ops.closes)").fetchall()[
                    0
                ][0]
            )
    except (KamError, duckdb.Error):
        return True


def replayed(aside: Site, entries: Sequence[Entry], on_step: Callable[[str], None]) -> RebuildReport:
    """Repeat the loads and closes of these lines of the ledger in a new warehouse.

    Raises `KamError` when a load cannot be repeated or differs from the ledger.
    """
    loads = [entry for entry in entries if ledger.is_load(entry)]
    closes = [entry for entry in entries if ledger.is_close(entry)]
    report = RebuildReport()
    with warehouse(aside) as con, kept_steps(con):
        for number, entry in enumerate(sorted(loads, key=lambda entry: entry["load_id"]), start=1):
            on_step(f"Load {number:,} of {len(loads):,}: {entry['feed']} {entry['source']}")
            with step("load", entry["feed"]) as now:
                _replay(con, aside, entry)
                now.row_count = entry["read_count"]
            report.load_count += 1
            report.row_count += entry["loaded_count"]
        for group in _groups(closes):
            names = " to ".join(dict.fromkeys(close["period_month"][:7] for close in (group[0], group[-1])))
            on_step(f"Closing again as known at load {group[0]['as_of_load']}: {names}")
            with step("close again", names):
                report.differences += _close_again(con, group)
            report.close_count += len(group)
        _insert(con, "ops.withdrawals", [entry for entry in entries if ledger.is_withdrawal(entry)])
        _insert(con, "ops.approvals", [entry for entry in entries if ledger.is_approval(entry)])
        _insert(con, "ops.locks", [entry for entry in entries if ledger.is_lock(entry)])
        con.execute("RESET VARIABLE as_of_load")
        prepare(con, aside.settings.site.reporting_currency, aside.settings.corrections)
        report.differences += _not_as_approved(con)
        con.execute("CHECKPOINT")
    return report


def _not_as_approved(con: Connection) -> list[str]:
    """A line for each version that somebody approved with another content."""
    found = con.execute(
        """
        SELECT strftime(period_month, '%Y-%m') || ' version ' || close_version || ': '
            || coalesce(approved_identity, approved_by) || ' approved other content, so it is not published as it is now'
        FROM ops.approvals AS approvals
        JOIN ops.closes AS closes USING (period_month, close_version)
        WHERE approvals.content_hash IS DISTINCT FROM closes.content_hash
        ORDER BY ALL
        """
    )
    return [line for (line,) in found.fetchall()]


def _replay(con: Connection, site: Site, entry: Entry) -> None:
    """Repeat the load of a line of the ledger; raises `KamError` when its counts differ."""
    files = tuple(SourceFile(file["name"], archived(site, file["sha256"]), file["sha256"]) for file in entry["files"])
    extract = Extract(entry["feed"], entry["source"], files, entry["sha256"], watermark=entry.get("watermark"))
    name = f"load {entry['load_id']} ({entry['feed']}: {entry['source']})"
    try:
        result = replay(con, site, extract, entry)
    except (KamError, ValueError, KeyError) as error:
        message = f"{name} cannot be repeated: {str(error).splitlines()[0]}. Nothing was changed"
        raise KamError(message) from None
    different = [
        f"{count.removesuffix('_count')} {getattr(result, count):,} instead of {entry[count]:,}"
        for count in _COUNTS
        if getattr(result, count) != entry[count]
    ]
    if different:
        message = f"{name} differs from the ledger: {', '.join(different)}. Nothing was changed"
        raise KamError(message)
    con.execute("UPDATE ops.loads SET mapping_hash = ? WHERE load_id = ?", [entry["mapping_hash"], entry["load_id"]])


def _groups(closes: Sequence[Entry]) -> list[list[Entry]]:
    """Closes that can be computed together: in a row, of the same state, none opening from another of them."""
    groups: list[list[Entry]] = []
    for close in closes:
        last = groups[-1] if groups else []
        if last and _goes_with(close, last):
            last.append(close)
        else:
            groups.append([close])
    return groups


def _goes_with(close: Entry, group: Sequence[Entry]) -> bool:
    months = {other["period_month"] for other in group}
    first = group[0]
    return (
        close["as_of_load"] == first["as_of_load"]
        and close["manifest"].get("settings") == first["manifest"].get("settings")
        and close["period_month"] not in months
        and (close["manifest"]["opened_from_version"] is None or _month_before(close) not in months)
    )


def _month_before(close: Entry) -> str:
    return add_months(date.fromisoformat(close["period_month"]), -1).isoformat()


def _close_again(con: Connection, group: Sequence[Entry]) -> list[str]:
    """Compute and commit versions again; returns a line for each that differs from the record."""
    settings = _settings_of(group[0])
    months = [date.fromisoformat(close["period_month"]) for close in group]
    prepare(con, settings.site.reporting_currency, settings.corrections)
    prepare_marts(con)
    prepare_build(con, settings, months, as_of_load=group[0]["as_of_load"])
    for close in group:
        con.execute(
            "UPDATE build.periods SET previous_version = ? WHERE period_month = ?",
            [close["manifest"]["opened_from_version"], close["period_month"]],
        )
    run_models(con, settings.available)
    record_content(con)
    found = con.execute("SELECT DISTINCT table_name FROM build.content")
    tables = [name for (name,) in found.fetchall()]
    with transaction(con):
        versions.keep_rows(
            con, {month: close["close_version"] for month, close in zip(months, group, strict=True)}, tables
        )
    return [line for close in group if (line := _commit_again(con, close))]


def _settings_of(close: Entry) -> Settings:
    """The settings that a version was computed with. Raises `KamError` when the ledger does not have them."""
    name = f"version {close['close_version']} of {close['period_month'][:7]}"
    text = close["manifest"].get("settings")
    if text is None:
        message = f"{name}: the ledger lacks the settings that it was computed with. Nothing was changed"
        raise KamError(message)
    document = json.loads(text)
    feeds = {feed: {"files": "archive"} for feed in document["feeds"]}
    return validate_settings(document | {"feeds": feeds}, Path(f"{name}: {SETTINGS_FILE}"))


def _commit_again(con: Connection, close: Entry) -> str:
    """Write the record of one version, whose rows are there, from the ledger; returns how it differs, empty when it does not."""
    month, version = date.fromisoformat(close["period_month"]), close["close_version"]
    made = versions.candidate(con, month)
    manifest = dict(close["manifest"])
    recorded = manifest["content"]
    manifest["content"] = dict(made.tables)
    manifest["loads"] = versions.loads_known(con, close["as_of_load"])
    with transaction(con):
        values = {**close, "content_hash": made.content_hash, "manifest": json.dumps(manifest, sort_keys=True)}
        _insert(con, "ops.closes", [values])
        of_version = {"period_month": month, "close_version": version}
        checks = [{**check, "sample_keys": json.dumps(check["sample_keys"])} for check in close["checks"]]
        _insert(con, "ops.checks", [{**check, **of_version} for check in checks])
        _insert(con, "ops.control_totals", [{**total, **of_version} for total in close["control_totals"]])
        versions.keep_corrections(con, month, version)
    if made.content_hash == close["content_hash"]:
        return ""
    tables = [table for table in sorted({*made.tables, *recorded}) if made.tables.get(table) != recorded.get(table)]
    why = (
        "because the models changed since"
        if close["models_hash"] != models_hash()
        else "although the models have not changed"
    )
    return f"{close['period_month'][:7]} version {version}: different rows in {', '.join(tables)}, {why}"


def _insert(con: Connection, table: str, records: Sequence[Entry]) -> None:
    """Add rows to a table of `ops`; names that it does not have are left out, those of later releases have defaults."""
    columns = [row["column_name"] for row in rows(con, f"DESCRIBE {table}")]
    for record in records:
        insert(con, table, [{name: record[name] for name in columns if name in record}])


def _take_over_alerts(site: Site, aside: Site) -> None:
    """Copy the alerts that were sent or still wait, if the old warehouse can still be read.

    They are not in the archive: no figure depends on them. If they are lost, a failure is reported once more.
    """
    if not store_of(site).exists():
        return
    with suppress(KamError, duckdb.Error), warehouse(aside) as con:
        store_of(site).attach(con, "before")
        with transaction(con):
            for table in ("alerts", "alert_subjects", "alert_deliveries"):
                con.execute(f"INSERT INTO ops.{table} BY NAME FROM before.ops.{table}")


def _kept(site: Site) -> str:
    """A second name for the old file, so that it survives the swap; empty when there is no old warehouse. An old lake stays anyway."""
    if site.has_lake:
        return LakeStore(site).place()
    if not site.warehouse.exists():
        return ""
    name = site.warehouse.with_name("warehouse.before-rebuild.duckdb")
    name.unlink(missing_ok=True)
    os.link(site.warehouse, name)
    return str(name)


def _swap(aside: Site, site: Site) -> None:
    """One rename. What a crashed writer left in the old log goes into the old file first, or is lost with it."""
    log = site.warehouse.with_name(site.warehouse.name + ".wal")
    if log.exists():
        _holds_anything(site)  # opening and closing it writes the log into the file
        log.unlink(missing_ok=True)
    with aside.warehouse.open("rb") as stream:
        os.fsync(stream.fileno())
    aside.warehouse.replace(site.warehouse)
