"""An app in whose web process no poke arrives and no commit is noticed."""
