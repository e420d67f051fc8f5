"""What the data quality page shows, read from the ledgers: months, checks, loads and the history of each rule."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from expectations import turned_round
from expectations.rules import ALLOWED_FAILURES
from kam.periods import MONTHS, month_name, month_title
from kam.publish.quality_page.cells import Cell, Column, Names, table_of
from kam.warehouse import LAST_SHOWN, Connection, rows, sql_text
from kam.words import counted

_GRAVITY = {"critical": 0, "warning": 1, "info": 2}
# The newest months are shown whole, older ones that failed with a few sample rows, the others as one line.
_RECENT_MONTHS = 12
_SAMPLES, _SAMPLES_OF_OLD = 10, 3
_SHOWN_HISTORY, SHOWN_FAILURES = 36, 12
# So many failed rules of a month are in sight; the others are folded.
_IN_SIGHT = 4
# C0 and C1 control characters but the line feed: browsers drop or replace them, a person has to see them.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(10), *range(11, 32), *range(127, 160))}


@dataclass(frozen=True)
class Check:
    """One rule in one month: `failed_count` of `checked_count` rows broke it."""

    month: date
    name: str
    suite: str
    severity: str
    sentence: str
    owner: str
    if_it_fails: str
    success: bool
    checked_count: int
    failed_count: int
    threshold: Decimal | None
    threshold_meaning: str | None
    finding: str | None

    @property
    def wrong(self) -> str:
        """What is wrong with the data, in a sentence without its end."""
        return self.finding or turned_round(self.sentence, self.failed_count)

    @property
    def anchor(self) -> str:
        """The rule's place on the page."""
        return f"rule-{quote(self.name)}"

    @property
    def state(self) -> str:
        """`passed`, else its severity."""
        return "passed" if self.success else self.severity

    @property
    def limit(self) -> str:
        """Where the rule draws its line; empty for months closed before that was recorded."""
        if self.threshold is None:
            return ""
        if self.threshold_meaning == ALLOWED_FAILURES.meaning and not self.threshold:
            return "no row may break it"
        return f"{self.threshold.normalize():,f} {self.threshold_meaning}"

    @property
    def share(self) -> str:
        """How many rows broke the rule, of how many."""
        # Rows are counted in the rule's own grain, which can be finer than that of what was looked at.
        if self.failed_count > self.checked_count:
            return f"{self.failed_count:,} failed; {self.checked_count:,} checked"
        return f"{self.failed_count:,} of {self.checked_count:,}"


