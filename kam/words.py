"""Words and characters for messages: counted nouns, printable text, slugs."""

from __future__ import annotations

import re
import unicodedata


def printable(name: str) -> str:
    """A file name on one line: control characters and bytes that are no UTF-8 are written as escapes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def counted(count: int, noun: str) -> str:
    """A number with its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def slug(text: str) -> str:
    """A name for keys and addresses: `Müller & Söhne` becomes `muller-sohne`; empty when it has no Latin letter or digit."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
