"""The registry API of the embedded ECR below `/v2/`: what docker, skopeo, kubelets and the copier speak.

The stages: a request becomes a value (`request`), its host or path says whose registry is meant (`address`). `api` answers it from
the state that the control plane (`orchestrator.local.ecr`) holds. An image that is pushed here is one that
DescribeImages sees.
Source: OCI distribution specification 1.1; Amazon ECR user guide (quotas, pull-through cache, blob mounting).
"""
