"""The page's script and style: published code is unchanged, ours is small, versions never mix."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

from jobs import assets
from jobs.templatetags.truestep import live_scripts
from tests.support import ROOT

STATIC = ROOT / "jobs" / "static" / "truestep"
VENDOR = STATIC / "vendor"
SUMS = dict(reversed(line.split()) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
OURS = sorted(STATIC.glob("*.js"))
IMPORT = re.compile(r"^\s*(?:import|export)\b.*\bfrom\b|\bimport\b\s*[\"'(].*", re.MULTILINE)


class Aggregating(ManifestStaticFilesStorage):
    """As a project may set it: Django then rewrites the imports of modules."""

    support_js_module_import_aggregation = True


class OnlyHashed(CompressedManifestStaticFilesStorage):
    """As a project may set it: no file keeps its plain name."""

    keep_only_hashed_files = True


STORAGES = [ManifestStaticFilesStorage, Aggregating, OnlyHashed]


@pytest.mark.parametrize("name", [path.name for path in VENDOR.glob("*.js")])
def test_vendored_script_is_unchanged_and_has_its_licence(name):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == SUMS[name]
    assert (VENDOR / name.replace(".esm.js", ".LICENSE")).exists()


@pytest.mark.parametrize("name", [*(path.name for path in OURS), *assets.STYLES])
def test_a_script_or_style_is_short_enough_to_read(name):
    lines = (STATIC / name).read_text().splitlines()
    assert len(lines) <= 300
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("module", OURS, ids=lambda path: path.name)
def test_a_module_has_no_global_state(module):
    lines = module.read_text().splitlines()
    assert not [line for line in lines if re.match(r"(export )?(let|var)\b", line)]


@pytest.mark.parametrize("module", OURS, ids=lambda path: path.name)
def test_only_the_boot_module_imports_and_only_from_rendered_addresses(module):
    imports = IMPORT.findall(module.read_text())
    assert len(imports) == (module.name == assets.BOOT)
    assert all("import(link.href)" in each for each in imports)


def test_every_module_is_known_and_has_the_version_in_its_address():
    scripts = live_scripts()
    rendered = [*scripts["modules"], scripts["boot"]]
    assert {Path(urlsplit(each).path).name for each in rendered} == {
        path.name for path in (*OURS, *VENDOR.glob("*.js"))
    }
    assert {urlsplit(each).query for each in rendered} == {f"v={assets.version()}"}


@pytest.mark.parametrize("name", [*(path.name for path in OURS), *assets.STYLES])
def test_another_content_of_any_file_is_another_version(monkeypatch, tmp_path, name):
    changed = tmp_path / name
    changed.write_bytes((STATIC / name).read_bytes() + b"\n")
    find = assets.finders.find
    monkeypatch.setattr(
        assets.finders,
        "find",
        lambda path: str(changed) if path == f"truestep/{name}" else find(path),
    )
    assert assets.version.__wrapped__() != assets.version()


@pytest.mark.parametrize("storage", STORAGES)
def test_every_rendered_address_is_a_collected_file(settings, tmp_path, storage):
    settings.STATIC_ROOT = str(tmp_path)
    backend = f"{storage.__module__}.{storage.__qualname__}"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}
    call_command("collectstatic", interactive=False, verbosity=0)
    scripts = live_scripts()
    for each in (*scripts["modules"], scripts["boot"], *map(assets.address, assets.STYLES)):
        name = urlsplit(each).path.removeprefix(settings.STATIC_URL)
        assert re.search(r"\.[0-9a-f]{12}\.(js|css)$", name)
        assert (tmp_path / name).exists()
