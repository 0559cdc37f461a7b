"""A step's log: numbered lines, stored in chunks.

- ``LineCutter``, ``CONTINUES``: bytes in, whole lines out.
- ``LogBook``: the lines and the progress of one attempt, until its worker has written them.
- ``Line``, ``read``, ``read_some``, ``text_of``: a stored log by line number, or as text.
- ``Choice``, ``read_chosen``, ``start_of_newest``: the lines of a level, without folded groups.
- ``find``, ``Wanted``, ``Place``: lines by text and level.
- ``drawn``, ``plain``, ``html_of``: a line as a terminal would draw it.
"""

from .book import LogBook as LogBook
from .cutting import CONTINUES as CONTINUES
from .cutting import LineCutter as LineCutter
from .finding import Found as Found
from .finding import Place as Place
from .finding import Wanted as Wanted
from .finding import find as find
from .markup import html_of as html_of
from .reading import Choice as Choice
from .reading import Line as Line
from .reading import read as read
from .reading import read_chosen as read_chosen
from .reading import read_some as read_some
from .reading import start_of_newest as start_of_newest
from .reading import text_of as text_of
from .screen import drawn as drawn
from .screen import plain as plain
