"""What happens next: people's requests and workers' claims. It decides; ``journal`` writes.

launching   launch, launch_many
requests    cancel, retry
fleet       pause a queue, drain a worker
claims      a worker takes ready steps
lines       who gets a concurrency key
results     what a step is given
deadlines   what takes too long
endings     how an attempt ended, and what follows from it
stacks      where a running step is: a question and its answer
rounds      several ends and claims in one transaction
"""

from __future__ import annotations

from .claims import Claimant as Claimant
from .claims import claim as claim
from .claims import next_retry as next_retry
from .deadlines import heed_deadline as heed_deadline
from .deadlines import note_long_run as note_long_run
from .endings import end_for_others as end_for_others
from .endings import finish as finish
from .endings import give_up as give_up
from .endings import note_refused as note_refused
from .fleet import order_worker as order_worker
from .fleet import pause_queue as pause_queue
from .fleet import repeat_order as repeat_order
from .fleet import resume_queue as resume_queue
from .launching import launch as launch
from .launching import launch_many as launch_many
from .lines import hand_over as hand_over
from .lines import try_to_hand_over as try_to_hand_over
from .requests import cancel as cancel
from .requests import retry as retry
from .results import results_for as results_for
from .rounds import Ended as Ended
from .rounds import finish_and_claim as finish_and_claim
from .stacks import answer_stacks as answer_stacks
from .stacks import ask_for_stack as ask_for_stack
