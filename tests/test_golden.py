"""The worked cases of `tests/golden`: built in memory, and loaded, checked, closed, published and read as a BI tool reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from kam.periods import parse_month
from kam.site import FEEDS
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - a fixture
from tests.stores import ON_LAKE, sites_on_lakes
from tests.support import GOLDEN, build_case, close_plainly, fetch, long, mostly_long, published, write_site

Case = Mapping[str, Any]
_FILES = ("receivables", "variance", "rating", "subjects")


def _cases(name: str) -> list[Any]:
    cases = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["id"]) for case in cases]


_CASES = {name: _cases(name) for name in _FILES}
_FIRST = [case for cases in _CASES.values() for case in cases[:1]]
_OTHERS = [case for cases in _CASES.values() for case in cases[1:]]


@pytest.mark.parametrize("case", [*_FIRST, *mostly_long(_OTHERS, in_every_run=18)])
def test_worked_case(case: Case) -> None:
    con = build_case(
        case["given"],
        settings=case.get("settings"),
        periods=[str(case["period"])],
        feeds=tuple(FEEDS),
        tables=(*case["expect"], "receivables_rollforward"),
    )

    for table, expected in case["expect"].items():
        _compare(table, fetch(con, f"FROM build.{table}"), expected, case)
    # Whatever a case is about, what is owed rolls forward to the cent.
    assert {row["difference_doc"] for row in fetch(con, "FROM build.receivables_rollforward")} <= {0}


def _close_and_compare(case: Case, folder: Path, *, with_checks: bool = True) -> None:
    site = write_site(
        folder,
        case["given"],
        settings=case.get("settings"),
        feeds=tuple(dict.fromkeys((*case["given"], "invoices"))),
    )
    first_day = parse_month(str(case["period"]))

    (outcome,) = close_plainly(site, [first_day], with_checks=with_checks)

    assert outcome.outcome == "closed", outcome.message
    for table, expected in case["expect"].items():
        found = published(site, f"FROM reporting.{table}")
        assert {row["period_month"] for row in found} <= {first_day}
        _compare(table, found, expected, case)


def test_worked_case_from_file_to_published_table_in_a_lake(
    postgresql: PostgreSql,  # noqa: F811
    site_folder: Path,
) -> None:
    """The one of every run; `make test-lake` has them all."""
    pytest.importorskip("duckdb_extension_ducklake")
    pytest.importorskip("duckdb_extension_postgres_scanner")
    with nullcontext() if ON_LAKE else sites_on_lakes(postgresql):
        _close_and_compare(_CASES["receivables"][0].values[0], site_folder, with_checks=False)
    assert (site_folder / "lake").is_dir()
    assert not (site_folder / "warehouse.duckdb").exists()


@long
@pytest.mark.parametrize("case", _FIRST)
def test_worked_case_from_file_to_published_table(case: Case, site_folder: Path) -> None:
    _close_and_compare(case, site_folder)


@long
@pytest.mark.parametrize("case", _OTHERS)
def test_other_worked_case_from_file_to_published_table(case: Case, site_folder: Path) -> None:
    _close_and_compare(case, site_folder)


def _compare(table: str, found: Sequence[Mapping[str, Any]], expected: Mapping[str, Any], case: Case) -> None:
    """Each wanted row is there; with `complete` no others of the case's accounts."""
    for wanted in expected["rows"]:
        assert any(_matches(row, wanted) for row in found), f"{table} has no row {wanted} among {found}"
    if expected.get("complete"):
        accounts = {row["account_id"] for row in case["given"].get("accounts", [])}
        of_case = [row for row in found if row["account_id"] in accounts]
        assert len(of_case) == len(expected["rows"]), of_case


def _matches(row: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    return all(_equal(row[column], value) for column, value in expected.items())


def _equal(actual: Any, expected: Any) -> bool:
    """Whole numbers are exact; others are equal to the precision that the case writes them with."""
    if not isinstance(expected, float) or actual is None:
        return bool(actual == expected)
    written = Decimal(str(expected))
    return Decimal(actual).quantize(written, ROUND_HALF_UP) == written
