"""Processes that run steps: ``pool`` starts, hears and ends them; ``slot`` runs inside of them."""
