"""Charts of a report as SVG text within a page: by pygal, in the page's colours, without scripts."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from orchestrator.errors import OrchestratorError
from orchestrator.files.extras import install_command

# What pygal adds for pages of its own: comments, and a script that shows tooltips.
_EXTRAS = re.compile(r"<!--.*?-->|<script.*?</script>", re.DOTALL)
MOST = 12


def bars(rows: Sequence[tuple[str, float]], unit: str) -> str:
    """Horizontal bars, the longest first and at most MOST of them; "" without rows. Raises OrchestratorError without pygal."""
    shown = sorted(rows, key=lambda row: (-row[1], row[0]))[:MOST]
    if not shown:
        return ""
    try:
        import pygal
        from pygal.style import Style
    except ImportError as error:
        raise OrchestratorError(
            "The charts of a report need the package pygal, which is not installed.",
            remedy=f"Install it: `{install_command('report')}`. `--json` needs none.",
        ) from error
    # pygal's own finder, for maps that nobody here has, knows only Python 2's protocol: every later import would warn.
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--text)",
        foreground_strong="var(--text)",
        foreground_subtle="var(--line)",
        colors=("var(--bar)",),
        font_family="system-ui, sans-serif",
        label_font_size=13,
        major_label_font_size=13,
        value_font_size=13,
        value_colors=("var(--text)",),
    )
    chart = pygal.HorizontalBar(
        style=style,
        js=[],
        disable_xml_declaration=True,
        show_legend=False,
        print_values=True,
        print_values_position="top",
        truncate_label=48,
        height=70 + 34 * len(shown),
        width=900,
        margin=4,
        value_formatter=lambda value: f"{value:g} {unit}".strip(),
    )
    # pygal draws from the bottom up.
    chart.x_labels = [name for name, _ in reversed(shown)]
    chart.add("", [round(value, 2) for _, value in reversed(shown)])
    return _EXTRAS.sub("", chart.render(is_unicode=True))
