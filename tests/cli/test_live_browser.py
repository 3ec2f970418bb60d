"""The live page in a real browser: type, erase, pin, compare, undo; what it shows is what `Model.predict` says.

Needs playwright (pip install playwright) and a Chromium on the path (Debian: apt-get install chromium); skips without them.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import numpy as np
import pytest

import regard

from . import small
from .serving import COMMAND, running
from .test_live_view import LOOK, LivePage
from .test_page_browser import browser, labels, same, table  # noqa: F401  a fixture is found by its name
from .test_page_browser import pytestmark as pytestmark

sync = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
TEXT = "badagu"


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("live")
    model = {"family": "transformer", "size": 16, "heads": 4, "encoder_layers": 1, "decoder_layers": 1}
    return small.transducer(folder / "one"), small.transducer(folder / "two", model={**small.MODEL, **model})


@pytest.fixture(scope="module")
def address(runs) -> str:
    with running(
        *COMMAND[:-1], "view", runs[1], "--live", "--with", runs[0], "--port", "0", "decode.min_length=4", kind=LivePage
    ) as served:
        yield f"http://127.0.0.1:{served.port}/view"


@pytest.fixture(scope="module")
def model(runs) -> regard.Model:
    return regard.load(runs[1], decode={"min_length": 4})


class Live:
    """The page, and what a person does to it."""

    def __init__(self, page) -> None:
        self.page = page

    def open(self, address: str, **state: object) -> None:
        self.page.goto(f"{address}#{urlencode({'model': 'two', 'text': TEXT, **state})}")
        self.settle(0)

    def settle(self, before: int) -> None:
        """Waits until what was asked last is shown."""
        for _ in range(600):
            asked = int(self.page.get_attribute("body", "data-asked") or 0)
            if asked > before and "stale" not in (self.page.get_attribute("body", "class") or ""):
                self.page.wait_for_timeout(60)
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("no answer")

    def do(self, act) -> None:
        before = int(self.page.get_attribute("body", "data-asked") or 0)
        act()
        self.settle(before)

    def cell(self, row: int, column: int) -> str:
        return f"#map tbody tr:nth-child({row + 1}) td:nth-of-type({column + 1})"

    def state(self) -> dict[str, list[str]]:
        return parse_qs(self.page.url.split("#")[1])


@pytest.fixture
def live(browser, address):  # noqa: F811
    page = browser.new_page(viewport={"width": 1300, "height": 1000}, color_scheme="light")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    found = Live(page)
    found.open(address)
    yield found
    page.close()
    assert wrong == []
    origin = address.rpartition("/")[0]
    assert [url for url in asked if not url.startswith((origin, "blob:", "data:"))] == []


def answered(model: regard.Model, **more: object) -> regard.Prediction:
    [[best, *_]] = model.stream([TEXT], beam=5, n_best=5, **more)
    return best


def test_what_is_typed_is_answered(live, model):
    live.do(lambda: live.page.fill("#field-0", "gumi"))
    [[best, *others]] = model.stream(["gumi"], beam=5, n_best=5)
    assert live.page.text_content("#best .choice:first-child .text") == best.text
    assert live.page.locator("#best .choice").count() == 1 + len(others)
    same(table(live.page), best.attention[LOOK].mean(0))
    assert live.state()["text"] == ["gumi"]


def test_cells_are_erased_and_pinned_and_it_is_undone(live, model):
    own = answered(model)
    live.do(lambda: live.page.click(live.cell(0, 1)))
    erase = regard.Erase(LOOK, source=[1], target=[0])
    erased = answered(model, interventions=[erase])
    same(table(live.page), erased.attention[LOOK].mean(0))
    assert live.state()["erase"] == [f"{LOOK}:source=1,target=0"]
    assert "erased" in live.page.get_attribute(live.cell(0, 1), "class")
    sides = live.page.text_content("#sides")
    assert own.text in sides and erased.text in sides and "log-probability" in sides
    assert f"{erased.score - own.score:+.2f}".replace("-", "−") in sides or abs(erased.score - own.score) < 0.01
    live.do(lambda: live.page.click(live.cell(0, 2), modifiers=["Shift"]))
    pinned = answered(model, interventions=[regard.Pin(LOOK, source=[2], target=[0]), erase])
    same(table(live.page), pinned.attention[LOOK].mean(0))
    live.do(lambda: live.page.click("#map thead th:nth-of-type(1)"))
    assert f"{LOOK}:source=0" in live.state()["erase"]
    live.do(lambda: live.page.go_back())
    same(table(live.page), pinned.attention[LOOK].mean(0))
    live.do(lambda: live.page.click("#undo"))
    same(table(live.page), erased.attention[LOOK].mean(0))
    live.do(lambda: live.page.keyboard.press("Control+z"))
    same(table(live.page), own.attention[LOOK].mean(0))
    assert "erase" not in live.state() and live.page.is_hidden("#sides")
    live.do(lambda: live.page.go_forward())
    same(table(live.page), erased.attention[LOOK].mean(0))


def test_the_keys_touch_too_and_stay_where_they_are(live):
    live.page.focus("#map tbody td[tabindex='0']")
    live.page.keyboard.press("ArrowRight")
    live.do(lambda: live.page.keyboard.press("Delete"))
    assert live.state()["erase"] == [f"{LOOK}:source=1,target=0"]
    assert live.page.evaluate("document.activeElement.cellIndex") == 2
    live.do(lambda: live.page.keyboard.press("p"))
    assert live.state()["pin"] == [f"{LOOK}:source=1,target=0"] and "erase" not in live.state()


def test_heads_that_the_pointer_is_drawn_over_go_off_and_on(live, model):
    def drag() -> None:
        first, last = (live.page.locator(".head").nth(k).bounding_box() for k in (2, 3))
        live.page.mouse.move(first["x"] + 8, first["y"] + 8)
        live.page.mouse.down()
        live.page.mouse.move(last["x"] + 20, last["y"] + 12, steps=6)
        live.page.mouse.up()

    live.do(drag)
    assert live.state()["erase"] == [f"{LOOK}:head=1-2"]
    off = answered(model, interventions=[regard.Erase(LOOK, head=[1, 2])])
    live.page.check("#heads input[value='1']")
    assert table(live.page).max() == 0
    live.page.check("#heads input[value='3']")
    same(table(live.page), off.attention[LOOK][3])
    live.do(drag)
    assert "erase" not in live.state()


def test_two_runs_are_compared_on_one_text(live, runs, model):
    live.do(lambda: live.page.select_option("#with", "one"))
    [[other, *_]] = regard.load(runs[0]).stream([TEXT], beam=5, n_best=5)
    assert other.text in live.page.text_content("#sides") and answered(model).text in live.page.text_content("#sides")
    assert live.page.is_visible("#other-plot canvas") and live.page.text_content("#other-title") == "one"
    cells = np.array(live.page.evaluate("otherMap(drawn.layer).then(map => map.cells)"))
    same(cells, other.attention[LOOK].mean(0))
    assert live.page.is_visible("#difference-figure")
    assert live.state()["with"] == ["one"]
    live.do(lambda: live.page.go_back())
    assert live.page.is_hidden("#sides") and live.page.is_hidden("#other-figure")


def test_an_address_is_a_state(live, address, browser):  # noqa: F811
    live.do(lambda: live.page.click(live.cell(1, 1)))
    live.page.check("#heads input[value='2']")
    page = browser.new_page()
    again = Live(page)
    page.goto(live.page.url)
    again.settle(0)
    np.testing.assert_array_equal(table(page), table(live.page))
    assert page.is_checked("#heads input[value='2']") and page.input_value("#field-0") == TEXT
    page.close()


def test_what_is_wrong_is_said_and_nothing_is_lost(live):
    before = table(live.page)
    for word, said in (("decoder.7.cross:source=1", "Did you mean"), (f"{LOOK}:head=9", "expected less than the 4")):
        live.do(lambda word=word: live.page.evaluate("word => { location.hash = location.hash + '&erase=' + word }", word))
        assert said in live.page.text_content("#state")
        np.testing.assert_array_equal(table(live.page), before)
        live.do(lambda: live.page.go_back())
    live.do(lambda: live.page.fill("#field-0", "x" * 4000))
    assert "limit `characters`" in live.page.text_content("#state")
    np.testing.assert_array_equal(table(live.page), before)


def test_pictures_are_kept_as_files(live, tmp_path):
    for kind, begun in (("png", b"\x89PNG"), ("svg", b"<svg")):
        with live.page.expect_download() as found:
            live.page.click(f"#{kind}")
        found.value.save_as(tmp_path / f"map.{kind}")
        assert (tmp_path / f"map.{kind}").read_bytes().startswith(begun)
    text = (tmp_path / "map.svg").read_text("utf-8")
    assert len(re.findall("<rect", text)) > table(live.page).size and LOOK in text


def test_large_pictures_are_one_canvas_that_the_keys_walk(live, model):
    text = " ".join(small.words(30, 3))
    live.do(lambda: live.page.fill("#field-0", text))
    live.page.select_option("#layer", "encoder.0.self")
    live.page.wait_for_selector("#plot canvas")
    assert live.page.is_hidden("#frame") and live.page.evaluate("drawn.down.length") > 60
    live.page.focus("#plot")
    live.page.keyboard.press("ArrowRight")
    [[best, *_]] = model.stream([text], beam=5, n_best=5)
    weight = best.attention["encoder.0.self"].mean(0)[0, 1]
    said = live.page.text_content("#plot-cell")
    assert re.search(r" looks at .*: \d\.\d{3}$", said) and abs(float(said.rsplit(" ", 1)[1]) - weight) < 0.0011
    live.do(lambda: live.page.keyboard.press("Delete"))
    assert live.state()["erase"] == ["encoder.0.self:source=1,target=0"]
