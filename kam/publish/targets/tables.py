"""The published tables as a database of another kind has them: names, types, and the query that gives their rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa
from kam.build import MartColumn, Model, published_tables
from kam.publish.reporting import published_columns

MONTH = "period_month"
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
SQLITE = "sqlite"


@dataclass(frozen=True)
class PublishedTable:
    """A table of `reporting` with its columns, in the order in which they are written."""

    model: Model
    columns: Sequence[MartColumn]

    @property
    def name(self) -> str:
        """As in `reporting`."""
        return self.model.name

    @property
    def has_months(self) -> bool:
        """Whether each row is about a month."""
        return any(column.name == MONTH for column in self.columns)

    @property
    def shape(self) -> list[list[str]]:
        """Names and types of the columns."""
        return [[column.name, column.sql_type] for column in self.columns]

    def select(self, months: Sequence[date]) -> str:
        """The query that gives the rows of these months, or all rows of a table without months."""
        names = ", ".join(column.name for column in self.columns)
        listed = ", ".join(f"DATE '{month}'" for month in months)
        condition = f"WHERE {MONTH} IN ({listed})" if self.has_months else ""
        return f"SELECT {names} FROM reporting.{self.name} {condition} ORDER BY {', '.join(self.model.grain)}"

    def as_table(self, metadata: sa.MetaData, dialect: str) -> sa.Table:
        """The table for SQLAlchemy, with an index by month."""
        import sqlalchemy as sa

        columns: list[sa.Column[Any]] = [
            sa.Column(column.name, _type(column.sql_type, dialect), index=column.name == MONTH)
            for column in self.columns
        ]
        return sa.Table(self.name, metadata, *columns)


def tables_to_publish() -> list[PublishedTable]:
    """The tables of `reporting` without old names, dimensions and tables about runs included."""
    return [PublishedTable(model, published_columns(model)) for model in published_tables() if not model.is_old_name]


def _type(sql_type: str, dialect: str) -> sa.types.TypeEngine[Any]:
    """The type of a column. SQLite has no decimal numbers: there they are texts, which keep every digit."""
    import sqlalchemy as sa

    if exact := _DECIMAL.fullmatch(sql_type):
        return sa.Text() if dialect == SQLITE else sa.Numeric(int(exact[1]), int(exact[2]))
    types: Mapping[str, sa.types.TypeEngine[Any]] = {
        "BIGINT": sa.BigInteger(),
        "INTEGER": sa.Integer(),
        "DOUBLE": sa.Double(),
        "BOOLEAN": sa.Boolean(),
        "DATE": sa.Date(),
        "TIMESTAMP": sa.DateTime(),
    }
    return types.get(sql_type, sa.Text())
