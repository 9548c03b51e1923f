"""Where an environment's images are pulled from, asked while a CDK program is synthesised. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import RefusedInput
from orchestrator.routes.build import build_route_table
from orchestrator.routes.table import Redirected, Refused
from orchestrator.workloads.edits import Rewritten, everywhere, forward, rewrite
from orchestrator.workloads.find import find_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.environment.model import Environment
    from orchestrator.workloads.place import Found, ImagePlace

# Both kinds of CDK write `${Token[…]}` or `${TfToken[…]}` into texts for what a deployment fills in.
_FILLED_IN = "${"


class ImageRedirects:
    """The route table of one environment, for the constructs of both kinds."""

    def __init__(self, environment: Environment) -> None:
        self.name = environment.name
        self._table = build_route_table(environment)

    def redirect(self, image: str) -> str:
        """Where `image` is pulled from; what has no route keeps its name. Raises RefusedInput for what is no image."""
        if _FILLED_IN in image:
            raise RefusedInput(
                f'"{image}" is known at deployment only, and its route is told when the program is synthesised.',
                environment=self.name,
                remedy='Redirect the name, and put what is not known behind it: `redirect("nginx") + ":" + tag`.',
            )
        answer = self._table.redirect(image)
        if isinstance(answer, Refused):
            raise RefusedInput(
                f'"{image}" cannot be pulled: {answer.reason}.',
                environment=self.name,
                remedy=f"`orchestrator route {self.name} '{image}'` says more.",
            )
        return answer.target if isinstance(answer, Redirected) else image

    def redirect_found(self, image: str) -> str | None:
        """Where an image that somebody else wrote is pulled from; None where it stays as it is."""
        answer = self._table.redirect(image)
        return answer.target if isinstance(answer, Redirected) else None

    def read(self, name: str, text: str, chosen: Callable[[ImagePlace], bool] = everywhere) -> tuple[Found, Rewritten]:
        """The images of the text of a file called `name`, and the edits that redirect the chosen ones."""
        found = find_images(name, text)
        return found, rewrite(found.places, forward(self._table), chosen=chosen)
