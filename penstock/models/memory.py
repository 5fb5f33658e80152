"""Whether there is memory enough for a fit, before it is begun: a process that the system kills says nothing."""

from __future__ import annotations

from pathlib import Path

from penstock.models.encoder import MOST_ONEHOT_LEVELS
from penstock.models.families import Family
from penstock.models.training import Training

# The encoded rows stand in memory about so many times: the frame, the array, what is tested, the family's own copy.
COPIES = 5
# Gradients, scores and probabilities of every row and label, for families that hold them.
OF_A_LABEL = 4
# A share of what is free is left to everything else; fits run on two processes at once.
SHARE = 0.8
AT_ONCE = 2
_GROUP_LIMITS = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))


def want_of_memory(training: Training, family: Family) -> str:
    """Return why there is not memory enough to fit a family on a training's rows; empty where there is."""
    if family.kind == "dummy":
        return ""
    needed, free = bytes_needed(training, family.encoding), bytes_free()
    if free is None or needed * AT_ONCE <= SHARE * free:
        return ""
    return f"it would take about {needed / 1e9:.1f} GB of memory a fit, and {free / 1e9:.1f} GB are free"


def bytes_needed(training: Training, encoding: str) -> float:
    """Return about how many bytes one fit takes: the encoded rows, and numbers for every row and label."""
    cells = width_of(training, encoding) * COPIES + max(1, len(training.target.labels)) * OF_A_LABEL
    return 8.0 * len(training.y) * cells


def width_of(training: Training, encoding: str) -> int:
    """Return about how many columns an encoding has."""
    cut = training.cut
    if encoding == "ordinal":
        return max(1, cut.shape[1])
    width = 0
    for name in cut.columns:
        values = cut[name]
        # A number may have an indicator beside it, a category has one column for each level, up to a limit.
        width += 2 if values.dtype.kind in "fiubM" else min(int(values.nunique()), MOST_ONEHOT_LEVELS) + 1
    return max(1, width)


def bytes_free(meminfo: Path = Path("/proc/meminfo"), groups: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return how many bytes may still be taken, by the system and by the control group; None where nobody tells."""
    known = []
    if meminfo.is_file():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        if "MemAvailable" in lines:
            known.append(float(lines["MemAvailable"].split()[0]) * 1024)
    for limit, used in _GROUP_LIMITS:
        try:
            known.append(float((groups / limit).read_text()) - float((groups / used).read_text()))
        except (OSError, ValueError):
            # No such group, or `max`: it sets no limit.
            continue
    return min(known) if known else None
