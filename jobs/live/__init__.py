"""The watchers' side: reads what changed, renders it, writes it to sockets. Never writes a row."""
