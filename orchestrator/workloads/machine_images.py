"""Images of machines' disks and builders, which stand under the same words as containers' and come from no registry.

Pure. One place knows them, and every finder asks here. A machine whose disk is looked for in ECR does not start.
The sources are the references of the Terraform providers, kOps, Cluster API and OpenShift's Machine API. Pipelines follow
CircleCI's machine executor, Azure Pipelines' pools, CodeBuild's curated images and Google's list of public disks.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Terraform's resources, and Packer's builders, that start machines from disks.
_RESOURCE = re.compile(
    r"google_(?:compute|tpu|dataproc|workbench)_|google_notebooks_instance|googlecompute|"
    r"aws_(?:ami|instance|spot_|launch_|imagebuilder|appstream|workspaces|lightsail_instance|nimble)|"
    r"azurerm_(?:linux_|windows_|orchestrated_)?virtual_machine|azurerm_(?:shared_)?image|azurerm_dev_test_|"
    r"alicloud_(?:instance|ecs|image)|tencentcloud_(?:instance|image)|yandex_compute|oci_core_|ibm_(?:is|compute|pi)_|"
    r"scaleway(?:\Z|_(?:instance|baremetal|server))|civo_instance|metal_|packet_|equinix_metal|ovh_|vcd_|"
    r"brightbox_|ionoscloud_|profitbricks_|huaweicloud_|opentelekomcloud_|harvester_|maas_|multipass_|triton_|"
    r"virtualbox_|xenorchestra_|"
    r"cloudstack|digitalocean|exoscale|hcloud|hyperv|incus|libvirt|linode|lxd|nutanix|openstack|parallels|proxmox|qemu|"
    r"upcloud|vmware|vsphere|vultr",
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
    r"(?:almalinux|centos|cos|debian|fedora(?:-coreos)?|freebsd-org|opensuse|oracle-linux|rhel(?:-sap)?|rocky-linux|"
    r"suse(?:-byos|-sap)?|ubuntu-os(?:-pro)?|windows(?:-sql)?)-cloud(?:-dev)?|"
    r"cloud-hpc-image-public|family|deeplearning-platform-release|ml-images|projects",
    re.ASCII,
)


def is_machine_resource(type_: str) -> bool:
    """Whether a Terraform resource or a Packer builder of this type starts machines: its images are disks."""
    return _RESOURCE.match(type_) is not None


# Asked for every mapping of a document.
@lru_cache(maxsize=512)
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
