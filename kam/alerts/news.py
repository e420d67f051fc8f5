"""The alerts of a run: one message per event, and only when it says something new.

The state of each subject (a month, a feed, a run) is compared with its last alert. The same failing rules with the same
counts are not news, however often a run is repeated. This module does not know how messages are sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import duckdb

from kam.alerts.digests import digests
from kam.alerts.findings import GOOD, MonthNow, failing_state, fingerprint, reason
from kam.alerts.harmless_text import harmless
from kam.alerts.months import month_now
from kam.alerts.queue import Alert, Standing, SubjectState, deliver, last_states, record, send_unqueued
from kam.alerts.wording import (
    LONGEST_SENTENCE,
    command_again,
    cut_short,
    line_about,
    listed_months,
    next_step,
    page_address,
    refusal_line,
    were_in_words,
)
from kam.close import Outcome, Run, signoff
from kam.errors import KamError
from kam.ingest import LoadResult
from kam.periods import month_name
from kam.publish import target_states
from kam.site import AlertEvent, Site
from kam.stops import check
from kam.warehouse import Connection, warehouse
from kam.words import counted

log = logging.getLogger("kam")


def tell(site: Site, run: Run) -> None:
    """Record the alerts of a run, and send them together with those that still wait. Never raises.

    Call it while this process holds the right to write. What the warehouse cannot store is sent once.
    """
    if not site.settings.alerts.channels:
        return
    try:
        _tell(site, run)
    except Exception as error:  # noqa: BLE001 - a close must not fail because an alert failed
        check()
        log.warning("Alerts: %s. The run itself is not affected", reason(error))


def _tell(site: Site, run: Run) -> None:
    found = None
    try:
        with warehouse(site) as con:
            found = alerts_of(con, site, run)
            record(con, site, found)
    except (KamError, duckdb.Error, OSError):
        send_unqueued(site, _failed(site, run, [], {}) if found is None else found)
        return
    with warehouse(site) as con:
        deliver(con, site)


def tell_unqueued(site: Site, run: Run) -> None:
    """Send once the alerts of a run that could not open the warehouse. Never raises."""
    if not site.settings.alerts.channels or run.kind == "publish":
        return
    try:
        send_unqueued(site, _failed(site, run, [], {}))
    except Exception as error:  # noqa: BLE001 - as above
        check()
        log.warning("Alerts: %s. The run itself is not affected", reason(error))


def alerts_of(con: Connection, site: Site, run: Run) -> list[Alert]:
    """The alerts that say something new about their subjects, at most one per event."""
    before = last_states(con)
    failing, published = _targets(con, site)
    if run.kind == "publish":
        found = [*failing, *_recovered(site, published, before)]
        return [alert for alert in found if _says_something_new(alert, before)]
    months = [month_now(con, run, outcome) for outcome in run.report.months if outcome.outcome is not Outcome.LEFT]
    failed = [month for month in months if month.state.state is Standing.FAILED]
    alerts = [*_failed(site, run, failed, before), *_refused(site, run), *failing]
    good = dict(published)
    if not run.stopped:
        warned = [
            month
            for month in months
            if month.state.state is Standing.WARNED and _is_news(month.name, month.state, before)
        ]
        alerts += _warned(site, run, warned, before)
        alerts += _waiting(site, run, [month for month in months if month.state.state is Standing.WAITING])
        alerts += _approved(site, run, [month for month in months if month.state.state is Standing.GOOD])
        good |= {month.name: f"{month.name} {month.what}." for month in months if month.state.state is Standing.GOOD}
        good |= {run.kind: f"kam {run.name} completed."}
        alerts += digests(con, site, run)
    refused = {load.feed for load in run.refused}
    good |= {load.feed: f"{load.feed} loads again." for load in run.report.loads if load.feed not in refused}
    alerts += _recovered(site, good, before)
    return [alert for alert in alerts if _says_something_new(alert, before)]


def _targets(con: Connection, site: Site) -> tuple[list[Alert], dict[str, str]]:
    """The alert of the targets that were not published to, and a line for each of the others."""
    states = target_states(con, site)
    good = {f"target {state.name}": f"{state.name} is published to again." for state in states if not state.error}
    failed = [state for state in states if state.error]
    if not failed:
        return [], good
    lines = [f"- {state.name}: {harmless(state.error, LONGEST_SENTENCE)}" for state in failed]
    what = f"not published to {', '.join(state.name for state in failed)}"
    paragraphs = [
        f"{what[0].upper()}{what[1:]}. The close, the published file and the other targets are as they should be.",
        cut_short(lines),
        next_step([f"the next close catches up, or: {site.command('publish')}"]),
    ]
    now = {
        f"target {state.name}": failing_state([(state.name, state.error)], [line.removeprefix("- ")])
        for state, line in zip(failed, lines, strict=True)
    }
    return [_alert(site, "publish_failed", "warning", what, paragraphs, now)], good


def _says_something_new(alert: Alert, before: Mapping[str, SubjectState]) -> bool:
    return any(_is_news(subject, state, before) for subject, state in alert.states.items())


def _is_news(subject: str, state: SubjectState, before: Mapping[str, SubjectState]) -> bool:
    known = before.get(subject, GOOD)
    return (state.state, state.fingerprint) != (known.state, known.fingerprint)


def _failed(site: Site, run: Run, failed: Sequence[MonthNow], before: Mapping[str, SubjectState]) -> list[Alert]:
    """The alert of a close or backfill with months that failed, or of a run that stopped."""
    if run.stopped:
        return [_stopped(site, run, failed)]
    if not failed:
        return []
    severity = "critical" if any(month.severity == "critical" for month in failed) else "warning"
    if run.kind == "backfill":
        event: AlertEvent = "backfill_failed"
        what = f"{run.name}: {len(failed)} of {counted(len(run.months), 'month')} failed"
    else:
        event, what = "close_failed", f"{failed[0].name} {failed[0].what}"
    paragraphs = [
        f"{what}. What was published before is unchanged.",
        listed_months(failed, run),
        _mending(site, run, severity),
    ]
    was_warned = [month.name for month in failed if before.get(month.name, GOOD).state is Standing.WARNED]
    if was_warned:
        paragraphs.insert(1, f"Closed with warnings before: {', '.join(was_warned)}.")
    return [_alert(site, event, severity, what, paragraphs, _states(failed))]


def _mending(site: Site, run: Run, severity: str) -> str:
    """What to do about months that failed, or that only a restatement can close again."""
    if severity == "warning":
        name = month_name(run.months[0]) if run.kind == "close" else "MONTH"
        locked = [month.month for month in run.report.months if month.outcome is Outcome.LOCKED]
        unlock = [f"open the lock: {signoff.unlock_command(site, month)}" for month in locked]
        diff, restate = site.command("diff", name), site.command(run.name, '--restate --reason "…"')
        return next_step([f"look at what changed: {diff}", *unlock, f"make a new version: {restate}"])
    rejects = [f"see the rejected rows: {site.command('rejects')}"] if _any_rejects(run) else []
    return next_step([*rejects, f"fix what is named above, then run again: {command_again(site, run)}"])


def _stopped(site: Site, run: Run, failed: Sequence[MonthNow]) -> Alert:
    """The alert of a run that did not complete."""
    not_done = {
        "close": f"{run.subject} was not {'published' if run.report.months else 'closed'}",
        "backfill": f"{run.name} stopped",
        "ingest": "loading stopped",
        "publish": "publishing stopped",
        "approve": "what was approved was not published",
    }[run.kind]
    closing: dict[str, AlertEvent] = {
        "close": "close_failed",
        "backfill": "backfill_failed",
        "approve": "close_failed",
    }
    refused = run.refused if not run.report.planned else []
    if refused:
        why = f"{were_in_words({load.feed: None for load in refused})} refused"
        lines = [refusal_line(load) for load in refused]
        next_command = (
            f"see what is wrong: {site.command('check')} — fix it, then run again: {command_again(site, run)}"
        )
    else:
        why = ""
        lines = [f"- {harmless(line, LONGEST_SENTENCE)}" for line in run.stopped.splitlines() if line.strip()]
        next_command = f"fix what is named above, then run again: {command_again(site, run)}"
    stopped = failing_state([(run.kind, run.stopped)], [line.removeprefix("- ") for line in lines])
    event: AlertEvent = "load_refused" if refused or run.kind == "ingest" else closing[run.kind]
    what = f"{not_done}: {why}" if why else not_done
    paragraphs = [
        f"{what}. What was published before is unchanged.",
        cut_short(lines),
        listed_months(failed, run),
        next_step([next_command]),
    ]
    return _alert(
        site,
        event,
        "critical",
        what,
        paragraphs,
        {**_states(failed), **_refused_states(refused), run.subject: stopped},
        also=[closing[run.kind]] if run.kind in closing and event == "load_refused" else [],
    )


def _refused(site: Site, run: Run) -> list[Alert]:
    """The alert of a run that continued without the refused sources."""
    if run.stopped or not run.refused:
        return []
    what = f"{were_in_words({load.feed: None for load in run.refused})} refused"
    paragraphs = [
        f"{what}; nothing of {'it' if len(run.refused) == 1 else 'them'} was loaded.",
        cut_short([refusal_line(load) for load in run.refused]),
        next_step([f"see what is wrong: {site.command('check')} — fix it, then: {command_again(site, run)}"]),
    ]
    return [_alert(site, "load_refused", "critical", what, paragraphs, _refused_states(run.refused))]


def _warned(site: Site, run: Run, warned: Sequence[MonthNow], before: Mapping[str, SubjectState]) -> list[Alert]:
    """The alert of months that are published with a banner."""
    if not warned:
        return []
    many = len(warned) > 1
    what = f"{counted(len(warned), 'month')} closed with warnings" if many else f"{warned[0].name} {warned[0].what}"
    paragraphs = [f"{what}. {'They are' if many else 'It is'} published, with a banner."]
    failed_before = [month.name for month in warned if before.get(month.name, GOOD).state is Standing.FAILED]
    if failed_before:
        fixed = [line_about(name, text) for name in failed_before for text in before[name].reasons]
        paragraphs.append("\n".join([f"Recovered from failure: {', '.join(failed_before)}. Fixed:", cut_short(fixed)]))
    paragraphs += [listed_months(warned, run), next_step([f"look at what failed: {site.command('status')}"])]
    return [_alert(site, "close_warned", "warning", what, paragraphs, _states(warned))]


def _waiting(site: Site, run: Run, waiting: Sequence[MonthNow]) -> list[Alert]:
    """The alert of versions that somebody has to approve, with the command."""
    if not waiting:
        return []
    versions = {month.month: month.version for month in run.report.months if month.is_preliminary}
    many = len(waiting) > 1
    what = f"{len(waiting)} months wait for approval" if many else f"{waiting[0].name} {waiting[0].what}"
    steps = [f"approve {'them' if many else 'it'}: {signoff.approve_command(site, versions)}"]
    if not many and run.report.months[-1].seen:
        month = next(month for month in run.report.months if month.is_preliminary)
        see = site.command("diff", waiting[0].name, f"--from {month.seen} --to {month.version}")
        steps.insert(0, f"see what differs: {see}")
    steps.insert(0, f"look at {'them, a month each' if many else 'it'}: {signoff.look_command(site, min(versions))}")
    paragraphs = [
        f"{what}. {'They are' if many else 'It is'} preliminary, and not published.",
        listed_months(waiting, run),
        next_step(steps),
    ]
    return [_alert(site, "close_preliminary", "warning", what, paragraphs, _states(waiting))]


def _approved(site: Site, run: Run, good: Sequence[MonthNow]) -> list[Alert]:
    """The alert of versions that waited for approval and are published now."""
    if run.kind != "approve" or not good:
        return []
    many = len(good) > 1
    what = f"{len(good)} months were approved" if many else f"{good[0].name} {good[0].what}"
    paragraphs = [f"{what}. {'They are' if many else 'It is'} published."]
    return [_alert(site, "close_approved", "good", what, paragraphs, _states(good))]


def _recovered(site: Site, good: Mapping[str, str], before: Mapping[str, SubjectState]) -> list[Alert]:
    """The alert of what failed, warned or was refused before and is good now; `good` has a line for each subject."""
    was_well = (Standing.GOOD, Standing.WAITING)
    names = [subject for subject in good if before.get(subject, GOOD).state not in was_well]
    if not names:
        return []
    months, others = [name for name in names if _is_month(name)], [name for name in names if not _is_month(name)]
    if months:
        what = f"{months[0]} is" if len(months) == 1 else f"{len(months)} months are"
    else:
        what = f"{', '.join(others)}:"
    fixed = [line_about(name, text) for name in names for text in before[name].reasons]
    paragraphs = [
        cut_short([f"- {good[name]}" for name in names]) if len(names) > 1 else good[names[0]],
        "Fixed:\n" + cut_short(list(dict.fromkeys(fixed))) if fixed else "",
    ]
    return [_alert(site, "recovered", "good", f"{what} good again", paragraphs, dict.fromkeys(names, GOOD))]


def _alert(
    site: Site,
    event: AlertEvent,
    severity: str,
    what: str,
    paragraphs: Iterable[str],
    states: Mapping[str, SubjectState],
    *,
    also: Sequence[AlertEvent] = (),
) -> Alert:
    months = [date.fromisoformat(f"{subject}-01") for subject in states if _is_month(subject)]
    shown = "recovered" if event == "recovered" else severity
    text = [*(paragraph for paragraph in paragraphs if paragraph), f"Page: {page_address(site, months)}"]
    subject = f"{harmless(site.settings.site.name)}: {what} ({shown})"
    return Alert(event, severity, subject, "\n\n".join(text), months, states, also)


def _is_month(subject: str) -> bool:
    """Whether a subject is a month; feeds and runs begin with a letter."""
    return subject[0].isdigit()


def _states(months: Iterable[MonthNow]) -> dict[str, SubjectState]:
    return {month.name: month.state for month in months}


def _refused_states(refused: Sequence[LoadResult]) -> dict[str, SubjectState]:
    by_feed: dict[str, list[LoadResult]] = {}
    for load in refused:
        by_feed.setdefault(load.feed, []).append(load)
    return {
        feed: SubjectState(
            Standing.REFUSED,
            fingerprint([(load.source, load.message) for load in loads]),
            [refusal_line(load).removeprefix("- ") for load in loads],
        )
        for feed, loads in by_feed.items()
    }


def _any_rejects(run: Run) -> bool:
    return any(load.rejected_count for load in run.report.loads)
