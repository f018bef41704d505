"""Volumes as the kubelet lays them out: the files of a ConfigMap, a Secret or a projection are links into a folder of
a moment, and a change is one rename. Who is not the owner may read what its mode and the pod's `fsGroup` allow.
"""

import base64
import os
import shutil
import time

DEFAULT_MODE = 0o644


class Missing(Exception):
    """An object that a volume is of is not there: the pod waits for it."""


def contents(volume, objects, account):
    """What is to be in it: path -> (bytes, mode); None for an empty folder."""
    kind, source = next((key, value) for key, value in volume.items() if key != "name")
    if kind == "emptyDir":
        return None
    mode = source.get("defaultMode", DEFAULT_MODE)
    if kind == "projected":
        files = {}
        for part in source["sources"]:
            (kind_of_part, projection), = part.items()
            files |= _files(kind_of_part, projection, mode, objects, account)
        return files
    return _files(kind, source, mode, objects, account)


def _files(kind, source, mode, objects, account):
    if kind == "serviceAccountToken":
        return {source["path"]: (objects.token(account).encode(), mode)}
    if kind == "downwardAPI":
        known = {"metadata.namespace": objects.namespace.encode()}
        return {item["path"]: (known[item["fieldRef"]["fieldPath"]], mode) for item in source["items"]}
    data = _data(kind, source, objects)
    if "items" not in source:
        return {key: (value, mode) for key, value in data.items()}
    return {item["path"]: (data[item["key"]], item.get("mode", mode)) for item in source["items"]}


def _data(kind, source, objects):
    what, name = {
        "configMap": ("ConfigMap", source.get("name")),
        "secret": ("Secret", source.get("secretName") or source.get("name")),
    }[kind]
    found = objects.get(what, name)
    if found is None:
        if source.get("optional"):
            return {}
        raise Missing(f"{what} {name}")
    plain = {key: value.encode() for key, value in (found.get("stringData" if what == "Secret" else "data") or {}).items()}
    coded = (found.get("data" if what == "Secret" else "binaryData") or {}).items()
    return plain | {key: base64.b64decode(value) for key, value in coded}


class Volume:
    """One volume of one pod."""

    def __init__(self, folder, manifest, spec):
        self.folder, self.manifest, self._files = folder, manifest, {}
        self._group, self._account = spec.get("securityContext", {}).get("fsGroup"), spec["serviceAccountName"]
        folder.mkdir(parents=True)
        os.chmod(folder, 0o777 if "emptyDir" in manifest else 0o755)

    def write(self, objects):
        """Makes it what the objects say, in one step."""
        files = contents(self.manifest, objects, self._account)
        if files is None or files == self._files:
            return
        moment = f"..{time.strftime('%Y_%m_%d_%H_%M_%S')}.{time.time_ns() % 10**9:09}"
        for path, (content, mode) in files.items():
            self._file(self.folder / moment / path, content, mode)
        old = os.readlink(self.folder / "..data") if self._files else None
        os.symlink(moment, self.folder / "..data_tmp")
        os.rename(self.folder / "..data_tmp", self.folder / "..data")
        self._link({path.split("/", 1)[0] for path in files})
        if old:
            shutil.rmtree(self.folder / old)
        self._files = files

    def _file(self, path, content, mode):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if self._group is not None:
            mode |= 0o440
            os.chown(path, 0, self._group)
        os.chmod(path, mode)

    def _link(self, names):
        for name in names:
            if not (self.folder / name).is_symlink():
                os.symlink(f"..data/{name}", self.folder / name)
        for entry in self.folder.iterdir():
            if not entry.name.startswith("..") and entry.name not in names:
                entry.unlink()
