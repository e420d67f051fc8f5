"""Sites over real data that nobody here wrote, and how they are loaded, closed and read.

Each builder copies its files into the landing folder of a new site and writes the settings that read them: mappings and
SELECTs only, as a data engineer would. What the files say is read here once more, in plain Python, for the tests to
compare with.
"""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from calendar import monthrange
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kam.close import require_closed, require_loaded, steps
from kam.ingest import LoadResult, ordered_feeds
from kam.site import SETTINGS_FILE, Site, find_site
from kam.warehouse import open_read_only, rows
from tests.support import SHARED

DATA = SHARED / "data"
Record = dict[str, str]


def records(source: str, encoding: str = "utf-8") -> list[Record]:
    """The rows of one of the data's CSV files as texts, read by Python's own reader."""
    with (DATA / source).open(encoding=encoding, newline="") as stream:
        return list(csv.DictReader(stream))


def us_date(text: str) -> dt.date:
    """A date written as 4/30/2013."""
    month, day, year = (int(part) for part in text.split("/"))
    return dt.date(year, month, day)


def iso_date(text: str) -> dt.date:
    """A date written as 2013-04-30, with or without a time after it."""
    return dt.date.fromisoformat(text[:10])


def month_of(day: dt.date) -> dt.date:
    """The month of a day, as its first day."""
    return day.replace(day=1)


