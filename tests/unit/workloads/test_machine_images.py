"""Disks of machines share a word with containers' images; one-word images are images where containers stand."""

from __future__ import annotations

import pytest

from orchestrator.workloads.find import find_images


def images(path: str, text: str) -> list[str]:
    return [place.reference for place in find_images(path, text).places]


@pytest.mark.parametrize(
    "text",
    [
        'resource "google_compute_instance" "a" {\n  boot_disk {\n    initialize_params {\n      image = "debian-cloud/debian-11"\n    }\n  }\n}\n',
        'resource "lxd_instance" "a" {\n  image = "ubuntu:22.04"\n}\n',
        'resource "incus_instance" "a" {\n  image = "images:debian/12"\n}\n',
        'resource "openstack_compute_instance_v2" "a" {\n  image_name = "ubuntu"\n  image = "registry.example.com/disk:1"\n}\n',
        'module "vm" {\n  image = "ubuntu-os-cloud/ubuntu-2204-lts"\n}\n',
        'variable "image" {\n  default = "rocky-linux-cloud/rocky-linux-9"\n}\n',
        'resource "google_compute_instance" "a" {\n  disks = [{ image = "disks.example.com/web:1" }]\n}\n',
        'data "openstack_images_image_v2" "a" {\n  image = "registry.example.com/disk:1"\n}\n',
        'locals {\n  image = "fedora-coreos-cloud/fedora-coreos-stable"\n}\n',
        'resource "aws_codebuild_project" "a" {\n  environment {\n    image = "aws/codebuild/standard:7.0"\n  }\n}\n',
    ],
)
def test_terraform_names_disks_too(text: str) -> None:
    assert images("main.tf", text) == []


@pytest.mark.parametrize(
    "text",
    [
        'resource "aws_batch_job_definition" "a" {\n  container_properties = jsonencode({ image = "busybox" })\n}\n',
        'resource "aws_batch_job_definition" "a" {\n  node_properties = jsonencode({\n    nodeRangeProperties = [{ container = { image = "busybox" } }]\n  })\n}\n',
        'resource "aws_ecs_task_definition" "a" {\n  container_definitions = jsonencode([{ name = "a", image = "busybox" }])\n}\n',
        'resource "kubernetes_deployment" "a" {\n  spec {\n    init_container {\n      image = "busybox"\n    }\n  }\n}\n',
        'variable "image" {\n  default = "busybox"\n}\nresource "kubernetes_pod" "a" {\n  container {\n    image = var.image\n  }\n}\n',
        'module "ecs" {\n  container_definitions = { web = { image = "busybox" } }\n}\n',
    ],
)
def test_where_containers_stand_one_word_is_an_image(text: str) -> None:
    assert images("main.tf", text) == ["busybox"]


@pytest.mark.parametrize(
    ("kind", "image"),
    [
        ("InstanceGroup", "kope.io/k8s-1.10-debian-jessie-amd64-hvm-ebs-2018-08-17"),
        ("OpenStackMachineTemplate", "ubuntu-2204-kube:v1.28"),
        ("GCPMachinePool", "disks.example.com/capi:1"),
        ("LXCMachine", "ubuntu/22.04:x"),
    ],
)
def test_kinds_of_machines_name_disks_outside_of_their_containers(kind: str, image: str) -> None:
    hook = "  hooks:\n  - execContainer: {image: busybox, command: [a]}\n"
    text = f"apiVersion: x.k8s.io/v1\nkind: {kind}\nspec:\n  image: {image}\n{hook}"
    assert images("a.yaml", text) == ["busybox"]


def test_machines_that_are_containers_name_images() -> None:
    for kind, field in (("DockerMachineTemplate", "customImage"), ("VirtualMachine", "image")):
        text = f"apiVersion: x.k8s.io/v1\nkind: {kind}\nspec:\n  {field}: kindest/node:v1.27.0\n"
        assert images("a.yaml", text) == ["kindest/node:v1.27.0"]


def test_pipelines_name_the_machines_that_they_run_on() -> None:
    circle = (
        "jobs:\n  a:\n    machine:\n      image: ubuntu-2204:2023.10.1\n  b:\n    docker:\n    - image: cimg/base:1\n"
    )
    assert images(".circleci/config.yml", circle) == ["cimg/base:1"]
    azure = "pool:\n  vmImage: windows:2022\ncontainer: node:18\n"
    assert images("azure-pipelines.yml", azure) == ["node:18"]
    formation = "Resources:\n  P:\n    Properties:\n      Environment:\n        Image: aws/codebuild/amazonlinux2-x86_64-standard:5.0\n"
    assert images("template.yaml", formation) == []


@pytest.mark.parametrize("label", ["lxd", "openstack_exporter", "proxmox-csi", "vsphere_csi"])
def test_modules_and_variables_may_be_called_as_machines_are(label: str) -> None:
    module = f'module "{label}" {{\n  image = "quay.io/team/app:1"\n}}\n'
    assert images("main.tf", module) == ["quay.io/team/app:1"]
    variable = f'variable "{label}_image" {{\n  default = "quay.io/team/app:2"\n}}\n'
    assert images("main.tf", variable) == ["quay.io/team/app:2"]


def test_containers_that_a_machine_runs_are_images() -> None:
    text = (
        'resource "google_compute_instance" "a" {\n  image = "debian-cloud/debian-12"\n  metadata = {\n    declaration = <<X\n'
        "spec:\n  containers:\n  - name: web\n    image: nginx\nX\n  }\n}\n"
    )
    assert images("main.tf", text) == ["nginx"]
