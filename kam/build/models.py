"""The models in `sql/`: one SELECT a file, its header the contract, run in the order that their references ask for.

A core model becomes the table (or view) `core.<name>`, a mart `build.<name>`. A mart's header lists its columns with
type and meaning; from it follow the casts, the empty table, the column comments and the metric dictionary.
"""

from __future__ import annotations

import graphlib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kam.warehouse import SQL

_REFERENCE = re.compile(r"\b(core|build)\.([a-z_0-9]+)")
_COLUMN = re.compile(r"--\s{3,}(?P<name>[a-z_0-9]+)\s+(?P<type>[A-Z]+(?:\(\d+,\s?\d+\))?)\s+(?P<text>\S.*)")
_UNITS = (
    ("_amount_doc", "document currency"),
    ("_doc", "document currency"),
    ("_amount", "reporting currency"),
    ("_effect", "reporting currency"),
    ("_ratio", "fraction"),
    ("_days", "days"),
    ("_count", "count"),
    ("_quantity", "units of the item"),
    ("_month", "first day of the month"),
    ("_date", "date"),
)


@dataclass(frozen=True)
class MartColumn:
    """A column of a mart: `meaning` says what it is, `formula` how it is computed where that needs saying."""

    name: str
    sql_type: str
    meaning: str
    formula: str

    @property
    def unit(self) -> str:
        """The unit that the name's suffix tells; empty for texts and keys."""
        return next((unit for suffix, unit in _UNITS if self.name.endswith(suffix)), "")

    @property
    def comment(self) -> str:
        """What a BI tool shows beside the column."""
        unit = f" [{self.unit}]" if self.unit else ""
        formula = f" = {self.formula}" if self.formula else ""
        return f"{self.meaning}{unit}{formula}"


@dataclass(frozen=True)
class Model:
    """One file of `sql/core`, `sql/marts`, `sql/controls` or `sql/reporting`; its name is unique among all folders.

    `file` is its path from the repository, such as `sql/core/plan/plan_sales.sql`. `needs` holds groups of alternatives: a mart is built, and a control total compared, when the site has one of each group.
    """

    name: str
    schema: str
    file: str
    sql: str
    why: str
    grain: tuple[str, ...]
    method: str
    needs: tuple[frozenset[str], ...]
    columns: tuple[MartColumn, ...]
    is_view: bool

    @property
    def references(self) -> frozenset[str]:
        """Names of the core tables and candidate marts that the SELECT reads."""
        return frozenset(name for _, name in _REFERENCE.findall(_without_comments(self.sql))) - {self.name}

    @property
    def all_columns(self) -> tuple[MartColumn, ...]:
        """The header's columns and `method`, which the runner adds."""
        return (*self.columns, MartColumn("method", "VARCHAR", "The definition used, with its version", ""))

    @property
    def file_hash(self) -> str:
        """SHA-256 of the file, for a close's manifest."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def missing(self, available: Mapping[str, bool]) -> list[str]:
        """What would have to be there for this mart to have rows; alternatives joined by `or`."""
        return [" or ".join(sorted(group)) for group in self.needs if not any(available[need] for need in group)]


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)


def _read(file: Path, schema: str) -> Model:
    sql = file.read_text(encoding="utf-8").strip().rstrip(";")
    header = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        header.append(line)
    columns = []
    for line in header:
        match = _COLUMN.match(line)
        if match:
            meaning, _, formula = match["text"].partition(" := ")
            columns.append(MartColumn(match["name"], match["type"], meaning.strip(), formula.strip()))
    needs = _field(header, "needs")
    return Model(
        name=file.stem,
        schema=schema,
        file=file.relative_to(SQL.parent).as_posix(),
        sql=sql,
        why=_field(header, "why"),
        grain=tuple(_names(_field(header, "grain"))) if schema != "core" else (),
        method=_field(header, "method"),
        needs=tuple(frozenset(re.findall(r"[a-z_]+", group)) for group in needs.split(",") if group.strip()),
        columns=tuple(columns),
        is_view=_field(header, "materialise") == "view",
    )


def _field(header: Iterable[str], name: str) -> str:
    """The text after `-- name:`, with its continuation lines, which are indented."""
    words: list[str] = []
    for line in header:
        text = line.removeprefix("--")
        if re.match(rf"\s?{name}:", text):
            words.append(text.split(":", 1)[1].strip())
        elif words and text.startswith("  ") and not _COLUMN.match(line):
            words.append(text.strip())
        elif words:
            break
    return " ".join(words)


def _names(text: str) -> list[str]:
    return [name for name in re.split(r"[,\s]+", text) if name]


@cache
def models() -> Mapping[str, Model]:
    """All models by name, each after the ones it reads."""
    found = {
        file.stem: _read(file, schema) for schema in ("core", "marts") for file in sorted((SQL / schema).rglob("*.sql"))
    }
    graph = {name: sorted(model.references & found.keys()) for name, model in sorted(found.items())}
    return {name: found[name] for name in graphlib.TopologicalSorter(graph).static_order()}


def marts() -> list[Model]:
    """The mart models in alphabetical order."""
    return sorted((model for model in models().values() if model.schema == "marts"), key=lambda model: model.name)


@cache
def controls() -> Mapping[str, Model]:
    """The control totals of `sql/controls`, by name."""
    return {file.stem: _read(file, "controls") for file in sorted((SQL / "controls").glob("*.sql"))}


@cache
def run_views() -> Mapping[str, Model]:
    """The views of `sql/reporting` that tell about the runs themselves, by name."""
    return {file.stem: _read(file, "reporting") for file in sorted((SQL / "reporting").glob("*.sql"))}


def models_hash() -> str:
    """Changes when any model or macro changes."""
    digest = hashlib.sha256((SQL / "macros.sql").read_bytes())
    for name, model in sorted(models().items()):
        digest.update(f"{name}\0{model.file_hash}\0".encode())
    return digest.hexdigest()
