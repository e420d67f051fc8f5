"""Great Expectations' own Data Docs of the checks that a close recorded.

Beside `expectations.engine` the only module that imports Great Expectations. Nothing is validated again: the pages show the results as
they were recorded. Great Expectations' pages fetch styles, scripts and a logo from the internet; these references are taken out, and the
pages bring a style of their own, so they work offline and tell nobody that they were opened.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from html import escape
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx
from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.render.components import (
    LegacyRendererType,
    RenderedStringTemplateContent,
    RenderedTableContent,
)
from great_expectations.render.renderer.renderer import renderer
from jinja2 import Environment

from expectations.rules import KeptCheck

_HERE = Path(__file__).resolve().parent
_SITE = "close"
_NO_FAULT = {"raised_exception": False, "exception_message": None, "exception_traceback": None}
# What a page loads from elsewhere, and scripts, which would need what was taken out.
_FOREIGN = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*\bhref=\"https?:[^>]*>|<img\b[^>]*\bsrc=\"https?:[^>]*>|<footer>.*?</footer>"
    r"|\s+on\w+=\"[^\"]*\"|background(-image)?:\s*url\(['\"]?https?:[^)]*\)|content:\s*url\(['\"]?https?:[^)]*\)",
    re.DOTALL,
)
_POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; base-uri 'none'"


class RecordedRule(BatchExpectation):
    """A rule whose result is known: it is shown, and never run."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ()
    rule: str = ""

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any | None = None,  # noqa: ANN401
    ) -> dict[str, Any]:
        message = "a recorded rule is shown, and never run"
        raise NotImplementedError(message)

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG003 - the library's signature
    ) -> list[RenderedStringTemplateContent]:
        configuration = configuration or (result.expectation_config if result else None)
        meta = configuration.meta if configuration else {}
        return [_text("$sentence ", sentence=meta["sentence"]), _text("$about", "em", about=meta["about"])]

    @classmethod
    @renderer(renderer_type="renderer.diagnostic.observed_value")
    def _diagnostic_observed_value_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,  # noqa: ARG003
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG003
    ) -> str:
        return str(result.result["observed_value"]) if result else ""

    @classmethod
    @renderer(renderer_type="renderer.diagnostic.unexpected_statement")
    def _diagnostic_unexpected_statement_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,  # noqa: ARG003
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG003
    ) -> list[Any]:
        if result is None or result.success:
            return []
        details = result.result["details"]
        return [_text("$finding. ", "strong", finding=details["finding"]), _text("$what", what=details["if_it_fails"])]

    @classmethod
    @renderer(renderer_type="renderer.diagnostic.unexpected_table")
    def _diagnostic_unexpected_table_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,  # noqa: ARG003
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG003
    ) -> list[Any] | None:
        details = result.result["details"] if result and not result.success else {}
        if not details.get("columns"):
            return None
        # As templates: the library escapes their parameters, but no plain text of a table.
        head, *rows = [
            [_text("$value", value=value) for value in row] for row in (details["columns"], *details["rows"])
        ]
        return [RenderedTableContent(content_block_type="table", table=rows, header_row=head)]


def _text(template: str, tag: str = "span", **parameters: str) -> RenderedStringTemplateContent:
    return RenderedStringTemplateContent(
        content_block_type="string_template", string_template={"template": template, "params": parameters, "tag": tag}
    )


