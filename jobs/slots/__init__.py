"""Slots: processes that run steps and can be killed. Any engine can use them.

An engine talks to ``driver.SlotDriver``, which runs claimed steps and records what becomes of
them. Below it, ``pool`` owns the slots through their ``handle``, and ``forkserver`` starts them;
its other end is ``forking``. ``slot`` and the modules below it run inside a slot.
"""
