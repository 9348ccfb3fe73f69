"""*Who am I* in the panel: three rows, asked at both ends, and no token in the page."""

import re


def test_the_panel_says_who_acts_in_three_rows(page, lab, sandbox):
    page.evaluate("() => void window.jupyterapp.commands.execute('argovx:who-am-i')")
    dialog = page.locator(".jp-Dialog .jp-argovx-identity")
    dialog.wait_for()
    assert dialog.locator("dt").all_inner_texts() == ["Submitter", "Run as", "Steps"]
    submitter, run_as, steps = dialog.locator("dd").all_inner_texts()
    profile = sandbox.profile
    assert submitter.splitlines()[:2] == ["ada", "system:serviceaccount:argovx:nb-ada"]
    assert re.search(r"at Google principal://\S+/subject/system:serviceaccount:argovx:nb-ada\n", submitter)
    assert submitter.endswith("by projected ServiceAccount token, STS")
    assert run_as == profile.run_as
    assert f"write gs://{profile.bucket}/users/ada/" in steps
    minutes = re.search(r"token good for (\d+) min", steps)
    assert minutes
    assert 50 <= int(minutes.group(1)) <= 60
    assert not re.search(r"eyJ[\w-]+\.eyJ|avx1\.|ya29\.", page.content())
