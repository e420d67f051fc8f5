"""Declarations of published columns: units, how figures add up, and the vocabulary that says each meaning once."""

from __future__ import annotations

import tomllib
from collections import defaultdict

import pytest

from kam.build import MartColumn, level_tables, marts, models, published_tables, run_views, vocabulary
from kam.build.columns import read_columns
from kam.errors import KamError
from kam.warehouse import SQL

FILE = "sql/marts/plan/example.sql"
PUBLISHED = (*marts(), *run_views().values())
NOT_THE_REASON_OF_ONE_COLUMN = {
    ("account_profit", "account_costs_reason"),
    ("credit_files", "order_stop_reason"),
    ("delivery_performance", "quantity_reason"),
    ("forecast_accuracy", "quantity_reason"),
    ("forecast_accuracy_trend", "quantity_reason"),
    ("forecast_stair", "quantity_reason"),
    ("issues", "amount_reason"),
    ("order_book", "amount_reason"),
    ("quality_performance", "quantity_reason"),
    # Why it was lost.
    ("quotations", "lost_reason"),
    ("quality_performance", "ytd_quantity_reason"),
    ("receivables_rollforward", "amount_reason"),
    ("sales_plan_summary", "quantity_reason"),
    ("sales_plan_variance", "quantity_reason"),
    ("visits", "amount_reason"),
}


def test_a_number_declares_its_unit_and_how_it_adds_up() -> None:
    (column,) = read_columns(["  booked_amount DECIMAL(18,2) [reporting currency; sum] What was booked := a + b"], FILE)
    assert column == MartColumn(
        "booked_amount", "DECIMAL(18,2)", "What was booked", "a + b", "reporting currency", "sum", direction="neither"
    )
    assert column.comment == "What was booked [reporting currency; sum] = a + b"


def test_a_ratio_declares_its_parts() -> None:
    lines = [
        "won_count BIGINT [count; sum] Offers won",
        "offer_count BIGINT [count; sum] Offers decided",
        "hit_ratio DECIMAL(18,6) [fraction; ratio of won_count ÷ offer_count] Share won",
    ]
    ratio = read_columns(lines, FILE)[2]
    assert (ratio.aggregation, ratio.numerator, ratio.denominator) == ("ratio", "won_count", "offer_count")
    assert ratio.comment == "Share won [fraction; ratio of won_count ÷ offer_count]"


def test_a_measure_may_say_which_way_is_good_and_who_defined_it() -> None:
    (late,) = read_columns(
        ["  late_ratio DECIMAL(18,6) [fraction; none; less is better] Late := l ÷ n source: ACCA"], FILE
    )
    assert (late.direction, late.format, late.formula, late.source) == ("less", "0.0%", "l ÷ n", "ACCA")
    assert late.comment == "Late [fraction; none; less is better] = l ÷ n"
    count, name = read_columns(["n BIGINT [count; sum] Lines", "customer VARCHAR Who owes"], FILE)
    assert (count.direction, count.format, count.source) == ("neither", "#,##0", "")
    assert (name.direction, name.format) == ("", "")


def test_the_vocabulary_completes_a_column_that_says_only_its_type() -> None:
    plan, reason = read_columns(["plan_amount DECIMAL(32,2) := p × q", "plan_amount_reason VARCHAR"], FILE)
    known = vocabulary().columns["plan_amount"]
    assert (plan.meaning, plan.unit, plan.formula) == (known.meaning, known.unit, "p × q")
    assert reason.meaning == "Why plan_amount is undefined"


