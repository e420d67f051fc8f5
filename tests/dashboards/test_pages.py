"""Superset for real: every figure below is read off its pages, drawn by Chromium, and compared with the published tables.

`make test-dashboards` runs this; it takes minutes. `KAM_DASHBOARDS_SITE` names a site with closed months, else one is made.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from kam.publish import file_url, write_superset
from tests.browser import Browser, chromium, needs_chromium
from tests.postgresql import PostgreSql, postgresql
from tests.support import REPOSITORY

__all__ = ["postgresql"]

PYTHON = REPOSITORY / ".venv-superset" / "bin" / "python"
FOLDER = REPOSITORY / "dashboards" / "superset"
SCHEMA = "kam"
PASSWORD = "only-for-this-test"  # noqa: S105

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        not os.environ.get("KAM_DASHBOARDS"), reason="takes minutes and 750 MB: make test-dashboards runs it"
    ),
    pytest.mark.skipif(
        not PYTHON.with_name("superset").exists(), reason="Superset is not installed here: .venv-superset"
    ),
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file with three closed months."""
    site = Path(os.environ.get("KAM_DASHBOARDS_SITE") or tmp_path_factory.mktemp("made") / "site")
    if not site.exists():
        for arguments in (("demo", str(site)), ("--site", str(site), "backfill", "2026-08", "2026-10")):
            subprocess.run([sys.executable, "-m", "kam.cli", *arguments], check=True, cwd=REPOSITORY)
    return site / "published" / "kam.duckdb"


@dataclass(frozen=True)
class Page:
    """A dashboard as it is shown: the number of each tile, the rows of each table, and what each chart was sent."""

    figures: Mapping[str, str]
    tables: Mapping[str, list[dict[str, str]]]
    sent: Mapping[str, list[dict[str, Any]]]


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def pages(
    request: pytest.FixtureRequest, published: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Page]]:
    """All six dashboards as they open, over the published file or over a copy of its tables in PostgreSQL."""
    home = tmp_path_factory.mktemp(request.param)
    password = ""
    if request.param == "duckdb":
        write_superset(home / "assets", file_url(published), currency="EUR")
    else:
        server: PostgreSql = request.getfixturevalue("postgresql")
        url = server.new_database()
        copy_to(url, published)
        without_password = re.sub(r":[^:@/]*@", "@", url)
        write_superset(home / "assets", without_password, schema=SCHEMA, currency="EUR")
        password = server.password
    with running(home, password) as address, chromium(home / "profile", reaches_this_machine=True) as browser:
        log_in(browser, address)
        slugs = [yaml.safe_load(file.read_text())["slug"] for file in sorted((FOLDER / "dashboards").glob("*.yaml"))]
        names = names_of_charts(home)
        yield {slug: shown(browser, address, slug, names) for slug in slugs}


def copy_to(url: str, published: Path) -> None:
    """The tables of `reporting` in a schema of PostgreSQL, with the same types."""
    import psycopg

    con = duckdb.connect(str(published), read_only=True)
    names = con.execute(
        "SELECT DISTINCT table_name FROM duckdb_columns() WHERE schema_name = 'reporting' AND NOT internal ORDER BY 1"
    ).fetchall()
    with psycopg.connect(url) as there:
        there.execute(f"CREATE SCHEMA {SCHEMA}")
        for (name,) in names:
            columns = con.execute(f"DESCRIBE reporting.{name}").fetchall()
            described = ", ".join(
                f'"{column[0]}" {column[1].replace("DOUBLE", "double precision")}' for column in columns
            )
            there.execute(f"CREATE TABLE {SCHEMA}.{name} ({described})")
            with there.cursor().copy(f"COPY {SCHEMA}.{name} FROM STDIN") as copy:
                for row in con.execute(f"FROM reporting.{name}").fetchall():
                    copy.write_row(row)
    con.close()


