"""A file's name and text -> the images in it: the finder of its format is chosen by name and content.

Nothing is opened here: what stands beside a file (the version of its chart) is handed in. A text without any word for
images is passed over unparsed, and so is each document of a long file.
"""

from __future__ import annotations

import re
from dataclasses import replace

from orchestrator.workloads.fields import FIELDS, Fields
from orchestrator.workloads.formats import (
    chart_templates,
    compose,
    dockerfile,
    dotenv,
    helm,
    kubeflow,
    kubernetes,
    kustomize,
    pipelines,
    quadlet,
    terraform_files,
)
from orchestrator.workloads.formats.deliveries import find_in_source, find_oci_charts
from orchestrator.workloads.formats.inner_yaml import inside
from orchestrator.workloads.formats.pipeline_kinds import Service, service_of
from orchestrator.workloads.json_tree import parse_objects
from orchestrator.workloads.machine_images import is_machine_name
from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, Unreadable
from orchestrator.workloads.references import looks_like_image
from orchestrator.workloads.vicinity import NOTHING, Vicinity
from orchestrator.workloads.yaml_tree import BrokenYaml, Node, Scalar, YamlList, YamlMapping, cut_documents, parse_yaml

# Looked for one by one: five times as fast as one pattern of all of them.
_WORDS = (
    *("mage", "IMAGE", "repositor", "oci://", "docker://", "package:", "bundle", "ontainers", "repoURL", "_IMG"),
    *("dockerfile_inline", "hub:", '"hub"', "runs-on:", "steps:"),
    # Kinds that need no such word.
    *("DatadogAgent", "operator.tigera.io", "grafana.integreatly.org", "operator.knative.dev"),
)
_VALUES = re.compile(r"(?:.*[-_.])?values(?:[-_.].*)?\.(?:ya?ml|json)", re.I)
_WORKFLOW = re.compile(r"(?:.*/)?\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml", re.I)
_ACTION = re.compile(r"action\.ya?ml", re.I)
_GITLAB = re.compile(r"(?:.*/)?(?:(?:[^/]*\.)?gitlab-ci(?:[.-](?!values)[^/]*)?\.ya?ml|\.gitlab/.*\.ya?ml)", re.I)
_OTHER_PIPELINE = re.compile(
    r"(?:.*/)?(?:\.circleci/.+|\.drone|\.woodpecker(?:/.+)?|bitbucket-pipelines|azure-pipelines|\.buildkite/.+)\.ya?ml",
    re.I,
)
_CLOUD_BUILD = re.compile(r"cloudbuild.*\.(?:ya?ml|json)", re.I)
_HELMFILE = re.compile(r"(?:.*/)?(?:helmfile(?:[-_.].*)?\.ya?ml|helmfile\.d/[^/]+\.ya?ml)", re.I)
_ARGO_CD_SOURCE = re.compile(r"\.argocd-source(?:-.+)?\.yaml")
_FLEET = re.compile(r"fleet\.ya?ml")
_DEVCONTAINER = re.compile(r"(?:.*/)?\.?devcontainer(?:/.*)?(?:/devcontainer)?\.json", re.I)
_JSON_IMAGE = re.compile(r"^[^/\n]*?\"image\"\s*+:\s*+\"([^\"\\\n]+)\"", re.M)
# A schema is often a megabyte and names no image. In a block mapping a line that begins with a key is one of its own.
_SCHEMA = re.compile(r"^kind:[ \t]+[\"']?CustomResourceDefinition[\"']?[ \t]*(?:#[^\n]*)?\r?$", re.M)
_OBJECT = re.compile(r"(?:---[^\n]*\n|[ \t]*#[^\n]*\n|[ \t]*\r?\n)*+(?:apiVersion|kind|metadata|spec)[ \t]*:[ \t\r\n]")
_CDK_CALLS = ("fromRegistry", "from_registry", "FromRegistry")
_CDK = re.compile(rf"(?:{'|'.join(_CDK_CALLS)})\(\s*[\"'`]([^\"'`\n]+)[\"'`]")
_CDK_NAME = re.compile(r".*\.(?:ts|js|py|java|go|cs)")
_YAML_NAME = re.compile(r".*\.(?:ya?ml|json)(?:\.(?:gotmpl|tpl|tmpl|j2))?|.*\.(?:tpl|gotmpl)|Kustomization", re.I)


def is_candidate(path: str) -> bool:
    """Whether a file of this name can hold images at all. Other files of a repository are not even opened."""
    name = path.rpartition("/")[2]
    return (
        bool(_YAML_NAME.fullmatch(name))
        or dockerfile.is_dockerfile(name)
        or name.endswith((".tf", ".tofu"))
        or quadlet.is_quadlet(path)
        or dotenv.is_dotenv(name)
        or bool(_CDK_NAME.fullmatch(name))
    )


