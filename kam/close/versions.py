"""The ledger of closes: what a candidate is compared with, and how it becomes a version of its month.

A version is committed in one transaction: its checks, its control totals, its manifest and its rows in every mart. The rows of
months that are closed together are stored before, in one statement per mart, and nobody sees them until the version is
committed. What was committed is never changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from expectations import CheckResult, Severity
from expectations.site import rules_hash
from kam.build import marts, models_hash
from kam.close.controls import ControlTotal
from kam.errors import UsageError, WarehouseBusyError
from kam.periods import add_months, month_name
from kam.site import Site
from kam.timing import note
from kam.warehouse import Connection, acting, catalog, insert, literal, rows, stored, user_name, utc_now

# Failed attempts are stored as this version; the versions of closes begin with 1.
_FAILED = 0
ABOUT_LOADS = "loads"


class State(StrEnum):
    """How a candidate compares with the last version of its month."""

    NEW = "new"
    UNCHANGED = "unchanged"
    CHANGED = "changed"


@dataclass(frozen=True)
class EvenThough:
    """Why a month was closed although it was not ready, and what it lacked."""

    reason: str
    unmet: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """What was built for one month, and how it compares with the published version."""

    month: date
    state: State
    last_version: int
    content_hash: str
    tables: Mapping[str, str]
    changed_tables: tuple[str, ...]


def newest_load(con: Connection) -> int:
    """The id of the last load: what is known now."""
    return int(con.execute("SELECT coalesce(max(load_id), 0) FROM ops.loads").fetchall()[0][0])


def known_load(
    con: Connection, timezone: str, *, as_of_load: int | None = None, as_known_on: date | None = None
) -> int:
    """The load up to which things are known: the last one, the one named, or the last of a day in a time zone.

    Raises `UsageError` for both at once, for a load that does not exist, and for a day before the first load.
    """
    newest = newest_load(con)
    if as_of_load is not None and as_known_on is not None:
        message = "a load and a day were given (as_of_load, as_known_on); both say what is known, so give one of them"
        raise UsageError(message)
    if as_of_load is not None:
        if not 1 <= as_of_load <= newest:
            known = f"the loads run from 1 to {newest}" if newest else "nothing is loaded yet"
            message = f"there is no load {as_of_load}; {known}"
            raise UsageError(message)
        return as_of_load
    if as_known_on is None:
        return newest
    day = f"timezone({literal(timezone)}, timezone('UTC', finished_at))::DATE"
    found, first = con.execute(
        f"SELECT max(load_id) FILTER ({day} <= DATE '{as_known_on}'), min({day}) FROM ops.loads WHERE status = 'loaded'"
    ).fetchall()[0]
    if found is None:
        known = f"the first load is of {first}" if first else "nothing is loaded yet"
        message = f"nothing was known on {as_known_on}; {known}"
        raise UsageError(message)
    return int(found)


def last_version(con: Connection, month: date) -> int:
    """The newest version of a month that stands; 0 when it was never closed, or every version was withdrawn."""
    return _newest(con, "ops.standing_closes", month)


def shown_version(con: Connection, month: date) -> int:
    """The version of a month that readers see; 0 for none."""
    return _newest(con, "ops.shown_closes", month)


def _next(con: Connection, month: date) -> int:
    """The number of the next version of a month; one that was withdrawn keeps its own."""
    return _newest(con, "ops.closes", month) + 1


def _newest(con: Connection, closes: str, month: date) -> int:
    found = con.execute(f"SELECT coalesce(max(close_version), 0) FROM {closes} WHERE period_month = ?", [month])
    return int(found.fetchall()[0][0])


def candidate(con: Connection, month: date, *, restate: bool = False) -> Candidate:
    """What `build.*` holds for a month, compared with the month's last version.

    Dimensions are as known at the close: a new account alone does not change a closed month, unless it is restated.
    """
    content = con.execute("SELECT table_name, content_hash FROM build.content WHERE period_month = ?", [month])
    tables = dict(sorted(content.fetchall()))
    together = content_hash_of(tables)
    found = con.execute(
        """
        SELECT close_version, content_hash, manifest FROM ops.standing_closes
        WHERE period_month = ? ORDER BY close_version DESC LIMIT 1
        """,
        [month],
    ).fetchone()
    if found is None:
        return Candidate(month, State.NEW, 0, together, tables, ())
    version, content_hash, manifest = found
    if content_hash == together:
        return Candidate(month, State.UNCHANGED, version, together, tables, ())
    before = json.loads(manifest)["content"]
    changed = tuple(table for table in sorted({*tables, *before}) if tables.get(table) != before.get(table))
    dimensions = {mart.name for mart in marts() if mart.is_dimension}
    is_changed = restate or not dimensions.issuperset(changed)
    return Candidate(month, State.CHANGED if is_changed else State.UNCHANGED, version, together, tables, changed)


def content_hash_of(tables: Mapping[str, str]) -> str:
    """The hash of a version, from those of its tables that have rows."""
    return hashlib.sha256(json.dumps(dict(sorted(tables.items()))).encode()).hexdigest()


def opens_from_unpublished(con: Connection, month: date) -> date | None:
    """The closed month before, when `month` was built on that month's candidate and the candidate was not committed."""
    before = add_months(month, -1)
    built_on = con.execute(
        """
        SELECT 1 FROM build.periods AS periods
        JOIN build.periods AS before ON before.period_month = ?
        WHERE periods.period_month = ? AND periods.previous_version IS NULL
        """,
        [before, month],
    ).fetchone()
    if built_on and candidate(con, before).state is State.CHANGED:
        return before
    return None


