"""Writes the reference pages of `docs/`: feeds, metrics, rules, settings and lineage, and the JSON schema of `kam.toml`.

They follow from the contracts, the models' headers, the rules and the settings. `python -m kam.publish.docs` writes them,
`--check` exits 1 when one is out of date. `kam/cli/reference.py` does the same for the commands.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from expectations.feeds import FEED_SUITES
from expectations.marts import MART_SUITES
from expectations.rules import ALLOWED_FAILURES, Rule, Suite
from kam.build import Model, published_tables, vocabulary
from kam.publish.lineage import lineage_page, lineage_picture
from kam.publish.settings_reference import settings_page
from kam.site import FEEDS, SCHEMA_FILE, Column, Feed, flag_rules, schema_text

DOCS = Path(__file__).resolve().parents[2] / "docs"
_NEEDS = {
    "actual_sales": "the one that `[variance] actual` names",
    "actual_quantities": "the one that `[forecast] actual` names",
}
NOTE = "<!-- Generated from the code by `make docs`. Do not edit. -->\n"


def feeds_page() -> str:
    """The feeds and their columns."""
    parts = [
        NOTE,
        "# Feeds\n",
        "What can be loaded. A column in **bold** is required. A row that breaks a rule is rejected, kept with its source",
        "values, and listed by `kam rejects`.\n",
        *(_feed(feed) for feed in FEEDS.values()),
    ]
    return "\n".join(parts)


def _feed(feed: Feed) -> str:
    lines = [
        f"## {feed.name}\n",
        f"{feed.meaning}. Key: {', '.join(f'`{name}`' for name in feed.key)}.\n",
        "| column | type | meaning | default | allowed |",
        "|---|---|---|---|---|",
        *(_column(column) for column in feed.columns),
        "",
    ]
    lines += [f"A row is rejected when {rule.message}.\n" for rule in feed.row_rules]
    if feed.priced:
        lines.append(f"A row is rejected when {' × '.join(feed.priced)} is 100 trillion or more.\n")
    return "\n".join(lines)


def _column(column: Column) -> str:
    name = f"**{column.name}**" if column.required else column.name
    bounds = [
        f"{word} {bound:f}" for word, bound in (("from", column.minimum), ("to", column.maximum)) if bound is not None
    ]
    allowed = ", ".join(column.values) or " ".join(bounds)
    return f"| {name} | {column.kind} | {column.meaning} | {column.default or ''} | {allowed} |"


def metrics_page() -> str:
    """The published tables and their columns."""
    parts = [
        NOTE,
        "# Published tables\n",
        "Tables in the schema `reporting` of `published/kam.duckdb`. Each has the newest version of every closed month;",
        "under the same name, the schema `history` has all versions. The same texts are the column comments, and `reporting.metric_definitions`.\n",
        "A figure that is undefined is NULL. If it has a column `<column>_reason`, that says why.\n",
        "## How figures add up\n",
        "| adds up | over the rows of a month | over months |",
        "|---|---|---|",
        "| sum | added | added |",
        "| last in time | added | the last month counts |",
        "| first in time | added | the first month counts |",
        "| ratio of A ÷ B | A and B each aggregated as their columns say, then divided | the same |",
        "| none | not at all | not at all |\n",
        "| unit | what it is |",
        "|---|---|",
        *(f"| {unit} | {meaning} |" for unit, meaning in vocabulary().units.items()),
        "",
        *map(_table, published_tables()),
    ]
    return "\n".join(parts)


def _table(model: Model) -> str:
    needs = " and ".join(" or ".join(_NEEDS.get(need, f"`{need}`") for need in sorted(group)) for group in model.needs)
    facts = [f"One row per {' × '.join(f'`{name}`' for name in model.grain)}."]
    if needs:
        facts.append(f"Needs the feeds {needs}.")
    if model.method:
        facts.append(f"Method `{model.method}`.")
    lines = [
        f"## {model.name}\n",
        f"{model.description[:1].upper()}{model.description[1:].rstrip('.')}. {' '.join(facts)}\n",
        "| column | type | unit | adds up | better | meaning | formula |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {column.name} | {column.sql_type} | {column.unit} | {column.adds_up} "
            f"| {column.direction if column.direction != 'neither' else ''} | {_escaped(column.meaning)} "
            f"| {_escaped(column.formula)}{f' ({column.source})' if column.source else ''} |"
            for column in model.columns
        ),
        "",
    ]
    return "\n".join(lines)


def flags_page() -> str:
    """The rules of account flags with their defaults."""
    rules = flag_rules().values()
    parts = [
        NOTE,
        "# Flags\n",
        "The rules by which `account_flags` marks accounts. [Flags](operations/flags.md) says how to read them and how to set",
        "thresholds. A number of percent is written as a fraction: 0.1 is 10 %.\n",
        "| rule | severity | fires when | default threshold | looks at |",
        "|---|---|---|---|---|",
        *(
            f"| `{rule.rule}` | {rule.severity} | {rule.meaning} | {rule.threshold} | `{rule.measure}` |"
            for rule in rules
            if rule.fires != "change"
        ),
        "",
        "Significant changes, severity info: the figure differs from the median of the twelve months before by more scaled MADs than",
        "the threshold, which is 3, and by more than the share `significant_change_ratio` of the median.\n",
        "| rule | figure |",
        "|---|---|",
        *(f"| `{rule.rule}` | {rule.meaning.partition(':')[0]} |" for rule in rules if rule.fires == "change"),
        "",
    ]
    return "\n".join(parts)


def rules_page() -> str:
    """The suites and their rules."""
    parts = [
        NOTE,
        "# Rules\n",
        "What is checked before a month is published. *critical*: not published; *warning*: published with a banner;",
        "*info*: recorded for the trend. A site changes severity and threshold in `kam.toml`, or turns a rule off:\n",
        "```toml",
        '[checks."invoices.has_rows"]',
        'severity = "critical"        # critical, warning, info, off',
        "",
        '[checks."invoices.due_on_or_after_invoice_date"]',
        "threshold = 5                # here: rows per month that may break the rule",
        "```\n",
        "It cannot change those marked *fixed*: they prove that figures tie. It adds its own as `checks/<name>.sql`",
        "([checks of your own](operations/checks.md#checks-of-your-own)).\n",
        "What each rule catches is shown by one broken input per rule: rows of a feed in `tests/feeds`, changes of a table in",
        "`tests/marts`, and what breaks every feed alike in `tests/expectations/test_broken_inputs.py`.\n",
        "## Of the feeds\n",
        *(_suite(suite) for suite in FEED_SUITES),
        "## Of the result tables\n",
        *(_suite(suite) for suite in MART_SUITES),
    ]
    return "\n".join(parts)


def _suite(suite: Suite) -> str:
    lines = [
        f"### {suite.name}\n",
        f"Over `{suite.table}`.\n",
        "| rule | what holds | severity | threshold | owner | if it fails |",
        "|---|---|---|---|---|---|",
        *(_rule(rule) for rule in suite.rules),
        "",
    ]
    return "\n".join(lines)


def _rule(rule: Rule) -> str:
    severity = f"{rule.severity}, fixed" if rule.is_fixed else rule.severity
    meaning = "rows" if rule.threshold == ALLOWED_FAILURES else rule.threshold.meaning
    line = "" if rule.is_fixed else f"{rule.threshold.value} {meaning}"
    return f"| `{rule.name}` | {_escaped(rule.sentence)} | {severity} | {line} | {rule.owner} | {_escaped(rule.if_it_fails)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when a page is out of date")
    only_check = parser.parse_args().check
    pages = {
        "feeds.md": feeds_page(),
        "metrics.md": metrics_page(),
        "rules.md": rules_page(),
        "flags.md": flags_page(),
        "settings.md": NOTE + settings_page(),
        "lineage.md": NOTE + lineage_page(),
        "lineage.svg": lineage_picture(),
        SCHEMA_FILE: schema_text(),
    }
    write_or_check(pages, only_check=only_check)


def write_or_check(pages: Mapping[str, str], *, only_check: bool) -> None:
    """Write pages to `docs/`, or exit 1 with the name of the first that is out of date."""
    for name, text in pages.items():
        file = DOCS / name
        if not only_check:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            sys.exit(f"docs/{name} is out of date. Run: make docs")


if __name__ == "__main__":
    main()
