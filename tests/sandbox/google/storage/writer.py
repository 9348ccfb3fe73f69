"""Creates objects with the vendor's client, one per line of its input: ``writer.py PORT TOKEN WHO``.

Answers each line with ``created`` or ``412``.
"""

import hashlib
import sys

from google.api_core.exceptions import PreconditionFailed
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY
from google.oauth2.credentials import Credentials

port, token, who = sys.argv[1:]
client = storage.Client(
    project="argovx-sandbox",
    credentials=Credentials(token),
    client_options={"api_endpoint": f"http://127.0.0.1:{port}"},
)
bucket = client.bucket("lab-bucket")
patient = DEFAULT_RETRY.with_delay(initial=0.02, maximum=0.1)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


say("ready")
for line in sys.stdin:
    name = line.strip()
    data = hashlib.sha256(f"{name}/{who}".encode()).digest() * 2000
    try:
        bucket.blob(name).upload_from_string(data, if_generation_match=0, retry=patient)
    except PreconditionFailed:
        say("412")
    else:
        say("created")
client.close()
