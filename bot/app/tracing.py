"""Traces for OpenTelemetry, where somebody asks for them: a delivery, its plan, its jobs, and every action of these.

It must never be loaded by the way: without an address to send to, or without `relbot[otel]`, nothing of it is imported.

All that follows from one delivery is one trace, whatever processes do it and however often: its number is made out of
the delivery's name, so nothing has to be handed on. The OTEL_ variables of OpenTelemetry's own specification say where
traces go (OTEL_EXPORTER_OTLP_ENDPOINT) and what the service is called.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from bot.app.log import redact
from bot.core.actions import Action
from bot.core.errors import UserError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_ADDRESSES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

Tracer = Callable[[str, str, Mapping[str, str]], AbstractContextManager[None]]
_tracers: list[Tracer] = []


def start_tracing(environ: Mapping[str, str]) -> Callable[[], None]:
    """Begin to send traces, where the environment says so; what ends it and sends the rest.

    `UserError` when they are asked for and cannot be made.
    """
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or not any(environ.get(name) for name in _ADDRESSES):
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        asked = next(name for name in _ADDRESSES if environ.get(name))
        raise UserError(
            f"{asked} asks for traces, and OpenTelemetry is not installed. `pip install 'relbot[otel]'`, or unset it."
        ) from None
    return trace_into(OTLPSpanExporter())


def trace_into(exporter: SpanExporter) -> Callable[[], None]:
    """Send traces there; what ends it."""
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "relbot"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("relbot")

    @contextmanager
    def enter(name: str, delivery: str, told: Mapping[str, str]) -> Iterator[None]:
        origin = hashlib.sha256(delivery.encode()).digest()
        parent = trace.SpanContext(
            int.from_bytes(origin[:16]), int.from_bytes(origin[16:24]), is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )  # fmt: skip
        above = trace.set_span_in_context(trace.NonRecordingSpan(parent)) if delivery else None
        safe = {key: redact(value)[:200] for key, value in told.items()}
        with tracer.start_as_current_span(name, above, attributes=safe, record_exception=False):
            yield

    _tracers.append(enter)

    def end() -> None:
        _tracers.remove(enter)
        provider.shutdown()

    return end


def span(name: str, delivery: str = "", **told: str) -> AbstractContextManager[None]:
    """A block that is a span of the trace of a delivery, or else of the span around it. Nothing where nobody traces."""
    return _tracers[-1](name, delivery, told) if _tracers else nullcontext()


def traced(perform: Callable[[Action], object]) -> Callable[[Action], object]:
    """The same, each action as a span."""

    def perform_traced(action: Action) -> object:
        with span(type(action).__name__):
            return perform(action)

    return perform_traced