@dataclass(frozen=True)
class Samples:
    """The first rows that broke a rule in a month, as a table."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kept_count: int


@dataclass(frozen=True)
class Loads:
    """What a month was built from.

    `known` counts all loads that the month knew; `new` are those that no earlier close knew, `rejects` their rejected rows
    by rule. Months that know the same are listed once, in the newest of them that has a section: `listed_in`.
    """

    known: Mapping[str, Any]
    new: Sequence[Mapping[str, Any]]
    rejects: Sequence[Mapping[str, Any]]
    listed_in: date


@dataclass(frozen=True)
class Month:
    """A month as it was last closed, tried or taken back.

    `verdict` is good, warning, failed or withdrawn. `version` is the one that readers see, 0 for none; `at` (UTC), `by` and `reason`
    belong to the attempt where it failed, to the withdrawal where no version stands, else to that version. `withdrawn_version` is the
    newest one if it was taken back, else 0. `is_recent` months are shown with all that is known; they and those that
    failed have a section, with `loads`.
    """

    month: date
    verdict: str
    version: int
    at: datetime
    by: str
    reason: str
    message: str
    withdrawn_version: int
    withdrawn_because: str
    is_recent: bool
    failed: Sequence[Check]
    passed: Sequence[Check]
    samples: Mapping[str, Samples]
    controls: Sequence[Mapping[str, Any]]
    loads: Loads | None

    @property
    def name(self) -> str:
        """`2026-10`."""
        return month_name(self.month)

    @property
    def title(self) -> str:
        """`October 2026`."""
        return month_title(self.month)

    @property
    def in_sight(self) -> Sequence[Check]:
        """The critical rules and warnings that are shown without a click."""
        return [check for check in self.failed if check.severity != "info"][:_IN_SIGHT]

    @property
    def folded(self) -> Sequence[Check]:
        """The other warnings."""
        return [check for check in self.failed if check.severity != "info"][_IN_SIGHT:]

    @property
    def notes(self) -> Sequence[Check]:
        """What failed and is only for the trend."""
        return [check for check in self.failed if check.severity == "info"]

    @property
    def tolerated(self) -> Sequence[Check]:
        """Rules that some rows broke, not more than they allow."""
        return [check for check in self.passed if check.failed_count]

    @property
    def untied(self) -> Sequence[Mapping[str, Any]]:
        """The control totals that do not tie."""
        return [control for control in self.controls if control["untied_count"]]

    @property
    def command(self) -> str:
        """The command that closes the month once its rows are fixed."""
        again = ' --restate --reason "…"' if self.version else ""
        return f"kam close {self.name}{again}"

    def commands(self, check: Check) -> list[str]:
        """What shows more about a rule that failed."""
        return {"loads.few_rows_rejected": ["kam rejects"], "loads.no_source_refused": ["kam check"]}.get(
            check.name, []
        )

    @property
    def outcome(self) -> str:
        """The verdict with its counts, as a sentence without its end."""
        if self.verdict == "failed":
            return (
                f"the correction wasn't published; version {self.version} still is" if self.version else "not published"
            )
        if self.verdict == "withdrawn":
            return "withdrawn; nothing of it is published"
        if self.withdrawn_version:
            return f"version {self.withdrawn_version} was withdrawn; version {self.version} is published again"
        count = sum(check.severity != "info" for check in self.failed)
        return f"published, with {counted(count, 'warning')}" if self.verdict == "warning" else "published, all good"

    @property
    def heading(self) -> str:
        """What became of the month, as the heading of the page says it."""
        return self._kept_correction or f"{self.title}: {self.outcome}"

    @property
    def verdict_sentence(self) -> str:
        """What became of the month, as a sentence below its name."""
        return f"{self._kept_correction or self.outcome[0].upper() + self.outcome[1:]}."

    @property
    def _kept_correction(self) -> str:
        """What to say of a restatement that failed while an earlier version stays published."""
        if self.verdict != "failed" or not self.version:
            return ""
        return f"{MONTHS[self.month.month - 1]}'s {self.outcome.removeprefix('the ')}"

    @property
    def has_faults(self) -> bool:
        """Whether critical rules or control totals of its own stopped the month, and not another month."""
        return bool(self.untied) or any(check.severity == "critical" for check in self.failed)

    @property
    def why(self) -> str:
        """Why the month was not published."""
        critical = sum(check.severity == "critical" for check in self.failed)
        reasons = []
        if critical:
            reasons.append(f"{counted(critical, 'critical rule')} failed")
        if self.untied:
            reasons.append(f"{counted(len(self.untied), 'control total')} did not tie")
        return " and ".join(reasons) or self.message


@dataclass(frozen=True)
class RuleHistory:
    """A rule as it was checked last, and its outcome in the newest months, oldest first; None where it was not checked."""

    last: Check
    points: Sequence[tuple[date, Check | None]]

    @property
    def failures(self) -> Sequence[Check]:
        """The months in which it failed, newest first."""
        return [check for _, check in reversed(self.points) if check and not check.success]

    @property
    def checked_months(self) -> int:
        """In how many of the months it was checked."""
        return sum(check is not None for _, check in self.points)

    @property
    def summary(self) -> str:
        """The history in words."""
        if not self.failures:
            return f"Held in {'the only month' if self.checked_months == 1 else f'all {self.checked_months} months'}"
        return f"Failed in {len(self.failures)} of {counted(self.checked_months, 'month')}"

    @property
    def trend(self) -> str:
        """Rows that broke it: last, the time before, and at most; empty when there never were any."""
        checks = [check for _, check in self.points if check]
        peak = max(checks, key=lambda check: (check.failed_count, check.month))
        if not peak.failed_count:
            return ""
        last, *before = reversed(checks)
        figures = [f"{month_name(last.month)}: {last.share}"]
        if before:
            figures.append(f"before: {before[0].failed_count:,}")
        if peak is not last:
            figures.append(f"most: {peak.failed_count:,} in {month_name(peak.month)}")
        return " · ".join(figures)


def printable_text(value: object) -> object:
    """Text with its control characters as escapes; anything else as it is."""
    return value.translate(_CONTROLS) if type(value) is str else value


def amount_text(value: Decimal | None) -> str:
    """An amount with all digits that it has, and no more."""
    return "–" if value is None else f"{value.normalize():,f}"


def with_code(text: str) -> Markup:
    """Text with its `commands` between backticks."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(printable_text(text)))))  # noqa: S704 - escaped before


def kept_checks(con: Connection) -> list[Check]:
    """All checks of the versions that the page is about, in the order in which they were run."""
    found = rows(
        con,
        f"""
        SELECT
            checks.period_month AS month, check_name AS name, suite, severity, sentence, owner, if_it_fails, success,
            checked_count, failed_count, threshold, threshold_meaning, finding
        FROM ops.checks AS checks
        JOIN ({LAST_SHOWN}) AS shown USING (period_month, close_version)
        ORDER BY checks.period_month, checks.rowid
        """,
    )
    return [Check(**row) for row in found]


