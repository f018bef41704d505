"""The chart, rendered by helm as a user would have it."""

import functools
import json
import os
import re
import subprocess
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHART = ROOT / "helm/switchyard"
HELM = HERE / ".venv/bin/helm"

OLDEST, NEWEST = "1.30", "1.37"
MONITORING = ("monitoring.coreos.com/v1",)

# Each file of ci/ is a feature as a user would write it; `chart` is it with no values at all.
FEATURES = {"chart": None} | {file.stem.removesuffix("-values"): file for file in sorted((CHART / "ci").glob("*.yaml"))}


class Refused(Exception):
    """helm would not render it; the text is what it said."""


class Strict(yaml.SafeLoader):
    """YAML in which a key stands once: of two, helm and the API server take one and drop the other silently."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# Go's YAML takes `1e3` for a number, and Python's does not.
Strict.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789"))


class Objects(list):
    """What was rendered, in its order."""

    def all(self, kind: str) -> list[dict]:
        return [each for each in self if each["kind"] == kind]

    def one(self, kind: str, name: str | None = None) -> dict:
        found = [each for each in self.all(kind) if name in (None, each["metadata"]["name"])]
        assert len(found) == 1, f"{len(found)} of {kind} {name or ''}, in {[(each['kind'], each['metadata']['name']) for each in self]}"
        return found[0]

    @property
    def workload(self) -> dict:
        found = self.all("Deployment") + self.all("DaemonSet")
        assert len(found) == 1, [each["kind"] for each in self]
        return found[0]

    @property
    def pod(self) -> dict:
        return self.workload["spec"]["template"]["spec"]

    @property
    def gateway(self) -> dict:
        return named(self.pod["containers"], "switchyard")

    @property
    def config_map(self) -> dict:
        """The one that the pods have."""
        return self.one("ConfigMap", named(self.pod["volumes"], "config")["configMap"]["name"])

    @property
    def config(self) -> dict:
        return yaml.load(self.config_map["data"]["switchyard.yaml"], Strict)


def named(items: list[dict], name: str) -> dict:
    found = [each for each in items if each.get("name") == name]
    assert len(found) == 1, f"{len(found)} called {name} in {items}"
    return found[0]


def helm(*args: str, stdin: str = "", env: dict[str, str] | None = None) -> str:
    """What helm says when it is asked; an error is `Refused`."""
    done = subprocess.run(
        [HELM, *args], input=stdin, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **(env or {})}
    )
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def render(values: dict | None = None, *flags: str, release: str = "edge", namespace: str = "web", **how) -> Objects:
    """`helm template` with these values over the chart's."""
    return _rendered(json.dumps(values or {}), flags, release, namespace, **how)


def feature(name: str, *flags: str) -> Objects:
    """A file of ci/."""
    file = FEATURES[name]
    return _rendered(file.read_text() if file else "{}", flags, "edge", "web")


def refusal(values: dict, *flags: str) -> str:
    """What is said about values that do not render."""
    try:
        render(values, *flags)
    except Refused as refused:
        return str(refused)
    raise AssertionError(f"it renders with {values}")


def _rendered(text: str, flags: tuple[str, ...], release: str, namespace: str, kubernetes: str = NEWEST, env: tuple = ()) -> Objects:
    rendered = _template(text, flags, release, namespace, kubernetes, env)
    return Objects(each for each in yaml.load_all(rendered, Strict) if each)


@functools.cache
def _template(text: str, flags: tuple[str, ...], release: str, namespace: str, kubernetes: str, env: tuple) -> str:
    apis = [f"--api-versions={api}" for api in MONITORING]
    version = f"--kube-version={kubernetes}.0"
    return helm("template", release, str(CHART), "--namespace", namespace, "-f", "-", version, *apis, *flags, stdin=text, env=dict(env))
