"""The one reader of jobs: page, admin, terminal and sockets see what it reads. It writes nothing.

``positions`` where a viewer is on a job's journal · ``job`` what changed since a position, and a
job as a terminal has room for it · ``steps`` a page of steps and their attempts · ``failures`` why
a step failed · ``waiting`` why a step waits, and what its workers mean for it · ``job_list`` a page
of the list and its digest · ``as_json`` a job's facts as JSON.
"""