def month_end(month: dt.date) -> dt.date:
    """The last day of the month of a day."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def write_site(folder: Path, settings: str, *, data: str, files: Sequence[str], queries: Mapping[str, str]) -> Site:
    """A site with these settings, files of the folder `data` in its landing folder, and the SELECTs of its feeds."""
    landing = folder / "landing"
    landing.mkdir(parents=True)
    for name in files:
        shutil.copyfile(DATA / data / name, landing / name)
    for name, select in queries.items():
        (folder / name).write_text(select, encoding="utf-8")
    (folder / SETTINGS_FILE).write_text(f"{settings}\n[publish]\npack = false\n", encoding="utf-8")
    return find_site(folder)


def load(site: Site) -> list[LoadResult]:
    """Load everything that the site declares; a refused source fails the test."""
    with steps.writing_session(site, "ingest"):
        loads = [result for feed in ordered_feeds(site) for result in steps.load_feed(site, feed)]
    require_loaded(loads)
    return loads


def close_together(site: Site, months: Sequence[dt.date]) -> None:
    """Close months as one set, as a backfill does, without Prefect; raises when any of them does not close."""
    with steps.writing_session(site, "backfill"):
        _close(site, months)
        steps.publish(site)


def close_one_by_one(site: Site, months: Sequence[dt.date]) -> None:
    """Close months each by itself, in their order; raises when any of them does not close."""
    with steps.writing_session(site, "close"):
        for month in months:
            _close(site, [month])
        steps.publish(site)


def _close(site: Site, months: Sequence[dt.date]) -> None:
    require_loaded([result for feed in ordered_feeds(site) for result in steps.load_feed(site, feed)])
    as_of_load = steps.prepare_months(site, months)
    feed_checks = steps.validate_feeds(site, as_of_load)
    steps.build_marts(site, as_of_load)
    mart_checks, controls = steps.validate_marts(site, as_of_load)
    checks = (*feed_checks, *mart_checks)
    outcomes = [
        steps.commit_month(
            site, month, as_of_load=as_of_load, checks=checks, controls=controls, restate=False, reason=""
        )
        for month in months
    ]
    require_closed(outcomes)


def loaded_rows(site: Site, sql: str) -> list[dict[str, Any]]:
    """The rows of a query on the warehouse, for what is not published: the feeds as they are known."""
    with open_read_only(site) as con:
        return rows(con, sql)


def adventureworks_sales(folder: Path) -> Site:
    """Reseller orders without delivery dates, and monthly targets by salesperson; the fiscal year starts in July.

    A line of an order has no number of its own, but each product is on an order once.
    """
    return write_site(
        folder,
        """
        [site]
        name = "AdventureWorks sales"
        reporting_currency = "USD"
        fiscal_year_start_month = 7

        [variance]
        actual = "ordered"

        [feeds.accounts]
        files = "landing/Reseller.csv"

        [feeds.accounts.columns]
        account_id = "ResellerKey"
        account_name = "Reseller"
        segment = "Business Type"
        country = "Country-Region"

        [feeds.products]
        files = "landing/Product.csv"

        [feeds.products.columns]
        product_id = "ProductKey"
        product_name = "Product"
        product_line = "Category"
        standard_cost = "Standard Cost"

        [feeds.orders]
        sql = "orders.sql"
        inputs = ["landing/Sales.csv", "landing/Salesperson.csv", "landing/Region.csv"]

        [feeds.sales_plan]
        sql = "sales_plan.sql"
        inputs = ["landing/Targets.csv", "landing/Salesperson.csv"]
        """,
        data="adventureworks_sales",
        files=("Sales.csv", "Targets.csv", "Salesperson.csv", "Region.csv", "Reseller.csv", "Product.csv"),
        queries={
            "orders.sql": """
                SELECT
                    sales.SalesOrderNumber AS order_id,
                    sales.ProductKey AS line_no,
                    sales.ResellerKey AS account_id,
                    sales.ProductKey AS product_id,
                    sales.OrderDate AS order_date,
                    sales.Quantity AS quantity,
                    sales."Unit Price" AS unit_price,
                    people.Salesperson AS account_manager,
                    regions.Region AS region
                FROM read_csv('landing/Sales.csv', all_varchar = true) AS sales
                LEFT JOIN read_csv('landing/Salesperson.csv', all_varchar = true) AS people USING (EmployeeKey)
                LEFT JOIN read_csv('landing/Region.csv', all_varchar = true) AS regions USING (SalesTerritoryKey)
            """,
            "sales_plan.sql": """
                SELECT
                    'targets' AS plan_version,
                    targets.TargetMonth AS month,
                    people.Salesperson AS account_manager,
                    targets.TargetAmount AS amount
                FROM read_csv('landing/Targets.csv', all_varchar = true) AS targets
                LEFT JOIN read_csv('landing/Salesperson.csv', all_varchar = true) AS people USING (EmployeeID)
            """,
        },
    )


def reseller_exports(folder: Path) -> Site:
    """The raw exports as they came, in UTF-16: targets with a column a month in thousands, and orders of June 2020."""
    return write_site(
        folder,
        """
        [site]
        name = "AdventureWorks exports"
        reporting_currency = "USD"
        fiscal_year_start_month = 7

        [variance]
        actual = "ordered"

        [feeds.accounts]
        files = "landing/Reseller.csv"
        columns = { account_id = "ResellerKey", account_name = "Reseller" }

        [feeds.orders]
        files = "landing/ResellerSales_*.csv"
        csv = { encoding = "utf-16" }

        [feeds.orders.columns]
        order_id = "SalesOrderNumber"
        line_no = "SalesOrderLineNumber"
        account_id = "ResellerKey"
        product_id = "ProductKey"
        order_date = "OrderDate"
        promised_date = "DueDate"
        delivered_date = "ShipDate"
        quantity = "OrderQuantity"
        unit_price = "UnitPrice"
        account_manager = "EmployeeKey"

        [feeds.sales_plan]
        sql = "sales_plan.sql"
        inputs = ["landing/ResellerSalesTargets.csv", "landing/Salesperson.csv"]
        """,
        data="adventureworks_sales",
        files=("Reseller.csv", "ResellerSales_202006.csv", "ResellerSalesTargets.csv", "Salesperson.csv"),
        queries={
            "sales_plan.sql": """
                WITH targets AS (
                    UNPIVOT (FROM read_csv('landing/ResellerSalesTargets.csv', encoding = 'utf-16', all_varchar = true))
                    ON COLUMNS('M\\d\\d') INTO NAME month_name VALUE thousands
                )

                SELECT
                    'targets' AS plan_version,
                    targets.Year || '-' || targets.month_name[2:] AS month,
                    people.EmployeeKey AS account_manager,
                    targets.thousands::INTEGER * 1000 AS amount
                FROM targets
                LEFT JOIN read_csv('landing/Salesperson.csv', all_varchar = true) AS people USING (EmployeeID)
                WHERE targets.thousands <> '-'
            """,
        },
    )


def receivables(folder: Path) -> Site:
    """Settled invoices: one file is both the invoices and the payments, since each was paid in one amount."""
    return write_site(
        folder,
        """
        [site]
        name = "IBM receivables"
        reporting_currency = "USD"

        [feeds.accounts]
        sql = "accounts.sql"
        inputs = ["landing/receivables.csv"]

        [feeds.invoices]
        files = "landing/receivables.csv"
        csv = { date_format = "%m/%d/%Y" }

        [feeds.invoices.columns]
        invoice_id = "invoiceNumber"
        account_id = "customerID"
        invoice_date = "InvoiceDate"
        due_date = "DueDate"
        net_amount = "InvoiceAmount"
        disputed = "Disputed"

        [feeds.payments]
        files = "landing/receivables.csv"
        csv = { date_format = "%m/%d/%Y" }

        [feeds.payments.columns]
        payment_id = "invoiceNumber"
        invoice_id = "invoiceNumber"
        account_id = "customerID"
        payment_date = "SettledDate"
        amount = "InvoiceAmount"
        """,
        data="ibm_receivables",
        files=("receivables.csv",),
        queries={
            "accounts.sql": """
                SELECT DISTINCT customerID AS account_id, countryCode AS country
                FROM read_csv('landing/receivables.csv', all_varchar = true)
                ORDER BY account_id
            """,
        },
    )


def crm_pipeline(folder: Path) -> Site:
    """Opportunities from the day of engagement on, at list price until they close; those without an account under one name."""
    return write_site(
        folder,
        """
        [site]
        name = "CRM pipeline"
        reporting_currency = "USD"

        [feeds.accounts]
        files = "landing/accounts.csv"
        columns = { account_id = "account", account_name = "account", industry = "sector" }

        [feeds.opportunities]
        sql = "opportunities.sql"
        inputs = ["landing/sales_pipeline.csv", "landing/products.csv"]
        csv = { date_format = "%d-%m-%y" }
        """,
        data="crm_pipeline",
        files=("accounts.csv", "sales_pipeline.csv", "products.csv"),
        queries={
            "opportunities.sql": """
                WITH deals AS (
                    SELECT deals.*, products.sales_price
                    FROM read_csv('landing/sales_pipeline.csv', all_varchar = true) AS deals
                    LEFT JOIN read_csv('landing/products.csv', all_varchar = true) AS products
                        ON products.product = replace(deals.product, 'GTXPro', 'GTX Pro')
                )

                SELECT
                    opportunity_id, engage_date AS recorded_on, coalesce(account, 'no account') AS account_id,
                    sales_price AS value, NULL AS outcome, NULL AS closed_on, sales_agent AS account_manager
                FROM deals
                UNION ALL
                SELECT
                    opportunity_id, close_date, coalesce(account, 'no account'),
                    close_value, lower(deal_stage), close_date, sales_agent
                FROM deals
                WHERE close_date IS NOT NULL
            """,
        },
    )


def northwind_orders(folder: Path) -> Site:
    """Northwind as a carrier sees it: an order is one line of quantity 1, due and shipped as a whole."""
    return write_site(
        folder,
        """
        [site]
        name = "Northwind orders"
        reporting_currency = "USD"

        [feeds.accounts]
        files = "landing/Customers.csv"
        columns = { account_id = "CustomerID", account_name = "CompanyName", country = "Country" }

        [feeds.orders]
        files = "landing/Orders.csv"
        csv = { date_format = "%m/%d/%Y" }

        [feeds.orders.columns]
        order_id = "OrderID"
        account_id = "CustomerID"
        order_date = "OrderDate"
        promised_date = "RequiredDate"
        delivered_date = "ShippedDate"
        quantity = { value = 1 }
        """,
        data="northwind",
        files=("Customers.csv", "Orders.csv"),
        queries={},
    )


def northwind_lines(folder: Path) -> Site:
    """Northwind by product: a product is on an order once, and its price is net of the line's discount."""
    return write_site(
        folder,
        """
        [site]
        name = "Northwind"
        reporting_currency = "USD"

        [feeds.accounts]
        files = "landing/Customers.csv"
        columns = { account_id = "CustomerID", account_name = "CompanyName", country = "Country" }

        [feeds.products]
        files = "landing/Products.csv"
        columns = { product_id = "ProductID", product_name = "ProductName", product_line = "CategoryID" }

        [feeds.orders]
        sql = "orders.sql"
        inputs = ["landing/Orders.csv", "landing/Order_Details.csv"]
        csv = { date_format = "%m/%d/%Y" }
        """,
        data="northwind",
        files=("Customers.csv", "Products.csv", "Orders.csv", "Order_Details.csv"),
        queries={
            "orders.sql": """
                SELECT
                    orders.OrderID AS order_id,
                    details.ProductID AS line_no,
                    orders.CustomerID AS account_id,
                    details.ProductID AS product_id,
                    orders.OrderDate AS order_date,
                    orders.RequiredDate AS promised_date,
                    orders.ShippedDate AS delivered_date,
                    details.Quantity AS quantity,
                    details.UnitPrice::DECIMAL(9, 2) * (1 - details.Discount::DECIMAL(9, 2)) AS unit_price
                FROM read_csv('landing/Order_Details.csv', all_varchar = true) AS details
                JOIN read_csv('landing/Orders.csv', all_varchar = true) AS orders USING (OrderID)
            """,
        },
    )


