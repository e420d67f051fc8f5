"""What PostgreSQL does its own way: bulk copy, a role that only reads, and which login sees which accounts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa
from kam.publish.targets.editions import stamp_of
from kam.publish.targets.tables import PublishedTable
from kam.site import DatabaseTarget
from kam.warehouse import Connection, literal, quoted, sql_text

ACCESS = "account_access"
"""The table that says which login sees the accounts of which manager; the site fills it."""
_POLICY = "kam_accounts"
_CHUNK = 1 << 20
# Milliseconds without a sign of life after which a connection counts as lost.
OPTIONS = {"connect_timeout": 10, "tcp_user_timeout": 60_000, "application_name": "kam-close"}
# Tables without accounts that hold no figure: every login needs them to read the others.
_FOR_ALL = frozenset({"metric_definitions"})


def prepare(connection: sa.Connection, settings: DatabaseTarget) -> list[str]:
    """Take the turn to publish, and make the schema and the role where they are missing; what somebody else should do."""
    # Somebody who holds a table for long stops a publication, not the close.
    _run(connection, "SET LOCAL lock_timeout = '60s'")
    _run(connection, f"SELECT pg_advisory_xact_lock(hashtext({literal('kam-close ' + settings.schema_name)}))")
    if not _has(connection, "pg_namespace", "nspname", settings.schema_name):
        _run(connection, f"CREATE SCHEMA {quoted(settings.schema_name)}")
    if settings.reader is None or _has(connection, "pg_roles", "rolname", settings.reader):
        return []
    if _may_make_roles(connection):
        _run(connection, f"CREATE ROLE {quoted(settings.reader)} NOLOGIN")
        return []
    return [_missing_role(settings.reader)]


def missing_rights(connection: sa.Connection, settings: DatabaseTarget) -> list[str]:
    """What the login may not do and has to."""
    login = _value(connection, "SELECT current_user")
    schema = settings.schema_name
    faults = []
    if not _has(connection, "pg_namespace", "nspname", schema):
        if not _value(connection, "SELECT has_database_privilege(current_database(), 'CREATE')"):
            faults.append(
                f"the login {login} may not make the schema {schema}. An administrator runs: "
                f"CREATE SCHEMA {quoted(schema)} AUTHORIZATION {quoted(login)}"
            )
    elif not _value(connection, f"SELECT has_schema_privilege({literal(schema)}, 'CREATE, USAGE')"):
        faults.append(
            f"the login {login} may not make tables in the schema {schema}. An administrator runs: "
            f"GRANT CREATE, USAGE ON SCHEMA {quoted(schema)} TO {quoted(login)}"
        )
    if (
        settings.reader
        and not _has(connection, "pg_roles", "rolname", settings.reader)
        and not _may_make_roles(connection)
    ):
        faults.append(_missing_role(settings.reader))
    return faults


def copy(connection: sa.Connection, table: sa.Table, con: Connection, select: str, file: Path) -> None:
    """Append the rows of a query of DuckDB to a table, through a file."""
    # PostgreSQL has no texts with the character 0.
    con.execute(
        f"COPY (SELECT replace(COLUMNS(c -> true)::VARCHAR, chr(0), '') FROM ({select})) TO {literal(str(file))} "
        "(FORMAT csv, HEADER false, FORCE_QUOTE *, NULLSTR '')"
    )
    names = ", ".join(quoted(column.name) for column in table.columns)
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {_named(table)} ({names}) FROM STDIN (FORMAT csv, NULL '')") as rows,
        file.open("rb") as stream,
    ):
        while piece := stream.read(_CHUNK):
            rows.write(piece)


def rights(connection: sa.Connection, settings: DatabaseTarget) -> dict[str, Any]:
    """What decides about rights; it is other when something has to be granted or revoked."""
    reader = settings.reader
    is_there = reader is not None and _has(connection, "pg_roles", "rolname", reader)
    functions = stamp_of(sql_text("publish/account_access.sql", schema="")) if settings.row_level_security else ""
    return {"reader": reader if is_there else "", "row_level_security": functions}


def share(connection: sa.Connection, settings: DatabaseTarget, record: sa.Table) -> None:
    """Let readers into the schema and read the record of what is published; make what decides about rows."""
    if settings.row_level_security:
        _run(connection, sql_text("publish/account_access.sql", schema=settings.schema_name))
    if settings.reader and _has(connection, "pg_roles", "rolname", settings.reader):
        _run(connection, f"GRANT USAGE ON SCHEMA {quoted(settings.schema_name)} TO {quoted(settings.reader)}")
        _run(connection, f"GRANT SELECT ON {_named(record)} TO {quoted(settings.reader)}")


def finish(
    connection: sa.Connection, settings: DatabaseTarget, wanted: PublishedTable, table: sa.Table, before: dict[str, Any]
) -> None:
    """Give a table its comments, its rights, and the rule that says who sees which rows."""
    name = _named(table)
    comments = [f"COMMENT ON TABLE {name} IS {literal(wanted.model.description)}"]
    comments += [
        f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {literal(column.comment)}" for column in wanted.columns
    ]
    _run(connection, "; ".join(comments))
    former = before.get("reader")
    if former and former != settings.reader and _has(connection, "pg_roles", "rolname", former):
        _run(connection, f"REVOKE ALL ON {name} FROM {quoted(former)}")
    _run(connection, f"DROP POLICY IF EXISTS {_POLICY} ON {name}")
    if settings.row_level_security:
        _run(connection, f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        _run(connection, f"CREATE POLICY {_POLICY} ON {name} FOR SELECT USING ({_seen(wanted, settings.schema_name)})")
    else:
        _run(connection, f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY")
    if settings.reader and _has(connection, "pg_roles", "rolname", settings.reader):
        _run(connection, f"GRANT SELECT ON {name} TO {quoted(settings.reader)}")


def _seen(wanted: PublishedTable, schema: str) -> str:
    """Which rows a login sees: those of its accounts, and those of its managers that name no account."""
    columns = {column.name for column in wanted.columns}
    manager = next((name for name in ("account_manager", "document_account_manager") if name in columns), None)
    own = f"IN (SELECT {quoted(schema)}.own_managers())"
    seen = [f"(SELECT {quoted(schema)}.sees_all())"]
    if wanted.name in _FOR_ALL or (wanted.model.is_dimension and manager is None):
        return "true"
    if "account_id" in columns:
        seen.append(f"account_id IN (SELECT {quoted(schema)}.own_accounts())")
        if manager:
            seen.append(f"(account_id IS NULL AND {manager} {own})")
    elif manager:
        seen.append(f"{manager} {own}")
    return " OR ".join(seen)


def _missing_role(reader: str) -> str:
    return f"there is no role {reader}, and the login may not make one. An administrator runs: CREATE ROLE {quoted(reader)} NOLOGIN; then publish again"


def _may_make_roles(connection: sa.Connection) -> bool:
    return bool(_value(connection, "SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"))


def _has(connection: sa.Connection, catalog: str, column: str, name: str) -> bool:
    return bool(_value(connection, f"SELECT count(*) FROM pg_catalog.{catalog} WHERE {column} = {literal(name)}"))


def _named(table: sa.Table) -> str:
    return f"{quoted(str(table.schema))}.{quoted(table.name)}"


def _run(connection: sa.Connection, sql: str) -> None:
    # Without parameters several statements may go together, and % means itself.
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def _value(connection: sa.Connection, sql: str) -> Any:  # noqa: ANN401 - of any type
    return connection.exec_driver_sql(sql, execution_options={"no_parameters": True}).scalar_one()
