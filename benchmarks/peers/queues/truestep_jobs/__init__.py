"""An app with the jobs that Truestep runs in the benchmark."""
