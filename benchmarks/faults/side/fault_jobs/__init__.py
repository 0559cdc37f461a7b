"""An app with the jobs that run while something is broken."""
