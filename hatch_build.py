"""A hook of the build: only an editable install may be made.

kam-close runs from a checkout. A wheel would put packages called `tasks` and `sql` at the top of site-packages, where
those of other projects lie too.
"""

from __future__ import annotations

import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class EditableOnly(BuildHookInterface):
    """Ends the build of a wheel with a message that says what to do instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - as Hatchling calls it
        """Raise `SystemExit` unless the wheel is that of an editable install."""
        if version != "editable":
            sys.exit(
                "kam-close runs from its checkout and makes no wheel: its packages `tasks` and `sql` would collide with "
                "those of other projects. In the checkout run: make setup (or pip install --editable .)"
            )
