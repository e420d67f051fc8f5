"""What a run has to tell: one message an event, and only when it says something new.

Compared is what each subject (a month, a feed, a run) is now with what its last alert said: the same failing rules with
the same counts are no news, however often a run is repeated. Nothing here knows how a message travels.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import duckdb

from expectations import Severity
from kam.controls import ControlTotal
from kam.deliveries import Alert, State, deliver, last_states, record, send_unqueued
from kam.errors import KamError
from kam.ingest import LoadResult
from kam.periods import month_name
from kam.plain import plain
from kam.plan import counted
from kam.report import CloseReport, Terms
from kam.settings import AlertEvent, Site
from kam.steps import MonthOutcome
from kam.warehouse import Connection, rows, warehouse

log = logging.getLogger("kam")

_SHOWN_FAILURES = 10
_SHOWN_KEYS = 3
_EXPLAINED = 3
_SENTENCE = 400
_GOOD = State("good")


@dataclass(frozen=True)
class Run:
    """A run to tell of: what it was for, and how far it came. `stopped` says why it did not end; empty when it did."""

    kind: Literal["close", "backfill", "ingest", "publish"]
    months: Sequence[date] = ()
    report: CloseReport = field(default_factory=CloseReport)
    terms: Terms = field(default_factory=Terms)
    stopped: str = ""

    @property
    def name(self) -> str:
        """As it is typed: `close 2026-10`, `backfill 2024-01 2026-10`."""
        ends = dict.fromkeys((self.months[0], self.months[-1])) if self.months else ()
        # A backfill of one month is given that month twice.
        shown = [self.months[0], self.months[-1]] if self.kind == "backfill" else ends
        return " ".join([self.kind, *(month_name(month) for month in shown)])

    @property
    def subject(self) -> str:
        """Whose state it is when the run stops: the month that was to be closed, else the kind of run."""
        return month_name(self.months[0]) if self.kind == "close" else self.kind

    @property
    def refused(self) -> list[LoadResult]:
        """The sources that were refused."""
        return [load for load in self.report.loads if load.status == "failed"]


@dataclass(frozen=True)
class Failure:
    """A rule that a month breaks, or a control total that does not tie: its name and count, and a line for a message."""

    name: str
    severity: str
    count: object
    reason: str
    line: str
    if_it_fails: str = ""


@dataclass(frozen=True)
class MonthNow:
    """What a run says of a month. `what` goes on from its name: `was not closed`."""

    month: date
    what: str
    state: State
    severity: str
    lines: Sequence[str]

    @property
    def name(self) -> str:
        """The month as `2026-10`."""
        return month_name(self.month)


def tell(site: Site, run: Run) -> None:
    """Write down what a run has to tell, and send it together with what waits from before. Never raises.

    Has to run while nobody else may write. What the warehouse does not take is sent once.
    """
    if not site.settings.alerts.channels:
        return
    try:
        _tell(site, run)
    except Exception as error:  # noqa: BLE001 - a close must not fail because nobody could be told
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
    """Send once what a run that could not open the warehouse has to tell. Never raises."""
    if not site.settings.alerts.channels or run.kind == "publish":
        return
    try:
        send_unqueued(site, _failed(site, run, [], {}))
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("Alerts: %s. The run itself is not affected", reason(error))


def reason(error: BaseException) -> str:
    """Why a run stopped, in words that may be shown to anybody: an unknown error may quote a secret."""
    return str(error) if isinstance(error, KamError) else f"unexpected {type(error).__name__}"


def alerts_of(con: Connection, site: Site, run: Run) -> list[Alert]:
    """What a run has to tell that its subjects' last alerts did not, at most one alert an event."""
    if run.kind == "publish":
        return []
    before = last_states(con)
    months = [_month_now(con, run, outcome) for outcome in run.report.months if outcome.outcome != "left"]
    failed = [month for month in months if month.state.state == "failed"]
    alerts = [*_failed(site, run, failed, before), *_refused(site, run)]
    good: dict[str, str] = {}
    if not run.stopped:
        warned = [
            month for month in months if month.state.state == "warned" and _is_news(month.name, month.state, before)
        ]
        alerts += _warned(site, run, warned, before)
        good |= {month.name: f"{month.name} {month.what}." for month in months if month.state.state == "good"}
        good |= {run.kind: f"kam {run.name} ran to its end."}
    refused = {load.feed for load in run.refused}
    good |= {load.feed: f"{load.feed} loads again." for load in run.report.loads if load.feed not in refused}
    alerts += _recovered(site, good, before)
    return [alert for alert in alerts if _says_something_new(alert, before)]


