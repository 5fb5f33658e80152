"""Going back stays: the generation rises, the digest that was left is withdrawn, and the way back is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.bundle.bundle import Bundle
from penstock.bundle.layout import ModelHome, Pointer
from penstock.bundle.publish import hold, publish, rollback
from penstock.errors import NotFound, Tampered, UserError
from tests.unit.bundle.making import PASSED, Made


@pytest.fixture
def three(artifacts: Path, first: Made, second: Made, third: Made) -> list[str]:
    """Publish three versions; return their names."""
    done = [publish(artifacts, "churn", made.parts, PASSED) for made in (first, second, third)]
    return [d.version for d in done if d.version is not None]


def test_back_to_the_one_before(artifacts: Path, three: list[str], third: Made) -> None:
    """It is live at once, under a higher generation, and the chain behind it is kept."""
    pointer = rollback(artifacts, "churn", reason="it was slow", who="ann")
    assert (pointer.version, pointer.generation, pointer.sequence) == (three[1], 4, 2)
    assert pointer.previous == (three[0],)
    assert pointer.withdrawn == (third.parts.digest,)
    assert ModelHome(artifacts, "churn").read_pointer() == pointer
    assert Bundle.load(artifacts / "models" / "churn").version == three[1]
    told = [(e.what, e.version, e.why, e.who) for e in ModelHome(artifacts, "churn").events()[-2:]]
    assert told == [("rolled back", three[1], "it was slow", "ann"), ("withdrawn", three[2], "it was slow", "ann")]


def test_what_was_withdrawn_comes_back_only_with_a_reason(artifacts: Path, three: list[str], third: Made) -> None:
    """The next run on the same data does not bring it back; a person may."""
    rollback(artifacts, "churn")
    done = publish(artifacts, "churn", third.parts, PASSED)
    assert done.state == "refused"
    assert "rolled back" in done.reasons[0]
    forced = publish(artifacts, "churn", third.parts, PASSED, force="it was the network")
    assert (forced.state, forced.sequence) == ("published", 4)
    pointer = ModelHome(artifacts, "churn").read_pointer()
    assert pointer.withdrawn == ()
    # The withdrawn copy left the chain and does not come back into it.
    assert pointer.previous == (three[1], three[0])


def test_back_and_back_again_and_no_further(artifacts: Path, three: list[str]) -> None:
    """Each step goes one back; at the first version there is nowhere to go."""
    assert rollback(artifacts, "churn").version == three[1]
    assert rollback(artifacts, "churn").version == three[0]
    with pytest.raises(NotFound, match="no earlier version"):
        rollback(artifacts, "churn")
    assert ModelHome(artifacts, "churn").read_pointer().generation == 5


def test_back_to_a_named_version(artifacts: Path, three: list[str], third: Made) -> None:
    """By its name or its number; only what is left is withdrawn, not what lies between."""
    pointer = rollback(artifacts, "churn", to="1")
    assert (pointer.version, pointer.previous, pointer.withdrawn) == (three[0], (), (third.parts.digest,))
    forward = rollback(artifacts, "churn", to=three[1])
    assert (forward.version, forward.previous, forward.withdrawn) == (three[1], (three[0],), (third.parts.digest,))
    with pytest.raises(UserError, match="withdrawn"):
        rollback(artifacts, "churn", to="3")
    again = rollback(artifacts, "churn", to="3", reason="it was the network")
    assert (again.version, again.previous, again.withdrawn) == (three[2], (three[1], three[0]), ())
    assert again.generation == 6


def test_pointless_or_impossible_targets_are_refused(artifacts: Path, three: list[str]) -> None:
    """The live one, one that is not there, one of a model that is not there."""
    with pytest.raises(UserError, match="live already"):
        rollback(artifacts, "churn", to="3")
    with pytest.raises(NotFound, match="no version '9'") as caught:
        rollback(artifacts, "churn", to="9")
    assert three[0] in caught.value.expected
    with pytest.raises(NotFound, match="no model 'nobody'"):
        rollback(artifacts, "nobody")


def test_a_broken_version_is_passed_over(artifacts: Path, three: list[str]) -> None:
    """Going back leads to the nearest version that can be proven; one that is named and broken is an error."""
    (artifacts / "models" / "churn" / "versions" / three[1] / "card.md").write_text("spoiled")
    with pytest.raises(Tampered):
        rollback(artifacts, "churn", to="2")
    assert rollback(artifacts, "churn").version == three[0]


def test_a_held_model_can_go_back(artifacts: Path, three: list[str]) -> None:
    """A hold stops what is new; it stays through going back."""
    hold(artifacts, "churn", "audit")
    assert rollback(artifacts, "churn").holds[0].reason == "audit"


def test_a_lost_pointer_is_rebuilt_from_the_log(artifacts: Path, three: list[str], third: Made) -> None:
    """Naming a version makes it live again, the generation still rises, and what was withdrawn stays so."""
    rollback(artifacts, "churn")
    home = ModelHome(artifacts, "churn")
    home.pointer_path.write_bytes(b"rubbish")
    with pytest.raises(Tampered):
        rollback(artifacts, "churn")
    pointer = rollback(artifacts, "churn", to="2")
    assert (pointer.version, pointer.generation) == (three[1], 6)
    assert pointer.withdrawn == (third.parts.digest,)
    assert home.read_pointer() == pointer


def test_one_digest_in_two_versions_is_not_withdrawn_under_itself(artifacts: Path, first: Made) -> None:
    """The same content sealed twice: going back from one to the other withdraws nothing."""
    publish(artifacts, "churn", first.parts, PASSED)
    spoiled = artifacts / "models" / "churn" / "versions" / f"1-{first.parts.digest[:12]}" / "card.md"
    good = spoiled.read_bytes()
    spoiled.write_text("spoiled")
    publish(artifacts, "churn", first.parts, PASSED)
    spoiled.write_bytes(good)
    assert rollback(artifacts, "churn").withdrawn == ()


def test_readers_order_pointers_by_generation(artifacts: Path, three: list[str]) -> None:
    """It rises with everything that happens, going back included."""
    seen: list[Pointer] = [ModelHome(artifacts, "churn").read_pointer()]
    seen += [rollback(artifacts, "churn"), hold(artifacts, "churn", "audit"), rollback(artifacts, "churn")]
    assert [p.generation for p in seen] == [3, 4, 5, 6]
    assert [p.sequence for p in seen] == [3, 2, 2, 1]