def commit(
    con: Connection,
    site: Site,
    candidate: Candidate,
    *,
    as_of_load: int,
    checks: Sequence[CheckResult],
    controls: Sequence[ControlTotal],
    reason: str,
    even_though: EvenThough | None = None,
) -> int:
    """Make a candidate the next version of its month, in one transaction; the version's number.

    Its rows are there already when `store_ahead` stored them.
    """
    month = candidate.month
    version = _next(con, month)
    is_stored = _is_stored_ahead(con, candidate, version, as_of_load)
    failed = {check.name: check.failed_in(month) for check in checks if check.fails_in(month)}
    is_warned = any(check.severity == "warning" for check in checks if check.name in failed)
    counts = _row_counts(con, month)
    manifest = _manifest(con, site, candidate, counts, failed, as_of_load, even_though)
    close = {
        "period_month": month,
        "close_version": version,
        "as_of_load": as_of_load,
        "content_hash": candidate.content_hash,
        "settings_hash": site.settings.definitions_hash(month),
        "models_hash": models_hash(),
        "verdict": "warning" if is_warned or even_though else "good",
        "closed_at": utc_now(),
        **acting(site).columns("closed"),
        "needs_approval": site.settings.publish.approval,
        "reason": reason,
        "manifest": json.dumps(manifest, sort_keys=True),
    }
    with stored(con):
        if is_stored:
            con.execute("DELETE FROM ops.stored_ahead WHERE period_month = ?", [month])
        else:
            keep_rows(con, {month: version}, [name for name, row_count in counts.items() if row_count])
        insert(con, "ops.closes", [close])
        _keep_build(con, site, month, version, as_of_load)
        _keep_checks(con, month, version, checks)
        _keep_controls(con, month, version, controls)
        keep_corrections(con, month, version)
        _forget_failure(con, month)
    note(verdict=str(close["verdict"]))
    return version


def _row_counts(con: Connection, month: date) -> dict[str, int]:
    """The rows of a candidate by table."""
    found = con.execute("SELECT table_name, row_count FROM build.content WHERE period_month = ? ORDER BY ALL", [month])
    return dict(found.fetchall())


def _manifest(
    con: Connection,
    site: Site,
    candidate: Candidate,
    counts: Mapping[str, int],
    failed: Mapping[str, int],
    as_of_load: int,
    even_though: EvenThough | None,
) -> dict[str, object]:
    """What a version was made from, and what it holds: hashes and rows by table, loads, failed checks, settings."""
    manifest: dict[str, object] = {
        "content": dict(candidate.tables),
        "rows": counts,
        "loads": loads_known(con, as_of_load),
        "opened_from_version": _opened_from(con, candidate.month),
        "failed_checks": failed,
        # As text, in the order of the settings: the order of a customer's bands means something.
        "settings": json.dumps(site.settings.definitions),
    }
    if even_though is not None:
        manifest["even_though"] = {"reason": even_though.reason, "unmet": list(even_though.unmet)}
    return manifest


