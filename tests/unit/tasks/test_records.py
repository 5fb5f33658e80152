"""A result is believed while it is what its stage wrote and every object that it names is whole."""

from __future__ import annotations

import base64
import json
import os
import stat

import cloudpickle
import pytest
from prefect.results import ResultStore
from prefect.transactions import transaction

from penstock.errors import StoreError
from penstock.receipts import Collected, Explored, Figure, FrameRef, Part, Snapshot
from penstock.store import Store
from tasks.records import FOLDER, RECEIPT, ReceiptSerializer, Records

KEY = "collect-" + "a" * 64


@pytest.fixture
def artifacts(tmp_path):
    return tmp_path / "artifacts"


@pytest.fixture
def results(artifacts):
    """Return Prefect's own store of results on our storage."""
    return ResultStore(result_storage=Records(artifacts=str(artifacts)), serializer=RECEIPT)


@pytest.fixture
def receipt(artifacts):
    ref = Store(artifacts).put_bytes(b"water", "txt")
    table = FrameRef(digest=ref.digest, path=ref.path, size=ref.size, n_rows=1, columns=("water",))
    snapshot = Snapshot(
        name="lake", kind="csv", uri="file:///lake.csv", collected_at="now", n_rows=1, n_bytes=ref.size,
        sha256=ref.digest, parts=(Part(name="lake.csv", file=ref),), table=table,
    )  # fmt: skip
    return Collected(snapshots=(snapshot,))


def the_file(artifacts, key=KEY):
    return artifacts / FOLDER / key


def rewritten(artifacts, change):
    """Change the JSON of the record on disk."""
    path = the_file(artifacts)
    record = json.loads(path.read_bytes())
    change(record)
    path.write_text(json.dumps(record))


def fresh(artifacts):
    """Return a store as the next process would have it: nothing in memory."""
    return ResultStore(result_storage=Records(artifacts=str(artifacts)), serializer=RECEIPT)


def test_what_was_written_is_found_and_read(results, receipt, artifacts):
    """A record comes back as the same receipt."""
    results.write(receipt, key=KEY)
    again = fresh(artifacts)
    assert again.exists(KEY)
    assert again.read(KEY).result == receipt


def test_records_are_their_owners_alone(results, receipt, artifacts):
    """Nobody else reads or writes them."""
    artifacts.mkdir(exist_ok=True)
    (artifacts / FOLDER).mkdir(mode=0o755)
    results.write(receipt, key=KEY)
    assert stat.S_IMODE((artifacts / FOLDER).stat().st_mode) == 0o700
    assert stat.S_IMODE(the_file(artifacts).stat().st_mode) == 0o600
    assert [p.name for p in (artifacts / FOLDER).iterdir()] == [KEY]


def test_an_object_that_is_gone_makes_the_record_a_miss(results, receipt, artifacts):
    """The stage is made anew, and its object with it."""
    results.write(receipt, key=KEY)
    Store(artifacts).local_path(receipt.snapshots[0].parts[0].file).unlink()
    assert not fresh(artifacts).exists(KEY)


def test_an_object_that_was_altered_makes_the_record_a_miss(results, receipt, artifacts):
    """Even at the same length."""
    results.write(receipt, key=KEY)
    Store(artifacts).local_path(receipt.snapshots[0].parts[0].file).write_bytes(b"wader")
    assert not fresh(artifacts).exists(KEY)


def planted(marker, **more):
    """Return a record that runs code when it is read as pickle."""

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    body = base64.encodebytes(cloudpickle.dumps(Trap())).decode()
    return {"metadata": {"serializer": {"type": "pickle"}, "storage_key": KEY}, "result": body} | more


def test_a_record_of_another_serializer_is_a_miss_and_never_read(artifacts, tmp_path):
    """Whoever can write a record cannot run code by it."""
    marker = tmp_path / "ran"
    the_file(artifacts).parent.mkdir(parents=True)
    the_file(artifacts).write_text(json.dumps(planted(marker)))
    assert not fresh(artifacts).exists(KEY)
    with pytest.raises(StoreError, match="no such result"):
        fresh(artifacts).read(KEY)
    with transaction(key=KEY, store=fresh(artifacts)) as one:
        assert not one.is_committed()
    assert not marker.exists()


