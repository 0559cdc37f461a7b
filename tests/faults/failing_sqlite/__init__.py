"""An app by which a test makes a child's SQLite full or read-only, and sound again."""
