"""Each rule is proved by one broken input: what was broken, and what the rule caught.

The data is that of `kam demo`, eight months up to October 2026. What breaks a rule of one feed is a row in a file
(`tests/feeds/<feed>.py`). What breaks the rules that many feeds share (`GENERAL`) is done to the loaded rows of October, in
a transaction that is undone. What breaks a rule of a mart is a change of the table itself (`TAMPERINGS` in `tests/marts`),
because no input breaks a model that is right.
"""

from __future__ import annotations

import csv
import importlib
import pkgutil
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path

import pytest

import tests.marts
from expectations import CheckResult, Suite, validate
from expectations.feeds import FEED_SUITES, PREPARED
from expectations.marts import MART_SUITES
from expectations.site import suites_of_feeds, suites_of_marts
from kam.build import make_ahead, marts
from kam.close import steps
from kam.demo import write_demo
from kam.ingest import ordered_feeds
from kam.site import FEEDS, FeedSource, Kind, Site, find_site
from kam.warehouse import Connection, warehouse
from tests.expectations.cases import Tampering, passed
from tests.feeds import CASES
from tests.feeds.case import Keys, Row
from tests.support import long, write_csv

SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)
MIDDLE = date(2026, 10, 14)
RULES = {rule.name: suite for suite in (*FEED_SUITES, *MART_SUITES) for rule in suite.rules}
FEED_OF = {name: suite.name for name, suite in RULES.items() if suite in FEED_SUITES}
Caught = tuple[CheckResult, Sequence[Keys]]
"""The outcome of a rule, and the keys that it has to name beside those that it names in October as it is."""


def of_feeds(general_rule: str) -> list[str]:
    """The feeds that are held to one of the rules that feeds share."""
    return [feed for name, feed in FEED_OF.items() if name == f"{feed}.{general_rule}" and feed in FEEDS]


# --- the tables are not what the models made of them ------------------------------------------------------------------


def tamperings() -> Iterator[Tampering]:
    """Those that follow from a rule that many marts share, and those of `tests/marts`."""
    modules = [
        importlib.import_module(f"tests.marts.{found.name}") for found in pkgutil.iter_modules(tests.marts.__path__)
    ]
    named = list(chain.from_iterable(getattr(module, "TAMPERINGS", ()) for module in modules))
    yield from named
    for mart in marts():
        yield Tampering(f"{mart.name}.rows_are_of_the_months", "period_month = '2030-01-01'")
        rule = f"{mart.name}.account_is_given"
        if rule in RULES and rule not in {tampering.rule for tampering in named}:
            yield Tampering(rule, "account_id = NULL", "account_id IS NOT NULL")


TAMPERINGS = tuple(tamperings())

# --- the site ---------------------------------------------------------------------------------------------------------


def extracts(site: Path, feed: str) -> list[Path]:
    """The files of a feed."""
    landing = site / "landing"
    return sorted((landing / feed).glob("*.csv")) or sorted(landing.glob(f"{feed}.csv"))


def write_site(folder: Path) -> None:
    """The demo with an extract of every feed, and a correction that finds what it is for."""
    write_demo(folder, accounts=24, products=10, months=8)
    settings = (folder / "kam.toml").read_text(encoding="utf-8")
    for feed, case in CASES.items():
        # Further files of a feed that comes as one file.
        settings = settings.replace(f'"landing/{feed}.csv"', f'"landing/{feed}*.csv"')
        if case.extract:
            columns = list(dict.fromkeys(chain.from_iterable(case.extract)))
            write_csv(folder / "landing" / f"{feed}.csv", columns, case.extract)
            settings += f'\n[feeds.{feed}]\nfiles = "landing/{feed}*.csv"\n'
        elif not extracts(folder, feed):
            pytest.fail(f"kam/demo writes no extract for the feed {feed}. Give `extract` in tests/feeds/{feed}.py")
    (folder / "kam.toml").write_text(settings, encoding="utf-8")
    with (folder / "landing" / "accounts.csv").open(encoding="utf-8", newline="") as text:
        industry = next(row["industry"] for row in csv.DictReader(text) if row["account_id"] == "K0001")
    # It changes nothing that another rule looks at.
    correct(folder, wrong=industry)


def correct(folder: Path, *, wrong: str) -> None:
    entry = f'feed = "accounts"\nkey = {{ account_id = "K0001" }}\ncolumn = "industry"\nwrong = "{wrong}"\n'
    entry += 'right = "Testing"\nreason = "Known"\nowner = "Sales"\n'
    (folder / "corrections.toml").write_text(f"[[corrections]]\n{entry}", encoding="utf-8")


