"""`python -m flows.deploy` on a real server: what it creates, updates, removes and refuses."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from kam.site import Site
from tests.flows.processes import Finished, run
from tests.flows.server import Server
from tests.support import long, write_site

pytestmark = [long, pytest.mark.timeout(900)]
MONTHLY = "monthly_close/monthly-"


def site_named(folder: Path, name: str) -> Site:
    folder.mkdir()
    return write_site(folder, {}, settings={"site": {"name": name, "timezone": "Europe/Berlin"}}, feeds=[])


def deploy(table: Path, *options: str, env: dict[str, str]) -> Finished:
    """Run the command in a folder that has nothing to do with it."""
    return run("flows.deploy", str(table), *options, env=env, cwd=Path("/"))


def names(server: Server) -> set[str]:
    found = server.ask("/deployments/filter", deployments={"tags": {"all_": ["table:sites"]}}, limit=200)
    return {deployment["name"] for deployment in found}


def test_a_table_of_sites_is_what_the_server_has(server: Server, client_env: dict[str, str], tmp_path: Path) -> None:
    for name in ("Leipzig", "Lyon"):
        site_named(tmp_path / name.lower(), name)
    table = tmp_path / "sites.toml"
    leipzig = '[sites.leipzig]\nfolder = "leipzig"\n'
    table.write_text(
        '[defaults]\npool = "north"\n'
        + leipzig
        + '[sites.lyon]\nfolder = "lyon"\nclose = "0 9 5 * *"\napprovers = ["Anna B"]\n'
    )

    refused = deploy(table, env=client_env)
    assert (refused.exit_status, refused.errors.strip()) == (
        2,
        "there is no work pool north. Make it: prefect work-pool create north --type process",
    )
    server.ask("/work_pools/", name="north", type="process")
    planned = deploy(table, "--dry-run", env=client_env)
    assert planned.output.splitlines()[0] == "would create ingest/daily-leipzig"
    assert names(server) == set()

    made = deploy(table, env=client_env)
    assert made.exit_status == 0, made
    kinds = ("daily", "monthly", "on-demand")
    of_anna = "approve-anna-b-lyon"
    assert names(server) == {of_anna, *(f"{kind}-{site}" for kind in kinds for site in ("leipzig", "lyon"))}
    assert server.deployment(f"approve/{of_anna}")["parameters"]["identity"] == "Anna B"
    lyon = server.deployment(f"{MONTHLY}lyon")
    assert lyon["tags"] == ["kam-close", "site:lyon", "table:sites"]
    assert lyon["schedules"][0]["schedule"]["cron"] == "0 9 5 * *"
    assert lyon["work_pool_name"] == "north"
    assert not lyon["pull_steps"]

    # Neither another site nor a misspelt name gets as far as a run.
    for parameters in ({"site": "/srv/other"}, {"perod": "2026-10"}):
        with pytest.raises(httpx.HTTPStatusError) as wrong:
            server.start(f"{MONTHLY}lyon", **parameters)
        assert wrong.value.response.status_code == httpx.codes.CONFLICT

    # Somebody pauses the close of Leipzig, and Lyon leaves the table.
    monthly = server.deployment(f"{MONTHLY}leipzig")
    schedule = monthly["schedules"][0]["id"]
    server.request("PATCH", f"/deployments/{monthly['id']}/schedules/{schedule}", {"active": False})
    table.write_text('[defaults]\npool = "north"\n' + leipzig)
    again = deploy(table, env=client_env)

    assert again.output.splitlines()[-1] == "1 site: 8 deployments, 9 removed"
    assert names(server) == {f"{kind}-leipzig" for kind in kinds}
    assert [one["active"] for one in server.deployment(f"{MONTHLY}leipzig")["schedules"]] == [False]


@pytest.mark.usefixtures("deployed")
def test_a_missing_site_is_refused_before_anything_is_deployed(server: Server, client_env: dict[str, str]) -> None:
    before = server.ask("/deployments/count")

    refused = run("prefect", "--no-prompt", "deploy", "--all", env=client_env)

    assert refused.exit_status == 1
    assert (
        "KAM_SITE is not set. Set it to the folder of the site. Nothing was changed" in refused.output + refused.errors
    )
    assert server.ask("/deployments/count") == before


@pytest.mark.usefixtures("deployed")
def test_a_misspelt_parameter_of_the_single_site_is_refused_by_the_server(
    server: Server, client_env: dict[str, str]
) -> None:
    strict = run("flows.deploy", "--strict", env=client_env)

    assert (strict.exit_status, strict.output) == (0, "9 deployments: unknown parameters are refused\n")
    with pytest.raises(httpx.HTTPStatusError) as wrong:
        server.start("monthly_close/monthly", perod="2026-06")
    assert wrong.value.response.status_code == httpx.codes.CONFLICT
    assert "'perod' was unexpected" in wrong.value.response.text
