"""Where Terraform installs providers from, also on a machine without internet.

The first of these counts: an existing TF_CLI_CONFIG_FILE or the user's own CLI configuration, then ORCHESTRATOR_PROVIDER_MIRROR.
A filesystem mirror in a system-wide place comes next (Terraform's implied directories, and one level below /opt), then the
public registry. Reads the file system; writes one file where it is told to.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import RefusedInput

VARIABLE = "ORCHESTRATOR_PROVIDER_MIRROR"
CONFIG_VARIABLE = "TF_CLI_CONFIG_FILE"
PUBLIC = "registry.terraform.io"


@dataclass(frozen=True, slots=True)
class ProviderSource:
    """Where providers come from: `kind` is config, mirror, network or registry; `why` is for people.

    `configuration` is the text of a CLI configuration file to generate, None when there is nothing to say to Terraform.
    `notes` are sentences about settings that were passed over.
    """

    kind: str
    why: str
    location: str = ""
    configuration: str | None = None
    notes: tuple[str, ...] = ()

    def variables(self, folder: Path) -> dict[str, str]:
        """What a Terraform process needs, after the CLI configuration was written to `folder` where there is one.

        The file holds no credentials: those of registries stay where Terraform itself looks for them.
        """
        if self.kind == "config":
            return {CONFIG_VARIABLE: self.location} if self.location else {}
        if self.configuration is None:
            return {}
        path = folder / "terraform.rc"
        if not path.is_file() or path.read_text("utf-8", "replace") != self.configuration:
            path.write_text(self.configuration, "utf-8")
        return {CONFIG_VARIABLE: str(path)}


def find_provider_source(variables: Mapping[str, str] | None = None, *, opt: Path = Path("/opt")) -> ProviderSource:
    """Where providers come from on this machine. Raises RefusedInput when ORCHESTRATOR_PROVIDER_MIRROR is no mirror."""
    variables = os.environ if variables is None else variables
    notes: tuple[str, ...] = ()
    named = variables.get(CONFIG_VARIABLE, "")
    if named:
        if Path(named).is_file():
            return ProviderSource("config", f"{CONFIG_VARIABLE} names {named}", str(Path(named).resolve()))
        notes = (f"{CONFIG_VARIABLE} names {named}, which does not exist; it is ignored.",)
    mirror = variables.get(VARIABLE, "").strip()
    if mirror:
        return _named_mirror(mirror, notes)
    home = Path(variables.get("HOME") or "/nonexistent")
    own = home / ".terraformrc"
    if own.is_file():
        return ProviderSource("config", f"{own} is there", notes=notes)
    for folder in _candidates(variables, home, opt):
        found = providers_in(folder)
        if found:
            return ProviderSource(
                "mirror", f"filesystem mirror {folder}", str(folder), _filesystem_mirror(folder, found), notes
            )
    return ProviderSource("registry", f"{PUBLIC}, as no mirror was found", PUBLIC, None, notes)


def provider_environment(folder: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment for a Terraform process with this machine's providers; may write `folder`/terraform.rc."""
    variables = os.environ if variables is None else variables
    source = find_provider_source(variables)
    base = {name: value for name, value in variables.items() if name != CONFIG_VARIABLE}
    return {**base, **source.variables(folder)}


def platform_name() -> str:
    """This machine as provider packages name it, such as `linux_amd64`."""
    machine = platform.machine().lower()
    architecture = {"x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386"}.get(machine, machine)
    return f"{'darwin' if sys.platform == 'darwin' else 'linux'}_{architecture}"


def providers_in(folder: Path) -> list[str]:
    """Addresses of the providers that a filesystem mirror holds for this platform, unpacked or packed."""
    found = set()
    here = platform_name()
    for pattern in (f"*/*/*/*/{here}", f"*/*/*/terraform-provider-*_{here}.zip"):
        try:
            for path in folder.glob(pattern):
                host, namespace, name = path.relative_to(folder).parts[:3]
                if "." in host:
                    found.add(f"{host}/{namespace}/{name}")
        except OSError:
            continue
    return sorted(found)


def _named_mirror(mirror: str, notes: tuple[str, ...]) -> ProviderSource:
    if mirror.startswith(("https://", "http://")):
        if not mirror.startswith("https://"):
            raise RefusedInput(f'{VARIABLE}="{mirror}" is no HTTPS address.', why="Terraform refuses others.")
        address = mirror.rstrip("/") + "/"
        text = f"provider_installation {{\n  network_mirror {{\n    url = {json.dumps(address)}\n  }}\n}}\n"
        return ProviderSource("network", f"{VARIABLE} names {address}", address, text, notes)
    folder = Path(mirror).expanduser().resolve()
    found = providers_in(folder) if folder.is_dir() else []
    if not found:
        raise RefusedInput(
            f'{VARIABLE}="{mirror}" holds no provider for {platform_name()}.',
            why=f"A mirror is laid out {PUBLIC}/<namespace>/<type>/<version>/{platform_name()}/.",
            remedy="`terraform providers mirror FOLDER` makes one; or unset the variable.",
        )
    return ProviderSource("mirror", f"{VARIABLE} names {folder}", str(folder), _filesystem_mirror(folder, found), notes)


def _candidates(variables: Mapping[str, str], home: Path, opt: Path) -> Iterable[Path]:
    """Terraform's implied directories in its order, then what lies one level below /opt."""
    yield home / ".terraform.d" / "plugins"
    if sys.platform == "darwin":
        yield home / "Library/Application Support/io.terraform/plugins"
        yield Path("/Library/Application Support/io.terraform/plugins")
    else:
        yield Path(variables.get("XDG_DATA_HOME") or home / ".local/share") / "terraform/plugins"
        for base in (variables.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":"):
            if base:
                yield Path(base) / "terraform/plugins"
    try:
        yield from sorted(path for path in opt.iterdir() if path.is_dir())
    except OSError:
        return


def _filesystem_mirror(folder: Path, providers: list[str]) -> str:
    """The CLI configuration: what the mirror holds comes from it alone, everything else from its registry."""
    names = json.dumps(providers)
    return (
        "provider_installation {\n"
        f"  filesystem_mirror {{\n    path    = {json.dumps(str(folder))}\n    include = {names}\n  }}\n"
        f"  direct {{\n    exclude = {names}\n  }}\n"
        "}\n"
    )
