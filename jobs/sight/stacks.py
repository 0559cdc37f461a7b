"""The stack of a running step, as its worker has read it last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ..models import StackRequest, Step
from ..statuses import Status


@dataclass(frozen=True)
class Call:
    """One call in a stack."""

    file: str
    line: int
    function: str
    source: str  # the line itself, where it can be read

    @property
    def place(self) -> str:
        return f"{self.file}, line {self.line}, in {self.function}"


@dataclass(frozen=True)
class Stack:
    """What was asked about a step, and the answer."""

    step: Step
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    attempt: int = 0
    problem: str = ""  # why there are no calls
    threads: tuple[tuple[Call, ...], ...] = ()  # innermost call first; the main thread's first

    @property
    def is_running(self) -> bool:
        return self.step.status == Status.RUNNING

    @property
    def is_awaited(self) -> bool:
        """Whether there may still be an answer."""
        return self.is_running and self.asked_at is not None and self.answered_at is None

    @property
    def top(self) -> Call | None:
        """Where the step is."""
        return self.threads[0][0] if self.threads and self.threads[0] else None

    def lines(self) -> Iterator[str]:
        """All of it as text, in the manner of a traceback."""
        for number, calls in enumerate(self.threads):
            if number:
                yield f"Thread {number + 1}:"
            for call in calls:
                yield f"  {call.place}"
                if call.source:
                    yield f"    {call.source}"

    @property
    def text(self) -> str:
        return "\n".join(self.lines())


def read_stack(job_id: int, name: str) -> Stack:
    """What is known of the stack of a step. Raises Step.DoesNotExist."""
    step = Step.objects.get(job=job_id, name=name)
    row = StackRequest.objects.filter(step=step).first()
    if row is None:
        return Stack(step)
    answer = row.answer or {}
    threads = tuple(tuple(Call(*call) for call in calls) for calls in answer.get("threads", ()))
    return Stack(
        step,
        row.asked_at,
        row.answered_at,
        answer.get("attempt", 0),
        answer.get("problem", ""),
        threads,
    )
