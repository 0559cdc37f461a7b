"""An app with which a test makes a child's SQLite full or read-only, and repairs it."""
