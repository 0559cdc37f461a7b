"""What a fresh checkout lacks: a login for development and, in an empty history, a first job."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
USER = "admin"


def main() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    print(f"Login: {USER} {working_password()}", flush=True)
    launch_first_job()


def working_password() -> str:
    """The password in var/login; after this call the user exists and has it."""
    from django.contrib.auth import get_user_model

    file = ROOT / "var" / "login"
    if not file.exists() or not file.read_text():
        file.parent.mkdir(exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(12))
    password = file.read_text()
    users = get_user_model().objects
    user = users.filter(username=USER).first()
    if user is None:
        users.create_superuser(USER, password=password)
    elif not user.check_password(password):
        user.set_password(password)
        user.save()
    return password


def launch_first_job() -> None:
    """A report on this checkout, unless the history has a job already."""
    from django.core.management import CommandError, call_command

    from jobs.models import Job

    if Job.objects.exists():
        return
    try:
        with open(os.devnull, "w") as nowhere:  # it prints the id
            call_command(
                "launch", "repository_report", "--path", str(ROOT), "--detach", stdout=nowhere
            )
    except CommandError as error:
        print(f"There is no first job: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
