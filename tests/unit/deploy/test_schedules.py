"""The spec's schedule is the one truth; prefect.yaml and what `up` registers say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.schedules import Deployment, deployments_of, main, prefect_yaml, specs_in
from penstock.errors import SpecError
from penstock.spec.pipeline import Schedule

SPEC = "source: {name}.csv\ntarget: y\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a project's folder, with two specs and a lock, and go there."""
    folder = tmp_path / "flows" / "specs"
    folder.mkdir(parents=True)
    (folder / "one.yaml").write_text(
        'schedule: {cron: "0 3 * * 1", timezone: Europe/Berlin}\n' + SPEC.format(name="one")
    )
    (folder / "two.yaml").write_text(SPEC.format(name="two"))
    (folder / "two.lock.yaml").write_text("format: 1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_projects_own_file_agrees_with_its_specs(root, monkeypatch, capsys):
    """Whoever changes a schedule writes prefect.yaml anew."""
    monkeypatch.chdir(root)
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_every_spec_has_a_deployment_with_its_schedule(project):
    """Locks are no specs; a spec without a schedule can be run by hand."""
    one, two = deployments_of(specs_in(Path("flows/specs")))
    assert one == Deployment(
        name="one", spec="flows/specs/one.yaml", schedule=Schedule(cron="0 3 * * 1", timezone="Europe/Berlin")
    )
    assert two == Deployment(name="two", spec="flows/specs/two.yaml", schedule=None)


def test_the_file_is_written_once_and_checked(project, capsys):
    """A second writing changes nothing; a changed schedule is found."""
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    written = yaml.safe_load((project / "prefect.yaml").read_text())
    assert [d["name"] for d in written["deployments"]] == ["one", "two"]
    first, second = written["deployments"]
    assert first["entrypoint"] == "flows/train.py:train"
    assert first["schedules"] == [{"cron": "0 3 * * 1", "timezone": "Europe/Berlin"}]
    assert first["parameters"] == {"spec": "flows/specs/one.yaml", "artifacts": "artifacts"}
    assert second["schedules"] == []
    spec = project / "flows/specs/one.yaml"
    spec.write_text(spec.read_text().replace("0 3", "0 4"))
    assert main(["--check"]) == 1


def test_the_file_names_no_place_of_this_machine(project):
    """It is committed: other people's folders are elsewhere."""
    assert str(project) not in prefect_yaml(deployments_of(specs_in(Path("flows/specs"))))


def test_two_specs_of_one_name_are_refused(project):
    """Their deployments would replace each other."""
    (project / "flows/specs/three.yaml").write_text("name: one\n" + SPEC.format(name="three"))
    with pytest.raises(SpecError, match="Two specs are named 'one'"):
        deployments_of(specs_in(Path("flows/specs")))


def test_look_ups_to_be_refreshed_have_a_deployment_of_their_own(project):
    """As often as the one that asks most often; where none says how often, it is run by hand."""
    joins = (
        "joins:\n- {table: a, on: k, serve: refresh, every: 2h}\n- {table: b, on: k, serve: refresh, every: 90min}\n"
    )
    sources = "name: two\nsources: {t: t.csv, a: a.csv, b: b.csv}\ntarget: y\n"
    spec = project / "flows/specs/two.yaml"
    spec.write_text(sources + joins)
    train, refresh = deployments_of([Path("flows/specs/two.yaml")])
    assert (train.called, refresh.called) == ("train/two", "refresh/two")
    assert (train.due, refresh.due) == ("no schedule; run it from the UI", "every 90min")
    main([])
    _, _, written = yaml.safe_load((project / "prefect.yaml").read_text())["deployments"]
    assert (written["name"], written["entrypoint"]) == ("two", "flows/refresh.py:refresh")
    assert written["schedules"] == [{"interval": 5400}]
    spec.write_text(sources + joins.replace(", every: 2h", "").replace(", every: 90min", ""))
    assert deployments_of([spec])[1].schedules == []
    spec.write_text(sources + joins.replace("serve: refresh", "serve: bundle"))
    assert [d.flow for d in deployments_of([spec])] == ["train"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("train", ["spec", "artifacts", "budget", "publish", "refresh", "runner", "accept_schema_change"]),
        ("refresh", ["spec", "artifacts", "force"]),
    ],
)
def test_the_entrypoint_is_the_flow_of_that_name(root, monkeypatch, name, parameters):
    """What prefect.yaml names can be loaded, and its form in the UI has every parameter typed and told."""
    from prefect.flows import load_flow_from_entrypoint

    monkeypatch.chdir(root)
    flow = load_flow_from_entrypoint(Deployment(name="any", spec="any.yaml", flow=name).entrypoint)
    assert flow.name == name
    form = flow.parameters.properties
    assert list(form) == parameters
    assert [name for name, field in form.items() if not field.get("description") or "default" not in field] == []
    assert flow.parameters.required == []


def test_a_run_is_offered_the_runners_that_there_are(root, monkeypatch):
    """In the UI's form, by name."""
    from prefect.flows import load_flow_from_entrypoint

    monkeypatch.chdir(root)
    flow = load_flow_from_entrypoint(Deployment(name="any", spec="any.yaml").entrypoint)
    assert flow.parameters.properties["runner"]["enum"] == ["threads", "processes", "dask"]
