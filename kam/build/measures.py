"""Measures: the numbers of the published tables that a target may name, as `table.column`.

A measure is added up as its column declares. Which rows of it are needed follows from the target: those of an account, of the accounts
of a manager, or all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from kam.build.columns import MartColumn
from kam.build.levels import published_tables
from kam.build.models import Model, marts, models
from kam.site import Settings
from kam.warehouse import Connection, insert

_MANAGERS = ("account_manager", "document_account_manager")


@dataclass(frozen=True)
class Measure:
    """One number of a published table."""

    table: Model
    column: MartColumn

    @property
    def name(self) -> str:
        """How a target names it: `sales.net_amount`."""
        return f"{self.table.name}.{self.column.name}"

    @property
    def relation(self) -> str:
        """The candidate table that holds it."""
        return f"build.{self.table.level_of or self.table.name}"

    @property
    def where(self) -> str:
        """The rows of it that belong to the table."""
        if self.table.level_of:
            return f"level = '{self.table.level}'"
        return "is_default_basis" if "is_default_basis" in self._names else "true"

    @property
    def numerator(self) -> str:
        """What is added up above the line; of a number that is no ratio the number."""
        return self.column.numerator or self.column.name

    @property
    def denominator(self) -> str:
        """What is added up below the line; NULL of a number that is no ratio."""
        return self.column.denominator or "NULL"

    @property
    def reason(self) -> str:
        """Why a row has no value, as far as the table says it."""
        parts = re.findall(r"[a-z_][a-z_0-9]*", f"{self.column.name} {self.numerator} {self.denominator}")
        reasons = [f"{part}_reason" for part in dict.fromkeys(parts) if f"{part}_reason" in self._names]
        return f"coalesce({', '.join([*reasons, 'NULL'])})"

    @property
    def account_id(self) -> str:
        """The account of a row, NULL in a table that has none."""
        return "account_id" if "account_id" in self._names else "NULL"

    @property
    def account_manager(self) -> str:
        """The manager of a row, as it is stored; NULL in a table that has none."""
        return "account_manager" if self._names & {*_MANAGERS} else "NULL"

    @property
    def mixing(self) -> str:
        """What rows that may be added up have in common, as a text; NULL where all may be."""
        within = () if self.where == "is_default_basis" else self.table.adds_up_within
        return f"concat_ws(', ', {', '.join(within)})" if within else "NULL"

    @property
    def _names(self) -> set[str]:
        return {column.name for column in self.table.columns}


@cache
def measures() -> Mapping[str, Measure]:
    """All measures by name, but for those about measures, and those of dimensions and of old names."""
    (template,) = (model for model in models().values() if model.is_of_measures)
    tables = {mart.name for mart in marts() if mart.relation in template.reads_too}
    found = [
        Measure(table, column)
        for table in published_tables()
        if (table.level_of or table.name) in tables and not table.is_old_name
        for column in table.columns
        if column.unit and column.unit != "number" and "measure" not in table.grain
    ]
    return {measure.name: measure for measure in found}


def measures_table(con: Connection, settings: Settings) -> None:
    """Make `build.measures`: what a target may name, with unit and direction, and which feed the site lacks for it."""
    con.execute(
        "CREATE OR REPLACE TABLE build.measures (measure VARCHAR, unit VARCHAR, direction VARCHAR, aggregation VARCHAR, "
        "has_account BOOLEAN, has_manager BOOLEAN, missing_reason VARCHAR)"
    )
    lacking = {mart.name: _missing_reason(mart, settings) for mart in marts()}
    insert(
        con,
        "build.measures",
        [
            {
                "measure": measure.name,
                "unit": measure.column.unit,
                "direction": measure.column.direction,
                "aggregation": measure.column.aggregation,
                "has_account": measure.account_id != "NULL",
                "has_manager": measure.account_manager != "NULL",
                "missing_reason": lacking[measure.table.level_of or measure.table.name],
            }
            for measure in measures().values()
        ],
    )


def _missing_reason(mart: Model, settings: Settings) -> str | None:
    return "; ".join(settings.why_missing(need) for need in mart.missing(settings.available)) or None


def wanted_measures(con: Connection) -> list[Measure]:
    """The measures that targets of the months in `build.periods` name, or actions of any month."""
    found = con.execute(
        "SELECT measure FROM core.targets AS targets "
        "SEMI JOIN build.periods AS periods ON periods.period_month = targets.month "
        "UNION SELECT measure FROM core.actions ORDER BY measure"
    ).fetchall()
    return [measures()[name] for (name,) in found if name in measures()]
