"""What somebody asks to have explained: a published table, or one column of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from kam.build import MartColumn, Model, published_tables, vocabulary
from kam.errors import UsageError
from kam.site import nearest

# Tables that show figures of other tables again.
_OVERVIEW = "overview"


@dataclass(frozen=True)
class Subject:
    """A table of `reporting`, and one of its columns unless the whole table is meant."""

    table: Model
    column: MartColumn | None = None

    @property
    def name(self) -> str:
        """As a person writes it."""
        return f"{self.table.name}.{self.column.name}" if self.column else self.table.name


def subject_of(name: str, *, has_account: bool = False) -> Subject:
    """The subject that `table`, `table.column` or `column` names.

    The old name of a table of several levels means the level of an account where one is named, else the total. Raises `UsageError` for a
    name that is not known, with the one that is most like it, and for a column that several tables have, with these.
    """
    tables = {table.name: table for table in published_tables()}
    table_name, _, column_name = name.strip().lower().partition(".")
    if table_name in tables:
        table = _at_level(tables[table_name], column_name, has_account=has_account)
        return Subject(table, _column(table, column_name) if column_name else None)
    if column_name:
        message = f"there is no table {table_name}.{nearest(table_name, list(tables))}"
        raise UsageError(message)
    return _of_column(table_name, list(tables.values()), has_account=has_account)


def columns_of(table: Model) -> list[MartColumn]:
    """All columns that are published, `close_version` among them."""
    return [*table.all_columns, vocabulary().columns["close_version"]] if table.schema == "marts" else [*table.columns]


def _column(table: Model, name: str) -> MartColumn:
    names = {column.name: column for column in columns_of(table)}
    if name not in names:
        message = f"{table.name} has no column {name}.{nearest(name, list(names))}"
        raise UsageError(message)
    return names[name]


def _levels(table: Model) -> list[Model]:
    return [other for other in published_tables() if other.level_of == (table.level_of or table.name)]


def _at_level(table: Model, column: str, *, has_account: bool) -> Model:
    """The table itself; of an old name the level that is meant, or the first one that has the column."""
    if not table.is_old_name:
        return table
    fitting = [level for level in _levels(table) if not column or _has(level, column)]
    wanted = "account" if has_account else "total"
    return next((level for level in fitting if level.level == wanted), fitting[0] if fitting else table)


def _has(table: Model, column: str) -> bool:
    return any(one.name == column for one in columns_of(table))


def _of_column(name: str, tables: Sequence[Model], *, has_account: bool) -> Subject:
    having = [table for table in tables if not table.is_old_name and _has(table, name)]
    measures = [table for table in having if _column(table, name).unit] or having
    shown_there = [table for table in measures if PurePosixPath(table.file).parent.name != _OVERVIEW] or measures
    families = {table.level_of or table.name: table for table in shown_there}
    if not families:
        known = {column.name for table in tables for column in columns_of(table)} | {table.name for table in tables}
        message = f"there is no table and no column {name}.{nearest(name, sorted(known))}"
        raise UsageError(message)
    if len(families) > 1:
        names = ", ".join(f"{table.name}.{name}" for table in families.values())
        message = f"{name} is a column of several tables; name one of them: {names}"
        raise UsageError(message)
    (table,) = families.values()
    if table.level_of:
        wanted = "account" if has_account else "total"
        levels = [level for level in shown_there if level.level_of == table.level_of]
        table = next((level for level in levels if level.level == wanted), levels[0])
    return Subject(table, _column(table, name))