def store_ahead(con: Connection, candidates: Sequence[Candidate], as_of_load: int) -> None:
    """Store the rows of these candidates as those of the next versions of their months, in one statement per mart.

    Nobody sees them until `commit` lists the version. What an earlier run left of these months is deleted first.
    """
    months = [candidate.month for candidate in candidates]
    drop_stored_ahead(con, months)
    versions = next_versions(con, months)
    with stored(con):
        keep_rows_ahead(con, candidates, versions, as_of_load)


def next_versions(con: Connection, months: Collection[date]) -> dict[date, int]:
    """The numbers that the next versions of these months get."""
    return {month: _next(con, month) for month in months}


def keep_rows_ahead(
    con: Connection, candidates: Sequence[Candidate], versions: Mapping[date, int], as_of_load: int
) -> None:
    """Store the rows of candidates and list them as stored ahead, in the transaction of the caller."""
    months = [candidate.month for candidate in candidates]
    records = [
        {
            "period_month": candidate.month,
            "close_version": versions[candidate.month],
            "content_hash": candidate.content_hash,
            "as_of_load": as_of_load,
        }
        for candidate in candidates
    ]
    found = con.execute("SELECT DISTINCT table_name FROM build.content WHERE list_contains(?, period_month)", [months])
    tables = [name for (name,) in found.fetchall()]
    keep_rows(con, {month: versions[month] for month in months}, tables)
    insert(con, "ops.stored_ahead", records)


def _is_stored_ahead(con: Connection, candidate: Candidate, version: int, as_of_load: int) -> bool:
    """Whether the marts have the rows of this candidate as those of this version. If not, they have none afterwards."""
    found = con.execute(
        "FROM ops.stored_ahead WHERE period_month = ? AND close_version = ? AND content_hash = ? AND as_of_load = ?",
        [candidate.month, version, candidate.content_hash, as_of_load],
    )
    is_stored = found.fetchone() is not None
    if not is_stored:
        drop_stored_ahead(con, [candidate.month])
    return is_stored


def drop_stored_ahead(con: Connection, months: Collection[date] | None = None) -> None:
    """Delete the rows of versions that were stored and not committed, because a month failed or a run died.

    Only those of these `months`, unless they are None.
    """
    found = con.execute("SELECT DISTINCT period_month, close_version FROM ops.stored_ahead").fetchall()
    left = [(month, version) for month, version in found if months is None or month in months]
    if not left:
        return
    versions = ", ".join(f"(DATE '{month}', {version})" for month, version in left)
    with stored(con):
        for name in _marts_there(con):
            con.execute(f"DELETE FROM marts.{name} WHERE (period_month, close_version) IN ({versions})")
        con.execute(f"DELETE FROM ops.stored_ahead WHERE (period_month, close_version) IN ({versions})")


def _marts_there(con: Connection) -> list[str]:
    found = con.execute(
        f"SELECT table_name FROM duckdb_tables() WHERE database_name = {literal(catalog(con))} AND schema_name = 'marts'"
    )
    return [name for (name,) in found.fetchall()]


def require_stored_once(con: Connection) -> None:
    """Raise `WarehouseBusyError`, and delete what is stored ahead, unless each mart has just the rows that were counted.

    Rows of a lake have no keys: had two workers stored one month, it would be there twice. Months that nothing was counted of are
    built and stored again.
    """
    counted = con.execute(
        """
        SELECT table_name, period_month, close_version, row_count
        FROM build.content JOIN ops.stored_ahead USING (period_month)
        ORDER BY ALL
        """
    ).fetchall()
    there = " UNION ALL ".join(
        f"SELECT {literal(name)} AS table_name, period_month, close_version, count(*) FROM marts.{name} "
        "SEMI JOIN ops.stored_ahead USING (period_month, close_version) SEMI JOIN build.content USING (period_month) GROUP BY ALL"
        for name in {table for table, *_ in counted}
    )
    if counted and con.execute(f"FROM ({there}) ORDER BY ALL").fetchall() != counted:
        drop_stored_ahead(con)
        message = "rows of a month were stored twice, because a worker that was given up went on. Nothing was closed. Run the command again"
        raise WarehouseBusyError(message)


