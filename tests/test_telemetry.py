"""Traces of runs, sent to a real collector on the loopback; one that is away neither fails nor delays a run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kam import telemetry, timing
from kam.site import Site
from tests.cli import kam
from tests.receivers import Collector, dead_port, silent_server, trace_collector
from tests.support import REPOSITORY, write_site

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
JUNE = date(2026, 6, 1)
OK, ERROR = 0, 2


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with trace_collector() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{found.port}")
        yield found


@pytest.fixture
def site(site_folder: Path) -> Site:
    order = {"order_id": "O1", "line_no": 1, "account_id": "A", "order_date": "2026-06-10", "quantity": 5}
    return write_site(site_folder, {"orders": [order]}, feeds=["orders"])


def attributes(span: Any) -> dict[str, Any]:
    return {
        found.key: getattr(found.value, found.value.WhichOneof("value"))
        for found in span.attributes
        if found.key != "kam.months"
    }


def test_a_command_is_a_trace_of_its_steps(site: Site, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
    assert kam("--site", site.directory, "ingest").returncode == 0

    request = collector.headers[0]
    assert (request["path"], request["authorization"]) == ("/v1/traces", "Bearer abc")
    spans = {span.name: span for _, span in collector.spans}
    assert set(spans) == {"kam ingest", "open", "load"}
    assert {service for service, _ in collector.spans} == {"kam-close"}
    whole, load = spans["kam ingest"], spans["load"]
    assert load.parent_span_id == whole.span_id
    assert load.trace_id == whole.trace_id
    assert whole.start_time_unix_nano <= load.start_time_unix_nano < load.end_time_unix_nano
    assert load.end_time_unix_nano <= whole.end_time_unix_nano
    found = attributes(load)
    assert (found["kam.site"], found["kam.subject"], found["kam.rows"]) == ("test", "orders", 1)
    assert (found["kam.outcome"], load.status.code) == ("done", OK)


def test_a_refused_file_is_an_error_of_its_span(site: Site, collector: Collector) -> None:
    (site.directory / "landing" / "orders_2.csv").write_text("order_id,a\nO2\n", encoding="utf-8")
    assert kam("--site", site.directory, "ingest").returncode == 1

    spans = {span.name: span for _, span in collector.spans}
    for name in ("load", "kam ingest"):
        assert spans[name].status.code == ERROR
        assert "orders_2.csv" in spans[name].status.message
        (event,) = spans[name].events
        assert event.name == "exception"


def test_a_commit_has_month_version_and_verdict(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "close-leipzig")
    with (
        timing.named("abc"),
        timing.run("close 2026-06", [JUNE], telemetry.listeners("Leipzig")),
        timing.step("commit", "2026-06") as step,
    ):
        timing.note(version=3, verdict="warning")
        step.outcome = "closed"

    ((service, commit),) = [(service, span) for service, span in collector.spans if span.name == "commit"]
    assert service == "close-leipzig"
    found = attributes(commit)
    assert found.pop("kam.peak_memory_bytes") > 0
    assert found == {
        "kam.run_id": "abc", "kam.site": "Leipzig", "kam.subject": "2026-06", "kam.month": "2026-06",
        "kam.version": 3, "kam.verdict": "warning", "kam.outcome": "closed",
    }  # fmt: skip


@pytest.mark.parametrize("is_silent", [False, True])
def test_a_collector_that_is_away_costs_a_run_seconds_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, is_silent: bool
) -> None:
    with silent_server() as silent:
        port = silent if is_silent else dead_port()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://kam:hunter2@127.0.0.1:{port}")
        monkeypatch.setattr(telemetry, "PATIENCE_SECONDS", 0.5)
        began = time.monotonic()
        with timing.run("ingest", (), telemetry.listeners("test")), timing.step("load", "orders"):
            pass
        assert time.monotonic() - began < 2

    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == [f"The traces of this run did not all reach 127.0.0.1:{port}. The run itself is not affected"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf"),
        ("OTEL_SDK_DISABLED", "true", ""),
        ("OTEL_TRACES_EXPORTER", "none", ""),
    ],
)
def test_variables_that_are_not_served_are_told_in_one_line(
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: str,
    says: str,
) -> None:
    monkeypatch.setenv(name, value)
    assert telemetry.listeners("test") == []
    assert [says in record.getMessage() for record in caplog.records] == ([True] if says else [])
    assert collector.spans == []


def test_without_the_extra_one_line_says_what_to_install(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assert telemetry.listeners("test") == []
    (record,) = caplog.records
    assert record.getMessage() == (
        f"No traces are sent to 127.0.0.1:{collector.port}. Install the extra in the checkout: pip install -e '.[otel]'"
    )


def test_without_the_variable_nothing_is_imported() -> None:
    code = (
        "import sys; from kam import telemetry; assert telemetry.listeners('test') == []; "
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env={}, check=False).returncode == 0
