"""What `kam approve` and `kam status` say of sign-off."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from kam.close import Lock, Waiting, signoff
from kam.errors import UsageError
from kam.periods import month_name, parse_month
from kam.site import Site
from kam.warehouse import open_read_only
from kam.words import counted

Row = dict[str, Any]
_WITH_VERSION = re.compile(r"(?P<month>[^:]+):(?P<version>[1-9]\d*)")


def wanted_versions(site: Site, months: Sequence[str], version: int | None) -> Mapping[date, int]:
    """The version to approve of each month. Raises `UsageError` where none is named: who approves says what was looked at."""
    wanted: dict[date, int] = {}
    for given in months:
        named = _WITH_VERSION.fullmatch(given)
        month = parse_month(named["month"] if named else given)
        if named is None and (version is None or len(months) > 1):
            example = site.command("approve", month_name(month), '--version N --comment "…"')
            more = f"; of several months {month_name(month)}:N" if len(months) > 1 else ""
            message = f"{month_name(month)}: name the version that you looked at: {example}{more}. What waits: {site.command('status')}"
            raise UsageError(message)
        if (named and version is not None) or month in wanted:
            message = f"{month_name(month)}: the version is given twice; give it once"
            raise UsageError(message)
        wanted[month] = int(named["version"]) if named else int(version or 0)
    return wanted


def approval_lines(site: Site, wanted: Mapping[date, int]) -> list[str]:
    """Who approved these versions, a line each."""
    with open_read_only(site) as con:
        found = [signoff.approval_of(con, month, version) for month, version in sorted(wanted.items())]
    return [
        f"{month_name(one.month)}: version {one.version} is approved by {one.approved_by} "
        f"({one.approved_at:%Y-%m-%d %H:%M} UTC) and published."
        for one in found
        if one
    ]


def waiting_line(site: Site) -> str:
    """How many versions wait for approval, and where they are listed; empty without any."""
    with open_read_only(site) as con:
        count = len(signoff.waiting_versions(con))
    return f"Waiting for approval: {counted(count, 'version')}: {site.command('status')}" if count else ""


def waiting_rows(site: Site, found: Sequence[Waiting]) -> list[Row]:
    """The versions that wait for approval, each with the command."""
    return [
        {
            "Month": month_name(one.month),
            "Version": one.version,
            "Readers see": f"version {one.seen}" if one.seen else "nothing",
            "Verdict": one.verdict,
            "Closed (UTC)": f"{one.closed_at:%Y-%m-%d %H:%M}",
            "By": one.closed_by,
            "Approve": signoff.approve_command(site, {one.month: one.version}),
        }
        for one in found
    ]


def lock_rows(found: Sequence[Lock]) -> list[Row]:
    """The months that are locked."""
    return [
        {
            "Month": month_name(lock.month),
            "Locked (UTC)": f"{lock.locked_at:%Y-%m-%d %H:%M}",
            "By": lock.locked_by,
            "Reason": lock.reason,
        }
        for lock in found
    ]
