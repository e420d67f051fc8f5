"""Warehouses in memory with a few hand-written rows, and the outcome of one rule over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from expectations import CheckResult, Suite, validate
from expectations.feeds import PREPARED
from kam.build import make_ahead, prepare_build
from kam.periods import parse_month
from kam.warehouse import Connection, memory, prepare
from tests.support import settings_of, stage


@dataclass(frozen=True)
class Tampering:
    """One row of a month's candidate that is changed so that `rule` breaks; `where` says which rows will do."""

    rule: str
    change: str
    where: str = "true"

    def sql(self, month: date) -> str:
        """What does it."""
        table = self.rule.split(".")[0]
        row = f"SELECT min(rowid) FROM build.{table} WHERE period_month = DATE '{month}' AND ({self.where})"
        return f"UPDATE build.{table} SET {self.change} WHERE rowid = ({row})"


Given = Mapping[str, Sequence[Mapping[str, Any]]]


def loaded(given: Given, *periods: str, settings: Mapping[str, Any] | None = None) -> Connection:
    """These rows as load 1, with the calendar and the rates of the months; no marts."""
    checked = settings_of(settings)
    con = memory()
    prepare(con, checked.site.reporting_currency)
    stage(con, given)
    prepare_build(con, checked, [parse_month(period) for period in periods], as_of_load=1)
    make_ahead(con, PREPARED)
    return con


def outcome(con: Connection, suites: Sequence[Suite], rule_name: str) -> CheckResult:
    """The result of this one rule."""
    chosen = [replace(suite, rules=(rule,)) for suite in suites for rule in suite.rules if rule.name == rule_name]
    (result,) = validate(con, chosen)
    return result


def passed(result: CheckResult) -> bool:
    """Whether the rule fails in no month; a failure that belongs to no month is one of every month."""
    return not any(map(result.fails_in, (*result.failed_by_month, date.max)))


def sample_keys(result: CheckResult) -> tuple[Mapping[str, Any], ...]:
    """The keys that were kept of the failing rows, month by month."""
    return tuple(keys for of_month in result.keys_by_month.values() for keys in of_month)
