"""What a step of a five-step job may cost, part by part, in milliseconds of CPU.

The README's section "Budget" says what each part does and shows the same limits.
"""

from __future__ import annotations

LIMITS = {
    "worker": 1.1,
    "fork server": 0.3,
    "slots": 0.3,
    "database": 0.8,
    "launch": 0.2,
}
TOTAL = sum(LIMITS.values())