def _says_something_new(alert: Alert, before: Mapping[str, State]) -> bool:
    return any(_is_news(subject, state, before) for subject, state in alert.states.items())


def _is_news(subject: str, state: State, before: Mapping[str, State]) -> bool:
    known = before.get(subject, _GOOD)
    return (state.state, state.fingerprint) != (known.state, known.fingerprint)


# The events.


def _failed(site: Site, run: Run, failed: Sequence[MonthNow], before: Mapping[str, State]) -> list[Alert]:
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
    paragraphs = [f"{what}. What was published before stays.", _listed(failed, run), _mending(site, run, severity)]
    was_warned = [month.name for month in failed if before.get(month.name, _GOOD).state == "warned"]
    if was_warned:
        paragraphs.insert(1, f"Closed with warnings before: {', '.join(was_warned)}.")
    return [_alert(site, event, severity, what, paragraphs, _states(failed))]


def _mending(site: Site, run: Run, severity: str) -> str:
    """What to do about months that failed, or that only a restatement can close again."""
    if severity == "warning":
        name = month_name(run.months[0]) if run.kind == "close" else "MONTH"
        diff, restate = _kam(site, "diff", name), _kam(site, run.name, '--restate --reason "…"')
        return _next([f"look at what changed: {diff}", f"make a new version: {restate}"])
    rejects = [f"see the rejected rows: {_kam(site, 'rejects')}"] if _any_rejects(run) else []
    return _next([*rejects, f"mend what is named above, then run again: {_again(site, run)}"])


def _stopped(site: Site, run: Run, failed: Sequence[MonthNow]) -> Alert:
    """The alert of a run that did not come to its end."""
    not_done = {
        "close": f"{run.subject} was not {'published' if run.report.months else 'closed'}",
        "backfill": f"{run.name} stopped",
        "ingest": "loading stopped",
        "publish": "publishing stopped",
    }[run.kind]
    closing: dict[str, AlertEvent] = {"close": "close_failed", "backfill": "backfill_failed"}
    refused = run.refused if not run.report.planned else []
    if refused:
        why = f"{_in_words({load.feed: None for load in refused})} refused"
        lines = [_refusal(load) for load in refused]
        next_command = f"see what does not fit: {_kam(site, 'check')} — mend it, then run again: {_again(site, run)}"
    else:
        why = ""
        lines = [f"- {plain(line, _SENTENCE)}" for line in run.stopped.splitlines() if line.strip()]
        next_command = f"mend what is named above, then run again: {_again(site, run)}"
    stopped = _failing_state([(run.kind, run.stopped)], [line.removeprefix("- ") for line in lines])
    event: AlertEvent = "load_refused" if refused or run.kind == "ingest" else closing[run.kind]
    what = f"{not_done}: {why}" if why else not_done
    paragraphs = [f"{what}. What was published before stays.", _cut(lines), _listed(failed, run), _next([next_command])]
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
    """The alert of a run that went on without the sources that were refused."""
    if run.stopped or not run.refused:
        return []
    what = f"{_in_words({load.feed: None for load in run.refused})} refused"
    paragraphs = [
        f"{what}; nothing of {'it' if len(run.refused) == 1 else 'them'} was loaded.",
        _cut([_refusal(load) for load in run.refused]),
        _next([f"see what does not fit: {_kam(site, 'check')} — mend it, then: {_again(site, run)}"]),
    ]
    return [_alert(site, "load_refused", "critical", what, paragraphs, _refused_states(run.refused))]


def _warned(site: Site, run: Run, warned: Sequence[MonthNow], before: Mapping[str, State]) -> list[Alert]:
    """The alert of months that are published with a banner."""
    if not warned:
        return []
    many = len(warned) > 1
    what = f"{counted(len(warned), 'month')} closed with warnings" if many else f"{warned[0].name} {warned[0].what}"
    paragraphs = [f"{what}. It is published, with a banner.".replace("It is", "They are" if many else "It is")]
    failed_before = [month.name for month in warned if before.get(month.name, _GOOD).state == "failed"]
    if failed_before:
        mended = [_of(name, text) for name in failed_before for text in before[name].reasons]
        paragraphs.append("\n".join([f"Recovered from failure: {', '.join(failed_before)}. Mended:", _cut(mended)]))
    paragraphs += [_listed(warned, run), _next([f"look at what failed: {_kam(site, 'status')}"])]
    return [_alert(site, "close_warned", "warning", what, paragraphs, _states(warned))]


