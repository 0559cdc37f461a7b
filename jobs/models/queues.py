"""What concerns no single job: the orders that people give, and the queues that they pause."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from ..codes import words
from .fields import JSONText


class Order(models.Model):
    """What a person has ordered; never changed after it was written, with the row it changes."""

    number = models.PositiveBigIntegerField(primary_key=True)  # 1, 2, 3 …
    code = models.CharField(max_length=40)  # what it means: ``codes``
    data = JSONText(default=dict)  # of that code
    actor = models.CharField(max_length=150, blank=True)  # a person's name
    source = models.CharField(max_length=10, blank=True)  # page, admin, command, python
    reason = models.CharField(max_length=500, blank=True)  # its words in English
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"order {self.number}"

    @property
    def words(self) -> str:
        """What it says, in the language that is active when it is shown."""
        return words(self.code, self.data, self.reason)


class Queue(models.Model):
    """A queue as people have left it: *order* is the last one about it.

    ``migrate`` makes a row for each queue of a definition. A queue works without one.
    """

    name = models.CharField(max_length=100, unique=True)
    is_paused = models.BooleanField(default=False)
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        permissions: ClassVar = [("control_queue", "Can pause and resume a queue")]

    def __str__(self) -> str:
        return f"queue {self.name}"