@contextlib.contextmanager
def running(home: Path, password: str) -> Iterator[str]:
    """Superset in a folder, set up as `make dashboards` does, on a free port of this machine; its address. It ends with the block."""
    environment = os.environ | {"KAM_SUPERSET_PASSWORD": PASSWORD, "KAM_DATABASE_PASSWORD": password}
    subprocess.run([str(PYTHON), str(FOLDER / "set_up.py"), str(home)], check=True, env=environment)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment |= {"SUPERSET_HOME": str(home), "SUPERSET_CONFIG_PATH": str(FOLDER / "superset_config.py")}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [str(PYTHON.with_name("superset")), "run", "--host", "127.0.0.1", "--port", str(port), "--with-threads"],
            env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        wait_until(lambda: is_reachable(port), "Superset does not start", seconds=300)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


def is_reachable(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(is_so: Callable[[], bool], otherwise: str, *, seconds: int = 180) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, otherwise
        time.sleep(1)


def log_in(browser: Browser, address: str) -> None:
    browser.go(f"{address}/login/", width=1400, height=1000)
    wait_until(lambda: browser.value("!!document.querySelector('#username')"), "no login page")
    for field, text in (("username", "admin"), ("password", PASSWORD)):
        browser.value(f"document.querySelector('#{field}').focus()")
        browser.call("Input.insertText", text=text)
    browser.value("document.querySelector('button[type=submit], input[type=submit]').click()")
    wait_until(lambda: "/login" not in browser.value("location.pathname"), "the login fails")


# What each tile shows: its title, a large number, or the rows of a table under their headings.
_TILES = """JSON.stringify([...document.querySelectorAll('[data-test="dashboard-component-chart-holder"]')].map(tile => ({
    title: tile.querySelector('[data-test="editable-title"]')?.innerText ?? '',
    figure: tile.querySelector('.header-line')?.innerText ?? '',
    failed: !!tile.querySelector('.ant-alert, [data-test="chart-error"]'),
    headings: [...tile.querySelectorAll('thead th')].map(cell => cell.innerText.trim()),
    rows: [...tile.querySelectorAll('tbody tr')].map(row => [...row.querySelectorAll('td')].map(cell => cell.innerText.trim())),
})))"""
_IS_LOADED = """document.querySelectorAll('[data-test="dashboard-component-chart-holder"]').length >= %d
    && !document.querySelector('[data-test="dashboard-component-chart-holder"] .loading, [data-test="loading-indicator"]')"""


def shown(browser: Browser, address: str, slug: str, names: Mapping[int, str]) -> Page:
    """Open a dashboard in a window that shows all of it, and read it when nothing loads any more."""
    count = len(list((FOLDER / "charts" / slug.removeprefix("kam-")).glob("*.yaml")))
    browser.go(f"{address}/superset/dashboard/{slug}/", width=1400, height=4000)
    wait_until(lambda: bool(browser.value(_IS_LOADED % count)), f"{slug} does not load")
    time.sleep(3)
    tiles = json.loads(browser.value(_TILES))
    assert len(tiles) == count, [tile["title"] for tile in tiles]
    assert not [tile["title"] for tile in tiles if tile["failed"]]
    return Page(
        {tile["title"]: tile["figure"] for tile in tiles if tile["figure"]},
        {
            tile["title"]: [dict(zip(tile["headings"], row, strict=True)) for row in tile["rows"]]
            for tile in tiles
            if tile["headings"]
        },
        {names[chart]: rows for chart, rows in sent(browser)},
    )


def names_of_charts(home: Path) -> dict[int, str]:
    with contextlib.closing(sqlite3.connect(home / "superset.db")) as con:
        return dict(con.execute("SELECT id, slice_name FROM slices").fetchall())


def sent(browser: Browser) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The rows that each chart of the page was sent, by the chart's id."""
    for request, text in list(browser.sent):
        form = json.loads(text).get("form_data", {}) if text.startswith("{") else {}
        if "slice_id" in form:
            body = json.loads(browser.call("Network.getResponseBody", requestId=request)["body"])
            yield form["slice_id"], body["result"][0]["data"]


def rows_of(published: Path, sql: str) -> list[tuple[Any, ...]]:
    """Of the newest month, with the reports' names of accounts."""
    with contextlib.closing(duckdb.connect(str(published), read_only=True)) as con:
        con.execute("SET schema = 'reporting'")
        newest = "period_month = (SELECT max(period_month) FROM months)"
        plan = "plan_version = (SELECT arg_max(plan_version, plan_submitted_at) FROM sales_plan_summary_by_account)"
        account = "account_name || ' (' || account_id || ')'"
        return con.execute(sql.format(newest=newest, plan=f"{newest} AND {plan}", account=account)).fetchall()


def says(shown: str, value: Any) -> bool:
    """Whether a text shows a number, as exactly as it is shown."""
    if value is None:
        return shown in ("", "N/A")
    digits = re.sub(r"[^0-9.\-]", "", shown.replace("−", "-"))
    assert digits, f"{shown!r} is no number"
    places = len(digits.partition(".")[2])
    exact = Decimal(str(value)) * (100 if "%" in shown else 1)
    return abs(Decimal(digits) - exact) <= Decimal("0.5001").scaleb(-places)


_PLAN = "SELECT {0} FROM sales_plan_summary_by_account WHERE {{plan}}"
_KPIS = "SELECT {0} FROM receivables_kpis_by_account WHERE {{newest}}"
_OTIF = "SELECT {0} FROM delivery_performance WHERE {{newest}} AND is_default_basis"
_PPM = "SELECT sum(rejected_quantity) * 1000000 / sum(delivered_quantity) FROM quality_performance WHERE {newest}"
_FORECAST = "SELECT {0} FROM forecast_accuracy_by_account WHERE {{newest}} AND forecast_step = 'sales' AND lag = 1 AND {1} IS NOT NULL"
FIGURES = {
    ("kam-overview", "Net sales"): "SELECT sum(net_amount) FROM sales WHERE {newest}",
    ("kam-overview", "Variance to plan"): _PLAN.format("sum(actual_amount) - sum(plan_amount)"),
    ("kam-overview", "Open receivables"): "SELECT sum(outstanding_amount) FROM receivables_ageing WHERE {newest}",
    ("kam-overview", "Overdue share"): _KPIS.format("sum(overdue_amount) / sum(current_amount + overdue_amount)"),
    ("kam-overview", "On time in full"): _OTIF.format("sum(otif_count) / sum(line_count)"),
    ("kam-overview", "Rejected parts (ppm)"): _PPM,
    ("kam-plan", "Planned sales"): _PLAN.format("sum(plan_amount)"),
    ("kam-plan", "Actual sales"): _PLAN.format("sum(actual_amount)"),
    ("kam-plan", "Variance in percent"): _PLAN.format("sum(actual_amount) / sum(plan_amount) - 1"),
    ("kam-receivables", "Receivables"): _KPIS.format("sum(closing_amount)"),
    ("kam-receivables", "Overdue"): _KPIS.format("sum(overdue_amount)"),
    ("kam-receivables", "Days sales outstanding"): _KPIS.format(
        "sum(closing_amount * window_days) / sum(window_billed_amount)"
    ),
    ("kam-rating", "On time in full, all lines"): _OTIF.format("sum(otif_count) / sum(line_count)"),
    ("kam-rating", "On time"): _OTIF.format("sum(on_time_count) / sum(line_count)"),
    ("kam-rating", "Rejects (ppm)"): _PPM,
    ("kam-forecast", "Forecast error (WAPE)"): _FORECAST.format(
        "sum(absolute_error_quantity) / sum(absolute_actual_quantity)", "absolute_error_quantity"
    ),
    ("kam-forecast", "Bias"): _FORECAST.format(
        "sum(forecast_quantity - actual_quantity) / sum(actual_quantity)", "forecast_quantity"
    ),
    ("kam-quality", "Rules checked"): "SELECT count(*) FROM data_quality WHERE {newest}",
    ("kam-quality", "Rules that failed"): "SELECT count(*) FROM data_quality WHERE {newest} AND NOT success",
    ("kam-quality", "Rows rejected at load"): "SELECT sum(rejected_count) FROM close_loads WHERE {newest} AND is_new",
}


def test_the_large_figures_on_every_page_are_those_of_the_newest_month(pages: dict[str, Page], published: Path) -> None:
    wrong = {}
    for (slug, title), sql in FIGURES.items():
        [(value,)] = rows_of(published, sql)
        if not says(pages[slug].figures[title], value):
            wrong[slug, title] = (pages[slug].figures[title], value)
    assert not wrong
    assert {slug for slug, _ in FIGURES} == pages.keys()


# By page and table: the column that names the row, and the rows by it with the columns to compare.
TABLES = {
    ("kam-overview", "Accounts at a glance", "account"): (
        "SELECT {account}, net_sales_amount, ytd_variance_ratio, overdue_ratio, otif_ratio FROM account_review WHERE {newest}",
        ("net sales amount", "ytd variance ratio", "overdue ratio", "otif ratio"),
    ),
    ("kam-plan", "Plan and actual by account", "account"): (
        "SELECT {account}, plan_amount, actual_amount, ytd_variance_amount FROM sales_plan_summary_by_account WHERE {plan}",
        ("plan amount", "actual amount", "ytd variance amount"),
    ),
    ("kam-receivables", "Receivables by account", "account"): (
        "SELECT {account}, closing_amount, overdue_amount, dso_days FROM receivables_kpis_by_account WHERE {newest}",
        ("closing amount", "overdue amount", "dso days"),
    ),
    ("kam-rating", "Delivery and quality by account", "account"): (
        "SELECT {account}, line_count, otif_ratio, average_days_late FROM delivery_performance WHERE {newest} AND is_default_basis",
        ("line count", "otif ratio", "average days late"),
    ),
    ("kam-quality", "Rows by feed", "feed"): (
        "SELECT feed, sum(loaded_count), sum(rejected_count) FROM close_loads WHERE {newest} AND is_new GROUP BY feed",
        ("loaded count", "rejected count"),
    ),
}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table[0])
def test_the_rows_of_a_table_on_the_page_are_those_of_the_newest_month(
    table: tuple[str, str, str], pages: dict[str, Page], published: Path
) -> None:
    slug, title, key = table
    sql, columns = TABLES[table]
    shown_rows = {row[key]: row for row in pages[slug].tables[title]}
    expected = {name: values for name, *values in rows_of(published, sql)}
    assert shown_rows.keys() == expected.keys()
    wrong = [
        (name, column, shown_rows[name][column], value)
        for name, values in expected.items()
        for column, value in zip(columns, values, strict=True)
        if not says(shown_rows[name][column], value)
    ]
    assert not wrong


