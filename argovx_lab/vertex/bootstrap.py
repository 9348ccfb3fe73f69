"""The first lines that run in a job: fetch the runner, check it, hand over to it.

Owns the text behind ``python3 -c``. Standard library, Python 3.7 syntax, no token in arguments or
environment: the job's own account is asked through the metadata server. Refuses redirects and bytes with
another digest.

Notes
-----
Vertex expands dollar signs with parentheses in commands, so the text contains none. ``GCE_METADATA_HOST`` may
carry a path. Source: ``google.cloud.aiplatform.v1.ContainerSpec``; google-auth reads the same variable.
"""

from __future__ import annotations

#: Exit codes of the bootstrap itself, by its own words on stderr.
EXIT_NO_TOKEN = 120
EXIT_NO_RUNNER = 121
EXIT_BAD_RUNNER = 122

BOOTSTRAP = """\
import hashlib, json, os, sys, tempfile, time, urllib.error, urllib.parse, urllib.request

def stop(code, text):
    sys.stderr.write("argovx: " + text + "\\n")
    sys.exit(code)

class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None

def fetch(opener, url, headers, code, what):
    for pause in (0.2, 1, 3, 8, None):
        try:
            with opener.open(urllib.request.Request(url, headers=headers), timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            problem, final = "answered %d" % error.code, error.code not in (408, 429, 500, 502, 503, 504)
        except (OSError, ValueError) as error:
            problem, final = "cannot be reached (%s)" % type(error).__name__, False
        if final or pause is None:
            stop(code, "%s %s" % (what, problem))
        time.sleep(pause)

def main():
    runner, digest, intent, intent_digest = sys.argv[1:5]
    host = os.environ.get("GCE_METADATA_HOST") or "metadata.google.internal"
    url = "http://%s/computeMetadata/v1/instance/service-accounts/default/token" % host.rstrip("/")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)
    token = json.loads(fetch(direct, url, {"Metadata-Flavor": "Google"}, 120, "the metadata server"))
    bucket, _, name = runner[len("gs://"):].partition("/")
    url = "https://storage.googleapis.com/storage/v1/b/%s/o/%s?alt=media" % (
        urllib.parse.quote(bucket, safe=""), urllib.parse.quote(name, safe=""))
    headers = {"Authorization": "Bearer " + token["access_token"]}
    data = fetch(urllib.request.build_opener(Stay), url, headers, 121, "the bucket, asked for the runner,")
    if hashlib.sha256(data).hexdigest() != digest:
        stop(122, "the runner does not have the digest that the step names")
    path = os.path.join(tempfile.mkdtemp(prefix="argovx-"), "runner.pyz")
    with open(path, "wb") as file:
        file.write(data)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, path, "--intent", intent, "--intent-sha256", intent_digest])

main()
"""
