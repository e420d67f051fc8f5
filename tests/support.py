"""What several tests need: the shared data, and models run over a few hand-written rows."""

from __future__ import annotations

import ast
import csv
import datetime as dt
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kam.build import marts, prepare_build, prepare_marts, read_by, run_models, runner
from kam.close import MonthOutcome, require_loaded, steps
from kam.close.versions import keep_rows
from kam.errors import DatabaseUnreachableError
from kam.ingest import LoadResult, ingest_feed, ordered_feeds, unreached
from kam.periods import parse_month
from kam.publish.published_file import create_reporting_views
from kam.site import FEEDS, Kind, Settings, Site, find_site, validate_settings
from kam.warehouse import Connection, memory, prepare, rows

REPOSITORY = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).resolve().parent / "golden"
SHARED = REPOSITORY.parent / "shared"

# `make test-long` sets it.
IS_LONG = bool(os.environ.get("KAM_LONG"))

needs_shared = pytest.mark.skipif(
    not (SHARED / "data").is_dir(), reason="the real data is not here: the folder ../shared/data beside this one"
)
# Whole runs that take long, and cases of a kind of which `make test` runs others: `make test-long` runs them.
long = pytest.mark.long


def mostly_long(cases: Sequence[Any], *, in_every_run: int = 1) -> list[Any]:
    """Parameters of a test of which the first are in every run, and the others of their kind in the long run."""
    return [*cases[:in_every_run], *map(_as_long, cases[in_every_run:])]


def _as_long(case: Any) -> Any:
    if hasattr(case, "marks"):  # made by `pytest.param`
        return pytest.param(*case.values, marks=[*case.marks, long], id=case.id)
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=long)


def settings_of(sections: Mapping[str, Any] | None = None, feeds: Sequence[str] = tuple(FEEDS)) -> Settings:
    """Settings of a site called `test` that declares these feeds, with some sections changed."""
    document: dict[str, Any] = {
        "site": {"name": "test"},
        "feeds": {feed: {"files": f"landing/{feed}.csv"} for feed in feeds},
    }
    for section, values in (sections or {}).items():
        document[section] = document.get(section, {}) | dict(values)
    return validate_settings(document, Path("kam.toml"))


def stage(con: Connection, given: Mapping[str, Sequence[Mapping[str, Any]]], load_id: int = 1) -> None:
    """Put rows into staging as one load, defaults filled in; nothing is superseded."""
    for name, records in given.items():
        feed = FEEDS[name]
        lines = []
        for number, record in enumerate(records, start=1):
            unknown = set(record) - set(feed.column_names)
            assert not unknown, f"{name} has no column {unknown}"
            values: list[str | None] = []
            for column in feed.columns:
                value = record.get(column.name, column.default)
                if column.kind is Kind.MONTH and isinstance(value, dt.date):
                    value = value.replace(day=1)
                if value is None and column.filled_from and record.get(column.filled_from):
                    value = dt.date.fromisoformat(str(record[column.filled_from])).replace(day=1)
                values.append(None if value is None else str(value))
            lines.append([*values, str(load_id), str(number)])
        if lines:
            columns = (*feed.column_names, "load_id", "source_row")
            texts = ", ".join(["unnest(?::VARCHAR[])"] * len(columns))
            con.execute(
                f"INSERT INTO staging.{name} ({', '.join(columns)}) SELECT {texts}", list(zip(*lines, strict=True))
            )


def ingest(
    con: Connection,
    site: Site,
    feeds: Iterable[str] | None = None,
    *,
    accept_shrink: bool = False,
    accept_changes: bool = False,
) -> list[LoadResult]:
    """Load what is new in these feeds of a site, else in all that it declares."""
    results: list[LoadResult] = []
    for feed in feeds or ordered_feeds(site):
        try:
            results += ingest_feed(con, site, feed, accept_shrink=accept_shrink, accept_changes=accept_changes)
        except DatabaseUnreachableError as error:
            results.append(unreached(feed, error))
    return results


def build(con: Connection, settings: Settings, months: Sequence[dt.date], *, as_of_load: int) -> dict[str, int]:
    """Build the candidates of these months in `build.*`; rows by mart."""
    prepare_build(con, settings, months, as_of_load=as_of_load)
    return run_models(con, settings.available)


def build_case(
    given: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    settings: Mapping[str, Any] | None = None,
    periods: Sequence[str],
    feeds: Sequence[str] | None = None,
    tables: Sequence[str] | None = None,
) -> Connection:
    """An in-memory warehouse with these rows, and the candidates of these months in `build.*`.

    The site declares the feeds given, so that tables which need others cost nothing; `feeds` names others. With `tables`
    only these marts and the models that they read are built; the others take most of the time.
    """
    checked = settings_of(settings, tuple(given) if feeds is None else feeds)
    con = memory()
    prepare(con, checked.site.reporting_currency)
    prepare_marts(con)
    stage(con, given)
    with only(tables):
        build(con, checked, [parse_month(period) for period in periods], as_of_load=1)
    return con


