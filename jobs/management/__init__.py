"""The commands, and what they have in common.

``commands`` reads options and picks exit codes. ``watching`` follows a job to its end, ``follow``
and ``tree`` show it, ``options`` turns parameters into options, ``interrupts`` are Ctrl-C and its
relatives, ``children`` and ``server`` are the processes of ``serve``.
"""
