"""What ``launch`` prints, line by line, without its process."""

from __future__ import annotations

from jobs.management import follow


class Follower:
    """What a follower prints."""

    def __init__(self, job, as_json=False):
        self.lines = []
        self.follower = follow.LineFollower(job.pk, self.lines.append, self.lines.append, as_json)

    def look(self):
        """Whether the job is over; the words of each new line, without its time or date."""
        self.follower._next_read = 0
        self.lines.clear()
        over = self.follower.is_over()
        lines = [line for line in self.lines if not line.endswith(", times in UTC")]
        return over, [" ".join(line.split()[1:]) for line in lines]
