"""The command line. Prefect and Great Expectations are imported only by the commands that run a flow."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.markup import escape
from typer.core import TyperGroup

if TYPE_CHECKING:
    from datetime import date

    from kam.close import Ageing, CloseReport, Forecast
    from kam.ingest import LoadResult
    from kam.site import Site
from kam import stops
from kam.cli.as_json import print_json
from kam.cli.console import out, print_table, problems, shown_path
from kam.cli.json_lines import FORMAT_VARIABLE, OPTION, is_wanted, json_lines, lines, write_error
from kam.cli.messages import (
    export_rejects,
    print_ageing,
    print_check,
    print_difference,
    print_forecast,
    print_load_notes,
    print_migration,
    print_new_site,
    print_page,
    print_pages,
    print_report,
    print_what_helps,
)
from kam.cli.options import (
    AcceptChangesOption,
    AcceptShrinkOption,
    AsKnownOnOption,
    AsOfLoadOption,
    EvenThoughOption,
    FeedOption,
    FromOption,
    JsonOption,
    LockReasonOption,
    LogFormat,
    Month,
    ReasonOption,
    RestateOption,
    SiteOption,
    StoreKind,
)
from kam.cli.progress import progress
from kam.cli.server import configured_server
from kam.errors import (
    KamError,
    MonthChangedError,
    SourceRefusedError,
    StoppedError,
    UsageError,
    ValidationFailedError,
)
from kam.stops import Stopped, listening
from kam.words import counted

Result = TypeVar("Result")
_STOPPED_WITHIN_TYPER = 130


class _Commands(TyperGroup):
    """The commands, of which each can be stopped."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer keeps the types to itself
        """Run a command. Raises `StoppedError` when a signal stopped it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            message = "Stopped."
            raise StoppedError(message, getattr(stop, "number", signal.SIGINT)) from None


app = typer.Typer(
    name="kam",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Month-end close for key-account managers: load extracts, validate them, compute the tables, publish them.\n\n"
    "Exit status: 0 done · 2 usage or settings · 3 a critical validation failed · 4 month closed and inputs changed · "
    "5 warehouse busy or away · 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by a closed terminal · 1 anything else.\n\nExample: [bold]kam --site my-site close 2026-10[/bold]",
)
alerts = typer.Typer(no_args_is_help=True, help="Alert channels: test them, and send the messages that wait.")
app.add_typer(alerts, name="alerts")


class _State:
    """The options before the command."""

    folder: Path | None = None
    verbose: bool = False
    prefect: bool = False


@app.callback()
def _options(
    context: typer.Context,
    folder: SiteOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Prefect's own log as well.")] = False,  # noqa: FBT002 - a command line switch
    prefect: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--prefect", help="Run as Prefect flows, also where no server is configured; `kam ui` shows their history."
        ),
    ] = False,
    log_format: Annotated[  # noqa: ARG001 - `main` looks for it before anything can fail
        LogFormat,
        typer.Option(
            OPTION,
            envvar=FORMAT_VARIABLE,
            show_envvar=False,
            help="How messages are written. json: one object a line, on stderr. Default: KAM_LOG_FORMAT, else text.",
        ),
    ] = LogFormat.TEXT,
) -> None:
    lines.about["command"] = context.invoked_subcommand or ""
    _State.folder, _State.verbose, _State.prefect = folder, verbose, prefect


def _site(own: Path | None) -> Site:
    from kam.site import find_site

    site = find_site(own or _State.folder)
    lines.about["site"] = site.settings.site.name
    return site


@app.command(epilog="Example: kam init my-site --from odoo")
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to create.")],
    preset: FromOption = None,
) -> None:
    """Create a site: a folder with a commented kam.toml and a landing folder; with --from, as an ERP needs it."""
    from kam.site import write_site

    print_new_site(write_site(directory, preset), preset)


@app.command(epilog="Example: kam demo demo-site --accounts 12 --months 24")
def demo(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to create.")],
    accounts: Annotated[int, typer.Option(min=1, help="Customer accounts.")] = 12,
    products: Annotated[int, typer.Option(min=1, help="Parts.")] = 30,
    months: Annotated[int, typer.Option(min=3, help="Months of history, the last one 2026-10.")] = 24,
    seed: Annotated[
        int, typer.Option(help="Another seed gives different data; the same seed gives the same bytes.")
    ] = 1,
) -> None:
    """Write a site of made-up extracts: the same arguments give the same bytes."""
    from kam.demo import write_demo

    with out.status("Writing extracts …") as status:
        summary = write_demo(
            directory,
            accounts=accounts,
            products=products,
            months=months,
            seed=seed,
            on_month=lambda month: status.update(f"Writing extracts: {month:%Y-%m} …"),
        )
    rows = [{"Feed": feed, "Rows": f"{count:,}"} for feed, count in summary.rows.items()]
    print_table("Extracts written", rows)
    out.print(f"Next: kam --site {escape(str(directory))} close {summary.last_month:%Y-%m}")


@app.command(epilog="Example: kam --site my-site check --feed orders")
def check(folder: SiteOption = None, feed: FeedOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a command line switch
    """Validate the settings, read every source and show what a load would do; loads nothing."""
    from kam.cli.check import check_site, summary

    site = _site(folder)
    with problems.status("Reading every source …"):
        report = check_site(site, feed)
    if as_json:
        print_json(summary(report))
    else:
        print_check(site, report)
    if report.refused or report.useless:
        raise typer.Exit(1)


@app.command(epilog="Example: kam --site my-site ingest --feed orders")
def ingest(
    folder: SiteOption = None,
    feed: FeedOption = None,
    accept_shrink: AcceptShrinkOption = False,  # noqa: FBT002 - a command line switch
    accept_changes: AcceptChangesOption = False,  # noqa: FBT002
) -> None:
    """Load what is new. Files that were loaded before are skipped."""
    site = _site(folder)
    _require_feed(site, feed)

    def flow() -> Any:  # noqa: ANN401 - the flow's result
        from flows.ingest import ingest

        return ingest(str(site.directory), feed, accept_shrink=accept_shrink, accept_changes=accept_changes)

    def steps() -> Sequence[LoadResult]:
        from kam.alerts import run_ingest
        from kam.close import Run, Terms
        from kam.ingest import ordered_feeds

        terms = Terms(accept_shrink=accept_shrink, accept_changes=accept_changes)
        return run_ingest(site, Run("ingest", terms=terms), [feed] if feed else ordered_feeds(site))

    loads = _run(site, steps, flow)
    from kam.report import load_summary

    print_table("Loaded", load_summary(loads), if_empty="Nothing new to load.")
    print_load_notes(site, loads)


@app.command(epilog='Example: kam --site my-site close 2026-10 --restate --reason "credit notes of October"')
def close(
    month: Month,
    folder: SiteOption = None,
    restate: RestateOption = False,  # noqa: FBT002 - a command line switch
    reason: ReasonOption = "",
    accept_shrink: AcceptShrinkOption = False,  # noqa: FBT002
    as_of_load: AsOfLoadOption = None,
    as_known_on: AsKnownOnOption = None,
    even_though: EvenThoughOption = "",
) -> None:
    """Close a month: load, validate, build, check, commit a version, publish."""
    from kam.periods import parse_month

    period = parse_month(month)
    known_on = as_known_on.date() if as_known_on else None
    _require_reason(restate=restate, reason=reason)
    site = _site(folder)

    def steps() -> CloseReport:
        from kam.alerts import run_close
        from kam.close import Run, Terms

        terms = Terms(restate, reason, accept_shrink, as_of_load, known_on, even_though=even_though)
        return run_close(site, Run("close", [period], terms=terms))

    def flow() -> CloseReport:
        from flows.monthly_close import monthly_close

        return monthly_close(
            str(site.directory), month, restate, reason, accept_shrink,
            as_of_load=as_of_load, as_known_on=known_on, even_though=even_though,
        )  # fmt: skip

    _close(site, steps, flow)


@app.command(epilog="Example: kam --site my-site backfill 2024-01 2026-10")
def backfill(  # noqa: PLR0913, PLR0917 - the command's options
    first: Month,
    last: Month,
    folder: SiteOption = None,
    restate: RestateOption = False,  # noqa: FBT002 - a command line switch
    reason: ReasonOption = "",
    accept_shrink: AcceptShrinkOption = False,  # noqa: FBT002
    as_of_load: AsOfLoadOption = None,
    as_known_on: AsKnownOnOption = None,
    even_though: EvenThoughOption = "",
    stop_on_failure: Annotated[  # noqa: FBT002
        bool, typer.Option("--stop-on-failure", help="Stop at the first month that fails.")
    ] = False,
    dry_run: Annotated[  # noqa: FBT002
        bool, typer.Option("--dry-run", help="Show what would be done and why; load and close nothing.")
    ] = False,
) -> None:
    """Close many months in few passes; months that are up to date are skipped."""
    from kam.periods import months_between, parse_month

    months = months_between(parse_month(first), parse_month(last))
    known_on = as_known_on.date() if as_known_on else None
    _require_reason(restate=restate, reason=reason)
    site = _site(folder)
    if dry_run:
        _print_plan(site, months, as_of_load=as_of_load, as_known_on=known_on, restate=restate)
        return

    def steps() -> CloseReport:
        from kam.alerts import run_close
        from kam.close import Run, Terms

        terms = Terms(
            restate, reason, accept_shrink, as_of_load, known_on,
            stop_on_failure=stop_on_failure, even_though=even_though,
        )  # fmt: skip
        return run_close(site, Run("backfill", months, terms=terms))

    def flow() -> CloseReport:
        from flows.backfill import backfill

        return backfill(
            str(site.directory), first, last, restate, reason, accept_shrink,
            as_of_load=as_of_load, as_known_on=known_on, stop_on_failure=stop_on_failure,
            even_though=even_though,
        )  # fmt: skip

    _close(site, steps, flow)


def _print_plan(
    site: Site, months: Sequence[date], *, as_of_load: int | None, as_known_on: date | None, restate: bool
) -> None:
    from kam.close import dry_run
    from kam.report import plan_rows

    with out.status("Planning …") as status, progress(out, status, problems):
        planned = dry_run(site, months, as_of_load=as_of_load, as_known_on=as_known_on, restate=restate)
    print_table("What a backfill would do with what is loaded", plan_rows(planned))


@app.command(epilog='Example: kam --site my-site withdraw 2026-11 --reason "closed before the invoices came"')
def withdraw(month: Month, folder: SiteOption = None, reason: ReasonOption = "") -> None:
    """Take back the newest version of a month; it is kept, and readers see the version before it, or none."""
    from kam.periods import parse_month

    period = parse_month(month)
    site = _site(folder)

    def steps() -> int:
        from kam.close import steps

        return steps.withdraw(site, period, reason)

    def flow() -> int:
        from flows.withdraw import withdraw

        return withdraw(str(site.directory), month, reason)

    version = _run(site, steps, flow)
    out.print(f"[green]{month}: version {version} is withdrawn.[/green] It is kept.", soft_wrap=True)
    print_page(site)


@app.command(epilog='Example: kam --site my-site approve 2026-10 --version 2 --comment "reviewed with sales"')
def approve(
    months: Annotated[
        list[str],
        typer.Argument(
            metavar="MONTH…", help="A month, such as 2026-10; or several with versions: 2026-09:1 2026-10:2."
        ),
    ],
    folder: SiteOption = None,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", min=1, help="The version that you looked at.")
    ] = None,
    comment: Annotated[
        str,
        typer.Option(
            "--comment", metavar="TEXT", help="What you looked at, or why it is right; kept in reporting.closes."
        ),
    ] = "",
) -> None:
    """Approve versions that wait for approval, and publish them."""
    from kam.cli.signoff import approval_lines, wanted_versions

    site = _site(folder)
    wanted = wanted_versions(site, months, version)

    def steps() -> list[int]:
        from kam.alerts import run_approve
        from kam.close import Run

        return [one.version for one in run_approve(site, Run("approve", sorted(wanted)), wanted, comment)]

    def flow() -> list[int]:
        from flows.approve import approve
        from kam.periods import month_name

        # One run each, the oldest month first: later ones may open from it.
        return [approve(str(site.directory), month_name(month), wanted[month], comment) for month in sorted(wanted)]

    _run(site, steps, flow)
    for line in approval_lines(site, wanted):
        out.print(escape(line), style="green", soft_wrap=True)
    print_pages(site)


@app.command(epilog='Example: kam --site my-site lock 2026-10 --reason "audited"')
def lock(month: Month, folder: SiteOption = None, reason: LockReasonOption = "") -> None:
    """Lock a closed month: it gets no other version until it is unlocked."""
    from kam.close import steps
    from kam.periods import parse_month

    site = _site(folder)
    steps.set_lock(site, parse_month(month), reason, is_locked=True)
    out.print(
        f"{month} is locked. To open it: {escape(site.command('unlock', month, '--reason TEXT'))}", soft_wrap=True
    )


@app.command(epilog='Example: kam --site my-site unlock 2026-10 --reason "credit note of the auditor"')
def unlock(month: Month, folder: SiteOption = None, reason: LockReasonOption = "") -> None:
    """Unlock a month: it can get other versions again."""
    from kam.close import steps
    from kam.periods import parse_month

    site = _site(folder)
    steps.set_lock(site, parse_month(month), reason, is_locked=False)
    out.print(f"{month} is no longer locked.")


@app.command(epilog="Example: kam --site my-site diff 2026-10 --from 1 --to 2")
def diff(
    month: Month,
    folder: SiteOption = None,
    first: Annotated[
        int | None, typer.Option("--from", metavar="N", help="The version to start from. Default: the last.")
    ] = None,
    second: Annotated[
        int | None,
        typer.Option("--to", metavar="N", help="The version to compare with. Default: what a close would give now."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many values and source rows to show.")] = 20,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="DIR", help="Write all values and source rows to CSV files in this folder."),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Show what differs between two versions of a month, largest first, and the source rows behind it."""
    from kam.close import difference
    from kam.periods import parse_month

    period = parse_month(month)
    site = _site(folder)
    console = problems if as_json else out
    with console.status("Comparing …") as status, progress(console, status, problems):
        found = difference(site, period, first, second, limit=limit, export_to=export)
    if as_json:
        print_json(found)
        return
    print_difference(month, found)
    if export is not None:
        out.print(
            f"Written: {escape(str(export / 'cells.csv'))}, {escape(str(export / 'source_rows.csv'))}", soft_wrap=True
        )


