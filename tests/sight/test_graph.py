"""The graph of a job: what is drawn, and what it says of the steps."""

from __future__ import annotations

import pytest

from jobs.orchestrator import claim, finish, launch
from jobs.sight import graph as graphs
from jobs.sight.graph import changed_nodes, read_graph
from jobs.sight.layout import drawing_of
from jobs.sight.steps import FIRST_PAGE, StepPage
from jobs.statuses import Verdict
from tests.support import Cost, drive, ended, returned


def shown(job, page=FIRST_PAGE):
    return {node.label: node for _, node in read_graph(job, page).boxes}


def statuses(job):
    return {label: node.status for label, node in shown(job).items()}


def test_each_step_is_a_node_with_its_status(claimant):
    job = launch("diamond")
    [top] = claim(claimant, room=1)
    assert statuses(job) == dict.fromkeys(("left", "right", "bottom"), "pending") | {
        "top": "running"
    }
    node = shown(job)["top"]
    assert (node.step, node.name, node.page) == (top.step_id, "top", FIRST_PAGE)
    assert (node.run.number, node.run.ended_at) == (1, None)
    assert shown(job)["left"].run is None
    assert len(read_graph(job, FIRST_PAGE).drawing.lines) == 4


def test_what_changed_are_the_nodes_of_the_steps_that_changed(claimant):
    job = launch("diamond")
    [top] = claim(claimant, room=1)
    job.refresh_from_db()
    since = job.seq
    assert changed_nodes(job, FIRST_PAGE, since) == []
    finish(claimant, top, returned(), room=0)
    changed = {node.name: node.status for node in changed_nodes(job, FIRST_PAGE, since)}
    assert changed["top"] == "succeeded"
    assert "bottom" not in changed


def test_the_plan_is_read_once_and_drawn_once_for_all_jobs_with_it(claimant):
    first, second = launch("diamond"), launch("diamond")
    shown(first)
    misses = drawing_of.cache_info().misses
    shown(second)
    assert drawing_of.cache_info().misses == misses
    with Cost() as cost:
        shown(first)
    assert len(cost.statements) == 2


def test_steps_of_a_big_plan_that_are_alike_are_one_node_that_counts_them(claimant, monkeypatch):
    monkeypatch.setattr(graphs, "MOST_NODES", 40)
    graphs._whole.cache_clear()
    job = launch("fifty_wide")
    first, second = claim(claimant, room=2)
    finish(claimant, first, ended(Verdict.FAILED), room=0)
    parts, last = shown(job).values()
    assert (parts.label, parts.size) == ("s000 … s048", 49)
    assert parts.counts == [("pending", 47), ("running", 1), ("failed", 1)]
    assert (parts.status, parts.name) == ("failed", "s000")
    assert (last.label, last.counts) == ("last", [])
    finish(claimant, second, returned(), room=0)
    job.refresh_from_db()
    [changed, *_] = changed_nodes(job, FIRST_PAGE, job.seq - 1)
    assert changed.counts == [("pending", 47), ("succeeded", 1), ("failed", 1)]
    assert changed.seq > parts.seq
    graphs._whole.cache_clear()


def test_of_a_big_plan_without_structure_one_page_is_drawn(claimant, monkeypatch):
    monkeypatch.setattr(graphs, "MOST_NODES", 40)
    graphs._whole.cache_clear()
    job = launch("five_hundred_deep")
    nodes = shown(job, StepPage(100))
    assert list(nodes) == [f"s{number}" for number in range(100, 200)]
    assert (nodes["s100"].before, nodes["s150"].before, nodes["s199"].after) == (1, 0, 1)
    claim(claimant, room=1)
    assert changed_nodes(job, StepPage(100), 1) == []
    assert [node.name for node in changed_nodes(job, FIRST_PAGE, 1)] == ["s000"]
    graphs._whole.cache_clear()


def test_a_step_may_need_one_that_is_listed_after_it(claimant):
    job = drive(claimant, launch("listed_late_first"))
    order = [node.name for _, node in read_graph(job, FIRST_PAGE).boxes]
    assert order == ["early", "late"]
    assert statuses(job) == {"early": "succeeded", "late": "succeeded"}


@pytest.mark.parametrize("length", [26, 27, 80])
def test_a_long_name_is_cut_and_whole_in_the_tooltip(claimant, length):
    job = launch("diamond")
    name = "n" * length
    graphs._shapes[job.uuid] = graphs.Shape((name, "b", "c", "d"), ((), (0,), (0,), (1, 2)))
    node = shown(job)[name]
    assert len(node.short) == min(length, graphs.LABEL)
    assert node.short == name or node.short.endswith("…")


def test_of_many_lines_those_that_follow_from_others_are_left_out(claimant, monkeypatch):
    assert graphs.reduced(((), (0,), (0, 1), (0, 1, 2), (0, 2))) == ((), (0,), (1,), (2,), (2,))
    monkeypatch.setattr(graphs, "MOST_LINES", 3)
    graphs._whole.cache_clear()
    graph = read_graph(launch("needs_all_before"), FIRST_PAGE)
    assert graph.plan.is_reduced
    assert [line[:2] for line in graph.lines] == [(0, 1), (1, 2), (2, 3)]
    graphs._whole.cache_clear()


def test_a_plan_with_too_many_lines_is_drawn_in_groups(claimant, monkeypatch):
    monkeypatch.setattr(graphs, "MOST_LINES", 3)
    graphs._whole.cache_clear()
    graph = read_graph(launch("all_with_all"), FIRST_PAGE)
    assert graph.plan.is_grouped
    assert [line[:2] for line in graph.lines] == [(0, 3)]
    assert [node.size for _, node in graph.boxes] == [3, 3]
    graphs._whole.cache_clear()
