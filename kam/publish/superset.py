"""The published tables as datasets of Apache Superset: columns, and each measure as a metric that divides sums.

A folder as `superset import-directory` takes it, of the format 1.0.0 that Superset 2 and later read. A dataset keeps its identity, so that
another import updates it and charts stay as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from kam.build import MartColumn, Model, published_tables
from kam.errors import KamError, UsageError
from kam.publish.semantic_model import aggregate, caveats, measures

METADATA = "metadata.yaml"
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


def write_superset(folder: Path, url: str) -> int:
    """Write the database and the datasets into a folder, for the database at this SQLAlchemy URL; how many datasets.

    Raises `UsageError` for a folder with other things in it, or for a URL with a password, which is no matter for a file; `KamError`
    when it cannot be written.
    """
    if urlsplit(url).password:
        message = "the URL has a password, which would be in the file. Leave it out, and give it in Superset (Settings, Database Connections)"
        raise UsageError(message)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / METADATA).is_file():
        message = f"{folder} has other files in it. Name a folder that is empty or new"
        raise UsageError(message)
    files = _files(url)
    try:
        _write(folder, files)
    except OSError as error:
        message = f"{folder}: cannot be written to: {error.strerror}. Name another folder, or make it writable"
        raise KamError(message) from None
    return sum(name.startswith("datasets/") for name in files)


def _write(folder: Path, files: dict[str, Entry]) -> None:
    import yaml

    for name, document in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")
    _drop_others(folder / "datasets" / _DATABASE, {Path(name).name for name in files})


def _drop_others(folder: Path, kept: set[str]) -> None:
    """Datasets of tables that are no more."""
    for file in folder.glob("*.yaml"):
        if file.name not in kept:
            file.unlink()


def _files(url: str) -> dict[str, Entry]:
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
    files: dict[str, Entry] = {
        METADATA: {"version": _VERSION, "type": "assets"},
        f"databases/{_DATABASE}.yaml": database,
    }
    for table in published_tables():
        if not table.is_old_name:
            files[f"datasets/{_DATABASE}/{table.name}.yaml"] = _dataset(table)
    return files


def _dataset(table: Model) -> Entry:
    has_month = any(column.name == _MONTH for column in table.columns)
    return {
        "table_name": table.name,
        "schema": "reporting",
        "main_dttm_col": _MONTH if has_month else None,
        "description": table.description,
        "sql": None,
        "metrics": [_metric(table, column) for column in measures(table)] or [_COUNT],
        "columns": [_column(column) for column in table.columns],
        "uuid": _uuid(f"{_DATABASE}/{table.name}"),
        "database_uuid": _uuid(_DATABASE),
        "version": _VERSION,
    }


_COUNT: Entry = {"metric_name": "row_count", "verbose_name": "Rows", "expression": "COUNT(*)", "d3format": ",d"}


def _metric(table: Model, column: MartColumn) -> Entry:
    """The measure, under the name of its column with `total` before it: Superset wants other names for metrics than for columns."""
    return {
        "metric_name": f"total_{column.name}",
        "verbose_name": column.name.replace("_", " "),
        "expression": aggregate(column),
        "description": column.comment,
        "d3format": _FORMATS[column.format],
        "warning_text": " ".join(caveats(table, column)) or None,
    }


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


def _uuid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://kam-close.invalid/{name}"))
