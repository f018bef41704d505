"""What checkov says of each feature: nothing, but for what is committed here with its reason."""

import fnmatch
import json
import subprocess

import yaml
from chart import FEATURES, HERE, feature

CHECKOV = HERE / ".venv-policy/bin/checkov"

# check, feature, resource: why it may fail there. One that fails nowhere any more is an error.
ALLOWED = [
    ("CKV_K8S_11", "*", "*", "a limit of CPU throttles: a gateway that may not run for 50 ms answers all its sessions late. The request is set."),
    ("CKV_K8S_15", "*", "*", "`IfNotPresent`: a registry that is away must not keep pods from starting, and a released tag does not change."),
    ("CKV_K8S_43", "*", "*", "a digest is the user's to say (`image.digest`); there is no image of ours in a registry."),
    ("CKV_K8S_8", "*", "Pod.*-test-*", "a pod of `helm test` runs once and ends: there is nothing to probe."),
    ("CKV_K8S_9", "*", "Pod.*-test-*", "the same."),
    ("CKV_K8S_8", "listeners", "Deployment.*", "the container beside the gateway stands for one of a user's."),
    ("CKV_K8S_8", "extras", "Deployment.*", "the same."),
    ("CKV_K8S_9", "listeners", "Deployment.*", "the same."),
    ("CKV_K8S_9", "extras", "Deployment.*", "the same."),
    ("CKV2_K8S_6", "*", "*", "who may connect is the user's to say (`networkPolicy.enabled`), because it depends on who scrapes and where clients come from."),
    ("CKV_K8S_38", "*", "*.edge-switchyard", "only where a cluster of the configuration follows a service of Kubernetes; test_access.py has when."),
    ("CKV_K8S_38", "extras", "*.gateway", "the same."),
    ("CKV_K8S_40", "openshift", "*", "it is what this feature is: the cluster chooses the user."),
    ("CKV_K8S_19", "host-network*", "*", "it is what this feature is."),
    ("CKV_K8S_26", "host-network*", "*", "it is what this feature is."),
]


def test_policy(tmp_path):
    for name in FEATURES:
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump_all(list(feature(name))))
    report = checkov(tmp_path)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 100 * len(FEATURES)
    failed = [(check["check_id"], check["file_path"][1:-5], check["resource"], check["check_name"]) for check in report["results"]["failed_checks"]]
    assert [" ".join(each) for each in failed if not any(matches(each, allowed) for allowed in ALLOWED)] == []
    assert [allowed[:3] for allowed in ALLOWED if not any(matches(each, allowed) for each in failed)] == [], "these fail nowhere"


def matches(failed, allowed):
    return all(fnmatch.fnmatchcase(said, pattern) for said, pattern in zip(failed[:3], allowed[:3], strict=True))


def checkov(folder):
    """Its report on all files of the folder. It asks nobody: what it would download is for other platforms."""
    command = [CHECKOV, "--directory", folder, "--framework", "kubernetes", "--skip-download", "--compact", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.startswith("{"), done.stderr
    return json.loads(done.stdout)
