"""Great Expectations' Data Docs of a close: what was checked, as users of that library know it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from expectations import KeptCheck, build_data_docs, turned_round
from kam.errors import UsageError
from kam.periods import month_name
from kam.publish.month_report import Written, made_aside, swap_in
from kam.site import Site
from kam.warehouse import LAST_TRIED, Connection, rows

_GENERATOR = "kam-close data docs"


@dataclass(frozen=True)
class RecordedChecks:
    """The checks of a month's last attempt, as rows of `ops.checks`.

    `version` is 0 for an attempt that failed; `at` (UTC) is when it was closed or tried.
    """

    month: date
    version: int
    at: datetime
    checks: Sequence[Mapping[str, Any]]

    @property
    def failed(self) -> list[Mapping[str, Any]]:
        """The rules that failed, the gravest first."""
        gravity = ("critical", "warning", "info")
        return sorted(
            (check for check in self.checks if not check["success"]),
            key=lambda check: (gravity.index(check["severity"]), -check["failed_count"], check["check_name"]),
        )


def recorded_checks(con: Connection, month: date | None = None) -> RecordedChecks | None:
    """The checks of a month, by default of the newest one that was closed or tried; None without any.

    Raises `UsageError` for a month that was neither closed nor tried.
    """
    tried = {row["period_month"]: row["close_version"] for row in rows(con, LAST_TRIED)}
    if month is not None and month not in tried:
        message = f"{month_name(month)} was never closed, so nothing of it was checked"
        raise UsageError(message)
    if not tried:
        return None
    of = month or max(tried)
    version = tried[of]
    ledger, moment = ("closes", "closed_at") if version else ("failed_closes", "failed_at")
    where = f"period_month = ?{' AND close_version = ?' if version else ''}"
    (at,) = con.execute(
        f"SELECT {moment} FROM ops.{ledger} WHERE {where}", [of, version][: 2 if version else 1]
    ).fetchall()[0]
    found = rows(con, "FROM ops.checks WHERE period_month = ? AND close_version = ? ORDER BY rowid", [of, version])
    checks = [row | {"finding": "" if row["success"] else finding_of(row)} for row in found]
    return RecordedChecks(of, version, at, checks)


def finding_of(check: Mapping[str, Any]) -> str:
    """What is wrong, as recorded; made from the rule's sentence where an earlier release closed the month."""
    return str(check["finding"] or turned_round(check["sentence"], check["failed_count"]))


def write_data_docs(site: Site, recorded: RecordedChecks, folder: Path | None = None) -> Written:
    """Data Docs of the recorded checks in `published/data-docs/<month>`, or another folder, which is replaced once they are complete.

    Raises `UsageError` for a folder that holds anything else, `KamError` when the folder cannot be written.
    """
    target = folder or site.published / "data-docs" / month_name(recorded.month)
    _require_ours(target)
    checks = [
        KeptCheck(
            name=row["check_name"],
            suite=row["suite"],
            table=row["table_name"],
            severity=row["severity"],
            sentence=row["sentence"],
            finding=row["finding"],
            owner=row["owner"],
            if_it_fails=row["if_it_fails"],
            success=row["success"],
            checked_count=row["checked_count"],
            failed_count=row["failed_count"],
            keys=json.loads(row["sample_keys"]),
        )
        for row in recorded.checks
    ]
    with made_aside(target.parent) as aside:
        made = aside / "pages"
        made.mkdir()
        name = site.settings.site.name
        build_data_docs(checks, made, site=name, month=recorded.month, version=recorded.version, at=recorded.at)
        swap_in(made, target, aside / "before")
    return Written((target / "index.html",), len(checks))


def _require_ours(folder: Path) -> None:
    """Nothing but Data Docs of ours is ever replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    index = folder / "index.html"
    if not index.is_file() or _GENERATOR not in index.read_text(encoding="utf-8", errors="replace"):
        message = f"{folder}: holds something else than Data Docs, and would be replaced. Name a new folder"
        raise UsageError(message)
