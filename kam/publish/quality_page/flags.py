"""The flags of the newest closed month, for people: `kam status`, the quality page and alerts show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from kam.warehouse import Connection, has_table, rows, sql_text

_ORDER = ("raised", "continuing", "cleared")


@dataclass(frozen=True)
class Flags:
    """The flags of one version of a month: the new ones first, the gravest first, then by account.

    `rows` have the columns of `account_flags`.
    """

    month: date
    version: int
    rows: list[dict[str, Any]]

    @property
    def summary(self) -> str:
        """`3 raised, 12 continuing, 1 cleared`."""
        return ", ".join(f"{len(self.of_state(state)):,} {state}" for state in _ORDER)

    def of_state(self, state: str) -> list[dict[str, Any]]:
        """The rows of a state."""
        return [row for row in self.rows if row["state"] == state]


def newest_flags(con: Connection) -> Flags | None:
    """The flags of the newest month that readers see; None before the first."""
    newest = con.execute(
        "SELECT period_month, max(close_version) FROM ops.shown_closes "
        "GROUP BY period_month ORDER BY period_month DESC LIMIT 1"
    ).fetchone()
    return flags_of(con, *newest) if newest else None


def flags_of(con: Connection, month: date, version: int) -> Flags:
    """The flags of a version of a month; none where an earlier release closed it."""
    if not has_table(con, "marts.account_flags"):
        return Flags(month, version, [])
    found = rows(con, sql_text("publish/flags.sql"), [month, version])
    return Flags(month, version, found)
