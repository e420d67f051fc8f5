"""What a command says of a run when it has ended: its report, its loads and rejects, and what helps when it failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from kam.cli.console import out, print_table, problems, shown_path, side_by_side
from kam.words import counted

if TYPE_CHECKING:
    from kam.archive import MovedArchive
    from kam.audit import MigrationReport
    from kam.cli.check import SiteCheck
    from kam.close import Ageing, CloseReport, Difference, Forecast
    from kam.ingest import Examination, LoadResult
    from kam.site import Site

_SHOWN_CORRECTIONS = 20


def print_new_site(file: Path, preset: str | None) -> None:
    """What was written, and what to do next."""
    from kam.site import variables_of

    check = f"kam --site {escape(str(file.parent))} check"
    if preset is None:
        out.print(
            f"Wrote {escape(str(file))}. Put extracts in {escape(str(file.parent / 'landing'))}, adapt the file, then: {check}"
        )
        return
    variables = variables_of(file.read_text(encoding="utf-8"))
    needed = (
        f"set {' and '.join(variables)} to the address of the database"
        if variables
        else "put the files that it names into landing/"
    )
    out.print(f"Wrote {escape(str(file))}. Read its first lines, {needed}, then: {check}", soft_wrap=True)


def print_report(site: Site, report: CloseReport) -> None:
    """Months, loads, checks, corrections and headline figures of a run that closes, and where they were published."""
    from kam.close import Outcome
    from kam.report import (
        approval_lines,
        check_rows,
        correction_rows,
        headline_rows,
        load_summary,
        month_line,
        published_words,
        unmet_rows,
    )

    months = [outcome.month for outcome in report.months]
    print_table("Closed although not ready", unmet_rows(report.requirements))
    print_table("Loaded", load_summary(report.loads), if_empty="Nothing new to load.")
    failed = check_rows(report.checks, months)
    passed = f"All {len(report.checks)} checks passed." if report.checks else ""
    print_table(f"Checks that failed, of {len(report.checks)}", failed, if_empty=passed)
    print_table(
        f"Corrections in force: {len(report.corrections):,}", correction_rows(report.corrections, _SHOWN_CORRECTIONS)
    )
    for table, reason in sorted(report.empty_because.items()):
        out.print(f"[dim]{table} is empty: {escape(reason)}[/dim]")
    if len(months) <= 6:  # noqa: PLR2004 - as many columns as fit a console
        print_table("Headline figures", headline_rows(report.headlines))
    for outcome in report.months:
        if line := month_line(outcome):
            out.print(line, style="green" if outcome.outcome is Outcome.CLOSED else None)
    for line in approval_lines(site, report):
        out.print(escape(line), soft_wrap=True)
    out.print(f"{published_words(report)}: {shown_path(site.published / 'kam.duckdb')}")
    print_pages(site)
    print_load_notes(site, report.loads)


def print_what_helps(site: Site) -> None:
    """Where to look after a close that failed: versions that wait, of its other months, open rejects and the data quality page."""
    from kam.cli.signoff import waiting_line
    from kam.cli.status import site_rejects

    if line := waiting_line(site):
        out.print(escape(line), soft_wrap=True)
    is_open = site_rejects(site, None).open_count
    if is_open:
        out.print(
            f"Rejected and not fixed: {counted(is_open, 'row')}: {escape(site.command('rejects'))}", soft_wrap=True
        )
    print_page(site)


def print_pages(site: Site) -> None:
    """Where the pages lie that people open, if the site has them, and the data quality page."""
    from kam.publish import front_page

    if front := front_page(site):
        out.print(f"Which accounts to call: {shown_path(front)}", soft_wrap=True)
    print_page(site)


def print_page(site: Site) -> None:
    """Where the data quality page lies."""
    from kam.publish.quality_page import PAGE

    out.print(f"Data quality: {shown_path(site.published / PAGE)}", soft_wrap=True)


def print_load_notes(site: Site, loads: Sequence[LoadResult]) -> None:
    """What was left for the next run, and what was rejected."""
    from kam.ingest import LoadStatus

    for load in loads:
        if load.status is LoadStatus.LEFT:
            out.print(f"[yellow]{escape(load.message)}[/yellow]", soft_wrap=True)
    for load in loads:
        print_reject_share(site, load, "rejected")
    if any(load.rejected_count for load in loads):
        out.print(f"Rejected rows: {escape(site.command('rejects'))}", soft_wrap=True)


def print_reject_share(site: Site, counted: LoadResult | Examination, verb: str) -> None:
    """Say so when more rows are rejected than the settings allow."""
    limit = site.settings.ingest.reject_share
    if counted.rejected_count > limit * counted.read_count:
        note = (
            f"{counted.feed}: {counted.source}: {counted.rejected_count:,} of {counted.read_count:,} rows {verb}, "
            f"more than [ingest] reject_share allows ({limit:.1%})"
        )
        out.print(f"[yellow]{escape(note)}[/yellow]", soft_wrap=True)


def print_ageing(found: Ageing) -> None:
    """What is open and overdue on a day, by bucket and of the largest accounts, and where the items are."""
    from kam.report import ageing_rows

    print_table(
        f"Receivables at the end of {found.day}",
        ageing_rows([*found.buckets, found.total], "Bucket", found.currency),
    )
    print_table("Accounts that owe most", ageing_rows(found.accounts, "Account", found.currency))
    for note in found.notes:
        out.print(f"[yellow]{escape(note)}[/yellow]", soft_wrap=True)
    out.print(f"Written: {shown_path(found.file)}", soft_wrap=True)


def print_forecast(made: Forecast) -> None:
    """The items of a round by method, what was loaded, and what to know about it."""
    from kam.ingest import LoadStatus
    from kam.periods import add_months, month_name

    wanted, load = made.wanted, made.load
    rows = [{"Method": method, "Items": f"{count:,}"} for method, count in made.items.items()]
    first, last = (month_name(add_months(wanted.snapshot, ahead)) for ahead in (1, wanted.month_count))
    print_table("Items by method", rows)
    out.print(
        f"Forecast at the end of {month_name(wanted.snapshot)} of {first} to {last}, by {wanted.grain}, as known at load "
        f"{made.as_of_load}. Step: {escape(wanted.step)}",
        soft_wrap=True,
    )
    if load.status is LoadStatus.ALREADY_LOADED:
        out.print(f"Unchanged: load {load.load_id} has the same forecast.")
    else:
        out.print(f"Load {load.load_id}: {load.loaded_count:,} rows loaded, {load.unchanged_count:,} unchanged.")
    for note in made.notes:
        out.print(f"[yellow]{escape(note)}[/yellow]", soft_wrap=True)


def print_check(site: Site, report: SiteCheck) -> None:
    """What each source would give, what is refused, and which feeds need work."""
    from kam.cli.check import by_rule, fault_rows
    from kam.report import correction_rows

    for examined in report.examined:
        rejected = f"would reject {examined.rejected_count:,} of them ({by_rule(examined)})"
        out.print(
            f"[bold]{examined.feed}[/bold] {escape(examined.source)}: {examined.read_count:,} rows"
            f"{f', {examined.left_out}' if examined.left_out else ''}"
            f"{f', [yellow]{escape(rejected)}[/yellow]' if examined.faults else ', none to reject'}"
        )
        if examined.rounded:
            out.print(f"[yellow]{escape(examined.rounded)}[/yellow]")
        print_table("", fault_rows(examined))
        print_table("", side_by_side(examined.sample[:3]))
        print_reject_share(site, examined, "would be rejected")
    for note in report.notes:
        out.print(f"[yellow]{escape(note)}[/yellow]")
    print_table("Corrections, as known at the last load", correction_rows(report.corrections))
    for message in report.refused:
        problems.print(f"[red]{escape(message)}[/red]", soft_wrap=True)
    for proposal in report.proposals:
        out.print(escape(proposal), soft_wrap=True)
    for name in report.useless:
        problems.print(f"[red]{name}: every row would be rejected. Nothing of this feed would be loaded.[/red]")
    if not report.refused:
        out.print("The settings and all sources can be read.")
    if report.in_need:
        out.print(
            f"{len(report.in_need)} of {counted(len(report.feeds), 'feed')} {'needs' if len(report.in_need) == 1 else 'need'} "
            f"work: {', '.join(report.in_need)}.",
            soft_wrap=True,
        )


def print_difference(month: str, found: Difference) -> None:
    """What a new version of a month would change, by table and figure, and the rows behind it."""
    from kam.report import cell_rows, figure_rows, source_rows, table_rows

    out.print(f"[bold]{month}[/bold]: {found.before.name} → {found.after.name}")
    for reason in found.reasons:
        out.print(f"[yellow]{escape(reason)}[/yellow]")
    print_table("Rows by table", table_rows(found.tables), if_empty="No figure differs.")
    print_table("Headline figures", figure_rows(found.figures))
    if found.cells:
        print_table(f"The largest of {found.cell_count:,} changed values", cell_rows(found.cells))
    if found.tables:
        print_table(
            f"The first of {found.source_count:,} source rows behind them",
            source_rows(found.sources),
            if_empty="No source row of these accounts differs. The cause is a setting, a correction, a model, a rate or the opening balance.",
        )


def export_rejects(site: Site, feed: str | None, file: Path) -> None:
    """Write the open rejects of a feed to a file and say how to go on. Raises as `kam.ingest.rejects.export` does."""
    from kam.archive import ledger
    from kam.ingest import rejects as kept

    with ledger.open_complete(site) as con:
        name = kept.feed_to_export(con, site, feed)
        count = kept.export(con, site, name, file)
    if not count:
        out.print(f"{name}: no reject is open; no file was written.")
        return
    source = site.settings.feeds[name]
    where = escape(", ".join(source.patterns)) or "a file that the source takes"
    advice = f"Fix the rows, put the file where {where} finds it, then: {site.command('ingest')}"
    if source.mode == "snapshot":
        advice = "Fix the rows in the source's next full extract: this file alone would end all other rows"
    elif not kept.loads_again(source, file):
        again = site.command("rejects", "--feed", name, "--export", "FILE.xlsx")
        advice = f"It is for reading: the files of {name} are workbooks. To fix and resend the rows: {again}"
    out.print(f"{count:,} rows in {escape(str(file))}. {advice}", soft_wrap=True)


def print_migration(site: Site, report: MigrationReport | None, archive: MovedArchive | None) -> None:
    """What moved where, and what is left of it where it was."""
    from kam.site import SETTINGS_FILE

    lines = []
    kept = [moved.kept for moved in (report, archive) if moved]
    if report:
        found = report.contents
        lines += [
            f"{counted(found.row_count, 'row')} of {counted(len(found.tables), 'table')} copied to {report.name}.",
            f"The rows of all tables and the content hashes of {counted(found.version_count, 'version')} are equal.",
        ]
    if archive:
        lines.append(
            f"The archive is in {archive.name} now: {counted(archive.file_count, 'file')}, each compared with its hash, and "
            f"{counted(archive.line_count, 'line')} of the ledger."
        )
    stays = "is kept as it was" if len(kept) == 1 else "are kept as they were"
    lines.append(f"{SETTINGS_FILE} says so now, and {' and '.join(kept)} {stays}. Next: {site.command('status')}")
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
