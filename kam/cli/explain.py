"""What `kam explain` prints: a figure, its formula with the numbers, the lines behind it, and where their rows stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

from kam.cli.console import out, print_table
from kam.errors import UsageError
from kam.words import counted

if TYPE_CHECKING:
    from kam.audit import Check, Explanation, Lines
    from kam.report import Row

_MOST_COLUMNS = 6
_BRINGS = "brings_"


def chosen_keys(given: Sequence[str]) -> dict[str, str]:
    """`["basis=promised"]` as a mapping. Raises `UsageError` for what is not column=value."""
    keys = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            message = f"--key {text}: write it as column=value, such as --key plan_version=budget"
            raise UsageError(message)
        keys[name.strip()] = value.strip()
    return keys


def print_explanation(found: Explanation) -> None:
    """All of it for people."""
    _print_meaning(found)
    _print_figures(found)
    for lines in found.lines:
        _print_lines(lines)
    for check in found.checks:
        _print_check(check)
    _print_sources(found)
    for note in found.notes:
        out.print(f"[yellow]{escape(note)}[/yellow]", soft_wrap=True)


def _print_meaning(found: Explanation) -> None:
    table, column = found.table, found.column
    of = f" of {found.account_id}" if found.account_id else ""
    out.print(
        f"[bold]{escape(found.name)}{escape(of)}, {found.month:%Y-%m}[/bold]: version {found.version}, {found.verdict}, "
        f"as known at load {found.as_of_load}",
        soft_wrap=True,
    )
    said = [("Table", table.description), ("One row is", ", ".join(table.grain))]
    if column:
        better = f"; {column.direction} is better" if column.direction in ("more", "less") else ""
        said = [
            ("Meaning", column.meaning),
            ("Unit", f"{column.unit}{better}" if column.unit else ""),
            ("Adds up", column.adds_up),
            ("Formula", column.formula),
            ("Defined by", column.source),
            *said,
        ]
    for name, text in said:
        if text:
            out.print(f"  {name + ':':<12}{escape(text)}", soft_wrap=True)


def _print_figures(found: Explanation) -> None:
    from kam.build import shown

    for figure in found.figures:
        of = ", ".join(f"{name} {shown(value)}" for name, value in figure.of.items())
        out.print(f"[bold]{escape(f'{of}: ' if of else '')}{escape(figure.formula)}[/bold]", soft_wrap=True)
        if figure.value is None:
            out.print(f"  Undefined: {escape(figure.reason)}", soft_wrap=True)
    wanted = [name for name in found.table.grain if name != "period_month"]
    if found.column:
        from kam.build import names_in

        columns = {column.name for column in found.table.columns}
        wanted += [name for name in (found.column.name, *names_in(found.column)) if name in columns]
    else:
        measures = [column for column in found.table.columns if column.unit and column.name not in wanted]
        additive = [column for column in measures if column.is_additive]
        wanted += [column.name for column in additive or measures][:_MOST_COLUMNS]
    units = {column.name: column.unit for column in found.table.columns}
    rows = [{name: _cell(row.get(name), units.get(name, "")) for name in dict.fromkeys(wanted)} for row in found.rows]
    print_table(f"Published rows: {_first_of(len(rows), found.row_count)}", rows)


def _print_lines(lines: Lines) -> None:
    bringing = "" if lines.counting is None else f", {lines.counting:,} of them count"
    title = f"{lines.relation}: {counted(lines.count, 'line')}{bringing}"
    if not lines.rows:
        # Rows of a feed that bring no number are listed with their files.
        if not lines.is_feed:
            out.print(title, soft_wrap=True)
        return
    names = _telling(lines)
    rows: list[Row] = [
        {name: _cell(row[name]) for name in names}
        | {f"→ {name}": _cell(row[f"{_BRINGS}{name}"]) for name in lines.brings}
        for row in lines.rows
    ]
    print_table(f"{title}{'' if len(rows) == lines.count else f'; the first {len(rows):,}'}", rows)


def _telling(lines: Lines) -> list[str]:
    """The columns that tell lines apart: numbers of documents, dates, amounts, then others; no more than fit."""

    def rank(name: str) -> int:
        endings = (("_id", "_no"), ("_date", "_month", "month"), ("_amount", "_amount_doc", "amount", "quantity"))
        return next((place for place, ending in enumerate(endings) if name.endswith(ending)), len(endings))

    names = [
        name
        for name in lines.rows[0]
        if not name.startswith(_BRINGS) and name not in lines.keys and name not in lines.brings and _tells(lines, name)
    ]
    kept = sorted(names, key=rank)[:_MOST_COLUMNS]
    return [name for name in names if name in kept]


def _tells(lines: Lines, name: str) -> bool:
    """Whether the listed lines have something in a column, and not all the same."""
    values = {str(row[name]) for row in lines.rows}
    return values != {"None"} and (len(values) > 1 or len(lines.rows) == 1)


def _print_check(check: Check) -> None:
    from kam.build import shown

    digits = check.decimals
    figure, lines, off = (round(number, digits) for number in (check.figure, check.lines, check.difference))
    if check.holds:
        rounding = f", {shown(abs(off))} off by rounding" if off else ""
        out.print(f"[green]{check.measure}: the lines add up to {shown(lines)}{rounding}.[/green]")
    else:
        out.print(
            f"[red]{check.measure}: the lines come to {shown(lines)}, not to {shown(figure)}: {shown(off)} differs.[/red]",
            soft_wrap=True,
        )


def _print_sources(found: Explanation) -> None:
    from kam.audit import said

    rows: list[Row] = [
        {
            "Feed": source.feed,
            "Row": source.key,
            "Says": said(source),
            "Load": str(source.load_id),
            "File": source.file,
            "Place": source.place,
        }
        for source in found.sources
    ]
    print_table(f"Rows of feeds: {_first_of(len(rows), found.source_count)}", rows)
    for source in found.sources:
        for correction in source.corrections:
            out.print(f"{escape(f'{source.feed} {source.key}: corrected: {correction}')}", soft_wrap=True)


def _first_of(shown: int, count: int) -> str:
    return f"{count:,}" if shown == count else f"the first {shown:,} of {count:,}"


def _cell(value: object, unit: str = "") -> str:
    from kam.build import shown

    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(shown(one) for one in value.values() if one is not None)
    return shown(value, unit)


def as_document(found: Explanation) -> dict[str, object]:
    """All of it for other programs."""
    table, column = found.table, found.column
    return {
        "table": table.name,
        "column": column.name if column else None,
        "month": f"{found.month:%Y-%m}",
        "version": found.version,
        "verdict": found.verdict,
        "as_of_load": found.as_of_load,
        "account_id": found.account_id,
        "grain": table.grain,
        "table_meaning": table.description,
        "definition": {
            "meaning": column.meaning,
            "unit": column.unit,
            "adds_up": column.adds_up,
            "formula": column.formula,
            "direction": column.direction,
            "source": column.source,
        }
        if column
        else None,
        "figures": found.figures,
        "row_count": found.row_count,
        "rows": found.rows,
        "checks": [{**vars(check), "difference": check.difference, "holds": check.holds} for check in found.checks],
        "lines": found.lines,
        "source_count": found.source_count,
        "sources": found.sources,
        "notes": found.notes,
    }
