"""What a step of a five-step job may cost, part by part, in milliseconds of CPU.

The README's section "Budget" says what each part does and shows the same limits.
"""

from __future__ import annotations

LIMITS = {
    "worker": 0.9,
    "fork server": 0.3,
    "slots": 0.2,
    "database": 0.6,
    "launch": 0.2,
}
TOTAL = sum(LIMITS.values())
