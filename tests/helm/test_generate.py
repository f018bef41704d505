"""helm/generate sees what is stale, and what does not fit."""

import shutil
import subprocess
import sys

import pytest
import yaml
from chart import CHART, ROOT, Strict

sys.path.insert(0, str(ROOT / "helm"))
from generator import values  # noqa: E402


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(ROOT / "helm", tmp_path / "helm", ignore=shutil.ignore_patterns("templates", "ci", "__pycache__"))
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs/config.schema.json", tmp_path / "docs")
    return tmp_path


def generate(root, *args):
    return subprocess.run([root / "helm/generate", *args], capture_output=True, text=True, timeout=30, check=False)


def change(file, before, after):
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


def test_what_is_committed_is_what_would_be_made():
    said = generate(ROOT, "--check")
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize(
    ("file", "before", "after", "diff"),
    [
        ("helm/switchyard/values.yaml", "replicaCount: 2", "replicaCount: 3", "+| `replicaCount` | integer | `3` |"),
        ("helm/switchyard/values.yaml", "# -- Pods of a Deployment.", "# -- How many.", '+      "description": "How many.'),
        ("helm/generator/README.head.md", "## Install", "## Set up", "+## Set up"),
        ("helm/switchyard/README.md", "## Values", "## What", "-## What"),
        ("helm/generator/types.json", '"maximum": 65535', '"maximum": 65534', '+      "maximum": 65534'),
        ("docs/config.schema.json", '"The whole file."', '"All."', None),
        ("docs/config.schema.json", '"maximum": 10000000', '"maximum": 9', '"maximum": 9'),
    ],
)
def test_stale(copy, file, before, after, diff):
    change(copy / file, before, after)
    said = generate(copy, "--check")
    if diff is None:  # what is said of the file as a whole is not in the chart's
        assert said.returncode == 0, said.stderr
        return
    assert said.returncode == 1
    assert diff in said.stderr and "run helm/generate" in said.stderr
    assert generate(copy).returncode == 0
    assert generate(copy, "--check").returncode == 0


@pytest.mark.parametrize(
    ("file", "before", "after", "problem"),
    [
        ("helm/switchyard/values.yaml", "# -- Pods of a Deployment.", "# Pods of a Deployment.", "replicaCount: has no comment"),
        ("helm/switchyard/values.yaml", "  # -- Spare time after the deadline, before SIGKILL.\n", "", "drain.margin: has no comment"),
        ("helm/switchyard/values.yaml", "  margin: 10s", "  margin: 10s\n  # -- More.\n  more: 1", "drain.more: has no type"),
        ("helm/switchyard/values.yaml", "kind: Deployment\n", "", "kind: is not in values.yaml"),
        ("helm/switchyard/values.yaml", "  margin: 10s\n", "", "drain.margin: is not in values.yaml"),
        ("docs/config.schema.json", '"properties"', '"$defs": {}, "properties"', "uses $defs, which draft 7 does not know"),
    ],
)
def test_what_does_not_fit(copy, file, before, after, problem):
    change(copy / file, before, after)
    for args in ((), ("--check",)):
        said = generate(copy, *args)
        assert said.returncode == 1
        assert problem in said.stderr


def test_values_are_read_as_a_yaml_parser_reads_them():
    text = (CHART / "values.yaml").read_text()
    parsed = yaml.load(text, Strict)
    for value in values.read(text):
        there = parsed
        for key in value.path:
            there = there[key]
        if value.default is not None:
            assert yaml.load(value.default, Strict) == there, value.path
    found = [value.path for value in values.read(text)]
    assert len(found) == len(set(found))
    assert set(_leaves(parsed, (), set(found))) == set(found)


def _leaves(value, path, known):
    if path in known or not isinstance(value, dict):
        yield path
        return
    for key, inner in value.items():
        yield from _leaves(inner, (*path, key), known)
