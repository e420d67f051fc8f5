"""A Tryton server of the tests' own: on PostgreSQL, in an environment of its own, with a calendar that the tests set."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.postgresql import PostgreSql
from tests.support import REPOSITORY

ENVIRONMENT = REPOSITORY / ".venv-tryton"
FOLDER = Path(__file__).resolve().parent
MODULES = ("sale_opportunity", "account_credit_limit", "account_invoice_stock", "sale_credit_limit")
_SECONDS_TO_START = 60


class Tryton:
    """A running server and its database."""

    def __init__(self, folder: Path, url: str, access: Mapping[str, str]) -> None:
        self.folder, self.url, self.access = folder, url, access

    def live_through(self, events: str) -> dict[str, Any]:
        """Let the events of a file here happen, and return what Tryton's reports say after them."""
        access = self.folder / "access.json"
        access.write_text(json.dumps(self.access), encoding="utf-8")
        done = _python(FOLDER / "driver.py", access, FOLDER / events)
        if done.returncode:
            log = (self.folder / "server.log").read_text(encoding="utf-8")
            pytest.fail(f"{done.stderr[-2000:]}\n{log[-2000:]}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@contextmanager
def running_tryton(postgresql: PostgreSql, folder: Path) -> Iterator[Tryton]:
    """A server with the modules that the preset needs and nothing in its books. Skips the test where Tryton is not installed."""
    if not (ENVIRONMENT / ".ready").exists():
        pytest.skip("Tryton is not installed here: make test-tryton")
    url = postgresql.new_database()
    server, _, database = url.rpartition("/")
    port, password = _free_port(), secrets.token_hex(12)
    configuration, calendar = folder / "trytond.conf", folder / "today"
    configuration.write_text(
        f"[database]\nuri = {server}/\n[web]\nlisten = 127.0.0.1:{port}\n[email]\nuri = dummy://\n", encoding="utf-8"
    )
    calendar.write_text("2025-01-01", encoding="utf-8")
    (folder / "password").write_text(password, encoding="utf-8")
    made = _python(
        ENVIRONMENT / "bin" / "trytond-admin", "-c", configuration, "-d", database, "-u", *MODULES, "--activate-dependencies",
        "--email", "nobody@example.org", TRYTONPASSFILE=str(folder / "password"),
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-2000:]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [str(_interpreter()), str(FOLDER / "server.py"), str(calendar), "-c", str(configuration), "-d", database],
            stdout=log, stderr=log, env=_environment(),
        )  # fmt: skip
    try:
        _wait_for(port, process)
        access = {"url": f"http://127.0.0.1:{port}/{database}/rpc/", "password": password, "calendar": str(calendar)}
        yield Tryton(folder, url, access)
    finally:
        process.terminate()
        process.wait(timeout=_SECONDS_TO_START)


def _interpreter() -> Path:
    return ENVIRONMENT / "bin" / "python"


def _environment(**more: str) -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | more


def _python(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(_interpreter()), *map(str, arguments)], env=_environment(**environment), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(_SECONDS_TO_START * 5):
        assert process.poll() is None, "Tryton's server ended"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail("Tryton's server does not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
