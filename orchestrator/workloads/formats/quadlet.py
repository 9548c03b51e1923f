"""Images of Podman's units for systemd (Quadlet): `Image=` of a `.container`, an `.image` or a `.volume`, and of their drop-ins.
A container mounts images, too: `Mount=type=image,source=…`.

Units are read as systemd and Podman read them. A line that ends with a backslash goes on in the next one. The last value of
`Image` counts, without quotes around it. Every `Mount` counts since the last empty one.
A name that ends in `.image` or `.build` names another unit. Source: podman-systemd.unit(5).
"""

from __future__ import annotations

import re
from dataclasses import replace

from orchestrator.workloads.place import Found, ImagePlace, Part, Parts, Unreadable
from orchestrator.workloads.references import is_reference

FORMAT = "quadlet"
_NAME = re.compile(r"(?:.*/)?[^/]+\.(?:container|image|volume)(?:\.d/[^/]+\.conf)?")
_SECTION = re.compile(r"[ \t]*\[(?P<name>[^\]\r\n]*)\][ \t]*\r?")
_IMAGE = re.compile(r"[ \t]*Image[ \t]*=[ \t]*(?P<image>[^\r\n]*?)[ \t]*\r?")
_MOUNT = re.compile(r"[ \t]*Mount[ \t]*=[ \t]*(?P<mount>[^\r\n]*?)[ \t]*\r?")
_MOUNTED_IMAGE = re.compile(r"(?:^|,)type=image(?:,|$)")
_SOURCE = re.compile(r"(?:^|,)(?:source|src)=(?P<source>[^,]*)")
_SECTIONS = frozenset({"Container", "Image", "Volume"})
_UNITS = (".image", ".build")
# Transports that reach no registry.
_ELSEWHERE = ("dir:", "docker-archive:", "docker-daemon:", "oci-archive:", "oci:", "containers-storage:", "sif:")
_SCHEME = "docker://"
# Systemd writes `%%` for a percent sign and fills in the rest.
_SPECIFIER = re.compile(r"%[A-Za-z]")


def is_quadlet(path: str) -> bool:
    """Whether a file's path is that of a unit that names an image, or of a drop-in for one."""
    return bool(_NAME.fullmatch(path))


def find_in_quadlet(text: str, found: Found) -> None:
    """Add the image of each section to `found`."""
    last: dict[str, Part] = {}
    mounts: list[Part] = []
    section, start, continued = "", 0, False
    for line in text.split("\n"):
        header, image = _SECTION.fullmatch(line), _IMAGE.fullmatch(line)
        if not continued and header:
            section = header["name"]
        elif not continued and image and section in _SECTIONS:
            last[section] = _unquoted(Part(start + image.start("image"), start + image.end("image"), image["image"]))
        elif not continued and section == "Container" and (mount := _MOUNT.fullmatch(line)):
            mounts = [*mounts, Part(start + mount.start("mount"), 0, mount["mount"])] if mount["mount"] else []
        # A comment between two lines of one value is passed over.
        if not line.lstrip().startswith(("#", ";")):
            continued = line.rstrip("\r").endswith("\\")
        start += len(line) + 1
    for section, part in last.items():
        _take(f"{section}.Image", part, found)
    for part in mounts:
        _take_mounted(part, found)


def _unquoted(part: Part) -> Part:
    """What Podman takes of the value: it strips quotes at both ends."""
    bare = part.value.strip('"')
    start = part.start + len(part.value) - len(part.value.lstrip('"')) if bare else part.start
    return Part(start, start + len(bare), bare)


def _take_mounted(mount: Part, found: Found) -> None:
    source = _SOURCE.search(mount.value)
    if not _MOUNTED_IMAGE.search(mount.value) or source is None:
        return
    start = mount.start + source.start("source")
    _take("Container.Mount", Part(start, start + len(source["source"]), source["source"]), found)


def _take(field: str, part: Part, found: Found) -> None:
    value = part.value
    if value.endswith("\\"):
        found.unreadable.append(Unreadable(part.start, "the image goes on in the next line", value))
        return
    if value.startswith(_SCHEME):
        value = value.removeprefix(_SCHEME)
        part = replace(part, start=part.start + len(_SCHEME), value=value)
    if value.endswith(_UNITS) or value.startswith(_ELSEWHERE):
        return
    specifier = _SPECIFIER.search(value)
    if specifier:
        found.unreadable.append(Unreadable(part.start, f"{specifier[0]} is filled in later", value))
    elif is_reference(value):
        found.take(ImagePlace(field, FORMAT, value, Parts(image=part)))
