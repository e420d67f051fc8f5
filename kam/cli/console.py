"""The two consoles, and tables, figures and paths as they are printed on them."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table
from rich.text import Text

from kam.cli.json_lines import lines, write_table

if TYPE_CHECKING:
    from kam.report import Row
_WIDTH_OF_A_FILE = 140
# Columns whose whole numbers are no counts.
_NAMES = ("Load", "Version")
# Control characters, invisible ones, halves of characters, and ends of lines and paragraphs.
_STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")
_NUMBER = re.compile(r"[-+]?[\d,]+(\.\d+)?( ?(%|[A-Za-z]{1,6}))?")


class _Console(Console):
    """A console on which a text of a file cannot do anything to the terminal, and whose lines are JSON on stderr where that is asked for (`--log-format json`)."""

    def print(self, *objects: Any, style: Any = None, markup: bool | None = None, **options: Any) -> None:  # noqa: ANN401 - as rich has it
        if not lines.is_on:
            objects = tuple(harmless(one) if isinstance(one, str) else one for one in objects)
            super().print(*objects, style=style, markup=markup, **options)
            return
        texts = [
            Text(one) if markup is False else Text.from_markup(one) if isinstance(one, str) else self._as_text(one)
            for one in objects
        ]
        styles = " ".join(str(found) for found in (style, *(span.style for text in texts for span in text.spans)))
        level = "error" if "red" in styles else "warning" if "yellow" in styles else "info"
        if message := " ".join(text.plain for text in texts).strip():
            lines.write(message, level=level)

    def status(self, *arguments: Any, **options: Any) -> Status:  # noqa: ANN401 - as above
        if lines.is_on:
            return Console(quiet=True).status(*arguments, **options)
        return super().status(*arguments, **options)

    @staticmethod
    def _as_text(renderable: object) -> Text:
        page = Console(file=io.StringIO(), width=_WIDTH_OF_A_FILE)
        with page.capture() as captured:
            page.print(renderable)
        return Text(captured.get())


def harmless(text: str) -> str:
    """Text in which characters that steer a terminal, or that turn or hide what stands beside them, are escapes."""
    return "".join(
        mark.encode("unicode_escape").decode()
        if unicodedata.category(mark) in _STEERING and mark not in "\n\t"
        else mark
        for mark in text
    )


def _console(*, stderr: bool = False) -> Console:
    """A console as wide as its terminal; output that goes to a file or a pipe is wide enough for the tables."""
    console = _Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else _Console(stderr=stderr, highlight=False, width=_WIDTH_OF_A_FILE)


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
    if lines.is_on:
        write_table(title, rows)
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
    return "" if value is None else harmless(str(value))


def _text(name: str, value: object) -> str:
    """A cell as it is printed: counts with commas, numbers that are names without."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and name not in _NAMES
    return f"{value:,}" if is_count else _cell(value)
