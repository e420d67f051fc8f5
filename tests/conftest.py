"""What all tests share: DuckDB on one thread, and who runs which file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kam.site import Site
from kam.warehouse import Connection, connection, file_store
from kam.warehouse.sql import Config
from tests.postgresql import PostgreSql, postgresql
from tests.stores import ON_LAKE, sites_on_lakes
from tests.support import IS_LONG, long

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling
    from xdist.workermanage import WorkerController

_connect = connection.connect
# The files here share one Prefect server.
_FLOWS = "tests/flows"
_TRYTON = "tests/presets/test_tryton.py"
# Each case is a site of its own.
_CASES = "tests/cases"
# As if each test in them were marked `long`: kills and full disks, mutated files, third-party data, and each case of the figures
# and rules. The worked cases of tests/golden are in every run.
_LONG = (
    "tests/cases/",
    "tests/crash/",
    "tests/expectations/test_broken_inputs.py",
    "tests/expectations/test_feeds.py",
    "tests/fuzz/",
    "tests/marts/",
    "tests/real/",
)


def _connect_with_one_thread(database: str, **options: Any) -> Connection:
    config = {"threads": 1} | (options.pop("config", None) or {})
    return _connect(database, config=config, **options)


_make = file_store._make
_made: dict[str, bytes] = {}


def _make_as_a_copy(site: Site, config: Config) -> None:
    """An empty working file as `kam` makes it, made once per currency and copied: most tests need one."""
    currency = site.settings.site.reporting_currency
    if site.settings.corrections:
        _make(site, config)
    elif currency in _made:
        site.warehouse.with_name(f"{site.warehouse.name}.wal").unlink(missing_ok=True)
        site.warehouse.write_bytes(_made[currency])
    else:
        _make(site, config)
        _made[currency] = site.warehouse.read_bytes()


# Tests run beside each other, and for a few rows more threads only cost time. Programs that a test starts have them all.
connection.connect = _connect_with_one_thread
file_store._make = _make_as_a_copy


if ON_LAKE:
    server_of_lakes = postgresql

    @pytest.fixture(scope="session", autouse=True)
    def _every_site_has_a_lake(server_of_lakes: PostgreSql) -> Iterator[None]:
        with sites_on_lakes(server_of_lakes):
            yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Give each file to one process, so that its fixtures are made once, the folder of the flows as a whole, and cases one by one.

    xdist has groups for this, but with pytest 9.2 it gives their tests to any process and says nothing.
    """
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith(_CASES):
                return nodeid
            return _FLOWS if nodeid.startswith(_FLOWS) else super()._split_scope(nodeid)

    # In the order below, not by number of tests.
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell the processes of xdist, which are always given paths."""
    node.workerinput["is_of_all_tests"] = _is_of_all_tests(node.config)


def _is_of_all_tests(config: pytest.Config) -> bool:
    """Whether no file or folder was named."""
    given: Mapping[str, bool] = getattr(config, "workerinput", {})
    return given.get("is_of_all_tests", config.args_source is not pytest.Config.ArgsSource.ARGS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not read the long files where nobody asked for them: that takes each process seconds."""
    place = f"{collection_path.relative_to(config.rootpath).as_posix()}{'/' if collection_path.is_dir() else ''}"
    return True if place.startswith(_LONG) and _is_of_all_tests(config) and not IS_LONG else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the flows and the year in Tryton, which take longest; leave out what is marked `long`, unless `KAM_LONG` is set or a path is given."""
    items.sort(key=lambda item: not item.nodeid.startswith((_FLOWS, _TRYTON)))
    for item in items:
        if item.nodeid.startswith(_LONG):
            item.add_marker(long)
        if item.get_closest_marker("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))
    left_out = []
    if _is_of_all_tests(config) and not IS_LONG:
        left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="module")
def every_core() -> Iterator[None]:
    """DuckDB has as many threads as there are cores, as in use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "connect", _connect)
        yield


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    """An empty folder to make a site in."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder
