"""Secret parameters of ``launch``: from a question or a file, never from the command line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import closing, redirect_stderr, redirect_stdout
from unittest.mock import patch

import pytest
from django.core.management import execute_from_command_line

from jobs.models import Attempt, Job
from tests.support import ROOT, wait_for
from tests.support.stored import where
from tests.support.terminal import Terminal

pytestmark = pytest.mark.either

TOKEN = "plain-xyzzy"


def launch(*arguments, stdin=b""):
    """Exit code, output and errors of ``launch`` in this process."""
    out, code = io.StringIO(), 0
    with (
        redirect_stdout(out),
        redirect_stderr(out),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
    ):
        try:
            execute_from_command_line(["manage.py", "launch", *arguments])
        except SystemExit as ending:
            code = ending.code or 0
    return code, out.getvalue()


@pytest.mark.parametrize("given", [["--token", TOKEN], [f"--token={TOKEN}"], ["--token"]])
def test_a_secret_on_the_command_line_is_refused(database, given):
    code, said = launch("secret_digest", *given)
    assert code == 2
    assert "others can read what is on the command line" in said
    assert "--token-file PATH (- for standard input)" in said
    assert "xyzzy" not in said
    assert Job.objects.count() == 0


@pytest.mark.slow
def test_a_secret_is_read_from_a_file(database, tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\r\n")
    done = subprocess.run(
        [sys.executable, "manage.py", "launch", "secret_digest", "--token-file", str(path)],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "xyzzy" not in done.stdout
    assert Attempt.objects.get().result[0] == len(TOKEN)
    assert where("xyzzy") == []


def test_a_secret_is_read_from_standard_input(database):
    code, said = launch(
        "secret_digest", "--detach", "--token-file", "-", stdin=b"one\ntwo\nthree\n"
    )
    assert code == 0, said
    assert Job.objects.get().sealed


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (
            [],
            b"",
            "--token-file is missing. Secrets are asked for only at a terminal.",
        ),
        (["--token-file", "/nowhere/token"], b"", "--token-file /nowhere/token: No such file"),
        (["--token-file", "-"], b"", "--token: This field is required."),
        (["--token-file", "-"], b"\xff\xff\xff\xff\xff\xff", "--token: This is not text"),
        (
            ["--token-file", "-", "--pin-file", "-"],
            b"x",
            "Only one secret can be read from standard input.",
        ),
    ],
)
def test_a_secret_that_is_missing_is_named(database, arguments, stdin, says):
    code, said = launch("secretive", "--detach", *arguments, stdin=stdin)
    assert code == 2
    assert says in said
    assert Job.objects.count() == 0


def test_a_refused_secret_is_not_repeated(database):
    for token, says in ((b"wrong-xyzzy", "*** is wrong."), (b"refused-xyzzy", "*** is refused.")):
        code, said = launch("secret_rules", "--detach", "--token-file", "-", stdin=token)
        assert code == 2
        assert says in said
        assert "xyzzy" not in said.lower()


def test_the_options_say_where_a_secret_comes_from(database):
    _, said = launch("secretive", "--help")
    assert "--token-file PATH" in said
    assert "Of the user of the deployment. Secret:" in " ".join(said.split())
    _, said = launch()
    assert "secretive --host --token-file --pin-file --gate" in said


@pytest.mark.slow
def test_it_is_asked_for_at_a_terminal_and_not_shown(database):
    with closing(Terminal("launch", "secret_digest", "--detach")) as terminal:
        wait_for(lambda: "Token (not shown):" in "\n".join(terminal.lines), what="the question")
        terminal.press(f"{TOKEN}\n")
        assert terminal.process.wait(30) == 0
        assert "xyzzy" not in "\n".join(terminal.lines)
    assert Job.objects.get().sealed


@pytest.mark.slow
def test_ctrl_c_at_the_question_launches_nothing(database):
    with closing(Terminal("launch", "secret_digest")) as terminal:
        wait_for(lambda: "Token (not shown):" in "\n".join(terminal.lines), what="the question")
        terminal.press("\x03")
        terminal.process.wait(30)
        wait_for(lambda: "Nothing was launched." in "\n".join(terminal.lines), what="the answer")
    assert Job.objects.count() == 0
