"""What a command found, as one JSON document for other programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def print_json(document: object) -> None:
    """Write a document to the standard output, and nothing beside it."""
    json.dump(as_json(document), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def as_json(value: object) -> Any:  # noqa: ANN401 - what JSON has
    """Dataclasses and rows as objects; days as `2026-10-31`; amounts as texts, since a JSON number may be rounded by its reader."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (Decimal, Path)):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if is_dataclass(value):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_key(str(name)): as_json(one) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [as_json(one) for one in value]
    message = f"{type(value).__name__} has no form in JSON"
    raise TypeError(message)


def _key(heading: str) -> str:
    """`Tried (UTC)` as `tried_utc`."""
    return re.sub(r"[^a-z0-9]+", "_", heading.lower()).strip("_")
