"""Rules whose SQL spans several tables: `sql/checks/<rule name>.sql`, a SELECT of the bad rows that can be run by hand.

The file's header is the rule: `-- invariant:` the business sentence, `-- if it fails:` what breaks and what to do,
`-- severity:`, `-- owner:`, `-- keys:` and, where there are feeds without which it says nothing, `-- needs:`.
"""

from __future__ import annotations

import re

from expectations.rules import Owner, Rule, Severity
from kam.warehouse import SQL

_FIELD = re.compile(
    r"^-- (?P<name>invariant|if it fails|severity|owner|keys|needs): (?P<text>.+(?:\n--  +.+)*)", re.MULTILINE
)


def rule_from_file(name: str) -> Rule:
    """The rule in `sql/checks/<name>.sql`.

    Raises `KeyError` or `ValueError` when the header lacks or misspells a field.
    """
    sql = (SQL / "checks" / f"{name}.sql").read_text(encoding="utf-8")
    fields = {field["name"]: re.sub(r"\n--  +", " ", field["text"]).strip() for field in _FIELD.finditer(sql)}
    return Rule(
        name=name,
        sentence=fields["invariant"],
        owner=Owner(fields["owner"]),
        severity=Severity(fields["severity"]),
        if_it_fails=fields["if it fails"],
        failing=sql,
        keys=_names(fields["keys"]),
        needs=frozenset(_names(fields.get("needs", ""))),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text))
