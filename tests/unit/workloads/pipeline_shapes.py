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
}
