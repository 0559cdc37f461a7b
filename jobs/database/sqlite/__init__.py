"""Everything that Truestep does differently on SQLite.

- ``dialect``: the answers to what ``..dialect`` asks.
- ``file``: which file is open, and which one is at its path now.
- ``safety``: library, file system and settings with which processes can share it.
- ``turns``: a fair turn for each writer. ``locks``: who is writing.
- ``watch``: commits of others. ``triggers``: rules in SQL.
"""

from .dialect import SQLite as SQLite
