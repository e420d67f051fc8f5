"""`[rating]`: rules by which customers rate us, from when they hold, and for whom."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)

from kam.site.faults import nearest
from kam.site.section import Exact, Section

Dimension = Literal["quality", "cost", "delivery", "development", "management"]
RATED_DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
DeliveryBasis = Literal["requested", "promised", "last_promised"]
DeductionEvent = Literal["late_line", "rejected_lot", "ppm", "issue", "overdue_issue"]
IssueType = Literal["complaint", "audit_finding", "request"]
IssueCategory = Literal["quality", "delivery", "credit", "billing", "supply", "engineering", "other"]
DEFAULT_SET = "default"
"""What an account names to leave its rule set: the rules of `[rating]` themselves."""
EVENTS_OF_FEEDS: Mapping[DeductionEvent, str] = {
    "late_line": "orders", "rejected_lot": "orders", "ppm": "orders", "issue": "issues", "overdue_issue": "issues",
}  # fmt: skip
_OF_ISSUES = ("issue_type", "category", "severity", "incident")
_MONTH = r"(199\d|20\d\d)-(0[1-9]|1[0-2])"
_FULL_SCORE = 100
_DEFAULT_WEIGHTS: Mapping[Dimension, Decimal] = {
    "quality": Decimal(30),
    "cost": Decimal(20),
    "delivery": Decimal(25),
    "development": Decimal(10),
    "management": Decimal(15),
}


def _a_month(value: object) -> object:
    if not (isinstance(value, str) and re.fullmatch(_MONTH, value)):
        message = 'a month in quotes, such as "2026-10"'
        raise ValueError(message)
    return value


Month = Annotated[str, BeforeValidator(_a_month), WithJsonSchema({"type": "string", "pattern": f"^{_MONTH}$"})]


class Deduction(Section):
    """`[[rating.deductions]]`: points taken off a dimension or the overall score for what happened in a month; also in a rule set, for an account, and in changes."""

    name: str = Field(min_length=1, description="name shown beside the points; each once in a list")
    event: DeductionEvent = Field(
        description="what costs points: an order line due that was not on time in full, a delivery with rejects, the "
        "month's ppm, an issue opened in the month, an issue due in the month that was not closed in time"
    )
    dimension: Dimension | Literal["overall"] = Field(description="the score that the points are taken off")
    points: Exact = Field(gt=0, le=_FULL_SCORE, description="points for each event; of `ppm` once")
    above: Exact = Field(
        default=Decimal(0), ge=0, description="events of a month that cost nothing; of `ppm` the limit"
    )
    at_most: Exact | None = Field(
        default=None, gt=0, le=_FULL_SCORE, description="the most points of a month; without it 100"
    )
    issue_type: tuple[IssueType, ...] | None = Field(
        default=None, min_length=1, description="only issues of these types"
    )
    category: tuple[IssueCategory, ...] | None = Field(
        default=None, min_length=1, description="only issues of these categories"
    )
    severity: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="only issues of these severities, in the source's words, in any case"
    )
    incident: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="only issues of these incidents, in the source's words, in any case"
    )

    @model_validator(mode="after")
    def _fits_its_event(self) -> Self:
        given = [name for name in _OF_ISSUES if getattr(self, name) is not None]
        if given and EVENTS_OF_FEEDS[self.event] != "issues":
            message = (
                f"no {given[0]} in the deduction {self.name!r}: only issues have one, and its event is {self.event!r}"
            )
            raise ValueError(message)
        if self.at_most is not None and self.at_most < self.points:
            message = f"at_most of the deduction {self.name!r} at or above its points"
            raise ValueError(message)
        return self


class RatingRules(Section):
    """The rules of one customer's rating; `[rating]` holds the default ones."""

    weights: Mapping[Dimension, Exact] = Field(
        default_factory=lambda: dict(_DEFAULT_WEIGHTS), description="dimension and its points; together 100"
    )
    ppm_steps: tuple[tuple[Exact, Exact], ...] = Field(
        default=tuple(
            (Decimal(upper), Decimal(score))
            for upper, score in ((0, 100), (25, 90), (50, 80), (100, 60), (250, 40), (500, 20))
        ),
        description="pairs [highest ppm, score], ascending; above the last the score is 0",
    )
    bands: Mapping[str, Exact] = Field(
        default_factory=lambda: {"D": Decimal(50), "C": Decimal(70), "B": Decimal(85), "A": Decimal(100)},
        description="band and its highest score, ascending",
    )
    delivery_basis: DeliveryBasis = Field(default="promised", description="the date that counts for on time")
    deductions: tuple[Deduction, ...] = Field(
        default=(), description="points taken off our own scores for what happened in a month"
    )
    only_deductions: tuple[Dimension, ...] = Field(
        default=(),
        description="dimensions whose own score is 100 less deductions, in place of PPM steps, OTIF or issues closed in "
        "time; in months in which something was delivered or due, or an issue opened",
    )

    @field_validator("weights")
    @classmethod
    def _weights_add_up(cls, value: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        if sum(value.values()) != _FULL_SCORE:
            message = f"weights that add up to 100, not {sum(value.values())}"
            raise ValueError(message)
        return value

    @field_validator("ppm_steps")
    @classmethod
    def _steps_ascend(cls, value: tuple[tuple[Decimal, Decimal], ...]) -> tuple[tuple[Decimal, Decimal], ...]:
        uppers = [upper for upper, _ in value]
        if uppers != sorted(set(uppers)):
            message = "pairs [highest ppm, score] with ascending ppm"
            raise ValueError(message)
        return value

    @field_validator("bands")
    @classmethod
    def _bands_ascend(cls, value: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        uppers = list(value.values())
        if uppers != sorted(set(uppers)) or not uppers or uppers[-1] < _FULL_SCORE:
            message = "bands in ascending order of their highest score, the last reaching 100"
            raise ValueError(message)
        return value

    @field_validator("deductions")
    @classmethod
    def _names_differ(cls, value: tuple[Deduction, ...]) -> tuple[Deduction, ...]:
        names = [deduction.name for deduction in value]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            message = f"deductions with names of their own; two are called {twice[0]!r}"
            raise ValueError(message)
        return value

    @field_validator("only_deductions")
    @classmethod
    def _each_once(cls, value: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
        if len(set(value)) < len(value):
            message = "dimensions, each once"
            raise ValueError(message)
        return value


_RULES = tuple(RatingRules.model_fields)


class _Layer(RatingRules):
    """Rules of which only the given ones count; the others stay as they are without it."""

    @model_serializer(mode="wrap")
    def _given_only(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}

    @property
    def given(self) -> dict[str, Any]:
        """The rules that it changes."""
        return {name: getattr(self, name) for name in _RULES if name in self.model_fields_set}


class DatedRules(_Layer):
    """`[[rating.changes]]`: rules that change from a month on; those not named stay as they were."""

    valid_from: Month = Field(description='the first month for which they hold, such as "2026-10"')


class DatedAccountRules(DatedRules):
    """`[[rating.accounts.<id>.changes]]`: what changes for a customer from a month on. With a `set` its own rules before it end."""

    set: str | None = Field(
        default=None, description=f"the rule set from then on; `{DEFAULT_SET}` = that of `[rating]`"
    )


_Dated = TypeVar("_Dated", bound=DatedRules)


def _in_order(value: tuple[_Dated, ...]) -> tuple[_Dated, ...]:
    months = [change.valid_from for change in value]
    if months != sorted(set(months)):
        message = f"changes in the order of valid_from, each month once, not {', '.join(months)}"
        raise ValueError(message)
    return value


class RuleSet(_Layer):
    """`[rating.sets.<name>]`: a named set of rules that accounts take; what it does not name is as in `[rating]`."""

    changes: Annotated[tuple[DatedRules, ...], AfterValidator(_in_order)] = Field(
        default=(), description="what changes in the set from a month on: `valid_from` and any rule"
    )


class AccountRules(_Layer):
    """`[rating.accounts.<id>]`: the rules of one customer: a set, and what differs from it."""

    set: str | None = Field(default=None, description="the rule set; without it the rules of `[rating]`")
    changes: Annotated[tuple[DatedAccountRules, ...], AfterValidator(_in_order)] = Field(
        default=(), description="what changes for the account from a month on: `valid_from`, `set` and any rule"
    )


_Lasting = TypeVar("_Lasting", RuleSet, AccountRules)


class RatingSection(RatingRules):
    """`[rating]`: the default rules, how they change, and the rules of single customers."""

    changes: Annotated[tuple[DatedRules, ...], AfterValidator(_in_order)] = Field(
        default=(), description="what changes in the default rules from a month on: `valid_from` and any rule"
    )
    sets: Mapping[str, RuleSet] = Field(
        default_factory=dict, description="named sets of rules; docs/operations/rating.md lists those that are built in"
    )
    accounts: Mapping[str, AccountRules] = Field(
        default_factory=dict, description="account and what differs for it: `set` and any rule"
    )

    @model_validator(mode="before")
    @classmethod
    def _with_built_in_sets(cls, value: object) -> object:
        """Put the built-in sets that accounts name among the site's own, so that a version keeps what it was made with."""
        if not isinstance(value, Mapping):
            return value
        own = value.get("sets", {})
        named = {name for _, name in _named_sets(value)}
        used = {name: rules for name, rules in built_in_sets().items() if name in named and name not in own}
        return {**value, "sets": {**own, **used}} if used and isinstance(own, Mapping) else value

    def set_of(self, account_id: str | None, month: str) -> str | None:
        """The rule set that an account names for a month such as `2026-10`; None = none."""
        named = [layer.set for layer in self._own(account_id, month) if layer.set]
        return named[-1] if named and named[-1] != DEFAULT_SET else None

    def rules_of(self, account_id: str | None, month: str) -> RatingRules:
        """The complete rules of an account in a month such as `2026-10`: the defaults, its set, and its own on top."""
        own = self._own(account_id, month)
        last_named = max((number for number, layer in enumerate(own) if layer.set), default=0)
        layers: list[_Layer] = [*_due(self.changes, month)]
        name = self.set_of(account_id, month)
        if name is not None:
            layers += [self.sets[name], *_due(self.sets[name].changes, month)]
        rules = {rule: getattr(self, rule) for rule in _RULES}
        for layer in (*layers, *own[last_named:]):
            rules |= layer.given
        return RatingRules.model_construct(**rules)

    def first_months(self, account_id: str | None) -> tuple[str, ...]:
        """The months from which an account has other rules, ascending."""
        account = self.accounts.get(account_id or "")
        changes: list[DatedRules] = [*self.changes, *(account.changes if account else ())]
        named = {account.set, *(change.set for change in account.changes)} if account else set()
        changes += [change for name, rules in self.sets.items() if name in named for change in rules.changes]
        return tuple(sorted({change.valid_from for change in changes}))

    def until(self, month: date) -> RatingSection:
        """Without what holds from later months only, and without sets that no account names by then."""
        last = f"{month:%Y-%m}"
        accounts = {account_id: _until(rules, last) for account_id, rules in self.accounts.items()}
        accounts = {account_id: rules for account_id, rules in accounts.items() if rules.model_fields_set}
        named = {rules.set for rules in accounts.values()}
        named |= {change.set for rules in accounts.values() for change in rules.changes}
        sets = {name: _until(rules, last) for name, rules in self.sets.items() if name in named}
        kept = {"changes": tuple(_due(self.changes, last)), "sets": sets, "accounts": accounts}
        return self.model_copy(update=kept)

    def _own(self, account_id: str | None, month: str) -> list[AccountRules | DatedAccountRules]:
        account = self.accounts.get(account_id or "")
        layers: list[AccountRules | DatedAccountRules] = []
        if account:
            layers += [account, *_due(account.changes, month)]
        return layers


def _due(changes: Iterable[_Dated], month: str) -> list[_Dated]:
    return [change for change in changes if change.valid_from <= month]


def _until(rules: _Lasting, last: str) -> _Lasting:
    """The rules without what changes after a month; `changes` counts as given only where some are left."""
    given: dict[str, Any] = {name: getattr(rules, name) for name in rules.model_fields_set - {"changes"}}
    changes = tuple(_due(rules.changes, last))
    if changes:
        given["changes"] = changes
    return type(rules).model_construct(**given)


@cache
def built_in_sets() -> Mapping[str, Any]:
    """The rule sets that come with kam-close, as TOML has them."""
    text = Path(__file__).with_name("rating_sets.toml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = tomllib.loads(text)["rating"]["sets"]
    return found


def _named_sets(rating: object) -> list[tuple[str, str]]:
    """Where a document of `[rating]`, which may be wrong in any way, names rule sets: the key and the name."""
    accounts = rating.get("accounts") if isinstance(rating, Mapping) else None
    found = []
    for account_id, rules in accounts.items() if isinstance(accounts, Mapping) else ():
        changes = rules.get("changes") if isinstance(rules, Mapping) else None
        listed = changes if isinstance(changes, Sequence) and not isinstance(changes, str) else ()
        keys = [(f"accounts.{account_id}.set", rules)]
        keys += [(f"accounts.{account_id}.changes.{number}.set", change) for number, change in enumerate(listed)]
        found += [
            (key, layer["set"])
            for key, layer in keys
            if isinstance(layer, Mapping) and isinstance(layer.get("set"), str)
        ]
    return found


def set_faults(rating: object) -> list[str]:
    """What is wrong with the names of rule sets in a document of `[rating]`, each fault with its key."""
    own = rating.get("sets") if isinstance(rating, Mapping) else None
    own_names = list(own) if isinstance(own, Mapping) else []
    known = [*own_names, *(name for name in built_in_sets() if name not in own_names), DEFAULT_SET]
    faults = [
        f"rating.{key}: no rule set {name!r}.{nearest(name, known)} The sets: {', '.join(known)}"
        for key, name in _named_sets(rating)
        if name not in known
    ]
    if DEFAULT_SET in own_names:
        faults.append(f"rating.sets.{DEFAULT_SET}: another name; {DEFAULT_SET!r} means the rules of [rating]")
    return faults


def missing_feeds(rating: RatingSection, declared: Iterable[str]) -> list[str]:
    """The deductions whose events no declared feed tells, each with its key."""
    layers: list[tuple[str, _Layer | RatingSection]] = [("rating", rating), *_numbered("rating", rating.changes)]
    for name, rules in rating.sets.items():
        layers += [(f"rating.sets.{name}", rules), *_numbered(f"rating.sets.{name}", rules.changes)]
    for account_id, own in rating.accounts.items():
        layers += [(f"rating.accounts.{account_id}", own), *_numbered(f"rating.accounts.{account_id}", own.changes)]
    available = set(declared)
    return [
        f"{key}.deductions: {deduction.name!r} needs the feed {EVENTS_OF_FEEDS[deduction.event]}, which is not declared. "
        "Declare it, or name deductions without it"
        for key, layer in layers
        for deduction in layer.deductions
        if EVENTS_OF_FEEDS[deduction.event] not in available
    ]


def _numbered(key: str, changes: Iterable[DatedRules]) -> list[tuple[str, _Layer | RatingSection]]:
    return [(f"{key}.changes.{number}", change) for number, change in enumerate(changes)]