@app.command(epilog="Example: kam --site my-site explain otif_ratio --account K0004 --month 2026-10")
def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A published table, table.column, or a column.")],
    folder: SiteOption = None,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="Only this account.")] = None,
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="MONTH", help="A closed month, such as 2026-10. Default: the newest."),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            "--version",
            metavar="N",
            help="A version of the month. Default: the one that readers see; where they see none, the one that waits.",
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="COLUMN=VALUE", help="Only rows with this value; may be given several times."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many rows, lines and source rows to list.")
    ] = 20,
    as_json: JsonOption = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Explain a published figure: its meaning, its formula with the numbers, the lines behind it, and where they stand in which file.

    A month is explained as it was known when its version was made. Only the warehouse and the archive are read.
    """
    from kam.audit import explain
    from kam.cli.explain import as_document, chosen_keys, print_explanation
    from kam.periods import parse_month

    keys, period = chosen_keys(key or ()), parse_month(month) if month else None
    site = _site(folder)
    with problems.status("Looking for the lines …"):
        found = explain(site, name, account=account, month=period, version=version, keys=keys, limit=limit)
    if as_json:
        print_json(as_document(found))
    else:
        print_explanation(found)


@app.command(epilog="Example: kam --site my-site ageing --as-of 2026-10-17")
def ageing(
    as_of: Annotated[
        datetime,
        typer.Option("--as-of", metavar="DATE", formats=["%Y-%m-%d"], help="The day, such as 2026-10-17."),
    ],
    folder: SiteOption = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="A .csv, .parquet or .xlsx file; it is replaced. Default: published/ageing/ageing-DATE.csv.",
        ),
    ] = None,
    as_of_load: AsOfLoadOption = None,
    as_known_on: AsKnownOnOption = None,
) -> None:
    """Write the receivables as they stood at the end of a day, also inside a month, to a file; closes nothing.

    It uses what is loaded, and names files that wait; `kam ingest` loads them. The rows are those of receivables_ageing. No rule is checked.
    """
    day = as_of.date()
    known_on = as_known_on.date() if as_known_on else None
    target = file.absolute() if file else None
    site = _site(folder)

    def steps() -> Ageing:
        from kam.close import write_ageing

        return write_ageing(site, day, file=target, as_of_load=as_of_load, as_known_on=known_on)

    def flow() -> Ageing:
        from flows.ageing import ageing

        out_file = str(target) if target else None
        return ageing(str(site.directory), str(day), out_file, as_of_load=as_of_load, as_known_on=known_on)

    print_ageing(_run(site, steps, flow))


@app.command(epilog="Example: kam --site my-site report 2026-10 --xlsx")
def report(
    month: Month,
    folder: SiteOption = None,
    html: Annotated[bool, typer.Option("--html", help="Write pages to published/months/MONTH.")] = False,  # noqa: FBT002 - a command line switch
    xlsx: Annotated[bool, typer.Option("--xlsx", help="Write published/reports/MONTH.xlsx.")] = False,  # noqa: FBT002
    parquet: Annotated[bool, typer.Option("--parquet", help="Write published/parquet/TABLE/MONTH.parquet.")] = False,  # noqa: FBT002
    target: Annotated[
        Path | None,
        typer.Option("--out", metavar="PATH", help="The workbook, or with --html and --parquet the folder."),
    ] = None,
    preliminary: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--preliminary", help="Write the version that waits for approval, to preliminary/ in the site."),
    ] = False,
) -> None:
    """Write a closed month for people and tools: pages for the reviews of accounts, an Excel workbook, or Parquet files.

    The figures are those of the published file, or with --preliminary what readers would see if all that waits were approved. Whatever was
    written for the month before is replaced.
    """
    from kam.periods import month_name, parse_month
    from kam.publish import PREVIEWS, previewed, write_month_parquet, write_month_workbook, write_reviews

    chosen = [
        (write, noun)
        for wanted, write, noun in (
            (html, write_reviews, "account"),
            (xlsx, write_month_workbook, "table"),
            (parquet, write_month_parquet, "table"),
        )
        if wanted
    ]
    if len(chosen) != 1:
        message = "say what to write: --html for pages, --xlsx for a workbook, or --parquet for a file per table"
        raise UsageError(message)
    write, noun = chosen[0]
    period = parse_month(month)
    site = _site(folder)
    path = target.absolute() if target else None
    with out.status("Writing …"):
        if preliminary:
            default = "parquet" if parquet else f"{month_name(period)}.xlsx" if xlsx else month_name(period)
            with previewed(site, period) as preview:
                written = write(preview, period, path or site.directory / PREVIEWS / default)
        else:
            written = write(site, period, path)
    where = written.files[0].parent.parent if parquet else written.files[0]
    out.print(f"{counted(written.count, noun)} of {month} written: {escape(str(where))}", soft_wrap=True)


@app.command(epilog="Example: kam --site my-site forecast 2026-10 --model theta")
def forecast(
    month: Month,
    folder: SiteOption = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="seasonal_naive, theta or ets. theta and ets need the package statsforecast.",
        ),
    ] = "seasonal_naive",
    step: Annotated[
        str, typer.Option("--step", metavar="NAME", help="Under which forecast_step it is kept.")
    ] = "statistical",
    months: Annotated[int, typer.Option("--months", min=1, max=36, help="How many months ahead.")] = 12,
    by_part: Annotated[  # noqa: FBT002 - a command line switch
        bool, typer.Option("--by-part", help="Forecast parts over all accounts. Default: account × part.")
    ] = False,
    as_of_load: AsOfLoadOption = None,
    as_known_on: AsKnownOnOption = None,
) -> None:
    """Forecast every item at the end of a month from what was known then, and load it as a round of the feed forecasts.

    A closed month is taken as it was known when it was first closed. Run it after `kam ingest` and before `kam close`.
    """
    from kam.close import forecast_model
    from kam.periods import parse_month

    period, chosen = parse_month(month), forecast_model(model)
    known_on = as_known_on.date() if as_known_on else None
    site = _site(folder)

    def steps() -> Forecast:
        from kam.close import Wanted, make_forecast

        wanted = Wanted(period, chosen, months, step, by_account=not by_part)
        return make_forecast(site, wanted, as_of_load=as_of_load, as_known_on=known_on)

    def flow() -> Forecast:
        from flows.forecast import forecast

        return forecast(
            str(site.directory), month, model, step, months,
            by_part=by_part, as_of_load=as_of_load, as_known_on=known_on,
        )  # fmt: skip

    print_forecast(_run(site, steps, flow))


@app.command(epilog="Example: kam --site my-site verify 2026-10 --version 1")
def verify(
    month: Annotated[
        str | None, typer.Argument(metavar="MONTH", help="A month. Default: all versions of all months.")
    ] = None,
    folder: SiteOption = None,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", help="Which version. Default: the newest.")
    ] = None,
) -> None:
    """Rebuild closed versions from the archive and check that their content hashes match."""
    from kam.audit import verify as prove
    from kam.errors import UsageError
    from kam.periods import parse_month
    from kam.report import proof_rows, proofs_rows

    if month is None and version is not None:
        message = "--version needs a month: verify 2026-10 --version 1"
        raise UsageError(message)
    period = parse_month(month) if month else None
    site = _site(folder)
    with out.status("Reading the ledger …") as status:
        proofs = prove(site, period, version, on_step=lambda step: status.update(escape(step)))
    print_table(f"Rebuilt from {escape(site.archive_name)}", proofs_rows(proofs))
    for proof in proofs:
        if month or not proof.holds:
            print_table(f"Tables of {proof.name}", proof_rows(proof))
    broken = [proof for proof in proofs if not proof.holds]
    for proof in broken:
        if proof.approval_fault:
            problems.print(f"[red]{proof.name}: {escape(proof.approval_fault)}.[/red]", soft_wrap=True)
        if proof.tables_hold:
            continue
        why = (
            "because the models changed since it was closed"
            if proof.models_changed
            else "although the models have not changed"
        )
        problems.print(f"[red]{proof.name} could not be reproduced, {why}.[/red]", soft_wrap=True)
    if broken:
        raise typer.Exit(1)
    out.print("[green]All content hashes are equal.[/green]")


@app.command(epilog="Example: kam --site my-site publish")
def publish(folder: SiteOption = None) -> None:
    """Build the published file again from all committed versions, and bring the other targets up to date.

    Ends with status 1 if a target fails; the published file is new then all the same.
    """
    from kam.cli.status import failed_targets

    site = _site(folder)

    def flow() -> bool:
        from flows.publish import publish

        return publish(str(site.directory))

    def steps() -> bool:
        from kam.alerts import run_publish
        from kam.close import Run

        return run_publish(site, Run("publish"))

    _run(site, steps, flow)
    out.print(f"Published: {shown_path(site.published / 'kam.duckdb')}")
    print_pages(site)
    failed = failed_targets(site)
    if failed:
        problems.print(f"[red]Not published to {escape(', '.join(failed))}.[/red]", soft_wrap=True)
        raise typer.Exit(1)


@app.command(epilog="Example: kam --site my-site superset superset-assets")
def superset(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write; one written before is updated.")],
    folder: SiteOption = None,
    url: Annotated[
        str,
        typer.Option(
            "--url",
            metavar="URL",
            help="SQLAlchemy URL at which Superset finds the tables, without a password. Default: the published file.",
        ),
    ] = "",
    schema: Annotated[
        str, typer.Option("--schema", metavar="NAME", help="The schema that has the tables there.")
    ] = "reporting",
) -> None:
    """Write dashboards of Apache Superset, and the published tables as its datasets with a metric per measure, as `superset import-directory` takes them."""
    from kam.publish import PUBLISHED_FILE, file_url, write_superset

    site = _site(folder)
    written = write_superset(
        target,
        url or file_url(site.published / PUBLISHED_FILE),
        schema=schema,
        currency=site.settings.site.reporting_currency,
    )
    counts = ", ".join(
        (
            counted(written.datasets, "dataset"),
            counted(written.charts, "chart"),
            counted(written.dashboards, "dashboard"),
        )
    )
    out.print(
        f"{counts} written to {target}. Next: superset import-directory -o {target}", markup=False, soft_wrap=True
    )


@app.command(epilog="Example: kam --site my-site rebuild --force")
def rebuild(
    folder: SiteOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing warehouse.")] = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Rebuild the warehouse from the archive and its ledger, and compare the content hashes."""
    from kam.audit import rebuild as run
    from kam.warehouse import store_of

    site = _site(folder)
    with out.status("Reading the ledger …") as status:
        report = run(site, force=force, on_step=lambda step: status.update(escape(step)), on_wait=out.print)
    out.print(
        f"{report.load_count:,} loads with {report.row_count:,} rows and {report.close_count:,} closed versions "
        f"rebuilt from {escape(site.archive_name)}: {escape(store_of(site).name)}",
        soft_wrap=True,
    )
    for difference in report.differences:
        problems.print(f"[red]{escape(difference)}[/red]", soft_wrap=True)
    if report.differences:
        if report.kept:
            problems.print(f"The previous warehouse is kept: {escape(report.kept)}", soft_wrap=True)
        raise typer.Exit(1)
    if report.close_count:
        out.print("All content hashes are equal.")
        out.print(f"To publish them: {escape(site.command('publish'))}")


