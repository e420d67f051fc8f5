"""Messages per account manager: the flags that the newest month raised or cleared, and the accounts that need attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kam.alerts.findings import fingerprint
from kam.alerts.harmless_text import harmless
from kam.alerts.queue import Alert, Standing, SubjectState
from kam.alerts.wording import LONGEST_SENTENCE, cut_short, pack_address, page_address
from kam.close import Outcome, Run
from kam.periods import month_name
from kam.publish import Flags, newest_flags
from kam.site import Site
from kam.warehouse import Connection
from kam.words import counted

_GRAVITY = ("critical", "warning")


def digests(con: Connection, site: Site, run: Run) -> list[Alert]:
    """The messages about the newest month that readers see, if this run closed or approved it or found it unchanged; none that nobody asked for."""
    asked_for = {event for channel in site.settings.alerts.channels.values() for event in channel.events}
    if not asked_for & {"flags", "attention"}:
        return []
    flags = newest_flags(con)
    seen = (Outcome.CLOSED, Outcome.UNCHANGED, Outcome.APPROVED)
    closed = {month.month for month in run.report.months if month.outcome in seen and not month.is_preliminary}
    if flags is None or flags.month not in closed:
        return []
    found = _news(site, flags) if "flags" in asked_for else []
    return [*found, *(_calls(site, flags) if "attention" in asked_for else [])]


def _news(site: Site, flags: Flags) -> list[Alert]:
    """What the month raised and cleared, by manager."""
    by_manager: dict[str, list[dict[str, Any]]] = {}
    for row in flags.rows:
        if row["state"] != "continuing":
            by_manager.setdefault(row["account_manager"], []).append(row)
    return [_digest(site, manager, of_manager) for manager, of_manager in sorted(by_manager.items())]


def _calls(site: Site, flags: Flags) -> list[Alert]:
    """The accounts that need attention, new or not, by manager."""
    by_manager: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in flags.rows:
        if row["state"] != "cleared" and row["severity"] in _GRAVITY:
            by_manager.setdefault(row["account_manager"], {}).setdefault(row["account_id"], []).append(row)
    return [_call(site, flags, manager, accounts) for manager, accounts in sorted(by_manager.items())]


def _call(site: Site, flags: Flags, manager: str, accounts: Mapping[str, Sequence[dict[str, Any]]]) -> Alert:
    def urgency(account: Sequence[dict[str, Any]]) -> tuple[object, ...]:
        grave = [sum(row["severity"] == severity for row in account) for severity in _GRAVITY]
        return *(-count for count in grave), -sum(row["state"] == "raised" for row in account), account[0]["account_id"]

    ranked = sorted(accounts.values(), key=urgency)
    verb = "needs" if len(ranked) == 1 else "need"
    what = f"{month_name(flags.month)}: {counted(len(ranked), 'account')} of {harmless(manager)} {verb} attention"
    lines = [
        "\n".join(
            [
                f"- {harmless(account[0]['account_name'])} ({harmless(account[0]['account_id'])}):",
                *(f"  {_reason(row)}" for row in sorted(account, key=lambda row: _GRAVITY.index(row["severity"]))),
            ]
        )
        for account in ranked
    ]
    text = f"{what}.\n\n{cut_short(lines)}\n\nPages: {pack_address(site, flags.month)}"
    found = [(f"{row['account_id']} {row['rule']}", row["severity"]) for account in ranked for row in account]
    return Alert(
        "attention",
        "info",
        f"{harmless(site.settings.site.name)}: {what}",
        text,
        [flags.month],
        {f"attention {month_name(flags.month)} {manager}": SubjectState(Standing.WARNED, fingerprint(found))},
        manager=manager,
    )


def _reason(flag: dict[str, Any]) -> str:
    since = "" if flag["state"] == "raised" else f" (since {month_name(flag['since'])})"
    return f"{harmless(flag['sentence'], LONGEST_SENTENCE)}{since}"


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
