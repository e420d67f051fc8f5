"""From a figure to its lines: what a published figure means, its formula with the numbers, the rows behind it, and their files.

A mart's header says which lines are behind its figures and what each brings to a measure (`kam.build.detail`). These lines, and the lines
behind them, lead to rows of feeds, which name their load, file and record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kam.audit.chase import BRINGS, Lines, Source, Sources, chase, lines_behind, listed
from kam.audit.past import Past, past
from kam.audit.published import Figure, figures_of, make_published, require_account, total
from kam.audit.subjects import Subject, subject_of
from kam.build import Detail, MartColumn, Model, brought_by, details_for, names_in, published_tables
from kam.site import Site
from kam.warehouse import number_of, rows

_HALF = Decimal("0.5")


@dataclass(frozen=True)
class Check:
    """A measure as published, and what the lines behind it bring together.

    `tolerance` is what rounding may make of it: half a unit of the last digit per line and row. The measure has `decimals` digits after the point.
    """

    measure: str
    figure: Decimal
    lines: Decimal
    tolerance: Decimal
    decimals: int

    @property
    def difference(self) -> Decimal:
        """The lines less the figure."""
        return self.lines - self.figure

    @property
    def holds(self) -> bool:
        """Whether the lines come to the figure, but for rounding."""
        return abs(self.difference) <= self.tolerance


@dataclass(frozen=True)
class Explanation:
    """A published table or one column of it in one closed month, of one account where that is named.

    `rows` are the first of `row_count` published rows. `sources` are the first of `source_count` rows of feeds. `notes` are for the
    reader; they also say why there are no lines where there are none.
    """

    table: Model
    column: MartColumn | None
    month: date
    version: int
    verdict: str
    as_of_load: int
    account_id: str | None
    figures: Sequence[Figure]
    rows: Sequence[Mapping[str, object]]
    row_count: int
    checks: Sequence[Check]
    lines: Sequence[Lines]
    sources: Sequence[Source]
    source_count: int
    notes: Sequence[str]

    @property
    def name(self) -> str:
        """`table`, or `table.column`."""
        return f"{self.table.name}.{self.column.name}" if self.column else self.table.name


def explain(
    site: Site,
    name: str,
    *,
    account: str | None = None,
    month: date | None = None,
    version: int | None = None,
    keys: Mapping[str, str] | None = None,
    limit: int = 20,
) -> Explanation:
    """Explain a published table, a `table.column` or a column that one table has.

    `account` and `keys` (column and value) choose rows, `limit` how many rows, lines and source rows are listed. Only reads.
    Raises `UsageError` naming what to do for a name, account, month or version that is not there.
    """
    subject = subject_of(name, has_account=account is not None)
    with past(site, month, version) as known:
        return explained(known, subject, account=account, keys=keys or {}, limit=limit)


def explained(
    known: Past, subject: Subject, *, account: str | None = None, keys: Mapping[str, str] | None = None, limit: int = 20
) -> Explanation:
    """Explain one table or column in a month that is open; raises as `explain` does."""
    table, column = subject.table, subject.column
    require_account(known, table, account)
    notes = make_published(known, table, account, keys or {})
    published = rows(known.con, f"FROM published ORDER BY {', '.join(table.grain)}")
    figures = figures_of(known.con, table, column)
    sources = Sources(known)
    found: list[Lines] = []
    checks: list[Check] = []
    notes += _about(known, table, column, figures, published)
    if published and (column is None or len(figures) <= 1):
        measures = _parts(table, column) if column else _measures(table) if len(figures) <= 1 else []
        entries = _entries(table, measures if column else [""])
        notes += [_without_lines(table, detail) for detail in entries if detail.none_because]
        made = [detail for detail in entries if not detail.none_because]
        brought = [brought_by(table.details, detail, measures) for detail in made]
        found = [
            _followed(known, detail, f"lines_{number}", brought[number], sources, limit)
            for number, detail in enumerate(made)
        ]
        checks = _checks(known, table, measures, published, brought)
        if column and column.is_additive and found and not checks:
            notes.append("These lines are not added up: how they make the figure is in the meaning and in the model.")
        notes += sources.notes
        if not made and not any(detail.none_because for detail in entries):
            notes.append("It tells about the runs themselves and is not made from rows of feeds.")
    return Explanation(
        table=table,
        column=column,
        month=known.month,
        version=known.version,
        verdict=str(known.close["verdict"]),
        as_of_load=known.as_of_load,
        account_id=account,
        figures=figures if column else (),
        rows=published[:limit],
        row_count=len(published),
        checks=checks,
        lines=found,
        sources=sources.first(limit),
        source_count=sources.count(),
        notes=list(dict.fromkeys(notes)),
    )


def _measures(table: Model) -> list[str]:
    return [column.name for column in table.columns if column.is_additive]


def _brought(table: Model, measure: str) -> bool:
    return any(detail.brings(measure) for detail in details_for(table.details, measure))


def _parts(table: Model, column: MartColumn) -> list[str]:
    """The measures whose lines make up a column: its own, else those of the columns in its formula that have some."""
    return _brought_parts(table, column, {column.name}) or [column.name]


def _brought_parts(table: Model, column: MartColumn, seen: set[str]) -> list[str]:
    if _brought(table, column.name):
        return [column.name]
    named = {other.name: other for other in table.columns if other.unit}
    found: list[str] = []
    for name in names_in(column):
        if name in named and name not in seen:
            seen.add(name)
            found += _brought_parts(table, named[name], seen)
    return list(dict.fromkeys(found))


def _entries(table: Model, measures: Sequence[str]) -> list[Detail]:
    """The entries for these measures; where some bring something to one, only these and those that say why there are none."""
    found = list(dict.fromkeys(detail for measure in measures for detail in details_for(table.details, measure)))
    bringing = [detail for detail in found if brought_by(table.details, detail, measures) or detail.none_because]
    return bringing if any(not detail.none_because for detail in bringing) else found


def _followed(
    known: Past, detail: Detail, table: str, brought: Mapping[str, str], sources: Sources, limit: int
) -> Lines:
    """Make a table of the lines of an entry, follow it to rows of feeds, and list its first lines."""
    lines_behind(known, detail, "figures", table, brought)
    if number_of(known.con, f"SELECT count(*) FROM {table}"):
        chase(known, detail.relation, table, brought.values(), sources)
    return listed(known, detail, table, list(brought), limit)


def _checks(
    known: Past,
    table: Model,
    measures: Sequence[str],
    published: Sequence[Mapping[str, object]],
    brought: Sequence[Mapping[str, str]],
) -> list[Check]:
    """The measures that are defined and to which lines bring something; `brought` is what each table of lines brings."""
    columns = {column.name: column for column in table.columns}
    checks = []
    for measure in measures:
        tables = [f"lines_{number}" for number, brings in enumerate(brought) if measure in brings]
        figure = total(columns[measure], published) if tables else None
        if not isinstance(figure, int | float | Decimal):
            continue
        together = " UNION ALL ".join(f"SELECT {_number(measure)} AS brought FROM {name}" for name in tables)
        sums = f"SELECT coalesce(sum(brought), 0)::VARCHAR, count(*) FROM ({together})"
        lines, count = known.con.execute(sums).fetchall()[0]
        half = _HALF.scaleb(-columns[measure].decimals)
        tolerance = half * (count + len(published)) if columns[measure].decimals else Decimal()
        checks.append(Check(measure, Decimal(str(figure)), Decimal(lines), tolerance, columns[measure].decimals))
    return checks


def _number(measure: str) -> str:
    return f"{BRINGS}{measure}::DECIMAL(38, 8)"


def _without_lines(table: Model, detail: Detail) -> str:
    of = ", ".join(detail.measures) if detail.measures else table.name
    return f"{of}: no lines, {detail.none_because}."


def _about(
    known: Past,
    table: Model,
    column: MartColumn | None,
    figures: Sequence[Figure],
    published: Sequence[Mapping[str, object]],
) -> list[str]:
    """What a reader has to know: that others do not see this, models that changed, several figures, nothing published, the same figure elsewhere."""
    notes = []
    if not known.close["stands"]:
        notes.append("This version was withdrawn, and readers do not see it.")
    elif not known.close["is_shown"]:
        notes.append("This version is preliminary: nobody approved it, and readers do not see it.")
    if known.models_changed:
        notes.append(
            "The models changed since this version was made; the lines are those that the present models find."
        )
    if not published:
        notes.append("There is no such row in the month.")
    if column and len(figures) > 1:
        (name, value) = next(iter(figures[0].of.items()))
        notes.append(f"To see the lines, name one of the figures: --key {name}={value}.")
    if column and column.unit and any(detail.none_because for detail in details_for(table.details, column.name)):
        name = column.name.removeprefix("last_month_").removeprefix("prior_year_")
        others = [
            f"{other.name}.{name} (one row is: {', '.join(other.grain)})"
            for other in published_tables()
            if other.name != table.name
            and not other.is_old_name
            and any(own.name == name and own.unit for own in other.columns)
        ]
        notes += [f"The same name elsewhere, to be explained instead: {other}." for other in others]
    return notes
