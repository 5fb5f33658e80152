"""`penstock service-key`: a key that a caller of the service shows."""

from __future__ import annotations

from penstock.errors import EXIT_OK


def service_key(name: str) -> int:
    """Make a key, and print it and its entry; it is kept nowhere."""
    from deploy.service.keys import new_key

    key, entry = new_key(name)
    print(f"key:   {key}")
    print(f"entry: {entry}")
    print("The key is shown this once: give it to its owner. The entry goes into PENSTOCK_API_KEYS or")
    print("PENSTOCK_ADMIN_KEYS, with commas between several, or into a file whose path stands there.")
    return EXIT_OK
