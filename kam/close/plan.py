"""What a run over some months would do: which are up to date, which were never closed, and what changed for the others.

A month is up to date when nothing changed that it was computed from or judged by, since it was closed or last built with the same
figures: no load with changes dated in the month or before, the same settings, models and rules, the same opening. Any other month
has to be built to find out whether it differs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from kam.build import models_hash
from kam.periods import add_months, month_name
from kam.site import FEEDS, Correction, Settings
from kam.warehouse import Connection, rows, sql_text
from kam.words import counted


class Action(StrEnum):
    """What a run does with a month."""

    CLOSE = "close"
    COMPARE = "compare"
    SKIP = "skip"


@dataclass(frozen=True)
class MonthPlan:
    """What a run would do with a month, and why; `version` is its newest one, 0 when it was never closed."""

    month: date
    action: Action
    version: int
    why: str


@dataclass(frozen=True)
class Changes:
    """Rows that a load changed: new ones and those that it replaced or ended."""

    load_id: int
    feed: str
    source: str
    loaded_count: int
    superseded_count: int
    first_date: date | None
    """The earliest day that these rows are about; None when they may matter in any month."""


@dataclass(frozen=True)
class _Version:
    """A month's newest version, and what it was last built from with the same figures."""

    number: int
    as_of_load: int
    settings_hash: str
    models_hash: str
    rules_hash: str
    opened_from: int | None
    feeds: Sequence[str]
    corrections: tuple[Correction, ...]


def planned_months(
    con: Connection,
    settings: Settings,
    months: Sequence[date],
    *,
    as_of_load: int,
    restate: bool = False,
    rules_hash: str = "",
) -> list[MonthPlan]:
    """What a run over these months, with what is known at a load, would do with each.

    With a `rules_hash` a month that was judged by other rules is looked at again, too.
    """
    newest = _newest_versions(con)
    opening = _newest_versions(con, as_of_load)
    changes = changing_loads(con, 0, max([as_of_load, *(version.as_of_load for version in newest.values())]))
    ends = _ends_of_months(con)
    failed = {month for (month,) in con.execute("SELECT period_month FROM ops.failed_closes").fetchall()}
    withdrawn = {month for (month,) in con.execute("SELECT period_month FROM ops.withdrawals").fetchall()}
    planned = []
    for month in months:
        version = newest.get(month)
        if version is None:
            why = "its versions were withdrawn" if month in withdrawn else "never closed"
            planned.append(MonthPlan(month, Action.CLOSE, 0, why))
            continue
        before = add_months(month, -1)
        why = _why_changed(
            version,
            opening.get(before),
            month,
            settings,
            _that_matter(changes, month, ends, settings),
            _that_matter(changes, before, ends, settings),
            as_of_load,
        )
        if not why and rules_hash and version.rules_hash != rules_hash:
            why = "the rules changed"
        if not why and month in failed:
            # It may fail again although no row changed, because the site made a rule stricter.
            why = "the last attempt to close it failed"
        if not why and planned and _may_get_a_version(planned[-1], restate=restate):
            why = f"{month_name(planned[-1].month)}, from which it opens, may get a new version"
        action = Action.COMPARE if why else Action.SKIP
        unchanged = f"nothing changed since version {version.number}"
        planned.append(MonthPlan(month, action, version.number, why or unchanged))
    return planned


def _may_get_a_version(plan: MonthPlan, *, restate: bool) -> bool:
    return plan.action is Action.CLOSE or (restate and plan.action is Action.COMPARE)


def changing_loads(con: Connection, first: int, last: int) -> list[Changes]:
    """The loads after `first` and up to `last`, in either order, that changed any row."""
    low, high = sorted((first, last))
    found = rows(
        con,
        f"""
        SELECT load_id, feed, source, loaded_count, superseded_count, first_date FROM ops.loads
        WHERE status = 'loaded' AND load_id > {low} AND load_id <= {high} AND loaded_count + superseded_count > 0
        ORDER BY load_id
        """,
    )
    return [Changes(**row) for row in found]


def changes_of(con: Connection, settings: Settings, month: date, first: int, last: int) -> list[Changes]:
    """The loads after `first` and up to `last`, in either order, with changes that can matter for a month."""
    return _that_matter(changing_loads(con, first, last), month, _ends_of_months(con), settings)


