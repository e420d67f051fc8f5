"""Faults of settings in one sentence: file, key, what was expected, the nearest valid word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from kam.site.section import ELSEWHERE


def explain(error: ValidationError, place: str, model: type[BaseModel]) -> str:
    """Each fault in one sentence and on a line of its own; pydantic's own words are kept only where they help.

    `place` is the file or the entry in it that is named, `model` what describes it.
    """
    faults = error.errors(include_url=False)
    unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
    misspelt = {fault["loc"][:-1] for fault in unknown}
    # A required key that is missing is most likely the one that is misspelt.
    others = [fault for fault in faults if fault["type"] != "extra_forbidden"]
    kept = [fault for fault in others if fault["type"] != "missing" or fault["loc"][:-1] not in misspelt]
    # A value that may be of several types has a fault for each of them.
    by_key: dict[str, str] = {}
    for fault in (*unknown, *kept):
        path = [str(part) for part in fault["loc"]]
        key = ".".join(
            part
            for part in path
            if not re.search(r"[\[\(]|^(str|tuple|ConstantColumn|ComputedColumn|literal)|^(int|date|datetime)$", part)
        )
        by_key.setdefault(key, _sentence(fault, path, key, place, model))
    return "\n".join(by_key.values())


def _sentence(fault: ErrorDetails, path: Sequence[str], key: str, place: str, model: type[BaseModel]) -> str:
    if fault["type"] == "extra_forbidden":
        valid = _keys_beside(path, model)
        return f"{place}: {key}: unknown key.{nearest(path[-1], valid)} Valid here: {', '.join(valid)}"
    if fault["type"] == "missing":
        return f"{place}: {key}: missing. {_expectation(path, model)}".rstrip()
    reason = fault["msg"].removeprefix("Value error, ")
    expected = f"expected {reason}" if fault["type"] == "value_error" else reason[0].lower() + reason[1:]
    is_hidden = isinstance(fault["input"], dict | list) or fault["type"] == "secret" or _may_be_secret(path)
    given = "" if is_hidden else f" (it is {fault['input']!r})"
    return f"{place}: {key}: {expected}{given}"


def _may_be_secret(path: Sequence[str]) -> bool:
    """Whether the value of a key may be a URL with a password, put in the place of its variable's name."""
    return path[:2] in (["alerts", "channels"], ["publish", "databases"]) and "events" not in path


def _section_at(path: Sequence[str], root: type[BaseModel]) -> type[BaseModel] | None:
    """The model that describes the table at `path` below `root`, walking through mappings and lists."""
    model: type[BaseModel] | None = root
    annotation: Any = root
    for part in path:
        if model is not None and part in model.model_fields:
            annotation = model.model_fields[part].annotation
        elif get_origin(annotation) in (Mapping, dict) or "Mapping" in str(get_origin(annotation)):
            annotation = get_args(annotation)[1]
        elif get_origin(annotation) is tuple:
            annotation = get_args(annotation)[0]
        model = _model_in(annotation)
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type annotation has no narrower type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _keys_beside(path: Sequence[str], root: type[BaseModel]) -> list[str]:
    model = _section_at(path[:-1], root)
    fields = model.model_fields.items() if model else ()
    return [field.alias or name for name, field in fields if not _is_elsewhere(field)]


def _is_elsewhere(field: FieldInfo) -> bool:
    """Whether a part of the settings is in its own file."""
    return ELSEWHERE in field.metadata


def _expectation(path: Sequence[str], root: type[BaseModel]) -> str:
    model = _section_at(path[:-1], root)
    field = model.model_fields.get(path[-1]) if model else None
    return f"Expected: {field.description}" if field and field.description else ""


def nearest(word: str, valid: Sequence[str]) -> str:
    """A sentence with the valid word that is most like this one; empty when none is."""
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
