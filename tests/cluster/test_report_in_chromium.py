"""The report in a real browser: no request leaves, axe-core finds nothing, tables sort and filter by keyboard.

`WRITE_IMAGES=1` puts the screens into docs/images.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from orchestrator.report_page.page import render_page
from tests.report_documents import REPOSITORIES, report_document

pytestmark = pytest.mark.cluster
IMAGES = Path(__file__).resolve().parents[2] / "docs/images"
SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("Chromium is not on PATH. On Debian and Ubuntu: apt-get install chromium.")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def report(tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    path.write_text(render_page(report_document()), "utf-8")
    return path.as_uri()


def opened(browser: Browser, address: str, *, size: str = "wide", scheme: str = "light") -> tuple[Page, list[str]]:
    """The page, and what it asked for or complained of."""
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    noted: list[str] = []
    page.on("request", lambda request: noted.append(request.url) if request.url != address else None)
    page.on("console", lambda message: noted.append(message.text))
    page.on("pageerror", lambda error: noted.append(str(error)))
    page.goto(address)
    return page, noted


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_it_is_accessible_and_fits(browser: Browser, report: str, tmp_path: Path, size: str, scheme: str) -> None:
    page, noted = opened(browser, report, size=size, scheme=scheme)
    folder = IMAGES if os.environ.get("WRITE_IMAGES") else tmp_path
    page.screenshot(path=folder / f"report-{size}-{scheme}.png")
    assert noted == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.context.close()


def test_tables_sort_and_filter_by_keyboard(browser: Browser, report: str) -> None:
    page, _ = opened(browser, report)
    head = page.locator("#prod-cache th button", has_text="Size")
    names = page.locator("#prod-cache tbody tr:visible td:first-child")
    by_size = [row[0] for row in sorted(REPOSITORIES, key=lambda row: row[2])]
    head.focus()
    page.keyboard.press("Enter")
    assert names.all_inner_texts() == by_size
    assert head.locator("..").get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert names.all_inner_texts() == by_size[::-1]
    page.locator('input[data-table="prod-cache"]').focus()
    page.keyboard.type("QUAY")
    assert sorted(names.all_inner_texts()) == ["quay/argoproj/argocd", "quay/prometheus/node-exporter"]
    assert page.locator("#prod-cache-count").inner_text() == f"2 of {len(REPOSITORIES)}"
    page.context.close()


def test_paper_has_every_row_and_no_controls(browser: Browser, report: str) -> None:
    page, _ = opened(browser, report)
    page.emulate_media(media="print")
    assert page.locator('input[type="search"]:visible').count() == 0
    assert page.locator("#prod-cache tbody tr:visible").count() == len(REPOSITORIES)
    page.context.close()
