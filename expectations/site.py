"""What a site changes and adds: severities and thresholds in `[checks]`, rules in `checks/*.sql`, suites in `checks/*.gx.yaml` and `*.gx.json`."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path

import duckdb

from expectations.checks import FIELDS, header, names, threshold
from expectations.feeds import FEED_SUITES, feed_suites
from expectations.gx_files import suites_from_files
from expectations.marts import MART_SUITES, mart_suites
from expectations.rules import ALLOWED_FAILURES, Owner, Rule, Severity, Suite, Threshold
from kam.errors import KamError, SettingsError
from kam.site import FEEDS, OFF, SETTINGS_FILE, CheckSettings, Site
from kam.warehouse import Connection, reads_beyond_tables

PREFIX = "site"


def suites_of_feeds(site: Site) -> tuple[Suite, ...]:
    """The suites of the declared feeds, as the site wants them, and its own of feeds."""
    there = [*site.settings.feeds, *(["corrections"] if site.settings.corrections else [])]
    return _changed((*feed_suites(there), *_from_files(site, "core")), site.settings.checks)


def _from_files(site: Site, schema: str) -> tuple[Suite, ...]:
    """The suites of the site's files about tables of a schema."""
    return tuple(suite for suite in suites_from_files(site) if suite.table.startswith(f"{schema}."))


def _of_tables(site: Site) -> tuple[Suite, ...]:
    """The suites of result tables, those of the site's files included."""
    return (*mart_suites(site.settings.available), *_from_files(site, "build"))


def suites_of_marts(con: Connection, site: Site) -> tuple[Suite, ...]:
    """The suites of the marts that the site can fill, and the site's own rules.

    Raises `KamError` for a rule of the site that cannot be run on this warehouse.
    """
    own = _changed(own_suites(site), site.settings.checks)
    described = tuple(replace(suite, rules=tuple(_described(con, site, rule) for rule in suite.rules)) for suite in own)
    return (*_changed(_of_tables(site), site.settings.checks), *described)


def rules_hash(site: Site) -> str:
    """Changes when a month may be judged differently: by other rules, severities or thresholds."""
    of_tables = _changed((*_of_tables(site), *own_suites(site)), site.settings.checks)
    judged = [asdict(suite) for suite in (*suites_of_feeds(site), *of_tables)]
    return hashlib.sha256(json.dumps(judged, default=_as_text, sort_keys=True).encode()).hexdigest()


def _as_text(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def require_valid(site: Site) -> None:
    """Raise `SettingsError` for a rule in `[checks]` that does not exist or is fixed, and for a malformed file."""
    own = (*own_suites(site), *suites_from_files(site))
    known = {rule.name: rule for suite in (*FEED_SUITES, *MART_SUITES, *own) for rule in suite.rules}
    for name, wanted in site.settings.checks.items():
        # Without the folder: `automations.yaml` alerts on messages with the full path, which a run cannot report itself.
        place = f'{SETTINGS_FILE}: [checks."{name}"]'
        rule = known.get(name)
        if rule is None:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            message = f"{place}: no such rule.{hint} docs/rules.md lists them"
            raise SettingsError(message)
        if rule.is_fixed:
            message = (
                f"{place}: this rule proves that figures tie, and cannot be changed. If it fails: {rule.if_it_fails}"
            )
            raise SettingsError(message)
        if wanted.threshold is not None and rule.threshold.meaning == ALLOWED_FAILURES.meaning:
            _require_whole(wanted.threshold, place)


def faults_of_own_rules(con: Connection, site: Site) -> list[str]:
    """Why rules of the site cannot run on this warehouse; empty while no month was ever built in it."""
    if not con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'build' AND table_name = 'periods'"
    ).fetchone():
        return []
    found = []
    for rule in (rule for suite in own_suites(site) for rule in suite.rules):
        try:
            _described(con, site, rule)
        except KamError as error:
            found.append(str(error))
    return found


def own_suites(site: Site) -> tuple[Suite, ...]:
    """The rules in the site's folder `checks`, as one suite; none when there is none.

    Raises `SettingsError`, naming the file, for a header that lacks or misspells a field, and for what is not a SELECT.
    """
    rules = tuple(_own_rule(file) for file in sorted(site.checks.glob("*.sql")))
    feeds = frozenset(site.settings.feeds)
    wanted = tuple(rule for rule in rules if rule.needs <= feeds)
    # One row per month: what was checked is the month.
    months = "SELECT period_month FROM build.periods"
    return (Suite(name=PREFIX, table="checks/*.sql", batch=months, rules=wanted),) if wanted else ()


def _changed(suites: Iterable[Suite], wanted: Mapping[str, CheckSettings]) -> tuple[Suite, ...]:
    """The suites with the site's severities and thresholds, without what it turned off."""
    changed = (
        replace(
            suite, rules=tuple(_with(rule, wanted.get(rule.name)) for rule in suite.rules if not _off(rule, wanted))
        )
        for suite in suites
    )
    return tuple(suite for suite in changed if suite.rules)


