"""Images of machines' disks and builders, which stand under the same words as containers' and come from no registry.

Pure. One place knows them, and every finder asks here: a machine whose disk is looked for in ECR does not start.
The sources are the references of the Terraform providers, kOps, Cluster API and OpenShift's Machine API. Pipelines follow
CircleCI's machine executor, Azure Pipelines' pools, CodeBuild's curated images and Google's list of public disks.
"""

from __future__ import annotations

import re

# Terraform's resources, and Packer's builders, that start machines from disks.
_RESOURCE = re.compile(
    r"(?:google_compute_|google_tpu_|google_notebooks_instance|google_dataproc_|google_workbench_|lxd|incus|hcloud|"
    r"digitalocean_|linode|vultr|openstack|scaleway_(?:instance|baremetal|server)|scaleway\Z|exoscale|upcloud|libvirt|"
    r"proxmox|vsphere|vcd_|nutanix|opentelekomcloud_|huaweicloud_|alicloud_(?:instance|ecs|image)|tencentcloud_(?:instance|image)|"
    r"yandex_compute|oci_core_|ovh_|equinix_metal|packet_|metal_|ibm_(?:is|compute|pi)_|ionoscloud_|profitbricks_|"
    r"cloudstack_|maas_|triton_|civo_instance|brightbox_|multipass_|xenorchestra_|virtualbox_|harvester_|"
    r"azurerm_(?:linux_|windows_|orchestrated_)?virtual_machine|azurerm_(?:shared_)?image|azurerm_dev_test_|"
    r"aws_(?:ami|instance|spot_|launch_|imagebuilder|appstream|workspaces|lightsail_instance|nimble)|"
    r"googlecompute|digitalocean|hyperv|qemu|cloudstack|parallels|vmware)",
    re.ASCII,
)
_KIND = re.compile(
    r"InstanceGroup|(?!Docker|Dev|Kubevirt|KubeVirt|Virtual)\w*Machine(?:Template|Pool|PoolTemplate|Set|Deployment|Class)?",
    re.ASCII,
)
# `machine: {image: ubuntu-2204:current}` of CircleCI, `pool: {vmImage: …}` of Azure, `os_image` of Semaphore.
_PIPELINE_FIELD = re.compile(r"(?:.*\.)?(?:machine\.image|vmImage|os_image)", re.S)
# CodeBuild resolves these names by itself.
_CODEBUILD = "aws/codebuild/"
_PUBLIC_PROJECT = re.compile(
    r"(?:debian|ubuntu-os(?:-pro)?|centos|cos|rocky-linux|almalinux|rhel(?:-sap)?|suse(?:-sap|-byos)?|opensuse|windows|"
    r"windows-sql|fedora-(?:coreos-)?|oracle-linux|freebsd-org)-cloud(?:-dev)?|"
    r"(?:freebsd-org-cloud-dev|deeplearning-platform-release|cloud-hpc-image-public|ml-images|projects)",
    re.ASCII,
)


def is_machine_resource(type_: str) -> bool:
    """Whether a Terraform resource or a Packer builder of this type starts machines: its images are disks."""
    return _RESOURCE.match(type_) is not None


def is_machine_kind(kind: str) -> bool:
    """Whether a kind of Kubernetes' objects describes machines: an image outside of its containers is a disk."""
    return _KIND.fullmatch(kind) is not None


def is_machine_field(field: str) -> bool:
    """Whether a pipeline's field names the machine that its jobs run on."""
    return _PIPELINE_FIELD.fullmatch(field) is not None


def is_machine_name(reference: str) -> bool:
    """Whether a service resolves the name by itself: CodeBuild's own builders, families of Google's public disks."""
    if reference.startswith(_CODEBUILD):
        return True
    project, slash, family = reference.partition("/")
    return bool(slash) and ":" not in family and "@" not in family and _PUBLIC_PROJECT.fullmatch(project) is not None
