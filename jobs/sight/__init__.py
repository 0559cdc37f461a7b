"""The one reader of jobs. Page, admin, terminal and sockets show what it reads; it writes nothing.

- ``positions``: a point on a job's journal, and the entries after it
- ``steps``: a page of a job's steps, their attempts, and what changes without a journal entry
- ``counts``: how many steps of a job have which status
- ``failures``: why a step failed
- ``job``: what changed in a job since a position, and a job in a few rows
- ``waiting``: why a step waits, and what the workers mean for it
- ``run_times``: how long the steps of a definition ran last
- ``expected``: how long running steps usually take, and when their job may end
- ``job_list``: a page of the list and its digest
- ``totals``: how many jobs there are
- ``backlog``: how long steps wait for a worker
- ``measures``: how many jobs and steps there are by definition and status
- ``flow``: what has happened since this process first looked
- ``as_json``: the facts of a job and of a journal entry as JSON
"""
