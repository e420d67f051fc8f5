"""The contract of the published views: which columns of which type, as of now and as of the last release.

`python -m tests.contract` rewrites `published_contract.txt` from the code. `python -m tests.contract --release`, run when a
release is tagged, makes it the contract that later changes are measured against.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kam.build import prepare_marts
from kam.publish.published_file import create_reporting_views
from kam.warehouse import memory, prepare

REPOSITORY = Path(__file__).resolve().parent.parent
NOW = REPOSITORY / "tests" / "published_contract.txt"
RELEASED = REPOSITORY / "tests" / "released_contract.txt"
COMMAND = "python -m tests.contract"

# Types by column, by view; in the order of the columns.
Contract = Mapping[str, Mapping[str, str]]


def from_the_code() -> Contract:
    """The views of `reporting` as they are made, with the types that DuckDB gives them."""
    contract: dict[str, dict[str, str]] = {}
    with memory() as con:
        prepare(con, "EUR")
        prepare_marts(con)
        create_reporting_views(con)
        columns = con.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE schema_name = 'reporting' ORDER BY table_name, column_index"
        ).fetchall()
    for view, column, data_type in columns:
        contract.setdefault(view, {})[column] = data_type
    return contract


def as_text(contract: Contract) -> str:
    """One line per view, its columns indented below it."""
    lines = []
    for view, columns in contract.items():
        lines += [view, *(f"    {column} {data_type}" for column, data_type in columns.items())]
    return "\n".join(lines) + "\n"


def from_text(text: str) -> Contract:
    """What `as_text` wrote."""
    contract: dict[str, dict[str, str]] = {}
    columns: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith(" "):
            column, data_type = line.split(maxsplit=1)
            columns[column] = data_type
        elif line:
            columns = contract[line] = {}
    return contract


def changes(before: Contract, after: Contract) -> dict[str, str]:
    """What differs, in words, by the name that a changelog has to give: `view` or `view.column`."""
    return dict(_changes(before, after))


def _changes(before: Contract, after: Contract) -> Iterator[tuple[str, str]]:
    for view in sorted({*before, *after}):
        if view not in after:
            yield view, f"{view} is gone"
        elif view not in before:
            yield view, f"{view} is new"
        else:
            yield from _changed_columns(view, before[view], after[view])


def _changed_columns(view: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for column in [*before, *(column for column in after if column not in before)]:
        name = f"{view}.{column}"
        if column not in after:
            yield name, f"{name} {before[column]} is gone"
        elif column not in before:
            yield name, f"{name} {after[column]} is new"
        elif before[column] != after[column]:
            yield name, f"{name} is {after[column]}, was {before[column]}"
    kept = [column for column in after if column in before]
    if kept != [column for column in before if column in after]:
        yield view, f"{view} has its columns in another order"


def unreleased(changelog: str) -> str:
    """The section of the changelog whose heading says `(unreleased)`; empty when there is none."""
    found = re.search(r"^## [^\n]*\(unreleased\)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def unnamed(differences: Mapping[str, str], section: str) -> list[str]:
    """The differences that this section of the changelog does not name, as `view.column` in backticks."""
    named = set(re.findall(r"`([a-z0-9_.]+)`", section))
    return [words for name, words in differences.items() if name not in named]


def main() -> None:
    """Rewrite the contract of now, or make it that of the release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", action="store_true", help="later changes are measured against what is there now")
    text = as_text(from_the_code())
    NOW.write_text(text, encoding="utf-8")
    if parser.parse_args().release:
        RELEASED.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
