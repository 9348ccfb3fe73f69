"""Garbage over both transports: an answer with a reason, never a crash."""

from __future__ import annotations

import asyncio
import json
import os
import random

import pytest

from argovx_lab.sandbox.google import messages, rpc

PARENT = "projects/sandbox-lab/locations/us-central1"
JUNK = [
    *(None, True, -1, 0, 1.5, 10**30, "", "x", "∞", "-1s", "NaN", "projects/-/locations/-", "a" * 5000),
    *([], {}, [[]], {"a": {"b": [None]}}, "2026-13-45T00:00:00Z", "\u0000", PARENT, "gs://x", 2**63),
]
NAMES = [
    *("", PARENT, f"{PARENT}/customJobs/1", f"{PARENT}/metadataStores/default", "projects/sandbox-lab", "//"),
    *(f"{PARENT}/metadataStores/default/contexts/a|b", f"{PARENT}/operations/99999999999999999999", "x/../y"),
    *(
        f"{PARENT}/tensorboards/1",
        f"{PARENT}/metadataStores/default/artifacts/zzzz",
        "projects/sandbox-lab/\n",
    ),
]
#: 450 requests each.
SEEDS = range(int(os.environ.get("ARGOVX_TEST_SEEDS", "5")))
FINE = {*range(10), 11, 12, 16}


def mutate(random_, value, depth=0):
    """Return a JSON value with something wrong in it."""
    if isinstance(value, dict) and value and depth < 6 and random_.random() < 0.9:
        key = random_.choice(sorted(value))
        changed = {**value, key: mutate(random_, value[key], depth + 1)}
        if random_.random() < 0.2:
            changed.pop(key)
        if random_.random() < 0.1:
            changed["unknownField"] = random_.choice(JUNK)
        return changed
    if isinstance(value, list) and value and random_.random() < 0.8:
        return [mutate(random_, value[0], depth + 1), *value[1:]]
    return random_.choice(JUNK)


def filled(random_, descriptor, depth=0):
    """Return a message of random fields."""
    message = messages.message_class(descriptor.full_name)()
    for field in descriptor.fields:
        if random_.random() < 0.4 or depth > 3:
            continue
        repeated = field.is_repeated
        if field.message_type is not None:
            if field.message_type.GetOptions().map_entry or field.message_type.full_name.startswith(
                "google.protobuf"
            ):
                continue
            inner = filled(random_, field.message_type, depth + 1)
            target = getattr(message, field.name)
            if repeated:
                target.add().CopyFrom(inner)
            else:
                target.CopyFrom(inner)
            continue
        value = {
            field.CPPTYPE_STRING: random_.choice([*NAMES, "filter=1 AND", "x"]),
            field.CPPTYPE_BOOL: True,
            field.CPPTYPE_ENUM: random_.choice([0, 1, 99]),
            field.CPPTYPE_DOUBLE: float("nan"),
            field.CPPTYPE_FLOAT: float("inf"),
        }.get(field.cpp_type, random_.choice([0, 1, 2**31 - 1]))
        if field.type == field.TYPE_BYTES:
            value = b"\xff\x00"
        if repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    return message


@pytest.mark.parametrize("seed", SEEDS)
def test_rest(lab, make_job, seed):
    random_ = random.Random(seed)

    async def work():
        token = lab.token()
        for _ in range(150):
            body = mutate(random_, json.loads(json.dumps(make_job())))
            path = random_.choice(
                [
                    f"/v1/{PARENT}/customJobs",
                    f"/v1/{PARENT}/metadataStores/default/contexts",
                    f"/v1/{PARENT}/metadataStores",
                    *("/v2/entries:list", "/v2/entries:write", "/v3/projects/sandbox-lab:setIamPolicy"),
                    *("/v3/projects/sandbox-lab/timeSeries", "/v1/projects/sandbox-lab/serviceAccounts"),
                    f"/v1/{PARENT}/persistentResources",
                    f"/v1/{PARENT}/tensorboards",
                    f"/v1/{random_.choice(NAMES)}",
                ]
            )
            query = {random_.choice(["filter", "pageSize", "readMask", "contextId"]): random_.choice(JUNK)}
            answer = await lab.send(
                random_.choice(["POST", "GET", "PATCH", "DELETE"]), path, body, query, token=token
            )
            assert answer.status < 500 or answer.status == 501, (path, body, query, answer.body)
            if answer.status != 200:
                assert answer.error["message"]

    asyncio.run(work())


@pytest.mark.parametrize("seed", SEEDS)
def test_grpc(lab, seed):
    random_ = random.Random(seed)
    table = rpc.table()
    paths = [f"/{name.rpartition('.')[0]}/{name.rpartition('.')[2]}" for name in lab.server.gateway.served()]
    headers = {"content-type": "application/grpc"}

    async def work():
        token = lab.token()
        await lab.send("POST", f"/v1/{PARENT}/metadataStores", {}, token=token)
        for _ in range(300):
            path = random_.choice(paths)
            method = table.by_path(path)
            assert method is not None
            data = filled(random_, messages.message_class(method.request).DESCRIPTOR).SerializeToString()
            if random_.random() < 0.2:
                data = bytes(random_.randrange(256) for _ in range(random_.randrange(60)))
            frame = b"\0" + len(data).to_bytes(4, "big") + data
            answer = await lab.send("POST", path, frame, token=token, headers=headers)
            assert int(answer.trailers["grpc-status"]) in FINE, (path, answer.trailers)

    asyncio.run(work())
