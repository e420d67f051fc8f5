"""`file_date`: the form of the date that the names of a feed's files hold."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache

_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2}
_WORDS = {"b": "[A-Za-z]{3}(?![A-Za-z])", "B": "[A-Za-z]{3,9}(?![A-Za-z])"}
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


def date_in_name(name: str, form: str) -> datetime | None:
    """The date in a file's name; None where it holds none in this form, or several.

    It is looked for in the name without its folders, unless the form has a `/`.
    """
    where = name if "/" in form else name.rpartition("/")[2]
    found = {_possible(text, form) for text in _pattern(form).findall(where)} - {None}
    return found.pop() if len(found) == 1 else None


def _possible(text: str, form: str) -> datetime | None:
    try:
        # No zone is meant: dates of names are only compared with each other.
        day = datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return None
    return day if _EARLIEST_YEAR <= day.year <= _LATEST_YEAR else None


@cache
def _pattern(form: str) -> re.Pattern[str]:
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
        else:
            texts.append(_WORDS.get(letter) or re.escape(plain))
    before, after = (r"(?<!\d)" if digits[0] else "", r"(?!\d)" if digits[-1] else "")
    return re.compile(f"(?=({before}{''.join(texts)}{after}))", re.IGNORECASE)
