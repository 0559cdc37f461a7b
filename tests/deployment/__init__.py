"""The files in ``docs/deploy`` are read, and what they start is started."""
