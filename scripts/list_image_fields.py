"""Writes docs/custom-resources.md from the tables that decide: `python -m scripts.list_image_fields [--write]`.

Without --write it says whether the page is what the code has, for CI.
"""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrator.environment.pods import COMPARING_OPERATORS
from orchestrator.workloads.custom_resources import image_fields, imageless_groups

PAGE = Path(__file__).parents[1] / "docs" / "custom-resources.md"
COMMAND = "python -m scripts.list_image_fields --write"

HEAD = f"""# Custom resources

Made from the code: `{COMMAND}`.

## Operators that compare images

They compare the image of a Pod with the one that they would make now. For ever they delete and remake a Pod that an admission policy
redirected. Their Pods are left alone by default (`exclude_pods`); write their image, where ECR has it, in their
custom resource. `exclude_pods` takes label selectors as `kubectl get pods -l` does. A list of your own replaces this one.

| operator | label selector | field that takes ECR's name | reported at |
|---|---|---|---|
"""

FIELDS = """
## Fields that name images

`orchestrator images NAME --cluster` reads these kinds where the cluster has them, in the version that has them. `[]` is every
element of a list, `{}` every value of a map, `@pod` a Pod's spec, `@template` a Pod template, `@object` a whole object,
`(repository:tag)` fields that make an image together. `@docker-image` is a reference of OpenShift whose kind is DockerImage, `@bundle` one of
Tekton to a bundle, `@oci-source` Flux's url and ref. `@docker` and `@oci` are images behind `docker://` and `oci://`.

| group | kind | fields |
|---|---|---|
"""

TAIL = """
## Groups that are not read

Custom resources of other groups are named on stderr as not read, unless their group is known to name no image. Those are Kubernetes'
own groups, those of AWS's controllers and of OpenShift's platform (but those above), and

{imageless}
"""


def page() -> str:
    """The page as the code has it."""
    operators = "".join(
        f"| {one.name} | `{one.selector}` | `{one.field}` of `{one.resource}` | [source]({one.source}) |\n"
        for one in COMPARING_OPERATORS
    )
    rows = []
    for group, kinds in sorted(image_fields().items()):
        for number, kind in enumerate(kinds):
            sources = [f"[{group}]({kind.source.split(',')[0]})" if number == 0 else ""]
            rows.append(f"| {sources[0]} | {kind.kind} | {', '.join(f'`{path.text}`' for path in kind.paths)} |\n")
    tail = TAIL.format(imageless=", ".join(sorted(imageless_groups())))
    return HEAD + operators + FIELDS + "".join(rows) + tail


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    if arguments == ["--write"]:
        PAGE.write_text(page(), "utf-8")
        return 0
    if not PAGE.is_file() or PAGE.read_text("utf-8") != page():
        print(f"{PAGE} is not what the code has. Run: {COMMAND}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
