"""One page of what was found: the document that `report --json` prints -> HTML with charts and tables.

    document -> charts (SVG) -> page (HTML, nothing outside of it)

Pure but for reading its own template; jinja2 and pygal are imported when a page is made.
"""
