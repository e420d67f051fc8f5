"""How the Python of the project is written, where the linter has no rule for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import REPOSITORY

FILES = sorted(
    file for package in ("kam", "expectations", "tasks", "flows") for file in (REPOSITORY / package).rglob("*.py")
)
MOST_LINES_OF_A_FUNCTION = 50
MOST_LINES_OF_A_TEXT = 10
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
pytestmark = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY)))


def lines_of(node: ast.expr | ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def texts(tree: ast.Module) -> Iterator[ast.Constant | ast.JoinedStr]:
    """The string literals, with and without placeholders, except docstrings and the like: strings that stand alone."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
        if is_text and id(node) not in alone:
            yield node  # type: ignore[misc]


def test_a_long_text_or_query_lies_in_a_file_of_its_own(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert [text.lineno for text in texts(tree) if lines_of(text) > MOST_LINES_OF_A_TEXT] == []


def test_functions_are_short(file: Path) -> None:
    """From `def` to the last line: the docstring counts, decorators do not."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    assert [node.name for node in functions if lines_of(node) > MOST_LINES_OF_A_FUNCTION] == []


def test_rows_are_inserted_by_the_names_of_their_columns(file: Path) -> None:
    """`INSERT INTO a.b (…)`, `… BY NAME` or `… DEFAULT VALUES`: with positions alone, one new column shifts the others in silence."""
    written = re.findall(r"INSERT INTO (?:[\w.]|\{[^}]*\})+\s+(\S+)", file.read_text(encoding="utf-8"))
    assert [word for word in written if not word.startswith("(") and word not in ("BY", "DEFAULT")] == []