def closed_months(con: Connection, checks: Sequence[Check], names: Names) -> list[Month]:
    """All months, newest first."""
    found = rows(con, sql_text("quality_page/months.sql"))
    recent = {row["period_month"] for row in found[:_RECENT_MONTHS]}
    samples = _samples(con, recent, names)
    controls = _controls(con)
    shown = recent | {row["period_month"] for row in found if row["verdict"] == "failed"}
    loads = _loads(con, {row["period_month"]: row.pop("as_of_load") for row in found}, shown)
    by_month: dict[date, list[Check]] = defaultdict(list)
    for check in checks:
        by_month[check.month].append(check)
    return [
        Month(
            month=month,
            is_recent=month in recent,
            failed=sorted(
                (check for check in by_month[month] if not check.success),
                key=lambda check: (_GRAVITY[check.severity], -check.failed_count, check.name),
            ),
            passed=[check for check in by_month[month] if check.success],
            samples=samples.get(month, {}),
            controls=controls.get(month, []),
            loads=loads.get(month),
            **row,
        )
        for row in found
        for month in (row.pop("period_month"),)
    ]


def _samples(con: Connection, recent: set[date], names: Names) -> dict[date, dict[str, Samples]]:
    """The first failing rows by month and rule."""
    found = rows(
        con,
        f"""
        SELECT
            failures.period_month, check_name, list(keys ORDER BY failure_no) FILTER (failure_no <= {_SAMPLES}) AS keys,
            count(*) AS kept_count
        FROM ops.check_failures AS failures
        JOIN ({LAST_SHOWN}) AS shown USING (period_month, close_version)
        GROUP BY failures.period_month, check_name
        """,
    )
    samples: dict[date, dict[str, Samples]] = defaultdict(dict)
    for row in found:
        month = row["period_month"]
        keys = row["keys"][: _SAMPLES if month in recent else _SAMPLES_OF_OLD]
        samples[month][row["check_name"]] = Samples(
            *table_of([json.loads(key) for key in keys], names, month), row["kept_count"]
        )
    return samples


def _controls(con: Connection) -> dict[date, list[dict[str, Any]]]:
    """The control totals by month."""
    found = rows(
        con,
        f"""
        SELECT totals.*
        FROM ops.control_totals AS totals
        JOIN ({LAST_SHOWN}) AS shown USING (period_month, close_version)
        ORDER BY totals.period_month, control, currency
        """,
    )
    controls: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        controls[row["period_month"]].append(row)
    return controls


def _loads(con: Connection, as_of_loads: Mapping[date, int], shown: set[date]) -> dict[date, Loads]:
    """What the months with a section were built from; `as_of_loads` says up to which load each knew things."""
    loads = rows(con, "FROM ops.loads ORDER BY load_id")
    rejects = rows(
        con,
        """
        SELECT
            load_id, feed, column_name, rule, count(DISTINCT (source_row, source_column)) AS row_count,
            count(DISTINCT (source_row, source_column)) FILTER (status = 'open') AS open_count, min(message) AS message
        FROM staging.rejects
        GROUP BY load_id, feed, column_name, rule
        ORDER BY load_id, feed, row_count DESC, column_name, rule
        """,
    )
    open_rows = rows(
        con,
        "SELECT load_id, count(DISTINCT (source_row, source_column)) AS row_count FROM staging.rejects WHERE status = 'open' GROUP BY load_id",
    )
    known_to_closes = con.execute(
        "SELECT as_of_load FROM ops.closes ANTI JOIN ops.preliminary USING (period_month, close_version) UNION SELECT as_of_load FROM ops.failed_closes"
    )
    steps = sorted(step for (step,) in known_to_closes.fetchall())
    found = {}
    for month in shown:
        last = as_of_loads[month]
        before = max((step for step in steps if step < last), default=0)
        known = [load for load in loads if load["load_id"] <= last and load["status"] == "loaded"]
        counts = {
            name: sum(load[name] for load in known)
            for name in ("read_count", "loaded_count", "unchanged_count", "rejected_count")
        }
        still_open = sum(row["row_count"] for row in open_rows if row["load_id"] <= last)
        found[month] = Loads(
            known={"load_count": len(known), "open_count": still_open, **counts},
            new=_gravest_first([load for load in loads if before < load["load_id"] <= last]),
            rejects=[row for row in rejects if before < row["load_id"] <= last],
            listed_in=max(of for of in shown if as_of_loads[of] == last),
        )
    return found


def _gravest_first(loads: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Refused loads, then those with the most rejected rows, then the newest."""
    return sorted(
        loads, key=lambda load: (load["status"] == "loaded", -(load["rejected_count"] or 0), -load["load_id"])
    )


def rule_histories(checks: Sequence[Check], months: Sequence[date]) -> list[RuleHistory]:
    """Every rule with its outcome in the newest months, in the order in which a close runs them."""
    shown = months[-_SHOWN_HISTORY:]
    found: dict[str, dict[date, Check]] = defaultdict(dict)
    place: dict[str, int] = {}
    run: dict[date, int] = defaultdict(int)
    for check in checks:
        found[check.name][check.month] = check
        place[check.name] = run[check.month]
        run[check.month] += 1
    histories = [
        RuleHistory(of_rule[max(of_rule)], [(month, of_rule.get(month)) for month in shown])
        for of_rule in found.values()
        if any(month in of_rule for month in shown)
    ]
    return sorted(histories, key=lambda history: place[history.last.name])
