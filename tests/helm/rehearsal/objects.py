"""What the API server keeps: objects by kind, namespace and name, and who may do what with EndpointSlices.

Not here: its protocol: see `api`.
"""

SLICES = {"group": "discovery.k8s.io", "resource": "endpointslices"}


class Objects:
    def __init__(self, namespace):
        self.namespace = namespace
        self._objects = {}

    def apply(self, manifest):
        self._objects[self._key(manifest)] = manifest

    def remove(self, manifest):
        del self._objects[self._key(manifest)]

    def get(self, kind, name, namespace=None):
        return self._objects.get((kind, namespace or self.namespace, name))

    def of(self, kind, namespace):
        return [found for (known, space, _), found in self._objects.items() if (known, space) == (kind, namespace)]

    def _key(self, manifest):
        metadata = manifest["metadata"]
        return manifest["kind"], metadata.get("namespace", self.namespace), metadata["name"]

    def token(self, account):
        """What a pod of this service account shows."""
        return f"token-of.{account}"

    def may(self, token, verb, namespace):
        """Whether Roles and RoleBindings let the account of a token do it with EndpointSlices of a namespace."""
        for binding in self.of("RoleBinding", namespace):
            accounts = [subject["name"] for subject in binding["subjects"] if subject.get("namespace") == self.namespace]
            role = self.get("Role", binding["roleRef"]["name"], namespace)
            if role and token in map(self.token, accounts) and any(allows(rule, verb) for rule in role["rules"]):
                return True
        return False


def allows(rule, verb):
    return SLICES["group"] in rule["apiGroups"] and SLICES["resource"] in rule["resources"] and verb in rule["verbs"]