def land(site: Site, name: str, feed: str, rows: Sequence[Row]) -> None:
    """One more file of a feed, with its columns and in its dialect; without rows it is a file without a byte."""
    source, (other, *_) = site.settings.feeds[feed], extracts(site.directory, feed)
    dialect = source.csv
    file = other.with_name(f"{name}.csv" if other.parent.name == feed else f"{feed}_{name}.csv")
    with other.open(encoding=dialect.encoding, newline="") as text:
        columns = next(csv.reader(text, delimiter=dialect.delimiter))
    records = [as_sent(feed, source, row) for row in rows]
    with file.open("w", encoding=dialect.encoding, newline="") as text:
        if records:
            header = list(dict.fromkeys([*columns, *chain.from_iterable(records)]))
            writer = csv.DictWriter(text, header, delimiter=dialect.delimiter)
            writer.writeheader()
            writer.writerows(records)


def as_sent(feed: str, source: FeedSource, row: Row) -> Row:
    """The row by the source's names, its dates and numbers as the source writes them."""
    dialect = source.csv
    sent = {}
    for name, value in row.items():
        kind = FEEDS[feed].column(name).kind if name in FEEDS[feed].column_names else None
        named = source.columns.get(name, name)
        assert isinstance(named, str), f"{feed}.{name} is computed; give the source's own column"
        if value and kind is Kind.DATE and isinstance(dialect.date_format, str) and dialect.date_format:
            sent[named] = date.fromisoformat(value).strftime(dialect.date_format)
        elif kind in (Kind.MONEY, Kind.PRICE, Kind.QUANTITY, Kind.RATE, Kind.NUMBER):
            sent[named] = value.replace(".", dialect.decimal)
        else:
            sent[named] = value
    return sent


def load(site: Site, feeds: Iterable[str]) -> None:
    for feed in ordered_feeds(site):
        if feed in feeds:
            steps.load_feed(site, feed)


def only(suites: Sequence[Suite], rules: Iterable[str]) -> list[Suite]:
    wanted = [replace(suite, rules=tuple(rule for rule in suite.rules if rule.name in rules)) for suite in suites]
    return [suite for suite in wanted if suite.rules]


def checked(site: Site, rules: Iterable[str], *months: date) -> Mapping[str, CheckResult]:
    """The outcome of these rules of the feeds over these months."""
    as_of_load = steps.prepare_months(site, months)
    with warehouse(site) as con:
        con.execute("SET VARIABLE as_of_load = ?", [as_of_load])
        return outcomes(con, only(suites_of_feeds(site), rules))


def outcomes(con: Connection, suites: Sequence[Suite]) -> Mapping[str, CheckResult]:
    make_ahead(con, PREPARED)
    return {result.name: result for result in validate(con, suites)}


# --- October arrives with something missing, cut short, twice, or in 2062 ---------------------------------------------