def test_the_waterfalls_lead_to_actual_sales(pages: dict[str, Page], published: Path) -> None:
    for title, total in (
        ("From plan to actual", _PLAN.format("sum(actual_amount)")),
        ("From a year ago to actual", "SELECT sum(actual_amount) FROM sales_bridge WHERE {newest} AND plan_version = 'prior year'"),
    ):  # fmt: skip
        steps = {row["step"]: row["total_amount"] or 0 for row in pages["kam-plan"].sent[title]}
        assert round(sum(steps.values()), 2) == float(rows_of(published, total)[0][0]), title
    [(price,)] = rows_of(published, _PLAN.format("sum(price_effect)"))
    plan = {row["step"]: row["total_amount"] for row in pages["kam-plan"].sent["From plan to actual"]}
    assert plan["04 Price"] == float(price)


def test_bars_and_lines_have_the_figures_of_the_tables(pages: dict[str, Page], published: Path) -> None:
    buckets = rows_of(
        published,
        "SELECT bucket_no || '. ' || bucket, sum(outstanding_amount) FROM receivables_summary WHERE {newest} GROUP BY ALL",
    )
    drawn = {row["Days overdue"]: row["total_outstanding_amount"] for row in pages["kam-receivables"].sent["Ageing"]}
    assert drawn == {name: float(amount) for name, amount in buckets}
    months = rows_of(published, "SELECT sum(net_amount) FROM sales GROUP BY period_month ORDER BY period_month")
    line = [row["total_net_amount"] for row in pages["kam-overview"].sent["Net sales by month"]]
    assert sorted(line) == sorted(float(amount) for (amount,) in months)
    errors = rows_of(
        published,
        "SELECT {account}, wape FROM forecast_accuracy_by_account WHERE {newest} AND forecast_step = 'sales' AND lag = 1",
    )
    bars = {row["account"]: row["total_wape"] for row in pages["kam-forecast"].sent["Forecast error by account"]}
    assert bars == pytest.approx(
        {name: float(error) if error is not None else None for name, error in errors}, abs=1e-6
    )
