"""Plain pods: statuses, environment, volumes, tokens, deletion, deadlines, restarts of the node."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import signal
from functools import partial

import pytest

from argovx_lab.sandbox.kubernetes.interface import CONFIG_MAPS, PODS, SECRETS, ApiError
from argovx_lab.sandbox.pods import status


def phase(pod):
    return (pod.get("status") or {}).get("phase", "")


def states(pod):
    return {entry["name"]: entry["state"] for entry in pod["status"]["containerStatuses"]}


async def absent(folder):
    return not folder.exists()


async def living(cluster):
    return cluster.node.live()


def condition(pod, name):
    return next(c["status"] for c in pod["status"]["conditions"] if c["type"] == name)


def test_a_pod_runs_and_succeeds_with_a_kubelets_status(play):
    async def scenario(cluster):
        await cluster.plain("echo up; while [ ! -e /tmp/go ]; do sleep 0.01; done")
        pod = await cluster.until(lambda pod: phase(pod) == "Running")
        assert pod["spec"]["nodeName"] == "this-machine"
        assert "startedAt" in states(pod)["c"]["running"]
        assert [condition(pod, name) for name in ("PodScheduled", "Initialized", "Ready")] == ["True"] * 3
        group = cluster.node._lives[pod["metadata"]["uid"]].groups()[0]
        group.host_path("/tmp/go").touch()
        pod = await cluster.over()
        done = states(pod)["c"]["terminated"]
        assert (phase(pod), done["exitCode"], done["reason"]) == ("Succeeded", 0, "Completed")
        assert condition(pod, "Ready") == "False"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", done["finishedAt"])
        assert await cluster.log() == b"up\n"

    play(scenario)


def test_init_containers_run_first_and_in_order(play):
    async def scenario(cluster):
        share = {"volumes": [{"name": "v", "emptyDir": {}}]}
        mount = {"volumeMounts": [{"name": "v", "mountPath": "/shared"}]}
        inits = [
            {"name": n, "image": "busybox", "command": ["sh", "-c", f"echo {n} >> /shared/x"], **mount}
            for n in "ab"
        ]
        await cluster.plain("cat /shared/x", initContainers=inits, container=mount, **share)
        assert phase(await cluster.over()) == "Succeeded"
        assert await cluster.log(container="c") == b"a\nb\n"

    play(scenario)


def test_a_failing_init_container_ends_the_pod(play):
    async def scenario(cluster):
        inits = [{"name": "a", "image": "busybox", "command": ["false"]}]
        await cluster.plain("echo never", initContainers=inits)
        pod = await cluster.over()
        assert phase(pod) == "Failed"
        assert states(pod)["c"] == {"waiting": {"reason": "PodInitializing"}}
        with pytest.raises(ApiError, match="waiting to start"):
            await cluster.log(container="c")

    play(scenario)


def test_the_environment_comes_from_everywhere(play):
    async def scenario(cluster):
        await cluster.create(CONFIG_MAPS, "ConfigMap", "cm", data={"A": "a", "B": "b"})
        await cluster.create(SECRETS, "Secret", "s", data={"K": "c2VjcmV0"})
        env = [
            {"name": "PLAIN", "value": "p"},
            {"name": "BUILT", "value": "$(PLAIN)-$(A)-$$(PLAIN)-$(NONE)"},
            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "ACCOUNT", "valueFrom": {"fieldRef": {"fieldPath": "spec.serviceAccountName"}}},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "B"}}},
            {"name": "K", "valueFrom": {"secretKeyRef": {"name": "s", "key": "K"}}},
            {"name": "O", "valueFrom": {"secretKeyRef": {"name": "no", "key": "K", "optional": True}}},
        ]
        container = {
            "env": env,
            "envFrom": [{"configMapRef": {"name": "cm"}, "prefix": "X_"}, {"configMapRef": {"name": "cm"}}],
        }
        await cluster.plain("env; echo $0", container={**container, "args": ["$(PLAIN)"]})
        await cluster.over()
        lines = (await cluster.log()).decode().splitlines()
        found = dict(line.split("=", 1) for line in lines if "=" in line)
        wanted = {
            "PLAIN": "p",
            "BUILT": "p-a-$(PLAIN)-$(NONE)",
            "NAME": "p",
            "ACCOUNT": "wf",
            "NODE": "this-machine",
            "B": "b",
            "K": "secret",
            "X_A": "a",
            "HOSTNAME": "p",
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": "6443",
        }
        assert {name: found.get(name) for name in wanted} == wanted
        assert "O" not in found
        assert lines[-1] == "p"

    play(scenario)


def test_volumes_are_what_they_say(play):
    async def scenario(cluster):
        await cluster.create(CONFIG_MAPS, "ConfigMap", "cm", data={"A": "a", "B": "b"})
        await cluster.create(SECRETS, "Secret", "s", data={"K": "c2VjcmV0"})
        items = [{"key": "A", "path": "deep/a", "mode": 0o755}]
        down = {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}
        volumes = [
            {"name": "cm", "configMap": {"name": "cm", "items": items}},
            {"name": "s", "secret": {"secretName": "s"}},
            {"name": "d", "downwardAPI": down},
            {"name": "e", "emptyDir": {}},
        ]
        mounts = [
            {"name": "cm", "mountPath": "/cm", "readOnly": True},
            {"name": "s", "mountPath": "/s"},
            {"name": "d", "mountPath": "/d"},
            {"name": "e", "mountPath": "/e", "subPath": "sub"},
        ]
        line = (
            "cat /cm/deep/a /s/K /d/name; [ -x /cm/deep/a ] && echo x; ls /cm; echo y > /e/y; echo n > /cm/n"
        )
        await cluster.plain(line, volumes=volumes, container={"volumeMounts": mounts})
        pod = await cluster.over()
        assert states(pod)["c"]["terminated"]["exitCode"] != 0, "the last write goes to a read-only volume"
        assert (await cluster.log()).startswith(b"asecretpx\ndeep\n")

    play(scenario)


def test_projected_tokens_have_their_audience_and_die_with_the_pod(play):
    async def scenario(cluster):
        token = {"serviceAccountToken": {"path": "token", "audience": "sts", "expirationSeconds": 700}}
        volumes = [{"name": "t", "projected": {"sources": [token]}}]
        mounts = [{"name": "t", "mountPath": "/var/run/x"}]
        line = "cat /var/run/x/token; echo; cd /var/run/secrets/kubernetes.io/serviceaccount;"
        line += "cat token; echo; cat ca.crt; echo; cat namespace"
        await cluster.plain(line, volumes=volumes, container={"volumeMounts": mounts})
        await cluster.over()
        sts, api, ca, namespace = (await cluster.log()).decode().splitlines()
        assert (ca, namespace) == ("the authority", "default")
        claims = cluster.issuer.verify(sts, ["sts"])
        assert claims["sub"] == "system:serviceaccount:default:wf"
        assert claims["kubernetes.io"]["pod"]["name"] == "p"
        assert 600 < claims["exp"] - claims["iat"] <= 700
        assert cluster.issuer.verify(api)["kubernetes.io"]["pod"]["name"] == "p"

    play(scenario)


def test_no_token_or_secret_of_a_pod_that_has_ended_is_left(play):
    async def scenario(cluster):
        await cluster.create(SECRETS, "Secret", "s", data={"k": base64.b64encode(b"asecret").decode()})
        volumes = [{"name": "s", "secret": {"secretName": "s"}}, {"name": "e", "emptyDir": {}}]
        mounts = [{"name": "s", "mountPath": "/s"}, {"name": "e", "mountPath": "/e"}]
        line = "cat /s/k; cat /var/run/secrets/kubernetes.io/serviceaccount/token > /dev/null; echo x > /e/x"
        await cluster.plain(line, volumes=volumes, container={"volumeMounts": mounts})
        assert phase(await cluster.over()) == "Succeeded"
        folder = cluster.folder / "pods" / (await cluster.pod())["metadata"]["uid"] / "volumes"
        assert [path.name for path in folder.rglob("*") if path.is_file()] == ["x"]
        assert await cluster.log() == b"asecret"
        # what a server left that was killed at that moment goes when the next one sees the pod
        await cluster.stop()
        (folder / "s").mkdir()
        (folder / "s" / "k").write_text("left")
        cluster.start()
        await cluster.wait(partial(absent, folder / "s"))

    play(scenario)


def test_tokens_are_renewed_before_they_expire(play, monkeypatch):
    monkeypatch.setattr("argovx_lab.sandbox.pods.life.RENEW_EVERY_S", 0.02)
    monkeypatch.setattr("argovx_lab.sandbox.pods.volumes.RENEW_AFTER", 0.0)

    async def scenario(cluster):
        line = "t=/var/run/secrets/kubernetes.io/serviceaccount/token; a=$(cat $t);"
        line += 'while [ "$a" = "$(cat $t)" ]; do sleep 0.01; done'
        await cluster.plain(line)
        assert phase(await cluster.over()) == "Succeeded"

    play(scenario)


@pytest.mark.parametrize(
    ("spec", "reason", "said"),
    [
        (
            {"container": {"image": "quay.io/acme/secret:1"}},
            "ImagePullBackOff",
            '"quay.io/acme/secret:1".*settings.toml',
        ),
        (
            {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]},
            "CreateContainerConfigError",
            "hostPath is not emulated",
        ),
        (
            {"volumes": [{"name": "c", "configMap": {"name": "no"}}]},
            "CreateContainerConfigError",
            '"no" not found',
        ),
        ({"container": {"livenessProbe": {"exec": {}}}}, "CreateContainerConfigError", "c.livenessProbe"),
        ({"restartPolicy": "Always"}, "CreateContainerConfigError", "restartPolicy Always"),
        (
            {"container": {"securityContext": {"privileged": True}}},
            "CreateContainerConfigError",
            "privileged",
        ),
    ],
)
def test_what_cannot_start_waits_with_its_reason(play, spec, reason, said):
    async def scenario(cluster):
        await cluster.plain("true", **spec)

        def waits(pod):
            return phase(pod) == "Pending" and "containerStatuses" in pod["status"]

        pod = await cluster.until(waits)
        waiting = states(pod)["c"]["waiting"]
        assert waiting["reason"] == reason
        assert re.search(said, waiting["message"])
        await cluster.client.delete(PODS, "p", "default")
        await cluster.gone()

    play(scenario)


def test_a_pod_that_waits_starts_when_its_reason_is_gone(play):
    async def scenario(cluster):
        await cluster.plain(
            "echo $A",
            container={"envFrom": [{"configMapRef": {"name": "late"}}]},
            volumes=[{"name": "c", "configMap": {"name": "late"}}],
        )
        await cluster.until(lambda pod: phase(pod) == "Pending")
        await cluster.create(CONFIG_MAPS, "ConfigMap", "late", data={"A": "here"})
        await cluster.over()
        assert await cluster.log() == b"here\n"

    play(scenario)


def test_deletion_is_term_grace_and_then_the_object_goes(play):
    async def scenario(cluster):
        pod = await cluster.plain("trap 'echo got; exit 0' TERM; echo up; while :; do sleep 0.02; done")
        await cluster.said(b"up")
        following = asyncio.create_task(cluster.log(follow=True))
        await asyncio.sleep(0)
        await cluster.client.delete(PODS, "p", "default", grace_s=10)
        await cluster.gone()
        assert await following == b"up\ngot\n"
        folder = cluster.folder / "pods" / pod["metadata"]["uid"]
        await cluster.wait(partial(absent, folder))

    play(scenario)


def test_deletion_without_grace_kills(play):
    async def scenario(cluster):
        await cluster.plain("trap '' TERM; echo up; while :; do sleep 0.02; done")
        pod = await cluster.until(lambda pod: phase(pod) == "Running")
        group = cluster.node._lives[pod["metadata"]["uid"]].groups()[0]
        await cluster.client.delete(PODS, "p", "default", grace_s=0)
        await cluster.gone()
        assert (await asyncio.wait_for(group.wait(), 10)).ended

    play(scenario)


def test_the_deadline_ends_a_pod(play):
    async def scenario(cluster):
        await cluster.plain("echo up; exec sleep 1000", activeDeadlineSeconds=1)
        pod = await cluster.over()
        assert (phase(pod), pod["status"]["reason"]) == ("Failed", "DeadlineExceeded")
        assert pod["status"]["message"] == "Pod was active on the node longer than the specified deadline"
        assert states(pod)["c"]["terminated"]["exitCode"] == 143

    play(scenario)


def test_a_node_started_again_finds_its_pods(play):
    async def scenario(cluster):
        pod = await cluster.plain("echo up; while [ ! -e /tmp/go ]; do sleep 0.01; done; echo down; exit 7")
        await cluster.until(lambda pod: phase(pod) == "Running")
        await cluster.stop()
        cluster.start()
        await cluster.wait(partial(living, cluster))
        cluster.node._lives[pod["metadata"]["uid"]].groups()[0].host_path("/tmp/go").touch()
        pod = await cluster.over()
        assert states(pod)["c"]["terminated"]["exitCode"] == 7
        assert await cluster.log() == b"up\ndown\n"

    play(scenario)


def test_a_pod_that_ended_while_the_node_was_away_is_told_as_it_ended(play):
    async def scenario(cluster):
        pod = await cluster.plain("echo up; while [ ! -e /tmp/go ]; do sleep 0.01; done; exit 9")
        await cluster.until(lambda pod: phase(pod) == "Running")
        group = cluster.node._lives[pod["metadata"]["uid"]].groups()[0]
        await cluster.stop()
        group.host_path("/tmp/go").touch()
        await asyncio.wait_for(group.wait(), 10)
        cluster.start()
        assert states(await cluster.over())["c"]["terminated"]["exitCode"] == 9

    play(scenario)


def test_a_pod_whose_supervisor_was_killed_is_unknown(play):
    async def scenario(cluster):
        pod = await cluster.plain("exec sleep 1000")
        await cluster.until(lambda pod: phase(pod) == "Running")
        group = cluster.node._lives[pod["metadata"]["uid"]].groups()[0]
        os.kill(json.loads((group.folder / "state.json").read_text())["supervisor"], signal.SIGKILL)
        done = states(await cluster.over())["c"]["terminated"]
        assert (done["exitCode"], done["reason"]) == (137, "ContainerStatusUnknown")

    play(scenario)


def test_a_late_word_of_the_watch_does_not_wake_a_pod_that_is_over(play):
    async def scenario(cluster):
        await cluster.argo("sleep 0.1")
        early = await cluster.until(lambda pod: phase(pod) == "Running")
        over = await cluster.over()
        await cluster.wait(partial(idle, cluster.node))
        cluster.node._on("MODIFIED", early)
        assert await idle(cluster.node)
        assert await cluster.pod() == over

    async def idle(node):
        return not node._tasks

    play(scenario)


def test_what_has_ended_stays_ended_for_a_node_that_begins_anew(play):
    async def scenario(cluster):
        await cluster.create(CONFIG_MAPS, "ConfigMap", "c", data={"k": "v"})
        env = [{"name": "K", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}]
        volume = {"name": "v", "configMap": {"name": "c"}}
        mount = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        line = "while [ ! -e /tmp/go ]; do sleep 0.01; done; exit 3"
        containers = [
            {"name": "a", "image": "busybox", "command": ["sh", "-c", "exit 2"], **mount},
            {"name": "b", "image": "busybox", "command": ["sh", "-c", line], "env": env},
        ]
        init = {"name": "i", "image": "busybox", "command": ["true"]}
        spec = {"initContainers": [init], "containers": containers, "volumes": [volume]}
        pod = await cluster.create(PODS, "Pod", "p", spec={"restartPolicy": "Never", **spec})
        before = await cluster.until(lambda pod: phase(pod) == "Running" and "terminated" in states(pod)["a"])
        await cluster.stop()
        await cluster.client.delete(CONFIG_MAPS, "c", "default")
        cluster.start()
        await cluster.wait(partial(begun, cluster.node, pod["metadata"]["uid"]))
        groups = cluster.node._lives[pod["metadata"]["uid"]].containers
        groups.find("b").host_path("/tmp/go").touch()
        over = await cluster.over()
        assert [states(over)[n]["terminated"]["exitCode"] for n in "ab"] == [2, 3]
        assert states(over)["a"] == states(before)["a"]

    async def begun(node, uid):
        return uid in node._lives

    play(scenario)


@pytest.mark.parametrize("name", ["a", "i"])
def test_a_pod_that_waits_again_takes_nothing_back(name):
    spec = {"initContainers": [{"name": "i"}], "containers": [{"name": "a"}]}
    ended = status.terminated(0, "2026-11-24T08:00:00Z", "2026-11-24T08:00:01Z")
    part = "initContainerStatuses" if name == "i" else "containerStatuses"
    pod = {"spec": spec, "status": {part: [{"name": name, "state": ended}]}}
    fresh = {"a": status.waiting("PodInitializing"), "i": status.waiting("PodInitializing")}
    assert status.forward(pod, fresh) == {**fresh, name: ended}
    lost = status.terminated(137, "2026-11-24T08:00:00Z", "2026-11-24T08:00:01Z")
    assert status.forward(pod, {**fresh, name: lost})[name] == lost


def test_folders_of_pods_that_are_no_more_are_swept(play):
    async def scenario(cluster):
        pod = await cluster.plain("exec sleep 1000")
        await cluster.until(lambda pod: phase(pod) == "Running")
        group = cluster.node._lives[pod["metadata"]["uid"]].groups()[0]
        await cluster.stop()
        await cluster.client.delete(PODS, "p", "default", grace_s=0)
        cluster.start()
        await cluster.wait(partial(absent, group.folder))

    play(scenario)


def test_the_start_can_be_delayed(play):
    async def scenario(cluster):
        begin = asyncio.get_running_loop().time()
        await cluster.plain("true")
        await cluster.over()
        assert asyncio.get_running_loop().time() - begin > 0.3

    play(scenario, pod_start_s=0.3)


def test_which_container_must_be_said_when_there_are_two(play):
    async def scenario(cluster):
        two = [{"name": n, "image": "busybox", "command": ["echo", n]} for n in "ab"]
        await cluster.create(PODS, "Pod", "p", spec={"restartPolicy": "Never", "containers": two})
        await cluster.over()
        assert await cluster.log(container="b") == b"b\n"
        with pytest.raises(ApiError, match=r"choose one of: \[a b\]"):
            await cluster.log()
        with pytest.raises(ApiError, match="not valid"):
            await cluster.log(container="z")

    play(scenario)


def test_without_namespaces_words_are_translated(play, monkeypatch):
    for place in ("processes.group", "pods.containers"):
        monkeypatch.setattr(f"argovx_lab.sandbox.{place}.isolation", lambda: "none")

    async def scenario(cluster):
        mounts = [{"name": "e", "mountPath": "/var/run/argo"}]
        env = [{"name": "OUT", "value": "/tmp/argovx"}, {"name": "F", "value": "/var/run/argo/f"}]
        line = "mkdir -p $OUT; echo o > $OUT/o; echo f > $F; cat $ARGOVX_KUBERNETES_DIR/namespace;"
        line += "echo why > $ARGOVX_TERMINATION_LOG"
        pod = await cluster.plain(
            line, volumes=[{"name": "e", "emptyDir": {}}], container={"volumeMounts": mounts, "env": env}
        )
        pod = await cluster.over()
        assert phase(pod) == "Succeeded", await cluster.log()
        assert await cluster.log() == b"default"
        assert states(pod)["c"]["terminated"]["message"] == "why\n"
        group = cluster.node._lives[pod["metadata"]["uid"]].groups()[0]
        assert group.host_path("/tmp/argovx/o").read_text() == "o\n"
        assert group.host_path("/var/run/argo/f").read_text() == "f\n"

    play(scenario)


def test_the_end_of_a_pod_waits_for_room_on_the_disk(play, disk, caplog, monkeypatch):
    monkeypatch.setattr("argovx_lab.sandbox.pods.runner.DISK_S", 0.02)

    async def scenario(cluster):
        # no token, whose removal would make room
        volumes = {"volumes": [{"name": "e", "emptyDir": {}}], "automountServiceAccountToken": False}
        mounts = {"volumeMounts": [{"name": "e", "mountPath": "/e"}]}
        await cluster.plain("while [ ! -e /e/go ]; do sleep 0.01; done; exit 3", container=mounts, **volumes)
        pod = await cluster.until(lambda pod: phase(pod) == "Running")
        disk.fill()
        (cluster.folder / "pods" / pod["metadata"]["uid"] / "volumes" / "e" / "go").touch()

        async def refused():
            return "cannot write its store" in caplog.text

        await cluster.wait(refused)
        assert phase(await cluster.pod()) == "Running"
        disk.make_room()
        assert states(await cluster.over())["c"]["terminated"]["exitCode"] == 3

    play(scenario, disk.place)
