"""How long `make run` takes once installed: cold, with nothing changed, and where a Prefect server runs already."""

from __future__ import annotations

from benchmarks.ground import PENSTOCK, ROOT, SPEC, environment, prefect_server, report, timed, workplace


def main() -> None:
    """Measure and report."""
    with workplace() as folder:
        words = [str(PENSTOCK), "run", str(SPEC), "--artifacts", str(folder / "artifacts")]
        env = environment(folder)
        cold = timed(words, env, ROOT)
        report("run of the sample, nothing there", "45 s", f"{cold:.1f} s")
        warm = min(timed(words, env, ROOT) for _ in range(2))
        report("run of the sample, nothing changed", "12 s", f"{warm:.1f} s", "Prefect's embedded API started anew")
        with prefect_server(folder) as served:
            timed(words, served, ROOT)
            quick = min(timed(words, served, ROOT) for _ in range(3))
        report("run of the sample, nothing changed, server running", "4 s", f"{quick:.1f} s")
