"""Published tables of one grain each, where a mart stores several levels.

`sql/levels.toml` lists them. The store keeps the levels of a mart in one table, so that closed versions and their hashes stay; what
is published is a table per level. The mart's own name stays for one release.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from kam.build.columns import MartColumn, vocabulary
from kam.build.models import Model, marts, models, run_views
from kam.warehouse import SQL

LEVELS = SQL / "levels.toml"
_LEVEL = "level"


@dataclass(frozen=True)
class _Entry:
    """A table of `sql/levels.toml`, as that file explains."""

    of: str
    level: str
    why: str
    grain: tuple[str, ...]
    without: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    means: Mapping[str, str] = field(default_factory=dict)


@cache
def level_tables() -> Mapping[str, Model]:
    """The tables that show one level of a mart, by name."""
    document = tomllib.loads(LEVELS.read_text(encoding="utf-8"))
    return {name: _table(name, _Entry(**entry)) for name, entry in document.items()}


def published_tables() -> list[Model]:
    """All tables of `reporting`, in alphabetical order, and after them those about the runs. Names of mixed levels say that they are old."""
    tables = [*(_marked(mart) for mart in marts()), *level_tables().values()]
    return [*sorted(tables, key=lambda table: table.name), *run_views().values()]


def _table(name: str, entry: _Entry) -> Model:
    mart = models()[f"build.{entry.of}"]
    absent = {_LEVEL, *entry.without, *(f"{column}_reason" for column in entry.without)}
    return replace(
        mart,
        name=name,
        why=entry.why,
        grain=tuple(entry.grain),
        columns=tuple(_column(column, entry) for column in mart.columns if column.name not in absent),
        adds_up_within=tuple(column for column in mart.adds_up_within if column != _LEVEL),
        renamed={},
        when_read={new: f"mart.{stored}" for stored, new in entry.named.items()},
        level_of=mart.name,
        level=entry.level,
    )


def _column(column: MartColumn, entry: _Entry) -> MartColumn:
    """The mart's column under its name here. What a text says at all levels is more than it says at one."""
    name = entry.named.get(column.name, column.name)
    shared = vocabulary().columns.get(name)
    meaning = shared.meaning if shared and column.sql_type == "VARCHAR" else column.meaning
    return replace(column, name=name, meaning=entry.means.get(name, meaning))


def _marked(mart: Model) -> Model:
    instead = [table.name for table in level_tables().values() if table.level_of == mart.name]
    if not instead:
        return mart
    why = f"Old name, kept for one release: read {', '.join(instead)}, which have one grain each. {mart.why}"
    return replace(mart, why=why, is_old_name=True)
