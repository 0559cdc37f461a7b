"""Importing this module sets Django up."""

import django

django.setup()
