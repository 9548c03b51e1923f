"""The chart without Helm: its values and their schema, its version, and that alerts and dashboard ask for what is counted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from orchestrator import __version__
from orchestrator.environment.model import Environment
from orchestrator.manifests import generate
from orchestrator.manifests.swapper_objects import REPLICAS
from orchestrator.manifests.webhook_configuration import NAME, TIMEOUT_SECONDS
from orchestrator.swapper.metrics import SwapMetrics
from tests.functional.running import run
from tests.references_table import ENVIRONMENTS, environment

CHART = Path(__file__).resolve().parents[3] / "charts/image-swapper"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())


def written(of: Environment) -> dict[str, Any]:
    """The values that come of an environment."""
    (bundle,) = generate(of, ["swapper"])
    found: dict[str, Any] = yaml.safe_load(bundle.files["chart-values.yaml"])
    return found


def test_what_an_environment_decides_is_what_the_schema_takes() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    for name in ENVIRONMENTS:
        values = written(environment(name))
        jsonschema.validate({**DEFAULTS, **values}, SCHEMA)
        # What the schema demands is all that is there, so that nothing is written for nobody.
        assert set(values["decided"]) == set(SCHEMA["properties"]["decided"]["anyOf"][1]["required"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("repliicas", 2),
        ("replicas", "two"),
        ("webhook.failurePolicy", "ignore"),
        ("settings.copyPolicy", "later"),
        ("settings.copyDeadline", 31),
        ("certificate.from", "nowhere"),
        ("decided.environment", None),
        ("name", "Upper"),
        ("podDisruptionBudget.minAvailable", "half"),
    ],
)
def test_what_nobody_means_is_refused(path: str, value: object) -> None:
    values = json.loads(json.dumps({**DEFAULTS, **written(environment("standard"))}))
    *folders, name = path.split(".")
    holder = values
    for folder in folders:
        holder = holder[folder]
    holder[name] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, SCHEMA)


def test_defaults_are_those_of_the_manifests() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    scaling = DEFAULTS["autoscaling"]
    assert (scaling["minReplicas"], scaling["maxReplicas"]) == REPLICAS
    assert (DEFAULTS["name"], DEFAULTS["webhook"]["timeoutSeconds"]) == (NAME, TIMEOUT_SECONDS)


def test_alerts_and_dashboard_ask_for_what_is_counted() -> None:
    counted: dict[str, set[str]] = {}
    metrics = SwapMetrics()
    labels = {one._name: one._labelnames for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)}
    for family in metrics.families():
        names = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}[family.type]
        held = vars(family).get("_labelnames", labels.get(family.name, ()))
        counted |= {f"{family.name}{suffix}": {*held, "namespace", "le"} for suffix in names}
    alerts = yaml.safe_load((CHART / "alerts.yaml").read_text())
    panels = json.loads((CHART / "dashboards/image-swapper.json").read_text())["panels"]
    asked = [one["expr"] for one in alerts] + [target["expr"] for panel in panels for target in panel["targets"]]
    assert len({one["alert"] for one in alerts}) == len(alerts) > 5
    seen = set()
    for expression in asked:
        for name, selectors in re.findall(r"\b(swapper_\w+)\{([^}]*)\}", expression):
            assert set(re.findall(r"(\w+)[=!]", selectors)) <= counted[name], expression
            seen.add(name)
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            assert set(grouped.split(", ")) <= counted[name], expression
    # Every metric is shown somewhere.
    assert {name.removesuffix("_bucket") for name in seen} >= {
        name for name in counted if not name.endswith(("_bucket", "_count", "_sum"))
    }


def test_the_chart_is_written_once_more_and_never_into_what_is_somebody_else_s(tmp_path: Path) -> None:
    for _ in range(2):
        ran = run("swapper", "chart", "--out", str(tmp_path))
        assert ran.code == 0, ran.err
    target = tmp_path / "image-swapper"
    for path in CHART.rglob("*"):
        if path.is_file():
            assert (target / path.relative_to(CHART)).read_bytes() == path.read_bytes()
    (target / "templates" / "mine.yaml").write_text("kind: Secret\n")
    ran = run("swapper", "chart", "--out", str(tmp_path))
    assert ran.code == 2
    assert "templates/mine.yaml" in ran.err
