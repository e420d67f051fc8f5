"""Running the models: core models become `core.<name>`, marts `build.<name>`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from kam.build.measures import wanted_measures
from kam.build.models import Model, marts, models, read_by
from kam.build.suspects import suspect
from kam.errors import KamError, ModelFailedError, OutOfMemoryError, is_of_storage, out_of_memory
from kam.site import Settings
from kam.stages import each
from kam.timing import step
from kam.warehouse import SQL, Connection, add_statistics, catalog, literal, sql_text, transaction


def prepare_marts(con: Connection) -> None:
    """Make the table `marts.<name>` of each mart; rename, add and widen columns as its header did since.

    Closed versions keep the values of a renamed column.
    """
    changes = mart_changes(con)
    # A commit to a lake costs more than the table. Changes of a table go by themselves: not every store takes several of one at once.
    new = [statement for statement in changes if statement.startswith("CREATE")]
    if new:
        with transaction(con):
            for statement in new:
                con.execute(statement)
            add_statistics(con, [statement.split()[2] for statement in new])
    for statement in changes:
        if statement not in new:
            con.execute(statement)


def mart_changes(con: Connection) -> list[str]:
    """The statements that `prepare_marts` has left to run; none in a warehouse that this release prepared."""
    found = con.execute(
        "SELECT table_name, map(list(column_name), list(data_type)) FROM duckdb_columns() "
        f"WHERE database_name = {literal(catalog(con))} AND schema_name = 'marts' GROUP BY table_name"
    )
    columns_of: dict[str, dict[str, str]] = dict(found.fetchall())
    statements: list[str] = []
    for mart in marts():
        wanted = [("close_version", "BIGINT"), *((column.name, column.sql_type) for column in mart.all_columns)]
        existing = columns_of.get(mart.name)
        if not existing:
            columns = ", ".join(f"{name} {sql_type}" for name, sql_type in wanted)
            statements.append(f"CREATE TABLE marts.{mart.name} ({columns})")
            continue
        for former, name in mart.renamed.items():
            if former in existing and name not in existing:
                statements.append(f"ALTER TABLE marts.{mart.name} RENAME COLUMN {former} TO {name}")
                existing[name] = existing.pop(former)
        statements += [
            f"ALTER TABLE marts.{mart.name} ADD COLUMN {name} {sql_type}"
            for name, sql_type in wanted
            if name not in existing
        ]
        statements += [
            f"ALTER TABLE marts.{mart.name} ALTER {name} TYPE {sql_type}"
            for name, sql_type in wanted
            if existing.get(name, sql_type) != sql_type
        ]
    return statements


def run_models(con: Connection, available: Mapping[str, bool]) -> dict[str, int]:
    """Build every mart for the months in `build.periods`; rows by mart.

    `available` says which feeds the site has (`Settings.available`). A mart that lacks what it needs becomes an empty table. Core models that only such marts read are left
    out, and so are those that `make_ahead` made for these months. Raises `ModelFailedError` naming the model when a SELECT fails or a mart's grain is not unique (`OutOfMemoryError` when it lacks memory), and `KamError` when a
    core model's columns are not those of its header.
    """
    wanted = _needed(available) - {relation for (relation,) in con.execute("FROM build.made_ahead").fetchall()}
    counts: dict[str, int] = {}
    for model in each("build", tuple(models().values()), "model", name=lambda model: model.name):
        count: int | None = 0
        if model.relation in wanted:
            with step("model", model.relation) as now:
                count = materialise(con, model.relation) if model.schema == "core" else _build_mart(con, model)
                now.row_count = count
        elif model.schema != "core":
            columns = ", ".join(f"{column.name} {column.sql_type}" for column in model.all_columns)
            con.execute(f"CREATE OR REPLACE TABLE {model.relation} ({columns})")
        if model.schema != "core":
            counts[model.name] = count or 0
    return counts


def make_ahead(con: Connection, names: Sequence[str]) -> None:
    """Make the core models that the suites of the feeds read, in this order; the build of the same months takes them as they are."""
    for name in names:
        materialise(con, f"core.{name}")
    relations = ", ".join(literal(f"core.{name}") for name in names)
    con.execute(f"CREATE OR REPLACE TABLE build.made_ahead AS SELECT unnest([{relations}]) AS relation")


def why_empty(settings: Settings) -> dict[str, str]:
    """Why marts are empty at this site, by mart: which feed is not declared."""
    missing = {mart.name: mart.missing(settings.available) for mart in marts()}
    return {name: settings.why_missing(needs[0]) for name, needs in missing.items() if needs}


def run_mart(con: Connection, mart: Model) -> None:
    """Build one mart for the months in `build.periods`, from the calendar that is there. Raises as `run_models` does."""
    wanted = read_by([mart.relation]) - {"core.months", "core.days"}
    for model in (model for model in models().values() if model.relation in wanted):
        if model.schema == "core":
            materialise(con, model.relation)
        else:
            _build_mart(con, model)


def _needed(available: Mapping[str, bool]) -> set[str]:
    """Relations of the marts to build and of all that they read; the calendar and rates are always there for the checks."""
    lacking = {model.relation for model in marts() if model.missing(available)}
    wanted = [model.relation for model in marts() if model.relation not in lacking]
    wanted += [f"core.{name}" for name in ("months", "days", "daily_rates", "month_rates", "sales", "actual_sales")]
    return read_by(wanted, lacking)


def materialise(con: Connection, relation: str) -> int | None:
    """Build one core model now, such as `core.months`; its rows, None for a view. The models it reads must be there."""
    model = models()[relation]
    kind = "VIEW" if model.is_view else "TABLE"
    sql = _of_measures(con, model) if model.is_of_measures else model.sql
    count = _run(con, f"CREATE OR REPLACE {kind} {relation} AS {sql}", model)
    _require_columns(con, model)
    return count


def _of_measures(con: Connection, model: Model) -> str:
    return sql_text(model.file.removeprefix(f"{SQL.name}/"), measures=wanted_measures(con))


def _require_columns(con: Connection, model: Model) -> None:
    """Nothing is cast: a type that differs from the header's may have lost digits already."""
    wanted = [f"{column.name} {column.sql_type}" for column in model.columns]
    given = [f"{name} {sql_type}" for name, sql_type in _columns_of(con, model)]
    if given != wanted:
        lacking = [column for column in wanted if column not in given]
        unlisted = [column for column in given if column not in wanted]
        faults = [f"the SELECT lacks {', '.join(lacking)}"] if lacking else []
        faults += [f"the header lacks {', '.join(unlisted)}"] if unlisted else []
        what = "; ".join(faults) or "the SELECT has the columns of the header in another order"
        message = f"{model.file}: {what}. The model is wrong; nothing was published"
        raise KamError(message)


