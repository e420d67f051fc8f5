"""The state of each month of a run: failed, warned or good, and by which rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from expectations import Severity, turned_round
from kam.alerts.findings import GOOD, Failure, MonthNow, failing_state, fingerprint
from kam.alerts.harmless_text import harmless
from kam.alerts.queue import Standing, SubjectState
from kam.alerts.wording import LONGEST_SENTENCE, failure_lines
from kam.close import ControlTotal, MonthOutcome, Outcome, Run, versions
from kam.warehouse import Connection, rows

_SHOWN_KEYS = 3


def month_now(con: Connection, run: Run, outcome: MonthOutcome) -> MonthNow:
    """The state that follows from a month's outcome."""
    failures = _failures(con, run, outcome)
    if outcome.is_preliminary:
        return _preliminary(outcome, [failure for failure in failures if failure.severity == Severity.WARNING])
    if outcome.outcome is Outcome.APPROVED:
        what = f"version {outcome.version} was {outcome.message}"
        return _closed(outcome, [failure for failure in failures if failure.severity == Severity.WARNING], what)
    if outcome.outcome in (Outcome.CLOSED, Outcome.UNCHANGED):
        return _closed(outcome, [failure for failure in failures if failure.severity == Severity.WARNING])
    if outcome.outcome in (Outcome.CHANGED, Outcome.LOCKED):
        lines = [f"- {harmless(line, LONGEST_SENTENCE)}" for line in outcome.message.splitlines()]
        state = failing_state([("changed", outcome.message)], ["its inputs changed since it was closed"])
        locked = "it is locked, and " if outcome.outcome is Outcome.LOCKED else ""
        return MonthNow(outcome.month, f"was not closed again: {locked}its inputs changed", state, "warning", lines)
    critical = [failure for failure in failures if failure.severity == Severity.CRITICAL]
    lines = failure_lines(critical) or [f"- {harmless(outcome.message, LONGEST_SENTENCE)}"]
    reasons = [failure.reason for failure in critical] or [harmless(outcome.message, LONGEST_SENTENCE)]
    state = failing_state([(one.name, one.count) for one in critical] or [("failed", outcome.message)], reasons)
    return MonthNow(outcome.month, "was not closed", state, "critical", lines)


def _preliminary(outcome: MonthOutcome, warnings: Sequence[Failure]) -> MonthNow:
    """A version that waits for approval; another version is news."""
    what = f"version {outcome.version} waits for approval"
    state = SubjectState(Standing.WAITING, fingerprint([("version", outcome.version)]), [what])
    seen = f"Readers see version {outcome.seen}" if outcome.seen else "Readers see no figures of this month"
    return MonthNow(outcome.month, what, state, "warning", [f"- {seen}.", *failure_lines(warnings)])


def _closed(outcome: MonthOutcome, warnings: Sequence[Failure], what: str = "") -> MonthNow:
    what = what or f"{'was' if outcome.outcome is Outcome.CLOSED else 'is'} closed as version {outcome.version}"
    if not warnings:
        return MonthNow(outcome.month, what, GOOD, "good", ())
    found = [(warning.name, warning.count) for warning in warnings]
    state = SubjectState(Standing.WARNED, fingerprint(found), [warning.reason for warning in warnings])
    return MonthNow(outcome.month, f"{what}, with warnings", state, "warning", failure_lines(warnings))


def _failures(con: Connection, run: Run, outcome: MonthOutcome) -> list[Failure]:
    """The rules that a month breaks: those that this run found, or those of its version if that stays published."""
    if outcome.outcome in (Outcome.UNCHANGED, Outcome.APPROVED):
        return _kept_failures(con, outcome)
    # What another month says of a load is not kept with this one.
    kept = {failure.name for failure in _kept_failures(con, outcome)} if outcome.outcome is Outcome.CLOSED else set()
    found = [
        _failure(
            check.name, check.severity, check.finding_in(outcome.month), check.owner, check.if_it_fails, check.failed_in(outcome.month),
            check.keys_in(outcome.month),
        )
        for check in run.report.checks
        if check.fails_in(outcome.month)
        and (check.name in kept or check.suite != versions.ABOUT_LOADS or outcome.outcome is not Outcome.CLOSED)
    ]  # fmt: skip
    return found + [_untied(total) for total in run.report.controls if total.month == outcome.month and not total.ties]


def _kept_failures(con: Connection, outcome: MonthOutcome) -> list[Failure]:
    found = rows(
        con,
        """
        SELECT check_name, severity, sentence, finding, owner, if_it_fails, failed_count, sample_keys
        FROM ops.checks
        WHERE period_month = ? AND close_version = ? AND NOT success
        ORDER BY check_name
        """,
        [outcome.month, outcome.version],
    )
    return [
        _failure(
            row["check_name"], row["severity"], row["finding"] or turned_round(row["sentence"], row["failed_count"]),
            row["owner"], row["if_it_fails"], row["failed_count"], json.loads(row["sample_keys"]),
        )
        for row in found
    ]  # fmt: skip


def _failure(
    name: str,
    severity: str,
    finding: str,
    owner: str,
    if_it_fails: str,
    count: int,
    keys: Sequence[Mapping[str, Any]],
) -> Failure:
    samples = " ".join(
        "("
        + ", ".join(f"{column} {harmless(value)}" for column, value in key.items() if column != "period_month")
        + ")"
        for key in keys[:_SHOWN_KEYS]
    )
    broken = harmless(finding, LONGEST_SENTENCE)
    line = f"- {broken}{f': {samples}' if samples else ''}. [{name}, {owner}]"
    return Failure(name, severity, count, f"{broken}.", line, if_it_fails)


def _untied(total: ControlTotal) -> Failure:
    text = harmless(total.in_words(), 2 * LONGEST_SENTENCE)
    count = [total.untied_count, str(total.difference)]
    return Failure(f"{total.control} {total.currency}", total.severity, count, text, f"- {text}")
