"""Traces: a delivery and all that follows from it are one; where nobody asks for any, nothing of it is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot.app.tracing import span, start_tracing, trace_into
from bot.core.errors import UserError
from tests.app.whole import World, op

FIX = {"kit/ops.py": op(3, "x + 3.0")}


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    end = trace_into(exporter)

    def finish():
        end()
        return exporter.get_finished_spans()

    return finish


@pytest.mark.xdist_group("tracing")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_delivery_its_plan_its_job_and_every_action_are_one_trace(sandbox, tmp_path, spans):
    world = World(sandbox, tmp_path / "bot")
    world.database = f"sqlite:///{tmp_path}/relbot.sqlite"
    with world.running():
        world.land(FIX, "Make op 3 a float", "backport/2.7")
    seen = spans()
    [job] = [each for each in seen if each.name == "Backport"]
    trace = [each for each in seen if each.context.trace_id == job.context.trace_id]
    names = [each.name for each in trace]
    assert {"delivery", "plan", "Backport", "GetPull", "PickCommits", "EnsurePull", "EnsureComment"} <= set(names)
    [opening] = [each for each in trace if each.name == "EnsurePull"]
    assert opening.parent.span_id == job.context.span_id
    assert job.attributes["repository"] == "acme/torchkit"
    deliveries = [each for each in seen if each.name == "delivery"]
    assert len({each.context.trace_id for each in deliveries}) == len(deliveries) > 2


def test_no_credential_and_no_endless_text_gets_into_a_trace(spans):
    with span("plan", "one", repository="x https://ada:hunter2@forge.example/x " + "y" * 1000):
        pass
    [one] = spans()
    assert "hunter2" not in one.attributes["repository"]
    assert len(one.attributes["repository"]) == 200


@pytest.mark.parametrize("environ", [
    {}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
])
def test_where_nobody_asks_nothing_is_loaded(environ):
    code = (
        "import sys; from bot.app.tracing import start_tracing, span\n"
        f"end = start_tracing({environ!r})\n"
        "with span('plan', 'one'): pass\n"
        "end(); print(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "False"


def test_asked_for_without_the_package_it_says_what_to_install():
    code = (
        "import sys; sys.modules['opentelemetry.exporter.otlp.proto.http.trace_exporter'] = None\n"
        "from bot.app.tracing import start_tracing\n"
        "start_tracing({'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://127.0.0.1:9'})"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert "pip install 'relbot[otel]'" in told.stderr
    assert UserError.__name__ in told.stderr
    assert callable(start_tracing({}))
