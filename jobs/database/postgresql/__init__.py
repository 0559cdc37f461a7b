"""Everything that Truestep does differently on PostgreSQL.

- ``dialect``: the answers to what ``..dialect`` asks.
- ``locks``: who is writing. ``watch``: commits of others. ``triggers``: rules in SQL.
- ``prepared``: statements that the server prepares. ``pooler``: where it must not.
"""

from .dialect import PostgreSQL as PostgreSQL
