"""The JSON schema of `kam.toml`, for editors that complete and check TOML files."""

from __future__ import annotations

import json
import re
from typing import Any

from kam.site.feeds import FEEDS
from kam.site.rating import RatingRules
from kam.site.settings import Settings

SCHEMA_FILE = "kam.schema.json"
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_NULL = {"type": "null"}


def settings_schema() -> dict[str, Any]:
    """A JSON schema (draft 2020-12) with every key of `kam.toml`: its meaning, type, default and bounds."""
    schema: dict[str, Any] = _as_toml(Settings.model_json_schema())
    del schema["properties"]["corrections"], schema["$defs"]["Correction"]
    for name, value in RatingRules().model_dump(mode="json").items():
        schema["$defs"]["RatingSection"]["properties"][name]["default"] = _as_numbers(value)
        for table in ("RuleSet", "AccountRules", "DatedRules", "DatedAccountRules"):
            # What these do not name stays as it is without them.
            schema["$defs"][table]["properties"][name].pop("default", None)
    # In place of any name: the feeds that there are, with their columns.
    schema["properties"]["feeds"] = {
        "type": "object",
        "description": "the sources of this site",
        "additionalProperties": False,
        "properties": {
            feed.name: {
                "$ref": "#/$defs/FeedSource",
                "description": feed.meaning,
                "properties": {"columns": {"propertyNames": {"enum": list(feed.column_names)}}},
            }
            for feed in FEEDS.values()
        },
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "kam.toml", **schema}


def schema_text() -> str:
    """The schema as its file holds it."""
    return json.dumps(settings_schema(), indent=2, ensure_ascii=False) + "\n"


def _as_toml(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """A part of pydantic's schema as TOML has it: exact numbers are numbers, there is no null, names need no titles."""
    if isinstance(node, list):
        return [_as_toml(part) for part in node]
    if not isinstance(node, dict):
        return node
    part = {_BOUNDS.get(key, key): _as_toml(value) for key, value in node.items() if not _is_title(key, value)}
    choices = [choice for choice in part.get("anyOf", ()) if choice != _NULL]
    if _is_exact(choices):
        choices = choices[:1]
    if len(choices) == 1:
        del part["anyOf"]
        part = choices[0] | part
    elif choices:
        part["anyOf"] = choices
    if "default" in part:
        part["default"] = _as_numbers(part["default"])
        if part["default"] is None:
            del part["default"]
    return part


def _is_title(key: str, value: object) -> bool:
    return key == "title" and isinstance(value, str)


def _is_exact(choices: list[dict[str, Any]]) -> bool:
    """Whether these are the two forms in which pydantic takes a decimal."""
    return [choice.get("type") for choice in choices] == ["number", "string"]


def _as_numbers(default: Any) -> Any:  # noqa: ANN401 - a default of any type
    """A default with numbers where pydantic writes decimals as text."""
    if isinstance(default, list):
        return [_as_numbers(value) for value in default]
    if isinstance(default, dict):
        return {key: _as_numbers(value) for key, value in default.items()}
    if isinstance(default, str) and re.fullmatch(r"-?\d+(\.\d+)?", default):
        return float(default) if "." in default else int(default)
    return default
