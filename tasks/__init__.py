"""The seven stages as Prefect tasks: thin doors, each with its key, its retries and a receipt."""

from tasks.outward import keep_in

# Prefect reads its settings when it is first imported, and everything that imports it here passes this line before.
keep_in()
