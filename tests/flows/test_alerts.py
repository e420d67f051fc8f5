"""Alerts of whole runs: a dead channel changes nothing about a close, and every message arrives once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.ingest import ingest
from flows.monthly_close import monthly_close
from flows.publish import publish
from kam.errors import SourceRefusedError, ValidationFailedError
from kam.site import Site
from kam.warehouse import open_read_only
from tests.flows.processes import PREFECT_LOG_LINE, kam
from tests.flows.server import Server
from tests.receivers import Hook, dead_port, web_server
from tests.support import long, write_csv, write_site

TOKEN, PASSWORD = "tok3nOfTheChannel", "pa55wordOfTheChannel"
COLUMNS = ("invoice_id", "account_id", "invoice_date", "due_date", "net_amount", "invoice_total")
WRONG_TOTAL = ("I1", "A", "2026-06-10", "2026-07-10", "60", "90")
RIGHT_TOTAL = ("I1", "A", "2026-06-10", "2026-07-10", "60", "60")


@pytest.fixture
def hook() -> Iterator[Hook]:
    with web_server() as started:
        yield started


def site_in(folder: Path) -> Site:
    """An invoice of June that does not add up, and a channel whose address the variable TEST_OPS holds."""
    site = write_site(
        folder,
        {"accounts": [{"account_id": "A"}]},
        feeds=["accounts", "invoices"],
        settings={"alerts.channels.ops": {"url": "env:TEST_OPS"}},
    )
    land(site, "invoices.csv", WRONG_TOTAL)
    return site


def land(site: Site, name: str, *invoices: tuple[str, ...]) -> None:
    write_csv(
        site.directory / "landing" / name, COLUMNS, [dict(zip(COLUMNS, values, strict=True)) for values in invoices]
    )


def outcome(flow: Any, *parameters: object) -> Any:
    """What a flow returns, or the error that it ends with."""
    return flow(*parameters, return_state=True).result(raise_on_failure=False)


@long
@pytest.mark.usefixtures("prefect_server")
def test_messages_arrive_once_also_when_the_channel_was_dead(
    site_folder: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_in(site_folder)
    place = str(site.directory)

    monkeypatch.setenv("TEST_OPS", f"json://127.0.0.1:{dead_port()}")
    failed = outcome(monthly_close, place, "2026-06")
    assert isinstance(failed, ValidationFailedError)
    assert failed.exit_code == 3

    monkeypatch.setenv("TEST_OPS", f"json://127.0.0.1:{hook.port}")
    assert outcome(publish, place) is True
    assert titles(hook) == ["test: 2026-06 was not closed (critical)"]
    assert isinstance(outcome(monthly_close, place, "2026-06"), ValidationFailedError)
    assert len(hook.payloads) == 1, "nothing new to tell"

    land(site, "invoices_fixed.csv", RIGHT_TOTAL)
    assert outcome(monthly_close, place, "2026-06").months[0].outcome == "closed"
    assert outcome(monthly_close, place, "2026-06").months[0].outcome == "unchanged"
    assert titles(hook)[1:] == ["test: 2026-06 is good again (recovered)"]

    (site.directory / "landing" / "invoices_z.csv").write_text("nothing,of,an,invoice\n1,2,3,4\n")
    assert isinstance(outcome(ingest, place), SourceRefusedError)
    stopped = outcome(monthly_close, place, "2026-06")
    assert isinstance(stopped, SourceRefusedError)
    assert titles(hook)[2:] == [
        "test: invoices was refused (critical)",
        "test: 2026-06 was not closed: invoices was refused (critical)",
    ]


def titles(hook: Hook) -> list[str]:
    return [payload["title"] for payload in hook.payloads]


@long
@pytest.mark.timeout(600)
def test_a_verbose_close_shows_the_log_of_prefect_and_leaves_no_secret_of_a_dead_channel_anywhere(
    client_env: dict[str, str], server: Server, site_folder: Path
) -> None:
    site = site_in(site_folder)
    url = f"json://user:{PASSWORD}@127.0.0.1:{dead_port()}/{TOKEN}"
    failed = kam("--verbose", "--site", str(site_folder), "close", "2026-06", env={**client_env, "TEST_OPS": url})
    assert failed.exit_status == 3, failed
    assert PREFECT_LOG_LINE.search(failed.output + failed.errors)
    assert "Beginning flow run 'test: close 2026-06'" in failed.output + failed.errors
    assert "Finished in state Completed()" in failed.output + failed.errors
    assert "Alert not delivered to ops: connection refused" in failed.output
    with open_read_only(site) as con:
        assert con.execute("SELECT event FROM ops.alerts").fetchall() == [("close_failed",)]
    homes = (site_folder, server.home, Path(client_env["PREFECT_HOME"]))
    files = [file for folder in homes for file in folder.rglob("*") if file.is_file()]
    assert any(file.name == "prefect.db" for file in files)
    for secret in (TOKEN, PASSWORD):
        assert secret not in failed.output + failed.errors
        assert [file for file in files if secret.encode() in file.read_bytes()] == []