def _recovered(site: Site, good: Mapping[str, str], before: Mapping[str, State]) -> list[Alert]:
    """The alert of what failed, warned or was refused before and is good now; `good` says how each subject is."""
    names = [subject for subject in good if before.get(subject, _GOOD).state != "good"]
    if not names:
        return []
    months, others = [name for name in names if _is_month(name)], [name for name in names if not _is_month(name)]
    if months:
        what = f"{months[0]} is" if len(months) == 1 else f"{len(months)} months are"
    else:
        what = f"{', '.join(others)}:"
    mended = [_of(name, text) for name in names for text in before[name].reasons]
    paragraphs = [
        _cut([f"- {good[name]}" for name in names]) if len(names) > 1 else good[names[0]],
        "Mended:\n" + _cut(list(dict.fromkeys(mended))) if mended else "",
    ]
    return [_alert(site, "recovered", "good", f"{what} good again", paragraphs, dict.fromkeys(names, _GOOD))]


def _alert(
    site: Site,
    event: AlertEvent,
    severity: str,
    what: str,
    paragraphs: Iterable[str],
    states: Mapping[str, State],
    *,
    also: Sequence[AlertEvent] = (),
) -> Alert:
    months = [date.fromisoformat(f"{subject}-01") for subject in states if _is_month(subject)]
    shown = "recovered" if event == "recovered" else severity
    text = [*(paragraph for paragraph in paragraphs if paragraph), f"Page: {_page(site, months)}"]
    subject = f"{plain(site.settings.site.name)}: {what} ({shown})"
    return Alert(event, severity, subject, "\n\n".join(text), months, states, also)


def _is_month(subject: str) -> bool:
    """Whether a subject is a month; feeds and runs begin with a letter."""
    return subject[0].isdigit()


def _states(months: Iterable[MonthNow]) -> dict[str, State]:
    return {month.name: month.state for month in months}


# The months.


def _month_now(con: Connection, run: Run, outcome: MonthOutcome) -> MonthNow:
    """What a month's outcome comes to."""
    failures = _failures(con, run, outcome)
    if outcome.outcome in ("closed", "unchanged"):
        return _closed(outcome, [failure for failure in failures if failure.severity == Severity.WARNING])
    if outcome.outcome == "changed":
        # The last two lines are commands, which the message has anyway.
        lines = [f"- {plain(line, _SENTENCE)}" for line in outcome.message.splitlines()[:-2]]
        state = _failing_state([("changed", outcome.message)], ["its inputs changed since it was closed"])
        return MonthNow(outcome.month, "was not closed again: its inputs changed", state, "warning", lines)
    critical = [failure for failure in failures if failure.severity == Severity.CRITICAL]
    lines = _lines(critical) or [f"- {plain(outcome.message, _SENTENCE)}"]
    reasons = [failure.reason for failure in critical] or [plain(outcome.message, _SENTENCE)]
    state = _failing_state([(one.name, one.count) for one in critical] or [("failed", outcome.message)], reasons)
    return MonthNow(outcome.month, "was not closed", state, "critical", lines)


def _closed(outcome: MonthOutcome, warnings: Sequence[Failure]) -> MonthNow:
    what = f"{'was' if outcome.outcome == 'closed' else 'is'} closed as version {outcome.version}"
    if not warnings:
        return MonthNow(outcome.month, what, _GOOD, "good", ())
    found = [(warning.name, warning.count) for warning in warnings]
    state = State("warned", _fingerprint(found), [warning.reason for warning in warnings])
    return MonthNow(outcome.month, f"{what}, with warnings", state, "warning", _lines(warnings))


def _failures(con: Connection, run: Run, outcome: MonthOutcome) -> list[Failure]:
    """The rules that a month breaks: as this run found, or as its version has them where that stays what is published."""
    if outcome.outcome == "unchanged":
        return _kept_failures(con, outcome)
    found = [
        _failure(
            check.name, check.severity, check.sentence, check.owner, check.if_it_fails, check.failed_in(outcome.month),
            check.keys_in(outcome.month),
        )
        for check in run.report.checks
        if check.fails_in(outcome.month)
    ]  # fmt: skip
    return found + [_untied(total) for total in run.report.controls if total.month == outcome.month and not total.ties]


