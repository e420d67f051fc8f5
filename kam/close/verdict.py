"""Why a month must not be published, or would change, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from expectations import CheckResult
from kam.close import diff, plan
from kam.close.controls import ControlTotal
from kam.close.outcome import MonthOutcome, Outcome, figure_name, shown
from kam.close.plan import Action
from kam.close.signoff import Lock, unlock_command
from kam.close.versions import Candidate, State, candidate
from kam.periods import month_name
from kam.site import CORRECTIONS_FILE, Site
from kam.warehouse import Connection, known_corrections
from kam.words import counted

_SHOWN_KEYS = 3
_SHOWN_LOADS = 5


def why_not_valid(checks: Sequence[CheckResult], controls: Sequence[ControlTotal], month: date) -> str:
    """Why a month must not be published: each critical rule with its count and some keys; empty when it may be."""
    lines = [
        f"{check.finding_in(month)}{_allowed(check)}: {_keys(check, month)}.\n    {check.if_it_fails} [{check.name}]"
        for check in checks
        if check.stops(month)
    ]
    lines += [total.in_words() for total in controls if total.month == month and not total.ties]
    if not lines:
        return ""
    return f"{month_name(month)} was not published, because a critical check failed:" + "".join(
        f"\n  {line}" for line in lines
    )


def _allowed(check: CheckResult) -> str:
    return f" ({check.allowed_count:,} allowed)" if check.allowed_count else ""


def _keys(check: CheckResult, month: date) -> str:
    """Some offending keys in words."""
    named = [
        "(" + ", ".join(f"{name} {value}" for name, value in key.items() if name != "period_month") + ")"
        for key in check.keys_in(month)[:_SHOWN_KEYS]
    ]
    return " ".join(named) or "no key"


def why_not_corrected(con: Connection, site: Site, month: date) -> str:
    """Why a month must not be published with the corrections that it was built with; empty when it may be.

    Checked again, whatever the checks say: a stale correction would change figures unnoticed.
    """
    built_with = known_corrections(con)
    declared = {
        (entry.feed, entry.key_in_words, entry.column, entry.wrong, entry.right) for entry in site.settings.corrections
    }
    if {(entry.feed, entry.key, entry.column, entry.wrong, entry.right) for entry in built_with} != declared:
        return f"{month_name(month)} was not published, because {CORRECTIONS_FILE} changed while it was built. Close it again"
    lines = [f"{entry.feed} {entry.key}: {entry.column}: {entry.fault}" for entry in built_with if entry.fault]
    if not lines:
        return ""
    more = f"\n  … and {len(lines) - _SHOWN_KEYS} more: {site.command('check')}" if len(lines) > _SHOWN_KEYS else ""
    return (
        f"{month_name(month)} was not published, because entries of {CORRECTIONS_FILE} are stale:"
        + "".join(f"\n  {line}" for line in lines[:_SHOWN_KEYS])
        + more
    )


def valid_candidates(
    con: Connection,
    site: Site,
    months: Sequence[date],
    checks: Sequence[CheckResult],
    controls: Sequence[ControlTotal],
    *,
    restate: bool,
) -> list[Candidate]:
    """What was built for those of these months that may be published."""
    return [
        candidate(con, month, restate=restate)
        for month in months
        if not why_not_valid(checks, controls, month) and not why_not_corrected(con, site, month)
    ]


def gets_version(candidate: Candidate, lock: Lock | None, *, restate: bool) -> bool:
    """Whether a month that is valid gets a version, rather than staying as it is."""
    return candidate.state is State.NEW or (candidate.state is State.CHANGED and restate and lock is None)


def what_changed(
    con: Connection, site: Site, candidate: Candidate, as_of_load: int, lock: Lock | None = None
) -> MonthOutcome:
    """Which tables of a closed month would change, since which loads, and what that does to the headline figures.

    With a `lock` the month keeps its version until that is opened.
    """
    month, version = candidate.month, candidate.last_version
    name = month_name(month)
    before, after = diff.version_side(con, month, version), diff.Side(month, None, as_of_load)
    changes = plan.changes_of(con, site.settings, month, before.as_of_load, as_of_load)
    (planned,) = plan.planned_months(con, site.settings, [month], as_of_load=as_of_load)
    why = planned.why if planned.action is Action.COMPARE else "the month before has another version"
    when = "now" if before.as_of_load <= as_of_load else f"as known at load {as_of_load}"
    lines = [f"{name} is closed (version {version}) and closing it {when} would give different figures: {why}."]
    lines += [
        f"  load {change.load_id} ({change.feed}: {change.source}): {counted(change.loaded_count, 'row')} loaded"
        f"{f', {change.superseded_count:,} superseded' if change.superseded_count else ''}"
        for change in changes[:_SHOWN_LOADS]
    ]
    if len(changes) > _SHOWN_LOADS:
        lines.append(f"  … and {counted(len(changes) - _SHOWN_LOADS, 'load')} more")
    lines.append(f"  Tables that change: {', '.join(candidate.changed_tables)}")
    figures = diff.figures(con, before, after)
    lines += [
        f"  {figure_name(figure)}: {shown(figure.before, figure.unit)} → {shown(figure.after, figure.unit)}"
        for figure in figures
    ]
    if not figures:
        lines.append("  No headline figure changes")
    next_steps = [f"See what changes: {site.command('diff', name)}"]
    if lock:
        lines.append(f"  {lock}. It keeps version {version}")
        next_steps.append(f"To open it: {unlock_command(site, month)}")
    next_steps.append("To make a new version: " + site.command("close", name, '--restate --reason "…"'))
    outcome = Outcome.LOCKED if lock else Outcome.CHANGED
    return MonthOutcome(month, outcome, version, "\n".join(lines), tuple(next_steps), tuple(figures))
