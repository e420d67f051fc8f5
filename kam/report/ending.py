"""How a run ended, in a name, a sentence, closing lines and a page of Markdown: the same words on a console and on a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from expectations import Severity
from kam.alerts import front_address, harmless, page_address
from kam.close import CloseReport, MonthOutcome, Outcome, Run, signoff, why_not_valid
from kam.errors import (
    KamError,
    MonthChangedError,
    MonthLockedError,
    SettingsError,
    SourceRefusedError,
    UsageError,
    ValidationFailedError,
    WarehouseBusyError,
)
from kam.ingest import LoadResult, LoadStatus
from kam.periods import month_name
from kam.publish import PublishedMonth
from kam.report.tables import Row, headline_rows
from kam.site import Site
from kam.words import counted

Standing = Mapping[date, PublishedMonth]
_SHOWN_MONTHS = 6
_SHOWN_NAMES = 12
_BY_ERROR = (
    (SourceRefusedError, "Source refused"),
    (MonthLockedError, "Locked"),
    (MonthChangedError, "Needs a restatement"),
    (WarehouseBusyError, "Busy"),
    (SettingsError, "Wrong settings"),
    (UsageError, "Refused"),
)


@dataclass(frozen=True)
class Ending:
    """How a run ended: a name such as `Published`, a message that says it in full, and whether it failed."""

    name: str
    message: str
    failed: bool = False


def ending(run: Run, error: KamError | None, standing: Standing) -> Ending:
    """How a run over months ended; `standing` are the versions that readers see after it."""
    if error is not None:
        return failed(error, run)
    waiting = [month for month in run.report.months if month.is_preliminary]
    if waiting:
        return _preliminary(run, waiting)
    closed = [month for month in run.report.months if month.outcome is Outcome.CLOSED]
    if not closed:
        again = "; published again, because a target lagged" if run.report.published else ""
        return Ending("Unchanged", f"{_row(run.report.months)}: nothing changed since {_versions(run.report)}{again}")
    warned = [month for month in closed if _verdict(month.month, standing) == Severity.WARNING]
    name = "Published with warnings" if warned else "Published"
    if len(run.report.months) == 1:
        count = _warnings(run.report, closed[0].month)
        warnings = f", {counted(count, 'warning')}" if warned and count else ""
        return Ending(name, f"{month_name(closed[0].month)} version {closed[0].version} published{warnings}")
    parts = [f"{len(closed)} of {counted(len(run.report.months), 'month')} published: {_row(closed)}"]
    if warned:
        parts.append(f"with warnings: {_row(warned)}")
    if len(closed) < len(run.report.months):
        parts.append(f"{len(run.report.months) - len(closed)} unchanged")
    return Ending(name, "; ".join(parts))


def _preliminary(run: Run, waiting: Sequence[MonthOutcome]) -> Ending:
    """How a run ended whose versions wait for approval."""
    if len(run.report.months) == 1:
        message = f"{month_name(waiting[0].month)} version {waiting[0].version} waits for approval; {_seen(waiting[0])}"
        return Ending("Preliminary", message)
    what = f"{len(waiting)} of {counted(len(run.report.months), 'month')} wait for approval: {_row(waiting)}"
    return Ending("Preliminary", f"{what}. Readers see the versions that were approved before")


def _seen(outcome: MonthOutcome) -> str:
    return f"readers see version {outcome.seen}" if outcome.seen else "readers see no figures of this month"


def approval_lines(site: Site, report: CloseReport) -> list[str]:
    """How to look at the versions that wait for approval, and to approve them; empty without any."""
    waiting = [month for month in report.months if month.is_preliminary]
    if not waiting:
        return []
    which = "it" if len(waiting) == 1 else "them, a month each"
    lines = [f"Look at {which}: {signoff.look_command(site, waiting[0].month)}"]
    if len(waiting) == 1 and waiting[0].seen:
        versions = f"--from {waiting[0].seen} --to {waiting[0].version}"
        lines.append(f"See what differs: {site.command('diff', month_name(waiting[0].month), versions)}")
    command = signoff.approve_command(site, {month.month: month.version for month in waiting})
    return [*lines, f"Approve {'it' if len(waiting) == 1 else 'them'}: {command}"]


def failed(error: KamError, run: Run | None = None) -> Ending:
    """How a run ended that an error of ours stopped, or that could not close all its months."""
    if isinstance(error, ValidationFailedError):
        return Ending(_why_not_valid(run), str(error), failed=True)
    names = (name for kind, name in _BY_ERROR if isinstance(error, kind))
    return Ending(next(names, "Failed"), str(error), failed=True)


def closing_lines(site: Site, report: CloseReport) -> list[str]:
    """What a close says at its end: its months, what was published, and where to look."""
    lines = [line for line in map(month_line, report.months) if line]
    lines += approval_lines(site, report)
    lines.append(f"{published_words(report)}: {site.published / 'kam.duckdb'}")
    if front := front_address(site):
        lines.append(f"Which accounts to call: {front}")
    lines.append(f"Data quality: {page_address(site, [])}")
    lines += [load.message for load in report.loads if load.status is LoadStatus.LEFT]
    if any(load.rejected_count for load in report.loads):
        lines.append(f"Rejected rows: {site.command('rejects')}")
    return lines


def published_words(report: CloseReport) -> str:
    """What stands before the path of the published file."""
    if any(month.is_preliminary for month in report.months):
        return "What readers see"
    return "Published" if report.published else "Published before"


def month_line(outcome: MonthOutcome) -> str:
    """How a month ended, in a line; empty for one whose error says it."""
    name = month_name(outcome.month)
    if outcome.outcome is Outcome.UNCHANGED:
        waits = f" It waits for approval; {_seen(outcome)}." if outcome.is_preliminary else ""
        return f"{name}: nothing changed since version {outcome.version}; no new version.{waits}"
    if outcome.outcome is not Outcome.CLOSED:
        return ""
    if outcome.is_preliminary:
        return f"{name}: closed as version {outcome.version}, preliminary: it waits for approval; {_seen(outcome)}."
    return f"{name}: closed as version {outcome.version}."


def load_line(loads: Sequence[LoadResult]) -> str:
    """What was loaded, in a line."""
    loaded = [load for load in loads if load.status is LoadStatus.LOADED]
    if not loaded:
        return "Nothing new was loaded"
    rejected = sum(load.rejected_count for load in loaded)
    words = f"{counted(sum(load.loaded_count for load in loaded), 'row')} of {counted(len(loaded), 'source')} loaded"
    return f"{words}, {counted(rejected, 'row')} rejected" if rejected else words


def summary(site: Site, run: Run, ended: Ending) -> str:
    """A page of Markdown about a run: how it ended, the headline figures, what to do next, where to look."""
    shown = set(sorted({line.month for line in run.report.headlines})[-_SHOWN_MONTHS:])
    figures = [line for line in run.report.headlines if line.month in shown]
    parts = [f"# {harmless(site.settings.site.name)}, {run.name}: {ended.name}"]
    parts.append(_verbatim(ended.message) if ended.failed else f"{ended.message}. {load_line(run.report.loads)}.")
    if figures:
        parts.append(_table(headline_rows(figures)))
    parts += ["## What to do next", *(_verbatim(step) for step in _next_steps(site, run, ended))]
    months = [month.month for month in run.report.months]
    parts.append("## Where to look")
    if front := front_address(site):
        parts.append(f"- Which accounts to call: {_address(front)}")
    parts.append(f"- Data quality: {_address(page_address(site, months))}")
    return "\n\n".join(parts)


def _next_steps(site: Site, run: Run, ended: Ending) -> list[str]:
    """What helps, each step once; a line says so when there is nothing to do."""
    steps = [step for month in run.report.months for step in month.next_steps]
    if ended.name == "Preliminary":
        steps += approval_lines(site, run.report)
        steps.append("Or run the deployment approve with month, version and comment.")
    elif ended.name == "Needs a restatement":
        steps.append("Or run this deployment again with restate and reason.")
    elif ended.name == "Not ready":
        steps.append("Or run this deployment again with even_though, which is recorded.")
    elif run.refused:
        steps += [f"See what is wrong: {site.command('check')}", f"Then: {site.command(run.name)}"]
    elif ended.name == "Published with warnings":
        steps.append(f"See what failed: {site.command('status')}")
    elif ended.failed and not steps:
        steps.append(f"Fix what is named above, then: {site.command(run.name)}")
    return list(dict.fromkeys(steps))[:_SHOWN_NAMES] or ["Nothing."]


def _why_not_valid(run: Run | None) -> str:
    if run is None:
        return "Not ready"
    months = [month.month for month in run.report.months if month.outcome is Outcome.FAILED]
    lacking = {found.month for found in run.report.requirements if not found.is_met}
    if not run.terms.even_though and months and lacking.issuperset(months):
        return "Not ready"
    broken = any(why_not_valid(run.report.checks, run.report.controls, month) for month in months)
    return "Checks failed" if broken else "Failed"


def _verdict(month: date, standing: Standing) -> str:
    return standing[month].verdict if month in standing else ""


def _warnings(report: CloseReport, month: date) -> int:
    checks = sum(check.severity == Severity.WARNING and check.fails_in(month) for check in report.checks)
    return checks + sum(total.month == month and not total.ties for total in report.controls)


def _versions(report: CloseReport) -> str:
    versions = {month.version for month in report.months}
    return f"version {versions.pop()}" if len(versions) == 1 else "their versions"


def _row(months: Sequence[MonthOutcome]) -> str:
    names = [month_name(month.month) for month in months]
    return ", ".join(names) if len(names) <= _SHOWN_MONTHS else f"{names[0]} to {names[-1]}"


def _verbatim(text: str) -> str:
    """A text that may hold names from the data, shown as it is."""
    return "```\n" + text.replace("```", "'''") + "\n```"


def _address(where: str) -> str:
    return f"<{where}>" if where.startswith(("http://", "https://")) else f"`{where}`"


def _table(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[harmless(row.get(name, "")) for name in names] for row in rows]
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
