"""A site of synthetic extracts: a maker of rubber and glass components and its customers, in any size.

The books hang together (what is invoiced was delivered, what was delivered was ordered, payments settle invoices) and
tell a story each account manager knows: one customer rates us worse every month, one better, one owes more than its
credit limit, one falls behind its plan, one is forecast too high. A handful of faults shows what the pipeline does with
them; `README.txt` of the site lists them.

Everything is drawn from a hash of the seed and a row's own key, in whole numbers and decimals, so that the same
arguments give the same bytes. Months are made one after the other: what is delivered, invoiced or paid later waits in a
queue, so that memory follows the size of a month, not of the site.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType

from kam.demo.faults import Fault, planted_faults
from kam.errors import UsageError
from kam.periods import add_months, month_name, months_between
from kam.site import SETTINGS_FILE
from kam.warehouse import Connection, literal, memory

FISCAL_YEAR_START_MONTH = 4
MOST_ITEMS_PER_ACCOUNT = 12
ORDER_ENCODING = "latin-1"
# What a feed of its own dialect is called in `kam.toml`; everything else is written as UTF-8 with commas.
DELIMITERS: Mapping[str, str] = MappingProxyType({"orders": ";"})


@dataclass(frozen=True)
class DemoSummary:
    """What was written: rows a feed (in `landing/` only), files and bytes (of the whole site), first and last month."""

    rows: Mapping[str, int]
    files: int
    bytes: int
    first_month: date
    last_month: date


def write_demo(
    directory: Path,
    *,
    accounts: int = 12,
    products: int = 30,
    months: int = 24,
    seed: int = 1,
    last_month: date = date(2026, 10, 1),
    order_lines_per_month: int | None = None,
    on_month: Callable[[date], None] | None = None,
) -> DemoSummary:
    """Write a site with `months` months of extracts up to `last_month`; the same arguments give the same bytes.

    Orders begin a month earlier: they are what the first month delivers. `order_lines_per_month` is approximate and
    defaults to about 1.7 for each account and product it buys. `on_month` is called with each month that is done.
    Raises `UsageError` when `directory` is not an empty or new folder, or a size is below one.
    """
    _check_sizes(accounts=accounts, products=products, months=months, order_lines_per_month=order_lines_per_month)
    _claim(directory)
    last_month = last_month.replace(day=1)
    first_month = add_months(last_month, 1 - months)
    items_per_account = min(products, MOST_ITEMS_PER_ACCOUNT, 7 + products // 400)
    lines_per_item = (
        1700 if order_lines_per_month is None else order_lines_per_month * 1000 // (accounts * items_per_account)
    )

    with memory() as con:
        _set(
            con,
            seed=str(seed),
            accounts=accounts,
            products=products,
            items_per_account=items_per_account,
            lines_per_item_permille=max(lines_per_item, 1),
            first_month=first_month,
            last_month=last_month,
            cutoff=add_months(last_month, 1) - timedelta(days=1),
            fiscal_year_start_month=FISCAL_YEAR_START_MONTH,
        )
        con.execute("SET preserve_insertion_order = true")
        con.execute(MACROS)
        con.execute(WORLD)
        con.execute(QUEUES)
        rows = _write_months(con, directory, first_month, last_month, on_month)
        for feed, query in MASTERS.items():
            rows[feed] = _copy(con, query, directory / "landing" / f"{feed}.csv")
        plans = [(name, due) for name, due in con.execute(PLAN_DUE_DATES).fetchall()]

    faults = planted_faults(first_month, last_month, unknown_account=f"K{accounts + 9001}")
    for fault in faults:
        _append(_monthly_file(directory, fault.feed, fault.month), fault)
        rows[fault.feed] += 1
    (directory / SETTINGS_FILE).write_text(_settings_text(plans), encoding="utf-8")
    (directory / "README.txt").write_text(_readme(first_month, last_month, faults), encoding="utf-8")
    written = [file for file in directory.rglob("*") if file.is_file()]
    return DemoSummary(
        rows=MappingProxyType(dict(sorted(rows.items()))),
        files=len(written),
        bytes=sum(file.stat().st_size for file in written),
        first_month=first_month,
        last_month=last_month,
    )


def _check_sizes(**sizes: int | None) -> None:
    for name, size in sizes.items():
        if size is not None and size < 1:
            message = f"--{name.replace('_', '-')} is {size}; a demo needs at least 1"
            raise UsageError(message)


def _claim(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        message = f"{directory}: is a file. Name a new or an empty folder"
        raise UsageError(message)
    if directory.exists() and any(directory.iterdir()):
        message = f"{directory}: not empty, and a demo overwrites nothing. Name a new or an empty folder"
        raise UsageError(message)
    (directory / "late").mkdir(parents=True)
    for feed in ("orders", *MONTHLY):
        (directory / "landing" / feed).mkdir(parents=True)


def _write_months(
    con: Connection, directory: Path, first_month: date, last_month: date, on_month: Callable[[date], None] | None
) -> dict[str, int]:
    """Make and write each month in turn; the rows written to `landing/` by feed."""
    rows = dict.fromkeys(("orders", *MONTHLY), 0)
    corrected = {add_months(last_month, -3): "landing/invoices", add_months(last_month, -1): "late"}
    # what is delivered in the first month was ordered in the month before
    for month in months_between(add_months(first_month, -1), last_month):
        _set(con, month=month, next_month=add_months(month, 1), is_corrected=month in corrected)
        con.execute(ORDER_LINES + DELIVERIES)
        rows["orders"] += _copy(con, ORDERS, _monthly_file(directory, "orders", month), DELIMITERS["orders"])
        _recode(_monthly_file(directory, "orders", month))
        if month < first_month:
            continue
        con.execute(DOCUMENTS + SETTLEMENTS + VISITS)
        for feed, query in MONTHLY.items():
            rows[feed] += _copy(con, query, _monthly_file(directory, feed, month))
        if month in corrected:
            file = directory / corrected[month] / f"invoices_{month_name(month)}_correction.csv"
            count = _copy(con, CORRECTION, file)
            rows["invoices"] += count if corrected[month] != "late" else 0
        con.execute(FORGET_MONTH)
        if on_month is not None:
            on_month(month)
    return rows


def _set(con: Connection, **values: object) -> None:
    for name, value in values.items():
        con.execute(f"SET VARIABLE {name} = $value", {"value": value})


def _monthly_file(directory: Path, feed: str, month: date) -> Path:
    return directory / "landing" / feed / f"{feed}_{month_name(month)}.csv"


def _copy(con: Connection, query: str, file: Path, delimiter: str = ",") -> int:
    """Write a query's rows as CSV with a header; how many there were."""
    written = con.execute(f"COPY ({query}) TO {literal(str(file))} (HEADER, DELIMITER '{delimiter}')").fetchone()
    return int(written[0]) if written else 0


def _recode(file: Path) -> None:
    """Rewrite a UTF-8 file in the encoding of the order system; DuckDB writes UTF-8 only."""
    aside = file.with_suffix(".recoded")
    with (
        file.open(encoding="utf-8", newline="") as source,
        aside.open("w", encoding=ORDER_ENCODING, newline="") as target,
    ):
        for chunk in iter(lambda: source.read(1 << 20), ""):
            target.write(chunk)
    aside.replace(file)


def _append(file: Path, fault: Fault) -> None:
    """Add a faulty row to a file, in that file's own columns and dialect."""
    delimiter = DELIMITERS.get(fault.feed, ",")
    encoding = ORDER_ENCODING if fault.feed == "orders" else "utf-8"
    with file.open(encoding=encoding, newline="") as source:
        header = next(csv.reader(source, delimiter=delimiter))
    with file.open("a", encoding=encoding, newline="") as target:
        csv.DictWriter(target, header, delimiter=delimiter, lineterminator="\n").writerow(fault.row)


def _settings_text(plans: list[tuple[str, date]]) -> str:
    due_dates = ", ".join(f'"{name}" = {due:%Y-%m-%d}' for name, due in plans)
    return SETTINGS.replace("<plan due dates>", due_dates)


def _readme(first_month: date, last_month: date, faults: tuple[Fault, ...]) -> str:
    previous = add_months(last_month, -1)
    return README.format(
        first=month_name(first_month),
        last=month_name(last_month),
        late=LATE.format(previous=month_name(previous)) if previous >= first_month else "",
        faults="\n".join(f"  {fault.feed} {month_name(fault.month)}: {fault.what_happens}" for fault in faults),
    )


SETTINGS = """\
# The books of a maker of rubber and glass components. Every key is checked; an unknown one is an error.

[site]
name = "Rubber & Glass Components"
reporting_currency = "EUR"
fiscal_year_start_month = 4          # April; a fiscal year is named by the year it ends in
timezone = "Europe/Berlin"           # for schedules and messages only

# A feed is a set of files. Its columns have the names of the contract unless `columns` says otherwise.

[feeds.accounts]
files = "landing/accounts.csv"

[feeds.products]
files = "landing/products.csv"

[feeds.fx_rates]
files = "landing/fx_rates.csv"

[feeds.orders]                       # from a German ERP: its own headers, semicolons, decimal commas, latin-1
files = "landing/orders/*.csv"
csv   = { delimiter = ";", encoding = "latin-1", decimal = ",", date_format = "%d.%m.%Y" }

[feeds.orders.columns]
order_id           = "Auftrag"
line_no            = "Position"
account_id         = "Kunde"
product_id         = "Material"
order_date         = "Auftragsdatum"
requested_date     = "Wunschtermin"
promised_date      = "Zusagetermin"
last_promised_date = "Neuer Termin"
quantity           = "Menge"
unit_price         = "Nettopreis"
currency           = "Währung"
account_manager    = "Verkäufer"
# a DuckDB expression over the source's columns
status.sql         = \"\"\"
  CASE Status WHEN 'offen' THEN 'open' WHEN 'erledigt' THEN 'closed' WHEN 'storniert' THEN 'cancelled' ELSE Status END
\"\"\"

[feeds.deliveries]
files = "landing/deliveries/*.csv"

[feeds.invoices]
files = "landing/invoices/*.csv"

[feeds.instalments]
files = "landing/instalments.csv"

[feeds.payments]
files = "landing/payments/*.csv"

[feeds.payment_plan]
files = "landing/payment_plan.csv"

[feeds.visits]                       # from a CRM: its own headers, dates as month/day/year
files = "landing/visits/*.csv"
csv   = { date_format = "%m/%d/%Y" }

[feeds.visits.columns]
visit_id                = "Visit No"
account_id              = "Account"
visit_type              = "Type"
planned_date            = "Planned"
visit_date              = "Held"
account_manager         = "Owner"
duration_hours          = "Hours"
cost                    = "Cost EUR"
currency                = { value = "EUR" }
opportunity_id          = "Opportunity"
opportunity_value       = "Opportunity EUR"
success_probability     = "Probability"
promised_payment_amount = "Promised EUR"
promised_payment_date   = "Promised By"
rating_quality          = "Quality"
rating_cost             = "Cost"
rating_delivery         = "Delivery"
rating_development      = "Development"
rating_management       = "Management"
notes                   = "Notes"

[feeds.scorecards]
files = "landing/scorecards.csv"

[feeds.issues]
files = "landing/issues.csv"

[feeds.sales_plan]
files = "landing/sales_plan.csv"

[feeds.forecasts]
files = "landing/forecasts.csv"

# How figures are computed. What is left out has its default.

[receivables]
basis = "due_date"
buckets = [30, 60, 90, 120]
dso_window_months = 3
loss_rates = { "current" = 0.003, "1-30" = 0.012, "31-60" = 0.035, "61-90" = 0.08, "91-120" = 0.16, "over 120" = 0.4 }

[variance]
actual = "invoiced"
plan_due = { <plan due dates> }

[delivery]
late_days = 0

[rating.accounts.K0004]              # this customer weighs delivery higher and counts from the requested date
weights = { quality = 30, cost = 15, delivery = 35, development = 10, management = 10 }
delivery_basis = "requested"
"""
README = """\
Synthetic extracts of Rubber & Glass Components, {first} to {last}. Nobody in it exists.

  kam check                        what would be loaded, and what would be rejected
  kam backfill {first} {last}     every month
  kam close {last}                the last month alone
  kam rejects                      the rows that were not loaded

Look at: K0004 (rates us worse every month), K0001 (better), K0006 (above its credit limit), K0008 (pays late and breaks
its promises), K0010 (behind its plan), K0005 (forecast too high).
{late}
Faults put in on purpose:
{faults}
"""
LATE = """
A correction of {previous} lies in late/. After the months are closed, let it arrive:

  cp late/invoices_{previous}_correction.csv landing/invoices/
  kam ingest
  kam status                       {previous} and the month after it are stale now
  kam close {previous} --restate --reason "price corrected, one invoice was missing"
  kam diff {previous}
"""
MACROS = """
-- A random number that belongs to a key: the same on every machine and in every version.
CREATE TEMP MACRO roll(key) AS md5_number_lower(getvariable('seed') || '|' || key);

-- One of several independent draws from 0 to 999 out of a roll; place is 1, 1_000, 1_000_000 or 1_000_000_000.
CREATE TEMP MACRO die(rolled, place) AS ((rolled // place) % 1000)::INTEGER;

-- Saturdays go to Friday, Sundays to Monday.
CREATE TEMP MACRO workday(day) AS (day + CASE isodow(day) WHEN 6 THEN -1 WHEN 7 THEN 1 ELSE 0 END)::DATE;

CREATE TEMP MACRO month_of(day) AS date_trunc('month', day)::DATE;
CREATE TEMP MACRO later_month(month, count) AS (month + to_months(count::INTEGER))::DATE;
CREATE TEMP MACRO fiscal_year_start(month) AS
    later_month(month, -((month(month) - getvariable('fiscal_year_start_month') + 12) % 12));
CREATE TEMP MACRO months_left(month) AS datediff('month', month, getvariable('last_month'))::INTEGER;

-- From a Monday before the first month on: currencies and their rate when the story begins.
CREATE TEMP TABLE currencies AS
FROM (VALUES ('USD', 0.920000, 1.09), ('GBP', 1.165000, 0.86), ('INR', 0.010900, 92.00))
    AS t(currency, rate, units_per_euro);
"""
WORLD = """
-- Twelve kinds of customer, each with its own story; a bigger site repeats them under other names.
CREATE TEMP TABLE roles AS
FROM (VALUES
    (1, 'Nordwagen Automobile AG', 'vehicle maker', 'Central Europe', 'DE', 'EUR', 60, true, 7200),
    (2, 'Nordwagen Nutzfahrzeuge GmbH', 'vehicle maker', 'Central Europe', 'DE', 'EUR', 60, false, 2800),
    (3, 'Lumière Autocars SA', 'vehicle maker', 'Southern Europe', 'FR', 'EUR', 45, true, 3400),
    (4, 'Brightwater Motor Company Ltd', 'vehicle maker', 'Northern Europe', 'GB', 'GBP', 60, true, 5100),
    (5, 'Great Prairie Truck Corporation', 'vehicle maker', 'Americas', 'US', 'USD', 60, true, 4200),
    (6, 'Sahyadri Vahan Motors Ltd', 'vehicle maker', 'Asia', 'IN', 'INR', 90, true, 6100),
    (7, 'Godavari Coach Builders Ltd', 'vehicle maker', 'Asia', 'IN', 'INR', 60, false, 1400),
    (8, 'Transalpina Flotte S.p.A.', 'fleet', 'Southern Europe', 'IT', 'EUR', 30, false, 600),
    (9, 'Øresund Buslinjer A/S', 'fleet', 'Northern Europe', 'DK', 'EUR', 30, false, 450),
    (10, 'Pneu Horizon SARL', 'tyre dealer', 'Southern Europe', 'FR', 'EUR', 45, false, 800),
    (11, 'Reifenhaus Lindental KG', 'tyre dealer', 'Central Europe', 'DE', 'EUR', 30, false, 700),
    (12, 'Lakeshore Tire & Glass Supply Inc', 'tyre dealer', 'Americas', 'US', 'USD', 30, false, 900)
) AS t(role, account_name, segment, region, country, currency, payment_terms_days, key_account, volume);

CREATE TEMP TABLE managers AS
FROM (VALUES
    ('Central Europe', ['Anna Köhler', 'Jürgen Weiß', 'Martina Sládek']),
    ('Southern Europe', ['Pierre Marchand', 'Giulia Ferrero', 'Nuno Tavares']),
    ('Northern Europe', ['Grace Whitfield', 'Lars Møller', 'Maeve Byrne']),
    ('Americas', ['Daniel Ortega', 'Susan Keller', 'Marcus Bell']),
    ('Asia', ['Ravi Kulkarni', 'Meera Nambiar', 'Haruto Endo'])
) AS t(region, names);

CREATE TEMP TABLE accounts AS
WITH numbered AS (
    SELECT n::INTEGER AS account_no, ((n - 1) % 12 + 1)::INTEGER AS role, ((n - 1) // 12)::INTEGER AS round_no
    FROM range(1, getvariable('accounts') + 1) AS t(n)
), places AS (
    -- 37 has no factor in common with the 12 roles: a name comes back after 444 accounts
    SELECT ['Alder', 'Bergamo', 'Calder', 'Dorna', 'Elmgate', 'Fjordby', 'Garonne', 'Hollin', 'Isarwerk', 'Juniper',
            'Kestrel', 'Lagan', 'Moravia', 'Nagar', 'Oakhaven', 'Piave', 'Quillon', 'Ravensbrook', 'Solent', 'Tisza',
            'Umbria', 'Vardar', 'Westerly', 'Xanten', 'Yarrow', 'Zephyr', 'Arven', 'Borealis', 'Corvus', 'Delmar',
            'Estrella', 'Falken', 'Granada', 'Havel', 'Indra', 'Jura', 'Kaveri'] AS names
)
SELECT
    numbered.account_no,
    numbered.role,
    format('K{:04d}', numbered.account_no) AS account_id,
    CASE WHEN round_no = 0 THEN account_name
        ELSE places.names[1 + (account_no - 13) % 37] || ' '
            || CASE WHEN numbered.role IN (2, 7) THEN 'Coaches' WHEN segment = 'vehicle maker' THEN 'Motors'
                WHEN segment = 'fleet' THEN 'Fleet' ELSE 'Tyres' END
            || ' ' || country
            || CASE WHEN account_no > 456 THEN ' ' || ((account_no - 13) // 444 + 1) ELSE '' END
    END AS account_name,
    CASE WHEN numbered.role IN (2, 7) THEN format('K{:04d}', numbered.account_no - 1) END AS parent_account_id,
    managers.names[1 + round_no % 3] AS account_manager,
    segment, region, country, currency, payment_terms_days, key_account, volume
FROM numbered JOIN roles USING (role) JOIN managers USING (region) CROSS JOIN places;

CREATE TEMP TABLE products AS
WITH lines AS (
    SELECT * FROM (VALUES
        (0, 'seals', 'SEA', 4.20, 1000,
            ['Door seal', 'Window channel seal', 'Boot lid seal', 'Sunroof seal', 'Bonnet seal', 'Wing seal']),
        (1, 'hoses', 'HOS', 6.80, 800,
            ['Coolant hose', 'Brake hose', 'Charge air hose', 'Fuel hose', 'Heater hose', 'Power steering hose']),
        (2, 'windscreens', 'WIN', 74.00, 120,
            ['Windscreen, acoustic', 'Windscreen, heated', 'Windscreen with camera bracket', 'Windscreen, truck',
             'Windscreen, two-piece bus', 'Windscreen, head-up display']),
        (3, 'laminated glass', 'LAM', 41.00, 220,
            ['Side window, laminated', 'Panorama roof, laminated', 'Partition, laminated', 'Quarter light, laminated',
             'Rear window, laminated', 'Door glass, laminated']),
        (4, 'mounts', 'MOU', 11.50, 500,
            ['Engine mount', 'Gearbox mount', 'Exhaust hanger', 'Cab mount', 'Strut mount', 'Subframe bush'])
    ) AS t(line_index, product_line, prefix, typical_cost, popularity, names)
)
SELECT
    n::INTEGER AS product_no,
    format('{}-{:04d}', prefix, n) AS product_id,
    names[1 + (n - 1) // 5 % 6] || CASE WHEN n > 30 THEN ', series ' || ((n - 1) // 30 + 1) ELSE '' END AS product_name,
    product_line,
    CASE WHEN product_line = 'seals' THEN 'm' ELSE 'pc' END AS unit,
    round(typical_cost * (700 + die(roll('cost|' || n), 1) * 6 // 10) * 0.001, 2)::DECIMAL(18, 2) AS standard_cost,
    popularity
FROM range(1, getvariable('products') + 1) AS t(n) JOIN lines ON line_index = (n - 1) % 5;

-- What an account buys. For some its last item is new since half a year; a dealer has lost its first two.
CREATE TEMP TABLE items AS
WITH bought AS (
    SELECT
        accounts.*,
        place::INTEGER AS place,
        (1 + ((account_no - 1) * getvariable('items_per_account') + place) % getvariable('products'))::INTEGER
            AS product_no
    FROM accounts CROSS JOIN range(getvariable('items_per_account')) AS t(place)
), rolled AS (
    SELECT *, roll('item|' || account_no || '|' || product_no) AS item_roll FROM bought
)
SELECT
    account_no, account_id, role, country, rolled.currency, segment, payment_terms_days, account_manager,
    product_no, product_id, product_line, place,
    greatest(2, volume * popularity // 1000 * (600 + die(item_roll, 1) * 8 // 10) // 1000) AS base_quantity,
    round(
        standard_cost * (1280 + die(item_roll, 1_000) * 3 // 10) * 0.001 * coalesce(units_per_euro, 1.00), 2
    )::DECIMAL(18, 2) AS base_price,
    CASE WHEN role IN (2, 3, 5, 9) AND place >= 2 AND place = getvariable('items_per_account') - 1
        THEN later_month(getvariable('last_month'), -5) END AS sold_from,
    CASE WHEN role = 10 AND place < 2 AND getvariable('items_per_account') > 2
        THEN later_month(getvariable('last_month'), -5) END AS sold_until
FROM rolled JOIN products USING (product_no) LEFT JOIN currencies USING (currency);

CREATE TEMP TABLE months AS
SELECT
    month::DATE AS month,
    fiscal_year_start(month::DATE) AS year_start,
    [1000, 980, 1080, 1020, 1000, 1040, 940, 760, 1080, 1100, 1050, 840][month(month)] AS season_permille,
    1000 + 40 * datediff('month', getvariable('first_month'), month::DATE) // 12 AS growth_permille
FROM generate_series(
    getvariable('first_month')::TIMESTAMP,
    greatest(
        later_month(fiscal_year_start(getvariable('last_month')), 11),
        later_month(getvariable('last_month'), 4)
    )::TIMESTAMP,
    INTERVAL 1 MONTH
) AS t(month);

-- What an account will take of an item in a month, at which price, and what was planned when its fiscal year began.
CREATE TEMP TABLE demand AS
WITH rolled AS (
    SELECT *, die(roll('year|' || account_no || '|' || product_no || '|' || year(year_start)), 1) AS year_luck
    FROM items CROSS JOIN months
), grown AS (
    SELECT
        account_no, product_no, month, year_start,
        base_quantity * season_permille // 1000 AS seasonal_quantity,
        growth_permille,
        1020 + 40 * datediff('month', getvariable('first_month'), year_start) // 12 AS planned_growth_permille,
        1000 + 20 * (year(month) - year(getvariable('first_month'))) AS list_permille,
        CASE WHEN role = 10 AND months_left(month) < 8 THEN 780
            WHEN role = 3 THEN 1060 + year_luck // 20
            ELSE 960 + year_luck * 8 // 100
        END AS story_permille,
        CASE WHEN role = 12 AND months_left(month) < 10 THEN 955 ELSE 1000 END AS discount_permille,
        sold_from, sold_until, base_price
    FROM rolled
)
SELECT
    account_no, product_no, month, year_start,
    CASE WHEN month < sold_from OR month > sold_until THEN 0
        ELSE greatest(1, seasonal_quantity * growth_permille // 1000 * story_permille // 1000) END::INTEGER AS quantity,
    -- a lost item is still forecast for two months
    CASE WHEN month < sold_from OR month > later_month(sold_until, 2) THEN 0
        ELSE greatest(1, seasonal_quantity * growth_permille // 1000 * least(story_permille, 1000) // 1000)
        END::INTEGER AS foreseen_quantity,
    round(base_price * (list_permille * discount_permille)::INTEGER * 0.000001, 2)::DECIMAL(18, 2) AS unit_price,
    CASE WHEN sold_from >= year_start OR sold_until < year_start THEN 0
        ELSE greatest(1, seasonal_quantity * planned_growth_permille // 1000) END::INTEGER AS plan_quantity,
    round(base_price * (1010 + 20 * (year(year_start) - year(getvariable('first_month'))))::INTEGER * 0.001, 2)
        ::DECIMAL(18, 2) AS plan_price
FROM grown;

CREATE TEMP TABLE spot_rates AS
WITH weeks AS (
    SELECT day::DATE AS rate_date
    FROM generate_series(
        date_trunc('week', getvariable('first_month') - 1), getvariable('cutoff')::TIMESTAMP, INTERVAL 7 DAY
    ) AS t(day)
), walked AS (
    SELECT
        currency, rate_date, rate,
        sum((die(roll('rate|' || currency || '|' || rate_date), 1) - 499) * 8)
            OVER (PARTITION BY currency ORDER BY rate_date) AS millionths
    FROM currencies CROSS JOIN weeks
)
SELECT currency, rate_date, (rate + rate * millionths::INTEGER * 0.000001)::DECIMAL(18, 6) AS rate FROM walked;

CREATE TEMP TABLE budget_rates AS
SELECT
    currency, year_start,
    (rate * (990 + die(roll('budget|' || currency || '|' || year_start), 1) * 2 // 100) * 0.001)::DECIMAL(18, 6) AS rate
FROM currencies CROSS JOIN (SELECT DISTINCT year_start FROM months WHERE month <= getvariable('last_month'));
"""
QUEUES = """
CREATE TEMP TABLE delivery_queue (
    delivery_id VARCHAR, line_no BIGINT, order_id VARCHAR, order_line_no BIGINT, delivered_date DATE, quantity INTEGER,
    rejected_quantity INTEGER
);
CREATE TEMP TABLE document_queue (
    invoice_id VARCHAR, line_no BIGINT, document_type VARCHAR, account_no INTEGER, product_id VARCHAR, order_id VARCHAR,
    order_line_no BIGINT, invoice_date DATE, due_date DATE, quantity INTEGER, net_amount DECIMAL(18, 2),
    tax_amount DECIMAL(18, 2), reference_invoice_id VARCHAR, disputed BOOLEAN,
    rejected_quantity INTEGER, unit_price DECIMAL(18, 2)
);
CREATE TEMP TABLE payment_queue (
    payer_no INTEGER, invoice_id VARCHAR, instalment_no INTEGER, payment_date DATE, amount DECIMAL(18, 2),
    currency VARCHAR, payment_type VARCHAR
);
CREATE TEMP TABLE instalments (invoice_id VARCHAR, instalment_no INTEGER, due_date DATE, amount DECIMAL(18, 2));
CREATE TEMP TABLE sold (account_no INTEGER, month DATE, net_amount DECIMAL(18, 2));
"""
# A table in memory gives the room of deleted rows back only when it is made anew.
FORGET_MONTH = """
CREATE OR REPLACE TEMP TABLE delivery_queue AS FROM delivery_queue WHERE delivered_date >= getvariable('next_month');
CREATE OR REPLACE TEMP TABLE document_queue AS FROM document_queue WHERE invoice_date >= getvariable('next_month');
CREATE OR REPLACE TEMP TABLE payment_queue AS FROM payment_queue WHERE payment_date >= getvariable('next_month');
DROP TABLE month_lines;
DROP TABLE new_deliveries;
DROP TABLE month_documents;
"""
ORDER_LINES = """
-- Customers order ahead: what is ordered in a month is promised for the next.
CREATE OR REPLACE TEMP TABLE month_lines AS
WITH counted AS (
    SELECT
        items.*, demand.quantity AS demand_quantity, demand.unit_price,
        getvariable('lines_per_item_permille') // 1000
            + CASE WHEN die(roll('count|' || account_no || '|' || product_no || '|' || getvariable('month')), 1)
                < getvariable('lines_per_item_permille') % 1000 THEN 1 ELSE 0 END AS line_count
    FROM items JOIN demand USING (account_no, product_no)
    WHERE demand.month = getvariable('next_month') AND demand.quantity > 0
), numbered AS (
    SELECT *, unnest(range(line_count)) AS repeat_no FROM counted
), rolled AS (
    SELECT
        *,
        roll('line|' || account_no || '|' || product_no || '|' || getvariable('month') || '|' || repeat_no)
            AS line_roll,
        greatest(1, getvariable('items_per_account') * getvariable('lines_per_item_permille') // 3000) AS order_count
    FROM numbered
), slotted AS (
    SELECT *, (line_roll % order_count)::BIGINT AS slot FROM rolled
), grouped AS (
    SELECT
        *,
        format('SO{}-{:04d}-{:02d}', strftime(getvariable('month'), '%y%m'), account_no, slot + 1) AS order_id,
        roll('order|' || account_no || '|' || getvariable('month') || '|' || slot) AS order_roll,
        -- orders are spread over the month, in thousandths of it
        (slot * 1000 + die(order_roll, 1)) // order_count AS moment
    FROM slotted
), promised AS (
    SELECT
        *,
        workday(getvariable('month') + 2 + (moment * 24 // 1000)::INTEGER) AS order_date,
        workday(getvariable('next_month') + 8 + (moment * 19 // 1000)::INTEGER) AS promised_date
    FROM grouped
), shipped AS (
    SELECT
        *,
        greatest(1, demand_quantity * (850 + die(line_roll, 1_000) * 3 // 10) // 1000 // line_count)::INTEGER
            AS quantity,
        CASE
            WHEN die(line_roll, 1_000_000) < 15 THEN 'cancelled'
            WHEN die(line_roll, 1_000_000) < 30 AND months_left(getvariable('month')) < 4 THEN 'forgotten'
            WHEN die(line_roll, 1_000_000) < 50 THEN 'short'
            WHEN die(line_roll, 1_000_000) < 150 THEN 'split'
            ELSE 'whole'
        END AS outcome,
        CASE role
            WHEN 1 THEN greatest(780, 985 - 14 * months_left(getvariable('month')))
            WHEN 4 THEN least(955, 640 + 26 * months_left(getvariable('month')))
            ELSE 940
        END AS punctual_permille,
        -- the whole order is late, or one line of it; the first order of a month is not, so that each month has both
        CASE
            WHEN slot > 0 AND 2 * die(order_roll, 1_000_000) >= 1000 + punctual_permille
                THEN 2 + die(order_roll, 1_000_000_000) * 12 // 1000
            WHEN 2 * die(line_roll, 1_000_000_000) >= 1000 + punctual_permille
                THEN 3 + die(order_roll, 1_000) * 10 // 1000
            ELSE -die(order_roll, 1_000_000_000) * 4 // 1000
        END AS delay_days
    FROM promised
)
SELECT
    account_no, account_id, role, country, currency, segment, payment_terms_days, account_manager, product_id,
    unit_price, order_id,
    10 * row_number() OVER (PARTITION BY order_id ORDER BY product_no, repeat_no) AS line_no,
    order_date,
    CASE WHEN die(order_roll, 1_000) % 4 = 0 THEN workday(promised_date - 7) ELSE promised_date END AS requested_date,
    promised_date,
    CASE WHEN die(order_roll, 1_000) % 8 = 1 THEN workday(promised_date + 7) ELSE promised_date END
        AS last_promised_date,
    quantity, outcome,
    workday(promised_date + delay_days::INTEGER) AS shipped_date
FROM shipped;
"""
DELIVERIES = """
CREATE OR REPLACE TEMP TABLE new_deliveries AS
WITH parts AS (
    SELECT *, 1 AS part, shipped_date AS delivered_date,
        CASE WHEN outcome = 'short' THEN greatest(1, quantity * 95 // 100) ELSE quantity END AS delivered_quantity
    FROM month_lines
    WHERE outcome IN ('whole', 'short') OR (outcome = 'split' AND quantity = 1)
    UNION ALL
    SELECT *, 1, workday(shipped_date - 4), greatest(1, quantity * 6 // 10)
    FROM month_lines WHERE outcome = 'split' AND quantity > 1
    UNION ALL
    SELECT *, 2, shipped_date, quantity - greatest(1, quantity * 6 // 10)
    FROM month_lines WHERE outcome = 'split' AND quantity > 1
), arrived AS (
    SELECT
        *,
        'DN' || substr(order_id, 3) || '-' || strftime(delivered_date, '%m%d') AS delivery_id,
        roll('reject|' || order_id || '|' || line_no || '|' || part) AS reject_roll,
        CASE
            WHEN role = 1 THEN least(60, 8 + 3 * months_left(getvariable('month')))
            WHEN role = 4 THEN greatest(30, 260 - 20 * months_left(getvariable('month')))
            WHEN segment = 'vehicle maker' THEN 40
            ELSE 8
        END AS reject_permille
    FROM parts
    WHERE delivered_date <= getvariable('cutoff')
)
SELECT
    * EXCLUDE (line_no), line_no AS order_line_no,
    row_number() OVER (PARTITION BY delivery_id ORDER BY line_no, part) AS line_no,
    CASE WHEN die(reject_roll, 1) < reject_permille
        THEN least(delivered_quantity, 1 + delivered_quantity * die(reject_roll, 1_000) // 250000) ELSE 0 END::INTEGER
        AS rejected_quantity,
    workday(delivered_date + (roll('invoice|' || delivery_id) % 3)::INTEGER) AS invoice_date
FROM arrived;

INSERT INTO delivery_queue BY NAME
SELECT delivery_id, line_no, order_id, order_line_no, delivered_date, delivered_quantity AS quantity, rejected_quantity
FROM new_deliveries;

-- One invoice a delivery note; a few of the last months are disputed.
INSERT INTO document_queue BY NAME
SELECT
    'INV' || substr(delivery_id, 3) AS invoice_id,
    line_no, 'invoice' AS document_type, account_no, product_id, order_id, order_line_no,
    invoice_date, invoice_date + payment_terms_days AS due_date,
    delivered_quantity AS quantity,
    delivered_quantity * unit_price AS net_amount,
    CASE WHEN country = 'DE' THEN round(delivered_quantity * unit_price * 0.19, 2) ELSE 0 END AS tax_amount,
    months_left(month_of(invoice_date)) < 4
        AND die(roll('dispute|' || delivery_id), 1) < CASE role WHEN 4 THEN 90 ELSE 25 END AS disputed,
    rejected_quantity, unit_price
FROM new_deliveries
WHERE invoice_date <= getvariable('cutoff');
"""
DOCUMENTS = """
CREATE OR REPLACE TEMP TABLE month_invoices AS
SELECT invoice_id, any_value(account_no) AS account_no, sum(net_amount) AS net_amount, count(*) AS line_count
FROM document_queue
WHERE document_type = 'invoice' AND month_of(invoice_date) = getvariable('month')
GROUP BY invoice_id;

INSERT INTO sold
SELECT account_no, getvariable('month'), sum(net_amount) FROM month_invoices GROUP BY account_no;

-- Half of the rejected goods are credited within days, linked to their invoice.
CREATE OR REPLACE TEMP TABLE new_credits AS
SELECT
    'CRN' || substr(invoice_id, 4) AS invoice_id, line_no, 'credit_note' AS document_type, account_no, product_id,
    order_id, order_line_no,
    workday(invoice_date + 5 + (roll('credit|' || invoice_id) % 3)::INTEGER) AS invoice_date,
    rejected_quantity AS quantity,
    rejected_quantity * unit_price AS net_amount,
    CASE WHEN country = 'DE' THEN round(rejected_quantity * unit_price * 0.19, 2) ELSE 0.00 END AS tax_amount,
    invoice_id AS reference_invoice_id
FROM document_queue JOIN accounts USING (account_no)
WHERE document_type = 'invoice' AND month_of(invoice_date) = getvariable('month')
  AND rejected_quantity > 0 AND roll('credit|' || invoice_id) % 2 = 0;

-- A quarterly rebate without quantity, taken off the month's largest invoice.
INSERT INTO new_credits BY NAME
WITH earned AS (
    SELECT account_no, sum(net_amount) AS net_amount
    FROM sold
    WHERE month > later_month(getvariable('month'), -3)
    GROUP BY account_no
), granted AS (
    SELECT
        account_no, country, largest.invoice_id,
        round(least(earned.net_amount * 0.015, largest.net_amount * 0.2), 2)::DECIMAL(18, 2) AS net_amount
    FROM earned
    JOIN accounts USING (account_no)
    JOIN (
        FROM month_invoices
        QUALIFY row_number() OVER (PARTITION BY account_no ORDER BY net_amount DESC, invoice_id) = 1
    ) AS largest USING (account_no)
    WHERE role IN (1, 12) AND month(getvariable('month')) % 3 = 0
)
SELECT
    format('REB{}-{:04d}', strftime(getvariable('month'), '%y%m'), account_no) AS invoice_id, 1 AS line_no,
    'credit_note' AS document_type, account_no,
    getvariable('next_month') - 1 AS invoice_date,
    net_amount,
    CASE WHEN country = 'DE' THEN round(net_amount * 0.19, 2) ELSE 0.00 END AS tax_amount,
    invoice_id AS reference_invoice_id
FROM granted;

INSERT INTO document_queue BY NAME
SELECT *, invoice_date AS due_date, false AS disputed FROM new_credits WHERE invoice_date <= getvariable('cutoff');

-- A share of tooling cost charged by debit note, and goodwill that names no invoice.
INSERT INTO document_queue BY NAME
SELECT
    format('DBN{}-{:04d}', strftime(getvariable('month'), '%y%m'), account_no) AS invoice_id, 1 AS line_no,
    'debit_note' AS document_type, account_no, workday(getvariable('month') + 14) AS invoice_date,
    workday(getvariable('month') + 14) + payment_terms_days AS due_date, 12500.00 AS net_amount, 0.00 AS tax_amount,
    false AS disputed
FROM accounts
WHERE role = 3 AND months_left(getvariable('month')) % 4 = 0
UNION ALL BY NAME
SELECT
    format('GDW{}-{:04d}', strftime(getvariable('month'), '%y%m'), account_no) AS invoice_id, 1 AS line_no,
    'credit_note' AS document_type, account_no, workday(getvariable('month') + 20) AS invoice_date,
    workday(getvariable('month') + 20) AS due_date, 240.00 AS net_amount, 0.00 AS tax_amount, false AS disputed
FROM accounts
WHERE role = 9 AND months_left(getvariable('month')) IN (1, 9);

CREATE OR REPLACE TEMP TABLE month_documents AS
FROM document_queue WHERE month_of(invoice_date) = getvariable('month');

-- In a month that is corrected later, one invoice was first sent at a wrong price and one not at all.
CREATE OR REPLACE TEMP TABLE corrections AS
SELECT invoice_id, row_number() OVER (ORDER BY line_count DESC, invoice_id) AS rank
FROM month_invoices
WHERE getvariable('is_corrected')
QUALIFY rank <= 2;
"""
SETTLEMENTS = """
CREATE OR REPLACE TEMP TABLE new_dues AS
WITH credited AS (
    SELECT reference_invoice_id AS invoice_id, sum(net_amount + tax_amount) AS credited_amount
    FROM new_credits
    GROUP BY reference_invoice_id
), documents AS (
    SELECT
        invoice_id, account_no, any_value(invoice_date) AS invoice_date, any_value(due_date) AS agreed_due_date,
        bool_or(disputed) AS disputed, sum(net_amount + tax_amount)::DECIMAL(18, 2) AS gross_amount
    FROM month_documents
    WHERE document_type <> 'credit_note'
    GROUP BY invoice_id, account_no
), dues AS (
    SELECT
        *,
        unnest(CASE WHEN role = 3 AND die(roll('split|' || invoice_id), 1) < 300 THEN [1, 2, 3] ELSE [NULL] END)
            AS instalment_no
    FROM documents LEFT JOIN credited USING (invoice_id) JOIN accounts USING (account_no)
)
SELECT
    invoice_id, instalment_no, account_no, role, currency, invoice_date, disputed,
    CASE WHEN instalment_no IS NULL THEN agreed_due_date ELSE invoice_date + 30 * instalment_no END AS due_date,
    CASE WHEN instalment_no IS NULL THEN gross_amount
        WHEN instalment_no < 3 THEN round(gross_amount * 0.3, 2)
        ELSE gross_amount - 2 * round(gross_amount * 0.3, 2) END::DECIMAL(18, 2) AS amount,
    -- the customer takes a credit off what it pays last
    amount - CASE WHEN instalment_no < 3 THEN 0 ELSE coalesce(credited_amount, 0) END::DECIMAL(18, 2) AS payable_amount
FROM dues;

INSERT INTO instalments
SELECT invoice_id, instalment_no, due_date, amount FROM new_dues WHERE instalment_no IS NOT NULL;

CREATE OR REPLACE TEMP TABLE new_settlements AS
WITH rolled AS (
    SELECT *, roll('pay|' || invoice_id || '|' || coalesce(instalment_no, 1)) AS pay_roll
    FROM new_dues
    WHERE NOT disputed AND payable_amount > 0
), decided AS (
    SELECT
        *,
        CASE
            WHEN role = 5 AND months_left(getvariable('month')) = 3
                AND row_number() OVER (PARTITION BY account_no ORDER BY invoice_id) = 1 THEN 'in euro'
            WHEN role = 11 AND die(pay_roll, 1) < 700 THEN 'discount'
            WHEN role IN (1, 2, 11) THEN 'whole'
            WHEN die(pay_roll, 1) < 20 THEN 'never'
            WHEN die(pay_roll, 1) < 90 THEN 'partial'
            WHEN die(pay_roll, 1) < 100 THEN 'short'
            WHEN die(pay_roll, 1) < 110 THEN 'too much'
            ELSE 'whole'
        END AS outcome,
        CASE
            WHEN role IN (1, 11) THEN die(pay_roll, 1_000) % 5 - 3
            WHEN role = 6 THEN 10 + die(pay_roll, 1_000) * 35 // 1000
            WHEN role = 8
                THEN 15 + die(pay_roll, 1_000) * 45 // 1000 + greatest(0, 18 - 2 * months_left(getvariable('month')))
            WHEN die(pay_roll, 1_000) < 600 THEN die(pay_roll, 1_000) % 6 - 3
            WHEN die(pay_roll, 1_000) < 850 THEN 4 + die(pay_roll, 1_000) % 12
            ELSE 16 + die(pay_roll, 1_000) % 25
        END AS delay_days
    FROM rolled
)
SELECT
    *,
    workday(CASE WHEN outcome = 'discount' THEN invoice_date + 9 ELSE due_date + delay_days END) AS first_paid_date,
    -- a parent pays a third of its subsidiary's invoices
    CASE WHEN role = 2 AND die(pay_roll, 1_000_000) < 350 THEN account_no - 1 ELSE account_no END AS payer_no,
    round(payable_amount * CASE outcome
        WHEN 'partial' THEN 0.60 WHEN 'short' THEN 0.98 WHEN 'discount' THEN 0.98 WHEN 'too much' THEN 1.01 ELSE 1.00
    END, 2)::DECIMAL(18, 2) AS first_paid_amount
FROM decided;

INSERT INTO payment_queue BY NAME
WITH settlements AS (
    SELECT payer_no, invoice_id, instalment_no, first_paid_date, payable_amount, first_paid_amount, outcome, due_date
    FROM new_settlements
), parts AS (
    SELECT payer_no, invoice_id, instalment_no, first_paid_date AS payment_date, first_paid_amount AS amount,
        'receipt' AS payment_type
    FROM settlements
    WHERE outcome NOT IN ('never', 'in euro')
    UNION ALL BY NAME
    SELECT payer_no, invoice_id, instalment_no, workday(first_paid_date + 30) AS payment_date,
        payable_amount - first_paid_amount AS amount, 'receipt' AS payment_type
    FROM settlements
    WHERE outcome = 'partial'
    UNION ALL BY NAME
    SELECT payer_no, invoice_id, instalment_no, first_paid_date AS payment_date,
        payable_amount - first_paid_amount AS amount, 'discount' AS payment_type
    FROM settlements
    WHERE outcome = 'discount'
    UNION ALL BY NAME
    SELECT payer_no, invoice_id, instalment_no, workday(first_paid_date + 45) AS payment_date,
        payable_amount - first_paid_amount AS amount, 'write_off' AS payment_type
    FROM settlements
    WHERE outcome = 'short'
    UNION ALL BY NAME
    SELECT payer_no, invoice_id, instalment_no, workday(due_date + 150) AS payment_date, payable_amount AS amount,
        'write_off' AS payment_type
    FROM settlements
    WHERE outcome = 'never' AND roll('write off|' || invoice_id) % 2 = 0
    UNION ALL BY NAME
    SELECT payer_no, invoice_id, instalment_no, workday(first_paid_date + 20) AS payment_date,
        first_paid_amount - payable_amount AS amount, 'refund' AS payment_type
    FROM settlements
    WHERE outcome = 'too much'
    UNION ALL BY NAME
    -- a US customer pays one dollar invoice in euro
    SELECT payer_no, invoice_id, instalment_no, first_paid_date AS payment_date,
        round(payable_amount * spot_rates.rate, 2)::DECIMAL(18, 2) AS amount, 'EUR' AS currency,
        'receipt' AS payment_type
    FROM settlements
    JOIN spot_rates ON spot_rates.currency = 'USD'
        AND spot_rates.rate_date = date_trunc('week', getvariable('month'))::DATE
    WHERE outcome = 'in euro'
    UNION ALL BY NAME
    -- an advance for tooling, before there is an invoice
    SELECT account_no AS payer_no, workday(getvariable('month') + 17) AS payment_date, 3500.00 AS amount, currency,
        'receipt' AS payment_type
    FROM accounts
    WHERE role = 9 AND months_left(getvariable('month')) = 1
)
SELECT * FROM parts WHERE amount > 0 AND payment_date <= getvariable('cutoff');
"""
VISITS = """
CREATE OR REPLACE TEMP TABLE month_visits AS
WITH planned AS (
    SELECT *, unnest(range(CASE WHEN role IN (6, 8, 11) THEN 2 WHEN key_account THEN 2 ELSE 1 END)) AS slot
    FROM accounts
), rolled AS (
    SELECT *, roll('visit|' || account_no || '|' || getvariable('month') || '|' || slot) AS visit_roll,
        month(getvariable('month')) AS calendar_month
    FROM planned
), typed AS (
    SELECT
        *,
        CASE
            WHEN slot = 1 AND role IN (6, 8, 11) THEN 'collection'
            WHEN slot = 0 AND calendar_month % 3 = 2 THEN 'voc'
            WHEN slot = 0 THEN ['sales', 'technical', 'sales'][1 + calendar_month % 3]
            ELSE ['audit', 'complaint', 'technical', 'other'][1 + (visit_roll % 4)::INTEGER]
        END AS visit_type
    FROM rolled
), dated AS (
    SELECT
        *,
        CASE WHEN visit_type = 'collection' THEN workday(getvariable('month') + 3 + die(visit_roll, 1) % 4)
            ELSE workday(getvariable('month') + 2 + die(visit_roll, 1) * 24 // 1000) END AS first_date,
        die(visit_roll, 1_000) AS fate
    FROM typed
), held AS (
    SELECT
        *,
        CASE WHEN fate < 40 AND visit_type <> 'collection' THEN NULL ELSE first_date END AS planned_date,
        CASE WHEN fate >= 930 THEN NULL
            WHEN fate >= 850 AND workday(first_date + 4) < getvariable('next_month') THEN workday(first_date + 4)
            ELSE first_date END AS visit_date
    FROM dated
)
SELECT
    format('V{}-{:04d}-{}', strftime(getvariable('month'), '%y%m'), account_no, slot + 1) AS visit_id,
    account_id, visit_type, planned_date, visit_date, account_manager,
    CASE WHEN visit_date IS NOT NULL THEN (2 + die(visit_roll, 1_000_000) % 9) * 0.5 END AS duration_hours,
    CASE WHEN visit_date IS NOT NULL THEN 90.00 + die(visit_roll, 1_000_000) % 40 * 15 END AS cost,
    visit_type = 'sales' AND visit_date IS NOT NULL AND die(visit_roll, 1_000_000_000) < 450 AS has_opportunity,
    CASE WHEN has_opportunity THEN format('OPP{}-{:04d}', strftime(getvariable('month'), '%y%m'), account_no) END
        AS opportunity_id,
    CASE WHEN has_opportunity THEN 5000.00 + 2500 * (die(visit_roll, 1_000_000_000) % 70) END AS opportunity_value,
    CASE WHEN has_opportunity THEN (1 + die(visit_roll, 1_000_000) % 9) * 0.1 END AS success_probability,
    -- one of them promises more than it will pay, one what it pays anyway
    CASE WHEN visit_type = 'collection' AND visit_date IS NOT NULL THEN round(
        sold.net_amount * CASE role WHEN 11 THEN 0.10 WHEN 6 THEN 0.50 ELSE 1.20 END * coalesce(currencies.rate, 1), -2
        )::DECIMAL(18, 2) END AS promised_payment_amount,
    CASE WHEN promised_payment_amount IS NOT NULL THEN workday(visit_date + 21) END AS promised_payment_date,
    visit_type = 'voc' AND visit_date IS NOT NULL AND role NOT IN (1, 4, 5, 7) AS is_rated,
    CASE WHEN is_rated THEN 70 + (roll(visit_id || '|quality') % 25)::INTEGER END AS rating_quality,
    CASE WHEN is_rated THEN 55 + (roll(visit_id || '|cost') % 25)::INTEGER END AS rating_cost,
    CASE WHEN is_rated THEN 65 + (roll(visit_id || '|delivery') % 25)::INTEGER END AS rating_delivery,
    CASE WHEN is_rated AND segment = 'vehicle maker' THEN 60 + (roll(visit_id || '|development') % 25)::INTEGER END
        AS rating_development,
    CASE WHEN is_rated THEN 70 + (roll(visit_id || '|management') % 25)::INTEGER END AS rating_management,
    CASE
        WHEN visit_date IS NULL THEN 'Cancelled by the customer'
        WHEN visit_type = 'collection' THEN 'Asked for a date; "by month end, no later"'
        WHEN visit_type = 'complaint' THEN 'Looked at rejected parts, sorting agreed'
        WHEN has_opportunity THEN 'New model: sample parts, then a quotation'
    END AS notes
FROM held
LEFT JOIN (SELECT account_no, net_amount FROM sold WHERE month = later_month(getvariable('month'), -1)) AS sold
    USING (account_no)
LEFT JOIN currencies USING (currency)
WHERE planned_date IS NOT NULL OR visit_date IS NOT NULL;
"""
DOCUMENT_COLUMNS = """
    invoice_id, line_no, document_type, account_id, product_id, order_id, order_line_no, invoice_date, due_date,
    quantity, net_amount, tax_amount, currency, reference_invoice_id,
    sum(net_amount + tax_amount) OVER (PARTITION BY invoice_id) AS invoice_total, disputed
"""
ORDERS = """
SELECT
    order_id AS "Auftrag", line_no AS "Position", account_id AS "Kunde", product_id AS "Material",
    strftime(order_date, '%d.%m.%Y') AS "Auftragsdatum",
    strftime(requested_date, '%d.%m.%Y') AS "Wunschtermin",
    strftime(promised_date, '%d.%m.%Y') AS "Zusagetermin",
    strftime(last_promised_date, '%d.%m.%Y') AS "Neuer Termin",
    replace(quantity::DECIMAL(18, 3)::VARCHAR, '.', ',') AS "Menge",
    replace(unit_price::VARCHAR, '.', ',') AS "Nettopreis",
    currency AS "Währung",
    account_manager AS "Verkäufer",
    CASE WHEN outcome = 'cancelled' THEN 'storniert'
        WHEN outcome = 'forgotten' OR shipped_date > getvariable('cutoff') THEN 'offen'
        ELSE 'erledigt' END AS "Status"
FROM month_lines
ORDER BY order_id, line_no
"""
MONTHLY: Mapping[str, str] = MappingProxyType(
    {
        "deliveries": """
            SELECT delivery_id, line_no, order_id, order_line_no, delivered_date, quantity, rejected_quantity
            FROM delivery_queue
            WHERE delivered_date < getvariable('next_month')
            ORDER BY delivered_date, delivery_id, line_no""",
        "invoices": f"""
            WITH sent AS (
                SELECT month_documents.* REPLACE (
                    CASE WHEN rank = 1 THEN round(net_amount * 0.9, 2) ELSE net_amount END AS net_amount,
                    CASE WHEN rank = 1 THEN round(tax_amount * 0.9, 2) ELSE tax_amount END AS tax_amount)
                FROM month_documents LEFT JOIN corrections USING (invoice_id)
                WHERE rank IS DISTINCT FROM 2
            )
            SELECT {DOCUMENT_COLUMNS}
            FROM sent JOIN accounts USING (account_no)
            ORDER BY invoice_date, invoice_id, line_no""",
        "payments": """
            WITH named AS (
                SELECT
                    CASE payment_type WHEN 'write_off' THEN 'WO' WHEN 'refund' THEN 'RF' ELSE 'PY' END
                        || strftime(payment_date, '%y%m%d') || format('-{:04d}', payer_no) AS payment_id,
                    *
                FROM payment_queue
                WHERE payment_date < getvariable('next_month')
            )
            SELECT
                payment_id,
                row_number() OVER (
                    PARTITION BY payment_id ORDER BY invoice_id NULLS LAST, instalment_no, payment_type DESC, amount
                ) AS line_no,
                account_id, invoice_id, instalment_no, payment_date, amount, named.currency, payment_type
            FROM named JOIN accounts ON account_no = payer_no
            ORDER BY payment_date, payment_id, line_no""",
        "visits": """
            SELECT
                visit_id AS "Visit No", account_id AS "Account", visit_type AS "Type",
                strftime(planned_date, '%m/%d/%Y') AS "Planned", strftime(visit_date, '%m/%d/%Y') AS "Held",
                account_manager AS "Owner", duration_hours AS "Hours", cost AS "Cost EUR",
                opportunity_id AS "Opportunity", opportunity_value AS "Opportunity EUR",
                success_probability AS "Probability", promised_payment_amount AS "Promised EUR",
                strftime(promised_payment_date, '%m/%d/%Y') AS "Promised By",
                rating_quality AS "Quality", rating_cost AS "Cost", rating_delivery AS "Delivery",
                rating_development AS "Development", rating_management AS "Management", notes AS "Notes"
            FROM month_visits
            ORDER BY visit_id""",
    }
)
CORRECTION = f"""
    SELECT {DOCUMENT_COLUMNS}
    FROM month_documents JOIN corrections USING (invoice_id) JOIN accounts USING (account_no)
    ORDER BY invoice_id, line_no"""
