"""Throughput before and after a fault: ``python -m benchmarks.faults``, and ``…faults.chaos``."""
