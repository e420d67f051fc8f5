"""The base of all sections of `kam.toml`, and types that several of them use."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

# TOML reads 0.003 as a float; its shortest text is what the person wrote, so money and rates stay exact.
Exact = Annotated[Decimal, BeforeValidator(lambda value: str(value) if isinstance(value, float) else value)]
ENVIRONMENT_PREFIX = "env:"
_VARIABLE = ENVIRONMENT_PREFIX + r"[A-Za-z_][A-Za-z0-9_]*"
ELSEWHERE = "in a file of its own"
"""Marks a part of the settings that is not a key of `kam.toml`."""


class Section(BaseModel):
    """A table of `kam.toml`; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _only_from_the_environment(value: str) -> str:
    """Refuse a URL in the file itself. It may hold a password, so it is not shown."""
    if not re.fullmatch(_VARIABLE, value):
        kind, message = "secret", 'expected "env:NAME", the name of the environment variable that holds the URL'
        raise PydanticCustomError(kind, message)
    return value


EnvironmentUrl = Annotated[
    str, AfterValidator(_only_from_the_environment), WithJsonSchema({"type": "string", "pattern": f"^{_VARIABLE}$"})
]
