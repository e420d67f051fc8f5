"""The published rows that a question is about, and the figures that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kam.audit.past import Past
from kam.audit.subjects import columns_of
from kam.build import MartColumn, Model, filled, names_in, shown
from kam.errors import UsageError
from kam.periods import month_name
from kam.site import nearest
from kam.warehouse import Connection, literal, rows


@dataclass(frozen=True)
class Figure:
    """One figure: `of` tells it from the others of the table that must not be added to it.

    `value` is None where it is undefined, and `reason` says why then. `formula` has the numbers filled in; without a formula of columns
    it says how the rows add up. `row_count` published rows make it.
    """

    of: Mapping[str, object]
    value: object
    reason: str
    formula: str
    row_count: int


def require_account(known: Past, table: Model, account: str | None) -> None:
    """Raise `UsageError` when the table is not by account, or the month does not know the account."""
    if account is None:
        return
    if not any(column.name == "account_id" for column in table.columns):
        message = f"{table.name} is not by account. Leave out --account"
        raise UsageError(message)
    found = rows(known.con, f"SELECT DISTINCT account_id, account_name FROM ({known.kept_rows('accounts')})")
    names = {str(row["account_name"]).lower(): str(row["account_id"]) for row in found}
    if found and account not in names.values() and not any(row["account_id"] == account for row in found):
        near = names.get(account.lower())
        advice = (
            f" Write its number: --account {near}" if near else nearest(account, [str(r["account_id"]) for r in found])
        )
        message = f"{month_name(known.month)} has no account {account}.{advice}"
        raise UsageError(message)


def make_published(known: Past, table: Model, account: str | None, keys: Mapping[str, str]) -> list[str]:
    """Make the tables `figures` (as stored) and `published` (as published) of the rows that are chosen; notes on the choice.

    Raises `UsageError` for a key that the table does not have.
    """
    names = [column.name for column in columns_of(table)]
    unknown = sorted(set(keys) - set(names))
    if unknown:
        message = f"{table.name} has no column {unknown[0]}. Its rows are told apart by {', '.join(table.grain)}"
        raise UsageError(message)
    wanted = dict(keys) if account is None else {"account_id": account, **keys}
    conditions = [f"{_stored(table, name)}::VARCHAR = {literal(value)}" for name, value in wanted.items()]
    notes = []
    if "is_default_basis" in names and "basis" not in keys:
        conditions.append("mart.is_default_basis")
        notes.append("Of the bases that a line may be due by, the one that our own score goes by: is_default_basis.")
    kept = known.kept_rows(table.level_of or table.name)
    if table.schema != "marts":
        kept = f"SELECT * FROM kept.reporting.{table.name}"
        conditions += [f"period_month = DATE '{known.month}'"] if "period_month" in names else []
        conditions += [f"close_version = {known.version}"] if "close_version" in names else []
    elif table.level_of:
        conditions.append(f"mart.level = {literal(table.level)}")
    where = " AND ".join(conditions) or "true"
    known.con.execute(f"CREATE OR REPLACE TEMP TABLE figures AS SELECT mart.* FROM ({kept}) AS mart WHERE {where}")
    columns = ", ".join(f"{_stored(table, name)} AS {name}" for name in names)
    known.con.execute(f"CREATE OR REPLACE TEMP TABLE published AS SELECT {columns} FROM figures AS mart")
    return notes


def _stored(table: Model, column: str) -> str:
    """A published column in the store, as SQL over `mart`; what is worked out when it is read is not stored."""
    stored = table.when_read.get(column, f"mart.{column}")
    return stored if stored.startswith("mart.") and stored.count(" ") == 0 else f"mart.{column}"


def figures_of(con: Connection, table: Model, column: MartColumn | None) -> list[Figure]:
    """The figures that the rows in `published` make: one for each of what must not be added up."""
    apart = ", ".join(table.adds_up_within)
    found = rows(con, f"SELECT DISTINCT {apart} FROM published ORDER BY ALL") if apart else [{}]
    return [_figure(con, table, column, of) for of in found]


def _figure(con: Connection, table: Model, column: MartColumn | None, of: Mapping[str, object]) -> Figure:
    condition = " AND ".join(f"{name} IS NOT DISTINCT FROM {_literal(value)}" for name, value in of.items()) or "true"
    group = rows(con, f"SELECT * FROM published WHERE {condition}")
    if column is None:
        return Figure(of, None, "", "", len(group))
    value = _value(con, column, group, condition)
    known = {one.name: total(one, group) for one in table.columns if len(group) == 1 or one.is_additive}
    reason = _reason(table, column, group) if value is None else ""
    return Figure(of, value, reason, filled(column, known, value) or _added(column, group, value), len(group))


def _literal(value: object) -> str:
    return "NULL" if value is None else literal(str(value))


def total(column: MartColumn, group: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - whatever the column holds
    """What a column of these rows comes to: of one row its value, else the sum; None where one is undefined or sums mean nothing."""
    values = [row[column.name] for row in group]
    if len(values) == 1:
        return values[0]
    if not values or not column.is_additive or None in values:
        return None
    return sum(values)


def _value(con: Connection, column: MartColumn, group: Sequence[Mapping[str, Any]], condition: str) -> Any:  # noqa: ANN401
    if len(group) == 1 or not column.ratio:
        return total(column, group)
    above, below = f"({column.numerator})", f"({column.denominator})"
    (found,) = rows(
        con,
        f"SELECT CASE WHEN count({above}) = count(*) AND count({below}) = count(*) THEN "
        f"sum({above})::DOUBLE / nullif(sum({below})::DOUBLE, 0) END AS value FROM published WHERE {condition}",
    )
    return None if found["value"] is None else Decimal(str(round(found["value"], 6)))


def _reason(table: Model, column: MartColumn, group: Sequence[Mapping[str, Any]]) -> str:
    """Why there is no value, as the rows say it, else as can be seen."""
    if not group:
        return "there is no such row in the month"
    if len(group) > 1 and not column.is_additive and not column.ratio:
        return f"it does not add up: each of the {len(group):,} rows has its own"
    names = [column.name, *names_in(column)]
    own = [f"{name}_reason" for name in names]
    others = [one.name for one in table.columns if one.name.endswith("_reason") and one.name not in own]
    for wanted in (own, others):
        said = [str(row[name]) for name in wanted for row in group if row.get(name) is not None]
        if said:
            return "; ".join(dict.fromkeys(said))
    if column.ratio:
        return f"{column.denominator} is 0 or undefined"
    return "the rows leave it empty and give no reason; the meaning says when that is so"


def _added(column: MartColumn, group: Sequence[Mapping[str, Any]], value: object) -> str:
    """How the rows add up to a figure without a formula of columns: `amount = 1.00 + 2.00 = 3.00`."""
    end = shown(value, column.unit)
    if len(group) == 1 or not column.is_additive or value is None:
        return f"{column.name} = {end}"
    if len(group) <= _FEW:
        return f"{column.name} = {' + '.join(shown(row[column.name], column.unit) for row in group)} = {end}"
    return f"{column.name} = sum of {len(group):,} rows = {end}"


_FEW = 6
