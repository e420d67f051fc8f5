"""What the header of a model says of the lines behind its figures: the table that has them, which of them, what adds up.

```
-- lines: core.order_due_lines by period_month, account_id, basis sums line_count = 1, on_time_count = is_on_time;
--   for ytd_*: build.issues by account_id where line.period_month <= figure.period_month
```

Entries end with `;`. `by` pairs columns that must be equal, `here` or `there = here`; where both are NULL they are equal too. `where` is SQL over
a `line` and a `figure`. `sums` says what a line brings to a measure: `measure = expression over the line`, or its name where the line
has it under the same name; `{}` stands for the same text on both sides. An entry `for` some measures holds for these instead of the
others. `none because …` says why there are no lines.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from kam.errors import KamError

_ENTRY = re.compile(
    r"(?:for (?P<measures>[a-z0-9_*, ]+): )?"
    r"(?:none because (?P<none>.+)|"
    r"(?P<relation>(?:core|build)\.\w+)(?: by (?P<keys>.+?))?(?: where (?P<where>.+?))?(?: sums (?P<sums>.+))?)"
)
_REFERENCE = re.compile(r"\b(?:core|build)\.[a-z_0-9]+")
_KEY = re.compile(r"(?P<line>[a-z_0-9.]+)(?: = (?P<figure>[a-z_0-9]+))?")


@dataclass(frozen=True)
class Detail:
    """One entry: the lines of `relation` that `where` and equal `keys` (line, figure) find, or why there are none.

    `sums` are pairs of a measure, or a pattern of measures with `{}`, and what a line brings to it. `measures` are patterns.
    """

    relation: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    where: str = ""
    sums: tuple[tuple[str, str], ...] = ()
    measures: tuple[str, ...] = ()
    none_because: str = ""

    @property
    def condition(self) -> str:
        """When a `line` is behind a `figure`, as SQL."""
        equal = [f"line.{line} IS NOT DISTINCT FROM figure.{figure}" for line, figure in self.keys]
        return " AND ".join([*equal, *([f"({self.where})"] if self.where else [])]) or "true"

    @property
    def reads(self) -> frozenset[str]:
        """The relations that have to be there: its own, and those that conditions and sums look into."""
        texts = (self.where, *(expression for _, expression in self.sums))
        return frozenset(_REFERENCE.findall(" ".join(texts))) | {self.relation}

    def brings(self, measure: str) -> str:
        """What a line brings to a measure, as SQL over the line; empty where it is not said."""
        for pattern, expression in self.sums:
            found = re.fullmatch(re.escape(pattern).replace(r"\{\}", "(.+)"), measure)
            if found:
                return expression.replace("{}", found[1]) if found.groups() else expression
        return ""

    def is_for(self, measure: str) -> bool:
        """Whether it holds for this measure and not for most others."""
        return any(fnmatchcase(measure, pattern) for pattern in self.measures)


def details_for(details: Sequence[Detail], measure: str) -> list[Detail]:
    """The entries that hold for a measure."""
    own = [detail for detail in details if detail.is_for(measure)]
    return own or [detail for detail in details if not detail.measures]


def brought_by(details: Sequence[Detail], detail: Detail, measures: Iterable[str]) -> dict[str, str]:
    """What a line of one of the entries brings to these measures, by measure; of those for which the entry holds."""
    return {
        measure: detail.brings(measure)
        for measure in measures
        if detail.brings(measure) and detail in details_for(details, measure)
    }


def read_details(text: str, file: str) -> tuple[Detail, ...]:
    """The entries of a header's `lines:`; raises `KamError` naming the file and the entry that cannot be read."""
    return tuple(_entry(entry.strip(), file) for entry in text.split(";") if entry.strip())


def _entry(text: str, file: str) -> Detail:
    match = _ENTRY.fullmatch(text)
    keys = [_KEY.fullmatch(key.strip()) for key in (match["keys"] or "").split(",") if key.strip()] if match else []
    if match is None or None in keys:
        message = f"{file}: lines: {text}: cannot be read. Expected: core.TABLE by KEY, KEY where … sums MEASURE = …; or none because …"
        raise KamError(message)
    return Detail(
        relation=match["relation"] or "",
        keys=tuple((key["line"], key["figure"] or key["line"]) for key in keys if key),
        where=match["where"] or "",
        sums=tuple(_sum(pair) for pair in _parts(match["sums"] or "")),
        measures=tuple(name.strip() for name in (match["measures"] or "").split(",") if name.strip()),
        none_because=match["none"] or "",
    )


def _sum(text: str) -> tuple[str, str]:
    name, _, expression = text.partition(" = ")
    return name.strip(), expression.strip() or name.strip()


def _parts(text: str) -> list[str]:
    """The text cut at commas outside brackets."""
    parts, depth = [""], 0
    for mark in text:
        depth += (mark in "([") - (mark in ")]")
        if mark == "," and not depth:
            parts.append("")
        else:
            parts[-1] += mark
    return [part.strip() for part in parts if part.strip()]


def faults(details: Iterable[Detail], columns: Collection[str], columns_of: Mapping[str, Collection[str]]) -> list[str]:
    """What is wrong with the entries of a model with these columns; `columns_of` are those of the other relations."""
    found: list[str] = []
    for detail in (detail for detail in details if not detail.none_because):
        # Tables of settings are in `build` too, and in no list.
        core = {name for name in detail.reads if name.startswith("core.")}
        unknown = sorted((core | {detail.relation}) - columns_of.keys())
        found += [f"{name} is no model and no feed" for name in unknown]
        there = columns_of.get(detail.relation)
        if there is None:
            continue
        here = {figure for _, figure in detail.keys} | set(re.findall(r"\bfigure\.(\w+)", detail.where))
        lines = {line.split(".")[0] for line, _ in detail.keys} | set(re.findall(r"\bline\.(\w+)", detail.where))
        found += [f"{name} is no column of the model" for name in sorted(here - set(columns))]
        found += [f"{name} is no column of {detail.relation}" for name in sorted(lines - set(there))]
        plain = {measure for measure, _ in detail.sums if "{}" not in measure}
        found += [f"{name} is no column of the model" for name in sorted(plain - set(columns))]
    return found
