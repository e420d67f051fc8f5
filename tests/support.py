"""What several tests need: the shared data, and models run over a few hand-written rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kam.build import build
from kam.contracts import FEEDS, Kind
from kam.models import prepare_marts
from kam.periods import parse_month
from kam.settings import Settings, validate_settings
from kam.warehouse import Connection, memory, prepare, rows

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared with golden cases and real data is absent")


def settings_of(sections: Mapping[str, Any] | None = None, feeds: Sequence[str] = tuple(FEEDS)) -> Settings:
    """Settings of a site called `test` that declares these feeds, with some sections changed."""
    document: dict[str, Any] = {"site": {"name": "test"}, "feeds": {feed: {"files": f"landing/{feed}.csv"} for feed in feeds}}
    for section, values in (sections or {}).items():
        document[section] = document.get(section, {}) | dict(values)
    return validate_settings(document, Path("kam.toml"))


def stage(con: Connection, given: Mapping[str, Sequence[Mapping[str, Any]]], load_id: int = 1) -> None:
    """Put rows into staging as one load, defaults filled in; nothing is superseded."""
    for name, records in given.items():
        feed = FEEDS[name]
        for number, record in enumerate(records, start=1):
            unknown = set(record) - set(feed.column_names)
            assert not unknown, f"{name} has no column {unknown}"
            values = []
            for column in feed.columns:
                value = record.get(column.name, column.default)
                if column.kind is Kind.MONTH and isinstance(value, dt.date):
                    value = value.replace(day=1)
                values.append(None if value is None else str(value))
            marks = ", ".join("?" * (len(values) + 2))
            con.execute(
                f"INSERT INTO staging.{name} ({', '.join(feed.column_names)}, load_id, source_row) VALUES ({marks})",
                [*values, load_id, number],
            )


def build_case(
    given: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    settings: Mapping[str, Any] | None = None,
    periods: Sequence[str],
    feeds: Sequence[str] = tuple(FEEDS),
) -> Connection:
    """An in-memory warehouse with these rows, and the candidates of these months in `build.*`."""
    checked = settings_of(settings, feeds)
    con = memory()
    prepare(con, checked.site.reporting_currency)
    prepare_marts(con)
    stage(con, given)
    build(con, checked, [parse_month(period) for period in periods], as_of_load=1)
    return con


def fetch(con: Connection, sql: str) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries."""
    return rows(con, sql)
