"""What real systems export, as small sites: what each case's `why` calls right is what is published, rejected or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import judge


@pytest.mark.parametrize("name", judge.cases())
def test_case(name: str, tmp_path: Path) -> None:
    outcome = judge.run(name, tmp_path / "site")
    assert judge.faults(name, outcome) == []


def test_a_case_that_does_not_hold_is_told(tmp_path: Path) -> None:
    outcome = judge.run("amount_comma_dash", tmp_path / "site")
    wrong = {"view": "closes", "where": {}, "values": {"close_version": 2}}
    assert list(judge.differences(wrong, outcome)) != []
