"""What all tests share: DuckDB on one thread, and one Prefect server for those that run flows, with a home of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kam import prefect_runtime, warehouse

_connect = warehouse._connect  # noqa: SLF001 - the one door


def _connect_with_one_thread(database: str, **options: Any) -> warehouse.Connection:
    config = {"threads": 1} | (options.pop("config", None) or {})
    return _connect(database, config=config, **options)


# Tests run beside each other, and for a few rows more threads only cost time. Programs that a test starts have them all.
warehouse._connect = _connect_with_one_thread  # noqa: SLF001


@pytest.fixture(scope="module")
def every_core() -> Iterator[None]:
    """DuckDB has as many threads as there are cores, as in use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "_connect", _connect)
        yield


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Flows of this test session run on a fresh server that ends with it."""
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("prefect"))
    prefect_runtime.configure()
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    # A heartbeat costs a second at the end of each flow.
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    """An empty folder to make a site in."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder
