"""A simulation of workers, people and clocks, in which everything happens that may happen.

It performs one action after another, in this process and on the real database, and checks after
each that everything still adds up. Hypothesis chooses the actions in ``tests/test_machine.py``; a
seed chooses them in ``play``. Workers here are as unreliable as a network: they write late, deliver
twice, forget what they have claimed, and vanish.
"""
