"""Files in every form that images are written in: (path, text, what must be found).

In a text «...» marks an image that must be found there (its repository, where it is composed), with its reference after
`=>` when it is composed of more. `[[ci]]`, `[[env]]` and `[[never]]` before the mark say what consent it needs. Nothing
else may be found.
"""

from __future__ import annotations

SHAPES: dict[str, tuple[str, str]] = {
    "pod": (
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  initContainers:\n  - {name: i, image: «busybox»}\n"
        "  containers:\n  - name: c\n    image: «nginx:1.25»  # keep\n"
        "  - name: d\n    image: '«quay.io/a/b@sha256:" + "a" * 64 + "»'\n"
        '  ephemeralContainers:\n  - name: e\n    image: "«docker.io/library/alpine:3»"\n'
        "  volumes:\n  - name: v\n    image: {reference: «ghcr.io/a/data:1»}\n  - name: r\n    rbd: {image: disk}\n",
    ),
    "any kind": (
        "x.yml",
        "apiVersion: example.com/v1\nkind: Thing\nspec:\n  deep:\n    template:\n      containers:\n      - image: «a/b»\n",
    ),
    "no kind": (
        "patch.yaml",
        "spec:\n  template:\n    spec:\n      containers:\n      - name: a\n        image: «nginx»\n",
    ),
    "list": (
        "list.json",
        '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod",\n'
        '\t"spec": {"containers": [{"name": "a", "image": "«nginx:1»"}]}}]}\n',
    ),
    "documents": (
        "many.yaml",
        "---\nkind: [\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: «one:1»}]}\n---\n# nothing\n"
        "---\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: «two:2»}]}\n...\n",
    ),
    "openshift": (
        "t.yaml",
        "apiVersion: template.openshift.io/v1\nkind: Template\nobjects:\n- apiVersion: apps.openshift.io/v1\n"
        "  kind: DeploymentConfig\n  spec:\n    template:\n      spec:\n        containers:\n        - name: a\n"
        "          image: «quay.io/a/b:1»\n        - name: b\n          image: ${IMAGE}\n"
        "- apiVersion: image.openshift.io/v1\n  kind: ImageStream\n  spec:\n    tags:\n    - name: x\n"
        "      from: {kind: DockerImage, name: «docker.io/a/b:2»}\n"
        "    - name: latest\n      from: {kind: ImageStreamTag, name: x}\n"
        "- apiVersion: build.openshift.io/v1\n  kind: BuildConfig\n  spec:\n    strategy:\n      dockerStrategy:\n"
        "        from: {kind: DockerImage, name: «registry.access.redhat.com/ubi9:1»}\n"
        "- apiVersion: build.openshift.io/v1\n  kind: BuildConfig\n  spec:\n    strategy:\n      sourceStrategy:\n"
        "        from: {kind: ImageStreamTag, name: 'nodejs:20'}\n    source:\n      images:\n"
        "      - from: {name: 'ubi:8', kind: ImageStreamTag}\n      - from: {name: «quay.io/c/d:3», kind: DockerImage}\n",
    ),
    "anchors": (
        "a.yaml",
        "x: &c\n  name: c\n  image: «nginx:1»\nspec:\n  containers:\n  - *c\n  - <<: *c\n    name: d\n"
        "  - name: e\n    image: &i «redis:7»\n  - name: f\n    image: *i\n",
    ),
    "an anchor twice": ("b.yaml", "spec:\n  containers:\n  - image: &i «a:1»\n  - image: &i «b:2»\n"),
    "block scalars": (
        "c.yaml",
        "spec:\n  containers:\n  - image: >-\n      «nginx:1»\n  - image: |\n\n      «nginx:2»\n  - image: !!str «nginx:3»\n",
    ),
    "kubeflow's notebooks": (
        "spawner_ui_config.yaml",
        "spawnerFormDefaults:\n  image:\n    # The one that is offered first.\n    value: «kubeflownotebookswg/jupyter-scipy:v1.8.0»\n"
        "    options:\n    - «kubeflownotebookswg/jupyter-scipy:v1.8.0»\n    - '«ghcr.io/team/jupyter@sha256:"
        + "a"
        * 64
        + "»'\n"
        "  imageGroupOne:\n    value: «ghcr.io/team/codeserver:v1»\n    options: [«ghcr.io/team/codeserver:v1»]\n"
        "  imagePullPolicy:\n    value: IfNotPresent\n    readOnly: false\n  hideRegistry: true\n"
        "  workspaceVolume: {value: {mount: /home/jovyan}}\n",
    ),
    "no images": (
        "crd.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {x: {containers: [{image: a/b:1}]}}\n---\n"
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nspec: {rules: [{image: '*@*'}, {image: a/b:1}]}\n---\n"
        "apiVersion: config.openshift.io/v1\nkind: ImageDigestMirrorSet\nspec: {x: [{image: a/b:1}]}\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n"
        "      {\"image\": \"a/b:1\"}\nspec: {containers: [{image: 'ko://github.com/a/b'}, {image: '<image>'}]}\n",
    ),
    "config map": (
        "cm.yaml",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  sidecar: |\n    containers:\n    - image: [[never]]«quay.io/a/b:1»\n",
    ),
    "texts": (
        "w.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\n  annotations:\n    config.kubernetes.io/function: |\n"
        "      container:\n        image: «gcr.io/fn/a:1»\nspec:\n  templates:\n  - resource:\n      manifest: |\n"
        "        apiVersion: v1\n        kind: Pod\n        spec: {containers: [{image: «python:3»}]}\n"
        "  script: |\n    image: [[never]]«a/b:1»\n",
    ),
    "operator": (
        "csv.yaml",
        "apiVersion: operators.coreos.com/v1alpha1\nkind: ClusterServiceVersion\nmetadata:\n  annotations:\n"
        "    containerImage: «quay.io/op/op:1»\nspec:\n  relatedImages:\n  - {name: a, image: «quay.io/op/a:1»}\n"
        "  install:\n    spec:\n      deployments:\n      - spec:\n          template:\n            spec:\n"
        "              containers:\n              - image: «quay.io/op/op:1»\n                args: ['--sidecar-image=[[env]]«a/b:1»']\n"
        "                env:\n                - {name: RELATED_IMAGE_A, value: «quay.io/op/a:1»}\n"
        "                - {name: HELPER_IMAGE, value: [[env]]«quay.io/op/h:1»}\n                - {name: IMAGE_COUNT, value: '3'}\n",
    ),
    "custom resources": (
        "cr.yaml",
        "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nspec:\n  imageName: «ghcr.io/cloudnative-pg/postgresql:16»\n---\n"
        "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {image: «quay.io/prometheus/prometheus:v2»}\n---\n"
        "apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\nspec: {kafka: {image: «quay.io/strimzi/kafka:1»}}\n---\n"
        "apiVersion: pkg.crossplane.io/v1\nkind: Provider\nspec: {package: «xpkg.upbound.io/a/b:v1»}\n---\n"
        "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  steps:\n  - {name: a, image: «alpine», script: x}\n---\n"
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  templates:\n  - container: {image: «alpine:3»}\n---\n"
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nspec: {type: oci, url: oci://«ghcr.io/a/charts»}\n---\n"
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec:\n  url: oci://«ghcr.io/a/m»=>ghcr.io/a/m:v1\n"
        "  ref: {tag: v1}\n---\n"
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  images:\n  - name: x\n"
        "    newName: «quay.io/a/b»=>quay.io/a/b:2\n    newTag: '2'\n---\n"
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nspec: {predictor: {model: {image: «a/b:1»}}}\n",
    ),
    "flux and argo": (
        "gitops.yaml",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    image: {repository: «a/b»=>a/b:v1, tag: v1}\n---\n"
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n"
        '        image:\n          repository: "«foo/bar»=>foo/bar:1"\n          tag: 1\n'
        "      valuesObject: {image: «x/y:1»}\n",
    ),
    "values": (
        "charts/a/values-prod.yaml",
        "image: «quay.io/a/b:1.2»\nsidecar:\n  image:\n    registry: docker.io\n"
        "    repository: «bitnami/redis»=>docker.io/bitnami/redis:1.1\n    tag: 1.10\n    digest: ''\n"
        "x:\n  repository: «ghcr.io/foo/bar»=>ghcr.io/foo/bar:v1\n  tag: v1\n"
        "y: {image: «nginx»=>nginx:1.25, tag: 1.25, pullPolicy: Always}\n"
        "busyboxImage: «busybox»=>busybox:1.36\nbusyboxTag: '1.36'\n"
        "q:\n  image:\n    repository: quay.io/org\n    name: «app»=>quay.io/org/app:v3\n    tag: v3\n"
        "images:\n- «a/b:1»\n- no\ngit:\n  repository: https://github.com/a/b\n  tag: v1\n"
        "g:\n  image: {repository: «grafana/grafana»=>grafana/grafana:9@sha256:"
        + "b" * 64
        + ", tag: '9', sha: "
        + "b" * 64
        + "}\n"
        "t: {imageName: «a/c»=>a/c:2, imageTag: '2'}\nextraContainers:\n- name: c\n  image: «nginx»\n"
        "logo: {image: foo/bar.png}\nkind: thing\nport: 80\nempty: {image: {repository: '', tag: x}}\n",
    ),
    "a registry for all": (
        "values.yaml",
        "global:\n  imageRegistry: quay.io\nimage:\n  registry: docker.io\n  repository: «a/b»=>quay.io/a/b:1\n  tag: '1'\n",
    ),
    "kustomization": (
        "k/kustomization.yaml",
        "images:\n- name: «nginx»=>nginx:1.26\n  newTag: '1.26'\n- name: x\n  newName: «quay.io/a/b»=>quay.io/a/b@sha256:"
        + "c" * 64
        + "\n  digest: sha256:"
        + "c" * 64
        + "\n",
    ),
    "compose": (
        "docker-compose.prod.yml",
        'services:\n  a: {image: "«nginx»=>nginx:1.25:${TAG:-1.25}"}\n  b: {image: own, build: .}\n  c: {image: "${X}"}\n'
        '  d: {image: "${IMG:-«postgres:16»}"}\n',
    ),
    "gitlab": (
        ".gitlab-ci.yml",
        "image: [[ci]]«node:20»\nvariables: {image: x}\njob:\n  image: {name: '[[ci]]«docker:24»'}\n  services: [«docker:dind»]\n",
    ),
    "github": (
        ".github/workflows/ci.yml",
        "jobs:\n  a:\n    container: [[ci]]«node:20»\n    services: {r: {image: [[ci]]«redis»}}\n    steps:\n"
        "    - uses: docker://[[ci]]«alpine:3.8»\n    - uses: actions/checkout@v4\n"
        "    - uses: docker/setup-qemu-action@v3\n      with:\n        image: [[ci]]«tonistiigi/binfmt:7»\n        x: ${{ y }}\n",
    ),
    "dockerfile": (
        "web.Dockerfile",
        '# syntax=«docker/dockerfile:1»\nARG BASE="«nginx:1.25»"\nARG V=3.19\nFROM --platform=$BUILDPLATFORM «golang:1.22» AS build\n'
        "RUN <<EOF\nFROM not/an:image\nEOF\nFROM ${BASE}\nFROM «alpine»=>alpine:3.19:${V}\nFROM build\nFROM x:${UNSET}\n"
        "COPY --from=build /a /b\nCOPY --from=«busybox:1.36» /a \\\n  # a comment\n  /b\nCOPY --from=0 a b\n"
        "RUN --mount=type=bind,from=«quay.io/a/b:1»,target=/y true\nfrom scratch\n",
    ),
    "terraform": (
        "main.tf",
        'resource "x" "y" {\n  image = "«nginx:1.2»" # c\n  # image = "no:no"\n  c = jsonencode([{ image = "quay.io/x/y:${var.t}" }])\n'
        '  set {\n    name  = "image.repository"\n    value = "«quay.io/q/r»=>quay.io/q/r:v1"\n  }\n  set {\n    name  = "image.tag"\n'
        '    value = "v1"\n  }\n}\n',
    ),
    "bundles": (
        "pipeline.yaml",
        "kind: Pipeline\nspec:\n  tasks:\n  - taskRef: {bundle: «gcr.io/a/b:1»}\n  - taskRef:\n      resolver: bundles\n"
        "      params:\n      - {name: bundle, value: «gcr.io/c/d:2»}\n      - {name: name, value: x/y:z}\n",
    ),
    "a variable with many images": (
        "deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n"
        "        env:\n        - name: KAFKA_IMAGES\n          value: |\n            4.0.0=[[env]]«quay.io/a/kafka:1»\n"
        "            4.1.0=[[env]]«quay.io/a/kafka:2»\n            note=none\n",
    ),
    "another pipeline": (
        ".circleci/config.yml",
        "jobs:\n  build:\n    docker:\n    - image: [[ci]]«cimg/node:22.1»\n",
    ),
    "parameters of a task": (
        "task.yaml",
        "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  params:\n  - name: BUILDER\n    default: «gcr.io/kaniko/executor:v1»\n"
        "  - {name: BASE, default: «quay.io/a/b»=>quay.io/a/b:7}\n  - {name: VERSION, default: '7'}\n  - {name: OTHER_IMAGE, default: '[[env]]«x/y:1»'}\n"
        "  - {name: URL, default: 'quay.io/no/image:1'}\n"
        "  steps:\n  - name: a\n    image: $(params.BUILDER)\n  - name: b\n    image: $(params.BASE):$(params.VERSION)\n"
        "  - name: c\n    image: $(params.UNSET)\n",
    ),
    "parameters of a workflow": (
        "wf.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  arguments:\n    parameters:\n    - name: what\n      value: «alpine:3»\n"
        "  templates:\n  - name: t\n    container:\n      image: '{{workflow.parameters.what}}'\n",
    ),
    "parameters of a template": (
        "template.yaml",
        "apiVersion: template.openshift.io/v1\nkind: Template\nparameters:\n- name: IMAGE\n  value: «quay.io/a/b»=>quay.io/a/b:1\n"
        "- name: TAG\n  value: '1'\n- name: HOST\n  value: quay.io\nobjects:\n- apiVersion: v1\n  kind: Pod\n  spec:\n"
        "    containers:\n    - name: a\n      image: ${IMAGE}:${TAG}\n    - name: b\n      image: ${HOST}/«c/d»=>quay.io/c/d:1:${TAG}\n",
    ),
    "terraform's variables and locals": (
        "modules/web/main.tf",
        'variable "web_image" {\n  type = string\n  default = "«nginx:1.25»" # é\n}\n'
        'variable "engine" {\n  default = { repository = "«quay.io/a/b»=>quay.io/a/b:2", tag = "2" }\n}\n'
        'variable "what" { default = "«redis:7»" }\nvariable "region" { default = "eu-west-1" }\n'
        'variable "repo" {\n  default = "«ghcr.io/me/app»=>ghcr.io/me/app:3"\n}\nlocals {\n  tag = "3"\n  side = var.what\n'
        '  proxy_image = "«envoyproxy/envoy:v1»"\n}\n'
        'resource "kubernetes_pod_v1" "p" {\n  spec {\n    container {\n      image = var.web_image\n    }\n'
        '    container {\n      image = local.side\n    }\n    container {\n      image = "${var.repo}:${local.tag}"\n    }\n'
        "    container {\n      image = var.unknown\n    }\n  }\n}\n",
    ),
    "terraform's charts and texts": (
        "charts.tf",
        'resource "helm_release" "web" {\n  values = [\n    yamlencode({\n      image = { registry = "docker.io", '
        'repository = "«library/nginx»=>docker.io/library/nginx:1", tag = "1" }\n    }),\n    <<-EOT\n    sidecar:\n'
        '      image:\n        repository: «redis»=>redis:7\n        tag: "7"\n    EOT\n  ]\n'
        '  set = [{ name = "job.image.repository", value = "«quay.io/a/job»=>quay.io/a/job:5" },\n'
        '    { name = "job.image.tag", value = "5" }]\n}\n'
        'resource "kubectl_manifest" "m" {\n  yaml_body = <<YAML\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n'
        "  - name: a\n    image: «busybox»\nYAML\n}\n"
        'resource "aws_ecs_task_definition" "t" {\n  container_definitions = <<DEFINITIONS\n'
        '[{"name": "a", "image": "«public.ecr.aws/nginx/nginx:1»", "cpu": 1}]\nDEFINITIONS\n}\n',
    ),
    "a dockerfile's arguments": (
        "Dockerfile",
        "ARG BASE=«nginx»=>nginx:1\nARG TAG=1\nARG REGISTRY=docker.io/\nARG NAME=«grafana/grafana»=>docker.io/grafana/grafana:9\n"
        "FROM ${BASE}:${TAG}\nFROM ${REGISTRY}$NAME:9\n",
    ),
    "chart template": (
        "c/templates/d.yaml",
        'spec:\n  containers:\n  - image: "{{ .Values.x }}"\n  - image: «busybox:1.36»\n  {{- if x }}\n',
    ),
    "chart": (
        "c/Chart.yaml",
        "annotations:\n  artifacthub.io/images: |\n    - name: a\n      image: «quay.io/a/b:1»\n",
    ),
    "cdk": ("stack.ts", 'ecs.ContainerImage.fromRegistry("[[never]]«nginx:1»");\n'),
    "devcontainer": (".devcontainer/devcontainer.json", '{\n  // "image": "no:no",\n  "image": "«a/b:1»",\n}\n'),
    "JSON that is no YAML": (
        "stream.json",
        '{"kind": "Pod", "x": "\\ud83d\\ude00\x7f", "' + "k" * 1025 + '": [], "y": {}, "spec": {"containers": [\n'
        '{"name": "a", "image": "«docker.io\\/a\\/b:1»=>docker.io/a/b:1"}]}}\n'
        '{"kind": "Pod", "spec": {"containers": [{"name": "b", "image": "«nginx:2»"}]}}\n',
    ),
    "a comment after an anchor": (
        "comment.yaml",
        "spec:\n  containers:\n  - image: &one # why\n      «nginx:1»\n  - ? image\n    : !!str &two '«nginx:2»'\n",
    ),
    "Argo CD's sources": (
        "apps/app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  sources:\n  - helm:\n      parameters:\n"
        "      - {name: web.image.repository, value: «a/b»=>a/b:2}\n      - {name: web.image.tag, value: '2'}\n"
        "  - repoURL: ghcr.io/a/charts\n    chart: «app»=>ghcr.io/a/charts/app:1.0.0\n    targetRevision: 1.0.0\n"
        "  - repoURL: oci://«ghcr.io/a/whole»=>ghcr.io/a/whole:1.0.0\n    targetRevision: 1.0.0\n"
        "  - repoURL: oci://ghcr.io/b/c\n    chart: «d»=>ghcr.io/b/c/d:2.0.0\n    targetRevision: 2.0.0\n"
        "  - repoURL: https://charts.example.com\n    chart: app\n    targetRevision: 1.0.0\n"
        "    kustomize:\n      images:\n      - web=«quay.io/a/web:1»\n      - [[never]]«quay.io/a/side:2»\n",
    ),
    "Flux's post renderers": (
        "release.yaml",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  postRenderers:\n  - kustomize:\n      images:\n"
        "      - {name: x, newName: «y/z»=>y/z:2, newTag: '2'}\n",
    ),
    "values in a text of a list": (
        "values.yaml",
        "extraDeploy:\n- |\n  kind: Pod\n  spec:\n    containers:\n    - image: [[never]]«a/b:1»\n",
    ),
    "hubs of istio": (
        "istio.yaml",
        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  hub: «docker.io/istio»=>docker.io/istio/pilot:1.24.1\n"
        "  tag: 1.24.1\n  components:\n    cni: {hub: «quay.io/istio»=>quay.io/istio/install-cni:1.24.1}\n    base: {enabled: true}\n"
        "---\napiVersion: sailoperator.io/v1\nkind: ZTunnel\nspec:\n  values:\n    global:\n"
        "      hub: «gcr.io/istio-release»=>gcr.io/istio-release/pilot:1.24.1\n      tag: 1.24.1\n",
    ),
    "a hub below istio's defaults": (
        "values.yaml",
        "_internal_defaults_do_not_set:\n  hub: ''\n  tag: ''\n  image: «install-cni»=>docker.io/istio/install-cni:1.24.1\n"
        "  global:\n    hub: docker.io/istio\n    tag: 1.24.1\n",
    ),
    "a registry for images without one": (
        "values.yaml",
        "image:\n  registry: otel\n  tag: ''\nreducer:\n  image:\n    registry: ''\n    tag: v1\n    name: «reducer»=>otel/reducer:v1\n"
        "relay:\n  image: {registry: quay.io, tag: v1, name: «a/b»=>quay.io/a/b:v1}\n",
    ),
    "a hub alone": ("values.yaml", "global:\n  hub: «docker.io/istio»=>docker.io/istio/pilot:1.24.1\n  tag: 1.24.1\n"),
    "plugins of proxies": (
        "wasm.yaml",
        "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nspec:\n  url: oci://«ghcr.io/a/filter:1»\n---\n"
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyExtensionPolicy\nspec:\n  wasm:\n"
        "  - code: {type: Image, image: {url: «ghcr.io/a/filter:2»}}\n",
    ),
    "charts in registries": (
        "chart.yaml",
        "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nspec:\n  chart: oci://«ghcr.io/a/app»=>ghcr.io/a/app:1.2_x\n  version: 1.2+x\n"
        "---\napiVersion: helm.cattle.io/v1\nkind: HelmChart\nspec:\n  chart: traefik\n  repo: https://a.example/charts\n",
    ),
    "fleet": (
        "apps/fleet.yaml",
        "helm:\n  chart: oci://«ghcr.io/a/app»=>ghcr.io/a/app:1.0.0\n  version: 1.0.0\n  values:\n"
        "    image: {repository: «nginx»=>nginx:1, tag: '1'}\n",
    ),
    "charts of kustomize": (
        "kustomization.yaml",
        "helmCharts:\n- name: «redis»=>registry-1.docker.io/bitnamicharts/redis:1.2\n  repo: oci://registry-1.docker.io/bitnamicharts\n"
        "  version: '1.2'\n  valuesInline: {image: {repository: «a/b»=>a/b:1, tag: '1'}}\n- name: y\n  repo: https://a.example\n",
    ),
    "containers that are injected": (
        "injected.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    vault.hashicorp.com/agent-image: «hashicorp/vault:1.17»\n"
        "    dapr.io/sidecar-image: «daprio/daprd:1.14»\n    example.com/image: no/such:1\n",
    ),
    "names with versions": (
        "values.yaml",
        "operatorImageName: «gcr.io/spark/operator»=>gcr.io/spark/operator:v1\noperatorVersion: v1\n",
    ),
    "values under any name": (
        "clusters/blue.yaml",
        "web:\n  image:\n    repository: «quay.io/a/web»=>quay.io/a/web:1\n    tag: '1'\nsource:\n  repository: a/b\n  tag: v1\n",
    ),
    "texts of one line": (
        "images.yaml",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  plugin: [[never]]«quay.io/a/plugin:v3»\n  sidecar-image: [[never]]«alpine:3»\n"
        "  host: example.com/path\n  time: 10:30\n  image-policy: Always\n",
    ),
    "arguments one after another": (
        "controller.yaml",
        "spec:\n  containers:\n  - image: «a/b:1»\n    args: [--executor-image, [[env]]«quay.io/a/exec:1», --name, x/y:z]\n"
        "    env:\n    - {name: MAVEN_BUILDER, value: '[[env]]«quay.io/a/maven:1»'}\n    - {name: HOST, value: 'kafka:9092'}\n"
        "  - {name: istio-proxy, image: auto}\n",
    ),
    "operators' annotations": (
        "op.clusterserviceversion.yaml",
        "apiVersion: operators.coreos.com/v1alpha1\nkind: ClusterServiceVersion\nspec:\n  template:\n    metadata:\n"
        "      annotations:\n        images.v1_2.proxy: «quay.io/a/proxy:1»\n        other: quay.io/a/proxy:1\n",
    ),
    "a workflow's items": (
        "items.yaml",
        "kind: Workflow\napiVersion: argoproj.io/v1alpha1\nspec:\n  templates:\n  - steps:\n    - - name: a\n"
        "        withItems:\n        - {image: «debian», tag: '9.1'}\n  - container: {image: '{{inputs.parameters.image}}'}\n",
    ),
    "a source of Argo CD beside what it builds": (
        "apps/.argocd-source-web.yaml",
        "kustomize:\n  images:\n  - app=«quay.io/a/app:2»\n  - [[never]]«quay.io/a/base:1»\n"
        "helm:\n  parameters:\n  - {name: image.repository, value: «ghcr.io/a/web»=>ghcr.io/a/web:v3}\n"
        "  - {name: image.tag, value: v3}\n  values: |\n    sidecar: {image: «b/c:1»}\n",
    ),
    "a policy that makes what it holds": (
        "policy.yaml",
        "apiVersion: policy.open-cluster-management.io/v1\nkind: Policy\nspec:\n  object-templates:\n"
        "  - complianceType: musthave\n    objectDefinition:\n      kind: Pod\n      apiVersion: v1\n"
        "      spec: {containers: [{name: a, image: «nginx:1»}]}\n"
        "  - complianceType: mustnothave\n    objectDefinition:\n      kind: Pod\n      apiVersion: v1\n"
        "      spec: {containers: [{name: a, image: nginx:2}]}\n",
    ),
    "repository and tag in a kind of nobody's": (
        "db.yaml",
        "apiVersion: example.com/v1\nkind: Database\nspec:\n  image: {repository: «mariadb»=>mariadb:11.0, tag: '11.0'}\n"
        "  keeper: {image: {repository: «pravega/zookeeper», pullPolicy: Always}}\n  busyBoxImage:\n    repository: «library/busybox»=>library/busybox:1.28.0-glibc\n    tag: 1.28.0-glibc\n"
        "  diskImage: {name: ubuntu, version: '22.04'}\n  chart: {repository: https://a.example, version: 1.0.0}\n"
        "status:\n  image: {repository: mariadb, tag: '11.0'}\n",
    ),
    "a unit of podman": (
        "units/web.container",
        "[Unit]\nImage=quay.io/a/b:0\n[Container]\n# Image=quay.io/a/b:1\nImage=quay.io/a/b:2\n Image = docker://«quay.io/a/b:3»\n"
        "Exec=sh \\\n  # comment\nImage=quay.io/a/b:4\nVolume=a.volume:/a\n",
    ),
    "a unit of podman with quotes": ("units/a.container", '[Container]\nImage="«quay.io/a/b:1»"\n'),
    "quotes at both ends are what podman strips": ("units/b.image", '[Image]\nImage = ""«quay.io/a/b:1»\n'),
    "images that a unit mounts": (
        "units/c.container",
        "[Container]\nImage=«quay.io/a/b:1»\nMount=type=image,source=quay.io/a/gone:1,destination=/a\nMount=\n"
        "Mount=type=image,source=«quay.io/a/c:1»,destination=/b\nMount = src=«alpine:3»,type=image,dst=/c\n"
        "Mount=type=bind,source=/srv/a,destination=/d\nMount=type=image,source=base.image,destination=/e\n",
    ),
    "no container mounts elsewhere": (
        "units/d.volume",
        "[Volume]\nMount=type=image,source=quay.io/a/c:1,destination=/b\n",
    ),
    "a drop-in of a unit": ("units/web.container.d/10-image.conf", "[Container]\nImage=«nginx»\n"),
    "units that name units": (
        "units/cache.volume",
        "[Volume]\nDriver=image\nImage=base.image\n[Image]\nImage=oci:/srv/x\n",
    ),
    "no image but a picture": ("package.json", '{"name": "x", "image": "logo.png", "repository": {"type": "git"}}'),
}
