"""Sentences: each flow composes stages, and computes nothing itself."""

# Before anything of Prefect's: see there.
import tasks as tasks
