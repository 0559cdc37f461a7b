"""Generated plans, as numbers: what each step needs. Equal seeds give equal plans."""

from __future__ import annotations

import random

from jobs.sight.layout import Needs

MOST_STEPS = 60


def generated(seed: int) -> Needs:
    """A plan like those that people write: of long and short dependencies, or in stages."""
    dice = random.Random(seed)
    steps, width = dice.randint(8, MOST_STEPS), dice.randint(2, 8)
    needs = []
    for step in range(steps):
        if seed % 3 == 0:
            near, few = range(step), [0, 1, 1, 2, 2, 3]
        elif seed % 3 == 1:
            near, few = range(max(0, step - 2 * width), step), [1, 1, 1, 2, 2, 3]
        else:
            stage = step // width * width
            near, few = range(max(0, stage - width), stage), [1, 1, 2, 2]
        count = min(len(near), dice.choice(few))
        needs.append(tuple(sorted(dice.sample(near, count))))
    return tuple(needs)
