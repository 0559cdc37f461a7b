"""Ways to make the database fail."""

import pytest

from tests.faults.database import DatabaseFaults


@pytest.fixture
def faults(database, tmp_path):
    made = DatabaseFaults(tmp_path)
    yield made
    made.forget()
