"""Charts of the pages: what they show, what they leave out, and names that hold markup."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from kam.publish.reviews.charts import Chart, Series, Step, buckets, draw, monthly_bars, short_number, trend, waterfall

MONTHS = [date(2026, 8, 1), date(2026, 9, 1), date(2026, 10, 1)]
MARKUP = "<script>alert(1)</script>\"'& Söhne"


def drawn(*charts: Chart | None) -> list[str]:
    assert None not in charts
    return [str(picture.svg) for picture in draw([chart for chart in charts if chart])]


def texts(svg: str) -> list[str]:
    return re.findall(r"<text [^>]*>([^<]*)</text>", svg)


def test_charts_of_a_page_are_drawn_at_once_and_each_gets_its_own_marks() -> None:
    sales, owed = drawn(
        monthly_bars(MONTHS, Series("sales", [10, 20, 40]), [Series("plan", [10, 20, 30])], "EUR", "Sales above plan"),
        buckets(["not due", "over 90"], Series("now", [Decimal(500), Decimal("7.5")]), None, "EUR", "Mostly not due"),
    )
    assert re.findall(r"<path d=\"M[\d.]+,[\d.]+h[\d.]+v([\d.]+)", sales) == ["42", "84", "168"]
    assert texts(owed)[-4:] == ["500", "7.5", "not due", "over 90"]
    assert "plan" in texts(sales)
    assert "plan" not in texts(owed)


def test_a_line_is_open_where_a_month_is_unknown() -> None:
    (svg,) = drawn(trend(MONTHS, [Series("score", [80, None, 70])], "points", "From 80 to 70"))
    assert len(re.findall(r"<path [^>]*A", svg)) == 2
    assert re.findall(r'<line [^>]*stroke-width="2"', svg) == []


def test_a_waterfall_ends_at_the_level_it_explains() -> None:
    steps = [
        Step("plan", 100, is_total=True),
        Step("volume", -60),
        Step("price", 10),
        Step("actual", 50, is_total=True),
    ]
    (svg,) = drawn(waterfall(steps, "EUR", "50 below plan"))
    # The axis goes from 0 to 100 over 168 pixels: 100 to 40, 40 to 50.
    assert re.findall(r"<path d=\"M[\d.]+,([\d.]+)h[\d.]+v([\d.]+)", svg) == [
        ("0", "168"),
        ("0", "100.75"),
        ("84", "16.75"),
        ("84", "84"),
    ]
    assert {"100", "-60", "+10", "50"} <= {*texts(svg)}


def test_an_axis_that_does_not_start_at_0_says_so() -> None:
    steps = [Step("plan", 1000, is_total=True), Step("price", 20), Step("actual", 1020, is_total=True)]
    (svg,) = drawn(waterfall(steps, "EUR", "20 above plan"))
    assert "EUR, axis from 990" in texts(svg)
    assert float(re.findall(r"<path d=\"M[\d.]+,[\d.]+h[\d.]+v([\d.]+)", svg)[0]) > 0


def test_levels_that_do_not_differ_still_have_bars() -> None:
    (svg,) = drawn(
        waterfall([Step("plan", 1000, is_total=True), Step("actual", 1000, is_total=True)], "EUR", "On plan")
    )
    assert all(float(height) > 0 for height in re.findall(r"<path d=\"M[\d.]+,[\d.]+h[\d.]+v([\d.]+)", svg))


@pytest.mark.parametrize(
    "chart",
    [
        monthly_bars(MONTHS, Series("sales", [None] * 3), [Series("plan", [1, 2, 3])], "EUR", ""),
        waterfall([Step("plan", 1, is_total=True), Step("volume", None)], "EUR", ""),
        waterfall([], "EUR", ""),
        buckets(["not due"], Series("now", [None]), None, "EUR", ""),
        trend(MONTHS, [Series("score", [None, None, 7])], "points", ""),
    ],
)
def test_what_is_not_known_is_not_drawn(chart: Chart | None) -> None:
    assert chart is None
    assert draw([]) == []


def test_names_cannot_inject_markup() -> None:
    (svg,) = drawn(buckets([MARKUP, "b"], Series(MARKUP, [1, -2]), Series(MARKUP, [0, 0]), MARKUP, MARKUP))
    assert "<script" not in svg
    assert svg.count("<svg") == svg.count("</svg>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp; Söhne" in svg
    assert "style=" not in svg


def test_a_chart_has_its_numbers_as_a_table() -> None:
    chart = monthly_bars(MONTHS, Series("sales", [Decimal("1234.6"), None, 0]), [], "EUR", "")
    assert chart is not None
    assert (chart.head, chart.rows) == (
        ("Month", "sales, EUR"),
        (("2026-08", "1,235"), ("2026-09", "–"), ("2026-10", "0")),
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (12.34, "12.3"),
        (999, "999"),
        (999.6, "1 k"),
        (-12_500, "-12.5 k"),
        (2_500_000, "2.5 M"),
        (1020, "1.02 k"),
    ],
)
def test_short_numbers(number: float, text: str) -> None:
    assert short_number(number) == text
