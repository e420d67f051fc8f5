"""The queue of messages: stored with a run and sent at once; those that fail are sent at a later run, oldest first."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from kam.alerts.channels import Attempt, Message, send_all
from kam.alerts.harmless_text import harmless
from kam.site import ALERT_EVENTS, AlertEvent, AlertsSection, Site
from kam.warehouse import Connection, insert, rows, stored, utc_now, warehouse, writing

log = logging.getLogger("kam")


class Standing(StrEnum):
    """How a subject of alerts (a month, a feed, a run) is."""

    GOOD = "good"
    WARNED = "warned"
    WAITING = "waiting"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class SubjectState:
    """How a subject is, and what failed.

    Two states with the same `fingerprint` are the same news.
    """

    state: Standing
    fingerprint: str = ""
    reasons: Sequence[str] = ()


@dataclass(frozen=True)
class Alert:
    """A message about a run, and the state of each subject. It goes to channels that take `event` or one of `also`.

    One with a `manager` goes only to channels for all managers or for this one.
    """

    event: AlertEvent
    severity: str
    subject: str
    body: str
    months: Sequence[date]
    states: Mapping[str, SubjectState]
    also: Sequence[AlertEvent] = ()
    manager: str | None = None

    def wanted_by(self, alerts: AlertsSection) -> list[str]:
        """The channels that it is for."""
        events = {self.event, *self.also}
        return [
            name
            for name, channel in alerts.channels.items()
            if events & set(channel.events)
            and (self.manager is None or not channel.account_managers or self.manager in channel.account_managers)
        ]


@dataclass(frozen=True)
class Waiting:
    """A message that was not delivered to a channel yet."""

    channel: str
    attempts: int
    created_at: dt.datetime
    last_error: str
    message: Message


def last_states(con: Connection) -> dict[str, SubjectState]:
    """The state of each subject in its last alert."""
    found = rows(
        con, "FROM ops.alert_subjects QUALIFY alert_id = max(alert_id) OVER (PARTITION BY subject) ORDER BY subject"
    )
    return {
        row["subject"]: SubjectState(Standing(row["state"]), row["fingerprint"], tuple(json.loads(row["reasons"])))
        for row in found
    }


def record(con: Connection, site: Site, alerts: Sequence[Alert]) -> None:
    """Record alerts, each with a delivery for every channel that takes it."""
    with stored(con):
        for alert in alerts:
            (number, load), *_ = con.execute(
                "SELECT (SELECT coalesce(max(alert_id), 0) + 1 FROM ops.alerts), (SELECT max(load_id) FROM ops.loads)"
            ).fetchall()
            written = {
                "alert_id": number, "event": alert.event, "period_months": list(alert.months),
                "severity": alert.severity, "subject": alert.subject, "body": alert.body, "as_of_load": load,
                "created_at": utc_now(),
            }  # fmt: skip
            subjects = [
                {
                    "alert_id": number, "subject": subject, "state": state.state, "fingerprint": state.fingerprint,
                    "reasons": json.dumps(list(state.reasons)),
                }
                for subject, state in alert.states.items()
            ]  # fmt: skip
            channels = alert.wanted_by(site.settings.alerts)
            insert(con, "ops.alerts", [written])
            insert(con, "ops.alert_subjects", subjects)
            insert(
                con,
                "ops.alert_deliveries",
                [{"alert_id": number, "channel": channel, "attempts": 0} for channel in channels],
            )


def waiting(con: Connection, site: Site) -> list[Waiting]:
    """The messages that were not delivered yet, oldest first; those of removed channels are left out."""
    found = rows(
        con,
        """
        SELECT alert_id, channel, attempts, last_error, created_at, severity, subject, body
        FROM ops.alert_deliveries
        JOIN ops.alerts USING (alert_id)
        WHERE delivered_at IS NULL
        ORDER BY alert_id, channel
        """,
    )
    return [
        Waiting(
            row["channel"],
            row["attempts"],
            row["created_at"],
            row["last_error"] or "",
            Message(row["alert_id"], row["severity"], row["subject"], row["body"]),
        )
        for row in found
        if row["channel"] in site.settings.alerts.channels
    ]


def deliver(con: Connection, site: Site) -> list[Attempt]:
    """Send the messages that wait, and record the results."""
    outbox: dict[str, list[Message]] = {}
    for delivery in waiting(con, site):
        outbox.setdefault(delivery.channel, []).append(_dated(delivery))
    if not outbox:
        return []
    log.info("Sending alerts …")
    attempts = send_all(outbox, site.settings.alerts)
    for attempt in attempts:
        con.execute(
            "UPDATE ops.alert_deliveries SET attempts = attempts + ?, delivered_at = ?, last_error = ? "
            "WHERE alert_id = ? AND channel = ?",
            [
                attempt.tries, None if attempt.error else utc_now(), attempt.error or None,
                attempt.alert_id, attempt.channel,
            ],
        )  # fmt: skip
    report(attempts, f"It is sent at the next run, or with: {site.command('alerts', 'send')}")
    return attempts


def send_waiting(site: Site) -> list[Waiting]:
    """Send the messages that wait; returns those that still wait afterwards."""
    patience = site.settings.run.busy_timeout_seconds
    with writing(site, "alerts", wait_seconds=patience, on_wait=log.info), warehouse(site) as con:
        deliver(con, site)
        return waiting(con, site)


def send_unqueued(site: Site, alerts: Sequence[Alert]) -> None:
    """Send alerts once, when the warehouse cannot store them."""
    outbox: dict[str, list[Message]] = {}
    for number, alert in enumerate(alerts, start=1):
        for channel in alert.wanted_by(site.settings.alerts):
            outbox.setdefault(channel, []).append(Message(number, alert.severity, alert.subject, alert.body))
    report(send_all(outbox, site.settings.alerts), "It is not tried again, because the warehouse could not be written")


def send_test(site: Site) -> list[Attempt]:
    """Send every channel a test message; returns the results."""
    message = Message(
        1,
        "info",
        f"{harmless(site.settings.site.name)}: test message",
        f"This is a test. Alerts about closes, loads and backfills arrive here.\n\nEvents: {', '.join(ALERT_EVENTS)}.",
    )
    return send_all({name: [message] for name in site.settings.alerts.channels}, site.settings.alerts)


def report(attempts: Sequence[Attempt], what_next: str) -> None:
    """Log which channels accepted a message and which did not."""
    for attempt in attempts:
        if attempt.error:
            log.warning("Alert not delivered to %s: %s. %s", attempt.channel, attempt.error, what_next)
        else:
            log.info("Alert sent to %s", attempt.channel)


def _dated(delivery: Waiting) -> Message:
    """A message, with the time it was written when it comes late."""
    message = delivery.message
    if not delivery.attempts:
        return message
    note = f"Written on {delivery.created_at:%Y-%m-%d at %H:%M} UTC; it could not be delivered before."
    return Message(message.alert_id, message.severity, message.subject, f"{message.body}\n\n{note}")
