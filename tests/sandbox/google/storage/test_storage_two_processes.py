"""Two processes with the vendor's client create the same objects: exactly one wins, also across a kill -9."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def writers(server):
    command = [sys.executable, str(Path(__file__).with_name("writer.py")), str(server.port), server.token]
    made = [
        subprocess.Popen([*command, who], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for who in ("a", "b")
    ]
    assert [writer.stdout.readline() for writer in made] == ["ready\n"] * 2
    yield made
    for writer in made:
        writer.kill()
        writer.communicate()


def ask(writers, name):
    for writer in writers:
        writer.stdin.write(f"{name}\n")
        writer.stdin.flush()


def answers(writers):
    return [writer.stdout.readline().strip() for writer in writers]


def content(name, who):
    return hashlib.sha256(f"{name}/{who}".encode()).digest() * 2000


def test_exactly_one_of_two_processes_wins(writers, vendor):
    winners = set()
    for number in range(60):
        ask(writers, f"o{number}")
        found = answers(writers)
        assert sorted(found) == ["412", "created"], number
        winner = "ab"[found.index("created")]
        winners.add(winner)
        name = f"o{number}"
        assert vendor.bucket("lab-bucket").blob(name).download_as_bytes() == content(name, winner)


def test_exactly_one_wins_across_a_kill(server, writers, vendor):
    dice = random.Random(7)
    for number in range(8):
        name = f"k{number}"
        ask(writers, name)
        time.sleep(dice.random() * 0.012)  # anywhere within the two requests
        server.kill()
        server.start()
        found = answers(writers)
        # the client sends again what was lost: who won and did not hear it is told 412
        assert found.count("created") <= 1, found
        data = vendor.bucket("lab-bucket").blob(name).download_as_bytes()
        assert data in [content(name, who) for who in "ab"]
        if "created" in found:
            assert data == content(name, "ab"[found.index("created")])
    assert len(list(vendor.list_blobs("lab-bucket"))) == 8
