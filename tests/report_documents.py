"""A document of `report --json` that has something of everything, for the tests of the page."""

from __future__ import annotations

from typing import Any

HOST = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
REPOSITORIES = (
    ("docker-hub/library/nginx", 14, 900, "2026-08-02", "2026-11-26", 4),
    ("docker-hub/grafana/grafana", 9, 2100, "2026-07-11", "2026-11-25", 5),
    ("k8s/ingress-nginx/controller", 6, 610, "2026-09-24", "2026-11-20", 0),
    ("mcr/dotnet/aspnet", 12, 3200, "2026-05-03", "2026-10-01", 8),
    ("quay/argoproj/argocd", 4, 1400, "2026-11-01", "2026-11-26", 0),
    ("quay/prometheus/node-exporter", 22, 480, "2026-03-09", None, 20),
)
IMAGES = (
    ("nginx:1.27", "redirected", [HOST], "", ["apps/Deployment/web", "apps/Deployment/api"]),
    (
        "docker.io/grafana/grafana:11",
        "redirected",
        [HOST, "docker.io"],
        "the Pod is older than the policy",
        ["ops/StatefulSet/g"],
    ),
    ("quay.io/argoproj/argocd@sha256:" + "a" * 64, "unchanged", ["quay.io"], "digest", ["argocd/Deployment/server"]),
    ("registry.k8s.io/pause:3.10", "redirected", [HOST], "", ["kube-system/DaemonSet/proxy"]),
    ("ghcr.io/example/tool:1", "unchanged", ["ghcr.io"], "no route", [f"team/Job/{n}" for n in range(5)]),
)
FINDINGS = (
    ("docker-hub/library/nginx", "1.25", "CRITICAL", 5, "CVE-2026-1001", "openssl", "3.0.1", "3.0.9", True),
    ("mcr/dotnet/aspnet", "8.0", "HIGH", 4, "CVE-2026-1002", "zlib", "1.2.11", "", False),
    ("quay/prometheus/node-exporter", "v1.7.0", "MEDIUM", 3, "CVE-2026-1003", "glibc", "2.36", None, None),
)


def report_document(name: str = "prod") -> dict[str, Any]:
    """As the command makes it; one part could not be asked."""
    rows = [
        {
            "repository": repository,
            "images": images,
            "bytes": mebibytes * 2**20,
            "first_push": f"{first}T00:00:00+00:00",
            "last_pull": f"{pulled}T00:00:00+00:00" if pulled else None,
            "expiring": expiring,
            "cost": mebibytes / 1024 * 0.1,
            "saving": mebibytes / 1024 * 0.1 * expiring / images,
        }
        for repository, images, mebibytes, first, pulled, expiring in REPOSITORIES
    ]
    images = [
        {
            "reference": reference,
            "answer": answer,
            "target": None,
            "route": None,
            "reason": None,
            "detail": None,
            "digests": [],
            "workloads": workloads,
            "pulled_from": pulled_from,
            "stays": [],
            "why": why,
        }
        for reference, answer, pulled_from, why, workloads in IMAGES
    ]
    findings = [
        {
            "repository": repository,
            "tag": tag,
            "digest": "sha256:" + "b" * 64,
            "severity": severity,
            "rank": rank,
            "name": finding,
            "package": package,
            "installed": installed,
            "fixed": fixed,
            "in_use": in_use,
        }
        for repository, tag, severity, rank, finding, package, installed, fixed, in_use in FINDINGS
    ]
    return {
        "generated": "2026-11-26T03:00:00Z",
        "versions": {
            "version": "0.1.0",
            "python": "3.13.1",
            "platform": "linux_x86_64",
            "terraform": "1.15.0",
            "terraform_found": "PATH",
        },
        "environments": [
            {
                "name": name,
                "account_id": "111122223333",
                "region": "us-east-1",
                "platform": "eks",
                "cluster": "prod",
                "registry": HOST,
                "routes": [
                    {
                        "prefix": "docker-hub",
                        "source": "docker.io",
                        "kind": "pull-through",
                        "images": 2,
                        "valid": False,
                        "failure": "The secret could not be read.",
                    },
                    {
                        "prefix": "quay",
                        "source": "quay.io",
                        "kind": "pull-through",
                        "images": 1,
                        "valid": True,
                        "failure": "",
                    },
                    {
                        "prefix": "mcr",
                        "source": "mcr.microsoft.com",
                        "kind": "mirror",
                        "images": 0,
                        "valid": None,
                        "failure": "",
                    },
                ],
                "images": images,
                "outside": [{"source": source, "images": 1} for source in ("docker.io", "ghcr.io", "quay.io")],
                "cache": {
                    "repositories": rows,
                    "bytes": sum(row["bytes"] for row in rows),
                    "cost": sum(row["cost"] for row in rows),
                    "saving": sum(row["saving"] for row in rows),
                    "would_stop": None,
                },
                "findings": {
                    "severities": {
                        "CRITICAL": 1,
                        "HIGH": 4,
                        "MEDIUM": 11,
                        "LOW": 30,
                        "INFORMATIONAL": 0,
                        "UNDEFINED": 0,
                    },
                    "found": findings,
                },
                "drift": {"resources": 2, "checked": "2026-11-26T02:00:00Z"},
                "last_apply": "2026-11-20T10:00:00Z",
                "problems": ["scan findings: quay/example: AccessDenied from DescribeImageScanFindings"],
            }
        ],
    }
