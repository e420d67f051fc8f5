"""Writes `docs/commands.md` from the command line itself: every command with its options, and the exit statuses.

`python -m kam.cli.reference` writes it, `--check` exits 1 when it is out of date.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import typer

import kam.errors
from kam.cli.commands import app
from kam.errors import KamError
from kam.publish.docs import NOTE, write_or_check


def commands_page() -> str:
    """Every command: what it does, an example, its arguments and options; and what each exit status means."""
    root: Any = typer.main.get_command(app)
    parts = [
        "# Commands\n",
        "As `kam --help` and `kam COMMAND --help` show them.\n",
        "| command | does |",
        "|---|---|",
        *(
            f"| [`{name}`](#{name.replace(' ', '-')}) | {_first_paragraph(command.help)} |"
            for name, command in _commands(root)
        ),
        "",
        "## For every command\n",
        *_options(root),
    ]
    for name, command in _commands(root):
        parts += [f"## {name}\n", f"{' '.join(command.help.split())}\n"]
        parts += [f"```sh\n{command.epilog.removeprefix('Example: ')}\n```\n"] if command.epilog else []
        parts += _options(command)
    parts += [
        "## Exit status\n",
        "[What to do about each](operations/close.md#exit-status).\n",
        "| exit | meaning |",
        "|---|---|",
        "| 0 | Done. |",
        *(f"| {status} | {meaning} |" for status, meaning in exit_statuses().items()),
        "| 129, 130, 143 | Stopped: by a terminal that was closed, by Ctrl-C, by SIGTERM. |",
        "",
    ]
    return "\n".join(parts)


def exit_statuses() -> dict[int, str]:
    """What each exit status but 0 means, from the errors that have one of their own."""
    errors = [kind for _, kind in inspect.getmembers(kam.errors, inspect.isclass) if issubclass(kind, KamError)]
    own = [(kind.exit_code, (kind.__doc__ or "").splitlines()[0]) for kind in errors if "exit_code" in vars(kind)]
    return {status: " ".join(text for code, text in own if code == status) for status, _ in sorted(own)}


def _commands(group: Any, above: str = "kam") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - click, as Typer has it
    """All commands by their whole name, those of a group after it."""
    for name, command in group.commands.items():
        yield f"{above} {name}", command
        if hasattr(command, "commands"):
            yield from _commands(command, f"{above} {name}")


def _options(command: Any) -> list[str]:  # noqa: ANN401 - click, as Typer has it
    rows = []
    for parameter in command.params:
        if "--help" in parameter.opts:
            continue
        is_argument = parameter.param_type_name == "argument"
        name = parameter.metavar or parameter.name.upper() if is_argument else ", ".join(parameter.opts)
        value = "" if is_argument or parameter.is_flag else f" {parameter.metavar or 'N'}"
        default = (
            f" Default: {parameter.default}." if isinstance(parameter.default, int) and not parameter.is_flag else ""
        )
        rows.append(f"| `{name}{value}` | {parameter.help or ''}{default} |")
    return ["| argument or option | meaning |", "|---|---|", *rows, ""] if rows else []


def _first_paragraph(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


if __name__ == "__main__":
    write_or_check({"commands.md": NOTE + commands_page()}, only_check="--check" in sys.argv[1:])
