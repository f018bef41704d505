"""What the gateway may ask of Kubernetes: EndpointSlices, in the namespaces that its clusters name."""

import pytest
from chart import feature, render

RULES = [{"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]}]


def cluster(name, **kubernetes):
    return {"name": name, "kubernetes": {"service": "s", "port": 80} | kubernetes}


def clusters(*several):
    return {"config": {"routes": [{"name": "all", "cluster": several[0]["name"]}], "clusters": list(several)}}


@pytest.mark.parametrize(
    ("said", "namespaces"),
    [
        (clusters(cluster("a")), ["web"]),
        (clusters(cluster("a"), cluster("b")), ["web"]),
        (clusters(cluster("a", namespace="other"), cluster("b", namespace="more"), cluster("c", namespace="other")), ["more", "other"]),
        (clusters(cluster("a", namespace="web"), cluster("b")), ["web"]),
        (clusters(cluster("a"), cluster("b", namespace="far", kubeconfig="/k")), ["web"]),
        (clusters(cluster("a", kubeconfig="/k")), []),
        (clusters({"name": "a", "endpoints": [{"address": "10.0.0.1:80"}]}), []),
    ],
)
def test_a_role_for_each_namespace(said, namespaces):
    objects = render(said)
    roles, bindings = objects.all("Role"), objects.all("RoleBinding")
    assert [role["metadata"]["namespace"] for role in roles] == namespaces
    assert [binding["metadata"]["namespace"] for binding in bindings] == namespaces
    for role, binding in zip(roles, bindings, strict=True):
        assert role["rules"] == RULES
        assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role["metadata"]["name"]}
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "edge-switchyard", "namespace": "web"}]
    assert objects.pod["automountServiceAccountToken"] is bool(namespaces), "a token only for who needs one"
    assert not objects.all("ClusterRole") + objects.all("ClusterRoleBinding")


def test_roles_of_two_releases_in_a_third_namespace_are_two():
    said = clusters(cluster("a", namespace="apps"))
    names = {render(said, namespace=namespace).one("Role")["metadata"]["name"] for namespace in ("one", "two")}
    assert len(names) == 2


def test_no_roles_where_somebody_else_makes_them():
    objects = render({"rbac": {"create": False}})
    assert not objects.all("Role") + objects.all("RoleBinding")
    assert objects.pod["automountServiceAccountToken"] is True


def test_service_account():
    account = render().one("ServiceAccount")
    assert account["metadata"]["name"] == "edge-switchyard"
    assert account["automountServiceAccountToken"] is False
    mine = render({"serviceAccount": {"create": False, "name": "mine"}})
    assert mine.all("ServiceAccount") == []
    assert mine.pod["serviceAccountName"] == "mine" == mine.one("RoleBinding")["subjects"][0]["name"]
    assert feature("static-endpoints").pod["serviceAccountName"] == "default"


def test_no_token_for_the_pods_of_helm_test():
    for pod in feature("echo-test").all("Pod"):
        assert pod["spec"]["automountServiceAccountToken"] is False
