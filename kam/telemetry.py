"""Traces for OpenTelemetry: a span for each run and each of its steps, sent where the standard variables say.

Nothing is imported unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set. A collector that is away costs a run two seconds at most.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from kam.periods import month_name
from kam.timing import RUN, Listener, Step

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Span

PATIENCE_SECONDS = 2
"""How long the end of a run waits for the collector."""
_NANOSECONDS = 1_000_000_000
log = logging.getLogger("kam")


def listeners(site_name: str) -> list[Listener]:
    """What sends the steps of a run to the collector that the environment names; nothing without one. Never raises."""
    endpoint = _of_traces("ENDPOINT")
    if not endpoint or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    if os.environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return []
    if _of_traces("PROTOCOL") not in ("", "http/protobuf"):
        log.warning(
            "No traces are sent: set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, on most collectors port 4318"
        )
        return []
    try:
        return [_Spans(site_name, _host(endpoint))]
    except ModuleNotFoundError:
        log.warning(
            "No traces are sent to %s. Install the extra in the checkout: pip install -e '.[otel]'", _host(endpoint)
        )
        return []
    except Exception as error:  # noqa: BLE001 - a close must not fail for its traces, whatever the variables hold
        log.warning("No traces are sent: a variable OTEL_… has a value that cannot be used (%s)", type(error).__name__)
        return []


class _Spans:
    def __init__(self, site_name: str, where: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        # It tells each failed try with a traceback; one line at the end says it.
        for name in ("opentelemetry.exporter", "opentelemetry.sdk"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        is_named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        resource = Resource.create({} if is_named else {"service.name": "kam-close"})
        # Not the provider of the whole process, which may belong to somebody else, such as Prefect.
        self._provider: TracerProvider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._exporter = _Counted(OTLPSpanExporter())
        self._provider.add_span_processor(BatchSpanProcessor(cast("SpanExporter", self._exporter)))
        self._tracer = self._provider.get_tracer("kam-close")
        self._site_name, self._where = site_name, where
        self._open: dict[int, Span] = {}

    def began(self, run_id: str, step: Step) -> None:
        from opentelemetry.trace import set_span_in_context

        parent = self._open[step.parent.number] if step.parent else None
        name = f"kam {step.subject.partition(' ')[0]}" if step.name == RUN else step.name
        self._open[step.number] = self._tracer.start_span(
            name,
            context=set_span_in_context(parent) if parent else None,
            start_time=int(step.started_at.timestamp() * _NANOSECONDS),
            attributes={"kam.run_id": run_id, "kam.site": self._site_name, "kam.subject": step.subject},
        )

    def ended(self, _run_id: str, step: Step) -> None:
        from opentelemetry.trace import Status, StatusCode

        span = self._open.pop(step.number)
        span.set_attributes(_attributes(step))
        if step.outcome in ("failed", "stopped"):
            span.set_status(Status(StatusCode.ERROR, step.error))
            span.add_event("exception", {"exception.message": step.error})
        span.end(int((step.started_at.timestamp() + step.seconds) * _NANOSECONDS))
        if step.name == RUN:
            self._send()

    def _send(self) -> None:
        """Send what is left, in a thread that may be left behind."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(PATIENCE_SECONDS)
        if sending.is_alive() or self._exporter.lost_count:
            log.warning("The traces of this run did not all reach %s. The run itself is not affected", self._where)


class _Counted:
    """An exporter that counts the spans that were lost."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.lost_count = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        from opentelemetry.sdk.trace.export import SpanExportResult

        self.lost_count += len(spans)
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.lost_count -= len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _attributes(step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kam.outcome": step.outcome,
        **{f"kam.{name}": value for name, value in step.facts.items()},
    }
    if step.months:
        found["kam.months"] = [month_name(month) for month in step.months]
    if len(step.months) == 1:
        found["kam.month"] = month_name(step.months[0])
    if step.row_count is not None:
        found["kam.rows"] = step.row_count
    if step.peak_memory is not None:
        found["kam.peak_memory_bytes"] = step.peak_memory
    return found


def _of_traces(setting: str) -> str:
    """A setting of the exporter: the one for traces alone, else the one for all that is sent."""
    return os.environ.get(f"OTEL_EXPORTER_OTLP_TRACES_{setting}") or os.environ.get(f"OTEL_EXPORTER_OTLP_{setting}", "")


def _host(endpoint: str) -> str:
    """The collector without what may be a secret in its address."""
    return urlsplit(endpoint).netloc.rpartition("@")[2] or "the collector"
