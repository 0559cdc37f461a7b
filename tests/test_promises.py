"""Promises about the source itself."""

import ast
import re

import pytest

from jobs.statuses import Status
from tests.support import ROOT
from tests.support.sources import SOURCES

CSS = (ROOT / "jobs" / "static" / "truestep" / "live.css").read_text()
MODELS = {"Job", "Step"}
WRITES = {"update", "bulk_update", "create", "bulk_create", "get_or_create", "update_or_create"}


def status_writes(source, of_self=False):
    """Lines of *source* that would write a status of a row; in a model also ``self.status``."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Assign(targets=targets):
                pass
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target, value=ast.expr()):
                targets = [target]
            case ast.Call(func=ast.Attribute(attr=name), keywords=keywords) if name in WRITES:
                if any(keyword.arg == "status" for keyword in keywords):
                    yield node.lineno
                continue
            case ast.Call(func=ast.Name(id=name), keywords=keywords) if name in MODELS:
                if any(keyword.arg == "status" for keyword in keywords):
                    yield node.lineno
                continue
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant("status"), *_]):
                yield node.lineno
                continue
            case ast.Constant(value=str(text)) if re.search(
                r"(?i)\bUPDATE\s+truestep_(job|step)\b", text
            ):
                yield node.lineno
                continue
            case _:
                continue
        written = [target for target in targets if isinstance(target, ast.Attribute)]
        if any(t.attr == "status" and (of_self or ast.unparse(t.value) != "self") for t in written):
            yield node.lineno


def test_only_the_journal_writes_a_status():
    writers = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(status_writes(path.read_text(), of_self=path.parent.name == "models"))
    }
    assert writers == {"jobs/journal/draft.py", "jobs/journal/statements.py"}


@pytest.mark.parametrize(
    "line",
    [
        "step.status = 'failed'",
        "self.job.status = new",
        "Job.objects.update(status=new)",
        "Step.objects.filter(pk=1).update(seq=2, status=new)",
        "Job.objects.create(status=new)",
        "Step(job=job, status=new)",
        "setattr(step, 'status', new)",
        "cursor.execute('UPDATE truestep_step SET seq = 1, status = %s')",
    ],
)
def test_a_planted_write_is_found(line):
    assert list(status_writes(line)) == [1]


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_tone_and_its_sign(status):
    rule = re.search(rf'^\[data-status="{status}"\] {{(.*)}}$', CSS, re.MULTILINE)
    assert rule
    assert re.search(rf"--tone: var\(--{status}\)", rule[1])
    assert re.search(r'--sign: "."', rule[1])
    assert re.search(rf"--{status}:", CSS)


def test_no_two_statuses_look_alike():
    rules = re.findall(r'^\[data-status="\w+"\] { (.*) }$', CSS, re.MULTILINE)
    assert len(rules) == len(set(rules)) == len(Status)


TEMPLATES = sorted(
    path for folder in ("jobs/templates", "templates") for path in (ROOT / folder).rglob("*.html")
)


@pytest.mark.parametrize("template", TEMPLATES, ids=str)
def test_a_template_is_readable_and_holds_no_script_or_style(template):
    """The content security policy would refuse them; and no fragment asks who is looking."""
    text = template.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\son\w+=", text)
    assert max(map(len, text.splitlines())) <= 120
    if template.name.startswith("_"):
        assert not re.search(r"csrf_token|\bonce %}|\bperms\b|request\.|user\.| can %}", text)
