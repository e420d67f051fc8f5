"""Validation: business rules, run as Great Expectations suites inside DuckDB.

Importing this package is cheap. Great Expectations, which takes seconds to import, is loaded by the first `validate`
or, in the background, by `warm_up`.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from typing import TYPE_CHECKING

from expectations.findings import turned_round
from expectations.rules import MAX_SAMPLE_KEYS, CheckResult, KeptCheck, Rule, Severity, Suite, merged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from pathlib import Path

    from duckdb import DuckDBPyConnection

__all__ = [
    "MAX_SAMPLE_KEYS",
    "CheckResult",
    "KeptCheck",
    "Rule",
    "Severity",
    "Suite",
    "build_data_docs",
    "merged",
    "turned_round",
    "validate",
    "warm_up",
]


def validate(con: DuckDBPyConnection, suites: Sequence[Suite], *, stage: str = "validate") -> list[CheckResult]:
    """Run all suites on an open connection; see `expectations.engine.validate`."""
    from expectations import engine  # takes seconds

    return engine.validate(con, suites, stage)


def build_data_docs(
    checks: Sequence[KeptCheck], folder: Path, *, site: str, month: date, version: int, at: datetime
) -> None:
    """Write Great Expectations' Data Docs of recorded checks; see `expectations.data_docs.build_data_docs`."""
    from expectations import data_docs  # takes seconds

    data_docs.build_data_docs(checks, folder, site=site, month=month, version=version, at=at)


def warm_up() -> None:
    """Start to import Great Expectations in the background, while the caller waits for something else.

    Call it after the process's other heavy imports (Prefect), such as when a server is starting or files are read. A
    `validate` that comes too early waits for it. The thread does not keep a process alive that is done before.
    """

    def load() -> None:
        # `validate` meets the same error and reports it.
        with contextlib.suppress(Exception):
            importlib.import_module("expectations.engine")

    threading.Thread(target=load, name="load-great-expectations", daemon=True).start()
