"""The graph of a job: its plan as it is drawn, and the status of what is drawn.

A plan of up to MOST_NODES steps is drawn step by step. Of a bigger one, steps that are alike are
one node (``grouping``); when that leaves too many, the graph is of one page of steps. The drawing
depends on the plan alone, so a process keeps it for the next job with the same one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from .. import database
from ..models import Attempt, Job
from ..plan import Plan
from ..statuses import Status
from .counts import in_order
from .grouping import Groups, depths_of, groups_of
from .layout import Box, Drawing, Needs, drawing_of
from .steps import StepPage

MOST_NODES = 500
MOST_LINES = 1500  # if there are more, those that follow from others are left out
LABEL = 26  # characters of a node's label; its tooltip has all of them
SHAPES_KEPT = 32
# The status of a group is the first of these that a step of it has.
TELLING = (
    Status.FAILED,
    Status.RUNNING,
    Status.PENDING,
    Status.CANCELLED,
    Status.SKIPPED,
    Status.SUCCEEDED,
)


@dataclass(frozen=True)
class Shape:
    """A plan without its job: the names of its steps, and what each needs, by position."""

    names: tuple[str, ...]
    needs: Needs


@dataclass(frozen=True)
class PlanGraph:
    """A plan as it is drawn. Each node is a step, or several that are alike."""

    nodes: tuple[tuple[int, ...], ...]  # positions of the steps of each node
    node_of: dict[int, int]  # by position
    drawing: Drawing
    is_grouped: bool = False
    is_reduced: bool = False  # lines that follow from others are left out
    elsewhere: dict[int, tuple[int, int]] = field(default_factory=dict)
    # ^ of a page: how many steps of other pages a step needs, and how many need it; by position


@dataclass(frozen=True, kw_only=True)
class NodeRow:
    """A node with what its steps are doing."""

    job_id: int
    first: int  # position of its first step
    step: int  # the id of the step that it leads to
    name: str  # of that step
    label: str
    page: StepPage  # where that step is in the list
    status: str
    seq: int
    run: Attempt | None  # of a single step: its current attempt
    size: int
    counts: list[tuple[Status, int]]
    before: int = 0  # what it needs of other pages
    after: int = 0

    @property
    def short(self) -> str:
        return self.label if len(self.label) <= LABEL else f"{self.label[: LABEL - 1]}…"


@dataclass(frozen=True)
class Graph:
    """A job's graph as a page shows it."""

    plan: PlanGraph
    boxes: list[tuple[Box, NodeRow]]  # column by column
    steps: int  # of the whole plan

    @property
    def drawing(self) -> Drawing:
        return self.plan.drawing

    @property
    def lines(self) -> list[tuple[int, int, str]]:
        """Each line with the first steps of the nodes at its ends."""
        first = [steps[0] for steps in self.plan.nodes]
        return [(first[one], first[other], path) for one, other, path in self.drawing.lines]


def read_graph(job: Job, page: StepPage) -> Graph:
    """The whole graph that a page shows, in the snapshot in progress."""
    shape = shape_of(job)
    plan = plan_graph(shape, page)
    rows = dict(_rows(job, plan, shape, 0))
    boxes = [(plan.drawing.boxes[node], rows[node]) for node in plan.drawing.reading_order]
    return Graph(plan, boxes, len(shape.names))


def changed_nodes(job: Job, page: StepPage, since: int) -> list[NodeRow]:
    """The nodes of the same graph whose steps changed after *since*."""
    shape = shape_of(job)
    return [row for _, row in _rows(job, plan_graph(shape, page), shape, since)]


_shapes: dict[UUID, Shape] = {}  # by job: a plan is frozen at its launch


def shape_of(job: Job) -> Shape:
    """The shape of a job's plan."""
    shape = _shapes.pop(job.uuid, None) or _read_shape(job.pk)
    _shapes[job.uuid] = shape
    for oldest in list(_shapes)[:-SHAPES_KEPT]:
        _shapes.pop(oldest, None)  # another thread may have been faster
    return shape


def _read_shape(job_id: int) -> Shape:
    names = "SELECT name FROM truestep_step WHERE job_id = %s ORDER BY position"
    pairs = """
        SELECT s.position, needed.position FROM truestep_step AS s
        JOIN truestep_need AS n ON n.step_id = s.id
        JOIN truestep_step AS needed ON needed.id = n.needed_id
        WHERE s.job_id = %s ORDER BY s.position, needed.position
    """
    found = tuple(name for (name,) in database.rows(names, job_id))
    needs: list[list[int]] = [[] for _ in found]
    for step, needed in database.rows(pairs, job_id):
        needs[step].append(needed)
    return Shape(found, tuple(map(tuple, needs)))


def plan_graph(shape: Shape, page: StepPage) -> PlanGraph:
    """The graph of a plan, or of this page of its steps if it is big and has no structure."""
    return _whole(shape) or _part(shape, page)


