"""An app whose workers notice no commit: as behind a pooler, they only look every few seconds."""
