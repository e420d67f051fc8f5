"""What all tests share: DuckDB on one thread, and one Prefect server for those that run flows, with a home of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from kam.cli import prefect_runtime
from kam.warehouse import Connection, connection
from tests.flows.processes import environment, run

_connect = connection._connect  # noqa: SLF001 - the one door


def _connect_with_one_thread(database: str, **options: Any) -> Connection:
    config = {"threads": 1} | (options.pop("config", None) or {})
    return _connect(database, config=config, **options)


# Tests run beside each other, and for a few rows more threads only cost time. Programs that a test starts have them all.
connection._connect = _connect_with_one_thread  # noqa: SLF001


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the files that need the Prefect server to one process, so that there is one server, and all others by file."""
    with_server = {item.path for item in items if "prefect_server" in getattr(item, "fixturenames", ())}
    for item in items:
        group = "prefect" if item.path in with_server else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="module")
def every_core() -> Iterator[None]:
    """DuckDB has as many threads as there are cores, as in use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "_connect", _connect)
        yield


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes homes of Prefect whose database is there already; to make one anew takes longer than most tests.

    All test processes copy the same one.
    """
    is_one_of_many = "PYTEST_XDIST_WORKER" in os.environ
    of_the_run = tmp_path_factory.getbasetemp().parent if is_one_of_many else tmp_path_factory.getbasetemp()
    template = of_the_run / "prefect-template"
    with FileLock(f"{template}.lock"):
        if not template.exists():
            unfinished = tmp_path_factory.mktemp("prefect-template")
            made = run("prefect", "server", "database", "upgrade", "--yes", env=environment(unfinished))
            assert made.exit_status == 0, made
            unfinished.rename(template)

    def make() -> Path:
        home = tmp_path_factory.mktemp("prefect-home")
        shutil.copytree(template, home, dirs_exist_ok=True)
        return home

    return make


@pytest.fixture(scope="session")
def prefect_server(prefect_home: Callable[[], Path]) -> Iterator[None]:
    """Flows of this test session run on an embedded server of its own, as they do for users without a server."""
    home = prefect_home()
    os.environ["PREFECT_HOME"] = str(home)
    prefect_runtime.configure()
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_HOME,
        PREFECT_SERVER_DATABASE_CONNECTION_URL,
        temporary_settings,
    )

    # Test files that name a flow imported Prefect before, with the home, and perhaps the server, of whoever runs them.
    ours = {
        PREFECT_HOME: home,
        PREFECT_API_URL: None,
        PREFECT_SERVER_DATABASE_CONNECTION_URL: f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,  # it costs a second at the end of each flow
    }
    with temporary_settings(ours):
        yield
    # Else what is still to be sent, and the end of the server, would be told after the last line of pytest.
    APILogWorker.drain_all()
    EventsWorker.drain_all()
    SubprocessASGIServer().stop()


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    """An empty folder to make a site in."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder
