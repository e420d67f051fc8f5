"""AdventureWorks: sales against the targets of salespeople, over three years, and the raw exports they came from."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

import pytest

from kam.audit import verify
from kam.build import marts
from kam.close import Run, close_months, require_closed, steps
from kam.periods import months_between
from kam.site import Site
from tests.real import sites
from tests.real.sites import iso_date, loaded_rows, month_end, month_of, records
from tests.support import needs_shared, published

# Threads must not change a figure.
pytestmark = [needs_shared, pytest.mark.usefixtures("every_core")]

MONTHS = months_between(dt.date(2017, 7, 1), dt.date(2020, 5, 1))
FIRST_MONTHS = MONTHS[:6]
JUNE, JULY = dt.date(2020, 6, 1), dt.date(2020, 7, 1)
Amounts = dict[tuple[dt.date, str], Decimal]


@pytest.fixture(scope="module")
def closed_one_by_one(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The first months, each closed by itself."""
    site = sites.adventureworks_sales(tmp_path_factory.mktemp("sales") / "site")
    sites.close_one_by_one(site, FIRST_MONTHS)
    return site


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """All 35 months in one run, as a backfill walks them."""
    site = sites.adventureworks_sales(tmp_path_factory.mktemp("backfill") / "site")
    run = Run("backfill", MONTHS)
    with steps.writing_session(site, run.name):
        close_months(site, run)
    require_closed(run.report.months)
    return site


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The raw exports, with the month they are of and the one after it closed."""
    site = sites.reseller_exports(tmp_path_factory.mktemp("exports") / "site")
    sites.close_together(site, [JUNE, JULY])
    return site


def names(column: str) -> Mapping[str, str]:
    """Names of the salespeople by EmployeeKey or EmployeeID."""
    return {person[column]: person["Salesperson"] for person in records("adventureworks_sales/Salesperson.csv")}


def sales() -> Amounts:
    """What the file says each manager sold in each month."""
    managers = names("EmployeeKey")
    sums: Amounts = defaultdict(Decimal)
    for row in records("adventureworks_sales/Sales.csv"):
        sums[month_of(iso_date(row["OrderDate"])), managers[row["EmployeeKey"]]] += Decimal(row["Sales"])
    return sums


def targets() -> Amounts:
    """What the file says each manager was to sell in each month; on to 2021-12."""
    managers = names("EmployeeID")
    return {
        (iso_date(row["TargetMonth"]), managers[row["EmployeeID"]]): Decimal(row["TargetAmount"])
        for row in records("adventureworks_sales/Targets.csv")
    }


def by_manager_and_month(site: Site, column: str) -> Amounts:
    """A column of the plan variance, where it is not zero."""
    found = published(
        site, f"SELECT period_month, document_account_manager, {column} AS value FROM reporting.sales_plan_variance"
    )
    return {(row["period_month"], row["document_account_manager"]): row["value"] for row in found if row["value"]}


def test_all_months_close_in_one_backfill(closed: Site) -> None:
    closes = published(closed, "SELECT period_month, close_version FROM reporting.closes ORDER BY period_month")

    assert len(closes) == 35
    assert [(row["period_month"], row["close_version"]) for row in closes] == [(month, 1) for month in MONTHS]


def test_a_backfill_gives_what_single_closes_gave(closed_one_by_one: Site, closed: Site) -> None:
    closes = (
        "SELECT period_month, close_version, content_hash FROM ops.closes "
        f"WHERE period_month <= '{FIRST_MONTHS[-1]}' ORDER BY ALL"
    )
    by_single_closes = published(closed_one_by_one, closes)

    assert len(by_single_closes) == len(FIRST_MONTHS)
    assert published(closed, closes) == by_single_closes
    for mart in marts():
        # Which month is the newest is found when it is read.
        names = ", ".join(column.name for column in mart.all_columns if column.name not in mart.when_read)
        table = f"SELECT {names} FROM reporting.{mart.name} WHERE period_month <= '{FIRST_MONTHS[-1]}' ORDER BY ALL"
        assert published(closed, table) == published(closed_one_by_one, table), mart.name


def test_every_target_is_loaded(closed: Site) -> None:
    (plan,) = loaded_rows(closed, "SELECT count(*) AS row_count, sum(amount) AS amount FROM core.sales_plan")

    assert (plan["row_count"], plan["amount"]) == (809, 676_210_000)


def test_every_order_line_is_loaded(closed: Site) -> None:
    (orders,) = loaded_rows(
        closed, "SELECT count(*) AS line_count, count(DISTINCT order_id) AS order_count FROM core.orders"
    )

    assert (orders["line_count"], orders["order_count"]) == (57_851, 3_616)


def test_sales_of_each_manager_and_month_are_those_of_the_file(closed: Site) -> None:
    assert by_manager_and_month(closed, "actual_amount") == sales()


def test_sales_and_their_bridge_without_a_plan_are_those_of_the_file(closed: Site) -> None:
    of_file: dict[tuple[dt.date, str], Decimal] = defaultdict(Decimal)
    for row in records("adventureworks_sales/Sales.csv"):
        of_file[month_of(iso_date(row["OrderDate"])), row["ResellerKey"]] += Decimal(row["Sales"])
    # From the second year on there is a year before.
    resellers = {reseller for _, reseller in of_file}
    pairs = {
        (month, reseller): (of_file[month, reseller], of_file[month.replace(year=month.year - 1), reseller])
        for month in MONTHS[12:]
        for reseller in resellers
    }

    sales = published(
        closed,
        "SELECT period_month, account_id, sum(ordered_amount) AS now, sum(prior_year_ordered_amount) AS before "
        f"FROM reporting.sales WHERE period_month >= '{MONTHS[12]}' GROUP BY ALL",
    )
    lanes = "volume_effect + mix_effect + price_effect + fx_effect + new_effect + lost_effect + adjustment_effect"
    bridge = published(
        closed,
        f"SELECT period_month, account_id, sum({lanes}) AS change FROM reporting.sales_bridge "
        f"WHERE plan_version = 'prior year' AND period_month >= '{MONTHS[12]}' GROUP BY ALL",
    )

    found = {(row["period_month"], row["account_id"]): (row["now"], row["before"]) for row in sales}
    assert {key: pair for key, pair in found.items() if any(pair)} == {k: p for k, p in pairs.items() if any(p)}
    changes = {(row["period_month"], row["account_id"]): row["change"] for row in bridge}
    assert {key: change for key, change in changes.items() if change} == {
        key: now - before for key, (now, before) in pairs.items() if now != before
    }


def test_targets_of_each_manager_and_month_are_those_of_the_file(closed: Site) -> None:
    of_file = {key: amount for key, amount in targets().items() if key[0] in MONTHS}

    assert by_manager_and_month(closed, "plan_amount") == of_file


def test_managers_add_up_to_the_month(closed: Site) -> None:
    of_file: dict[dt.date, Decimal] = defaultdict(Decimal)
    for row in records("adventureworks_sales/Sales.csv"):
        of_file[month_of(iso_date(row["OrderDate"]))] += Decimal(row["Sales"])

    rows = published(
        closed,
        "SELECT period_month, sum(actual_amount) AS amount FROM reporting.sales_plan_variance GROUP BY period_month",
    )
    totals = published(
        closed,
        "SELECT period_month, actual_amount AS amount FROM reporting.sales_plan_summary WHERE level = 'total'",
    )

    assert {row["period_month"]: row["amount"] for row in rows} == of_file
    assert {row["period_month"]: row["amount"] for row in totals} == of_file


def test_sales_of_michael_blythe(closed: Site) -> None:
    (blythe,) = published(
        closed,
        "SELECT sum(actual_amount) AS amount FROM reporting.sales_plan_variance "
        "WHERE document_account_manager = 'Michael Blythe'",
    )

    assert blythe["amount"] == Decimal("8952751.48")


def test_fiscal_year_2020_to_may(closed: Site) -> None:
    (total,) = published(
        closed,
        "SELECT ytd_actual_amount FROM reporting.sales_plan_summary "
        "WHERE level = 'total' AND period_month = DATE '2020-05-01'",
    )

    assert total["ytd_actual_amount"] == Decimal("33139748.07")


def test_a_target_without_sales_is_missed_as_a_whole(closed: Site) -> None:
    sold = sales()
    missed = {key: amount for key, amount in targets().items() if key[0] in MONTHS and key not in sold}
    assert {month for month, manager in missed if manager == "Brian Welcker"} == set(MONTHS)  # he only leads others

    found = published(
        closed,
        "SELECT period_month, document_account_manager, variance_amount, variance_ratio, rag FROM reporting.sales_plan_variance "
        "WHERE actual_amount = 0 AND plan_amount > 0",
    )

    assert {(row["period_month"], row["document_account_manager"]): row["variance_amount"] for row in found} == {
        key: -amount for key, amount in missed.items()
    }
    assert {(row["variance_ratio"], row["rag"]) for row in found} == {(Decimal(-1), "red")}


def test_tables_without_their_feed_are_empty(closed: Site) -> None:
    """The site declares neither invoices nor forecasts."""
    for table in ("receivables_ageing", "receivables_kpis", "receivables_rollforward", "forecast_accuracy"):
        assert published(closed, f"FROM reporting.{table}") == []


def test_utf_16_orders_load_through_settings_alone(exports: Site) -> None:
    (orders,) = loaded_rows(
        exports, "SELECT count(*) AS line_count, sum(quantity * unit_price) AS amount FROM core.orders"
    )
    of_file = records("adventureworks_sales/ResellerSales_202006.csv", "utf-16")

    assert orders["line_count"] == len(of_file) == 3004
    assert orders["amount"] == sum(Decimal(row["SalesAmount"]) for row in of_file)
    assert loaded_rows(exports, "FROM staging.rejects") == []


def test_wide_targets_in_thousands_are_the_targets_by_month(exports: Site) -> None:
    """Months as columns, thousands, a dash for none; `Targets.csv` is the same plan, brought into rows by others."""
    plan = loaded_rows(exports, "SELECT month, account_manager, amount FROM core.sales_plan")
    managers = names("EmployeeKey")

    assert {(row["month"], managers[row["account_manager"]]): row["amount"] for row in plan} == targets()
    assert (len(plan), sum(row["amount"] for row in plan)) == (809, 676_210_000)


def test_june_2020_against_its_targets(exports: Site) -> None:
    managers = names("EmployeeKey")
    sold: dict[str, Decimal] = defaultdict(Decimal)
    for row in records("adventureworks_sales/ResellerSales_202006.csv", "utf-16"):
        sold[row["EmployeeKey"]] += Decimal(row["SalesAmount"])
    planned = {manager: amount for (month, manager), amount in targets().items() if month == JUNE}

    found = published(exports, f"FROM reporting.sales_plan_variance WHERE period_month = DATE '{JUNE}'")

    assert {row["document_account_manager"]: row["actual_amount"] for row in found if row["actual_amount"]} == sold
    assert {
        managers[row["document_account_manager"]]: row["plan_amount"] for row in found if row["plan_amount"]
    } == planned


@pytest.mark.parametrize("month", [JUNE, JULY], ids=["as the export was made", "lines without a ship date fall due"])
def test_delivery_from_due_and_ship_dates(exports: Site, month: dt.date) -> None:
    expected: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 5)
    for row in records("adventureworks_sales/ResellerSales_202006.csv", "utf-16"):
        due = iso_date(row["DueDate"])
        if month_of(due) != month:
            continue
        shipped = iso_date(row["ShipDate"]) if row["ShipDate"] else dt.date.max
        is_delivered, is_on_time = shipped <= month_end(month), shipped <= due
        quantity = Decimal(row["OrderQuantity"])
        line = (Decimal(1), Decimal(is_on_time), Decimal(not is_delivered), quantity, quantity * is_on_time)
        so_far = expected[row["ResellerKey"]]
        expected[row["ResellerKey"]] = [kept + added for kept, added in zip(so_far, line, strict=True)]

    found = published(exports, f"FROM reporting.delivery_performance WHERE period_month = DATE '{month}'")

    columns = ("line_count", "otif_count", "open_late_count", "quantity_due", "quantity_on_time")
    assert {row["account_id"]: [row[name] for name in columns] for row in found} == expected
    assert {row["basis"] for row in found} == {"promised"}


def test_the_export_has_495_lines_not_shipped(exports: Site) -> None:
    (july,) = published(
        exports,
        "SELECT sum(open_late_count) AS line_count FROM reporting.delivery_performance "
        f"WHERE period_month = DATE '{JULY}'",
    )

    assert july["line_count"] == 495


def test_every_version_comes_out_the_same_from_the_archive_alone(closed: Site) -> None:
    proofs = verify(closed)
    assert [proof.name for proof in proofs if not proof.holds] == []
    assert {proof.is_published for proof in proofs} == {True}
