"""A real Chromium, driven through a pipe: what it lays out, which colours it paints, and what it asks the network for."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio",
    "--remote-debugging-pipe",
)  # fmt: skip

needs_chromium = pytest.mark.skipif(_PROGRAM is None, reason="Chromium is not installed (Debian: apt install chromium)")


class Browser:
    """One page of one browser. Commands and events are those of the DevTools protocol."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
        self._number = 0
        self._session: str | None = None
        self.requests: list[str] = []
        """The addresses that the page asked for."""
        self.sent: list[tuple[str, str]] = []
        """Those that sent something: the id of the request, for `Network.getResponseBody`, and what was sent."""
        self.blocked: list[str] = []
        """Why the browser refused such a request before it left: `csp` is the page's own policy."""
        self.messages: list[str] = []
        """What the browser told about the page: script errors, broken policies, refused requests."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._writing.write(json.dumps(message).encode() + b"\0")
        self._writing.flush()
        while (answer := self._next()).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return dict(answer["result"])

    def open(self, file: Path, *, width: int, height: int, scheme: str, is_phone: bool = False) -> None:
        """Show a file in a window of CSS pixels, to a reader who prefers the colour scheme `light` or `dark`."""
        self.go(file.as_uri(), width=width, height=height, scheme=scheme, is_phone=is_phone)

    def go(self, address: str, *, width: int, height: int, scheme: str = "light", is_phone: bool = False) -> None:
        """Show the page at an address, as `open` shows a file."""
        self.requests.clear()
        self.sent.clear()
        self.blocked.clear()
        self.messages.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=address)
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self) -> bytes:
        """What the window shows, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def _next(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self._reading.read(1)) != b"\0":
            assert byte, "Chromium is gone"
            message += byte
        found: dict[str, Any] = json.loads(message)
        details = found.get("params", {})
        if found.get("method") == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
            if "postData" in details["request"]:
                self.sent.append((details["requestId"], details["request"]["postData"]))
        elif found.get("method") == "Network.loadingFailed" and "blockedReason" in details:
            self.blocked.append(details["blockedReason"])
        elif found.get("method") in {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}:
            self.messages.append(json.dumps(details))
        return found


@contextlib.contextmanager
def chromium(profile: Path, *, reaches_this_machine: bool = False) -> Iterator[Browser]:
    """Start a browser with an empty profile and no way to the network, but perhaps to servers of this machine; it ends with the block."""
    assert _PROGRAM is not None
    commands, to_browser = os.pipe()
    from_browser, answers = os.pipe()
    hosts = f"MAP * ~NOTFOUND{', EXCLUDE 127.0.0.1' if reaches_this_machine else ''}"
    process = subprocess.Popen(
        # Chromium reads its commands from descriptor 3 and answers on 4.
        ["/bin/bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "bash", _PROGRAM, *_FLAGS,
         f"--user-data-dir={profile}", "--proxy-server=127.0.0.1:9", f"--host-resolver-rules={hosts}"],
        pass_fds=(commands, answers), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    os.close(commands)
    os.close(answers)
    try:
        yield Browser(from_browser, to_browser)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
