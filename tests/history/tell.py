"""Print what a release shows of a database: pages, ``show --json`` and ``audit``, as one JSON.

Run it in a checkout, ``python …/tests/history/tell.py``, with DJANGO_SETTINGS_MODULE and
DATABASE_URL set. It uses only what every release has: addresses, commands, ids in the page.
"""

import json
import os
import re
import sys
from contextlib import suppress
from html.parser import HTMLParser
from io import StringIO

CONTROLS = {"button", "form", "label"}  # they tell nothing of a job
VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr"}
TOLD = re.compile(r"(job|step|entry)-\d+(-\d+)?")


class VisibleText(HTMLParser):
    """The text of each job, step and journal entry of a page, by the element's id."""

    def __init__(self):
        super().__init__()
        self.texts = {}
        self._open = []  # of each open element: the id whose text it adds to, or None

    def handle_starttag(self, tag, attrs):
        if tag in VOID:
            return
        found = TOLD.fullmatch(dict(attrs).get("id") or "")
        around = self._open[-1] if self._open and tag not in CONTROLS else None
        self._open.append(found.group() if found else around)

    def handle_endtag(self, tag):
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1]:
            words = self.texts.get(self._open[-1], "").split() + data.split()
            self.texts[self._open[-1]] = " ".join(words)


def page_of(client, job_id):
    response = client.get(f"/jobs/{job_id}/")
    assert response.status_code == 200, response
    page = VisibleText()
    page.feed(response.content.decode())
    return page.texts


def output_of(command, *arguments, **options):
    from django.core.management import call_command

    output = StringIO()
    with suppress(SystemExit):
        call_command(command, *arguments, stdout=output, **options)
    return output.getvalue()


def tell():
    from django.apps import apps
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.get(username="ada"))
    ids = apps.get_model("truestep", "Job").objects.order_by("pk").values_list("pk", flat=True)
    jobs = [
        {"show": json.loads(output_of("show", pk, json=True)), "page": page_of(client, pk)}
        for pk in ids
    ]
    return {"jobs": jobs, "audit": output_of("audit")}


if __name__ == "__main__":
    import django

    sys.path[0] = os.getcwd()
    django.setup()
    json.dump(tell(), sys.stdout, ensure_ascii=False, indent=1)