@app.command(epilog="Example: kam --site my-site migrate --to ducklake --catalog KAM_CATALOG")
def migrate(
    to: Annotated[StoreKind | None, typer.Option("--to", help="Where loads and versions shall be stored.")] = None,
    folder: SiteOption = None,
    catalog: Annotated[
        str,
        typer.Option(
            "--catalog",
            metavar="VARIABLE",
            help="The environment variable with the URL of the lake's PostgreSQL database.",
        ),
    ] = "KAM_CATALOG",
    data: Annotated[
        str, typer.Option("--data", metavar="PLACE", help="The folder of the lake's data files, or s3://BUCKET/PLACE.")
    ] = "lake",
    archive: Annotated[
        str | None,
        typer.Option(
            "--archive",
            metavar="PLACE",
            help="s3://BUCKET/PLACE for archive and ledger, or archive: the folder of the site. A site with a lake may move these alone.",
        ),
    ] = None,
) -> None:
    """Move loads and versions from the working file to a DuckLake, which is experimental, or back, and compare both; or the archive."""
    from kam.audit import IN_FOLDER, migrate_archive
    from kam.audit import migrate as run
    from kam.errors import UsageError

    if to is None and archive is None:
        message = "name what shall move where: --to ducklake, --to file or --archive PLACE"
        raise UsageError(message)
    site = _site(folder)
    with out.status("Reading the ledger …") as status:

        def on_step(step: str) -> None:
            status.update(escape(step))

        if archive is not None and (to is None or to.value == site.settings.warehouse.kind):
            print_migration(site, None, migrate_archive(site, archive, on_step=on_step, on_wait=out.print))
        else:
            report = run(
                site,
                (to or StoreKind.FILE).value,
                catalog_variable=catalog.removeprefix("env:"),
                data=data,
                archive=archive or IN_FOLDER,
                on_step=on_step,
                on_wait=out.print,
            )
            print_migration(site, report, report.archive)


