"""A person at the page: points in pixels of the image, mouse and keys."""

from __future__ import annotations

from playwright.sync_api import Page, expect


class Annotator:
    """Drives the page in a browser the way a person does."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.saved = page.locator("#saved")
        self.options = page.get_by_role("option")
        self.banner = page.get_by_role("alert")

    def sees(self, file: str) -> None:
        """Wait until the image of a file is painted."""
        expect(self.page.locator("#file")).to_have_text(file)
        expect(self.page.locator("#canvas[data-task]:not([data-task=''])")).to_be_visible()
        expect(self.page.locator("#accept")).to_be_enabled()

    def sees_saved(self) -> None:
        """Wait until everything is saved."""
        expect(self.saved).to_have_text("Saved")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the image is on the screen."""
        corner = self.page.locator("#canvas").bounding_box()
        view = self.page.locator("#canvas").evaluate("canvas => ({...canvas.dataset})")
        scale = float(view["scale"])
        return corner["x"] + float(view["x"]) + x * scale, corner["y"] + float(view["y"]) + y * scale

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at one pixel of the image and release at another."""
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        mouse.move(*self.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        mouse.move(*self.at(*end))
        mouse.up()

    def click(self, x: float, y: float) -> None:
        """Click on a pixel of the image."""
        self.page.mouse.click(*self.at(x, y))

    def drag_handle(self, name: str, by: tuple[float, float]) -> None:
        """Drag a handle of the selected box by pixels of the image."""
        handle = self.page.locator(f"[data-handle={name}]")
        expect(handle).to_be_visible()
        box = handle.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        scale = float(self.page.locator("#canvas").get_attribute("data-scale"))
        mouse = self.page.mouse
        mouse.move(*middle)
        mouse.down()
        mouse.move(middle[0] + by[0] * scale / 2, middle[1] + by[1] * scale / 2)
        mouse.move(middle[0] + by[0] * scale, middle[1] + by[1] * scale)
        mouse.up()

    def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            self.page.keyboard.press(key)

    def has_boxes(self, *texts: str) -> None:
        """Wait until the list holds these boxes, by label and, for a suggestion, score."""
        expect(self.options).to_have_text(list(texts))
