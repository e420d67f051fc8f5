"""The order of packages: each imports only from those above it in the list, and through their doors."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import REPOSITORY

# From the ground up; a package may import from those before it.
ORDER = (
    "kam.words",
    "kam.errors",
    "kam.stops",
    "kam.database_urls",
    "kam.periods",
    "kam.stages",
    "kam.timing",
    "kam.telemetry",
    "kam.site",
    "kam.warehouse",
    "kam.archive",
    "kam.demo",
    "kam.build",
    "kam.ingest.readers",
    "kam.ingest",
    "expectations",
    "kam.publish.quality_page",
    "kam.publish",
    "kam.close",
    "kam.audit",
    "kam.alerts",
    "kam.report",
    "tasks",
    "flows",
    "kam.cli",
)
# Modules of another package that may be imported past its door, and why.
PAST_THE_DOOR = {
    "kam.ingest.readers.workbooks": "takes half a second to import, and few sites have workbooks",
    "expectations.feeds": "the suites of the feeds",
    "expectations.marts": "the suites of the marts",
    "expectations.rules": "what a rule is, without any suite",
    "expectations.site": "the suites of one site",
    "flows.ageing": "one file a flow",
    "flows.approve": "one file a flow",
    "flows.backfill": "one file a flow",
    "flows.deployments": "what is deployed, which no flow needs",
    "flows.forecast": "one file a flow",
    "flows.ingest": "one file a flow",
    "flows.monthly_close": "one file a flow",
    "flows.publish": "one file a flow",
    "flows.withdraw": "one file a flow",
    "kam.publish.docs": "writes pages of docs/, for which it reads all rules; no command needs it",
    "tasks.ageing": "a flow of its own, of which no close is part",
    "tasks.forecast": "a flow of its own, of which no close is part",
    "tasks.artifacts": "a flow leaves artifacts, which are no step",
    "tasks.events": "a flow tells what happened, which is no step",
    "tasks.work_pool": "what a worker does is no step of a close",
    "tasks.running": "both flows that close months walk the same way",
}


class Import(NamedTuple):
    """An import statement: where it stands, the package that has it, and the module or door that it names."""

    place: str
    package: str
    target: str
    names: tuple[str, ...]


def package_of(module: str) -> str:
    """The package of the list that a module belongs to."""
    return max((name for name in ORDER if f"{module}.".startswith(f"{name}.")), key=len, default="")


def imports() -> Iterator[Import]:
    """All imports of our own modules across packages, also those inside functions."""
    for folder in ("kam", "expectations", "tasks", "flows"):
        for file in sorted((REPOSITORY / folder).rglob("*.py")):
            yield from _imports_of(file)


def _imports_of(file: Path) -> Iterator[Import]:
    module = ".".join(file.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and package_of(node.module):
            found = Import(
                f"{file.relative_to(REPOSITORY)}:{node.lineno}",
                package_of(module),
                node.module,
                tuple(alias.name for alias in node.names),
            )
            if package_of(found.target) != found.package:
                yield found
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if package_of(alias.name) not in ("", package_of(module)):
                    yield Import(f"{file.relative_to(REPOSITORY)}:{node.lineno}", package_of(module), alias.name, ())


IMPORTS = tuple(imports())


def test_every_module_belongs_to_a_package_of_the_list() -> None:
    modules = {
        ".".join(file.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
        for folder in ("kam", "expectations", "tasks", "flows")
        for file in (REPOSITORY / folder).rglob("*.py")
    }
    assert {module for module in modules if not package_of(module)} == {"kam"}


def test_a_package_imports_only_from_packages_above_it_in_the_list() -> None:
    wrong = [
        f"{found.place}: {found.package} imports {found.target} of {package_of(found.target)}, which stands below it"
        for found in IMPORTS
        if ORDER.index(package_of(found.target)) > ORDER.index(found.package)
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_past_the_door_of_another_package() -> None:
    wrong = [
        f"{found.place}: import it from {package_of(found.target)}, not from {found.target}"
        for found in IMPORTS
        if found.target != package_of(found.target)
        and not any(f"{found.target}.".startswith(f"{allowed}.") for allowed in PAST_THE_DOOR)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_exception_at_a_door_is_used() -> None:
    targets = {found.target for found in IMPORTS}
    assert {name for name in PAST_THE_DOOR if name not in targets} == set()


@pytest.mark.parametrize("door", sorted({found.target for found in IMPORTS} & set(ORDER)))
def test_a_door_exports_what_others_import(door: str) -> None:
    package = importlib.import_module(door)
    if not hasattr(package, "__path__"):  # a module of the ground
        return
    wanted = {name for found in IMPORTS if found.target == door for name in found.names}
    submodules = {name for name in wanted if f"{door}.{name}" in ORDER}
    assert wanted - submodules <= set(package.__all__), f"{door}/__init__.py does not list it in __all__"