@app.command(epilog="Example: kam --site my-site maintain")
def maintain(folder: SiteOption = None) -> None:
    """Compact a DuckLake, forget its old states, and remove files that nothing needs; a working file needs none of that."""
    from kam.audit import maintain as run

    site = _site(folder)
    with out.status("Opening the lake …") as status:
        found = run(site, on_step=lambda step: status.update(escape(step)), on_wait=out.print)
    if found is None:
        out.print(
            f"{site.warehouse}: nothing to do. DuckDB keeps a working file in order by itself.",
            markup=False,
            soft_wrap=True,
        )
        return
    out.print(
        f"{counted(found.file_count, 'data file')}, {found.byte_count:,} bytes in use; {found.byte_count_before:,} before.",
        markup=False,
    )
    out.print(
        f"The rows of all tables and the content hashes of {counted(found.contents.version_count, 'version')} are as before."
    )


@app.command(epilog="Example: kam --site my-site status")
def status(
    folder: SiteOption = None,
    timings: Annotated[  # noqa: FBT002 - a command line switch
        bool, typer.Option("--timings", help="Show the last runs and where time went, in place of all else.")
    ] = False,
    month: Annotated[
        str | None, typer.Option("--month", metavar="MONTH", help="With --timings: only runs over this month.")
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show closed months, the last loads, what failed, and the flags of the newest month; or where the time of runs went."""
    from kam.cli.status import site_status

    site = _site(folder)
    if timings:
        _show_timings(site, month, as_json=as_json)
        return
    if month is not None:
        message = "--month is the month of --timings: name both"
        raise UsageError(message)
    report = site_status(site)
    if as_json:
        print_json({"site": site.settings.site.name, "folder": site.directory, **vars(report)})
        raise typer.Exit(1 if report.faults else 0)
    out.print(f"[bold]{escape(site.settings.site.name)}[/bold] in {shown_path(site.directory)}")
    needs_approval = any(month["Approved"] for month in report.months)
    months = [
        {name: value for name, value in month.items() if name != "Approved" or needs_approval}
        for month in report.months
    ]
    print_table("Closed months", months, if_empty=f"No month is closed yet. Next: {site.command('close', 'MONTH')}")
    print_table("Waiting for approval", report.waiting)
    print_table("Locked months", report.locked)
    print_table("Failed closes", report.failed_closes)
    print_table("Last loads", report.loads, if_empty=f"Nothing is loaded yet. Next: {site.command('ingest')}")
    print_table("Failed checks of the latest attempt per month", report.failed_checks, if_empty="No check failed.")
    print_table(report.flag_counts, report.flags, if_empty=report.flag_counts)
    print_table("Published beside the DuckDB file", report.targets)
    if any(target["Failed since (UTC)"] for target in report.targets):
        out.print(f"To catch up: {escape(site.command('publish'))}", soft_wrap=True)
    print_table("Undelivered alerts", report.undelivered)
    if report.undelivered:
        out.print(f"To send them: {escape(site.command('alerts', 'send'))}", soft_wrap=True)
    for fault in report.faults:
        problems.print(f"[red]{escape(fault)}[/red]", soft_wrap=True)
    if report.faults:
        raise typer.Exit(1)


def _show_timings(site: Site, month: str | None, *, as_json: bool) -> None:
    from kam.cli.timings import shown, timings
    from kam.periods import parse_month

    found = timings(site, parse_month(month) if month else None)
    if as_json:
        print_json({"site": site.settings.site.name, "folder": site.directory, **vars(found)})
        return
    over = f" over {month}" if month else ""
    print_table(
        f"Last runs{over}",
        shown(found.runs),
        if_empty=f"No run{over} is on record. A rebuild of the warehouse forgets those before it.",
    )
    if found.runs:
        print_table(
            f"Where the time of run {found.runs[0]['Run']} went", shown(found.steps), if_empty="It had no step."
        )
    print_table("Slowest models of the newest run that built any", shown(found.models))


@app.command(epilog="Example: kam --site my-site quality --month 2026-10 --data-docs")
def quality(
    folder: SiteOption = None,
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="MONTH", help="The month. Default: the newest that was closed or tried."),
    ] = None,
    data_docs: Annotated[  # noqa: FBT002 - a command line switch
        bool,
        typer.Option("--data-docs", help="Build Great Expectations' Data Docs (HTML) of what that close recorded."),
    ] = False,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where to build them. Default: published/data-docs/MONTH."),
    ] = None,
) -> None:
    """Show what failed at the close of a month, and where the data quality page is; builds Data Docs on request."""
    from kam.cli.quality import quality_rows, recorded
    from kam.publish import write_data_docs

    site = _site(folder)
    if out_folder and not data_docs:
        message = "--out is the folder of --data-docs: name both"
        raise UsageError(message)
    found = recorded(site, month)
    if found is None:
        out.print(f"No month is closed yet. Next: {escape(site.command('close', 'MONTH'))}")
        return
    version = f"version {found.version}" if found.version else "the attempt that failed"
    held = f"{len(found.checks) - len(found.failed):,} of {counted(len(found.checks), 'rule')} held."
    out.print(f"[bold]{found.month:%Y-%m}[/bold], {version}: {held}")
    print_table("What is wrong", quality_rows(found), if_empty="No rule failed.")
    if data_docs:
        with out.status("Building Data Docs …"):
            written = write_data_docs(site, found, out_folder)
        out.print(f"Data Docs of {counted(written.count, 'rule')}: {shown_path(written.files[0])}", soft_wrap=True)
    print_page(site)


@app.command(epilog="Example: kam --site my-site ui")
def ui(
    folder: SiteOption = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where the pages are served, on this machine only.")
    ] = 4200,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the pages.")] = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Serve Prefect's pages of the site's runs until Ctrl-C; meanwhile the site's commands run there, each step a task."""
    from kam.cli.pages import serve

    serve(_site(folder), port, opens_browser=not no_browser)


@app.command(epilog="Example: kam --site my-site serve")
def serve(
    folder: SiteOption = None,
    ingest: Annotated[
        str, typer.Option("--ingest", metavar="CRON", help="When to load what is new. An empty text: never.")
    ] = "30 5 * * *",
    close: Annotated[
        str, typer.Option("--close", metavar="CRON", help="When to close the previous month. An empty text: never.")
    ] = "0 7 3 * *",
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many runs at a time.")] = 2,
    approver: Annotated[
        list[str] | None,
        typer.Option(
            "--approver", metavar="NAME", help="Serve a deployment that approves in this name; may be repeated."
        ),
    ] = None,
) -> None:
    """Run the site's schedules and whatever is started on the pages of the Prefect server, until Ctrl-C; no worker is needed.

    It applies the automations, too, when KAM_ALERT_URL is set. Schedules are in the site's time zone.
    """
    from kam.cli.serve import serve

    site = _site(folder)
    serve(site, configured_server(site), ingest=ingest, close=close, limit=limit, approvers=approver or ())


@app.command(epilog="Example: kam sites sites.toml --html sites.html")
def sites(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="The table of sites, such as sites.toml.")],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page, too; it is replaced.")
    ] = None,
) -> None:
    """Show for each site of a table the newest published month, its version and verdict, since when, and what is to do."""
    from datetime import UTC

    from kam.cli.sites import page, state_rows, states
    from kam.site import read_sites

    now = datetime.now(UTC)
    found = states(read_sites(table, checked=False), now)
    print_table("", state_rows(found))
    if html is not None:
        html.write_text(page(found, now), encoding="utf-8")
        out.print(f"Written: {shown_path(html)}", soft_wrap=True)


