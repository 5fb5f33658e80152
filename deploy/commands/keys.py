"""`penstock keys`: which key signs here, and whose signatures count."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from deploy.commands.console import out, table
from penstock.bundle import keyring
from penstock.bundle.keys import TRUSTED, home
from penstock.errors import EXIT_OK


def make() -> int:
    """Make this user's key, or say that there is one."""
    key, new = keyring.make()
    out().print(f"Key {key} {'is made' if new else 'is there already'}: {escape(str(keyring.private_path()))}")
    out().print(f"Machines that serve need its public half alone: {escape(_public(key))}")
    return EXIT_OK


def show() -> int:
    """Print the id of the key that signs here, and where its halves lie."""
    key = keyring.own_key()
    out().print(f"{key}\n  signs with: {escape(str(keyring.private_path()))}\n  public key: {escape(_public(key))}")
    return EXIT_OK


def listed() -> int:
    """Print every key whose signature counts here."""
    told = table("key", "", "file")
    for one in keyring.known():
        told.add_row(one.id, "signs here" if one.own else "", escape(one.file or f"named by {TRUSTED}"))
    out().print(told)
    return EXIT_OK


def trust(path: Path) -> int:
    """Trust a public key, and say which it is."""
    out().print(f"Key {keyring.trust(path)} is trusted: what its owner signs is opened here.")
    return EXIT_OK


def distrust(key: str) -> int:
    """Trust a key no more."""
    keyring.distrust(key)
    out().print(f"Key {escape(key)} is trusted no more: what it signed is not opened here.")
    return EXIT_OK


def rotate() -> int:
    """Make a new key, and say what is left to do about the old one."""
    old, new = keyring.rotate()
    out().print(f"Key {new} signs from now on; the private half of {old} is gone. Then:")
    out().print(f"  1. trust {escape(_public(new))} wherever models are served (penstock keys trust FILE)")
    out().print("  2. publish every model again (penstock run, or penstock publish RUN)")
    out().print(f"  3. penstock keys distrust {old}")
    return EXIT_OK


def _public(key: str) -> str:
    return str(home() / "trusted" / f"{key}.pub")
