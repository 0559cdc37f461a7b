from django.apps import AppConfig


class MissedCommitsConfig(AppConfig):
    name = "tests.faults.missed_commits"
    label = "missed_commits"

    def ready(self) -> None:
        from channels.layers import InMemoryChannelLayer

        from jobs.live import commits

        async def lose(self, group, message) -> None: ...

        InMemoryChannelLayer.group_send = lose
        commits.has_commit = lambda watch: False