def test_the_trap_is_a_real_one(tmp_path):
    """Read as Prefect reads records by itself, it runs: what the test above shows is not for nothing."""
    from prefect.results import ResultRecord

    marker = tmp_path / "ran"
    ResultRecord.deserialize(json.dumps(planted(marker)).encode())
    assert marker.exists()


@pytest.mark.parametrize("where", ["twice", "old"])
def test_a_record_that_names_two_serializers_is_read_by_ours_alone(results, receipt, artifacts, tmp_path, where):
    """Two parsers may disagree about a key that stands twice; Prefect is handed what we have read."""
    marker = tmp_path / "ran"
    results.write(receipt, key=KEY)
    good = the_file(artifacts).read_text()
    trap = planted(marker)
    if where == "twice":
        text = (
            good.removesuffix("}")
            + f', "metadata": {json.dumps(trap["metadata"])}, "result": {json.dumps(trap["result"])}}}'
        )
    else:
        text = (
            good.removesuffix("}") + ', "serializer": {"type": "pickle"}, "data": ' + json.dumps(trap["result"]) + "}"
        )
    the_file(artifacts).write_text(text)
    store = fresh(artifacts)
    if store.exists(KEY):
        assert store.read(KEY).result == receipt
    assert not marker.exists()


def test_options_of_our_serializer_are_refused(results, receipt, artifacts):
    """A record cannot name the library that reads it either."""
    results.write(receipt, key=KEY)
    rewritten(artifacts, lambda r: r["metadata"]["serializer"].update(object_decoder="os.system"))
    assert not fresh(artifacts).exists(KEY)


def test_a_receipt_of_another_stage_is_a_miss(results, artifacts):
    """A record copied to another stage's name does not pass for it."""
    ref = Store(artifacts).put_bytes(b"png", "png")
    drawn = Explored(figures=(Figure(name="f", title="t", caption="c", file=ref),), n_rows=1)
    results.write(drawn, key=KEY)
    assert not fresh(artifacts).exists(KEY)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"metadata": 1}', '{"metadata": {"serializer": null}, "result": ""}']
)
def test_a_broken_record_is_a_miss(artifacts, text):
    """Whatever it holds."""
    the_file(artifacts).parent.mkdir(parents=True)
    the_file(artifacts).write_text(text)
    assert not fresh(artifacts).exists(KEY)


def test_a_receipt_with_unknown_fields_is_a_miss(results, receipt, artifacts):
    """Receipts are closed: a record of another release is not guessed at."""
    results.write(receipt, key=KEY)

    def change(record):
        body = json.loads(record["result"])
        body["body"]["more"] = 1
        record["result"] = json.dumps(body)

    rewritten(artifacts, change)
    assert not fresh(artifacts).exists(KEY)


def test_a_failed_stage_leaves_no_record(results, artifacts):
    """Prefect would keep the exception; there is nothing to find under its name."""
    results.write(ValueError("no"), key="0123456789abcdef")
    assert not (artifacts / FOLDER).exists()


def test_no_name_leads_out_of_the_folder(results, receipt, artifacts, tmp_path):
    """Only a record's own name counts, not the path before it."""
    results.write(receipt, key=KEY)
    outside = tmp_path / KEY
    outside.write_bytes(the_file(artifacts).read_bytes())
    the_file(artifacts).unlink()
    assert not fresh(artifacts).exists(str(outside))
    assert not fresh(artifacts).exists("../../" + KEY)


def test_the_serializer_reads_receipts_alone():
    """A name of a class is looked up in a closed table, not imported."""
    for blob in (b'{"receipt": "os.system", "body": {}}', b'{"__class__": "os.system", "data": "x"}', b"1"):
        with pytest.raises(ValueError, match="not a receipt"):
            ReceiptSerializer().loads(blob)
