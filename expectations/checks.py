"""Rules written as files: a SELECT of the bad rows that can be run by hand, its header the rule.

The project's own are in `sql/checks/<rule name>.sql`, those of a site in its folder `checks/`. A header has
`-- invariant:` the business sentence, `-- finding:` what is wrong when it fails (`expectations.findings`), `-- if it fails:` what breaks and what to do, `-- severity:`, `-- owner:`,
`-- keys:` and, where they apply, `-- threshold:` a number with its meaning in brackets, and `-- needs:` the feeds
without which the rule says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from expectations.rules import ALLOWED_FAILURES, Owner, Rule, Severity, Threshold
from kam.warehouse import SQL

FIELDS = ("invariant", "finding", "if it fails", "severity", "owner", "keys", "threshold", "needs")
_FIELD = re.compile(rf"^-- (?P<name>{'|'.join(FIELDS)}): (?P<text>.+(?:\n--  +.+)*)", re.MULTILINE)
_THRESHOLD = re.compile(r"(?P<value>\d+(?:\.\d+)?) \((?P<meaning>.+)\)")


@cache
def rule_from_file(name: str) -> Rule:
    """The rule in `sql/checks/<name>.sql`.

    Raises `KeyError` or `ValueError` when the header lacks or misspells a field.
    """
    sql = (SQL / "checks" / f"{name}.sql").read_text(encoding="utf-8")
    fields = header(sql)
    return Rule(
        name=name,
        sentence=fields["invariant"],
        finding=fields["finding"],
        owner=Owner(fields["owner"]),
        severity=Severity(fields["severity"]),
        if_it_fails=fields["if it fails"],
        failing=sql,
        keys=names(fields["keys"]),
        needs=frozenset(names(fields.get("needs", ""))),
        threshold=threshold(fields["threshold"]) if "threshold" in fields else ALLOWED_FAILURES,
    )


def header(sql: str) -> Mapping[str, str]:
    """The fields of a rule's header; continuation lines are indented."""
    fields = {field["name"]: re.sub(r"\n--  +", " ", field["text"]).strip() for field in _FIELD.finditer(sql)}
    if "if it fails" in fields:
        fields["if it fails"] = fields["if it fails"][:1].upper() + fields["if it fails"][1:]
    return fields


def threshold(text: str) -> Threshold:
    """`7 (days before the end of the month)`. Raises `ValueError` for anything else."""
    found = _THRESHOLD.fullmatch(text)
    if found is None:
        message = f"a whole number of rows, or a number with its meaning in brackets, not {text!r}"
        raise ValueError(message)
    return Threshold(Decimal(found["value"]), found["meaning"])


def names(text: str) -> tuple[str, ...]:
    """Names that are separated by commas."""
    return tuple(re.findall(r"\w+", text))
