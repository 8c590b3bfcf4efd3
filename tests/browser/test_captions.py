"""Captions can be read: they carry what people decide by."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import App, entered

pytestmark = pytest.mark.browser
_CONTRAST = """caption => {
    const paper = document.createElement("canvas").getContext("2d");
    const read = (colour) => {
      paper.clearRect(0, 0, 1, 1);
      paper.fillStyle = colour;
      paper.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = paper.getImageData(0, 0, 1, 1).data;
      return [[red, green, blue], alpha / 255];
    };
    const [ground] = read(getComputedStyle(document.querySelector(".stApp")).backgroundColor);
    const [ink, alpha] = read(getComputedStyle(caption).color);
    const share = alpha * Number(getComputedStyle(caption).opacity);
    const shown = ink.map((one, at) => one * share + ground[at] * (1 - share));
    const luminance = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) => {
      const one = colour[at] / 255;
      return sum + weight * (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    }, 0);
    const [high, low] = [luminance(shown), luminance(ground)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_captions_have_the_contrast_that_texts_need(app: App, browser: Browser, theme: str):
    page = entered(app, browser, color_scheme=theme)
    page.goto(f"{app.address}/Release")
    caption = page.get_by_test_id("stCaptionContainer").first
    expect(caption).to_be_visible()

    assert caption.evaluate(_CONTRAST) >= 4.5

    page.context.close()
