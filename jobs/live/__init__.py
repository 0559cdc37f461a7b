"""Sockets: they show what ``sight`` reads. Nothing here writes a row.

- ``routing``, ``origin``, ``prefix``: the addresses of sockets, the sites that may open them
- ``consumers``: one socket each; what a page may say
- ``access``: what its viewer may do, checked again while it is open, by ``sessions``
- ``viewers``: what one socket was sent, has acknowledged, and still has to be sent
- ``hub``: this process's feeds, woken by ``pokes`` of other processes or by their ``commits``
- ``feeds``, ``job_feed``, ``list_feed``: one reader of a job or a window for all its viewers
- ``fragments``: rows as HTML
"""