@alerts.command("test", epilog="Example: kam --site my-site alerts test")
def alerts_test(folder: SiteOption = None) -> None:
    """Send one test message to every channel."""
    from kam.alerts import send_test

    site = _site(folder)
    _require_channels(site)
    with out.status("Sending a test message …"):
        attempts = send_test(site)
    for attempt in attempts:
        if attempt.error:
            problems.print(f"[red]{attempt.channel}: not delivered: {escape(attempt.error)}[/red]", soft_wrap=True)
        else:
            out.print(f"[green]{attempt.channel}: delivered[/green]")
    if any(attempt.error for attempt in attempts):
        raise typer.Exit(1)


@alerts.command("send", epilog="Example: kam --site my-site alerts send")
def alerts_send(folder: SiteOption = None) -> None:
    """Send the alerts that were not delivered yet."""
    from kam.alerts import send_waiting

    site = _site(folder)
    _require_channels(site)
    with out.status("Sending …") as status, progress(out, status, problems):
        left = send_waiting(site)
    waiting = [
        {
            "Written (UTC)": f"{delivery.created_at:%Y-%m-%d %H:%M}",
            "Alert": delivery.message.subject,
            "Channel": delivery.channel,
            "Attempts": f"{delivery.attempts:,}",
            "Why": delivery.last_error,
        }
        for delivery in left
    ]
    print_table("Still waiting", waiting, if_empty="No alert is waiting.")
    if waiting:
        raise typer.Exit(1)