def publish_candidates(con: Connection, month: dt.date) -> None:
    """The candidates of a month as its first version, and the views of `reporting` that show it."""
    keep_rows(con, {month: 1}, [mart.name for mart in marts()])
    con.execute("INSERT INTO ops.closes (period_month, close_version) VALUES (?, 1)", [month])
    create_reporting_views(con)


@contextmanager
def only(tables: Sequence[str] | None) -> Iterator[None]:
    """Models that these marts do not read are left out."""
    needed = runner._needed  # noqa: SLF001 - no run of a user leaves out a mart that it could build

    def chosen(available: Mapping[str, bool]) -> set[str]:
        return needed(available) & read_by(f"build.{table}" for table in tables or ())

    with pytest.MonkeyPatch.context() as patch:
        if tables is not None:
            patch.setattr(runner, "_needed", chosen)
        yield


def write_site(
    folder: Path,
    given: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    feeds: Sequence[str] = tuple(FEEDS),
) -> Site:
    """A site whose landing folder has one CSV file a feed; feeds without rows get a header only."""
    (folder / "landing").mkdir(exist_ok=True)
    # Most tests look at no page, and pages take longer than a close of a few rows.
    sections = {"site": {"name": "test"}, "publish": {"pack": False}} | {
        name: dict(values) for name, values in (settings or {}).items()
    }
    sections["site"].setdefault("name", "test")
    lines = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
    for feed in feeds:
        lines += [f"[feeds.{feed}]", f'files = "landing/{feed}*.csv"']
        write_csv(folder / "landing" / f"{feed}.csv", FEEDS[feed].column_names, given.get(feed, []))
    (folder / "kam.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return find_site(folder)


def join_months(folder: Path) -> None:
    """Make one file of the monthly extracts of each feed of a demo site: a load costs more than its rows."""
    for months in sorted((folder / "landing").iterdir()):
        extracts = sorted(months.glob("*_????-??.csv")) if months.is_dir() else []
        for later in extracts[1:]:
            _, _, rows = later.read_bytes().partition(b"\n")
            with extracts[0].open("ab") as joined:
                joined.write(rows)
            later.unlink()


def write_csv(file: Path, columns: Sequence[str], records: Sequence[Mapping[str, Any]]) -> None:
    """A CSV file with these columns; values that a record does not give stay empty."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(records)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f'"{key}" = {_toml(inner)}' for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def close_plainly(
    site: Site,
    months: Sequence[dt.date],
    *,
    restate: bool = False,
    as_of_load: int | None = None,
    with_checks: bool = False,
) -> list[MonthOutcome]:
    """What the flows do, without Prefect: load, validate, build, validate, commit, publish.

    Checks take longer than all the rest on a site of a few rows, so they are left out where they are not the matter.
    """
    with steps.writing_session(site, "close"):
        if as_of_load is None:
            for feed in ordered_feeds(site):
                require_loaded(steps.load_feed(site, feed))
        known = steps.prepare_months(site, months, as_of_load, restate=restate)
        checks = steps.validate_feeds(site, known) if with_checks else []
        steps.build_marts(site, known)
        mart_checks, controls = steps.validate_marts(site, known) if with_checks else ([], [])
        checks = [*checks, *mart_checks]
        steps.store_ahead(site, months, as_of_load=known, checks=checks, controls=controls, restate=restate)
        outcomes = [
            steps.commit_month(
                site,
                month,
                as_of_load=known,
                checks=checks,
                controls=controls,
                restate=restate,
                reason="late documents" if restate else "",
            )
            for month in months
        ]
        steps.publish(site, only_if_lagging=True)
    return outcomes


def published(site: Site, sql: str) -> list[dict[str, Any]]:
    """The rows of a query on the published file, opened as a BI tool opens it."""
    with duckdb.connect(str(site.published / "kam.duckdb"), read_only=True) as con:
        return rows(con, sql)


def fetch(con: Connection, sql: str) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries."""
    return rows(con, sql)


def product_texts() -> Iterator[tuple[str, str]]:
    """By file, what may be SQL in the product: `sql/` without comments, and the texts in Python that document nothing."""
    for file in sorted((REPOSITORY / "sql").rglob("*.sql")):
        yield str(file.relative_to(REPOSITORY)), re.sub(r"--[^\n]*", "", file.read_text(encoding="utf-8"))
    for folder in ("kam", "expectations", "tasks", "flows"):
        for file in sorted((REPOSITORY / folder).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
                    yield str(file.relative_to(REPOSITORY)), node.value
