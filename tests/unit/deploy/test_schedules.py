"""The spec's schedule is the one truth; prefect.yaml and what `up` registers say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.schedules import ENTRYPOINT, FLOW, Deployment, deployments_of, main, prefect_yaml, specs_in
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
    assert first["entrypoint"] == ENTRYPOINT
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


def test_the_entrypoint_is_the_flow_of_that_name(root, monkeypatch):
    """What prefect.yaml names can be loaded, and its form in the UI has every parameter typed and told."""
    from prefect.flows import load_flow_from_entrypoint

    monkeypatch.chdir(root)
    flow = load_flow_from_entrypoint(ENTRYPOINT)
    assert flow.name == FLOW
    form = flow.parameters.properties
    assert list(form) == ["spec", "artifacts", "budget", "publish", "refresh", "runner", "accept_schema_change"]
    assert [name for name, field in form.items() if not field.get("description") or "default" not in field] == []
    assert form["runner"]["enum"] == ["threads", "processes", "dask"]
    assert flow.parameters.required == []