def build_data_docs(
    checks: Sequence[KeptCheck], folder: Path, *, site: str, month: date, version: int, at: datetime
) -> None:
    """Write the Data Docs of one close into an empty folder: `index.html`, a page per suite and per result.

    `version` is 0 for an attempt that failed; `at` (UTC) is when it was closed or tried.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    described: Any = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_section_builders": {"profiling": "None"},
    }
    context.add_data_docs_site(_SITE, described)
    run = RunIdentifier(
        run_name=f"{month:%Y-%m}-{f'version-{version}' if version else 'failed'}", run_time=at.replace(tzinfo=UTC)
    )
    by_suite: dict[str, list[KeptCheck]] = defaultdict(list)
    for check in checks:
        by_suite[check.suite].append(check)
    for suite, of_suite in by_suite.items():
        _add(context, suite, of_suite, run)
    context.build_data_docs(site_names=[_SITE])
    pages = {file.parts[-4]: file for file in (folder / "validations").glob("*/*/*/*.html")}
    index = _index(folder, by_suite, pages, site=site, run=run)
    (folder / "index.html").write_text(index, encoding="utf-8")
    (folder / "static" / "kam.css").write_text((_HERE / "data_docs.css").read_text(encoding="utf-8"), encoding="utf-8")
    for file in folder.rglob("*.html"):
        _keep_at_home(file, folder)


def _add(context: Any, suite: str, checks: Sequence[KeptCheck], run: RunIdentifier) -> None:  # noqa: ANN401
    """Put a suite and its recorded results into the stores that Data Docs are built from."""
    results = [_result(check) for check in checks]
    configurations = [result.expectation_config for result in results if result.expectation_config]
    kept = gx.ExpectationSuite(name=suite)
    kept.add_expectation_configurations(configurations)
    context.suites.add(kept)
    held = sum(check.success for check in checks)
    validation = ExpectationSuiteValidationResult(
        success=held == len(checks),
        results=results,
        suite_name=suite,
        statistics={
            "evaluated_expectations": len(checks),
            "successful_expectations": held,
            "unsuccessful_expectations": len(checks) - held,
            "success_percent": 100 * held / len(checks),
        },
        meta={
            "run_id": run,
            "great_expectations_version": gx.__version__,
            "batch_kwargs": {"data_asset_name": checks[0].table},
        },
    )
    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(suite), run_id=run, batch_identifier="rows"
    )
    context.validation_results_store.set(key, validation)


def _result(check: KeptCheck) -> ExpectationValidationResult:
    share = f"{check.failed_count:,} of {check.checked_count:,}"
    columns = list(dict.fromkeys(name for key in check.keys for name in key if name != "period_month"))
    rows = [["–" if key.get(name) is None else str(key[name]) for name in columns] for key in check.keys]
    configuration = ExpectationConfiguration(
        type="recorded_rule",
        kwargs={"rule": check.name},
        meta={
            "sentence": check.sentence,
            "about": f"{check.name} · {check.severity} · {check.owner}",
        },
        severity=FailureSeverity(check.severity),
    )
    return ExpectationValidationResult(
        success=check.success,
        expectation_config=configuration,
        result={
            "observed_value": f"{share if check.failed_count <= check.checked_count else f'{check.failed_count:,}'} rows broke it",
            "details": {"finding": check.finding, "if_it_fails": check.if_it_fails, "columns": columns, "rows": rows},
        },
        exception_info=_NO_FAULT,
    )


def _index(
    folder: Path, suites: Mapping[str, Sequence[KeptCheck]], pages: Mapping[str, Path], *, site: str, run: RunIdentifier
) -> str:
    """In place of Great Expectations' index, whose tables are filled by scripts from the internet."""
    rows = [
        {
            "suite": suite,
            "table": checks[0].table,
            "failed": [check for check in checks if not check.success],
            "count": len(checks),
            "result": pages[suite].relative_to(folder).as_posix(),
            "rules": f"expectations/{suite}.html",
        }
        for suite, checks in suites.items()
    ]
    template = Environment(autoescape=True).from_string((_HERE / "data_docs.html.j2").read_text(encoding="utf-8"))
    return template.render(
        site=site, run=run.run_name, at=run.run_time, rows=sorted(rows, key=lambda row: not row["failed"])
    )


def _keep_at_home(file: Path, folder: Path) -> None:
    """Take out of a page what it would load from elsewhere, and give it our style and a policy that allows nothing else."""
    text = _FOREIGN.sub("", file.read_text(encoding="utf-8"))
    above = "../" * (len(file.relative_to(folder).parts) - 1)
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        f'<meta name="referrer" content="no-referrer"><link rel="stylesheet" href="{above}static/kam.css">'
    )
    file.write_text(text.replace("</head>", f"{head}</head>", 1), encoding="utf-8")
