"""Truestep: multi-step jobs with a persisted history and a live page that never lies.

Read in this order:

    what a job is       statuses, definitions, models, triggers
    how it moves        transitions, orchestrator, runner, slots, engines
    how it survives     workers, recovery, logs
    how it is seen      sight, news, live, views, admin
    what it stands on   database, text, conf, exceptions, crashpoints
"""
