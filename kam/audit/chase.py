"""The rows behind figures, from one relation to the next, down to rows of feeds with their load, file and record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kam.audit.past import Past
from kam.build import Detail, Model, details_for, models, read_by, shown
from kam.ingest import places_of
from kam.site import FEEDS, Feed
from kam.warehouse import literal, number_of, rows

BRINGS = "brings_"
# Master data and rates: a key of theirs in a row does not mean that the row came from there.
_BACKGROUND = frozenset({"accounts", "products", "calendar", "fx_rates"})
_SHOWN_VALUES = 6


@dataclass(frozen=True)
class Source:
    """A row of a feed: its key and values, the load that brought it, the file (or database), and where it stands in there.

    `place` is a line or a sheet's row where the format has these, else the number of the record. `corrections` say what
    `corrections.toml` makes of the row.
    """

    feed: str
    key: str
    load_id: int
    file: str
    place: str
    values: Mapping[str, object]
    corrections: Sequence[str] = ()


@dataclass
class Sources:
    """The rows of feeds behind a figure, in the temporary table `sources`; `notes` say what could not be followed."""

    known: Past
    notes: list[str] = field(default_factory=list)
    tables: int = 0

    def __post_init__(self) -> None:
        """Make the table."""
        self.known.con.execute(
            "CREATE OR REPLACE TEMP TABLE sources (feed VARCHAR, load_id BIGINT, source_row BIGINT, line VARCHAR)"
        )

    def add(self, feed: str, table: str) -> None:
        """Add the rows of a feed that a table holds."""
        self.known.con.execute(
            f"INSERT INTO sources BY NAME SELECT {literal(feed)} AS feed, load_id, source_row, to_json(line)::VARCHAR AS line "
            f"FROM (FROM {table}) AS line"
        )

    def new_table(self) -> str:
        """A name for the next table of lines."""
        self.tables += 1
        return f"behind_{self.tables}"

    def count(self) -> int:
        """How many rows of feeds there are."""
        return number_of(self.known.con, "SELECT count(*) FROM (SELECT DISTINCT * FROM sources)")

    def first(self, limit: int) -> list[Source]:
        """The first of them, by feed, load and record."""
        found = rows(
            self.known.con,
            "SELECT DISTINCT sources.*, loads.source, loads.files, loads.reading FROM sources "
            f"LEFT JOIN kept.ops.loads AS loads USING (load_id) ORDER BY feed, load_id, source_row, line LIMIT {limit}",
        )
        where = self._places(found)
        corrected = self._corrections() if found else {}
        return [_source(row, where, corrected) for row in found]

    def _places(self, found: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int], str]:
        """Where records stand in their files, by load and record."""
        by_load: dict[int, list[Mapping[str, Any]]] = {}
        for row in found:
            by_load.setdefault(row["load_id"], []).append(row)
        known: dict[tuple[int, int], str] = {}
        for load_id, of_load in by_load.items():
            numbers = [row["source_row"] for row in of_load]
            said = places_of(self.known.site, of_load[0]["files"], of_load[0]["reading"], numbers)
            known |= {(load_id, number): place for number, place in said.items()}
        return known

    def _corrections(self) -> dict[tuple[str, str], list[str]]:
        """By feed and key, what corrections make of a row."""
        found: dict[tuple[str, str], list[str]] = {}
        for row in rows(self.known.con, "FROM core.corrections WHERE state = 'applied'"):
            said = f"{row['column_name']} {_or_empty(row['wrong_value'])} → {_or_empty(row['right_value'])}: {row['reason']}"
            key = json.dumps(
                {name: str(value) for name, value in json.loads(row["key_values"]).items()}, sort_keys=True
            )
            found.setdefault((row["feed"], key), []).append(said)
        return found


def _or_empty(value: object) -> str:
    return "empty" if value is None else str(value)


def _source(
    row: Mapping[str, Any], where: Mapping[tuple[int, int], str], corrected: Mapping[tuple[str, str], list[str]]
) -> Source:
    feed = FEEDS[row["feed"]]
    line = json.loads(row["line"])
    key = json.dumps({name: str(line[name]) for name in feed.key}, sort_keys=True)
    return Source(
        feed=feed.name,
        key=", ".join(f"{name} {line[name]}" for name in feed.key if line[name] is not None),
        load_id=row["load_id"],
        file=row["source"] or "",
        place=where.get((row["load_id"], row["source_row"]), f"record {row['source_row']}"),
        values={name: line[name] for name in feed.column_names if line[name] is not None},
        corrections=corrected.get((feed.name, key), ()),
    )


def said(source: Source) -> str:
    """The dates and numbers of a row, the first of them, for people."""
    feed = FEEDS[source.feed]
    wanted = [
        column.name
        for column in feed.columns
        if column.name in source.values
        and column.name not in feed.key
        and (column.name in feed.date_columns or column.sql_type.startswith("DECIMAL") or column.name.endswith("_type"))
    ]
    return ", ".join(f"{name} {shown(source.values[name])}" for name in wanted[:_SHOWN_VALUES])


@dataclass(frozen=True)
class Lines:
    """The rows of one relation behind the figure: all of them counted, the first of them listed, those that bring most first.

    `counting` of them bring something to a measure of `brings`; None where none is added up. What a row brings to a measure is in its
    column `brings_<measure>`.
    """

    relation: str
    why: str
    keys: Sequence[str]
    brings: Sequence[str]
    count: int
    counting: int | None
    rows: Sequence[Mapping[str, object]]

    @property
    def is_feed(self) -> bool:
        """Whether they are rows of a feed."""
        return self.relation.removeprefix("core.") in FEEDS


def listed(known: Past, detail: Detail, table: str, measures: Sequence[str], limit: int) -> Lines:
    """The first lines of a table of lines, those that bring most to the measures first."""
    numbers = [f"coalesce(abs({BRINGS}{measure}::DOUBLE), 0)" for measure in measures]
    order = ", ".join([*(f"{number} DESC" for number in numbers), "line::VARCHAR"])
    counting = f"count(*) FILTER (WHERE {' + '.join(numbers)} > 0)" if numbers else "NULL"
    count, bringing = known.con.execute(f"SELECT count(*), {counting} FROM {table}").fetchall()[0]
    model = models().get(detail.relation)
    feed = FEEDS.get(detail.relation.removeprefix("core."))
    return Lines(
        detail.relation,
        model.why if model else "",
        [line for line, _ in detail.keys],
        measures,
        count,
        bringing,
        rows(known.con, f"FROM {table} AS line ORDER BY {order} LIMIT {limit}") if not feed or measures else (),
    )


def lines_behind(known: Past, detail: Detail, figures: str, into: str, brought: Mapping[str, str]) -> None:
    """Make the table `into`: the lines of an entry that are behind the rows of `figures`, and what each brings to measures."""
    for relation in sorted(detail.reads):
        known.make(relation)
    extra = "".join(f", ({expression}) AS {BRINGS}{measure}" for measure, expression in brought.items())
    known.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT line.*{extra} FROM {detail.relation} AS line "
        f"WHERE EXISTS (SELECT 1 FROM {figures} AS figure WHERE {detail.condition})"
    )


def chase(known: Past, relation: str, table: str, expressions: Iterable[str], sources: Sources) -> None:
    """Follow the lines of a relation in `table` to rows of feeds; `expressions` are what a figure takes from these lines."""
    feed = relation.removeprefix("core.")
    if feed in FEEDS:
        sources.add(feed, table)
        return
    model = models()[relation]
    entries = _entries_behind(model, expressions)
    if not entries:
        sources.notes.append(f"{relation} is not followed to rows of feeds; it is made from {_feeds_of(relation)}.")
    for entry in entries:
        if entry.none_because:
            sources.notes.append(f"{relation}: {entry.none_because}.")
            continue
        behind = sources.new_table()
        lines_behind(known, entry, table, behind, {})
        if number_of(known.con, f"SELECT count(*) FROM {behind}"):
            chase(known, entry.relation, behind, (), sources)


def _entries_behind(model: Model, expressions: Iterable[str]) -> list[Detail]:
    """The entries for the columns that the expressions name; of a model that says nothing those by the keys of feeds."""
    columns = {column.name for column in model.columns}
    names = [name for name in re.findall(r"[a-z_][a-z_0-9]*", " ".join(expressions)) if name in columns]
    found = [detail for name in names or [""] for detail in details_for(model.details, name)]
    return list(dict.fromkeys(found)) if model.details else _by_keys(model)


def _by_keys(model: Model) -> list[Detail]:
    """A row that has the whole key of a feed leads to that row of the feed."""
    columns = {column.name for column in model.columns}
    return [
        Detail(relation=f"core.{feed.name}", keys=tuple((name, name) for name in feed.key))
        for feed in _followed(model.relation)
        if columns.issuperset(feed.key)
    ]


def _followed(relation: str) -> list[Feed]:
    read = read_by([relation])
    return [feed for feed in FEEDS.values() if f"core.{feed.name}" in read and feed.name not in _BACKGROUND]


def _feeds_of(relation: str) -> str:
    return ", ".join(feed.name for feed in _followed(relation)) or "settings and the calendar"
