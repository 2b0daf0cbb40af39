"""A run's quality report in a real browser: wide and narrow, light and dark, it fits, is legible, asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import browser as browsers
from lanecast.local.server import RunningServer
from lanecast.report import files as report_files
from lanecast.report import reading
from report_world import history, stopped
from sandbox_world import database

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# Every text's contrast with what lies behind it (WCAG 2: 4.5, or 3 for large text), and that of drawn shapes (3).
CONTRAST = r"""
(() => {
  const colour = (text) => {
    const [r, g, b, a] = text.match(/[\d.]+/g).map(Number);
    return [r, g, b, a === undefined ? 1 : a];
  };
  const channel = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ratio = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = colour(getComputedStyle(one).backgroundColor);
      if (found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const poor = [];
  let texts = 0, shapes = 0;
  const note = (element, found, least) => {
    if (found < least) poor.push(`${element.outerHTML.slice(0, 80)}: ${found.toFixed(2)}`);
  };
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    if (["rect", "circle"].includes(element.tagName)) {
      shapes += 1;
      note(element, ratio(colour(style.fill), behind(element.closest("svg"))), 3);
    } else if (!element.closest("svg") && [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) {
      texts += 1;
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      note(element, ratio(colour(style.color), behind(element)), large ? 3 : 4.5);
    }
  }
  return {poor, texts, shapes};
})()
"""
BEYOND = """
[...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .filter((one) => getComputedStyle(one).position !== "absolute" && !one.closest(".hidden, thead"))
  .map((one) => one.outerHTML.slice(0, 80))
"""
# Text that is wider than the box it stands in.
CUT = """
[...document.querySelectorAll("td, tbody th, dd, dt, li, p, h1, h2, h3, h4")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1)
  .filter((one) => getComputedStyle(one).display !== "inline")
  .map((one) => one.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browsers.Page]:
    command = browsers.installed()
    if command is None:
        pytest.skip(f"no browser here: none of {', '.join(browsers.BROWSERS)}")
    with browsers.opened(command, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def files(server: RunningServer, template: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports of a run with bad rows and awkward values in them, and of one that was stopped."""
    folder = tmp_path_factory.mktemp("world")
    with database(server, template) as (_, address), pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        patched.setenv("LANECAST_REPORTS", str(folder / "reports"))
        done = history(folder, 3, 600)
        held = stopped(folder, 3)
        told = {"loaded": reading.read(lambda: address, done[-1]), "stopped": reading.read(lambda: address, held)}
    assert [one.verdict.level for one in told.values()] == ["warn", "bad"]
    return {name: report_files.write(one, folder / f"{name}.html") for name, one in told.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
@pytest.mark.parametrize("name", ["loaded", "stopped"])
def test_it_fits_is_legible_and_asks_for_nothing(
    page: browsers.Page, files: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    page.show(files[name], width, scheme)
    assert page.run("document.documentElement.scrollWidth") == width
    assert page.run(BEYOND) == []
    assert page.run(CUT) == []
    seen: dict[str, Any] = page.run(CONTRAST)
    assert seen["poor"] == []
    assert seen["texts"] > 150
    assert seen["shapes"] > 5
    # The scheme is really that one, and the style really in force.
    back = page.run("getComputedStyle(document.body).backgroundColor")
    assert back == {"light": "rgb(246, 247, 249)", "dark": "rgb(18, 22, 27)"}[scheme]
    assert page.requests == [files[name].as_uri()]
    assert page.complaints == []


def test_values_from_outside_make_nothing_happen(page: browsers.Page, files: dict[str, Path]) -> None:
    page.show(files["loaded"], 1440, "light")
    assert page.run("document.querySelectorAll('script, img, iframe, link, form').length") == 0
    assert page.run("document.dir || getComputedStyle(document.body).direction") == "ltr"
    assert "alert('x')" in page.run("document.body.textContent")


def test_the_browser_would_have_noticed(page: browsers.Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><meta name=viewport content='width=device-width'><body style='background:#fff'>"
        "<p style='color:#aaa;width:900px'>pale</p><script>console.log('said')</script><img src='file:///nowhere.png'>",
        encoding="utf-8",
    )
    page.show(bad, 390, "light")
    assert page.run(BEYOND)
    assert page.run(CONTRAST)["poor"]
    assert len(page.requests) == 2
    assert page.complaints
