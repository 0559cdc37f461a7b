"""Truestep beside other queues of Python: the same jobs, in turn, in one run.

``subjects`` says what is compared, and with which settings. ``measure`` starts a subject's workers
and its client (``queues/client.py``), and counts. ``report`` makes the tables.
"""
