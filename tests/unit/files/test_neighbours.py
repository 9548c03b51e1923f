"""What stands beside a file: the version of its chart, and whether the chart's templates read a registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.files.image_scan import scan
from orchestrator.files.neighbours import Neighbours

VALUES = "image:\n  registry: quay.io\n  repository: org/dump\n  tag: v1\n"
PLAIN = 'image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"\n'


def chart(folder: Path, **files: str) -> Path:
    """A chart in `folder`, with these files below it; a double underscore in a name stands for a slash, a single one for a dot."""
    written = {"Chart_yaml": "name: a\nversion: 1.0.0\nappVersion: 1.2\n", "values_yaml": VALUES, **files}
    for name, text in written.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "reference"),
    [
        ({"templates__a_yaml": PLAIN}, "org/dump:v1"),
        ({"templates__a_yaml": '{{ tpl (.Files.Get "files/job") . }}\n', "files__job_tpl": PLAIN}, "org/dump:v1"),
        ({"templates__a_yaml": PLAIN, "README_md": "{{ registry }}"}, "org/dump:v1"),
        ({"templates__a_yaml": "image: {{ .Values.image.registry }}/x"}, "quay.io/org/dump:v1"),
        ({"templates__a_yaml": PLAIN, "templates___helpers_tpl": "{{ .root.registry }} image"}, "quay.io/org/dump:v1"),
        ({"templates__a_yaml": "image: {{ toYaml .Values.image | nindent 2 }}"}, "quay.io/org/dump:v1"),
        ({"templates__a_yaml": 'image: {{ include "x.y" .Values.image }}'}, "quay.io/org/dump:v1"),
        ({"templates__a_yaml": "image: {{ with .Values.image }}"}, "quay.io/org/dump:v1"),
        ({"templates__a_yaml": PLAIN, "charts__b__templates__c_yaml": "image: {{ .registry }}"}, "quay.io/org/dump:v1"),
        ({"templates__a_yaml": PLAIN, "requirements_yaml": "dependencies: []"}, "quay.io/org/dump:v1"),
        ({"templates__a_yaml": PLAIN, "Chart_yaml": "name: a\ndependencies:\n- name: c\n"}, "quay.io/org/dump:v1"),
        ({"templates__a_yaml": "kind: {{ .Values.kind }}"}, "quay.io/org/dump:v1"),
        ({}, "quay.io/org/dump:v1"),
    ],
)
def test_a_registry_that_no_template_reads_is_not_pulled_from(
    tmp_path: Path, files: dict[str, str], reference: str
) -> None:
    values = chart(tmp_path / "a", **files) / "values.yaml"
    assert [use.reference for use in scan([str(tmp_path)]).uses if use.file.endswith("values.yaml")] == [reference]
    assert Neighbours(tmp_path).of(values).reads_registry is (reference != "org/dump:v1")


def test_an_empty_tag_is_the_version_of_the_nearest_chart(tmp_path: Path) -> None:
    inner = chart(tmp_path / "a" / "charts" / "b", Chart_yaml="name: b\nappVersion: '2.0'\n")
    outer = chart(tmp_path / "a")
    neighbours = Neighbours(tmp_path)
    assert neighbours.of(outer / "values.yaml").app_version == "1.2"
    assert neighbours.of(inner / "deep" / "values.yaml").app_version == "2.0"
    assert neighbours.of(tmp_path / "values.yaml").app_version == ""
