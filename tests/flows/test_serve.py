"""`kam serve`: the deployments, schedules and automations of a site in one process, on a real server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import httpx
import pytest

from tests.flows.processes import PATIENCE_SECONDS, kam, running, wait_for
from tests.flows.server import Server, free_port, open_amounts, site_in
from tests.flows.test_automations import Mailbox, automations, mailbox
from tests.support import REPOSITORY, long

__all__ = ["mailbox"]
pytestmark = [long, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def _leave_no_automations(server: Server) -> Iterator[None]:
    yield
    for automation in automations(server).values():
        server.request("DELETE", f"/automations/{automation['id']}")


def test_a_site_is_served_until_the_process_is_told_to_end(
    server: Server, client_env: dict[str, str], site_folder: Path, tmp_path: Path, mailbox: Mailbox
) -> None:
    site = site_in(site_folder)
    log = tmp_path / "serve.log"
    arguments = ("--site", str(site_folder), "serve", "--close", "0 8 4 * *")
    env = {**client_env, "KAM_ALERT_URL": mailbox.address}
    with running("kam.cli", *arguments, env=env, cwd=tmp_path, log=log) as serving:
        wait_for(lambda: "Stop: Ctrl-C" in log.read_text(), "the deployments are served", serving)
        monthly = server.deployment("monthly_close/monthly-test")
        (schedule,) = monthly["schedules"]
        assert (schedule["active"], schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == (
            True, "0 8 4 * *", "Europe/Berlin",
        )  # fmt: skip
        assert "kam-close: crashed" in automations(server)
        with pytest.raises(httpx.HTTPStatusError) as wrong:
            server.start("monthly_close/monthly-test", perod="2026-06")
        assert wrong.value.response.status_code == httpx.codes.CONFLICT

        # Half past midnight on the first of July in Berlin.
        run = server.finished(server.start("monthly_close/monthly-test", due="2026-06-30T22:30:00Z"))
        assert (run["name"], run["state_name"]) == ("test: close 2026-06", "Published"), run["state"]
        assert open_amounts(site) == {date(2026, 6, 1): 125}

        serving.send_signal(signal.SIGTERM)
        status = serving.wait(timeout=PATIENCE_SECONDS)

    said = log.read_text()
    assert status == 0, said
    assert "Traceback" not in said
    assert "a-secret" not in said
    # What becomes due meanwhile is made up for.
    assert [one["active"] for one in server.deployment("monthly_close/monthly-test")["schedules"]] == [True]


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "line"),
    [
        ((), {"PREFECT_API_URL": ""}, 2, "there is no Prefect server to serve runs from. Set PREFECT_API_URL"),
        (("--close", "0 7 3 *"), {}, 2, "sites.test: close: '0 7 3 *' is no cron. Write it as '0 7 3 * *'"),
        ((), {"PREFECT_API_URL": "NOBODY"}, 1, "NOBODY does not answer"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(
    arguments: tuple[str, ...],
    variables: dict[str, str],
    status: int,
    line: str,
    client_env: dict[str, str],
    site_folder: Path,
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/api"
    given = {name: value.replace("NOBODY", nobody) for name, value in variables.items()}
    site_in(site_folder)

    refused = kam("--site", str(site_folder), "serve", *arguments, env=client_env | given)

    assert refused.exit_status == status, refused
    (said,) = refused.errors.splitlines()
    assert said.startswith(line.replace("NOBODY", nobody))


def test_an_address_that_takes_no_message_does_not_keep_months_from_closing(
    server: Server, client_env: dict[str, str], site_folder: Path, tmp_path: Path
) -> None:
    site_in(site_folder)
    log = tmp_path / "serve.log"
    env = {**client_env, "KAM_ALERT_URL": "json//user:a-secret@nowhere"}
    with running("kam.cli", "--site", str(site_folder), "serve", env=env, cwd=REPOSITORY, log=log) as serving:
        wait_for(lambda: "Stop: Ctrl-C" in log.read_text(), "the deployments are served", serving)
        with suppress(ProcessLookupError):
            serving.send_signal(signal.SIGTERM)
        serving.wait(timeout=PATIENCE_SECONDS)

    said = log.read_text()
    assert "No message could be sent to the address in KAM_ALERT_URL" in said
    assert "a-secret" not in said
    assert automations(server) == {}
