"""Set up Django before the release's models are imported."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "maker.settings"
os.environ["WITH_DEFINITIONS"] = os.environ["WITH_STRANGER"] = "1"
django.setup()

from . import make  # noqa: E402  (it imports models)

make.main()
