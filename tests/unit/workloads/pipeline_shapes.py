"""Pipelines, Compose files and a chart with one registry for all, as `shapes` writes them."""

from __future__ import annotations

PIPELINE_SHAPES: dict[str, tuple[str, str]] = {
    "circleci": (
        ".circleci/config.yml",
        "jobs:\n  build:\n    docker:\n    - image: [[ci]]«node»\n    machine:\n      image: ubuntu\n",
    ),
    "woodpecker": (".woodpecker.yml", "steps:\n  a:\n    image: [[ci]]«golang»\n    commands: [x]\n"),
    "buildkite": (
        ".buildkite/pipeline.yml",
        "steps:\n- agents:\n    image: family/core\n  plugins:\n  - docker#v5:\n      image: '[[ci]]«node:18»'\n",
    ),
    "bitbucket": (
        "bitbucket-pipelines.yml",
        "image: [[ci]]«node»\npipelines:\n  default:\n  - step:\n      script: [x]\n",
    ),
    "values with jobs of their own": (
        "chart/values.yaml",
        "jobs:\n  a:\n    steps: [x]\n    docker: y\n    image: {repository: «ghcr.io/a/b»=>ghcr.io/a/b:v1, tag: v1}\nversion: 1\n",
    ),
    "values with a script": (
        "values/web.yaml",
        "stages: [x]\ncron:\n  script: x\n  image: {repository: «ghcr.io/a/b»=>ghcr.io/a/b:v1, tag: v1}\n",
    ),
    "values of a runner": (
        "gitlab-ci-values.yaml",
        "image: {registry: docker.io, repository: «a/b»=>docker.io/a/b:v1, tag: v1}\n",
    ),
    "azure": ("azure-pipelines.yml", "pool:\n  vmImage: ubuntu-latest\njobs:\n- container: [[ci]]«debian:12»\n"),
    "cloud build": ("cloudbuild.yaml", "steps:\n- name: [[ci]]«gcr.io/cloud-builders/docker»\n  args: [a/b:1]\n"),
    "a workflow's container alone": (".github/workflows/x.yml", "jobs:\n  a:\n    container: [[ci]]«node:18»\n"),
    "a workflow's matrix": (
        ".github/workflows/y.yml",
        "jobs:\n  a:\n    strategy:\n      matrix:\n        image:\n        - [[ci]]«a/b:1»\n        include:\n"
        "        - image: [[ci]]«d:3»\n    container: ${{ matrix.image }}\n    env:\n      X_IMAGE: [[env]]«q/r:1»\n"
        "      IMAGE_NAME: foo\n",
    ),
    "gitlab's variables": (
        ".gitlab-ci.yml",
        "variables:\n  BASE: [[ci]]«a/b:1»\n  V: '3'\none:\n  image: $BASE\ntwo:\n  image: [[ci]]«alpine»=>alpine:3:$V\n",
    ),
    "compose of the first version": ("docker-compose.yml", "web:\n  image: «a/b:1»\ndb:\n  image: «postgres»\n"),
    "compose's inline Dockerfile and image volume": (
        "compose.yaml",
        "services:\n  a:\n    build:\n      dockerfile_inline: |\n        FROM «alpine:3»\n    volumes:\n"
        "    - {type: image, source: «data:1», target: /x}\n  b:\n    image: ${X:-${Y:-«redis:7»}}\n",
    ),
    "a trigger of a Dockerfile": ("Dockerfile", "FROM «a:1»\nONBUILD COPY --from=«q:1» a b\n"),
    "a hub for all": (
        "values.yaml",
        "global:\n  hub: gcr.io/istio\n  tag: 1.2.3\n  proxy:\n    image: «proxyv2»=>gcr.io/istio/proxyv2:1.2.3\n"
        "pilot:\n  hub: ''\n  image: «pilot»=>gcr.io/istio/pilot:1.2.3\ngateway:\n  image: auto\n",
    ),
    "bitbucket's images with credentials": (
        "bitbucket-pipelines.yml",
        "image:\n  username: $U\n  name: [[ci]]«node:18»\ndefinitions:\n  steps:\n  - step: &a\n      name: build\n"
        "      image:\n        name: [[ci]]«alpine»\n      script: [x]\n",
    ),
    "gitlab's variables of a job": (
        "templates/deploy.gitlab-ci.yml",
        "one:\n  variables:\n    BASE_IMAGE: [[env]]«docker.io/library/almalinux:10»\n    B_IMAGE: [[ci]]«c/d:1»\n"
        "  image: $B_IMAGE\n  parallel:\n    matrix:\n    - IMAGE: [[[env]]«a/b:1», [[env]]«a/b:2»]\n"
        "      T_IMAGE: [[env]]«t:1»\n      NAME: u:1\n",
    ),
    "a numbered file of gitlab": ("gitlab-ci.5.yaml", "services: [[[ci]]«mariadb»]\nrun:\n  script: [x]\n"),
    "a workflow under another name": (
        "templates/ci.yml",
        "on: push\njobs:\n  a:\n    runs-on: x\n    container: [[ci]]«node:18»\n    services: {p: {image: [[ci]]«postgres»}}\n",
    ),
    "circleci under another name": (
        "circle/config.yml",
        "version: 2.1\njobs:\n  a:\n    docker:\n    - image: [[ci]]«node»\n    - image: [[ci]]«redis:7»\n    steps: [checkout]\n",
    ),
    "bitbucket under another name": (
        "pipes.yml",
        "image: [[ci]]«node:18»\npipelines:\n  default:\n  - step:\n      image: [[ci]]«alpine»\n      script: [x]\n",
    ),
    "gitlab under another name": (
        "include.1.yml",
        "stages: [test]\nrun:\n  image: [[ci]]«python»\n  script: [x]\n  services:\n  - name: [[ci]]«redis»\n",
    ),
    "drone under another name": (
        "drone.yml",
        "kind: pipeline\ntype: docker\nsteps:\n- name: a\n  image: [[ci]]«golang»\n  commands: [x]\n",
    ),
    "cloud build under another name": (
        ".deploystack/test.yaml",
        "steps:\n- name: [[ci]]«gcr.io/cloudshell-images/cloudshell:latest»\n  entrypoint: bash\n"
        "- name: [[ci]]«ubuntu»\n  args: [a]\n",
    ),
    "no pipeline": (
        "settings.yml",
        "jobs:\n  a: {image: «a/b:1», steps: [x]}\nsteps:\n- name: gcr.io/a/b\non: true\npipelines: {mine: {}}\n",
    ),
    "a workflow's arguments of a build": (
        ".github/workflows/z.yml",
        "jobs:\n  a:\n    steps:\n    - uses: docker/build-push-action@v6\n      with:\n        build-args: |\n"
        "          BASE_IMAGE=[[ci]]«alpine:3.22»\n          VERSION=a:1\n          B_IMAGE=${{ x }}\n    - with:\n"
        "        build-args: IMAGE=[[ci]]«python:3.11-slim»\n",
    ),
    "variables of no known pipeline": (
        "matrix.yaml",
        "- mixed:\n  - NODE_IMAGE: [[env]]«kindest/node:v1.32»\n  - IMAGE: [[env]]«a/b:1»\n  - IMAGE_SIZE: big\n",
    ),
    "no image of a container": ("appveyor.yml", "version: build-{branch}\nimage: Visual Studio 2015\ntag: x\n"),
    "an agent's disk": (
        ".buildkite/pipeline.tpl.yaml",
        "steps:\n- agents:\n    image: family/core-1\n  key: {{ .Key }}\n",
    ),
}
