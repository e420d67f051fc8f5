"""DuckDB's extensions as their packages bring them; nothing is downloaded at run time."""

from __future__ import annotations

import importlib.resources

import duckdb

from kam.errors import KamError
from kam.warehouse.sql import Connection, literal


def load(con: Connection, name: str, extra: str) -> None:
    """Load an extension from its wheel. Raises `KamError` when it is not installed, or not for this version of DuckDB.

    `extra` is the extra of kam-close that has it.
    """
    try:
        package = importlib.resources.files(f"duckdb_extension_{name}")
    except ModuleNotFoundError:
        message = f"the DuckDB extension {name} is not installed. It comes with the extra {extra}: pip install 'kam-close[{extra}]'"
        raise KamError(message) from None
    file = package / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not file.is_file():
        message = f"the DuckDB extension {name} is not of version {duckdb.__version__}, as DuckDB is: pip install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        raise KamError(message)
    con.execute(f"LOAD {literal(str(file))}")