def may_hold_images(path: str, text: str, fields: Fields = FIELDS) -> bool:
    """False where `find_images` finds nothing for certain: a cheap look at the words of the text."""
    name = path.rpartition("/")[2]
    if _is_read_whole(path, name):
        return True
    if _CDK_NAME.fullmatch(name):
        return any(call in text for call in _CDK_CALLS)
    return _is_pipeline(path, name) or _has_words(text, 0, len(text), fields)


def _is_read_whole(path: str, name: str) -> bool:
    """Whether a file's name says that its images need no word beside them."""
    return (
        dockerfile.is_dockerfile(name)
        or name.endswith((".tf", ".tofu"))
        or quadlet.is_quadlet(path)
        or name == dotenv.COMPOSE_VARIABLES
        or bool(_DEVCONTAINER.fullmatch(path))
    )


def find_images(path: str, text: str, *, beside: Vicinity = NOTHING, fields: Fields = FIELDS) -> Found:
    """The images of one file, in the order of their places.

    `path` has slashes and counts from the folder that is searched; `beside` is what stands beside the file,
    `fields` say where custom resources name images. An object that cannot be read is in the answer's
    `unreadable`; nothing is raised.
    """
    found = Found()
    name = path.rpartition("/")[2]
    if dockerfile.is_dockerfile(name):
        dockerfile.find_in_dockerfile(text, found)
    elif name.endswith((".tf", ".tofu")):
        terraform_files.find_in_terraform(text, found)
    elif quadlet.is_quadlet(path):
        quadlet.find_in_quadlet(text, found)
    elif dotenv.is_dotenv(name):
        dotenv.find_in_dotenv(text, found, compose.images_in_variables(text, beside.composes))
    elif _CDK_NAME.fullmatch(name):
        _sources(text, found)
    elif _DEVCONTAINER.fullmatch(path):
        _devcontainer(text, found)
    elif may_hold_images(path, text, fields):
        _documents(path, name, text, beside, fields, found, pipeline=_is_pipeline(path, name))
    found.places[:] = [place for place in found.places if not is_machine_name(place.reference)]
    found.places.sort(key=lambda place: place.anchor.start)
    found.unreadable.sort(key=lambda unreadable: unreadable.start)
    return found


def _is_pipeline(path: str, name: str) -> bool:
    """Whether a file is a pipeline by its name: its images need no word beside them (`container: node:18`)."""
    named = (_WORKFLOW, _GITLAB, _OTHER_PIPELINE)
    return bool(_CLOUD_BUILD.fullmatch(name)) or any(pattern.fullmatch(path) for pattern in named)


def _has_words(text: str, start: int, end: int, fields: Fields) -> bool:
    """Whether a text speaks of images at all. A user's own fields may have any name, so their kinds count too."""
    for word in _WORDS:
        if text.find(word, start, end) >= 0:
            return True
    if fields is FIELDS:
        return False
    return any(text.find(kind, start, end) >= 0 for kind in fields if fields[kind] != FIELDS.get(kind))


def _documents(
    path: str, name: str, text: str, beside: Vicinity, fields: Fields, found: Found, *, pipeline: bool
) -> None:
    template = chart_templates.is_template(text)
    if template and ("/templates/" in f"/{path}" or name.endswith((".tpl", ".gotmpl", ".j2", ".tmpl"))):
        chart_templates.find_in_template(text, found)
        return
    for start, end in cut_documents(text):
        if not (pipeline or _has_words(text, start, end, fields)) or _is_schema(text, start, end):
            continue
        try:
            roots = parse_objects(text, start, end)
        except BrokenYaml as error:
            if template:
                part = Found()
                chart_templates.find_in_template(text[start:end], part)
                _shift(part, start, found)
            else:
                found.unreadable.append(Unreadable(error.start, f"this is no YAML: {error.reason}"))
            continue
        for root in roots:
            _root(path, name, text, root, beside, fields, found)


def _is_schema(text: str, start: int, end: int) -> bool:
    """Whether a document is a CustomResourceDefinition in block style, which need not be parsed to be passed over."""
    named = text.find("CustomResourceDefinition", start, end) >= 0
    return named and _OBJECT.match(text, start, end) is not None and _SCHEMA.search(text, start, end) is not None


def _root(path: str, name: str, text: str, root: Node, beside: Vicinity, fields: Fields, found: Found) -> None:
    """One document, by the file's name first and by its content where the name says nothing."""
    is_object = kubernetes.is_object(root)
    service = None if is_object else _service(path, name, root)
    if name in kustomize.NAMES or kustomize.is_kustomization(root):
        kustomize.find_in_kustomization(text, root, found)
    elif service == "github" or _ACTION.fullmatch(name):
        pipelines.find_in_workflow(text, root, found)
    elif service == "gitlab":
        pipelines.find_in_gitlab(text, root, found)
    elif service == "cloud build":
        pipelines.find_in_cloud_build(text, root, found)
    elif service == "other":
        pipelines.find_in_other_pipeline(text, root, found, fields)
    elif compose.NAME.fullmatch(name) or (not is_object and compose.is_compose(root)):
        compose.find_in_compose(text, root, found, beside)
    elif kubeflow.is_spawner(root):
        kubeflow.find_in_spawner(text, root, found)
    elif name in {"Chart.yaml", "Chart.yml"}:
        _chart(text, root, found)
    elif _ARGO_CD_SOURCE.fullmatch(name):
        find_in_source(text, root, found)
    elif _FLEET.fullmatch(name) and isinstance(root, YamlMapping) and not is_object:
        find_oci_charts(text, root.entries(), found)
    elif _HELMFILE.fullmatch(path):
        _helmfile(text, root, found)
    elif (_VALUES.fullmatch(name) and not is_object) or (_in_values_folder(path) and not is_object):
        helm.find_in_values(text, root, found, beside=beside)
    else:
        kubernetes.find_in_object(text, root, found, fields)
        if not is_object:
            _split_images(text, root, found, beside)


