"""The words of alerts: lines, lists, commands to run next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from kam.alerts.findings import Failure, MonthNow
from kam.alerts.harmless_text import harmless
from kam.close import Run
from kam.ingest import LoadResult
from kam.periods import month_name
from kam.publish import MONTHS, front_page
from kam.site import Site

_SHOWN_FAILURES = 10
_EXPLAINED = 3
LONGEST_SENTENCE = 400


def failure_lines(failures: Sequence[Failure]) -> list[str]:
    """A line for each failure; the first ones with what they break and what to do."""
    return [
        f"{failure.line}\n  If it fails: {failure.if_it_fails}"
        if failure.if_it_fails and number < _EXPLAINED
        else failure.line
        for number, failure in enumerate(failures)
    ]


def listed_months(months: Sequence[MonthNow], run: Run) -> str:
    """The lines of these months, each with the name of its month where the run was for several."""
    if run.kind != "backfill":
        return cut_short([line for month in months for line in month.lines])
    return cut_short([line_about(month.name, line.removeprefix("- ")) for month in months for line in month.lines])


def line_about(subject: str, text: str) -> str:
    """A line with the name of what it is about, once."""
    return f"- {text}" if text.startswith(subject) else f"- {subject}: {text}"


def cut_short(lines: Sequence[str]) -> str:
    """The first lines, and how many more there are."""
    if len(lines) <= _SHOWN_FAILURES:
        return "\n".join(lines)
    return "\n".join([*lines[:_SHOWN_FAILURES], f"- … and {len(lines) - _SHOWN_FAILURES:,} more"])


def refusal_line(load: LoadResult) -> str:
    """The line of a source that was refused."""
    named = load.message if load.message.startswith(load.feed) else f"{load.feed}: {load.message}"
    return f"- {harmless(named, LONGEST_SENTENCE)}"


def were_in_words(names: Iterable[str]) -> str:
    """`orders was`, `orders and invoices were`."""
    listed = list(names)
    return f"{listed[0]} was" if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]} were"


def command_again(site: Site, run: Run) -> str:
    """The command that repeats a run with the same options; what was approved has only to be published."""
    if run.kind == "approve":
        return site.command("publish")
    return site.command(run.name, *(['--restate --reason "…"'] if run.terms.restate else []))


def next_step(commands: Sequence[str]) -> str:
    """The line that says what to do next; empty without commands."""
    return f"Next: {'; '.join(commands)}" if commands else ""


def page_address(site: Site, months: Sequence[date]) -> str:
    """The address of the quality page, at the first of these months."""
    anchor = f"#month-{month_name(months[0])}" if months else ""
    return f"{site.settings.alerts.link or site.published / 'quality' / 'index.html'}{anchor}"


def front_address(site: Site) -> str:
    """The address of the overview of the newest month; empty where there is none."""
    page = front_page(site)
    return f"{site.settings.publish.link or site.published}/{page.name}" if page else ""


def pack_address(site: Site, month: date) -> str:
    """The address of a month in the close pack; of the quality page where no pack is written."""
    if not site.settings.publish.pack:
        return page_address(site, [month])
    return f"{site.settings.publish.link or site.published}/{MONTHS}/{month_name(month)}/index.html"
