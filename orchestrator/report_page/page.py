"""The page of a report: one HTML file that asks no network for anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.report_page.charts import bars

_HERE = Path(__file__).parent
MIB = 2**20
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")


def render_page(document: Mapping[str, Any]) -> str:
    """The HTML of a report's document. Raises OrchestratorError where the charts' library is missing."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=True
    )
    environment.filters["size"] = readable_size
    environment.filters["day"] = lambda text: (text or "-")[:10]
    environment.filters["money"] = lambda amount: "-" if amount is None else f"${amount:,.2f}"
    environment.globals["severities"] = SEVERITIES
    charts = {
        entry["name"]: {name: Markup(svg) for name, svg in _charts(entry).items()}  # noqa: S704 - pygal escaped it
        for entry in document["environments"]
    }
    template = environment.from_string((_HERE / "page.html.j2").read_text(encoding="utf-8"))
    css = Markup((_HERE / "page.css").read_text(encoding="utf-8"))  # noqa: S704 - our own
    return template.render(document=document, charts=charts, css=css)


def readable_size(size: float) -> str:
    """Bytes for people: `1.4 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _charts(entry: Mapping[str, Any]) -> dict[str, str]:
    repositories: Sequence[Mapping[str, Any]] = entry["cache"]["repositories"]
    sources: Counter[str] = Counter(
        source for image in entry["images"] or () for source in image["pulled_from"] if source
    )
    severities = entry["findings"]["severities"]
    return {
        "sources": bars([(name, float(count)) for name, count in sources.items()], ""),
        "sizes": bars([(row["repository"], row["bytes"] / MIB) for row in repositories if row["bytes"]], "MiB"),
        "findings": bars([(name, float(severities[name])) for name in SEVERITIES if severities.get(name)], ""),
    }
