"""GET of a pod's log: which container, how much of it, and for how long.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from argovx_lab.sandbox.http import Request, Response
from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.reading import disconnected
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.requests import LOG_OPTIONS, Target, boolean, check_options, number

LogReader = Callable[..., AsyncIterator[bytes]]


def log(registry: Registry, reader: LogReader | None, request: Request, target: Target) -> Response:
    """Answer with a container's log."""
    check_options(request, LOG_OPTIONS)
    pod = registry.get(target.kind, target.namespace, target.name).object()
    if reader is None:
        raise status.internal("the sandbox's pod runner is not there to read logs")
    container = _container(pod, request.param("container"))
    if boolean(request, "previous"):
        raise status.bad_request(
            f'previous terminated container "{container}" in pod "{target.name}" not found'
        )
    since, limit = number(request, "sinceSeconds"), number(request, "limitBytes")
    if limit == 0:
        raise status.bad_request("limitBytes: Invalid value: 0: must be greater than 0")
    stream = reader(
        pod,
        container,
        follow=boolean(request, "follow"),
        tail_lines=number(request, "tailLines"),
        since_s=None if since is None else float(since),
        timestamps=boolean(request, "timestamps"),
    )
    return Response(200, {"content-type": "text/plain"}, _first(_logs(request, stream), limit))


async def _first(chunks: AsyncGenerator[bytes], limit: int | None) -> AsyncIterator[bytes]:
    """Pass on the first ``limit`` bytes, all of them for ``None``."""
    left = limit
    async with contextlib.aclosing(chunks):
        async for chunk in chunks:
            yield chunk if left is None else chunk[:left]
            if left is not None and (left := left - len(chunk)) <= 0:
                return


def _container(pod: Object, asked: str) -> str:
    name, spec = pod["metadata"]["name"], pod["spec"]
    main = [item["name"] for item in spec.get("containers") or []]
    first = [item["name"] for item in spec.get("initContainers") or []]
    if not asked:
        if len(main) == 1:
            return str(main[0])
        choose = f"choose one of: [{' '.join(main)}]"
        if first:
            choose += f" or one of the init containers: [{' '.join(first)}]"
        raise status.bad_request(f"a container name must be specified for pod {name}, {choose}")
    if asked not in main + first:
        raise status.bad_request(f"container {asked} is not valid for pod {name}")
    return asked


async def _logs(request: Request, stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Pass a log on; a follower whose client is gone is cancelled even while it waits."""
    gone = asyncio.create_task(disconnected(request))
    step: asyncio.Future[bytes] | None = None
    try:
        while True:
            step = asyncio.ensure_future(anext(stream))
            await asyncio.wait({step, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                return
            try:
                chunk = step.result()
            except StopAsyncIteration:
                return
            yield chunk
    finally:
        gone.cancel()
        if step is not None and not step.done():
            step.cancel()
            await asyncio.wait({step})
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
