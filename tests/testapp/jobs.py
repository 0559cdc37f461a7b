"""Every definition that tests launch; this module is the one that autodiscovery finds."""

from tests.testapp.chaos_jobs import *  # noqa: F403
from tests.testapp.crash_jobs import *  # noqa: F403
from tests.testapp.database_fault_jobs import *  # noqa: F403
from tests.testapp.duration_jobs import *  # noqa: F403
from tests.testapp.field_jobs import *  # noqa: F403
from tests.testapp.graph_jobs import *  # noqa: F403
from tests.testapp.large_jobs import *  # noqa: F403
from tests.testapp.line_jobs import *  # noqa: F403
from tests.testapp.log_jobs import *  # noqa: F403
from tests.testapp.machine_jobs import *  # noqa: F403
from tests.testapp.misbehaving_jobs import *  # noqa: F403
from tests.testapp.page_jobs import *  # noqa: F403
from tests.testapp.queue_jobs import *  # noqa: F403
from tests.testapp.retry_jobs import *  # noqa: F403
from tests.testapp.secret_jobs import *  # noqa: F403
from tests.testapp.simple_jobs import *  # noqa: F403
from tests.testapp.slot_jobs import *  # noqa: F403
from tests.testapp.stack_jobs import *  # noqa: F403
from tests.testapp.stopping_jobs import *  # noqa: F403
from tests.testapp.two_databases_jobs import *  # noqa: F403
from tests.testapp.usage_jobs import *  # noqa: F403