def _service(path: str, name: str, root: Node) -> Service | None:
    """Whose pipeline a document is: by the file's name, else by its content."""
    named: tuple[tuple[re.Pattern[str], str, Service], ...] = (
        (_WORKFLOW, path, "github"),
        (_GITLAB, path, "gitlab"),
        (_CLOUD_BUILD, name, "cloud build"),
        (_OTHER_PIPELINE, path, "other"),
    )
    by_name = next((service for pattern, subject, service in named if pattern.fullmatch(subject)), None)
    return by_name or (None if _is_named_otherwise(path, name) else service_of(root))


def _is_named_otherwise(path: str, name: str) -> bool:
    """Does the file's name say that it is no pipeline? Charts' values may have `jobs`, `steps` and `script` of their own."""
    return (
        any(pattern.fullmatch(name) for pattern in (_VALUES, compose.NAME, _ACTION, _ARGO_CD_SOURCE, _FLEET))
        or name in {"Chart.yaml", "Chart.yml"}
        or bool(_HELMFILE.fullmatch(path))
        or _in_values_folder(path)
    )


def _split_images(text: str, root: Node, found: Found, beside: Vicinity) -> None:
    """Images that a document of no known kind composes as charts' values do: their files may have any name."""
    values, known = Found(), {place.anchor.start for place in found.places}
    helm.find_in_values(text, root, values, beside=beside)
    for place in values.places:
        # Beside a chart lie values under any name, for its tests and as examples.
        named = bool(beside.app_version) or place.field.rpartition(".")[2].lower().endswith("image")
        if place.parts.repository is not None and named and place.anchor.start not in known:
            found.places.append(place)


def _in_values_folder(path: str) -> bool:
    return "/values/" in f"/{path}"


def _chart(text: str, root: Node, found: Found) -> None:
    """Annotations of a chart that list its images, as text."""
    annotations = root.entries().get("annotations") if isinstance(root, YamlMapping) else None
    for key, value in annotations.entries().items() if isinstance(annotations, YamlMapping) else ():
        if not isinstance(value, Scalar) or key.rpartition("/")[2] != "images":
            continue
        window = inside(text, value)
        if window is None:
            continue
        nested = Found()
        try:
            for inner in parse_yaml(window.text):
                for index, item in enumerate(inner.items if isinstance(inner, YamlList) else []):
                    image = item.entries().get("image") if isinstance(item, YamlMapping) else None
                    if isinstance(image, Scalar) and looks_like_image(image.value):
                        part = image.part(window.text)
                        place = ImagePlace(f"annotations.{key}[{index}].image", "chart", image.value, Parts(image=part))
                        nested.places.append(place)
        except BrokenYaml as error:
            nested.unreadable.append(Unreadable(error.start, f"this is no YAML: {error.reason}"))
        window.move(nested, found)


def _helmfile(text: str, root: Node, found: Found) -> None:
    releases = root.entries().get("releases") if isinstance(root, YamlMapping) else None
    for index, release in enumerate(releases.items if isinstance(releases, YamlList) else []):
        values = release.entries().get("values") if isinstance(release, YamlMapping) else None
        for number, item in enumerate(values.items if isinstance(values, YamlList) else []):
            if isinstance(item, YamlMapping):
                helm.find_in_values(text, item, found, f"releases[{index}].values[{number}]")


def _devcontainer(text: str, found: Found) -> None:
    for match in _JSON_IMAGE.finditer(text):
        found.places.append(
            ImagePlace(
                "image", "devcontainer", match[1], Parts(image=Part(match.start(1), match.end(1), match[1], "double"))
            )
        )


def _sources(text: str, found: Found) -> None:
    """Images of CDK programs: shown, because only the program's author can change them."""
    for match in _CDK.finditer(text):
        part = Part(match.start(1), match.end(1), match[1], "double")
        found.places.append(ImagePlace("fromRegistry", "cdk", match[1], Parts(image=part), consent="never"))


def _shift(part: Found, start: int, found: Found) -> None:
    for place in part.places:
        moved = {
            name: replace(one, start=one.start + start, end=one.end + start)
            for name, one in place.parts.given().items()
        }
        found.places.append(replace(place, parts=Parts(**moved)))
    found.unreadable.extend(replace(item, start=item.start + start) for item in part.unreadable)
