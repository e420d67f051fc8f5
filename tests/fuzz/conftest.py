"""Says which examples a soak tries, so that it can be repeated."""

from __future__ import annotations

from tests.fuzz.examples import EXAMPLES, IS_SOAK, SEED


def pytest_report_header() -> list[str]:
    return [f"fuzz: {EXAMPLES:,} examples, KAM_FUZZ_SEED={SEED}"] if IS_SOAK else []