class October:
    """The loaded rows of October, to be changed in a transaction that is undone."""

    def __init__(self, con: Connection, site: Site) -> None:
        self.con, self.suites = con, suites_of_feeds(site)
        self.batches = {suite.name: suite.batch for suite in self.suites}

    def rows(self, feed: str, where: str = "true") -> str:
        """A SELECT of the rows of October, or of all rows of a feed without months, by which staging knows them."""
        in_october = f"(period_month = DATE '{OCTOBER}' OR period_month IS NULL)"
        return f"SELECT load_id, source_row FROM ({self.batches[feed]}) WHERE {in_october} AND ({where})"

    def one_row(self, feed: str, where: str = "true") -> tuple[str, Keys]:
        """One such row, as a condition and by its key."""
        key = FEEDS[feed].key
        found = self.con.execute(
            f"SELECT load_id, source_row, {', '.join(key)} FROM core.{feed} "
            f"WHERE (load_id, source_row) IN ({self.rows(feed, where)}) ORDER BY ALL LIMIT 1"
        ).fetchone()
        assert found, f"{feed} has no row in October to break"
        return f"(load_id, source_row) = ({found[0]}, {found[1]})", dict(zip(key, found[2:], strict=True))

    def delete(self, feed: str, where: str = "true") -> None:
        """As if these rows had not come."""
        deleted = self.con.execute(
            f"DELETE FROM staging.{feed} WHERE (load_id, source_row) IN ({self.rows(feed, where)})"
        )
        ((count,),) = deleted.fetchall()
        assert count, f"{feed} has no row in October for which {where}"

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Changes to staging within this block are undone."""
        self.con.execute("BEGIN")
        try:
            yield
        finally:
            self.con.execute("ROLLBACK")

    def found(self, rules: Mapping[str, Sequence[Keys]]) -> dict[str, Caught]:
        """What these rules find now, beside what they have to name."""
        found = outcomes(self.con, only(self.suites, rules))
        return {rule: (found[rule], keys) for rule, keys in rules.items()}


def nothing_came(october: October) -> dict[str, Caught]:
    feeds = of_feeds("has_rows")
    with october.changed():
        for feed in feeds:
            october.delete(feed)
        return october.found({f"{feed}.has_rows": [{"feed": feed}] for feed in feeds})


def cut_short(october: October) -> dict[str, Caught]:
    caught = {}
    with october.changed():
        for feed in of_feeds("is_fresh"):
            events = FEEDS[feed].events
            planned = f", {events.planned_date}" if events and events.planned_date else ""
            october.delete(feed, f"coalesce({FEEDS[feed].date}{planned}) > DATE '{MIDDLE}'")
            ((newest,),) = october.con.execute(
                f"SELECT max({FEEDS[feed].date}) FROM core.{feed} WHERE {FEEDS[feed].date} <= DATE '{MIDDLE}'"
            ).fetchall()
            caught[f"{feed}.is_fresh"] = [{"feed": feed, "newest_date": newest, "as_of_date": "2026-10-31"}]
        return october.found(caught)


def nothing_of_an_account(october: October) -> dict[str, Caught]:
    feeds = of_feeds("accounts_have_rows")
    with october.changed():
        for feed in feeds:
            october.delete(feed, "account_id = 'K0003'")
        return october.found({f"{feed}.accounts_have_rows": [{"account_id": "K0003"}] for feed in feeds})


def sent_twice(october: October) -> dict[str, Caught]:
    feeds = of_feeds("row_count_is_usual")
    with october.changed():
        for feed in feeds:
            key = FEEDS[feed].key[0]
            october.con.execute(
                f"INSERT INTO staging.{feed} SELECT * REPLACE ({key} || '-AGAIN' AS {key}) FROM staging.{feed} "
                f"WHERE (load_id, source_row) IN ({october.rows(feed)})"
            )
        return october.found({f"{feed}.row_count_is_usual": [{"feed": feed}] for feed in feeds})


def in_2062(october: October) -> dict[str, Caught]:
    found: dict[str, Caught] = {}
    for feed in of_feeds("not_in_the_future"):
        day = FEEDS[feed].date
        # One feed at a time: what is far after all other dates depends on the other feeds.
        with october.changed():
            row, key = october.one_row(feed, f"{day} IS NOT NULL")
            october.con.execute(f"UPDATE staging.{feed} SET {day} = DATE '2062-10-12' WHERE {row}")
            found |= october.found({f"{feed}.not_in_the_future": [key]})
    return found


def current_twice(october: October) -> dict[str, Caught]:
    """One row of each feed is current twice, as if a load had not superseded it; no file can do that."""
    caught = {}
    with october.changed():
        for feed in of_feeds("key_is_unique"):
            row, key = october.one_row(feed)
            october.con.execute(f"INSERT INTO staging.{feed} SELECT * FROM staging.{feed} WHERE {row}")
            caught[f"{feed}.key_is_unique"] = [key]
        return october.found(caught)


def its_sum_came(october: October) -> dict[str, Caught]:
    """Four rows of a load of their own, the last one the sum of the others and for an account that nobody knows."""
    caught = {}
    with october.changed():
        for feed in of_feeds("no_row_is_a_total"):
            amount = next(
                rule for suite in FEED_SUITES for rule in suite.rules if rule.name == f"{feed}.no_row_is_a_total"
            ).keys[-1]
            row, _ = october.one_row(feed)
            first = FEEDS[feed].key[0]
            october.con.execute(
                f"INSERT INTO staging.{feed} SELECT one.* REPLACE ("
                f"0 AS load_id, n AS source_row, [1, 2, 3, 6][n] AS {amount}, 'LIST' AS {first}, "
                f"CASE WHEN n = 4 THEN 'ALL' ELSE 'K000' || n END AS account_id"
                f"{', n AS line_no' if 'line_no' in FEEDS[feed].key else ''}) "
                f"FROM (FROM staging.{feed} WHERE {row}) AS one, range(1, 5) AS numbers(n)"
            )
            caught[f"{feed}.no_row_is_a_total"] = [{"account_id": "ALL", first: "LIST"}]
        return october.found(caught)


def gaps(october: October) -> dict[str, Caught]:
    with october.changed():
        for feed, case in CASES.items():
            for gap in case.gaps:
                october.delete(feed, gap.where)
        return october.found(
            {rule: keys for case in CASES.values() for gap in case.gaps for rule, keys in gap.caught.items()}
        )


UNDONE = {"loads.corrections_stand": [{"feed": "invoices", "columns": "net_amount"}]}


def undone(october: October) -> dict[str, Caught]:
    """The newest load brings an invoice as it was before a correction of the load before it."""
    with october.changed():
        row, _ = october.one_row("invoices")
        ((newest,),) = october.con.execute("SELECT getvariable('as_of_load')").fetchall()
        for load_id, amount in ((newest - 2, "net_amount"), (newest - 1, "net_amount + 1")):
            october.con.execute(
                f"INSERT INTO staging.invoices SELECT * REPLACE ({load_id} AS load_id, {amount} AS net_amount, "
                f"{load_id + 1} AS superseded_load_id) FROM staging.invoices WHERE {row}"
            )
        october.con.execute(f"UPDATE staging.invoices SET load_id = {newest} WHERE {row}")
        october.con.execute(
            f"UPDATE ops.loads SET feed = 'invoices', superseded_count = 1, source = 'again.csv' WHERE load_id = {newest}"
        )
        return october.found(UNDONE)


GENERAL: Mapping[str, tuple[str, Callable[[October], dict[str, Caught]]]] = {
    "has_rows": ("no row of October came", nothing_came),
    "is_fresh": ("nothing after 14 October came", cut_short),
    "accounts_have_rows": ("no row of K0003 came", nothing_of_an_account),
    "row_count_is_usual": ("October came twice, under other numbers", sent_twice),
    "not_in_the_future": ("a row of October is dated 2062", in_2062),
    "key_is_unique": ("a row was not superseded", current_twice),
    "no_row_is_a_total": ("the sum of three rows came as a fourth", its_sum_came),
}
"""Rules that feeds share, what breaks them in all feeds alike, and how."""

# --- the variants -----------------------------------------------------------------------------------------------------

BREAKS = [broken for case in CASES.values() for broken in case.breaks]
STALE = {
    "corrections.guards_hold": [
        {"feed": "accounts", "key": "account_id K0001", "column_name": "industry", "wrong_value": "Pottery"}
    ]
}


class Books:
    """The demo's site as it is and with broken files, and what the rules find in each variant of it."""

    def __init__(self, folder: Path) -> None:
        write_site(folder / "good")
        self.good = find_site(folder / "good")
        load(self.good, FEEDS)
        shutil.copytree(self.good.directory, folder / "broken")
        shutil.copytree(self.good.directory, folder / "corrected")
        self.broken = find_site(folder / "broken")
        # The source no longer has the value that the correction is for.
        correct(folder / "corrected", wrong="Pottery")
        self.corrected = find_site(folder / "corrected")
        self.as_of_load = steps.prepare_months(self.good, [SEPTEMBER, OCTOBER])
        steps.build_marts(self.good, self.as_of_load)
        self._found: dict[str, Mapping[str, Caught]] = {}

    def use(self, con: Connection) -> None:
        """Look at the good site through this connection."""
        con.execute("SET VARIABLE as_of_load = ?", [self.as_of_load])
        self.october = October(con, self.good)
        self.before = outcomes(con, suites_of_feeds(self.good))

    def caught(self, variant: str) -> Mapping[str, Caught]:
        """The outcome of each rule that this variant is about."""
        if variant not in self._found:
            variants = {"broken rows": self._broken_rows, "corrected in the source": self._corrected_in_the_source}
            other = variants.get(variant)
            self._found[variant] = other() if other else SHARED_VARIANTS[variant](self.october)
        return self._found[variant]

    def _broken_rows(self) -> Mapping[str, Caught]:
        rows: dict[str, list[Row]] = {}
        for broken in BREAKS:
            for feed, changes in broken.rows.items():
                rows.setdefault(feed, []).extend({**CASES[feed].good, **change} for change in changes)
        for feed, records in rows.items():
            land(self.broken, "broken", feed, records)
        load(self.broken, rows)
        self.in_broken = checked(self.broken, FEED_OF, OCTOBER)
        return {rule: (self.in_broken[rule], keys) for broken in BREAKS for rule, keys in broken.caught.items()}

    def _corrected_in_the_source(self) -> Mapping[str, Caught]:
        found = checked(self.corrected, STALE, OCTOBER)
        return {rule: (found[rule], keys) for rule, keys in STALE.items()}


