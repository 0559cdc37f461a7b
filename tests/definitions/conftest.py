"""Fixtures of the tests of definitions."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group


@pytest.fixture
def groups(database):
    for name in ("eve", "ada"):
        Group.objects.create(name=name)
