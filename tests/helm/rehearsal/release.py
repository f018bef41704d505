"""The chart, rendered by Helm itself; what it looks up is asked of the rehearsal's API server."""

import asyncio
import json

import yaml
from chart import CHART, HELM

from rehearsal.api import OPERATOR, PORT

RELEASE, NAMESPACE = "edge", "web"


async def rendered(values, api, folder, is_upgrade):
    (folder / "values.yaml").write_text(json.dumps(values), encoding="utf-8")
    (folder / "ca.crt").write_text(api.authority, encoding="ascii")
    command = [
        str(HELM), "template", RELEASE, str(CHART), "--namespace", NAMESPACE, "--values", str(folder / "values.yaml"),
        "--dry-run=server", "--kube-apiserver", f"https://{api.address}:{PORT}", "--kube-token", OPERATOR,
        "--kube-ca-file", str(folder / "ca.crt"), *(["--is-upgrade"] if is_upgrade else []),
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    output, errors = await process.communicate()
    assert process.returncode == 0, f"helm: {errors.decode()}"
    return [manifest for manifest in yaml.safe_load_all(output) if manifest]
