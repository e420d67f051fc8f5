"""Where messages go: Apprise, one URL per channel, from the environment.

Apprise is imported when a channel is opened. Its log and that of the HTTP library show URLs with their secrets. So
nothing of them is passed on: a failure is described in our own words.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apprise import AppriseAsset, NotifyBase, NotifyType
from kam.errors import SettingsError
from kam.site import AlertsSection

_TRIES = 3
_PAUSE_SECONDS = 1
_PATIENCE_SECONDS = 25
_TEAMS_CHARACTERS = 20_000
# As the system, SMTP and TLS libraries say it; nothing else of an error is kept.
_KNOWN_FAULTS = (
    "Connection refused",
    "timed out",
    "Name or service not known",
    "Temporary failure in name resolution",
    "nodename nor servname",
    "No route to host",
    "Network is unreachable",
    "certificate verify failed",
    "WRONG_VERSION_NUMBER",
    "Connection reset",
    "Connection aborted",
    "Connection unexpectedly closed",
    "Broken pipe",
)


@dataclass(frozen=True)
class Message:
    """A message for a channel. `severity` is critical, warning or info, or good for a recovery."""

    alert_id: int
    severity: str
    subject: str
    body: str


@dataclass(frozen=True)
class Attempt:
    """The result for a message: how often it was tried, and why it was not delivered (empty when it was)."""

    channel: str
    alert_id: int
    tries: int
    error: str = ""


class Channel:
    """An open channel."""

    def __init__(self, name: str, alerts: AlertsSection) -> None:
        """Open a channel of the settings. Raises `SettingsError` for a variable without a URL that Apprise understands."""
        self.name = name
        self._service = _service(name, alerts.channels[name].url_variable)

    def send(self, message: Message) -> Attempt:
        """Try to deliver a message, a few times at most."""
        error = ""
        for number in range(1, _TRIES + 1):
            error = self._try(message)
            if not error:
                return Attempt(self.name, message.alert_id, number)
            if number < _TRIES:
                time.sleep(_PAUSE_SECONDS)
        return Attempt(self.name, message.alert_id, _TRIES, error)

    def _try(self, message: Message) -> str:
        """Send once; why it did not work, empty when it did."""
        from apprise import Apprise, NotifyFormat

        _HEARD.clear()
        sender = Apprise(self._service, asset=self._service.asset)
        if sender.notify(
            body=message.body,
            title=message.subject,
            notify_type=_notify_type(message.severity),
            body_format=NotifyFormat.TEXT,
        ):
            return ""
        return _in_our_words(_HEARD.text())


def faults(alerts: AlertsSection) -> list[str]:
    """What is wrong with the channels of a site: one line each, by channel and variable, without the value."""
    found = []
    for name in alerts.channels:
        try:
            Channel(name, alerts)
        except SettingsError as error:
            found.append(str(error))
    return found


def send_all(outbox: Mapping[str, Sequence[Message]], alerts: AlertsSection) -> list[Attempt]:
    """Send each channel its messages, all channels at once; returns the result of each message that was tried.

    After a failure a channel gets no more messages, so that they arrive in order. It takes half a minute at most,
    however many channels are dead.
    """
    attempts: list[Attempt] = []
    threads = {
        name: threading.Thread(target=_send_in_order, args=(name, messages, alerts, attempts), daemon=True)
        for name, messages in outbox.items()
    }
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(deadline - time.monotonic(), 0))
    found = list(attempts)
    for name, thread in threads.items():
        tried = {attempt.alert_id for attempt in found if attempt.channel == name}
        left = [message for message in outbox[name] if message.alert_id not in tried]
        if thread.is_alive() and left:
            found.append(Attempt(name, left[0].alert_id, 1, f"no answer within {_PATIENCE_SECONDS} seconds"))
    return found


def _send_in_order(name: str, messages: Sequence[Message], alerts: AlertsSection, attempts: list[Attempt]) -> None:
    try:
        channel = Channel(name, alerts)
    except SettingsError as error:
        attempts.append(Attempt(name, messages[0].alert_id, 1, str(error)))
        return
    for message in messages:
        attempts.append(channel.send(message))
        if attempts[-1].error:
            return


def _service(name: str, variable: str) -> NotifyBase:
    where = f"kam.toml: alerts.channels.{name}.url"
    url = os.environ.get(variable, "").strip()
    if not url:
        message = f"{where}: the environment variable {variable} is not set. Set it to the channel's Apprise URL"
        raise SettingsError(message)
    _keep_quiet()
    from apprise import Apprise, NotifyFormat, OverflowMode

    try:
        service = Apprise.instantiate(url, asset=_asset())
    except Exception:  # noqa: BLE001 - whatever Apprise stumbles over, it may quote the URL
        service = None
    if service is None:
        message = (
            f"{where}: the environment variable {variable} holds no URL that Apprise understands. "
            "Use one such as mailtos://user:password@host?to=somebody@host, or the address of a Slack or Teams webhook"
        )
        raise SettingsError(message)
    service.request_rate_per_sec = min(service.request_rate_per_sec, _PAUSE_SECONDS)
    if service.overflow_mode == OverflowMode.UPSTREAM:
        # Else a service that takes 2,000 characters refuses longer ones, again at each run.
        service.overflow_mode = OverflowMode.SPLIT
    schemas = service.schemas()  # type: ignore[no-untyped-call]
    if "workflows" in schemas:
        # Apprise's own limit of 1,000 is far below that of Teams, 28 KB, and would make several cards of one message.
        service.body_maxlen = _TEAMS_CHARACTERS
    if "mailtos" in schemas:
        service.notify_format = NotifyFormat.TEXT
    return service


@cache
def _asset() -> AppriseAsset:
    """How Apprise presents itself: without pictures from other servers."""
    from apprise import AppriseAsset

    return AppriseAsset(
        app_id="kam-close",
        app_desc="Month-end close",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
    )


def _notify_type(severity: str) -> NotifyType:
    from apprise import NotifyType

    types = {"critical": NotifyType.FAILURE, "warning": NotifyType.WARNING, "good": NotifyType.SUCCESS}
    return types.get(severity, NotifyType.INFO)


class _Heard(logging.Filter):
    """Stops log records before any handler. Keeps those of this thread, to find out why a message was not accepted."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        self._kept.lines = [*getattr(self._kept, "lines", []), record.getMessage()]
        return False

    def clear(self) -> None:
        """Forget everything."""
        self._kept.lines = []

    def text(self) -> str:
        """All of it."""
        return "\n".join(getattr(self._kept, "lines", []))


_HEARD = _Heard()


@cache
def _keep_quiet() -> None:
    """Silence the libraries' logs and warnings about channels: they quote addresses, tokens and payloads."""
    apprise = logging.getLogger("apprise")
    apprise.addFilter(_HEARD)
    apprise.setLevel(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)
    from urllib3.exceptions import HTTPWarning

    warnings.simplefilter("ignore", HTTPWarning)


def _in_our_words(heard: str) -> str:
    """Why a message was not accepted, from Apprise's log, without any words that could hold a secret."""
    status = re.search(r"error=(\d{3})\b", heard)
    if status:
        return f"the address answered with HTTP status {status[1]}"
    known = next((fault for fault in _KNOWN_FAULTS if fault.lower() in heard.lower()), None)
    if known:
        return known[0].lower() + known[1:]
    answer = re.search(r"\((\d{3}), b?['\"]", heard)
    return f"the mail server answered with {answer[1]}" if answer else "the message was not accepted"