def _columns_of(con: Connection, model: Model) -> Iterable[tuple[str, object]]:
    """Names and types of a core model that was made."""
    if model.is_view:
        return (tuple(row[:2]) for row in con.execute(f"DESCRIBE {model.relation}").fetchall())
    made = con.table(model.relation)  # a fifteenth of the time of DESCRIBE, and not to be had for a view
    return zip(made.columns, made.types, strict=True)


def _build_mart(con: Connection, model: Model) -> int | None:
    """Build one mart; its rows."""
    casts = ", ".join(f"CAST({column.name} AS {column.sql_type}) AS {column.name}" for column in model.columns)
    keys = ", ".join(model.grain)
    count = _run(
        con,
        f"CREATE OR REPLACE TABLE {model.relation} AS "
        f"SELECT {casts}, {literal(model.method)} AS method FROM (\n{model.sql}\n) ORDER BY {keys}",
        model,
    )
    doubled = con.execute(
        f"SELECT {keys}, count(*) FROM {model.relation} GROUP BY ALL HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if doubled:
        key = ", ".join(f"{name} {value}" for name, value in zip(model.grain, doubled, strict=False))
        message = f"{model.file}: {doubled[-1]} rows for one key ({key}). The model is wrong; nothing was published"
        raise ModelFailedError(message)
    return count


def _run(con: Connection, sql: str, model: Model) -> int | None:
    """Run the statement of a model; how many rows its table has now, None for a view."""
    try:
        made = con.execute(sql).fetchone()
    except duckdb.Error as error:
        if is_of_storage(error):
            raise
        if out_of_memory(error):
            message = f"{model.file}: {out_of_memory(error)}"
            raise OutOfMemoryError(message) from error
        reason = str(error).splitlines()[0]
        message = f"{model.file}: {reason}{suspect(con, model, reason)}"
        raise ModelFailedError(message) from error
    return int(made[0]) if made else None
