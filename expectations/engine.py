"""Runs rules as Great Expectations suites on an open DuckDB connection.

The only module that imports Great Expectations, which takes seconds: import it through `expectations.validate`.

Great Expectations opens its own connection to a database through SQLAlchemy. Here SQLAlchemy is handed the caller's
open connection instead, so that there is one door to DuckDB and the rules see the caller's transaction, temporary
tables, macros and session variables (`as_of_load`).
"""

# ruff: noqa: E402 - what Great Expectations reads when it is imported has to be set before

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
# The library's log is not shown on the console: what a person needs to know of a rule that cannot run is raised here.
_LOG = logging.getLogger("great_expectations")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False

import great_expectations as gx
from duckdb_sqlalchemy import ConnectionWrapper, CursorWrapper
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.datasource.fluent.sql_datasource import QueryAsset, SQLDatasource
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity
from pydantic.v1 import PrivateAttr
from sqlalchemy.pool import StaticPool

from expectations.rules import MAX_SAMPLE_KEYS, CheckResult, KeyValue, Rule, Suite
from kam.errors import KamError, OutOfMemoryError, out_of_memory
from kam.stages import each
from kam.stops import check
from kam.warehouse import sql_text

if TYPE_CHECKING:
    from datetime import date

    from duckdb import DuckDBPyConnection
    from great_expectations.core import ExpectationValidationResult

_FAILURES = "unexpected_rows_query.table"
_CHECKED = "table.row_count"


class ExpectNoFailingRows(UnexpectedRowsExpectation):
    """Holds when a rule's SELECT returns no row.

    The query counts the failing rows by month and picks sample keys inside DuckDB, and returns one row. So ten million
    failing rows cost one aggregation and no memory here, where the parent class would run the query once to count and
    once to fetch. The parent's second metric is replaced with the batch's row count, which all rules of a suite share.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = (_FAILURES, _CHECKED)
    _made: ExpectationConfiguration | None = PrivateAttr(None)

    @property
    def configuration(self) -> ExpectationConfiguration:
        """Made once: the library asks for it forty times a rule, which would cost more than running the rules."""
        if self._made is None:
            self._made = super().configuration
        return self._made

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any | None = None,  # noqa: ANN401, ARG002
    ) -> dict[str, Any]:
        months = metrics[_FAILURES][0]["months"] or []
        failed_count = sum(month["failed_count"] for month in months)
        details = {"months": months, "failed_count": failed_count, "checked_count": metrics[_CHECKED]}
        return {"success": failed_count == 0, "result": {"observed_value": failed_count, "details": details}}


class _BorrowedConnection(ConnectionWrapper):
    """The caller's connection: SQLAlchemy may run queries on it, but neither end its transaction nor close it."""

    def cursor(self) -> CursorWrapper:
        """A cursor for one more statement, unless the run was stopped: the library would go on."""
        check()
        return super().cursor()

    def begin(self) -> None:
        """The caller's transaction goes on."""

    def commit(self) -> None:
        """The caller commits."""

    def rollback(self) -> None:
        """The caller rolls back."""

    def close(self) -> None:
        """The caller closes."""


def validate(con: DuckDBPyConnection, suites: Sequence[Suite], stage: str = "validate") -> list[CheckResult]:
    """Run all suites on an open connection; one result for each rule, in the order given. `stage` names it in the log.

    The suites see what the connection sees, uncommitted and temporary tables included, and nothing is written. Raises
    `KamError`, naming the rule, when a rule cannot be run: a rule that was not run never counts as passed.
    """
    _set_thresholds(con, suites)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    with _lent(con) as connect:
        warehouse = context.data_sources.add_sql(
            datasource=SQLDatasource(
                name="warehouse",
                connection_string="duckdb://",
                create_temp_table=False,
                kwargs={"creator": connect, "poolclass": StaticPool},
                # Adding them one by one would write out the context's configuration each time.
                assets=[QueryAsset(name=suite.name, query=suite.batch) for suite in suites],
            )
        )
        try:
            return [
                result
                for suite in each(stage, suites, "suite", name=lambda suite: suite.name)
                for result in _run(warehouse, suite, _checked_by_month(con, suite))
            ]
        finally:
            context.data_sources.delete("warehouse")


def _set_thresholds(con: DuckDBPyConnection, suites: Sequence[Suite]) -> None:
    """What the macro `threshold` reads."""
    values = {rule.name: str(rule.threshold.value) for suite in suites for rule in suite.rules}
    con.execute(
        "SET VARIABLE thresholds = map($names::VARCHAR[], $values::VARCHAR[]::DECIMAL(18, 6)[])",
        {"names": list(values), "values": list(values.values())},
    )


