"""What a rule is, independent of what runs it.

A rule is a business sentence with a SELECT that returns the rows that break it. A suite is the rules of one feed or
one mart group over a batch: the rows being checked. `expectations.engine` runs suites as Great Expectations suites
inside DuckDB; nothing in this module imports Great Expectations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from expectations.findings import finding_text

MAX_SAMPLE_KEYS = 200
"""How many offending keys of one rule are kept."""

KeyValue: TypeAlias = str | int | bool | None


class Severity(StrEnum):
    """A severity is an action."""

    CRITICAL = "critical"
    """Not published."""
    WARNING = "warning"
    """Published with a banner."""
    INFO = "info"
    """Recorded, to see the trend."""


class Owner(StrEnum):
    """Who acts on a failure."""

    DATA = "Data engineering"
    KEY_ACCOUNTS = "Key-account management"
    LOGISTICS = "Customer logistics"
    MASTER_DATA = "Master data"
    QUALITY = "Customer quality"
    RECEIVABLES = "Accounts receivable"
    SALES_CONTROLLING = "Sales controlling"
    TREASURY = "Treasury"


@dataclass(frozen=True)
class Threshold:
    """A number that a site can change: where the rule draws its line."""

    value: Decimal
    meaning: str
    """What the number is, with its unit, such as `days before the end of the month`."""


ALLOWED_FAILURES = Threshold(Decimal(0), "rows per month that may break the rule")
"""The threshold of a rule that has none of its own."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One expectation in business terms.

    `failing` is a SELECT of the rows that break the rule. It may read the CTE `batch` (the suite's rows), the macro
    `threshold('<rule name>')` and anything else in the warehouse. It returns at least `period_month` (DATE, NULL where a
    failure concerns every month) and the columns `keys`.
    """

    name: str
    """Stable identifier, `<feed or mart group>.<what holds>`, such as `invoices.total_matches_lines`."""
    sentence: str
    """The rule as a sentence a reader of the figures understands, true when the rule holds."""
    finding: str = ""
    """What is wrong with the data when it fails, as a template of `expectations.findings`; without one it is made from `sentence`."""
    owner: str
    """One of `Owner` for the rules of the project; a site may name anyone."""
    severity: Severity
    if_it_fails: str
    """What a failure would break, and what to do about it."""
    failing: str
    keys: tuple[str, ...]
    """Columns of a failing row that identify it to its owner, and the figures that do not agree."""
    needs: frozenset[str] = frozenset()
    """Feeds without which the rule says nothing, such as a master that the site does not deliver."""
    threshold: Threshold = ALLOWED_FAILURES
    is_fixed: bool = False
    """Whether a site may change neither severity nor threshold: rules that prove that the figures tie."""

    @property
    def allowed_count(self) -> int:
        """Rows per month that may break the rule before it fails."""
        return int(self.threshold.value) if self.threshold.meaning == ALLOWED_FAILURES.meaning else 0


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The rules of one feed or mart group, checked over the rows that `batch` selects."""

    name: str
    table: str
    """The table that the rows come from, as shown to a reader."""
    batch: str
    """Begins with SELECT; its row count is what was checked."""
    rules: tuple[Rule, ...]
    needs: frozenset[str] = frozenset()
    """Feeds without which there is nothing to check."""


def applicable(suites: Iterable[Suite], declared: Collection[str]) -> tuple[Suite, ...]:
    """The suites and rules that a site with these feeds can be held to."""
    feeds = frozenset(declared)
    return tuple(
        replace(suite, rules=tuple(rule for rule in suite.rules if rule.needs <= feeds))
        for suite in suites
        if suite.needs <= feeds
    )


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The outcome of one rule over all months of a build."""

    name: str
    suite: str
    table: str
    severity: Severity
    sentence: str
    owner: str
    if_it_fails: str
    threshold: Threshold
    allowed_count: int
    """Rows per month that may break the rule before it fails."""
    checked_count: int
    """Rows of the suite's batch, of all months."""
    checked_by_month: Mapping[date, int]
    """Of these, how many in each month; empty where the batch's rows belong to no month (a master)."""
    failed_count: int
    """Rows that break the rule, in all months; in the rule's own grain, which can be coarser than the batch's."""
    failed_by_month: Mapping[date, int]
    """Of these, how many in each month. Failures that belong to no month (a fault in master data) are not in it."""
    keys_by_month: Mapping[date | None, Sequence[Mapping[str, KeyValue]]]
    """At most `MAX_SAMPLE_KEYS` failing rows' `period_month` and keys of each month, in a stable order."""
    finding: str = ""
    """The template of what is wrong, as in `Rule`."""

    def of_months(self, months: Collection[date]) -> CheckResult:
        """The result as if it had been looked for in these months only; what belongs to no month stays."""
        checked = {month: count for month, count in self.checked_by_month.items() if month in months}
        failed = {month: count for month, count in self.failed_by_month.items() if month in months}
        return replace(
            self,
            checked_count=sum(checked.values()) if self.checked_by_month else self.checked_count,
            checked_by_month=checked,
            failed_count=sum(failed.values()) + self._failed_without_month,
            failed_by_month=failed,
            keys_by_month={of: keys for of, keys in self.keys_by_month.items() if of is None or of in months},
        )

    def finding_in(self, month: date) -> str:
        """What is wrong with the data of this month, in a sentence without its end; empty where the rule holds."""
        if not self.fails_in(month):
            return ""
        return finding_text(
            self.finding,
            self.sentence,
            month,
            failed_count=self.failed_in(month),
            checked_count=self.checked_in(month),
            values={"threshold": f"{self.threshold.value.normalize():,f}", **dict(next(iter(self.keys_in(month)), {}))},
        )

    def keys_in(self, month: date) -> tuple[Mapping[str, KeyValue], ...]:
        """As many of the failures that concern this month: its own and those that belong to no month."""
        return _spread([keys for of, keys in self.keys_by_month.items() if of in (None, month)])

    def checked_in(self, month: date) -> int:
        """Rows checked for this month."""
        return self.checked_by_month.get(month, 0) if self.checked_by_month else self.checked_count

    def failed_in(self, month: date) -> int:
        """Failures that concern this month: its own and those that belong to no month."""
        return self.failed_by_month.get(month, 0) + self._failed_without_month

    @property
    def _failed_without_month(self) -> int:
        return self.failed_count - sum(self.failed_by_month.values())

    def fails_in(self, month: date) -> bool:
        """Whether more rows break the rule than may, of those that concern this month."""
        return self.failed_in(month) > self.allowed_count

    def stops(self, month: date) -> bool:
        """Whether this month must not be published."""
        return self.severity is Severity.CRITICAL and self.fails_in(month)


def _spread(by_month: Sequence[Sequence[Mapping[str, KeyValue]]]) -> tuple[Mapping[str, KeyValue], ...]:
    """The first keys of each month before the second ones of any, as many as are kept; listed by month."""
    places = sorted((place, month) for month, keys in enumerate(by_month) for place in range(len(keys)))
    return tuple(by_month[month][place] for month, place in sorted((m, p) for p, m in places[:MAX_SAMPLE_KEYS]))


def merged(results: Iterable[CheckResult]) -> list[CheckResult]:
    """One result for each rule from the results of runs over different months, in the order given."""
    found: dict[str, CheckResult] = {}
    for result in results:
        found[result.name] = _together(found[result.name], result) if result.name in found else result
    return list(found.values())


def _together(one: CheckResult, other: CheckResult) -> CheckResult:
    """The results of one rule over different months; what belongs to no month is the same in both and counts once."""
    failed_by_month = {**one.failed_by_month, **other.failed_by_month}
    without_month = max(one._failed_without_month, other._failed_without_month)  # noqa: SLF001 - of the same class
    return replace(
        one,
        checked_count=one.checked_count + other.checked_count if one.checked_by_month else one.checked_count,
        checked_by_month={**one.checked_by_month, **other.checked_by_month},
        failed_count=sum(failed_by_month.values()) + without_month,
        failed_by_month=failed_by_month,
        keys_by_month={**one.keys_by_month, **other.keys_by_month},
    )


@dataclass(frozen=True)
class KeptCheck:
    """A rule as the ledger has it: `failed_count` of `checked_count` rows broke it; `keys` are the first of them."""

    name: str
    suite: str
    table: str
    severity: str
    sentence: str
    finding: str
    owner: str
    if_it_fails: str
    success: bool
    checked_count: int
    failed_count: int
    keys: Sequence[Mapping[str, object]]
