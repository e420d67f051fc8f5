"""`file_date`: the form of the date that the names of a feed's files hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import cache

from kam.site.month_names import month_names

_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2}
_WORDS = "bB"
_ENGLISH, _SHORT_MONTH = "en", 3
_ENGLISH_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_YEARS, _DAYS = frozenset("Yy"), frozenset("mbBj")
_EARLIEST_YEAR, _LATEST_YEAR = 1990, 2100
_PART = re.compile(r"%(.)|([^%]+)", re.DOTALL)


def require_file_date(form: str) -> str:
    """The form. Raises `ValueError` for one that does not say which year and month a name holds."""
    letters = [letter for letter, _ in _PART.findall(form) if letter]
    is_known = "".join(match[0] for match in _PART.finditer(form)) == form and {*letters} <= {*_WIDTHS, *_WORDS}
    if not is_known or len(letters) > len({*letters}) or not _YEARS & {*letters} or not _DAYS & {*letters}:
        allowed = " ".join(f"%{letter}" for letter in (*_WIDTHS, *_WORDS))
        message = f"a date with a year and a month, such as %d%m%Y, of {allowed} and plain text, not {form!r}"
        raise ValueError(message)
    return form


def date_in_name(name: str, form: str, language: str = "") -> datetime | None:
    """The date in a file's name; None where it holds none in this form, or several.

    It is looked for in the name without its folders, unless the form has a `/`. Months in `%b` and `%B` are English, or also of the
    `language`.
    """
    where = unicodedata.normalize("NFC", name if "/" in form else name.rpartition("/")[2])
    found = {_possible(match, form, language) for match in _pattern(form, language).finditer(where)} - {None}
    return found.pop() if len(found) == 1 else None


def _possible(match: re.Match[str], form: str, language: str) -> datetime | None:
    text = match["text"]
    month = match.groupdict().get("month")
    if month:
        start = match.start("month") - match.start("text")
        english = _ENGLISH_MONTHS[_months(language)[month.lower()]]
        rest = text[start + len(month) + len(match["point"]) :]
        text, form = text[:start] + english + rest, form.replace("%B", "%b")
    try:
        # No zone is meant: dates of names are only compared with each other.
        day = datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return None
    return day if _EARLIEST_YEAR <= day.year <= _LATEST_YEAR else None


@cache
def _months(language: str) -> Mapping[str, int]:
    return {**month_names(_ENGLISH), **(month_names(language) if language else {})}


def _words(letter: str, language: str) -> str:
    """A pattern for the names of months: `%b` takes the short ones of English, all others are taken by both."""
    names = {name.rstrip(".") for name in _months(language)}
    if letter == "b":
        long = {name for name in month_names(_ENGLISH) if len(name) > _SHORT_MONTH}
        names -= long - set(month_names(language) if language else ())
    longest_first = sorted(map(re.escape, names), key=lambda name: (-len(name), name))
    return rf"(?P<month>{'|'.join(longest_first)})(?![^\W\d_])(?P<point>\.?)"


@cache
def _pattern(form: str, language: str) -> re.Pattern[str]:
    """Finds texts in this form, also ones that overlap; digits beside it are no part of another number."""
    parts = _PART.findall(form)
    digits = [letter in _WIDTHS for letter, _ in parts]
    texts = []
    for number, (letter, plain) in enumerate(parts):
        if letter in _WIDTHS:
            # Only beside other digits does a number need all of its own.
            is_beside = any(digits[max(number - 1, 0) : number]) or any(digits[number + 1 : number + 2])
            width = _WIDTHS[letter]
            texts.append(rf"\d{{{width}}}" if is_beside or letter in "Yy" else rf"\d{{1,{width}}}")
        elif letter:
            texts.append(_words(letter, language))
        else:
            texts.append(re.escape(plain))
    before, after = (r"(?<!\d)" if digits[0] else "", r"(?!\d)" if digits[-1] else "")
    return re.compile(f"(?=(?P<text>{before}{''.join(texts)}{after}))", re.IGNORECASE)
