"""An app that makes the web process deaf: no poke arrives and no commit is noticed."""
