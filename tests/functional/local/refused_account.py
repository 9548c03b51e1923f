"""An account of the embedded AWS in which a refusal is provoked: what a case makes there before it asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from orchestrator.local.controls import SeedImage, seed_images
from tests.functional.local.conftest import Clients

if TYPE_CHECKING:
    from orchestrator.local import LocalAws


class World:
    """Clients of one account, and shorthands for what the cases need."""

    def __init__(self, clients: Clients, local: LocalAws, account: str) -> None:
        self.clients, self.local, self.account = clients, local, account
        self.ecr: Any = clients("ecr")

    def secret(self, name: str = "hub", value: str | None = None, **more: str) -> str:
        value = value or json.dumps({"username": "u", "accessToken": "t"})
        made = self.clients("secretsmanager").create_secret(
            Name=f"ecr-pullthroughcache/{name}", SecretString=value, **more
        )
        return str(made["ARN"])

    def absent(self) -> str:
        return f"arn:aws:secretsmanager:eu-west-1:{self.account}:secret:ecr-pullthroughcache/none-AbCdEf"

    def rule(self, prefix: str = "hub", url: str = "registry-1.docker.io", **more: Any) -> Any:
        if url == "registry-1.docker.io" and "credentialArn" not in more:
            more["credentialArn"] = self.secret()
        return self.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=url, **more)

    def repository(self, name: str = "app", **more: Any) -> str:
        self.ecr.create_repository(repositoryName=name, **more)
        return name

    def image(self, tag: str = "v1", **more: Any) -> dict[str, Any]:
        seed_images(self.local, self.account, "eu-west-1", "app", [SeedImage((tag,), **more)])
        return {"imageTag": tag}

    def manifest(self, text: str = "one", **more: Any) -> str:
        return json.dumps({"schemaVersion": 2, "mediaType": "x", "annotations": {"t": text}, **more})

    def put(self, manifest: str, tag: str | None = None, **more: Any) -> Any:
        named = {"imageTag": tag} if tag else {}
        return self.ecr.put_image(repositoryName="app", imageManifest=manifest, **named, **more)

    def upload(self, *parts: bytes, digest: str = "", upload_id: str = "") -> Any:
        upload_id = upload_id or self.ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
        first = 0
        for part in parts:
            self.ecr.upload_layer_part(
                repositoryName="app",
                uploadId=upload_id,
                partFirstByte=first,
                partLastByte=first + len(part) - 1,
                layerPartBlob=part,
            )
            first += len(part)
        digest = digest or "sha256:" + hashlib.sha256(b"".join(parts)).hexdigest()
        return self.ecr.complete_layer_upload(repositoryName="app", uploadId=upload_id, layerDigests=[digest])

    def key(self, state: str = "") -> str:
        kms = self.clients("kms")
        metadata = kms.create_key()["KeyMetadata"]
        if state:
            kms.disable_key(KeyId=metadata["KeyId"])
        return str(metadata["Arn"])


def twice(make: Callable[[], Any]) -> None:
    make()
    make()


def many(make: Callable[[int], Any], number: int) -> None:
    for index in range(number):
        make(index)


def tags(number: int, key: str = "k") -> list[dict[str, str]]:
    return [{"Key": f"{key}{index}", "Value": ""} for index in range(number)]


def pulled_by(name: str = "puller") -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::444455556666:role/{name}"},
                    "Action": ["ecr:BatchGetImage"],
                    "Resource": ["*"],
                }
            ],
        }
    )