def keep_rows(con: Connection, versions: Mapping[date, int], tables: Collection[str]) -> None:
    """Copy these months' rows of these marts from `build.*` to `marts.*`, as those of the months' versions."""
    months = ", ".join(f"DATE '{month}'" for month in versions)
    # No join: the rows keep their order, by which a reader of one month skips the others.
    cases = " ".join(f"WHEN DATE '{month}' THEN {version}" for month, version in versions.items())
    for mart in (mart for mart in marts() if mart.name in tables):
        names = ", ".join(column.name for column in mart.all_columns)
        con.execute(
            f"INSERT INTO marts.{mart.name} (close_version, {names}) "
            f"SELECT CASE period_month {cases} END, {names} FROM build.{mart.name} WHERE period_month IN ({months})"
        )


def withdraw(con: Connection, site: Site, month: date, reason: str) -> int:
    """Take back the newest version of a month: it is kept, and readers see the version before it, or none; its number.

    Raises `UsageError` when the month is not closed, or when a later month stands on it and no earlier version of this
    month would be left.
    """
    version = last_version(con, month)
    name = month_name(month)
    if not version:
        message = f"{name} is not closed, so there is nothing to withdraw"
        raise UsageError(message)
    left, later = con.execute(
        """
        SELECT count(*) FILTER (period_month = $month AND close_version < $version), min(period_month) FILTER (period_month > $month)
        FROM ops.standing_closes
        """,
        {"month": month, "version": version},
    ).fetchall()[0]
    if later is not None and not left:
        message = f"{name} cannot be withdrawn while {month_name(later)} is closed: it would leave a gap. Withdraw the later months first"
        raise UsageError(message)
    withdrawal = {
        "period_month": month,
        "close_version": version,
        "withdrawn_at": utc_now(),
        **acting(site).columns("withdrawn"),
        "reason": reason,
    }
    with stored(con):
        insert(con, "ops.withdrawals", [withdrawal])
    return version


def said_once(con: Connection, month: date, as_of_load: int, checks: Sequence[CheckResult]) -> list[CheckResult]:
    """The checks of a month without the warnings about loads that a version of another month with the same knowledge has."""
    found = con.execute(
        """
        SELECT check_name, sample_keys FROM ops.checks
        JOIN ops.standing_closes USING (period_month, close_version)
        WHERE as_of_load = ? AND period_month <> ? AND suite = ? AND NOT success
        """,
        [as_of_load, month, ABOUT_LOADS],
    ).fetchall()
    said: dict[str, list[object]] = {}
    for name, keys in found:
        said.setdefault(name, []).extend(json.loads(keys))
    return [
        _without(check, said[check.name]) if _may_be_said_once(check) and check.name in said else check
        for check in checks
    ]


def _may_be_said_once(check: CheckResult) -> bool:
    # A critical one stops every month that the load is in.
    return check.suite == ABOUT_LOADS and check.severity is not Severity.CRITICAL


def _without(check: CheckResult, said: Sequence[object]) -> CheckResult:
    """The check without these failures, which belong to no month. Of many only the first have keys; they go together."""
    listed = check.keys_by_month.get(None, ())
    left = [keys for keys in listed if json.loads(json.dumps(keys)) not in said]
    of_months = sum(check.failed_by_month.values())
    count = check.failed_count - (len(listed) - len(left)) if left else of_months
    return replace(check, failed_count=count, keys_by_month={**check.keys_by_month, None: left})


def keep_failure(
    con: Connection,
    month: date,
    *,
    as_of_load: int,
    checks: Sequence[CheckResult],
    controls: Sequence[ControlTotal],
    message: str,
) -> None:
    """Record an attempt to close a month that failed, in place of an earlier one: why, with its checks and controls."""
    with stored(con):
        _forget_failure(con, month)
        attempt = {
            "period_month": month, "last_version": shown_version(con, month), "as_of_load": as_of_load,
            "failed_at": utc_now(), "failed_by": user_name(), "message": message,
        }  # fmt: skip
        insert(con, "ops.failed_closes", [attempt])
        _keep_checks(con, month, _FAILED, checks)
        _keep_controls(con, month, _FAILED, controls)


