"""One Prefect server for all tests here; they run in one process. It ends after the last of them: an idle one takes CPU time."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from kam.cli import prefect_runtime
from kam.site import Site
from tests.flows.processes import environment, run
from tests.flows.server import Server, server_in, site_in


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a home of its own."""
    with server_in(tmp_path_factory.mktemp("server-home")) as started:
        yield started


@pytest.fixture(scope="package")
def client_env(tmp_path_factory: pytest.TempPathFactory, server: Server) -> dict[str, str]:
    """The environment of everybody who uses the server."""
    return environment(tmp_path_factory.mktemp("client-home"), PREFECT_API_URL=server.url)


@pytest.fixture(scope="package")
def deployed(client_env: dict[str, str], server: Server, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site whose deployments are on the server, and no worker."""
    site = site_in(tmp_path_factory.mktemp("deployed-site"))
    server.ask("/work_pools/", name="kam", type="process")
    deployment = run("prefect", "--no-prompt", "deploy", "--all", env=client_env | {"KAM_SITE": str(site.directory)})
    assert deployment.exit_status == 0, deployment
    return site


@pytest.fixture(scope="package")
def prefect_server(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Flows of this process run on the server, not in the home or on the server of whoever runs the tests."""
    home = tmp_path_factory.mktemp("flows-home")
    os.environ["PREFECT_HOME"] = str(home)
    prefect_runtime.configure()
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_HOME,
        temporary_settings,
    )

    # Test files that name a flow imported Prefect before.
    ours = {
        PREFECT_HOME: home,
        PREFECT_API_URL: server.url,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,  # it costs a second at the end of each flow
    }
    with temporary_settings(ours):
        yield
        # While the server is there to take it.
        APILogWorker.drain_all()
        EventsWorker.drain_all()
