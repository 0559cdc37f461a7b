"""The page's script and style: published code is unchanged, ours is small, versions never mix."""

from __future__ import annotations

import hashlib
import re
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
IN_MODULES = re.compile(r"(import|export)\b")  # what only a module may have


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


def test_the_boot_module_imports_all_others_and_these_import_nothing():
    boot = (STATIC / assets.BOOT).read_text()
    assert sorted(re.findall(r'^import .* from "\./(.*)";$', boot, re.MULTILINE)) == sorted(
        assets.MODULES
    )
    assert set(assets.MODULES) | {assets.BOOT} == {
        str(path.relative_to(STATIC)) for path in (*OURS, *VENDOR.glob("*.js"))
    }
    for name in assets.MODULES:
        assert not re.search(r"^import\b|\bimport\(", (STATIC / name).read_text(), re.MULTILINE)


def test_the_script_is_every_module_without_imports_and_exports():
    script = assets.script()
    for path in (*OURS, *VENDOR.glob("*.js")):
        lines = [line.removeprefix("export class") for line in path.read_text().splitlines()]
        assert all(line in script for line in lines if not IN_MODULES.match(line))
    assert not [line for line in script.splitlines() if IN_MODULES.match(line)]


def test_the_script_is_kept_for_ever_by_its_version_and_by_no_other(client):
    address = live_scripts()["address"]
    kept, other = client.get(address), client.get("/live-0123456789ab.js")
    assert address == f"/live-{assets.version()}.js"
    assert kept.text == other.text == assets.script()
    assert kept["Content-Type"].startswith("text/javascript")
    assert "immutable" in kept["Cache-Control"]
    assert "no-store" in other["Cache-Control"]
    assert client.post(address).status_code == 405


@pytest.mark.parametrize("name", [*(path.name for path in OURS), *assets.STYLES])
def test_another_content_of_any_file_is_another_version(monkeypatch, tmp_path, name):
    before = assets.version()  # which is remembered: not while another file is found
    changed = tmp_path / name
    changed.write_bytes((STATIC / name).read_bytes() + b"\n")
    find = assets.finders.find
    monkeypatch.setattr(
        assets.finders,
        "find",
        lambda path: str(changed) if path == f"truestep/{name}" else find(path),
    )
    assert assets.version.__wrapped__() != before


@pytest.mark.parametrize("storage", STORAGES)
def test_every_rendered_address_is_a_collected_file(settings, tmp_path, storage):
    settings.STATIC_ROOT = str(tmp_path)
    backend = f"{storage.__module__}.{storage.__qualname__}"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}
    call_command("collectstatic", interactive=False, verbosity=0)
    for each in map(assets.address, assets.STYLES):
        name = urlsplit(each).path.removeprefix(settings.STATIC_URL)
        assert re.search(r"\.[0-9a-f]{12}\.css$", name)
        assert (tmp_path / name).exists()
