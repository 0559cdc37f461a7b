"""Where steps run: ``base`` says what an engine promises, each other module keeps it."""