@alerts.command("automations", epilog="Example: KAM_ALERT_URL=mailto://… kam alerts automations")
def alerts_automations() -> None:
    """Make the Prefect server of PREFECT_API_URL send a message when a run crashes or is late."""
    from kam.cli import automations, prefect_runtime

    prefect_runtime.configure()
    automations.apply()


def _require_channels(site: Site) -> None:
    if not site.settings.alerts.channels:
        message = "kam.toml: no [alerts.channels.NAME] is declared, so there is no one to send to"
        raise UsageError(message)


@app.command(epilog="Example: kam --site my-site rejects --feed orders --export fix-orders.csv")
def rejects(
    folder: SiteOption = None,
    feed: FeedOption = None,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write the open rejects of one feed to a new file, to fix and resend. Workbooks: FILE.xlsx.",
        ),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Show rejected rows by load and rule, with the first open ones; or export them."""
    from kam.cli.status import site_rejects

    site = _site(folder)
    _require_feed(site, feed)
    if export is not None:
        export_rejects(site, feed, export)
        return
    report = site_rejects(site, feed)
    if as_json:
        print_json(report)
        return
    print_table("Rejected rows by load and rule", report.by_rule, if_empty="No row was rejected.")
    print_table("The first open rejects", report.rows)
    if report.rows:
        command = site.command("rejects", "--feed", feed or "FEED", "--export", "FILE")
        out.print(f"Open: {report.open_count:,} rows. To fix them: {escape(command)}", soft_wrap=True)


def _require_feed(site: Site, feed: str | None) -> None:
    from kam.site import require_feed

    if feed is not None:
        require_feed(site.settings, feed)


def _require_reason(*, restate: bool, reason: str) -> None:
    from kam.close import require_reason

    require_reason(restate=restate, reason=reason)


def _run(site: Site, steps: Callable[[], Result], flow: Callable[[], Result]) -> Result:
    """Run the steps, or the flow where a Prefect server is configured or asked for, with our progress lines on the console."""
    server = configured_server(site)
    try:
        if server is None and not _State.prefect:
            with out.status(f"{site.settings.site.name}: starting …") as status, progress(out, status, problems):
                return steps()
        from kam.cli.prefect_runtime import run_quietly

        if server is not None:
            problems.print(f"On the Prefect server {server.url} of {server.named_by}", markup=False, soft_wrap=True)
        return run_quietly(flow, site, server, console=out, stages=problems, verbose=_State.verbose)
    except KeyboardInterrupt as stop:
        message = "Stopped. Nothing half-done was published; run the command again to continue"
        raise StoppedError(message, getattr(stop, "number", signal.SIGINT)) from None


def _close(site: Site, steps: Callable[[], CloseReport], flow: Callable[[], CloseReport]) -> None:
    """Close months and print the report; when that fails, what helps to find out why."""
    try:
        report = _run(site, steps, flow)
    except (MonthChangedError, SourceRefusedError, ValidationFailedError):
        print_what_helps(site)
        raise
    print_report(site, report)


def main() -> None:
    """Run a command and answer with the exit status of its error (`kam.errors`)."""
    if is_wanted(sys.argv[1:]):
        with json_lines(sys.argv[1:]):
            sys.exit(_status_in_json())
    try:
        sys.exit(_run_app(is_alone=True))
    except KamError as error:
        with suppress(OSError):  # a terminal that was closed
            problems.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
        sys.exit(error.exit_code)
    except Exception as error:
        if _State.verbose:
            raise
        problems.print(
            f"[red]Unexpected: {escape(type(error).__name__)}: {escape(str(error))}[/red]\n"
            "See the details with: kam --verbose …"
        )
        sys.exit(1)


def _run_app(*, is_alone: bool) -> int:
    """Run the command of this process; its exit status. Alone, Typer prints errors of the command line itself; else it raises them.

    Raises `StoppedError` also where a signal came while Typer was busy, which makes a silent status of it.
    """
    try:
        with listening():
            try:
                status = int(app(standalone_mode=is_alone) or 0)
            except SystemExit as ended:
                status = int(ended.code or 0)
            if status == _STOPPED_WITHIN_TYPER:
                stops.check()
            return status
    except Stopped as stop:
        message = "Stopped."
        raise StoppedError(message, stop.number) from None


def _status_in_json() -> int:
    """Run a command whose errors are lines of JSON, too; its exit status."""
    try:
        return _run_app(is_alone=False)
    except KamError as error:
        write_error(error, str(error), error.exit_code)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - as a line, whatever it is
        if in_words := getattr(error, "format_message", None):  # what is wrong with the command line
            message = in_words() or "A command is missing. See: kam --help"
            write_error(error, message, usage := getattr(error, "exit_code", 2))
            return int(usage)
        message = f"Unexpected: {type(error).__name__}: {error}. See the details with: kam --verbose …"
        write_error(error, message, 1, with_code=_State.verbose)
        return 1