@contextmanager
def _lent(con: DuckDBPyConnection) -> Iterator[Callable[[], _BorrowedConnection]]:
    """The function through which SQLAlchemy reaches the connection, until the block ends.

    SQLAlchemy keeps every engine that has connected, and with it this function, for the life of the process. Were the
    connection to stay reachable, the warehouse file would stay locked.
    """
    lent = [con]
    try:
        yield lambda: _BorrowedConnection(lent[0])
    finally:
        lent.clear()


def _checked_by_month(con: DuckDBPyConnection, suite: Suite) -> Mapping[date, int]:
    """How many rows of the batch belong to each month; none where it has no months."""
    columns = [name for name, *_ in con.execute(f"DESCRIBE {suite.batch}").fetchall()]
    if "period_month" not in columns:
        return {}
    found = con.execute(
        f"SELECT period_month, count(*) FROM ({suite.batch}) WHERE period_month IS NOT NULL GROUP BY ALL"
    )
    return dict(found.fetchall())


def _run(warehouse: SQLDatasource, suite: Suite, checked_by_month: Mapping[date, int]) -> Iterator[CheckResult]:
    asset = warehouse.get_asset(suite.name)
    batch = asset.get_batch(asset.build_batch_request())
    expectations = [_expectation(rule) for rule in suite.rules]
    outcomes = batch.validate(gx.ExpectationSuite(name=suite.name, expectations=expectations)).results
    by_name = {outcome.expectation_config.meta["name"]: outcome for outcome in outcomes if outcome.expectation_config}
    return (_result(suite, rule, by_name[rule.name], checked_by_month) for rule in suite.rules)


def _expectation(rule: Rule) -> ExpectNoFailingRows:
    return ExpectNoFailingRows(
        unexpected_rows_query=_failures_query(rule),
        severity=FailureSeverity(rule.severity),
        description=rule.sentence,
        notes=rule.if_it_fails,
        meta={"name": rule.name, "owner": rule.owner},
    )


def _failures_query(rule: Rule) -> str:
    """One row with the list `months`: period_month, failed_count and first_keys of each month that has failures.

    `{batch}` is filled in by Great Expectations.
    """
    keys = ", ".join(f'"{key}" := "{key}"' for key in dict.fromkeys(("period_month", *rule.keys)))
    return sql_text(
        "checks/templates/failures_by_month.sql",
        batch="{batch}",
        # The line end, because a rule of a site may end in a comment.
        failing=_literal(rule.failing) + "\n",
        keys=keys,
        most_keys=MAX_SAMPLE_KEYS,
    )


def _literal(sql: str) -> str:
    """Keep braces from being read as Great Expectations' placeholders and colons as SQLAlchemy's parameters."""
    return sql.replace("{", "{{").replace("}", "}}").replace(":", "\\:")


def _result(
    suite: Suite, rule: Rule, outcome: ExpectationValidationResult, checked_by_month: Mapping[date, int]
) -> CheckResult:
    _raise_if_not_run(rule, outcome.exception_info)
    details = outcome.result["details"]
    return CheckResult(
        name=rule.name,
        suite=suite.name,
        table=suite.table,
        severity=rule.severity,
        sentence=rule.sentence,
        finding=rule.finding,
        owner=rule.owner,
        if_it_fails=rule.if_it_fails,
        threshold=rule.threshold,
        allowed_count=rule.allowed_count,
        checked_count=details["checked_count"],
        checked_by_month=checked_by_month,
        failed_count=details["failed_count"],
        failed_by_month={
            month["period_month"]: month["failed_count"] for month in details["months"] if month["period_month"]
        },
        keys_by_month={
            month["period_month"]: [_plain(keys) for keys in month["first_keys"]] for month in details["months"]
        },
    )


def _raise_if_not_run(rule: Rule, exception_info: Mapping[str, Any]) -> None:
    """The library records what went wrong either directly or by metric."""
    by_metric = [exception_info] if "raised_exception" in exception_info else exception_info.values()
    for info in by_metric:
        if info["raised_exception"]:
            lack = out_of_memory(info["exception_message"])
            if lack:
                message = f"rule {rule.name}: {lack}"
                raise OutOfMemoryError(message)
            reason = info["exception_message"].splitlines()[0]
            message = f"rule {rule.name} failed to run. Fix its SQL or its tables, then close again: {reason}"
            raise KamError(message)


def _plain(keys: Mapping[str, Any]) -> dict[str, KeyValue]:
    """Values that JSON can hold without loss."""
    return {name: value if isinstance(value, str | int | None) else str(value) for name, value in keys.items()}
