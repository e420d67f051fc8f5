"""What `kam check` makes of a file with one column a month, where the feed has one row a month."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from kam.ingest.proposals import Sample, month_format
from kam.site import COMMON_LANGUAGES, Feed, Unpivot, month_names

# The month and the figure of a feed that people lay out in columns.
_LAID_OUT: Mapping[str, tuple[str, str]] = {
    "sales_plan": ("month", "amount"),
    "payment_plan": ("month", "amount"),
    "forecasts": ("target_month", "quantity"),
    "scorecards": ("month", "score"),
}
_LEAST_MONTHS = 3
_NUMBERS = r"\d{4}[-./]?\d{1,2}(?:-01)?|\d{1,2}[-./]\d{4}"


def wide_sample(feed: Feed, sample: Sample) -> tuple[Unpivot, Sample] | None:
    """The `unpivot` that fits a file, and its first rows by it; None for a file without three columns that are months."""
    if feed.name not in _LAID_OUT or _LAID_OUT[feed.name][0] in (name.lower() for name in sample.header):
        return None
    months = _months(sample.header)
    if len(months) < _LEAST_MONTHS:
        return None
    name, value = _LAID_OUT[feed.name]
    patterns = tuple(dict.fromkeys(map(_pattern, months)))
    without = tuple(
        other for other in sample.header if other not in months and any(fnmatchcase(other, one) for one in patterns)
    )
    given: dict[str, object] = {"columns": patterns if len(patterns) > 1 else patterns[0], "name": name, "value": value}
    unpivot = Unpivot.model_validate(given | ({"without": without} if without else {}))
    kept = [column for column in sample.header if column not in (*months, *without)]
    records = [dict(zip(sample.header, row, strict=False)) for row in sample.rows]
    rows = [
        [*(record.get(column, "") for column in kept), month, record[month]]
        for record in records
        for month in months
        if record.get(month, "").strip()
    ]
    return unpivot, Sample([*kept, name, value], rows, sample.csv)


def _months(header: Sequence[str]) -> list[str]:
    """The columns that are called as months, in one way of writing and one language."""
    found = [name for name in header if re.fullmatch(_NUMBERS, name)]
    if len(found) >= _LEAST_MONTHS:
        return found if month_format(found) else []
    for language in ("en", *COMMON_LANGUAGES):
        known = month_names(language)
        named = [
            name
            for name in header
            if re.search(r"\d\d", name) and {word.lower() for word in re.findall(r"[^\W\d_]+", name)} & known.keys()
        ]
        if len(named) >= _LEAST_MONTHS and month_format(named):
            return named
    return []


def _pattern(name: str) -> str:
    """The pattern of names that are written as this one: any word for its word, any digits for its digits."""
    return re.sub(r"\d", "[0-9]", re.sub(r"[^\W\d_]+\.?", "*", name.replace("[", "?")))
