"""Wide files: columns whose names are values, such as one column a month, become rows.

Each filled cell of such a column is a row, with what the other columns of its record say. An empty cell makes none.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from kam.errors import SourceRefusedError
from kam.ingest.meaning import NUMBERS, cell_text
from kam.ingest.readers import Relation, WideRecords, name_beside
from kam.ingest.rejects import EXPLANATIONS
from kam.ingest.row_rules import ROW_NUMBER
from kam.ingest.sources import Extract
from kam.site import FEEDS, ComputedColumn, CsvDialect, FeedSource, Unpivot
from kam.warehouse import Connection, literal, quoted

_SHOWN = 3
_TEXTS = re.compile("'(?:[^']|'')*'")
# A cell of digits and signs, without a letter.
_NUMBER = r"^[^\p{L}]*\d[^\p{L}]*$"


def unpivoted(con: Connection, extract: Extract, source: FeedSource, relation: Relation) -> Relation:
    """The cells that `unpivot` names as rows; the relation itself where nothing is declared.

    Raises `SourceRefusedError` when no column is one of them, when a new name is taken, and when a column of numbers is
    neither named by `unpivot` nor used: it may be one of them under a name that is written in another way.
    """
    wide = source.unpivot
    if wide is None:
        return relation
    where = f"{extract.feed}: {extract.source}"
    taken = _taken_by_name(extract.feed, source)
    named = [name for name in relation.columns if name.lower() not in taken and not _is_in_sql(name, source)]
    left_out = {name for name in named if _is_named(name, _patterns(wide.without))}
    chosen = [name for name in named if name not in left_out and _is_named(name, _patterns(wide.columns))]
    if not chosen:
        message = (
            f"{where}: no column is one of unpivot.columns ({_listed(_patterns(wide.columns))}). "
            f"The source has: {', '.join(relation.columns)}. Nothing was loaded"
        )
        raise SourceRefusedError(message)
    kept = [name for name in relation.columns if name not in chosen and name not in left_out]
    _require_new_names(wide, kept, where)
    _require_no_other(con, relation, [name for name in kept if name in named], wide, where)
    return _as_rows(relation, chosen, kept, wide, source.csv)


def _patterns(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _is_named(name: str, patterns: Sequence[str]) -> bool:
    """Whether a column is called so, or as a pattern says."""
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def _taken_by_name(feed: str, source: FeedSource) -> set[str]:
    """Columns that mean what they are called, in small letters: those of the feed and its mapping, and what explains a reject."""
    mapped = {name.lower() for name in source.columns.values() if isinstance(name, str)}
    return {*EXPLANATIONS, *FEEDS[feed].column_names, *source.key, *mapped}


def _is_in_sql(name: str, source: FeedSource) -> bool:
    """Whether an expression of the mapping, or `where`, reads this column: in quotes, or bare where it is a word."""
    texts = [one.sql for one in source.columns.values() if isinstance(one, ComputedColumn)] + [source.where or ""]
    bare = rf"|(?<!\w){name}(?!\w)" if re.fullmatch(r"[^\W\d]\w*", name) else ""
    pattern = re.compile(f"{re.escape(quoted(name))}{bare}", re.IGNORECASE)
    return any(pattern.search(_TEXTS.sub("", text)) for text in texts)


def _require_new_names(wide: Unpivot, kept: Sequence[str], where: str) -> None:
    """Raise `SourceRefusedError` when the file has a column that is called as one of the two new ones."""
    taken = next((name for name in kept if name.lower() in (wide.name.lower(), wide.value.lower())), None)
    if taken is not None:
        message = (
            f"{where}: the file has a column {taken!r} already. Choose another name in unpivot. Nothing was loaded"
        )
        raise SourceRefusedError(message)


def _require_no_other(con: Connection, relation: Relation, unused: Sequence[str], wide: Unpivot, where: str) -> None:
    """Raise `SourceRefusedError` for columns that nothing uses and of which most filled cells are numbers."""
    if not unused:
        return
    counts = []
    for name in unused:
        text = f"{quoted(name)}::VARCHAR"
        counts.append(
            f"count(*) FILTER (regexp_matches({text}, {literal(_NUMBER)})) * 2 > count(*) FILTER (trim({text}) <> '')"
        )
    found = con.execute(f"SELECT {', '.join(counts)} FROM {relation.sql}").fetchall()[0]
    numbers = [name for name, has_numbers in zip(unused, found, strict=True) if has_numbers]
    if numbers:
        more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
        message = (
            f"{where}: nothing uses the numbers of {_listed(numbers[:_SHOWN])}{more}, beside the columns that unpivot takes. "
            f"If they are such columns: name them in unpivot.columns too. If not: "
            f"without = {json.dumps([*_patterns(wide.without), *numbers], ensure_ascii=False)}. Nothing was loaded"
        )
        raise SourceRefusedError(message)


def _as_rows(
    relation: Relation, chosen: Sequence[str], kept: Sequence[str], wide: Unpivot, dialect: CsvDialect
) -> Relation:
    number, cell, whole = (
        name_beside((*relation.columns, wide.name, wide.value), name) for name in (ROW_NUMBER, "cell", "whole_record")
    )
    value_type = _common_type([relation.columns[name] for name in chosen])
    cells = ", ".join(
        f"{{'name': {literal(name)}, 'value': {_cell(name, relation.columns[name], value_type, dialect)}}}"
        for name in chosen
    )
    value = f"{cell}.value"
    is_filled = f"{cell_text(value, dialect)} IS NOT NULL" if value_type == "VARCHAR" else f"{value} IS NOT NULL"
    cells, as_json, columns = f"[{cells}]", "NULL::VARCHAR", [quoted(name) for name in kept]
    faults = relation.record_faults
    if faults is not None:
        columns += [faults.rule, faults.text, faults.message]
        record = ", ".join(f"{literal(name)}: {quoted(name)}" for name in relation.columns)
        # A record that does not fit the header is one row: which cell belongs to which column is not known.
        cells = f"CASE WHEN {faults.rule} IS NULL THEN {cells} ELSE [{{'name': NULL, 'value': NULL}}] END"
        as_json = f"CASE WHEN {faults.rule} IS NOT NULL THEN to_json({{{record}}})::VARCHAR END"
        is_filled = f"{faults.rule} IS NOT NULL OR {is_filled}"
    records = (
        f"SELECT {', '.join(columns)}, row_number() OVER () AS {number}, {as_json} AS {whole}, unnest({cells}) AS {cell} "
        f"FROM {relation.sql}"
    )
    rows = (
        f"SELECT {', '.join((*columns, number, whole))}, {cell}.name AS {quoted(wide.name)}, {value} AS {quoted(wide.value)} "
        f"FROM ({records}) WHERE {is_filled}"
    )
    return dataclasses.replace(
        relation,
        sql=f"({rows})",
        columns={name: relation.columns[name] for name in kept} | {wide.name: "VARCHAR", wide.value: value_type},
        second_look=None,
        wide=WideRecords(number, wide.name, wide.value, whole, list(relation.columns), relation.sql),
    )


def _common_type(types: Sequence[str]) -> str:
    """The type that holds the cells of all columns: one for all, a number for numbers, else text."""
    if len(set(types)) == 1:
        return types[0]
    if all(name.partition("(")[0] in NUMBERS for name in types):
        return "DOUBLE" if {"FLOAT", "DOUBLE"} & set(types) else "DECIMAL(38, 10)"
    return "VARCHAR"


def _cell(name: str, sql_type: str, value_type: str, dialect: CsvDialect) -> str:
    """A cell in the common type; a number among texts is written as these are."""
    column = quoted(name)
    if sql_type == value_type:
        return column
    is_written = value_type == "VARCHAR" and sql_type.partition("(")[0] in NUMBERS
    return f"replace({column}::VARCHAR, '.', {literal(dialect.decimal)})" if is_written else f"{column}::{value_type}"
