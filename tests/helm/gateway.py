"""The gateway's binary, and the files of its pod in a folder of ours."""

import base64
import os
import subprocess
from pathlib import Path

from chart import ROOT, Objects, named

BINARY = Path(os.environ.get("SWITCHYARD_BIN", ROOT / "target/debug/switchyard"))
Certificate = tuple[Path, Path]


def check(objects: Objects, root: Path, certificate: Certificate) -> subprocess.CompletedProcess:
    """What `switchyard check` says in the init container, whose root is this folder."""
    container = named(objects.pod["initContainers"], "check")
    paths = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    for name, path in paths.items():
        folder = root / path.lstrip("/")
        folder.mkdir(parents=True)
        for file, content in _files(named(objects.pod["volumes"], name), path, objects, certificate):
            (folder / file).write_bytes(content)
    config = root / "etc/switchyard/config/switchyard.yaml"
    text = config.read_text()
    for path in paths.values():
        text = text.replace(path, f"{root}{path}")
    config.write_text(text)
    args = [arg.replace("/etc/switchyard", f"{root}/etc/switchyard") for arg in container["args"]]
    return subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=30, check=False)


def _files(volume: dict, path: str, objects: Objects, certificate: Certificate):
    """Files of a volume, with what is in them."""
    if config := volume.get("configMap"):
        for name, text in objects.one("ConfigMap", config["name"])["data"].items():
            yield name, text.encode()
    for source in volume.get("projected", {}).get("sources", []):
        for item in source["secret"]["items"]:
            yield item["path"], _entry(objects, source["secret"]["name"], item["key"])
    for item in volume.get("downwardAPI", {}).get("items", []):
        yield item["path"], b"a-value-of-the-pod"
    if "secret" in volume:
        yield from _secret(path, objects.config, certificate)


def _entry(objects: Objects, secret: str, key: str) -> bytes:
    """An entry of a Secret of ours; one of the user's is what a user would make."""
    ours = [each for each in objects.all("Secret") if each["metadata"]["name"] == secret]
    return base64.b64decode(ours[0]["data"][key]) if ours else b"0123456789abcdef0123456789abcdef"


def _secret(path: str, config, certificate: Certificate):
    """All files in it that the configuration names: a key where it says key, else a certificate, or a word."""
    cert, key = certificate
    for text in _texts(config):
        if text.startswith(f"{path}/"):
            name = text.removeprefix(f"{path}/")
            kinds = {".key": key.read_bytes(), ".crt": cert.read_bytes()}
            yield name, kinds.get(Path(name).suffix, b"a-word-of-a-user-of-the-chart\n")


def _texts(value):
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)