MASTERS: Mapping[str, str] = MappingProxyType(
    {
        # a limit of several months' sales; for one account of half of that, so that it is broken
        "accounts": """
            WITH average AS (
                SELECT account_no, avg(net_amount)::BIGINT AS net_amount FROM sold GROUP BY account_no
            )
            SELECT
                account_id, account_name, parent_account_id, account_manager, segment, 'automotive' AS industry, region,
                country, currency, payment_terms_days,
                1000 * (1 + coalesce(net_amount, 0) * CASE role WHEN 6 THEN 3 WHEN 8 THEN 7 ELSE 6 END // 1000)
                    AS credit_limit,
                key_account
            FROM accounts LEFT JOIN average USING (account_no)
            ORDER BY account_id""",
        "products": """
            SELECT product_id, product_name, product_line, unit, standard_cost, 'EUR' AS currency
            FROM products
            ORDER BY product_id""",
        "fx_rates": """
            SELECT currency, rate_date, 'spot' AS rate_type, rate FROM spot_rates
            UNION ALL
            SELECT currency, last_day(rate_date), 'average', avg(rate)::DECIMAL(18, 6)
            FROM spot_rates
            WHERE rate_date >= getvariable('first_month')
            GROUP BY currency, last_day(rate_date)
            UNION ALL
            SELECT currency, year_start, 'budget', rate FROM budget_rates
            ORDER BY currency, rate_type, rate_date""",
        "instalments": "FROM instalments ORDER BY invoice_id, instalment_no",
        "payment_plan": """
            WITH average AS (
                SELECT account_no, avg(net_amount)::BIGINT // 100 * 100 AS amount FROM sold GROUP BY account_no
            )
            SELECT account_id, months.month, amount, currency
            FROM accounts JOIN average USING (account_no) CROSS JOIN months
            WHERE role IN (6, 8) AND months_left(months.month) BETWEEN -2 AND 5
            ORDER BY account_id, months.month""",
        "scorecards": """
            WITH dimensions AS (
                FROM (VALUES ('quality', 4), ('cost', -9), ('delivery', 1), ('development', -3), ('management', 3),
                    ('overall', 0)) AS t(dimension, offset_points)
            ), given AS (
                SELECT
                    account_id, role, month, dimension,
                    roll('score|' || account_no || '|' || month || '|' || dimension) AS score_roll,
                    -- tenths of a point; the noise is smaller than the step from month to month
                    10 * offset_points + (score_roll % 9)::INTEGER - 4 + CASE role
                        WHEN 1 THEN 660 + greatest(0, 16 * (14 - months_left(month)))
                        WHEN 4 THEN 880 - greatest(0, 19 * (13 - months_left(month)))
                        WHEN 5 THEN 780 + (score_roll % 40)::INTEGER
                        ELSE 720 + (score_roll % 60)::INTEGER
                    END AS tenths
                FROM accounts CROSS JOIN months CROSS JOIN dimensions
                WHERE month <= getvariable('last_month')
                  AND (role IN (1, 4, 5) OR (role = 7 AND month(month) % 3 = 0))
                  AND NOT (role = 5 AND month(month) = 8)
                  AND (dimension <> 'overall' OR role = 1)
            )
            -- one customer counts to ten
            SELECT
                account_id, month, dimension,
                CASE WHEN role = 5 THEN (least(tenths, 1000) * 0.01)::DECIMAL(18, 1)
                    ELSE (least(tenths, 1000) * 0.1)::DECIMAL(18, 1) END AS score,
                CASE WHEN role = 5 THEN 10 ELSE 100 END AS max_score,
                'supplier portal' AS source
            FROM given
            ORDER BY account_id, month, dimension""",
        "issues": """
            WITH rolled AS (
                SELECT items.*, months.month, roll('issue|' || account_no || '|' || months.month) AS issue_roll
                FROM items CROSS JOIN months
                WHERE months.month <= getvariable('last_month')
            ), opened AS (
                SELECT
                    *,
                    workday(month + 2 + die(issue_roll, 1_000) * 24 // 1000) AS opened_date,
                    workday(
                        opened_date + CASE WHEN role = 4 THEN 20 ELSE 4 END + die(issue_roll, 1_000_000) * 28 // 1000
                    ) AS done_date
                FROM rolled
                WHERE place = (issue_roll % getvariable('items_per_account'))::INTEGER
                  AND die(issue_roll, 1) < CASE WHEN role = 4 AND months_left(month) < 8 THEN 750 ELSE 300 END
            )
            SELECT
                format('ISS{}-{:04d}', strftime(month, '%y%m'), account_no) AS issue_id, account_id, product_id,
                ['quality', 'quality', 'delivery', 'delivery', 'cost', 'development', 'management']
                    [1 + die(issue_roll, 1_000_000_000) % 7] AS dimension,
                ['complaint', 'complaint', 'audit_finding', 'request'][1 + die(issue_roll, 1_000_000_000) % 4]
                    AS issue_type,
                opened_date, opened_date + 21 AS target_close_date,
                CASE WHEN die(issue_roll, 1_000_000) < 970 AND done_date <= getvariable('cutoff') THEN done_date END
                    AS closed_date,
                CASE WHEN issue_type = 'complaint' THEN 1 + die(issue_roll, 1_000) % 12 END AS affected_quantity,
                ['minor', 'minor', 'major', 'critical'][1 + die(issue_roll, 1_000) % 4] AS severity
            FROM opened
            ORDER BY issue_id""",
        "sales_plan": """
            WITH planned AS (
                SELECT
                    demand.*, account_id, product_id, account_manager, accounts.currency, rate AS fx_rate,
                    year(year_start + INTERVAL 11 MONTH) AS fiscal_year
                FROM demand
                JOIN accounts USING (account_no)
                JOIN products USING (product_no)
                LEFT JOIN budget_rates USING (currency, year_start)
                WHERE plan_quantity > 0 AND year_start <= getvariable('last_month')
            )
            SELECT
                'AOP FY' || fiscal_year AS plan_version, month, account_id, product_id, NULL AS account_manager,
                plan_quantity AS quantity, plan_price AS unit_price, NULL::DECIMAL(18, 2) AS amount, currency, fx_rate,
                -- the plan of the first year came late
                (year_start + CASE WHEN getvariable('first_month') >= year_start THEN 12 ELSE -16 END)
                    + INTERVAL 16 HOUR AS submitted_at
            FROM planned
            UNION ALL BY NAME
            -- targets of the managers: by manager and month, amounts only
            SELECT
                'Targets FY' || fiscal_year AS plan_version, month, account_manager,
                round(sum(plan_quantity * plan_price * coalesce(fx_rate, 1.00)) * 1.05, -2)::DECIMAL(18, 2) AS amount,
                'EUR' AS currency, year_start::TIMESTAMP + INTERVAL 34 HOUR AS submitted_at
            FROM planned
            WHERE year_start = fiscal_year_start(getvariable('last_month'))
            GROUP BY fiscal_year, year_start, month, account_manager
            ORDER BY plan_version, month, account_id, product_id, account_manager""",
        "forecasts": """
            WITH targets AS (
                SELECT demand.account_no, demand.product_no, account_id, product_id, role, sold_from, foreseen_quantity,
                    demand.month AS target_month, unnest([1, 2, 3]) AS lag
                FROM demand JOIN items USING (account_no, product_no)
                WHERE foreseen_quantity > 0
            ), steps AS (
                SELECT
                    *, unnest(['sales', 'statistical']) AS forecast_step,
                    later_month(target_month, -lag) AS snapshot_month
                FROM targets
            ), rolled AS (
                SELECT *, die(roll('forecast|' || forecast_step || '|' || account_no || '|' || product_no || '|'
                    || target_month || '|' || lag), 1) AS noise
                FROM steps
                WHERE snapshot_month BETWEEN getvariable('first_month') AND getvariable('last_month')
                  AND (sold_from IS NULL OR snapshot_month >= sold_from)
            )
            SELECT
                forecast_step, snapshot_month, target_month, account_id, product_id,
                greatest(0, foreseen_quantity * (1000
                    + (noise - 500)
                        * CASE forecast_step WHEN 'sales' THEN 150 + 60 * lag ELSE 260 + 90 * lag END // 1000
                    + CASE WHEN role = 5 AND forecast_step = 'sales' THEN 320 ELSE 0 END) // 1000)::INTEGER AS quantity
            FROM rolled
            ORDER BY forecast_step, snapshot_month, account_id, product_id, target_month""",
    }
)
PLAN_DUE_DATES = """
SELECT version, min(due_date)
FROM (
    SELECT 'AOP FY' || year(year_start + INTERVAL 11 MONTH) AS version, year_start - 1 AS due_date
    FROM months
    WHERE year_start <= getvariable('last_month')
    UNION ALL
    SELECT 'Targets FY' || year(fiscal_year_start(getvariable('last_month')) + INTERVAL 11 MONTH),
        fiscal_year_start(getvariable('last_month')) - 1
)
GROUP BY version
ORDER BY version
"""
