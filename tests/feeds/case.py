"""What one entry of `tests/feeds` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Row = dict[str, str]
Keys = Mapping[str, object]


@dataclass(frozen=True)
class Break:
    """What was broken, as changes to good rows by feed, and which keys each rule names because of it."""

    what: str
    rows: Mapping[str, Sequence[Row]]
    caught: Mapping[str, Sequence[Keys]]


@dataclass(frozen=True)
class Gap:
    """Rows of October that did not come, as a condition in SQL, and which keys each rule names because of it."""

    what: str
    where: str
    caught: Mapping[str, Sequence[Keys]]


@dataclass(frozen=True, kw_only=True)
class FeedCase:
    """Good and broken rows of one feed, in the contract's columns; dates as 2026-10-12, numbers with a point.

    Broken rows are written as a file of the feed's own dialect, with the source's names. A column that the contract does not
    have is the source's own.
    """

    clean: Sequence[Row]
    """Rows of June 2026, of account A and product X, that break no rule beside the clean rows of the other feeds."""
    good: Mapping[str, str] = field(default_factory=dict)
    """What a row of 12 October 2026 looks like that breaks nothing in the demo's data; a `Break` says what is different."""
    breaks: Sequence[Break] = ()
    """One for each rule of the feed, but for those that `test_broken_inputs.GENERAL` breaks in all feeds alike."""
    gaps: Sequence[Gap] = ()
    extract: Sequence[Row] = ()
    """Rows of March to October 2026, where `kam/demo` writes none. The rules that compare months want 40 rows a month of six
    accounts, K0003 among them, and one item of K0001 in each."""
