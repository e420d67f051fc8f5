"""What is new about accounts: a message per account manager with the flags that the newest month raised or cleared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kam.alerts.findings import fingerprint
from kam.alerts.harmless_text import harmless
from kam.alerts.queue import Alert, Standing, SubjectState
from kam.alerts.wording import LONGEST_SENTENCE, cut_short, page_address
from kam.close import Outcome, Run
from kam.periods import month_name
from kam.publish import newest_flags
from kam.site import Site
from kam.warehouse import Connection
from kam.words import counted


def digests(con: Connection, site: Site, run: Run) -> list[Alert]:
    """The digests of the newest closed month, if this run closed it or found it unchanged; none that nobody asked for."""
    if not any("flags" in channel.events for channel in site.settings.alerts.channels.values()):
        return []
    flags = newest_flags(con)
    closed = {month.month for month in run.report.months if month.outcome in (Outcome.CLOSED, Outcome.UNCHANGED)}
    if flags is None or flags.month not in closed:
        return []
    by_manager: dict[str, list[dict[str, Any]]] = {}
    for row in flags.rows:
        if row["state"] != "continuing":
            by_manager.setdefault(row["account_manager"], []).append(row)
    return [_digest(site, manager, of_manager) for manager, of_manager in sorted(by_manager.items())]


def _digest(site: Site, manager: str, flags: Sequence[dict[str, Any]]) -> Alert:
    month = flags[0]["period_month"]
    raised, cleared = ([row for row in flags if row["state"] == state] for state in ("raised", "cleared"))
    what = (
        f"{month_name(month)}: {counted(len(raised), 'flag')} raised and {len(cleared)} cleared for {harmless(manager)}"
    )
    paragraphs = [
        f"{title}:\n{cut_short([_line(row) for row in found])}"
        for title, found in (("New", raised), ("Over", cleared))
        if found
    ]
    text = "\n\n".join(
        [f"{what}.", *paragraphs, "All flags: reporting.account_flags", f"Page: {page_address(site, [month])}"]
    )
    state = SubjectState(
        Standing.WARNED, fingerprint([(f"{row['account_id']} {row['rule']}", row["state"]) for row in flags])
    )
    subject = f"flags {month_name(month)} {manager}"
    return Alert(
        "flags",
        "info",
        f"{harmless(site.settings.site.name)}: {what}",
        text,
        [month],
        {subject: state},
        manager=manager,
    )


def _line(flag: dict[str, Any]) -> str:
    account = f"{harmless(flag['account_name'])} ({harmless(flag['account_id'])})"
    return f"- {account}: {harmless(flag['sentence'], LONGEST_SENTENCE)} [{flag['rule']}, {flag['severity']}]"
