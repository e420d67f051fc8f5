"""The deployments on the Prefect server of PREFECT_API_URL.

`python -m flows.deploy sites.toml` makes those of a table of sites. `python -m flows.deploy --strict` lets the server refuse unknown
parameters of those that `prefect deploy` made, which cannot do so itself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from flows.deployments import deployments, full_names, paused_schedules, refuse_unknown_parameters, require_crons
from kam.errors import KamError, UsageError
from kam.site import SITE_VARIABLE, ListedSite, find_site, read_sites
from kam.words import counted

_PAGE = 200
_SINGLE_SITE = Path(__file__).resolve().parents[1] / "prefect.yaml"


def main(arguments: Sequence[str] | None = None) -> None:
    """Create, update and remove deployments so that the server has those of the table."""
    parser = argparse.ArgumentParser(prog="python -m flows.deploy", description=main.__doc__)
    parser.add_argument("table", type=Path, metavar="sites.toml", nargs="?", help="the table of sites")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
    parser.add_argument(
        "--unchecked", action="store_true", help="do not read the sites' kam.toml, for folders that are not here"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="let the server refuse unknown parameters of the deployments of prefect.yaml",
    )
    given = parser.parse_args(arguments)
    if (given.table is None) is not given.strict:
        parser.error("name a table of sites, or --strict")
    try:
        if given.strict:
            refuse_unknown()
            return
        deploy(given.table, dry_run=given.dry_run, checked=not given.unchecked)
    except KamError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        sys.exit(error.exit_code)


def deploy(table: Path, *, dry_run: bool = False, checked: bool = True) -> None:
    """Bring the server's deployments to what the table says; those that it no longer lists are removed.

    Everything is checked before anything changes. A schedule that somebody paused stays paused. Raises `SettingsError` for a
    wrong table or site, `UsageError` without a server or a work pool.
    """
    listed = read_sites(table, checked=checked)
    for one in listed:
        require_crons(one)
    _require_server()
    with get_client(sync_client=True) as client:
        _require_pools(client, listed)
        there = _there(client, table)
        wanted = [name for one in listed for name in full_names(one)]
        gone = sorted(there.keys() - set(wanted))
        for one in listed:
            for name in full_names(one):
                _say("update" if name in there else "create", name, dry_run=dry_run)
            if not dry_run:
                _deploy_site(client, one, table)
        for name in gone:
            _say("remove", name, dry_run=dry_run)
            if not dry_run:
                client.delete_deployment(there[name])
    _print(
        f"{counted(len(listed), 'site')}: {counted(len(wanted), 'deployment')}, {len(gone)} removed"
        f"{'. Nothing was changed' if dry_run else ''}"
    )


def refuse_unknown() -> None:
    """Let the server refuse unknown parameters of the deployments of `prefect.yaml`; without it such a run crashes.

    Raises `UsageError` without a server, or when one of the deployments is not there.
    """
    _require_server()
    listed = yaml.safe_load(_SINGLE_SITE.read_text(encoding="utf-8"))["deployments"]
    with get_client(sync_client=True) as client:
        for one in listed:
            name = f"{one['entrypoint'].rpartition('.')[2]}/{one['name']}"
            try:
                refuse_unknown_parameters(client, client.read_deployment_by_name(name).id)
            except ObjectNotFound:
                message = f"the server has no deployment {name}. Make it: prefect --no-prompt deploy --all"
                raise UsageError(message) from None
    _print(f"{counted(len(listed), 'deployment')}: unknown parameters are refused")


def require_site(folder: str) -> dict[str, str]:
    """A step of `prefect.yaml`: the name of the site, for its tags. Ends the command where KAM_SITE names none."""
    if not folder:
        sys.exit(f"{SITE_VARIABLE} is not set. Set it to the folder of the site. Nothing was changed")
    try:
        return {"slug": find_site(Path(folder)).slug}
    except KamError as error:
        # Prefect would show an error as a page of code.
        sys.exit(f"{error}. Nothing was changed")


def _deploy_site(client: SyncPrefectClient, listed: ListedSite, table: Path) -> None:
    for deployment in deployments(listed, [_table_tag(table)], paused_schedules(client, listed)):
        # Without a running event loop Prefect waits for the answer.
        refuse_unknown_parameters(client, cast("UUID", deployment.apply()))


def _there(client: SyncPrefectClient, table: Path) -> dict[str, UUID]:
    """The deployments of the table that the server has, by name."""
    wanted = DeploymentFilter(tags=DeploymentFilterTags(all_=[_table_tag(table)]))
    found: dict[str, UUID] = {}
    flows: dict[UUID, str] = {}
    while True:
        page = client.read_deployments(deployment_filter=wanted, limit=_PAGE, offset=len(found))
        for deployment in page:
            if deployment.flow_id not in flows:
                flows[deployment.flow_id] = client.read_flow(deployment.flow_id).name
            found[f"{flows[deployment.flow_id]}/{deployment.name}"] = deployment.id
        if len(page) < _PAGE:
            return found


def _require_server() -> None:
    if not PREFECT_API_URL.value():
        message = (
            "PREFECT_API_URL is not set. Set it to the address of the Prefect server, such as http://127.0.0.1:4200/api"
        )
        raise UsageError(message)


def _require_pools(client: SyncPrefectClient, listed: Sequence[ListedSite]) -> None:
    for pool in dict.fromkeys(one.pool for one in listed):
        try:
            client.read_work_pool(str(pool))
        except ObjectNotFound:
            message = f"there is no work pool {pool}. Make it: prefect work-pool create {pool} --type process"
            raise UsageError(message) from None


def _table_tag(table: Path) -> str:
    """The tag of the deployments of a table of this name."""
    return f"table:{table.stem}"


def _say(what: str, name: str, *, dry_run: bool) -> None:
    _print(f"{'would ' if dry_run else ''}{what} {name}")


def _print(line: str) -> None:
    print(line)  # noqa: T201 - a command


if __name__ == "__main__":
    main()
