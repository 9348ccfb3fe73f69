"""How numbers are printed: a value, its peer, the ratio, and the target when there is one."""

import statistics


def middle(values):
    """Return the median: these machines are noisy."""
    return statistics.median(values)


def percentile(values, share):
    """Return the value below which ``share`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def row(what, value, unit, *, peer="", peer_value=None, target=None):
    """Print one line; ``target`` is the largest good value."""
    parts = [f"{what:<44} {value:10.3f} {unit}"]
    if peer_value:
        parts.append(f"| {peer} {peer_value:.3f} {unit}, ratio {value / peer_value:.2f}")
    if target is not None:
        parts.append(f"| target {target:g} {'met' if value <= target else 'MISSED'}")
    print("  ".join(parts), flush=True)
