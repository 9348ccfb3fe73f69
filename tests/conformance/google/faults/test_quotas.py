"""Quotas that are on, as the vendors' clients meet them."""

from __future__ import annotations

import pytest

from tests.conformance.google.faults.test_faults import Seer


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_quotas_that_are_on(make_end, transport):
    end = make_end(quotas={"submissions": 4, "cpus": 8, "crud": 30}, provisioning_s=600.0)
    seer = Seer(end, transport)
    failure = "ResourceExhausted" if transport == "grpc" else "TooManyRequests"
    try:
        assert seer.sees("create one").endswith("one")
        assert seer.sees("create two").endswith("two")
        # machines: each of the two has four vCPUs
        assert seer.sees("create three").endswith(failure)
        assert seer.sees("create four").endswith(failure)
        # and now the submissions of this minute are used up
        assert seer.sees("create five").endswith(f"{failure} RATE_LIMIT_EXCEEDED")
        seen = [seer.sees("count one") for _ in range(31)]
        assert seen[-1].endswith(f"{failure} RATE_LIMIT_EXCEEDED")
        end.call(lambda: end.server.clock.advance(60))
        assert seer.sees("count one") == "1"
    finally:
        seer.close()