def _off(rule: Rule, wanted: Mapping[str, CheckSettings]) -> bool:
    return rule.name in wanted and wanted[rule.name].severity == OFF


def _with(rule: Rule, wanted: CheckSettings | None) -> Rule:
    if wanted is None:
        return rule
    value = rule.threshold.value if wanted.threshold is None else wanted.threshold
    return replace(
        rule,
        severity=Severity(wanted.severity) if wanted.severity else rule.severity,
        threshold=Threshold(value, rule.threshold.meaning),
    )


def _own_rule(file: Path) -> Rule:
    try:
        sql = file.read_text(encoding="utf-8").strip().removesuffix(";")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: cannot be read as UTF-8 text: {error}"
        raise SettingsError(message) from None
    _require_select(file, sql)
    _require_known_fields(file, sql)
    fields = header(sql)
    for field in ("invariant", "if it fails"):
        if field not in fields:
            message = f"{file}: the header lacks `-- {field}: …`. A rule of a site begins with lines such as `-- invariant: No order is placed on a Sunday.` Fields: {', '.join(FIELDS)}"
            raise SettingsError(message)
    needs = frozenset(names(fields.get("needs", "")))
    unknown = sorted(needs - FEEDS.keys())
    if unknown:
        message = f"{file}: needs: no such feed {unknown[0]!r}. The feeds: {', '.join(FEEDS)}"
        raise SettingsError(message)
    name = f"{PREFIX}.{file.stem}"
    return Rule(
        name=name,
        sentence=fields["invariant"],
        finding=fields.get("finding", ""),
        owner=fields.get("owner", Owner.DATA),
        severity=_severity(file, fields.get("severity", Severity.WARNING)),
        if_it_fails=fields["if it fails"],
        failing=sql,
        keys=names(fields.get("keys", "")),
        needs=needs,
        threshold=_threshold(file, fields.get("threshold")),
    )


def _require_known_fields(file: Path, sql: str) -> None:
    """A misspelt field would be ignored silently."""
    above = itertools.takewhile(lambda line: line.startswith("--"), sql.splitlines())
    for line in above:
        found = re.match(r"-- (?P<name>[a-z ]+):", line)
        close = difflib.get_close_matches(found["name"], FIELDS, n=1, cutoff=0.75) if found else []
        if found and close and found["name"] not in FIELDS:
            message = f"{file}: {found['name']}: no such field in a header. Did you mean {close[0]!r}?"
            raise SettingsError(message)


def _require_select(file: Path, sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        message = f"{file}: {str(error).splitlines()[0]}"
        raise SettingsError(message) from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        message = f"{file}: expected one SELECT of the rows that break the rule"
        raise SettingsError(message)


def _severity(file: Path, text: str) -> Severity:
    try:
        return Severity(text)
    except ValueError:
        message = f"{file}: severity: expected one of {', '.join(Severity)}, not {text!r}"
        raise SettingsError(message) from None


def _threshold(file: Path, text: str | None) -> Threshold:
    if text is None:
        return ALLOWED_FAILURES
    try:
        if text.isdecimal():
            return Threshold(Decimal(text), ALLOWED_FAILURES.meaning)
        return threshold(text)
    except ValueError as error:
        message = f"{file}: threshold: expected {error}"
        raise SettingsError(message) from None


def _require_whole(value: Decimal, place: str) -> None:
    if value != int(value):
        message = f"{place}: threshold: expected a whole number of rows that may break the rule, not {value}"
        raise SettingsError(message)


def _described(con: Connection, site: Site, rule: Rule) -> Rule:
    """The rule as the engine takes it: with a `period_month`, and with all its columns as keys where it names none."""
    file = site.checks / f"{rule.name.removeprefix(f'{PREFIX}.')}.sql"
    try:
        if elsewhere := reads_beyond_tables(con, rule.failing):
            message = (
                f"{file}: it reads {elsewhere}. A rule sees tables and views only; what is in files comes in by a feed"
            )
            raise KamError(message)
        columns = [name for name, *_ in con.execute(f"DESCRIBE {rule.failing}").fetchall()]
    except duckdb.Error as error:
        message = f"{file}: {str(error).splitlines()[0]}"
        raise KamError(message) from None
    missing = [name for name in rule.keys if name not in columns]
    if missing:
        message = f"{file}: keys: the SELECT has no column {missing[0]!r}; it has {', '.join(columns)}"
        raise KamError(message)
    failing = rule.failing
    if "period_month" not in columns:
        failing = f"SELECT NULL::DATE AS period_month, * FROM (\n{failing}\n)"
    return replace(rule, failing=failing, keys=rule.keys or tuple(name for name in columns if name != "period_month"))