SHARED_VARIANTS = {**dict(GENERAL.values()), "a gap": gaps, "a correction was undone": undone}
Case = tuple[str, str, str]
"""Variant, rule, and what was broken."""
INPUTS: list[Case] = [
    *(("broken rows", rule, broken.what) for broken in BREAKS for rule in broken.caught),
    *((what, f"{feed}.{rule}", what) for rule, (what, _) in GENERAL.items() for feed in of_feeds(rule)),
    *(("a gap", rule, gap.what) for case in CASES.values() for gap in case.gaps for rule in gap.caught),
    *(("a correction was undone", rule, "an old export came again") for rule in UNDONE),
    *(("corrected in the source", rule, "the source has another value by now") for rule in STALE),
]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    books = Books(tmp_path_factory.mktemp("books"))
    with warehouse(books.good) as con:
        books.use(con)
        yield books


def matches(actual: Keys, expected: Keys) -> bool:
    return all(str(actual.get(name)) == str(value) for name, value in expected.items())


@pytest.mark.parametrize(("variant", "rule", "what"), INPUTS, ids=[f"{case[1]}: {case[2]}" for case in INPUTS])
def test_a_rule_catches_what_was_broken(books: Books, variant: str, rule: str, what: str) -> None:
    before, (result, keys) = books.before[rule], books.caught(variant)[rule]
    caught = [found for found in result.keys_in(OCTOBER) if found not in before.keys_in(OCTOBER)]
    assert all(any(matches(found, expected) for found in caught) for expected in keys), (what, keys, caught)
    assert result.failed_in(OCTOBER) == before.failed_in(OCTOBER) + len(keys), (what, keys, caught)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=[tampering.rule for tampering in TAMPERINGS])
