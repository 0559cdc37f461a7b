"""What Truestep asks of the operating system.

``processes`` finds and ends processes, ``inotify`` reports changes of files, ``wakeup`` wakes a
thread that sleeps in a selector, ``heap`` spares collections and forks work. Nothing here knows
jobs, settings or the database.
"""
