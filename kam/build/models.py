"""The models in `sql/`: one SELECT per file with its header as the contract, run in the order of their references.

A core model becomes the table (or view) `core.<name>`, a mart `build.<name>`. A core model's header lists the names and types
of its columns, and its SELECT must give just these. A mart's says more about them (`kam.build.columns`); from it follow the
casts, the empty table, the column comments and the metric dictionary.
"""

from __future__ import annotations

import graphlib
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

from kam.build.columns import MartColumn, read_columns, vocabulary
from kam.build.detail import Detail, faults, read_details
from kam.errors import KamError
from kam.site import FEEDS
from kam.warehouse import FEEDS_IN_VIEW, SQL

_COLUMNS = re.compile(r"--\s*columns:\s*")
_REFERENCE = re.compile(r"\b(?:core|build)\.[a-z_0-9]+")


@dataclass(frozen=True)
class Model:
    """One file of `sql/core`, `sql/marts`, `sql/controls` or `sql/reporting`.

    Its name is unique in its schema. A mart may be called like the core table or feed that it publishes. `file` is its path from the repository, such as `sql/core/plan/plan_sales.sql`. `needs` holds groups of alternatives: a
    mart is built, and a control total compared, when the site has one of each group. `adds_up_within` are the columns that
    a sum must not mix: rows of several levels count the same thing again. `renamed` maps former column names to new ones,
    `when_read` columns that are not stored to the SQL that gives their value when it is published. `level_of` names the mart
    of which it shows the rows of one `level` (`kam.build.levels`); the mart's own name is then an old name. A model that
    `is_of_measures` is a template over the measures that targets name (`kam.build.measures`); `reads_too` are then the marts that have some.
    `details` are the lines behind its figures (`kam.build.detail`).
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
    adds_up_within: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    when_read: Mapping[str, str] = field(default_factory=dict)
    level_of: str = ""
    level: str = ""
    is_old_name: bool = False
    is_of_measures: bool = False
    reads_too: frozenset[str] = frozenset()
    details: tuple[Detail, ...] = ()

    @property
    def relation(self) -> str:
        """Where a build puts its rows: `core.<name>`, of a mart `build.<name>`."""
        return f"{'core' if self.schema == 'core' else 'build'}.{self.name}"

    @cached_property
    def references(self) -> frozenset[str]:
        """The relations that the SELECT reads, such as `core.sales`, through a view across feeds too."""
        read = set(_REFERENCE.findall(_without_comments(self.sql)))
        in_views = {f"core.{feed}" for view, feeds in FEEDS_IN_VIEW.items() if f"core.{view}" in read for feed in feeds}
        return frozenset(read | in_views | self.reads_too) - {self.relation}

    @property
    def is_dimension(self) -> bool:
        """Whether it lists things as known at the close, and has no figures: it lies in a folder `dimensions`."""
        return Path(self.file).parent.name == "dimensions"

    @property
    def all_columns(self) -> tuple[MartColumn, ...]:
        """The header's columns and `method`, which the runner adds."""
        return (*self.columns, vocabulary().columns["method"])

    @property
    def description(self) -> str:
        """What the table is for, and which of its rows must not be added up."""
        within = " and ".join(f"one {name}" for name in self.adds_up_within)
        return f"{self.why.rstrip('.')}. Add up rows of {within} only." if within else self.why

    @property
    def file_hash(self) -> str:
        """SHA-256 of the file, for a close's manifest."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def missing(self, available: Mapping[str, bool]) -> list[str]:
        """What this mart needs and the site lacks; alternatives joined by `or`."""
        return [" or ".join(sorted(group)) for group in self.needs if not any(available[need] for need in group)]


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)


def _read(file: Path, schema: str) -> Model:
    sql = file.read_text(encoding="utf-8").strip().rstrip(";")
    header = []
    for line in sql.splitlines():
        if not line.startswith("--") or line == "-- fmt: on":
            break
        if line != "-- fmt: off":
            header.append(line)
    path = file.relative_to(SQL.parent).as_posix()
    start = next((number for number, line in enumerate(header) if _COLUMNS.fullmatch(line)), len(header))
    declared = [line.removeprefix("--") for line in header[start + 1 :]]
    header = header[:start]
    needs = _field(header, "needs")
    return Model(
        name=file.stem,
        schema=schema,
        file=path,
        sql=sql,
        why=_field(header, "why"),
        grain=tuple(_names(_field(header, "grain"))) if schema != "core" else (),
        method=_field(header, "method"),
        needs=tuple(frozenset(re.findall(r"[a-z_]+", group)) for group in needs.split(",") if group.strip()),
        columns=read_columns(declared, path) if schema in ("marts", "reporting") else _core_columns(declared),
        is_view=_field(header, "materialise") == "view",
        adds_up_within=tuple(_names(_field(header, "adds up within one"))),
        renamed=dict(re.findall(r"(\w+) to (\w+)", _field(header, "renamed"))),
        when_read=dict(re.findall(r"(\w+) = (.+)", _field(header, "when read"))),
        is_of_measures=_field(header, "template") == "wanted measures",
        details=read_details(_field(header, "lines"), path),
    )


def _core_columns(lines: Iterable[str]) -> tuple[MartColumn, ...]:
    """Of each line its first word, the name; the rest is the type as DuckDB writes it."""
    words = (line.strip().partition(" ") for line in lines)
    return tuple(MartColumn(name, sql_type.strip()) for name, _, sql_type in words)


def _field(header: Iterable[str], name: str) -> str:
    """The text after `-- name:`, with its continuation lines, which are indented."""
    words: list[str] = []
    for line in header:
        text = line.removeprefix("--")
        if re.match(rf"\s?{name}:", text):
            words.append(text.split(":", 1)[1].strip())
        elif words and text.startswith("  "):
            words.append(text.strip())
        elif words:
            break
    return " ".join(words)


def _names(text: str) -> list[str]:
    return [name for name in re.split(r"[,\s]+", text) if name]


@cache
def models() -> Mapping[str, Model]:
    """All models by their relation (`core.sales`, `build.sales_bridge`), each after the ones it reads."""
    read = [_read(file, schema) for schema in ("core", "marts") for file in sorted((SQL / schema).rglob("*.sql"))]
    found = {model.relation: _with_measures(model, read) for model in read}
    _require_sound_details(found)
    graph = {name: sorted(model.references & found.keys()) for name, model in sorted(found.items())}
    return {name: found[name] for name in graphlib.TopologicalSorter(graph).static_order()}


def _require_sound_details(found: Mapping[str, Model]) -> None:
    """Raise `KamError` for a mart that does not say which lines are behind its figures, and for lines that cannot be found."""
    columns_of = {f"core.{feed.name}": {*feed.column_names, "load_id", "source_row"} for feed in FEEDS.values()}
    columns_of |= {name: {column.name for column in model.columns} for name, model in found.items()}
    for name, model in found.items():
        wrong = faults(model.details, columns_of[name], columns_of)
        if model.schema == "marts" and not model.details:
            wrong = ["the header does not say which; write them, or: none because …"]
        if wrong:
            message = f"{model.file}: lines: {wrong[0]}"
            raise KamError(message)


def _with_measures(model: Model, read: Collection[Model]) -> Model:
    """A template over measures reads every mart that has some; those that show measures, directly or through others, have none."""
    if not model.is_of_measures:
        return model
    readers = {model.relation, "build.measures"}
    while found := {other.relation for other in read if other.references & readers} - readers:
        readers |= found
    measured = {mart.relation for mart in read if mart.schema == "marts" and not mart.is_dimension}
    return replace(model, reads_too=frozenset(measured - readers))


def marts() -> list[Model]:
    """The mart models in alphabetical order."""
    return sorted((model for model in models().values() if model.schema == "marts"), key=lambda model: model.name)


def read_by(relations: Iterable[str], lacking: Collection[str] = ()) -> set[str]:
    """These relations and all that they read, directly or through others, down to feeds and settings; without those that are lacking."""
    known, queue, found = models(), list(relations), set[str]()
    while queue:
        name = queue.pop()
        if name not in found and name not in lacking:
            found.add(name)
            queue.extend(known[name].references if name in known else ())
    return found


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
