"""The published tables as datasets of Apache Superset: columns, and each measure as a metric that divides sums; and six dashboards.

A folder as `superset import-directory` takes it, of the format 1.0.0 that Superset 2 and later read. Datasets are made from the tables.
Charts and dashboards are files of `dashboards/superset/`, as Superset writes them, and are copied. All keep their identity, so that another
import updates them, and a site's own charts stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from kam.build import MartColumn, Model, published_tables
from kam.errors import KamError, UsageError
from kam.publish.semantic_model import aggregate, caveats, measures
from kam.warehouse import quoted

METADATA = "metadata.yaml"
SCHEMA = "reporting"
DASHBOARDS = Path(__file__).resolve().parents[2] / "dashboards" / "superset"
_VERSION = "1.0.0"
_DATABASE = "kam_close"
_MONTH = "period_month"
# The number formats of Superset (d3-format) for those of the columns.
_FORMATS = {"0.0%": ".1%", "0": "d", "#,##0": ",d", "#,##0.00": ",.2f"}
# DuckDB as a server of reports needs it: nobody reads other files through it, or changes that.
_READ_ONLY = "access_mode=read_only&enable_external_access=false&lock_configuration=true"

Entry = dict[str, Any]


def file_url(published: Path) -> str:
    """The SQLAlchemy URL of a published file, for reading only."""
    return f"duckdb:///{published.absolute()}?{_READ_ONLY}"


@dataclass(frozen=True)
class Written:
    """How much was written."""

    datasets: int
    charts: int
    dashboards: int


def write_superset(folder: Path, url: str, *, schema: str = SCHEMA, currency: str | None = None) -> Written:
    """Write the database, the datasets, the charts and the dashboards into a folder, for the tables in a schema at this SQLAlchemy URL.

    Metrics in the reporting currency show the `currency`. Raises `UsageError` for a folder with other things in it, or for a URL with a
    password, which is no matter for a file; `KamError` when the folder cannot be written.
    """
    if urlsplit(url).password:
        message = "the URL has a password, which would be in the file. Leave it out, and give it in Superset (Settings, Database Connections)"
        raise UsageError(message)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / METADATA).is_file():
        message = f"{folder} has other files in it. Name a folder that is empty or new"
        raise UsageError(message)
    files = _as_yaml(_files(url, schema, currency)) | _kept()
    try:
        _write(folder, files)
    except OSError as error:
        message = f"{folder}: cannot be written to: {error.strerror}. Name another folder, or make it writable"
        raise KamError(message) from None
    kinds = [name.split("/")[0] for name in files]
    return Written(*(kinds.count(kind) for kind in ("datasets", "charts", "dashboards")))


def _as_yaml(documents: dict[str, Entry]) -> dict[str, str]:
    import yaml

    # The one written in C is ten times faster, and not everywhere.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return {
        name: yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=120)
        for name, document in documents.items()
    }


def _kept() -> dict[str, str]:
    """The files of charts and dashboards."""
    return {
        file.relative_to(DASHBOARDS).as_posix(): file.read_text(encoding="utf-8")
        for kind in ("charts", "dashboards")
        for file in sorted((DASHBOARDS / kind).rglob("*.yaml"))
    }


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for kind in (f"datasets/{_DATABASE}", "charts", "dashboards"):  # of tables, charts and dashboards that are no more
        for file in (folder / kind).rglob("*.yaml"):
            if file.relative_to(folder).as_posix() not in files:
                file.unlink()


def _files(url: str, schema: str, currency: str | None) -> dict[str, Entry]:
    database = {
        "database_name": "kam-close",
        "sqlalchemy_uri": url,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "extra": {"allows_virtual_table_explore": True},
        "uuid": _uuid(_DATABASE),
        "version": _VERSION,
    }
    tables = [table for table in published_tables() if not table.is_old_name]
    datasets = [_dataset(table, schema, currency) for table in tables] + [
        _bridge(bridge, schema, currency) for bridge in _BRIDGES
    ]
    return {
        METADATA: {"version": _VERSION, "type": "assets"},
        f"databases/{_DATABASE}.yaml": database,
        **{f"datasets/{_DATABASE}/{dataset['table_name']}.yaml": dataset for dataset in datasets},
    }


def _dataset(table: Model, schema: str, currency: str | None) -> Entry:
    names = {column.name for column in table.columns}
    metrics = [_metric(table, column, currency) for column in measures(table)]
    return {
        "table_name": table.name,
        "schema": schema,
        "main_dttm_col": _MONTH if _MONTH in names else None,
        "description": table.description,
        "sql": None,
        "metrics": [*(metrics or [_COUNT]), *([_NEWEST_SUBMISSION] if "plan_submitted_at" in names else [])],
        "columns": [*map(_column, table.columns), *_computed(names)],
        "uuid": _uuid(f"{_DATABASE}/{table.name}"),
        "database_uuid": _uuid(_DATABASE),
        "version": _VERSION,
    }


_COUNT: Entry = {"metric_name": "row_count", "verbose_name": "Rows", "expression": "COUNT(*)", "d3format": ",d"}
# What the filter of plans is sorted by.
_NEWEST_SUBMISSION: Entry = {
    "metric_name": "newest_submission",
    "verbose_name": "newest submission",
    "expression": "COALESCE(MAX(plan_submitted_at), TIMESTAMP '1900-01-01 00:00:00')",
}
# What filters show: a month without a day, and an account by its name, with its id since two may share a name.
_COMPUTED = {
    "month": ({_MONTH}, f"SUBSTR(CAST({_MONTH} AS VARCHAR), 1, 7)", "Month, as 2026-10"),
    "account": (
        {"account_id", "account_name"},
        "COALESCE(account_name || ' (' || account_id || ')', account_id)",
        "Name and id of the account",
    ),
}


def _computed(names: set[str]) -> list[Entry]:
    return [
        _text_column(name, meaning) | {"expression": expression}
        for name, (needed, expression, meaning) in _COMPUTED.items()
        if needed <= names
    ]


@dataclass(frozen=True)
class _Steps:
    """A bridge of sales as steps, one row each, since a waterfall of Superset wants rows."""

    name: str
    table: str
    base: str
    """What the first step is called."""
    where: str
    keys: tuple[str, ...]
    effects: tuple[str, ...]
    meaning: str


_KEYS = (_MONTH, "account_id", "account_name", "account_manager")
_EFFECTS = ("volume", "mix", "price", "fx", "new", "lost", "adjustment")
_BRIDGES = (
    _Steps(
        "plan_bridge", "sales_plan_summary_by_account", "Plan", "", (*_KEYS, "plan_version"), (*_EFFECTS, "rounding"),
        "Steps from planned to actual sales, by account. Filter by one plan_version.",
    ),
    _Steps(
        "year_bridge", "sales_bridge", "A year ago", " WHERE plan_version = 'prior year'", _KEYS, _EFFECTS,
        "Steps from the sales of the same month a year ago to actual sales, by account and product.",
    ),
)  # fmt: skip
_EFFECT_NAMES = {"fx": "Exchange rates", "new": "New", "lost": "Lost", "adjustment": "Adjustments"}


def _bridge(bridge: _Steps, schema: str, currency: str | None) -> Entry:
    """A dataset of one step per row; what the table does not split is the last step, so the sum is always that of actual sales."""
    split = " - ".join(f"COALESCE({effect}_effect, 0)" for effect in bridge.effects)
    steps = [
        (bridge.base, "plan_amount"),
        *((_EFFECT_NAMES.get(effect, effect.capitalize()), f"{effect}_effect") for effect in bridge.effects),
        ("Not split", f"variance_amount - {split}"),
    ]
    source = f"FROM {quoted(schema)}.{bridge.table}{bridge.where}"
    sql = "\nUNION ALL ".join(
        f"SELECT {', '.join(bridge.keys)}, '{number:02} {name}' AS step, {amount} AS amount {source}"
        for number, (name, amount) in enumerate(steps, start=1)
    )
    columns = [
        _text_column(name, "") | ({"type": "DATE", "is_dttm": True} if name == _MONTH else {})
        for name in (*bridge.keys, "step")
    ]
    amount = _in_currency(
        {"metric_name": "total_amount", "verbose_name": "amount", "expression": "SUM(amount)", "d3format": ",.2f"},
        currency,
    )
    return {
        "table_name": bridge.name,
        "schema": schema,
        "main_dttm_col": _MONTH,
        "description": bridge.meaning,
        "sql": sql,
        "metrics": [amount],
        "columns": [*columns, *_computed(set(bridge.keys))],
        "uuid": _uuid(f"{_DATABASE}/{bridge.name}"),
        "database_uuid": _uuid(_DATABASE),
        "version": _VERSION,
    }


def _metric(table: Model, column: MartColumn, currency: str | None) -> Entry:
    """The measure, under the name of its column with `total` before it: Superset wants other names for metrics than for columns."""
    metric = {
        "metric_name": f"total_{column.name}",
        "verbose_name": column.name.replace("_", " "),
        "expression": aggregate(column),
        "description": column.comment,
        "d3format": _FORMATS[column.format],
        "warning_text": " ".join(caveats(table, column)) or None,
    }
    return _in_currency(metric, currency if column.unit == "reporting currency" else None)


def _in_currency(metric: Entry, currency: str | None) -> Entry:
    return metric | ({"currency": {"symbol": currency, "symbolPosition": "suffix"}} if currency else {})


def _column(column: MartColumn) -> Entry:
    return {
        "column_name": column.name,
        "verbose_name": column.name.replace("_", " "),
        "type": column.sql_type,
        "is_dttm": column.sql_type in ("DATE", "TIMESTAMP"),
        "groupby": not column.is_numeric,
        "filterable": True,
        "description": column.comment,
    }


def _text_column(name: str, meaning: str) -> Entry:
    return {
        "column_name": name,
        "verbose_name": name.replace("_", " "),
        "type": "VARCHAR",
        "is_dttm": False,
        "groupby": True,
        "filterable": True,
        "description": meaning,
    }


def _uuid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://kam-close.invalid/{name}"))
