"""`docs/settings.md`: every key of `kam.toml`, from the JSON schema of the settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kam.site import SCHEMA_FILE, settings_schema

Schema = dict[str, Any]
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "table",
}


def settings_page() -> str:
    """Every table of `kam.toml` with its keys: type, default and meaning."""
    schema = settings_schema()
    parts = [
        "# Settings\n",
        "Every key of `kam.toml`. Only `[site] name` is required. An unknown key is an error that names the nearest valid one.",
        f"[{SCHEMA_FILE}]({SCHEMA_FILE}) has the same for editors. `kam init` writes it beside `kam.toml`.\n",
        "Known errors of the sources are in a file of their own, `corrections.toml` ([corrections](operations/corrections.md)).",
        "Settings of `[feeds]`, `[ingest]`, `[run]`, `[checks]`, `[alerts]` and `[publish]` decide how rows are read and how runs go. All",
        "others decide figures: if one changes, closed months would have different figures and need a restatement. Rules of the",
        "rating with `valid_from` do so from their month on only ([rating](operations/rating.md)).\n",
    ]
    # A table that stands in several others is described where it is first.
    for table in {table["description"]: table for table in _tables(schema, schema)}.values():
        title, _, meaning = table["description"].splitlines()[0].partition("`: ")
        parts += [
            f"## {title}`\n",
            f"{meaning[:1].upper()}{meaning[1:]}\n",
            "| key | type | default | meaning |",
            "|---|---|---|---|",
            *(_key(name, key, table, schema) for name, key in table["properties"].items()),
            "",
        ]
    return "\n".join(parts)


def _tables(node: Schema, schema: Schema) -> Iterator[Schema]:
    """The tables below one, in the order of their keys, each before its own."""
    for key in node["properties"].values():
        # A table, or a table of tables that the user or the feeds name.
        inner = [key, key.get("additionalProperties"), key.get("items"), *key.get("patternProperties", {}).values()]
        inner += list(key.get("properties", {}).values())[:1]
        for part in inner:
            if isinstance(part, dict) and "$ref" in part:
                table = schema["$defs"][part["$ref"].rpartition("/")[2]]
                yield table
                yield from _tables(table, schema)


def _key(name: str, key: Schema, table: Schema, schema: Schema) -> str:
    required = name in table.get("required", ())
    default = "required" if required else _default(key)
    meaning = key.get("description", "").replace("|", "\\|")
    return f"| `{name}` | {_type(key, schema)} | {default} | {meaning} |"


def _default(key: Schema) -> str:
    default = key.get("default")
    if default in (None, "", [], {}) or "$ref" in key:
        return ""
    return f"`{_toml(default)}`"


def _toml(value: Any) -> str:  # noqa: ANN401 - a default of any type
    """A value as `kam.toml` has it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return "'\"'" if value == '"' else json.dumps(value, ensure_ascii=False)


def _type(key: Schema, schema: Schema) -> str:
    """What a key takes, in words: its values, its type and bounds, a list or a table of these."""
    if "anyOf" in key:
        # A date and a date with a time are texts to JSON and values of their own to TOML.
        return " or ".join(dict.fromkeys(_type(choice, schema) for choice in key["anyOf"]))
    if "enum" in key or "const" in key:
        return ", ".join(f"`{value}`" for value in key.get("enum", [key.get("const")]))
    if "$ref" in key:
        table = schema["$defs"][key["$ref"].rpartition("/")[2]]
        return (
            f"table with {' and '.join(f'`{name}`' for name in table['properties'])}" if _is_small(table) else "table"
        )
    if key.get("type") == "array":
        return f"list of {_type(key['items'], schema)}" if "items" in key else "pair"
    word = key.get("format", "").replace("date-time", "date and time") or _TYPES[key["type"]]
    return f"{word}{_bounds(key)}"


def _is_small(table: Schema) -> bool:
    return len(table["properties"]) <= 2  # noqa: PLR2004 - as many as are named in a cell


def _bounds(key: Schema) -> str:
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}
    found = [f"{word} {f'{key[bound]:,}'.removesuffix('.0')}" for bound, word in words.items() if bound in key]
    return f", {' '.join(found)}" if found else ""
