"""The affinity key and the admin token. That they stay across upgrades: test_lookup.py."""

import base64

import pytest
from chart import feature, named, render

OURS = {"affinity-key": "affinityKey", "admin-token": "adminToken"}


def sources(objects):
    return {
        each["secret"]["items"][0]["path"]: (each["secret"]["name"], each["secret"]["items"][0]["key"])
        for each in named(objects.pod["volumes"], "keys")["projected"]["sources"]
    }


@pytest.mark.parametrize("entry", OURS)
def test_one_is_made_that_nobody_can_guess(entry):
    secrets = [render(release=release).one("Secret", f"{release}-switchyard-{entry}") for release in ("one", "two")]
    texts = [base64.b64decode(secret["data"][entry]) for secret in secrets]
    assert texts[0] != texts[1]
    for secret, text in zip(secrets, texts, strict=True):
        assert len(text) >= 32
        assert secret["type"] == "Opaque"
        assert secret["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        assert list(secret["data"]) == [entry]


def test_the_two_are_not_the_same():
    secrets = [next(iter(secret["data"].values())) for secret in render().all("Secret")]
    assert len(secrets) == len(set(secrets)) == 2


@pytest.mark.parametrize(("entry", "value"), OURS.items())
def test_a_secret_of_the_users(entry, value):
    objects = render({value: {"existingSecret": "mine", "key": "its-entry"}})
    assert [secret["metadata"]["name"] for secret in objects.all("Secret")] == [f"edge-switchyard-{other}" for other in OURS if other != entry]
    assert sources(objects)[entry] == ("mine", "its-entry")


def test_what_the_configuration_does_not_read_is_not_made():
    objects = feature("no-affinity-key")
    assert objects.all("Secret") == []
    assert all(volume["name"] != "keys" for volume in objects.pod["volumes"])
    assert "affinity_key_file" not in objects.config
