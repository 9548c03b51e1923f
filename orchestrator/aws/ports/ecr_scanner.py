"""The ports of scan findings: a scanner over ECR's API, a topic over SNS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.aws.ports.refusals import refusals
from orchestrator.findings.message import Message

# The most that DescribeImageScanFindings takes; 100 unless said.
PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class EcrScanner:
    """The scanner port."""

    ecr: Any

    def start(self, repository: str, digest: str) -> None:
        with refusals():
            self.ecr.start_image_scan(repositoryName=repository, imageId={"imageDigest": digest})

    def finding_pages(self, repository: str, digest: str) -> Iterator[Mapping[str, Any]]:
        with refusals():
            pages = self.ecr.get_paginator("describe_image_scan_findings").paginate(
                repositoryName=repository,
                imageId={"imageDigest": digest},
                PaginationConfig={"PageSize": PAGE_SIZE},
            )
            for page in pages:
                yield page.get("imageScanFindings") or {}


@dataclass(frozen=True, slots=True)
class SnsTopic:
    """The topic port."""

    sns: Any
    arn: str

    def publish(self, message: Message, severity: str) -> None:
        with refusals():
            self.sns.publish(
                TopicArn=self.arn,
                Subject=message.subject,
                Message=message.structure(),
                MessageStructure="json",
                MessageAttributes={"severity": {"DataType": "String", "StringValue": severity}},
            )