def _kept_failures(con: Connection, outcome: MonthOutcome) -> list[Failure]:
    found = rows(
        con,
        """
        SELECT check_name, severity, sentence, owner, if_it_fails, failed_count, sample_keys
        FROM ops.checks
        WHERE period_month = ? AND close_version = ? AND NOT success
        ORDER BY check_name
        """,
        [outcome.month, outcome.version],
    )
    return [
        _failure(
            row["check_name"], row["severity"], row["sentence"], row["owner"], row["if_it_fails"], row["failed_count"],
            json.loads(row["sample_keys"]),
        )
        for row in found
    ]  # fmt: skip


def _failure(
    name: str,
    severity: str,
    sentence: str,
    owner: str,
    if_it_fails: str,
    count: int,
    keys: Sequence[Mapping[str, Any]],
) -> Failure:
    samples = " ".join(
        "(" + ", ".join(f"{column} {plain(value)}" for column, value in key.items() if column != "period_month") + ")"
        for key in keys[:_SHOWN_KEYS]
    )
    broken = f"{sentence} {counted(count, 'row')} breaking this"
    line = f"- {broken}{f': {samples}' if samples else ''}. [{name}, {owner}]"
    return Failure(name, severity, count, f"{broken}.", line, if_it_fails)


def _untied(total: ControlTotal) -> Failure:
    text = plain(total.in_words(), 2 * _SENTENCE)
    count = [total.untied_count, str(total.difference)]
    return Failure(f"{total.control} {total.currency}", total.severity, count, text, f"- {text}")


# The words.


def _lines(failures: Sequence[Failure]) -> list[str]:
    """A line for each failure; the first ones with what they break and what to do."""
    return [
        f"{failure.line}\n  If it fails: {failure.if_it_fails}"
        if failure.if_it_fails and number < _EXPLAINED
        else failure.line
        for number, failure in enumerate(failures)
    ]


def _listed(months: Sequence[MonthNow], run: Run) -> str:
    """The lines of these months, each with the name of its month where the run was for several."""
    if run.kind != "backfill":
        return _cut([line for month in months for line in month.lines])
    return _cut([_of(month.name, line.removeprefix("- ")) for month in months for line in month.lines])


def _of(subject: str, text: str) -> str:
    """A line with the name of what it is about, once."""
    return f"- {text}" if text.startswith(subject) else f"- {subject}: {text}"


def _cut(lines: Sequence[str]) -> str:
    """As many lines as a person reads."""
    if len(lines) <= _SHOWN_FAILURES:
        return "\n".join(lines)
    return "\n".join([*lines[:_SHOWN_FAILURES], f"- … and {len(lines) - _SHOWN_FAILURES:,} more"])


def _refusal(load: LoadResult) -> str:
    named = load.message if load.message.startswith(load.feed) else f"{load.feed}: {load.message}"
    return f"- {plain(named, _SENTENCE)}"


def _refused_states(refused: Sequence[LoadResult]) -> dict[str, State]:
    by_feed: dict[str, list[LoadResult]] = {}
    for load in refused:
        by_feed.setdefault(load.feed, []).append(load)
    return {
        feed: State(
            "refused",
            _fingerprint([(load.source, load.message) for load in loads]),
            [_refusal(load).removeprefix("- ") for load in loads],
        )
        for feed, loads in by_feed.items()
    }


def _failing_state(found: Sequence[tuple[str, object]], reasons: Sequence[str]) -> State:
    return State("failed", _fingerprint(found), reasons)


def _fingerprint(found: Sequence[tuple[str, object]]) -> str:
    return hashlib.sha256(json.dumps(sorted(found, key=str)).encode()).hexdigest()[:16]


def _in_words(names: Iterable[str]) -> str:
    """`orders was`, `orders and invoices were`."""
    listed = list(names)
    return f"{listed[0]} was" if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]} were"


def _any_rejects(run: Run) -> bool:
    return any(load.rejected_count for load in run.report.loads)


def _kam(site: Site, *arguments: str) -> str:
    return f"kam --site {shlex.quote(str(site.directory))} {' '.join(arguments)}"


def _again(site: Site, run: Run) -> str:
    """The command of a run, on the same terms."""
    return _kam(site, run.name, *(['--restate --reason "…"'] if run.terms.restate else []))


def _next(commands: Sequence[str]) -> str:
    return f"Next: {'; '.join(commands)}" if commands else ""


def _page(site: Site, months: Sequence[date]) -> str:
    """The address of the quality page, at the first of these months."""
    anchor = f"#month-{month_name(months[0])}" if months else ""
    return f"{site.settings.alerts.link or site.published / 'quality' / 'index.html'}{anchor}"