def test_a_column_may_mean_something_else_when_it_says_so() -> None:
    (column,) = read_columns(["account_id VARCHAR here: Who owes"], FILE)
    assert column.meaning == "Who owes"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("booked_amount DECIMAL(18,2) What was booked", "booked_amount: is a number and does not say its unit"),
        (
            "booked_amount DECIMAL(18,2) [dollars; sum] Booked",
            "booked_amount: .*: dollars is not a unit in sql/vocabulary",
        ),
        ("booked_amount DECIMAL(18,2) [days; mean] Booked", "booked_amount: .*: mean does not say how it adds up"),
        (
            "booked_amount DECIMAL(18,2) [days; sum; best] Booked",
            "booked_amount: .*: best does not say which way is good",
        ),
        ("booked_amount DECIMAL(18,2) [days] Booked", "booked_amount: .*: nothing does not say how it adds up"),
        (
            "hit_ratio DECIMAL(18,6) [fraction; ratio of a ÷ hit_ratio] Share",
            "hit_ratio: is a ratio of a, which is not a col",
        ),
        ("customer VARCHAR [count; sum] Name", "customer: .*: VARCHAR has no unit"),
        ("customer VARCHAR", "customer: neither the header nor sql/vocabulary.toml says what it means"),
        ("customer VARCHAR here: Name", "customer: says here:, but sql/vocabulary.toml does not have it"),
        (
            "account_id VARCHAR Who owes",
            "account_id: sql/vocabulary.toml says what it means. Remove the text, or begin",
        ),
        ("account_id BIGINT", "account_id: is BIGINT; in sql/vocabulary.toml it is VARCHAR"),
        ("Two words", "Two words: is not a column"),
    ],
)
def test_a_declaration_that_says_too_little_names_file_and_column(line: str, message: str) -> None:
    with pytest.raises(KamError, match=f"^{FILE}: {message}"):
        read_columns([line], FILE)


def test_no_meaning_is_written_twice() -> None:
    tables = defaultdict(set)
    for model in PUBLISHED:
        for column in model.columns:
            tables[column.name, column.meaning].add(model.name)
    shared = {name for name, _ in (key for key, found in tables.items() if len(found) > 1)}
    reasons = {name for name in shared if name.endswith("_reason")}
    assert shared - reasons <= set(vocabulary().columns), "move these to sql/vocabulary.toml"


def test_every_word_of_the_vocabulary_is_used() -> None:
    columns = {column.name for model in PUBLISHED for column in model.columns}
    units = {column.unit for model in PUBLISHED for column in model.columns}
    assert set(vocabulary().columns) - {"method"} <= columns
    assert set(vocabulary().units) <= units


def test_a_reason_is_named_after_its_column() -> None:
    wrong = {
        (model.name, column.name)
        for model in PUBLISHED
        for column in model.columns
        if column.name.endswith("_reason")
        and column.name.removesuffix("_reason") not in {other.name for other in model.columns}
    }
    assert wrong == NOT_THE_REASON_OF_ONE_COLUMN


def test_tables_of_several_levels_or_plan_versions_say_which_rows_add_up() -> None:
    mixing = {"level", "plan_version"}
    for model in PUBLISHED:
        if any(column.aggregation not in ("", "none") for column in model.columns):
            assert mixing & set(model.grain) <= set(model.adds_up_within), model.name
    by_name = {model.name: model for model in published_tables()}
    assert by_name["sales_plan_summary"].description.endswith("Add up rows of one plan_version and one level only.")


def test_each_level_of_a_mart_is_a_table_of_one_grain() -> None:
    for mart in (mart for mart in marts() if "level" in mart.grain):
        tables = [table for table in level_tables().values() if table.level_of == mart.name]
        assert len({table.level for table in tables}) == len(tables) > 1, mart.name
        for table in tables:
            names = {column.name for column in table.columns}
            assert set(table.adds_up_within) <= set(table.grain) <= names, table.name
            assert "level" not in names, table.name
    by_name = {table.name: table for table in published_tables()}
    assert by_name["receivables_kpis_total"].grain == ("period_month",)
    assert by_name["forecast_accuracy_by_item"].description.endswith(
        "Add up rows of one forecast_step and one lag only."
    )


def test_what_a_level_leaves_out_and_renames_are_columns_of_its_mart() -> None:
    for name, entry in tomllib.loads((SQL / "levels.toml").read_text(encoding="utf-8")).items():
        columns = {column.name for column in models()[f"build.{entry['of']}"].columns}
        assert {*entry.get("without", ()), *entry.get("named", {})} <= columns, name
        assert set(entry.get("means", {})) <= {column.name for column in level_tables()[name].columns}, name


def test_a_table_of_mixed_levels_names_the_tables_to_read_instead() -> None:
    (kpis,) = (table for table in published_tables() if table.name == "receivables_kpis")
    assert kpis.description.startswith(
        "Old name, kept for one release: read receivables_kpis_by_account, receivables_kpis_by_manager, receivables_kpis_total, "
    )


def test_former_names_are_not_those_of_columns() -> None:
    """But for the manager: the name of the document's own is now that of the account's."""
    for mart in marts():
        names = {column.name for column in mart.columns}
        assert set(mart.renamed.values()) <= names, mart.name
        assert set(mart.renamed) & names <= {"account_manager"}, mart.name
