"""A step's log: numbered lines, stored in chunks.

- ``LineCutter``, ``CONTINUES``: bytes in, whole lines out.
- ``LogBook``: the lines and the progress of one attempt, until its worker has written them.
- ``Line``, ``read``, ``text_of``: a stored log by line number, or as text.
- ``drawn``, ``plain``, ``classes``: a line as a terminal would draw it.
"""

from .book import LogBook as LogBook
from .cutting import CONTINUES as CONTINUES
from .cutting import LineCutter as LineCutter
from .reading import Line as Line
from .reading import read as read
from .reading import text_of as text_of
from .screen import drawn as drawn
from .screen import plain as plain
from .styles import Style as Style
from .styles import classes as classes