def _ends_of_months(con: Connection) -> dict[date, date]:
    """The last day of each business month that a calendar says, in any version of it."""
    found = con.execute("SELECT period_month, max(end_date) FROM staging.calendar GROUP BY period_month")
    return dict(found.fetchall())


def _that_matter(
    changes: Sequence[Changes], month: date, ends: Mapping[date, date], settings: Settings
) -> list[Changes]:
    """The changes of rows that figures of a month may read: those with a day in it or before, and those without days."""
    end = max(add_months(month, 1) - timedelta(days=1), ends.get(month, month))
    # A correction may put a row into an earlier month.
    redated = {entry.feed for entry in settings.corrections if entry.column in FEEDS[entry.feed].date_columns}
    return [
        change for change in changes if change.first_date is None or change.first_date <= end or change.feed in redated
    ]


def _newest_versions(con: Connection, as_of_load: int | None = None) -> Mapping[date, _Version]:
    """The newest version of each closed month, of those made with no more knowledge than at a load."""
    known = "true" if as_of_load is None else f"closes.as_of_load <= {as_of_load}"
    found = rows(con, sql_text("close/newest_versions.sql", known=known))
    versions = {}
    for row in found:
        settings = json.loads(row["settings"] or "{}")
        versions[row["period_month"]] = _Version(
            row["close_version"], row["as_of_load"], row["settings_hash"], row["models_hash"], row["rules_hash"], row["opened_from"],
            row["feeds"] or settings.get("feeds", ()), tuple(map(Correction.model_validate, settings.get("corrections", ()))),
        )  # fmt: skip
    return versions


def _why_changed(
    version: _Version,
    before: _Version | None,
    month: date,
    settings: Settings,
    changes: Sequence[Changes],
    changes_before: Sequence[Changes],
    as_of_load: int,
) -> str:
    """Why a month may differ from its version; empty when it cannot.

    `changes` can matter for the month, `changes_before` for the one before it.
    """
    reasons = []
    since = _between(changes, version.as_of_load, as_of_load)
    if since:
        rows_of = f"{in_words(since)} since version {version.number}"
        if version.as_of_load > as_of_load:
            rows_of = f"version {version.number} knows {in_words(since)} more"
        reasons.append(rows_of)
    reasons += _changed_settings(version, settings, month)
    if version.models_hash != models_hash():
        reasons.append("the models changed")
    if not since and _opens_differently(version, before, changes_before):
        name = month_name(add_months(month, -1))
        reasons.append(f"{name} has another version than the one it opened from")
    return "; ".join(reasons)


def _changed_settings(version: _Version, settings: Settings, month: date) -> list[str]:
    """Whether corrections or other settings differ from those that the version was computed with."""
    if version.settings_hash == settings.definitions_hash(month) and list(version.feeds) == sorted(settings.feeds):
        return []
    reasons = []
    with_its_corrections = settings
    if version.corrections != settings.corrections:
        with_its_corrections = settings.model_copy(update={"corrections": version.corrections})
        if with_its_corrections.definitions_hash(month) != settings.definitions_hash(month):
            reasons.append("the corrections changed")
    if version.settings_hash != with_its_corrections.definitions_hash(month) or list(version.feeds) != sorted(
        settings.feeds
    ):
        reasons.append("the settings changed")
    return reasons


def _opens_differently(version: _Version, before: _Version | None, changes: Sequence[Changes]) -> bool:
    """Whether the month would open from a version that it was not built on.

    One without an opening version was built together with the month before, or before that was closed; from the same
    knowledge both give the same balance.
    """
    if before is None:
        return version.opened_from is not None
    if version.opened_from is None:
        return bool(_between(changes, before.as_of_load, version.as_of_load))
    return before.number != version.opened_from


def _between(changes: Sequence[Changes], first: int, last: int) -> list[Changes]:
    low, high = sorted((first, last))
    return [change for change in changes if low < change.load_id <= high]


def in_words(changes: Sequence[Changes]) -> str:
    """How many rows of which feeds changed, in how many loads."""
    counts: dict[str, list[int]] = {}
    for change in changes:
        counts.setdefault(change.feed, []).append(max(change.loaded_count, change.superseded_count))
    return ", ".join(
        f"{counted(sum(found), 'row')} of {feed} in {counted(len(found), 'load')}"
        for feed, found in sorted(counts.items())
    )
