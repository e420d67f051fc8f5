"""Every worked case of `../shared/golden` loaded, checked, closed and published, and read back as a BI tool does."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from kam.periods import parse_month
from tests.support import SHARED, close_plainly, needs_shared, published, write_site

_FILES = ("receivables.yaml", "variance.yaml", "rating.yaml")


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=case["id"])
        for name in _FILES
        if (SHARED / "golden" / name).exists()
        for case in yaml.safe_load((SHARED / "golden" / name).read_text(encoding="utf-8"))
    ]


def _matches(row: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    return all(_equal(row[column], value) for column, value in expected.items())


def _equal(actual: Any, expected: Any) -> bool:
    """Numbers are equal to the precision that the case writes them with."""
    if isinstance(expected, bool) or not isinstance(expected, int | float) or actual is None:
        return bool(actual == expected)
    written = Decimal(str(expected))
    return Decimal(actual).quantize(written, ROUND_HALF_UP) == written


@needs_shared
@pytest.mark.parametrize("case", _cases())
def test_worked_case(case: Mapping[str, Any], site_folder: Path) -> None:
    site = write_site(
        site_folder,
        case["given"],
        settings=case.get("settings"),
        feeds=tuple(dict.fromkeys((*case["given"], "invoices"))),
    )
    first_day = parse_month(str(case["period"]))

    (outcome,) = close_plainly(site, [first_day], with_checks=True)

    assert outcome.outcome == "closed", outcome.message
    accounts = {row["account_id"] for row in case["given"].get("accounts", [])}
    for table, expected in case["expect"].items():
        rows = published(site, f"FROM reporting.{table}")
        assert {row["period_month"] for row in rows} <= {first_day}
        for wanted in expected["rows"]:
            assert any(_matches(row, wanted) for row in rows), f"{table} has no row {wanted} among {rows}"
        if expected.get("complete"):
            of_case = [row for row in rows if row["account_id"] in accounts]
            assert len(of_case) == len(expected["rows"]), of_case