def forget_failure(con: Connection, month: date) -> None:
    """Remove the record of a failed attempt: the month could be closed now."""
    with stored(con):
        _forget_failure(con, month)


def keep_unchanged(con: Connection, site: Site, candidate: Candidate, as_of_load: int) -> None:
    """Record that a month was built, and gave the figures of its last version; a failed attempt is forgotten."""
    with stored(con):
        _forget_failure(con, candidate.month)
        if not candidate.changed_tables:
            _keep_build(con, site, candidate.month, candidate.last_version, as_of_load)


def _keep_build(con: Connection, site: Site, month: date, version: int, as_of_load: int) -> None:
    con.execute("DELETE FROM ops.last_builds WHERE period_month = ?", [month])
    build = {
        "period_month": month,
        "close_version": version,
        "as_of_load": as_of_load,
        "settings_hash": site.settings.definitions_hash(month),
        "models_hash": models_hash(),
        "rules_hash": rules_hash(site),
        "opened_from": _opened_from(con, month),
        "feeds": sorted(site.settings.feeds),
    }
    insert(con, "ops.last_builds", [build])


def _opened_from(con: Connection, month: date) -> int | None:
    """The version of the month before that the candidate of a month opens from."""
    found = con.execute("SELECT previous_version FROM build.periods WHERE period_month = ?", [month]).fetchall()
    return None if found[0][0] is None else int(found[0][0])


def _forget_failure(con: Connection, month: date) -> None:
    con.execute("DELETE FROM ops.failed_closes WHERE period_month = ?", [month])
    for ledger in ("checks", "control_totals"):
        con.execute(f"DELETE FROM ops.{ledger} WHERE period_month = ? AND close_version = {_FAILED}", [month])


def loads_known(con: Connection, as_of_load: int) -> list[dict[str, object]]:
    """The loads that a version is made from: load_id, feed and sha256."""
    return rows(
        con,
        "SELECT load_id, feed, sha256 FROM ops.loads WHERE status = 'loaded' AND load_id <= ? ORDER BY load_id",
        [as_of_load],
    )


def _keep_checks(con: Connection, month: date, version: int, checks: Sequence[CheckResult]) -> None:
    kept = [
        {
            "period_month": month,
            "close_version": version,
            "check_name": check.name,
            "suite": check.suite,
            "table_name": check.table,
            "severity": check.severity.value,
            "sentence": check.sentence,
            "owner": check.owner,
            "if_it_fails": check.if_it_fails,
            "success": not check.fails_in(month),
            "checked_count": check.checked_in(month),
            "failed_count": check.failed_in(month),
            "sample_keys": json.dumps(check.keys_in(month)),
            "threshold": check.threshold.value,
            "threshold_meaning": check.threshold.meaning,
            "finding": check.finding_in(month) or None,
        }
        for check in checks
    ]
    insert(con, "ops.checks", kept)


def _keep_controls(con: Connection, month: date, version: int, controls: Sequence[ControlTotal]) -> None:
    kept = [
        {
            "period_month": month,
            "close_version": version,
            "control": total.control,
            "currency": total.currency,
            "left_amount": total.left_amount,
            "right_amount": total.right_amount,
            "difference": total.difference,
            "severity": total.severity,
            "untied_count": total.untied_count,
            "first_untied": total.first_untied,
            "first_untied_left_amount": total.first_untied_left_amount,
            "first_untied_right_amount": total.first_untied_right_amount,
        }
        for total in controls
        if total.month == month
    ]
    insert(con, "ops.control_totals", kept)


def keep_corrections(con: Connection, month: date, version: int) -> None:
    """List the corrections of the build as those of a version."""
    con.execute(
        f"""
        INSERT INTO ops.corrections BY NAME
        SELECT
            DATE '{month}' AS period_month, {version} AS close_version, feed, key, key_values, column_name, wrong_value, right_value, reason, owner, state
        FROM build.corrections ORDER BY feed, key_values, column_name
        """
    )