@lru_cache(maxsize=SHAPES_KEPT)
def _whole(shape: Shape) -> PlanGraph | None:
    plan = Plan(dict(enumerate(shape.needs)))
    if len(shape.names) <= MOST_NODES:
        drawn = _drawn(shape, plan, [[step] for step in range(len(shape.names))])
        if len(drawn.drawing.lines) <= MOST_LINES:
            return drawn
    groups = groups_of(shape.names, plan, MOST_NODES)
    return _drawn(shape, plan, groups, is_grouped=True) if groups else None


@lru_cache(maxsize=SHAPES_KEPT)
def _part(shape: Shape, page: StepPage) -> PlanGraph:
    steps = range(page.first, min(page.end, len(shape.names)))
    plan = Plan(dict(enumerate(shape.needs)))
    elsewhere = {
        step: (
            sum(other not in page for other in plan.dependencies[step]),
            sum(other not in page for other in plan.dependants[step]),
        )
        for step in steps
    }
    return _drawn(shape, plan, [[step] for step in steps], elsewhere=elsewhere)


def _drawn(shape: Shape, plan: Plan[int], groups: Groups, **options: Any) -> PlanGraph:
    """The graph of these groups of steps, numbered so that each needs only earlier ones."""
    depths = depths_of(plan)
    nodes = tuple(sorted(map(tuple, groups), key=lambda steps: (depths[steps[0]], steps[0])))
    node_of = {step: node for node, steps in enumerate(nodes) for step in steps}
    needs = tuple(
        tuple(sorted({node_of[o] for step in steps for o in shape.needs[step] if o in node_of}))
        for steps in nodes
    )
    is_reduced = sum(map(len, needs)) > MOST_LINES
    if is_reduced:
        needs = reduced(needs)
    lengths = tuple(min(len(_label(shape, steps)), LABEL) for steps in nodes)
    return PlanGraph(nodes, node_of, drawing_of(lengths, needs), is_reduced=is_reduced, **options)


def reduced(needs: Needs) -> Needs:
    """Without what follows from the rest: of what a node needs, what another need of it needs.

    A node may need only nodes before it.
    """
    ancestors: list[int] = []  # of each node, a bit for each
    kept = []
    for needed in needs:
        through = 0
        for other in needed:
            through |= ancestors[other]
        kept.append(tuple(other for other in needed if not through >> other & 1))
        ancestors.append(through | sum(1 << other for other in needed))
    return tuple(kept)


def _label(shape: Shape, steps: tuple[int, ...]) -> str:
    names = [shape.names[step].replace("_", " ") for step in steps]
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"


def _rows(job: Job, plan: PlanGraph, shape: Shape, since: int) -> Iterator[tuple[int, NodeRow]]:
    """The nodes with steps that changed after *since*; to count a group, all its steps are read."""
    sql = """
        SELECT position, id, status, seq FROM truestep_step
        WHERE job_id = %s AND seq > %s
    """
    # Sorted here: in order of position, a database might look at all steps for a few.
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in sorted(database.rows(sql, job.pk, 0 if plan.is_grouped else since)):
        if row[0] in plan.node_of:
            found.setdefault(plan.node_of[row[0]], []).append(row)
    runs = {} if plan.is_grouped else _runs(job, since)
    for node, rows in found.items():
        if any(row[3] > since for row in rows):
            yield node, _row(job, plan, shape, node, rows, runs)


def _runs(job: Job, since: int) -> dict[int, Attempt]:
    """The current attempts of the steps that changed after *since*, by step id."""
    sql = """
        SELECT a.id, a.step_id, a.number, a.started_at, a.ended_at FROM truestep_step AS s
        JOIN truestep_attempt AS a ON a.step_id = s.id AND a.number = s.attempt
        WHERE s.job_id = %s AND s.seq > %s
    """
    return {attempt.step_id: attempt for attempt in Attempt.objects.raw(sql, [job.pk, since])}


def _row(
    job: Job,
    plan: PlanGraph,
    shape: Shape,
    node: int,
    rows: list[tuple[Any, ...]],
    runs: dict[int, Attempt],
) -> NodeRow:
    counts = Counter(row[2] for row in rows)
    status = next(status for status in TELLING if counts[status])
    position, pk, *_ = next(row for row in rows if row[2] == status)
    before, after = plan.elsewhere.get(position, (0, 0))
    return NodeRow(
        job_id=job.pk,
        first=plan.nodes[node][0],
        step=pk,
        name=shape.names[position],
        label=_label(shape, plan.nodes[node]),
        page=StepPage.of(position),
        status=status,
        seq=max(row[3] for row in rows),
        run=runs.get(pk),
        size=len(rows),
        counts=in_order(counts) if len(rows) > 1 else [],
        before=before,
        after=after,
    )
