"""The views: what ``urls`` serves, and what a project names in its settings.

``pages`` list, job · ``logs`` what steps say · ``script`` their script · ``launching`` the launch
form · ``actions`` cancel, retry, a step's stack · ``fleet`` queues and workers · ``errors`` what is
shown when a request fails · ``access`` who may, and what every page shows
"""

from .actions import cancel, retry, step_stack
from .errors import csrf_failure, server_error
from .fleet import order_queue, order_worker, workers
from .health import healthz, readyz
from .launching import launch, launch_list
from .logs import find_lines, step_log
from .monitoring import metrics
from .pages import job_detail, job_list
from .script import live_script

__all__ = [
    "cancel",
    "csrf_failure",
    "find_lines",
    "healthz",
    "job_detail",
    "job_list",
    "launch",
    "launch_list",
    "live_script",
    "metrics",
    "order_queue",
    "order_worker",
    "readyz",
    "retry",
    "server_error",
    "step_log",
    "step_stack",
    "workers",
]
