"""Definitions of many steps."""

from jobs.definitions import JobDefinition, step


def chain(name, length):
    """A definition of *length* steps that do nothing, one after another."""
    steps = {f"s{n:03}": step(lambda self, run: None) for n in range(length)}
    return type(name, (JobDefinition,), steps)


LongChain = chain("LongChain", 40)


FiftyDeep = chain("FiftyDeep", 50)


FiveHundredDeep = chain("FiveHundredDeep", 500)


ThousandDeep = chain("ThousandDeep", 1000)


def fail(self, run):
    raise RuntimeError("this one had to fail")


def fan(name, width, bad=""):
    """A definition of *width* steps side by side and one that needs all; one of them may fail."""
    names = [f"s{n:03}" for n in range(width)]
    steps = {name: step(needs=[])(lambda self, run: None) for name in names}
    if bad:
        steps[bad] = step(needs=[])(fail)
    steps["last"] = step(needs=names)(lambda self, run: None)
    return type(name, (JobDefinition,), steps)


FiftyWide = fan("FiftyWide", 49)


FiveHundredWide = fan("FiveHundredWide", 499)


ThousandWide = fan("ThousandWide", 999, bad="s734")