def test_a_rule_catches_a_table_that_was_tampered_with(books: Books, tampering: Tampering) -> None:
    con = books.october.con
    suites = only(suites_of_marts(con, books.good), [tampering.rule])
    with books.october.changed():
        assert con.execute(tampering.sql(OCTOBER)).fetchall() == [(1,)]
        (result,) = validate(con, suites)
    assert result.failed_in(OCTOBER) == 1
    # A figure that is empty for want of an input is a warning; all else is an error of a model.
    assert result.stops(OCTOBER) or tampering.rule == "product_line_profit.costs_have_a_rate"


def test_october_as_it_is_breaks_only_what_the_demo_breaks_on_purpose(books: Books) -> None:
    found = {name: result.failed_in(OCTOBER) for name, result in books.before.items() if result.fails_in(OCTOBER)}
    assert found == {
        # Two of the visits of September; of other files less than one row in a hundred is rejected.
        "loads.few_rows_rejected": 1,
        "orders.product_is_known": 1,
        "invoices.account_is_known": 1,
        "payments.invoice_is_known": 1,
        # A parent pays some invoices of its subsidiary.
        "payments.account_is_the_invoices": 2,
        "sales_plan.submitted_on_time": 1,
    }


def test_the_tables_as_they_are_break_no_rule(books: Books) -> None:
    results = validate(books.october.con, suites_of_marts(books.october.con, books.good))
    assert [result.name for result in results if not passed(result)] == []


@long
def test_what_a_rule_finds_in_a_month_does_not_depend_on_the_months_built_with_it(books: Books) -> None:
    books.caught("broken rows")
    together = checked(books.broken, FEED_OF, SEPTEMBER, OCTOBER)
    for name, alone in books.in_broken.items():
        assert together[name].keys_in(OCTOBER) == alone.keys_in(OCTOBER), name
        assert together[name].failed_in(OCTOBER) == alone.failed_in(OCTOBER), name
        assert together[name].checked_in(OCTOBER) == alone.checked_in(OCTOBER), name


def test_every_rule_has_its_broken_input() -> None:
    proved = [rule for _, rule, _ in INPUTS] + [tampering.rule for tampering in TAMPERINGS]
    faults = [f"{rule} has no broken input. {where_to_break(rule)}" for rule in sorted(RULES.keys() - set(proved))]
    faults += [f"{rule} has a broken input, and there is no such rule" for rule in sorted(set(proved) - RULES.keys())]
    faults += [f"{rule} has more than one broken input" for rule in sorted(RULES) if proved.count(rule) > 1]
    assert not faults, "\n".join(faults)


def where_to_break(rule: str) -> str:
    if rule in FEED_OF:
        return f"Add a Break that it catches to tests/feeds/{FEED_OF[rule]}.py"
    return "Add a Tampering that it catches to TAMPERINGS in the file of tests/marts that tests this table"
