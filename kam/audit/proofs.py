"""Proves a closed version: rebuilds it from the archive alone, as known at its load, and compares table by table.

The ledger beside the archive says from which loads, settings and opening balance a version was made. These loads, the
version and those that it opens from are rebuilt in a scratch warehouse. The site's own warehouse is not read, so later
loads, restatements or its loss do not matter. The published rows are hashed as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from kam.archive import ledger, store
from kam.audit.aside import Aside
from kam.audit.replay import replayed
from kam.build import content_query, marts, models_hash
from kam.errors import KamError, UsageError
from kam.periods import add_months, month_name
from kam.publish import PUBLISHED_FILE
from kam.site import Site, scratch_folder
from kam.warehouse import Connection, literal, memory, open_read_only

Entry = Mapping[str, Any]
# Content hash and row count by table.
Content = Mapping[str, tuple[str, int]]


@dataclass(frozen=True)
class TableProof:
    """The content hashes of one result table of a version; None where it has no rows, or is not published.

    `rows` is the number of rebuilt rows.
    """

    table: str
    rows: int
    recorded: str | None
    rebuilt: str | None
    published: str | None
    is_published: bool

    @property
    def is_equal(self) -> bool:
        """Whether the recorded, rebuilt and published hashes are equal."""
        return self.recorded == self.rebuilt and (not self.is_published or self.published == self.recorded)


@dataclass(frozen=True)
class Proof:
    """The proof of one version; `closes_made` counts it and those that it opens from.

    `approval_fault` says what is wrong with its approval: of other content, or lacking although readers see it.
    """

    month: date
    version: int
    as_of_load: int
    tables: Sequence[TableProof]
    loads_made: int
    closes_made: int
    models_changed: bool
    is_published: bool
    approved_by: str = ""
    approval_fault: str = ""

    @property
    def name(self) -> str:
        """Its name on the console."""
        return f"{month_name(self.month)} version {self.version}"

    @property
    def holds(self) -> bool:
        """Whether every table is equal, and the approval is of this content."""
        return not self.approval_fault and self.tables_hold

    @property
    def tables_hold(self) -> bool:
        """Whether every table is equal."""
        return all(table.is_equal for table in self.tables)


def verify(
    site: Site,
    month: date | None = None,
    version: int | None = None,
    *,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Proof]:
    """Rebuild a version of a month (the newest unless one is named) and compare it; without a month, all versions.

    Raises `UsageError` when the ledger does not have it, `KamError` when the archive lacks a file or has it with other
    bytes.
    """
    entries = ledger.listed(site)
    closes = {_key(close): close for close in entries if ledger.is_close(close)}
    approvals = {_key(approval): approval for approval in entries if ledger.is_approval(approval)}
    targets = [_target(site, closes, month, version)] if month else sorted(closes.values(), key=_key)
    if not targets:
        message = f"{site.ledger_name} lists no closed month. Next: {site.command('close', 'MONTH')}"
        raise UsageError(message)
    openings = {_key(target): _with_its_openings(closes, target) for target in targets}
    wanted = set().union(*openings.values())
    known = max(target["as_of_load"] for target in targets)
    loads = [entry for entry in entries if ledger.is_load(entry) and entry["load_id"] <= known]
    on_step("Comparing the archive with its ledger …")
    store.require_sound(site, loads, repair=False)
    with scratch_folder(site, "verify-") as folder:
        aside = Aside(site, folder)
        replayed(aside, [*loads, *(close for key, close in closes.items() if key in wanted)], on_step)
        with open_read_only(aside) as con:
            rebuilt = [_content(con, "marts", target) for target in targets]
    return [
        Proof(
            date.fromisoformat(target["period_month"]),
            target["close_version"],
            target["as_of_load"],
            _compared(target["manifest"]["content"], made, published),
            sum(load["load_id"] <= target["as_of_load"] for load in loads),
            len(openings[_key(target)]),
            target["models_hash"] != models_hash(),
            published is not None,
            _approver(approvals.get(_key(target))),
            _approval_fault(target, approvals.get(_key(target)), is_published=published is not None),
        )
        for target, made, published in zip(targets, rebuilt, _published(site, targets), strict=True)
    ]


def _approver(approval: Entry | None) -> str:
    return str(approval["approved_identity"] or approval["approved_by"]) if approval else ""


def _approval_fault(close: Entry, approval: Entry | None, *, is_published: bool) -> str:
    if approval is None:
        lacks = is_published and close.get("needs_approval")
        return "readers see it although nobody approved it" if lacks else ""
    if approval["content_hash"] == close["content_hash"]:
        return ""
    return f"{_approver(approval)} approved other content, with the hash {approval['content_hash']}"


def _compared(recorded: Mapping[str, str], rebuilt: Content, published: Content | None) -> list[TableProof]:
    return [
        TableProof(
            name,
            rebuilt[name][1] if name in rebuilt else 0,
            recorded.get(name),
            rebuilt[name][0] if name in rebuilt else None,
            published[name][0] if published and name in published else None,
            published is not None,
        )
        for name in sorted({*recorded, *rebuilt, *(published or {})})
    ]


def _key(close: Entry) -> tuple[str, int]:
    return close["period_month"], close["close_version"]


def _target(site: Site, closes: Mapping[tuple[str, int], Entry], month: date, version: int | None) -> Entry:
    versions = [number for period, number in closes if period == month.isoformat()]
    if not versions:
        message = f"{month_name(month)} is not closed: {site.ledger_name} does not list it. Next: {site.command('close', month_name(month))}"
        raise UsageError(message)
    if version is not None and version not in versions:
        message = (
            f"{month_name(month)} has no version {version}; its versions are {', '.join(map(str, sorted(versions)))}"
        )
        raise UsageError(message)
    return closes[month.isoformat(), version or max(versions)]


def _with_its_openings(closes: Mapping[tuple[str, int], Entry], target: Entry) -> set[tuple[str, int]]:
    """The version, the one that it opens from, the one which that opens from, and so on."""
    wanted = {_key(target)}
    close = target
    while (opened_from := close["manifest"]["opened_from_version"]) is not None:
        before = add_months(date.fromisoformat(close["period_month"]), -1).isoformat()
        if (before, opened_from) not in closes:
            message = f"version {opened_from} of {before[:7]}, which {close['period_month'][:7]} opens from, is not in the ledger"
            raise KamError(message)
        close = closes[before, opened_from]
        wanted.add(_key(close))
    return wanted


def _content(con: Connection, schema: str, target: Entry) -> Content:
    """The content of each table of a version that has rows."""
    condition = f"WHERE period_month = DATE '{target['period_month']}' AND close_version = {target['close_version']}"
    found = con.execute(
        " UNION ALL ".join(
            content_query(mart.name, f"(FROM {schema}.{mart.name} {condition})", mart.all_columns) for mart in marts()
        )
    )
    return {name: (content_hash, row_count) for _, name, content_hash, row_count in found.fetchall()}


def _published(site: Site, targets: Sequence[Entry]) -> list[Content | None]:
    """The same of the published file; None where that is not there, cannot be read or lacks the version."""
    file = site.published / PUBLISHED_FILE
    if not file.exists():
        return [None] * len(targets)
    with memory() as con:
        try:
            con.execute(f"ATTACH {literal(str(file))} AS published (READ_ONLY)")
            found = con.execute("SELECT period_month::VARCHAR, close_version FROM published.ops.closes").fetchall()
            return [_content(con, "published.marts", target) if _key(target) in found else None for target in targets]
        except duckdb.Error:
            return [None] * len(targets)
