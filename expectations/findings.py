"""What a failed rule found, as a sentence about the data: `3 of 412 deliveries are earlier than their order`.

A rule gives a template. `{n}` is how many rows break it and `{of}` the same with how many were checked, where both count the same
things. `(is|are)` chooses by how many break it, and `<delivery|deliveries>` (or `<line>`, with its plural in -s) follows `{of}`.
`{month}`, `{threshold}` and the keys of the first row that breaks it can be named too. Without a template the sentence of the
rule is turned round.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from kam.periods import month_title
from kam.words import counted

_CHOICE = re.compile(r"\((?P<one>[^()|]*)\|(?P<many>[^()|]*)\)")
_NOUN = re.compile(r"<(?P<one>[^<>|]+)(?:\|(?P<many>[^<>]+))?>")
_NAMED = re.compile(r"\{(\w+)\}")
_PLURAL = re.compile(r"\w+s (are|have|were|do)\b")


def finding_text(
    template: str,
    sentence: str,
    month: date,
    *,
    failed_count: int,
    checked_count: int,
    values: Mapping[str, object],
) -> str:
    """What is wrong in a month, without a full stop. `values` are what a template may name beside the counts."""
    # Rows can be counted in a finer grain than that of what was looked at.
    is_share = failed_count <= checked_count
    known = {
        **values,
        "month": month_title(month),
        "n": failed_count,
        "of": f"{failed_count:,} of {checked_count:,}" if is_share else failed_count,
    }
    if not template or not known.keys() >= set(_NAMED.findall(template)):
        return turned_round(sentence, failed_count)
    is_one = failed_count == 1
    of_one = (checked_count if is_share else failed_count) == 1
    chosen = _CHOICE.sub(lambda found: found["one"] if is_one else found["many"], template)
    chosen = _NOUN.sub(lambda found: found["one"] if of_one else found["many"] or f"{found['one']}s", chosen)
    # Last, so that a value of the data is never read as a template.
    return _NAMED.sub(lambda found: _shown(known[found[1]]), chosen)


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def turned_round(sentence: str, failed_count: int) -> str:
    """What a rule without a template found: `No invoice is below 50.` becomes `2 rows: an invoice is below 50`."""
    rows, text = counted(failed_count, "row"), sentence.strip().removesuffix(".")
    first, _, rest = text.partition(" ")
    if first == "No" and rest:
        if rest.startswith("more "):
            return f"{rows}: {rest}"
        article = "some" if _PLURAL.match(rest) else "an" if rest[0].lower() in "aeiou" else "a"
        return f"{rows}: {article} {rest}"
    if first in ("Every", "Each", "All") and rest:
        return f"{rows}: not {first.lower()} {rest}"
    return f"{rows} {'breaks' if failed_count == 1 else 'break'} the rule “{text}”"
