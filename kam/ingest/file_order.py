"""In which order files are loaded, and whether their names hold dates that say another one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, pairwise, product
from pathlib import Path

from kam.site import COMMON_LANGUAGES, date_in_name
from kam.site import month_names as month_names_of

_SEPARATORS = ("", "-", ".", "_", " ")
_ORDERS = tuple(
    tuple(f"%{letter}" for letter in letters)
    for letters in (
        *("dmY", "mdY", "Ymd", "mY", "Ym", "dmy", "mdy", "ymd", "my", "ym"),
        *("dbY", "bdY", "Ybd", "dby", "bY", "by", "Yb", "dBY", "BdY", "BY", "By", "YB"),
    )
)
# Numbers that are no dates often span centuries when they are read as ones.
_LONGEST_SPAN = timedelta(days=20 * 366)
_LIKELY = 4
_SHARE_WITH_DATE = 0.5


def natural_order(name: str) -> tuple[object, ...]:
    """Sorts file names as people number them: `_9` before `_10`, `export` before `export (2)`."""
    name_and_endings = re.fullmatch(r"(.*?)((?:\.[A-Za-z]\w*){0,2})", name, re.DOTALL)
    stem, endings = name_and_endings.groups() if name_and_endings else (name, "")
    folders = tuple(
        tuple((part.isdecimal(), int(part) if part.isdecimal() else part) for part in re.split(r"([0-9]+)", folder))
        for folder in Path(stem).parts
    )
    return folders, endings, name


def file_order(file_date: str | None, month_names: str) -> Callable[[str], tuple[object, ...]]:
    """What file names are sorted by: the date in the name, if a form is declared; then the name as people number it."""
    if not file_date:
        return natural_order

    def order(name: str) -> tuple[object, ...]:
        date = date_in_name(name, file_date, month_names)
        return (date is not None, date, natural_order(name))

    return order


def doubtful_order(names: Sequence[str], month_names: str = "") -> str:
    """How dates in the names, which are not declared, would order files in another way; empty where they do not.

    Names of months are of the language `month_names`, else English or of another common language.
    """
    ordered = sorted(names, key=natural_order)
    # The names of months in a language take time to look up, and most files have numbers.
    for language in (month_names,) if month_names else chain([""], _languages_in(ordered)):
        readings = _likely(ordered, language)
        if readings:
            break
    if all(_in_order(dated) for dated in readings.values()):
        return ""
    dated = next(dated for dated in readings.values() if not _in_order(dated))
    newer, older = next((before, after) for before, after in pairwise(dated.items()) if before[1] > after[1])
    forms = " or ".join(f'"{form}" (the newest is then {_newest(dated)})' for form, dated in readings.items())
    named = f', and csv = {{ month_names = "{language}" }}' if language and not month_names else ""
    return (
        f"{older[0]} loads after {newer[0]}, because files load in the order of their names. "
        f'If the names hold dates, declare their form: file_date = {forms}{named}. If they hold none: file_date = ""'
    )


def _languages_in(names: Sequence[str]) -> Iterator[str]:
    """The common languages in which half of the names or more have a month."""
    words = [set(re.findall(r"[^\W\d_]{3,}", unicodedata.normalize("NFC", name).lower())) for name in names]
    for language in COMMON_LANGUAGES:
        months = month_names_of(language).keys()
        if names and sum(bool(found & months) for found in words) >= len(names) * _SHARE_WITH_DATE:
            yield language


def _newest(dated: dict[str, datetime]) -> str:
    return max(dated, key=lambda name: dated[name])


def _in_order(dated: dict[str, datetime]) -> bool:
    return all(before <= after for before, after in pairwise(dated.values()))


def _likely(names: Sequence[str], language: str) -> dict[str, dict[str, datetime]]:
    """The forms in which most names hold a date, with those dates; of several forms, those whose dates lie close together."""
    found: dict[str, dict[str, datetime]] = {}
    separators = [text for text in _SEPARATORS if sum(text in name for name in names) >= len(names) * _SHARE_WITH_DATE]
    for order, separator, folder in product(_ORDERS, separators, ("", "/")):
        form = separator.join(order) + folder
        read = {name: date for name in names if (date := date_in_name(name, form, language)) is not None}
        if len(read) > 1 and len(read) >= len(names) * _SHARE_WITH_DATE and read not in found.values():
            found[form] = read
    most = max(map(len, found.values()), default=0)
    spans = {
        form: max(read.values()) - min(read.values())
        for form, read in found.items()
        # 01-2026 is in 31-01-2026 too.
        if len(read) == most and not any(form != other and form in other for other in found)
    }
    widest = min(_LONGEST_SPAN, _LIKELY * min(spans.values(), default=_LONGEST_SPAN))
    return {form: found[form] for form, span in spans.items() if span <= widest}
