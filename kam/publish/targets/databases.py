"""Databases that SQLAlchemy reaches as targets: all tables in one transaction, so that readers see all of a publication or nothing.

The database keeps what it has by itself, in the tables `publications` and `published_tables`: so a database that was emptied or put back
from a backup gets what it lacks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa
from kam.database_urls import engine_of, masked, place_of
from kam.errors import KamError, SettingsError
from kam.publish.month_report import published_month
from kam.publish.targets import postgresql
from kam.publish.targets.editions import CaughtUp, Edition, stamp_of
from kam.publish.targets.tables import MONTH, SQLITE, PublishedTable, tables_to_publish
from kam.site import DatabaseTarget, Site, scratch_folder
from kam.stages import each
from kam.warehouse import Connection, utc_now

_ROWS_AT_ONCE = 5_000
_POSTGRESQL = "postgresql"


class Database:
    """A database of `[publish.databases]`."""

    def __init__(self, name: str, settings: DatabaseTarget) -> None:
        """`name` is the one in `kam.toml`."""
        self.name = f"database {name}"
        self._settings = settings
        self._where = f"kam.toml: publish.databases.{name}"

    def catch_up(self, site: Site, editions: Sequence[Edition], held: Mapping[date, str], *, again: bool) -> CaughtUp:
        """Write the months that the database lacks, and tables whose columns are others; what it holds it knows itself."""
        del held, again
        engine = self._engine()
        try:
            with published_month(site) as con, engine.begin() as connection:
                return _Publication(site, self._settings, con, connection).run(editions)
        except KamError:
            raise
        except Exception as error:
            if not _is_of_database(error, engine):
                raise
            message = f"{place_of(engine.url)}: {masked(error, engine.url)}. Nothing in it was changed"
            raise KamError(message) from None
        finally:
            engine.dispose()

    def faults(self) -> list[str]:
        """Why it cannot be connected to, and which rights are missing."""
        try:
            engine = self._engine()
        except SettingsError as error:
            return [str(error)]
        try:
            with engine.connect() as connection:
                is_postgresql = connection.dialect.name == _POSTGRESQL
                return postgresql.missing_rights(connection, self._settings) if is_postgresql else []
        except Exception as error:
            if not _is_of_database(error, engine):
                raise
            return [f"{place_of(engine.url)}: {masked(error, engine.url)}"]
        finally:
            engine.dispose()

    def _engine(self) -> sa.Engine:
        engine = engine_of(self._settings.url_variable, f"{self._where}.url", postgresql.OPTIONS)
        if engine.dialect.name != _POSTGRESQL and (self._settings.reader or self._settings.row_level_security):
            message = f"{self._where}: reader and row_level_security need PostgreSQL, and this is {engine.dialect.name}. Remove them"
            raise SettingsError(message)
        if engine.dialect.name == SQLITE:
            _begin_as_others_do(engine)
        return engine


class _Publication:
    """One transaction: what is there, what is lacking, and writing it."""

    def __init__(self, site: Site, settings: DatabaseTarget, con: Connection, connection: sa.Connection) -> None:
        import sqlalchemy as sa

        self._site, self._settings, self._con, self._connection = site, settings, con, connection
        self._dialect = connection.dialect.name
        metadata = sa.MetaData(schema=None if self._dialect == SQLITE else settings.schema_name)
        self._wanted = {table.name: table for table in tables_to_publish()}
        self._tables = {name: table.as_table(metadata, self._dialect) for name, table in self._wanted.items()}
        self._months = sa.Table(
            "publications",
            metadata,
            sa.Column(MONTH, sa.Date),
            sa.Column("close_version", sa.BigInteger),
            sa.Column("content_hash", sa.Text),
            sa.Column("stamp", sa.Text),
            sa.Column("published_at", sa.DateTime),
        )
        self._made = sa.Table(
            "published_tables",
            metadata,
            sa.Column("table_name", sa.Text),
            sa.Column("shape", sa.Text),
            sa.Column("finish", sa.Text),
        )

    def run(self, editions: Sequence[Edition]) -> CaughtUp:
        """Bring the database up to date; what it has then."""
        import sqlalchemy as sa

        notes = self._prepare()
        held: dict[date, str] = dict(self._rows(sa.select(self._months.c[MONTH], self._months.c.stamp)))
        made = {row[0]: (json.loads(row[1]), json.loads(row[2])) for row in self._rows(sa.select(self._made))}
        stamps = {edition.month: edition.stamp for edition in editions}
        lagging = [month for month, stamp in stamps.items() if held.get(month) != stamp]
        gone = sorted(held.keys() - stamps.keys())
        new = self._shape_tables({name: shape for name, (shape, _) in made.items()})
        if lagging or gone or new:
            self._fill(list(stamps), lagging, gone, new)
            self._keep_months([edition for edition in editions if edition.month in lagging], gone)
        before = {name: {} if name in new else made[name][1] for name in self._wanted}
        self._finish({name: finish for name, (_, finish) in made.items()}, before)
        written = lagging or (sorted(stamps) if new else [])
        closed = {edition.month for edition in editions if edition.version}
        return CaughtUp(stamps, [month for month in written if month in closed], gone, notes)

    def _prepare(self) -> list[str]:
        import sqlalchemy as sa

        notes = postgresql.prepare(self._connection, self._settings) if self._dialect == _POSTGRESQL else []
        self._there = set(sa.inspect(self._connection).get_table_names(schema=self._months.schema))
        for record in (self._months, self._made):
            if record.name not in self._there:
                record.create(self._connection)
        return notes

    def _shape_tables(self, made: Mapping[str, list[list[str]]]) -> set[str]:
        """Make the tables that are missing, change those whose columns are others, drop those that are no more; those left without rows."""
        import sqlalchemy as sa

        for name in sorted(made.keys() - self._wanted.keys()):
            sa.Table(name, sa.MetaData(schema=self._months.schema)).drop(self._connection, checkfirst=True)
            self._connection.execute(self._made.delete().where(self._made.c.table_name == name))
        new = set()
        for name, table in self._wanted.items():
            if name in self._there and made.get(name) == table.shape:
                continue
            if name in self._there and name not in made:
                message = f"the schema has a table {name} that kam-close did not make. Name another schema in [publish.databases]"
                raise SettingsError(message)
            new.add(name)
            if name in self._there and all(column in table.shape for column in made[name]):
                self._add_columns(name, made[name])
            else:
                if name in self._there:
                    self._tables[name].drop(self._connection, checkfirst=False)
                self._tables[name].create(self._connection, checkfirst=False)
        return new

    def _add_columns(self, name: str, had: list[list[str]]) -> None:
        """Add what a table lacks, and empty it: its rows get the new columns too."""
        table, quote = self._tables[name], self._connection.dialect.identifier_preparer
        for column in table.columns:
            if column.name not in {known for known, _ in had}:
                sql_type = column.type.compile(self._connection.dialect)
                self._connection.exec_driver_sql(
                    f"ALTER TABLE {quote.format_table(table)} ADD COLUMN {quote.format_column(column)} {sql_type}"
                )
        self._connection.execute(table.delete())

    def _fill(self, months: Sequence[date], lagging: Sequence[date], gone: Sequence[date], new: set[str]) -> None:
        with scratch_folder(self._site, "publish-") as folder:
            for name in each("publish tables", list(self._wanted), "table"):
                wanted, table = self._wanted[name], self._tables[name]
                if name not in new:
                    old = table.delete()
                    self._connection.execute(
                        old.where(table.c[MONTH].in_([*lagging, *gone])) if wanted.has_months else old
                    )
                written = months if name in new else lagging
                if not written and wanted.has_months:
                    continue
                if self._dialect == _POSTGRESQL:
                    postgresql.copy(self._connection, table, self._con, wanted.select(written), folder / "rows.csv")
                else:
                    self._insert(wanted, table, written)

    def _insert(self, wanted: PublishedTable, table: sa.Table, months: Sequence[date]) -> None:
        found = self._con.execute(wanted.select(months))
        names = [column.name for column in wanted.columns]
        is_text = self._dialect == SQLITE
        while batch := found.fetchmany(_ROWS_AT_ONCE):
            rows = [dict(zip(names, (_text_if(is_text, value) for value in row), strict=True)) for row in batch]
            self._connection.execute(table.insert(), rows)

    def _keep_months(self, written: Sequence[Edition], gone: Sequence[date]) -> None:
        now = utc_now()
        others = [*(edition.month for edition in written), *gone]
        self._connection.execute(self._months.delete().where(self._months.c[MONTH].in_(others)))
        rows = [
            {
                MONTH: edition.month, "close_version": edition.version, "content_hash": edition.content_hash,
                "stamp": edition.stamp, "published_at": now,
            }
            for edition in written
        ]  # fmt: skip
        if rows:
            self._connection.execute(self._months.insert(), rows)

    def _finish(self, recorded: Mapping[str, dict[str, Any]], before: Mapping[str, dict[str, Any]]) -> None:
        """Bring comments and rights of the tables up to date, and keep on record which they have."""
        is_postgresql = self._dialect == _POSTGRESQL
        rights = postgresql.rights(self._connection, self._settings) if is_postgresql else {}
        changed = []
        for name, wanted in self._wanted.items():
            comments = [wanted.model.description, *(column.comment for column in wanted.columns)]
            finish = {"comments": stamp_of(comments), **rights}
            if before[name] != finish:
                changed.append({"table_name": name, "shape": json.dumps(wanted.shape), "finish": json.dumps(finish)})
        if changed and is_postgresql:
            postgresql.share(self._connection, self._settings, self._months)
            for name in (str(entry["table_name"]) for entry in changed):
                postgresql.finish(
                    self._connection, self._settings, self._wanted[name], self._tables[name], recorded.get(name, {})
                )
        if changed:
            names = [entry["table_name"] for entry in changed]
            self._connection.execute(self._made.delete().where(self._made.c.table_name.in_(names)))
            self._connection.execute(self._made.insert(), changed)

    def _rows(self, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._connection.execute(query)]


def _text_if(is_text: bool, value: object) -> object:  # noqa: FBT001 - whether the database has no decimals
    return f"{value:f}" if is_text and isinstance(value, Decimal) else value


def _is_of_database(error: Exception, engine: sa.Engine) -> bool:
    """Whether the database or the way to it is at fault, and not our code."""
    from sqlalchemy.exc import SQLAlchemyError

    drivers: Any = engine.dialect.dbapi
    return isinstance(error, SQLAlchemyError | OSError | drivers.Error)


def _begin_as_others_do(engine: sa.Engine) -> None:
    """Python's driver of SQLite leaves changes of tables out of transactions unless it is told when one begins."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
