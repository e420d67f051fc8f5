"""The two consoles, and tables, figures and paths as they are printed on them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from kam.report import Row
_WIDTH_OF_A_FILE = 140
# Columns whose whole numbers are no counts.
_NAMES = ("Load", "Version")
_NUMBER = re.compile(r"[-+]?[\d,]+(\.\d+)?( ?(%|[A-Za-z]{1,6}))?")


def _console(*, stderr: bool = False) -> Console:
    """A console as wide as its terminal; output that goes to a file or a pipe is wide enough for the tables."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDTH_OF_A_FILE)


out = _console()
problems = _console(stderr=True)


def shown_path(path: Path) -> str:
    """A path as short as it can be from here."""
    here = Path.cwd()
    return escape(str(path.relative_to(here) if path.is_relative_to(here) and path != here else path))


def print_table(title: str, rows: Sequence[Mapping[str, object]], *, if_empty: str = "") -> None:
    """Print rows as a table with aligned numbers, or `if_empty` when there are none; None is an empty cell."""
    if not rows:
        if if_empty:
            out.print(if_empty)
        return
    table = Table(
        title=title or None, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD
    )
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        is_number = all(_is_number(_text(name, row.get(name))) for row in rows)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_text(name, row.get(name))) for name in names))
    out.print(table)


def _is_number(text: str) -> bool:
    """Whether a cell is a figure, with its unit or without one, or a dash in place of one."""
    return text in ("", "–") or _NUMBER.fullmatch(text) is not None


def side_by_side(sample: Sequence[Mapping[str, object]]) -> list[Row]:
    """Sample rows, one line per column, so that wide feeds stay readable; empty columns are left out."""
    names = [name for name in (sample[0] if sample else ()) if any(row[name] is not None for row in sample)]
    return [
        {"Column": name} | {f"Row {number}": _cell(row[name]) for number, row in enumerate(sample, start=1)}
        for name in names
    ]


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _text(name: str, value: object) -> str:
    """A cell as it is printed: counts with commas, numbers that are names without."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and name not in _NAMES
    return f"{value:,}" if is_count else _cell(value)
