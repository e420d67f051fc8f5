"""One process that runs commands for all tests here, and the sites that they begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.harness import Sites, runner


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Sites in every state that a command finds."""
    place = tmp_path_factory.mktemp("crash")
    with runner(place) as commands:
        yield Sites(commands, place)
