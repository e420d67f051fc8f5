"""Sign-off on a Prefect server: what a run says of a version that waits, who approves it, and what is locked."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from kam.archive.store import ledger_entries
from kam.close import signoff, steps
from kam.periods import parse_month
from kam.site import Site, find_site
from tests.flows.processes import PATIENCE_SECONDS, running, wait_for
from tests.flows.server import Server
from tests.flows.test_flows import GOOD, LATE, Run, close, deliver, events, site_in, versions
from tests.support import long

pytestmark = [long, pytest.mark.usefixtures("prefect_server")]
JUNE = parse_month("2026-06")


def with_sign_off(folder: Path) -> Site:
    site = site_in(folder, GOOD)
    file = folder / "kam.toml"
    file.write_text(file.read_text().replace("[publish]", "[publish]\napproval = true\nfour_eyes = true"))
    return find_site(site.directory)


def approve(site: Site, **parameters: Any) -> Run:
    from flows.approve import approve as flow

    return Run(flow, str(site.directory), "2026-06", **parameters)


def test_a_run_says_what_waits_and_what_is_locked(site_folder: Path, server: Server) -> None:
    site = with_sign_off(site_folder)
    run = close(site)
    assert (run.state, run.message) == (
        "Preliminary",
        "2026-06 version 1 waits for approval; readers see no figures of this month",
    )
    page = run.artifacts()["test-2026-06"]
    assert page.startswith("# test, close 2026-06: Preliminary")
    assert f"Approve it: {signoff.approve_command(site, {JUNE: 1})}" in page
    assert events(server, site, "preliminary")[0]["payload"]["seen"] == 0
    assert versions(site) == []

    same_person = approve(site, version=1, comment="looked at it")
    assert same_person.state == "Refused"
    assert "wants somebody else to approve it" in same_person.message
    forged = approve(site, version=1, comment="looked at it", identity="berta")
    assert (forged.state, forged.message.split(".")[0]) == (
        "Refused",
        "identity: 'berta' was given, and no deployment sets one for this run",
    )

    file = site.directory / "kam.toml"
    file.write_text(file.read_text().replace("four_eyes = true", "four_eyes = false"))
    approved = approve(site, version=1, comment="looked at it")
    assert (approved.state, approved.flow_run.name, approved.result) == ("Approved", "test: approve 2026-06", 1)
    assert approved.artifacts()["test-approval-2026-06"].startswith("# test, approve 2026-06: Approved")
    assert events(server, site, "approved")[0]["payload"]["comment"] == "looked at it"
    assert events(server, site, "published")[0]["payload"]["version"] == 1
    assert versions(site) == [(JUNE, 1)]

    steps.set_lock(site, JUNE, "audited", is_locked=True)
    deliver(site, "invoices_late.csv", LATE)
    locked = close(site)
    assert locked.state == "Locked"
    assert "It keeps version 1" in locked.message
    assert "test-difference-2026-06" in locked.artifacts()
    assert events(server, site, "locked")[0]["payload"]["version"] == 1


def test_an_approver_has_a_deployment_whose_name_no_run_can_change(
    server: Server, client_env: dict[str, str], site_folder: Path, tmp_path: Path
) -> None:
    site = with_sign_off(site_folder)
    log = tmp_path / "serve.log"
    arguments = ("--site", str(site_folder), "serve", "--approver", "anna")
    with running("kam.cli", *arguments, env=client_env, cwd=tmp_path, log=log) as serving:
        wait_for(lambda: "Stop: Ctrl-C" in log.read_text(), "the deployments are served", serving)
        closed = server.finished(server.start("monthly_close/monthly-test", period="2026-06"))
        assert closed["state_name"] == "Preliminary", closed["state"]
        wanted: dict[str, Any] = {"period": "2026-06", "version": 1, "comment": "looked at it"}
        with pytest.raises(httpx.HTTPStatusError) as refused:
            server.start("approve/approve-anna-test", **wanted, identity="berta")
        assert refused.value.response.status_code == httpx.codes.CONFLICT
        nobody = server.finished(server.start("approve/on-demand-test", **wanted))
        assert nobody["state_name"] == "Refused", nobody["state"]

        approved = server.finished(server.start("approve/approve-anna-test", **wanted))

        assert approved["state_name"] == "Approved", approved["state"]
        assert approved["state"]["message"] == "2026-06 version 1 approved by anna"
        serving.send_signal(signal.SIGTERM)
        serving.wait(timeout=PATIENCE_SECONDS)
    (entry,) = (entry for entry in ledger_entries(site) if entry["kind"] == "approval")
    (closing,) = (entry for entry in ledger_entries(site) if entry["kind"] == "close")
    assert (entry["approved_identity"], entry["approved_uid"]) == ("anna", closing["closed_uid"])
    assert entry["content_hash"] == closing["content_hash"]
    assert "berta" not in json.dumps(entry)
