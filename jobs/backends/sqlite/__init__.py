"""Django's SQLite backend, on a library and with options that several processes can share.

``base`` is what Django loads; ``library`` chooses the SQLite library.
"""
