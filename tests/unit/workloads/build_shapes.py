"""Terraform's files, Dockerfiles, and values and objects in forms that `shapes` does not have, written as there."""

from __future__ import annotations

BUILD_SHAPES: dict[str, tuple[str, str]] = {
    "definitions escaped in a quoted text": (
        "ecs.tf",
        'resource "aws_ecs_task_definition" "a" {\n'
        '  container_definitions = "[{\\"name\\": \\"a\\", \\"image\\": \\"«alpine»\\"}, {\\"image\\":\\"«a/b:1»\\"}]"\n}\n'
        'variable "base" { default = "«quay.io/q/r:2»" }\n'
        'locals {\n  one   = "{\\"image\\": \\"${var.base}\\"}"\n  two   = "{\\"image\\": \\"disk\\"}"\n'
        '  # old = "{\\"image\\": \\"a/b:1\\"}"\n}\n',
    ),
    "definitions escaped in a heredoc": (
        "batch.tf",
        'resource "aws_cloudwatch_event_target" "a" {\n  input = <<EOT\n{"properties": "{\\"image\\": \\"«c/d:3»\\"}",\n'
        ' "container_properties": "{\\"image\\": \\"«redis»\\"}"}\nEOT\n}\n',
    ),
    "definitions in a heredoc": (
        "heredoc.tf",
        'resource "aws_ecs_task_definition" "a" {\n  container_definitions = <<-EOT\n'
        '\t[{"name": "a",\n\t\t"image": "«alpine»", "cpu": 1}]\n  EOT\n}\n'
        'resource "aws_batch_job_definition" "b" {\n  container_properties = jsonencode(<<EOT\n{"image": "«redis»"}\nEOT\n  )\n}\n'
        'resource "other" "c" {\n  settings = <<EOT\n{"title": "a", "image": "disk"}\nEOT\n}\n',
    ),
    "defaults of an object's attributes": (
        "variables.tf",
        'variable "a" {\n  type = map(object({\n    image = optional(string, "«ghcr.io/a/b:latest»") # why\n'
        '    kind  = optional(string, "a/b:1")\n  }))\n}\n',
    ),
    "docker's provider": (
        "docker.tf",
        'resource "docker_image" "a" {\n  name = "«nginx»"\n}\n'
        'resource "docker_image" "b" {\n  name = "mine:1"\n  build { context = "." }\n}\n'
        'resource "docker_registry_image" "c" {\n  name = "pushed.example.com/a:1"\n}\n'
        'data "docker_registry_image" "d" {\n  name = "«ubuntu:precise»"\n}\n'
        'resource "docker_container" "e" {\n  name  = "redis:7"\n  image = "«redis»"\n}\n'
        'resource "docker_container" "f" {\n  image = docker_image.a.image_id\n}\n'
        'resource "docker_service" "g" {\n  task_spec {\n    container_spec {\n      image = "«memcached»"\n    }\n  }\n}\n'
        'resource "other" "h" {\n  image = "word"\n}\n',
    ),
    "lightsail's containers": (
        "lightsail.tf",
        'resource "aws_lightsail_container_service_deployment_version" "a" {\n  container {\n    image = "«nginx»"\n  }\n'
        '  container {\n    image = "«amazon/amazon-lightsail:hello-world»"\n  }\n}\n',
    ),
    "directives behind blanks": (
        "Dockerfile",
        "  # escape=`\nFROM `\n  «node:18» `\n  # why\n  AS a\n",
    ),
    "a syntax behind blanks is a comment": ("b.Dockerfile", " # syntax=docker/dockerfile:1\nFROM «a/b»\n"),
    "a syntax behind an indented directive is a comment": (
        "c.Dockerfile",
        " # check=skip=all\n# syntax=docker/dockerfile:1\nFROM «a/b»\n",
    ),
    "values with a path alone": (
        "values.yaml",
        "art:\n  image: «kserve/art-explainer»\n  defaultJobImage: «kserve/storage»\n  defaultJobTag: ''\n"
        "  otherImage: some/path\n  logo:\n    image: img/logo.png\n  cover:\n    image: word\n",
    ),
    "fields with underscores": (
        "pulp.yaml",
        "apiVersion: pulp.example.com/v1\nkind: Pulp\nspec:\n  image_web: «quay.io/pulp/web»\n  redis_image: «redis:7»\n"
        "  image_pull_policy: a/b:1\n  image_size: 5\n",
    ),
    "a setting's image without version": (
        "settings.yaml",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  cacheImage: [[never]]«quay.io/ubi8/ubi-minimal»\n  page: quay.io/a/b\n"
        "  image: word\n",
    ),
    "variables for compose": (
        ".env",
        "A=b/c:1\nWEB_IMAGE=[[env]]«ghcr.io/a/web:1»\nexport DB_IMAGE='[[env]]«postgres:16»' # why\nB_IMAGE=$A/b:1\n"
        'IMAGE_SIZE=5\n# OLD_IMAGE=a/b:1\nweb_image = "[[env]]«quay.io/a/b»"\n',
    ),
    "variables of a name": ("deploy/web.env", "IMAGE=[[env]]«a/b:1»\n"),
    "variables for a place": (".env.production", "IMAGE=[[env]]«a/b:1»\n"),
    "a dockerfile by its beginning": ("Dockerfile-update", "FROM «a/b»\n"),
    "a dockerfile by its number": ("Dockerfile2", "FROM «a/b»\n"),
    "a dockerfile by its end": ("docker/DebugDockerfile", "FROM «a/b»\n"),
    "an environment in terraform": (
        "env.tf",
        'resource "aws_lambda_function" "a" {\n  environment {\n    variables = {\n      RUN_IMAGE = "[[env]]«a/b:1»"\n'
        '      SIZE = "c/d:1"\n    }\n  }\n}\n'
        'output "o" {\n  value = { "RUN_IMAGE" = "[[env]]«public.ecr.aws/a/b:1»" }\n}\n',
    ),
}
