"""Chunks of months that workers build at the same time, on this machine or on others.

A worker builds in memory and stores rows that nobody sees until the run commits their versions. What it found is small and
goes back to the run, which decides and commits month by month, as it does with months that it built itself.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path

import duckdb

import kam
from expectations import CheckResult, validate
from expectations.feeds import PREPARED
from expectations.site import rules_hash, suites_of_feeds, suites_of_marts
from kam.build import make_ahead, marts, prepare_build, prepare_marts, record_content, run_models, why_empty
from kam.close import signoff, versions
from kam.close.controls import ControlTotal, control_totals
from kam.close.outcome import MonthOutcome
from kam.close.verdict import gets_version, valid_candidates, what_changed, why_not_valid
from kam.errors import KamError, ModelFailedError, SettingsError, UsageError, out_of_memory
from kam.periods import add_months, month_name
from kam.site import Site
from kam.warehouse import Connection, begin_workers, end_workers, insert, open_for_worker, stored_by_worker, warehouse

FEWEST_MONTHS = 6
"""A chunk has at least so many: each worker reads all that is loaded, however few months it builds."""
_PLANNED = "build.periods_of_chunks"


@dataclass(frozen=True)
class Chunk:
    """Months in a row that one worker builds, and the month before them, which it builds too and does not store.

    `all_months` are those of the whole run, which decide what each month opens from; `versions` are the numbers that the months get.
    `threads` is None where the worker has its machine to itself. `release` is that of the run.
    """

    number: int
    months: tuple[date, ...]
    before: date | None
    all_months: tuple[date, ...]
    versions: Mapping[date, int]
    as_of_load: int
    restate: bool
    token: str
    release: str
    rules: str
    threads: int | None = None

    @property
    def name(self) -> str:
        """Its months: `2024-01 to 2024-06`."""
        return f"{month_name(self.months[0])} to {month_name(self.months[-1])}"


@dataclass(frozen=True)
class BuiltChunk:
    """What a worker found: checks and controls of its months, hashes by table, and what a restatement would change.

    `content` are rows of `build.content`, also of the month before. `failed` says why a model failed; then there is nothing else.
    """

    checks: Sequence[CheckResult] = ()
    controls: Sequence[ControlTotal] = ()
    empty_because: Mapping[str, str] = field(default_factory=dict)
    content: Sequence[tuple[date, str, str, int]] = ()
    changed: Mapping[date, MonthOutcome] = field(default_factory=dict)
    row_count: int = 0
    host: str = ""
    failed: str = ""


def cut(months: Sequence[date], workers: int, at_most: int) -> list[tuple[date, ...]]:
    """The months in chunks of about the same size: one for each worker, but none below `FEWEST_MONTHS` nor above `at_most`.

    One chunk, which no worker is needed for, where there are too few months.
    """
    count = max(1, min(workers, len(months) // FEWEST_MONTHS))
    if count > 1:
        count = max(count, -(-len(months) // at_most))
    ends = [len(months) * number // count for number in range(count + 1)]
    return [tuple(months[first:last]) for first, last in itertools.pairwise(ends)]


@contextmanager
def chunks_of(
    site: Site, cuts: Sequence[tuple[date, ...]], as_of_load: int, *, restate: bool, threads: int | None
) -> Iterator[list[Chunk]]:
    """The chunks of a run, whose workers may store rows until the block ends; what earlier runs left is deleted."""
    months = tuple(month for chunk in cuts for month in chunk)
    with warehouse(site) as con:
        prepare_marts(con)
        prepare_build(con, site.settings, months, as_of_load=as_of_load, restate=restate)
        con.execute(f"CREATE OR REPLACE TABLE {_PLANNED} AS FROM build.periods")
        versions.drop_stored_ahead(con)
        numbers = versions.next_versions(con, months)
        token = begin_workers(con)
    chunks = [
        Chunk(
            number,
            cut,
            before if (before := add_months(cut[0], -1)) in months else None,
            months,
            {month: numbers[month] for month in cut},
            as_of_load,
            restate,
            token,
            release(),
            rules_hash(site),
            threads,
        )
        for number, cut in enumerate(cuts, start=1)
    ]
    try:
        yield chunks
    finally:
        with warehouse(site) as con:
            end_workers(con)


def build_chunk(site: Site, chunk: Chunk) -> BuiltChunk:
    """Build the months of a chunk as a worker, and store the rows of those that get a version. Doing it again stores nothing twice.

    Raises `UsageError` where kam-close or the site's own rules are not those of the run, `WarehouseBusyError` when the run is over.
    """
    if not site.directory.is_dir():
        message = f"the worker on {platform.node()} has no folder {site.directory}. Share the folder of the site, under the same path"
        raise UsageError(message)
    _require_same_release(site, chunk)
    try:
        return _opened_and_built(site, chunk)
    except SettingsError as error:
        message = f"the worker on {platform.node()}: {error}"
        raise SettingsError(message) from None


def _opened_and_built(site: Site, chunk: Chunk) -> BuiltChunk:
    with open_for_worker(site) as con:
        if chunk.threads:
            con.execute(f"SET threads = {chunk.threads}")
        try:
            return _built(con, site, chunk)
        except ModelFailedError as error:
            return BuiltChunk(failed=str(error), host=platform.node())
        except duckdb.OutOfMemoryException as error:
            return BuiltChunk(failed=out_of_memory(error), host=platform.node())


def _built(con: Connection, site: Site, chunk: Chunk) -> BuiltChunk:
    available = site.settings.available
    prepare_build(con, site.settings, chunk.all_months, as_of_load=chunk.as_of_load, restate=chunk.restate)
    wanted = [*([chunk.before] if chunk.before else []), *chunk.months]
    con.execute("DELETE FROM build.periods WHERE NOT list_contains(?, period_month)", [wanted])
    make_ahead(con, PREPARED)
    checks = validate(con, suites_of_feeds(site), stage="validate feeds")
    if all(why_not_valid(checks, (), month) for month in chunk.months):
        return BuiltChunk([check.of_months(chunk.months) for check in checks], host=platform.node())
    counts = run_models(con, available)
    record_content(con)
    checks += validate(con, suites_of_marts(con, site), stage="validate tables")
    controls = [total for total in control_totals(con, available) if total.month in chunk.months]
    found = con.execute("SELECT period_month, table_name, content_hash, row_count FROM build.content ORDER BY ALL")
    built = BuiltChunk(
        [check.of_months(chunk.months) for check in checks],
        controls,
        why_empty(site.settings),
        found.fetchall(),
        {},
        sum(counts.values()),
        platform.node(),
    )
    return _stored(con, site, chunk, built)


def _stored(con: Connection, site: Site, chunk: Chunk, built: BuiltChunk) -> BuiltChunk:
    """Store the rows of the months that get a version; with what would change in those that would need a restatement."""
    locks = {lock.month: lock for lock in signoff.locks(con)}
    candidates = valid_candidates(con, site, chunk.months, built.checks, built.controls, restate=chunk.restate)
    renewed = [one for one in candidates if gets_version(one, locks.get(one.month), restate=chunk.restate)]
    changed = {
        one.month: what_changed(con, site, one, chunk.as_of_load, locks.get(one.month))
        for one in candidates
        if one not in renewed and one.state is versions.State.CHANGED
    }
    with stored_by_worker(con, chunk.token, chunk.number) as is_new:
        if is_new and renewed:
            versions.keep_rows_ahead(con, renewed, chunk.versions, chunk.as_of_load)
    return replace(built, changed=changed)


def require_equal_seams(chunks: Sequence[Chunk], built: Mapping[int, BuiltChunk]) -> None:
    """Raise `KamError` when two workers built one month, and not the same rows."""
    for before, chunk in itertools.pairwise(chunks):
        one, other = built[before.number], built[chunk.number]
        month = chunk.before
        if month is None or not one.content or not other.content:
            continue
        if _of(one, month) != _of(other, month):
            message = (
                f"{month_name(month)} was built twice, as a proof, on {one.host} and on {other.host}, and the rows are not the same. "
                "Nothing was closed. Close with [run] workers = 1, and report this"
            )
            raise KamError(message)


def _of(built: BuiltChunk, month: date) -> set[tuple[date, str, str, int]]:
    return {row for row in built.content if row[0] == month}


def adopt(site: Site, built: Iterable[BuiltChunk]) -> None:
    """Have what workers found in `build.*`, for the commits of their months. Their rows are in the store."""
    content: dict[tuple[date, str], dict[str, object]] = {}
    for chunk in built:
        for month, table, content_hash, row_count in chunk.content:
            content[month, table] = {
                "period_month": month, "table_name": table, "content_hash": content_hash, "row_count": row_count,
            }  # fmt: skip
    with warehouse(site) as con:
        for mart in marts():  # of other months; a version must not be made of these
            con.execute(f"DROP TABLE IF EXISTS {mart.relation}")
        con.execute(f"CREATE OR REPLACE TABLE build.periods AS FROM {_PLANNED}")
        con.execute(
            "CREATE OR REPLACE TABLE build.content (period_month DATE, table_name VARCHAR, content_hash VARCHAR, row_count BIGINT)"
        )
        insert(con, "build.content", list(content.values()))


def require_stored_once(site: Site) -> None:
    """Raise as `versions.require_stored_once` does."""
    with warehouse(site) as con:
        versions.require_stored_once(con)


@cache
def release() -> str:
    """What figures depend on beside loads and settings: the version and the code of kam-close, and the version of DuckDB."""
    root = Path(kam.__file__).parent.parent
    digest = hashlib.sha256()
    for folder, ending in (("kam", "py"), ("expectations", "py"), ("sql", "sql")):
        for file in sorted((root / folder).rglob(f"*.{ending}")):
            digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return f"kam-close {importlib.metadata.version('kam-close')} ({digest.hexdigest()[:12]}) with DuckDB {duckdb.__version__}"


def _require_same_release(site: Site, chunk: Chunk) -> None:
    if release() != chunk.release:
        message = f"the worker on {platform.node()} has {release()}, and the run has {chunk.release}. Install the same on both"
        raise UsageError(message)
    if rules_hash(site) != chunk.rules:
        message = f"the worker on {platform.node()} has other rules in {site.directory / 'checks'} than the run. Share the folder of the site"
        raise UsageError(message)
