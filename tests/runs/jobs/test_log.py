"""A job's log out of Cloud Logging: whole, in order, bounded, whatever order entries come in."""

from argovx_lab.runs.bucket import LOG_CHUNK
from argovx_lab.runs.jobs import log
from argovx_lab.runs.jobs.log import JobLog


def entry(second, text, mark="", task="workerpool0-0"):
    return {
        "timestamp": f"2026-11-24T08:{second // 60:02d}:{second % 60:02d}.5Z",
        "insertId": mark or f"m{second}",
        "jsonPayload": {"message": text},
        "resource": {"labels": {"task_name": task}},
    }


class Logging:
    """Entries in memory, in pages of two; as Logging does, it leaves out what is older than asked for."""

    def __init__(self, *entries, size=2):
        self.entries = list(entries)
        self.size = size
        self.asked = []

    def of_job(self, job_id, since="", token=""):
        self.asked.append((since, token))
        fit = [item for item in self.entries if item["timestamp"] >= since]
        start = int(token or 0)
        more = str(start + self.size) if start + self.size < len(fit) else ""
        return fit[start : start + self.size], more


def whole(job_log, logging, *, ended=True):
    text, place = "", 0
    while True:
        piece = job_log.read(logging, place, ended=ended)
        text, place = text + piece.text, piece.next
        if piece.complete or not piece.text:
            return text, piece


def test_all_pages_are_read_and_the_end_is_said():
    logging = Logging(*[entry(n, f"line {n}") for n in range(25)])
    text, piece = whole(JobLog("7", 0.0), logging)
    assert text.splitlines() == [f"line {n}" for n in range(25)]
    assert piece.complete
    asked = len(logging.asked)
    whole(job_log := JobLog("7", 0.0), logging)
    assert len(logging.asked) == 2 * asked
    whole(job_log, logging)
    assert len(logging.asked) == 2 * asked  # what is complete is not asked for again


def test_nothing_is_asked_again_before_its_time():
    logging = Logging(entry(1, "one"))
    job_log = JobLog("7", 3600.0)
    assert whole(job_log, logging, ended=False)[0] == "one\n"
    assert whole(job_log, logging, ended=False)[0] == "one\n"
    assert len(logging.asked) == 1


def test_entries_that_come_late_are_taken_once():
    logging = Logging(entry(30, "thirty"), size=100)
    job_log = JobLog("7", 0.0)
    assert job_log.read(logging, 0, ended=False).text == "thirty\n"
    logging.entries.insert(0, entry(25, "late"))
    logging.entries.append(entry(30, "same moment", mark="other"))
    piece = job_log.read(logging, 7, ended=False)
    assert piece.text == "late\nsame moment\n"
    assert not piece.complete
    assert job_log.read(logging, piece.next, ended=False).text == ""


def test_a_look_that_is_not_over_goes_on_where_it_was():
    logging = Logging(*[entry(1, f"line {n}", mark=f"m{n}") for n in range(30)])
    job_log = JobLog("7", 3600.0)
    assert len(job_log.read(logging, 0, ended=True).text.splitlines()) == 2 * log.PAGES_MAX
    text, piece = whole(job_log, logging)
    assert len(text.splitlines()) == 30
    assert piece.complete


def test_a_log_without_end_is_cut_and_that_is_said(monkeypatch):
    monkeypatch.setattr(log, "LOG_MAX", 100)
    text, piece = whole(JobLog("7", 0.0), Logging(*[entry(n, "x" * 29) for n in range(9)]))
    assert len(text) == 90
    assert (piece.complete, piece.truncated) == (True, True)


def test_a_character_is_never_cut():
    lines = [entry(n, "é" * 10_000) for n in range(40)]  # each two bytes, and a line an odd number
    text, piece = whole(JobLog("7", 0.0), Logging(*lines, size=100))
    assert 2 * LOG_CHUNK < 40 * 20_001
    assert text == 40 * ("é" * 10_000 + "\n")
    assert piece.complete


def test_machines_are_named_and_odd_entries_are_shown():
    logging = Logging(
        entry(1, "first"),
        entry(2, "second", task="workerpool1-0"),
        {"timestamp": "no time", "insertId": "a", "textPayload": "text"},
        {"insertId": "b", "jsonPayload": {"loss": 1}},
        {"timestamp": "2026-11-24T08:00:03Z", "insertId": "c"},
        size=9,
    )
    logging.of_job = lambda *_: (logging.entries, "")
    text, _ = whole(JobLog("7", 0.0), logging)
    assert text.splitlines() == ["first", "[workerpool1-0] second", "text", '{"loss": 1}', ""]
