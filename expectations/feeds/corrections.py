"""The corrections of `corrections.toml`: each still finds its wrong value."""

from __future__ import annotations

from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="corrections",
    table="core.corrections",
    batch="SELECT *, NULL::DATE AS period_month FROM build.corrections",
    # Not a feed: `suites_of_feeds` names it when the site has any.
    needs=frozenset({"corrections"}),
    rules=(
        Rule(
            name="corrections.guards_hold",
            sentence="Every correction in corrections.toml still finds its wrong value.",
            finding="{of} <correction> of corrections.toml (does|do) not find (its|their) wrong value",
            owner=Owner.DATA,
            severity=Severity.CRITICAL,
            if_it_fails="A stale entry would change figures unnoticed, or does nothing; change or remove it in "
            "corrections.toml, then close again. kam check lists all of them.",
            failing="SELECT * FROM batch WHERE fault IS NOT NULL",
            keys=("feed", "key", "column_name", "wrong_value", "found_value", "fault", "owner"),
            is_fixed=True,
        ),
    ),
)
