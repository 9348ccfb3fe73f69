"""One version number, and files that name no host of ours."""

import json
import re
import subprocess

import argovx_lab


def test_the_package_and_the_panel_have_one_version(pytestconfig):
    package = json.loads((pytestconfig.rootpath / "labextension" / "package.json").read_text())
    assert package["version"] == argovx_lab.__version__


def test_the_lock_files_name_no_host(pytestconfig):
    for name in ("requirements.lock", "labextension/yarn.lock"):
        assert not re.search(r"https?://", (pytestconfig.rootpath / name).read_text()), name


def test_ci_runs_the_readmes_command(pytestconfig):
    assert "\nmake test\n" in (pytestconfig.rootpath / ".ci" / "run").read_text()
    assert "make test" in (pytestconfig.rootpath / "README.md").read_text()


def test_every_make_target_says_what_it_does(pytestconfig):
    done = subprocess.run(
        ["make", "help"], cwd=pytestconfig.rootpath, capture_output=True, text=True, check=True
    )
    for target in ("setup", "demo", "lab", "test", "check"):
        assert re.search(rf"^{target}\s+\S", done.stdout, re.MULTILINE), target


def test_links_of_the_documents_lead_somewhere(pytestconfig):
    root = pytestconfig.rootpath
    pages = [*root.glob("*.md"), *(root / "docs").glob("*.md")]
    missing = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists()
    ]
    assert missing == []
