"""Tables that several tests check."""

LEGAL_STEP_MOVES = {
    ("pending", "running"),
    ("pending", "skipped"),
    ("pending", "cancelled"),
    ("pending", "failed"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("running", "pending"),
}
LEGAL_JOB_MOVES = {
    ("pending", "running"),
    ("pending", "cancelled"),
    ("pending", "failed"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
}

# Seconds; what is written when that has ended, and while it is running.
DURATIONS = [
    (-3594.75, "0 ms", "0 s"),  # a clock was set back
    (-0.0004, "0 ms", "0 s"),
    (0, "0 ms", "0 s"),
    (0.0004, "0 ms", "0 s"),
    (0.34, "340 ms", "0 s"),
    (0.999, "999 ms", "0 s"),
    (0.9999, "1.0 s", "1 s"),
    (1, "1.0 s", "1 s"),
    (4.25, "4.2 s", "4 s"),
    (59.949, "59.9 s", "59 s"),
    (59.97, "59.9 s", "59 s"),
    (59.9999, "1 min 00 s", "1 min 00 s"),
    (60, "1 min 00 s", "1 min 00 s"),
    (185.999, "3 min 05 s", "3 min 05 s"),
    (3599.999, "59 min 59 s", "59 min 59 s"),
    (3600, "1 h 00 min", "1 h 00 min"),
    (7659, "2 h 07 min", "2 h 07 min"),
    (86399.999, "23 h 59 min", "23 h 59 min"),
    (86400, "1 d 00 h", "1 d 00 h"),
    (1e8, "1157 d 09 h", "1157 d 09 h"),
]
