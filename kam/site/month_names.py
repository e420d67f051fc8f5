"""The names of months in the languages that Babel knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

# The most likely ones first.
COMMON_LANGUAGES = (
    "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sv", "da", "nb", "fi", "hu", "tr", "ro", "ru", "uk", "el",
)  # fmt: skip


@cache
def month_names(language: str) -> Mapping[str, int]:
    """The names of the months in a language that Babel knows, long and short, in small letters; and their numbers."""
    from babel.dates import get_month_names

    found: dict[str, int] = {}
    for width in ("wide", "abbreviated"):
        for context in ("format", "stand-alone"):
            for number, name in get_month_names(width, context, language).items():
                if re.fullmatch(r"[^\W\d_]+\.?", name):
                    found.setdefault(name.lower(), number)
                    found.setdefault(name.lower().rstrip("."), number)
    return found
