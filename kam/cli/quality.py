"""What `kam quality` shows: the recorded checks of a month's last attempt."""

from __future__ import annotations

from kam.archive import ledger
from kam.periods import parse_month
from kam.publish import RecordedChecks, recorded_checks
from kam.site import Site


def recorded(site: Site, month: str | None) -> RecordedChecks | None:
    """The checks of a month, by default of the newest that was closed or tried; None before the first close.

    Raises `UsageError` for what is no month, or was never closed.
    """
    wanted = parse_month(month) if month else None
    with ledger.open_complete(site) as con:
        return recorded_checks(con, wanted)


def quality_rows(found: RecordedChecks) -> list[dict[str, str]]:
    """The rules that failed, as a table."""
    return [
        {
            "Severity": row["severity"],
            "What is wrong": row["finding"],
            "What to do": row["if_it_fails"],
            "Owner": row["owner"],
            "Check": row["check_name"],
        }
        for row in found.failed
    ]
