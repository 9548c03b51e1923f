"""The page of a report: everything in it, nothing outside of it, and no value that becomes markup."""

from __future__ import annotations

import re
import sys

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.report_page.charts import MOST, bars
from orchestrator.report_page.page import readable_size, render_page
from tests.report_documents import FINDINGS, IMAGES, REPOSITORIES, report_document


def test_everything_that_was_found_is_on_it() -> None:
    page = render_page(report_document())
    for expected in (
        *(row[0] for row in REPOSITORIES),
        *(row[0] for row in IMAGES),
        *(row[4] for row in FINDINGS),
        "invalid: The secret could not be read.",
        "AccessDenied from DescribeImageScanFindings",
        "2 resources changed behind our back",
        "orchestrator lifecycle preview prod",
    ):
        assert expected in page


def test_it_asks_no_network_for_anything() -> None:
    page = render_page(report_document())
    assert "default-src 'none'" in page
    assert set(re.findall(r"https?://[^\"'<> ]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", page) == []
    assert page.count("<script") == 1


@pytest.mark.parametrize(
    "text", ["</td><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "]]>"]
)
def test_no_value_becomes_markup(text: str) -> None:
    document = report_document()
    entry = document["environments"][0]
    entry["images"][0] |= {"reference": text, "why": text, "pulled_from": [text]}
    entry["cache"]["repositories"][0]["repository"] = text
    entry["findings"]["found"][0]["name"] = text
    entry["problems"] = [text]
    page = render_page(document)
    assert page.count("<script") == 1
    assert "<img" not in page
    assert "49" not in re.sub(r"[\d.,-]{3,}", "", page.split("Not known")[1].split("</ul>")[0])


def test_nothing_known_is_a_page_too() -> None:
    document = report_document()
    entry = document["environments"][0]
    entry |= {"images": None, "outside": [], "routes": [], "last_apply": None}
    entry["cache"] = {"repositories": [], "bytes": 0, "cost": None, "saving": None, "would_stop": None}
    entry["findings"] = {"severities": dict.fromkeys(entry["findings"]["severities"], 0), "found": []}
    entry["drift"] = {"resources": None, "checked": None}
    page = render_page(document)
    assert "Not looked for on this machine." in page
    assert "<svg" not in page


def test_a_chart_shows_the_largest_and_has_no_script() -> None:
    svg = bars([(f"name-{n}", float(n)) for n in range(50)], "MiB")
    assert "name-49" in svg
    assert "name-1<" not in svg
    assert svg.count('class="bar"') == MOST
    assert "<script" not in svg
    assert bars([], "") == ""


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygal", None)
    with pytest.raises(OrchestratorError, match=r"orchestrator\[report\]"):
        bars([("a", 1.0)], "")


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 2**40, "5.0 TiB")])
def test_sizes_are_said_for_people(size: int, text: str) -> None:
    assert readable_size(size) == text
