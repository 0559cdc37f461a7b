"""``docs/grafana/truestep.json`` asks for what ``/metrics`` serves."""

from __future__ import annotations

import json
import re

import pytest

pytest.importorskip("prometheus_client", reason="the extra metrics")

from prometheus_client.parser import text_string_to_metric_families as parse

from jobs import metrics
from jobs.orchestrator import launch
from jobs.sight import flow
from tests.support import ROOT, drive

DASHBOARD = json.loads((ROOT / "docs/grafana/truestep.json").read_text())
PANELS = DASHBOARD["panels"]
OPERATE = (ROOT / "docs/operate.md").read_text()
OF_THE_SCRAPE = {"instance", "job", "pod"}  # labels that Prometheus adds
METRIC = re.compile(r"truestep_\w+")
SELECTED = re.compile(r"(truestep_\w+)\{([^}]*)\}")
GROUPED = re.compile(r"\b(?:by|without) \(([^)]*)\)")
SHOWN = re.compile(r"\{\{(\w+)\}\}")


def targets():
    return [(panel["title"], target) for panel in PANELS for target in panel["targets"]]


@pytest.fixture
def served(claimant, monkeypatch):
    """The labels of each sample, by its name."""
    monkeypatch.setattr(metrics, "_flow", flow.Flow())
    monkeypatch.setattr(flow, "SETTLED_SECONDS", 0.0)
    metrics.exposition("")
    drive(claimant, launch("noop"))
    labels: dict[str, set[str]] = {}
    for family in parse(metrics.exposition("")[0].decode()):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


def test_each_metric_and_label_of_the_dashboard_is_served(served):
    for title, target in targets():
        expr = target["expr"]
        names = METRIC.findall(expr)
        assert names, title
        assert set(names) <= served.keys(), title
        known = set.union(*(served[name] for name in names))
        for name, matchers in SELECTED.findall(expr):
            wanted = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
            assert wanted and wanted <= served[name], title
        for group in GROUPED.findall(expr):
            assert set(re.split(r",\s*", group)) <= known | OF_THE_SCRAPE, title
        assert set(SHOWN.findall(target["legendFormat"])) <= known | OF_THE_SCRAPE, title


def test_each_metric_that_is_served_is_on_the_dashboard(served):
    asked = {name for _, target in targets() for name in METRIC.findall(target["expr"])}
    ends = re.compile("_(bucket|count|sum|total|created)$")
    families = {ends.sub("", name) for name in served if not name.endswith("_created")}
    assert families == {ends.sub("", name) for name in asked}


def test_the_table_of_metrics_lists_what_is_served(served):
    table = re.findall(r"^\| (`truestep_.*?) \| \w+ \| (.*?) \|", OPERATE, re.MULTILINE)
    listed = {
        name: set(re.findall(r"`(\w+)`", labels))
        for names, labels in table
        for name in re.findall(r"`(\w+)`", names)
    }
    ends = re.compile("_(bucket|count|sum|created)$")
    found: dict[str, set[str]] = {}
    for name, labels in served.items():
        if not name.endswith("_created"):
            found.setdefault(ends.sub("", name), set()).update(labels - {"le"})
    assert listed == found


def test_each_variable_that_is_asked_for_exists():
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    text = json.dumps(PANELS)
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval"}
    assert used == variables


def test_the_panels_do_not_cover_each_other():
    taken = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (column, row)
            for column in range(place["x"], place["x"] + place["w"])
            for row in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert all(0 <= column < 24 for column, _ in cells)
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_each_expression_is_balanced():
    for title, target in targets():
        for opening, closing in ("()", "{}", "[]"):
            assert target["expr"].count(opening) == target["expr"].count(closing), title
