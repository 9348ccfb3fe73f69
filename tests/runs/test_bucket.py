"""The bucket's side of an attempt: parts in order, each read once, lives and adoption."""

import json
from dataclasses import dataclass

from argovx_lab.errors import NotFound
from argovx_lab.model.layout import Attempt
from argovx_lab.runs.bucket import AttemptReader

ATTEMPT = Attempt("bucket", "users/ada/runs/u/w.t/0-aaaaaaaa/")


@dataclass
class Meta:
    name: str
    size_bytes: int


class Bucket:
    def __init__(self):
        self.objects = {}
        self.reads = []

    def put(self, name, data, attempt=ATTEMPT):
        self.objects[attempt.folder + name] = data if isinstance(data, bytes) else json.dumps(data).encode()

    def list(self, bucket, prefix):
        return iter([Meta(n, len(d)) for n, d in sorted(self.objects.items()) if n.startswith(prefix)])

    def get(self, bucket, name, *, offset=None, length=None):
        self.reads.append(name)
        if name not in self.objects:
            raise NotFound("gone")
        return self.objects[name][offset or 0 :]


def event(method, **params):
    return json.dumps({"v": 1, "seq": 1, "at": "t", "method": method, "params": params}).encode() + b"\n"


def test_parts_are_read_once_and_in_order():
    bucket = Bucket()
    bucket.put("r0.0/events/part-00001", event("opened") + event("phase", phase="running"))
    reader = AttemptReader(bucket, ATTEMPT)
    assert reader.poll()
    assert reader.stream.phase == "running"
    bucket.put("r0.0/events/part-00002", event("closed", outcome="failed", exit_code=1))
    assert reader.poll()
    assert not reader.poll()
    assert reader.complete
    assert len([name for name in bucket.reads if "events" in name]) == 2


def test_a_success_is_complete_with_its_manifest():
    bucket = Bucket()
    bucket.put("r0.0/events/part-00001", event("closed", outcome="succeeded"))
    reader = AttemptReader(bucket, ATTEMPT)
    reader.poll()
    assert not reader.complete
    bucket.put("manifest.json", {"outputs": {}})
    reader.poll()
    assert reader.complete


def test_a_new_life_begins_a_new_stream():
    bucket = Bucket()
    bucket.put("r0.0/events/part-00001", event("metric", values={"loss": 1.0}))
    reader = AttemptReader(bucket, ATTEMPT)
    reader.poll()
    bucket.put("r0.1/events/part-00001", event("opened"))
    reader.poll()
    assert reader.stream.metrics == {}
    assert reader.stream.phase == "inputs"


def test_an_attempt_that_adopted_reads_where_the_job_writes():
    bucket = Bucket()
    second = Attempt("bucket", "users/ada/runs/u/w.t/1-bbbbbbbb/")
    bucket.put("intent.json", {"prefix": ATTEMPT.uri}, second)
    bucket.put("r0.0/events/part-00001", event("phase", phase="running"))
    bucket.put("r0.0/logs/part-00001", b"hello\n")
    reader = AttemptReader(bucket, second)
    assert reader.poll()
    assert reader.stream.phase == "running"
    assert reader.logs(0).text == "hello\n"


def test_logs_go_on_from_an_offset():
    bucket = Bucket()
    bucket.put("r0.0/logs/part-00001", b"abc")
    bucket.put("r0.0/logs/part-00002", b"def")
    reader = AttemptReader(bucket, ATTEMPT)
    first = reader.logs(0)
    assert (first.text, first.next, first.complete) == ("abcdef", 6, False)
    assert reader.logs(4).text == "ef"
    assert reader.logs(6).text == ""
    bucket.put("exit.json", {"code": 0})
    assert reader.logs(6).complete


def test_a_character_cut_in_the_middle_comes_whole_with_the_next_piece(monkeypatch):
    monkeypatch.setattr("argovx_lab.runs.bucket.LOG_CHUNK", 4)
    bucket = Bucket()
    bucket.put("r0.0/logs/part-00001", "aéö€!".encode())
    bucket.put("exit.json", {})
    reader, text, after = AttemptReader(bucket, ATTEMPT), "", 0
    for _ in range(9):
        piece = reader.logs(after)
        text, after = text + piece.text, piece.next
        if piece.complete:
            break
    assert piece.complete
    assert text == "aéö€!"


def test_a_log_that_ends_in_half_a_character_ends():
    bucket = Bucket()
    bucket.put("r0.0/logs/part-00001", "é".encode()[:1])
    reader = AttemptReader(bucket, ATTEMPT)
    assert (reader.logs(0).text, reader.logs(0).next) == ("", 0)
    bucket.put("exit.json", {})
    assert reader.logs(0).complete
    assert reader.logs(0).text == "\ufffd"


def test_the_launchers_records_are_its_own_also_when_it_adopted():
    bucket = Bucket()
    second = Attempt("bucket", "users/ada/runs/u/w.t/1-bbbbbbbb/")
    bucket.put("intent.json", {"prefix": ATTEMPT.uri}, second)
    bucket.put("exit.json", {"code": 1}, ATTEMPT)
    reader = AttemptReader(bucket, second)
    reader.poll()
    assert reader.records() == {"intent": {"prefix": ATTEMPT.uri}}
    bucket.put("exit.json", {"code": 0}, second)
    assert reader.records()["exit"] == {"code": 0}
    before = len(bucket.reads)
    reader.records()
    assert [name for name in bucket.reads[before:] if "created" not in name] == []


def test_lines_of_an_earlier_life_stay():
    bucket = Bucket()
    bucket.put("r0.0/events/part-00001", event("opened", pid=1))
    bucket.put("r0.1/events/part-00001", event("opened", pid=2))
    reader = AttemptReader(bucket, ATTEMPT)
    reader.poll()
    assert [line.text for line in reader.stream.said] == ["process 1", "process 2"]
