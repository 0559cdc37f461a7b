"""The rows: what a job is, and everything that happened to it.

``journal`` is the only writer of a status; triggers in the database refuse every other one. A
``seq`` is the per-job number of a journal entry. A row that an entry changes carries its seq, so
"what changed since seq N?" is one indexed question.
"""

from __future__ import annotations

from .entries import Intent as Intent
from .entries import Transition as Transition
from .fields import JSONText as JSONText
from .jobs import Job as Job
from .jobs import JobQuerySet as JobQuerySet
from .lines import Holder as Holder
from .lines import Line as Line
from .lines import count_before as count_before
from .lines import lines_behind as lines_behind
from .lines import read_line as read_line
from .queues import Order as Order
from .queues import Queue as Queue
from .ready import FIRST as FIRST
from .ready import Place as Place
from .ready import Ready as Ready
from .ready import ReadyStep as ReadyStep
from .ready import named_queues as named_queues
from .ready import ready_steps as ready_steps
from .runs import Attempt as Attempt
from .runs import LogChunk as LogChunk
from .runs import StackRequest as StackRequest
from .runs import Worker as Worker
from .steps import Need as Need
from .steps import Step as Step
from .steps import StepQuerySet as StepQuerySet
