"""Definitions with secret parameters."""

import base64
import json
import logging
import os
import subprocess
import time
from urllib.parse import quote

from django import forms

from jobs import Concurrency
from jobs.definitions import JobDefinition, step
from jobs.jsonlog import JsonFormatter
from jobs.slots.output import RECORD_CHARACTERS


def password(**options):
    return forms.CharField(widget=forms.PasswordInput, **options)


def wait_for_file(path):
    while path and not os.path.exists(path):
        time.sleep(0.01)


class Secretive(JobDefinition):
    """Says its secrets in each way that there is."""

    class Params(forms.Form):
        host = forms.CharField(initial="example.com")
        token = password(help_text="Of the user of the deployment.")
        pin = password(required=False)
        gate = forms.CharField(required=False)

    @step
    def say(self, run):
        token = run.params["token"]
        run.log(f"run.log {token}")
        run.log("x" * (RECORD_CHARACTERS - 5) + token)  # its record is cut in the secret
        print(f"print {token!r} {json.dumps(token)} {quote(token, safe='')}")
        print("base64", base64.b64encode(f"user:{token}".encode()).decode())
        half = len(token) // 2
        print("halves", token[:half], end="", flush=True)
        time.sleep(0.2)
        print(token[half:])
        logging.getLogger("some.library").warning("logging %s", {"token": token})
        try:
            raise ValueError(f"of {token}")
        except ValueError:
            logging.getLogger("some.library").exception("with a traceback")
        subprocess.run(["sh", "-c", 'echo "child $TOKEN"; echo "$TOKEN" >&2'], env={"TOKEN": token})
        print("pin", run.params["pin"])
        run.progress(1, 2, f"progress {token}")
        print("open", token, end="", flush=True)
        wait_for_file(run.params["gate"])
        return {"token": token, "length": len(token), "list": [f"Bearer {token}"]}

    @step
    def fail(self, run):
        raise RuntimeError(f"cannot log in with {run.params['token']}: {run.results}")


class SecretSteps(JobDefinition):
    """One step fails, while the other waits for a file."""

    deadline = 100

    class Params(forms.Form):
        token = password()
        gate = forms.CharField(required=False)

    @step(needs=[])
    def fails(self, run):
        raise RuntimeError("no luck")

    @step(needs=[])
    def waits(self, run):
        run.log("waiting")
        wait_for_file(run.params["gate"])
        return len(run.params["token"])


class SecretDigest(JobDefinition):
    """Needs its secrets, and says only what nobody can read them from."""

    class Params(forms.Form):
        host = forms.CharField(initial="example.com")
        token = password()

        def clean(self):
            return self.cleaned_data | {"header": f"Bearer {self.cleaned_data.get('token')}"}

    @step
    def check(self, run):
        params = run.params
        assert params["header"] == f"Bearer {params['token']}"
        return [len(params["token"]), params["host"]]


class SecretRules(JobDefinition):
    """Its form, ``authorize`` and ``concurrency`` look at the secret."""

    class Params(forms.Form):
        token = password()

        def clean_token(self):
            token = self.cleaned_data["token"]
            if "wrong" in token:
                raise forms.ValidationError(f"{token} is wrong.")
            if "broken" in token:
                raise KeyError(token)
            return token.upper()

    @classmethod
    def authorize(cls, params, *, actor, source):
        if "REFUSED" in params["token"]:
            raise forms.ValidationError(f"{params['token']} is refused.")
        if "CRASH" in params["token"]:
            raise RuntimeError(params["token"])

    @classmethod
    def concurrency(cls, params):
        token = params["token"]
        return Concurrency(key=token if "KEYED" in token else f"length-{len(token)}", at_most=1)

    @step
    def work(self, run):
        return len(run.params["token"])


class SecretOptional(JobDefinition):
    """Can do without its secret."""

    class Params(forms.Form):
        token = password(required=False)

    @step
    def work(self, run):
        return run.params["token"] or "none"


class SecretLogs(JobDefinition):
    """Writes its log to a file of its own, too, as JSON."""

    class Params(forms.Form):
        token = password()
        path = forms.CharField()

    @step
    def first(self, run):
        self._log(run)

    @step
    def second(self, run):
        self._log(run)

    def _log(self, run):
        logger = logging.getLogger("some.library")
        handler = logging.FileHandler(run.params["path"])
        handler.setFormatter(JsonFormatter())
        logger.addHandler(handler)
        logger.warning("with %s", run.params["token"])
        try:
            raise KeyError(run.params["token"])
        except KeyError:
            logger.exception("it broke")
        logger.warning("%d arguments are missing", "two")