def purchasing(folder: Path) -> Site:
    """Purchase orders: the vendor is the account, and the ship date of the order stands for the receipt of a line."""
    return write_site(
        folder,
        """
        [site]
        name = "AdventureWorks purchasing"
        reporting_currency = "USD"

        [feeds.accounts]
        files = "landing/Vendor.csv"
        columns = { account_id = "BusinessEntityID", account_name = "Name" }

        [feeds.products]
        files = "landing/Product.csv"
        columns.product_id = "ProductID"
        columns.product_name = "Name"
        columns.product_line = "ProductLine"
        columns.standard_cost = "StandardCost"
        columns.list_price = "ListPrice"

        [feeds.orders]
        sql = "orders.sql"
        inputs = ["landing/PurchaseOrderHeader.csv", "landing/PurchaseOrderDetail.csv"]
        """,
        data="adventureworks_purchasing",
        files=("Vendor.csv", "Product.csv", "PurchaseOrderHeader.csv", "PurchaseOrderDetail.csv"),
        queries={
            "orders.sql": """
                SELECT
                    lines.PurchaseOrderID AS order_id,
                    lines.PurchaseOrderDetailID AS line_no,
                    headers.VendorID AS account_id,
                    lines.ProductID AS product_id,
                    headers.OrderDate AS order_date,
                    lines.DueDate AS promised_date,
                    headers.ShipDate AS delivered_date,
                    lines.OrderQty AS quantity,
                    lines.UnitPrice AS unit_price,
                    lines.ReceivedQty AS delivered_quantity,
                    lines.RejectedQty AS rejected_quantity
                FROM read_csv('landing/PurchaseOrderDetail.csv', all_varchar = true) AS lines
                JOIN read_csv('landing/PurchaseOrderHeader.csv', all_varchar = true) AS headers USING (PurchaseOrderID)
            """,
        },
    )


def ministerial_visits(folder: Path) -> Site:
    """Meetings without a key: identical rows are different meetings, so the record number is the key."""
    return write_site(
        folder,
        """
        [site]
        name = "Ministerial visits"

        [feeds.visits]
        files = "landing/meetings.csv"

        [feeds.visits.columns]
        visit_id = "source_row"
        account_id = "organisation"
        visit_date = "date"
        account_manager = "minister"
        notes = "purpose"
        """,
        data="ministerial_visits",
        files=("meetings.csv",),
        queries={},
    )
