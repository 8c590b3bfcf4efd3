"""The review page in a real browser: what a tired person must be able to rely on."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.category import Category
from engine.policy import Policy
from tests.browser import waiting
from tests.browser.conftest import App, entered
from tests.browser.reviewing import SHOWN, Desk
from tests.scenes import seen

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 800, 600
COUNT = 48  # more than there are tests: each holds one picture for half an hour
FACES = [
    seen(0.95 - 0.01 * at, (20 + 150 * (at % 5), 20 + 140 * (at // 5),
                            110 + 150 * (at % 5), 110 + 140 * (at // 5)))
    for at in range(8)
]  # fmt: skip
UNSURE = [
    seen(0.30, (600, 400, 700, 500), Category.TATTOO),
    seen(0.28, (480, 400, 560, 480), Category.TATTOO),
]
JEWEL = seen(0.9, (50, 50, 80, 80), Category.JEWELRY)
"""Inside the first face."""
LARGE, CROWD = 4000, 1000
IN_LARGE = [seen(0.9, (400, 400, 900, 900)), seen(0.3, (2000, 2000, 2400, 2400), Category.TATTOO)]
IN_CROWD = [
    *(
        seen(0.6 + 0.02 * at, (20 + 190 * (at % 5), 20 + 140 * (at // 5),
                               80 + 190 * (at % 5), 80 + 140 * (at // 5)))
        for at in range(19)
    ),
    seen(0.3, (900, 650, 960, 700), Category.TATTOO),
]  # fmt: skip
ALL = 1400
"""In pictures of this width most would go."""
IN_ALL = [seen(0.9, (20, 20, 920, 720)), seen(0.3, (1200, 880, 1300, 960), Category.TATTOO)]

UNLIKELY = 1200
"""In pictures of this width something less likely than not goes without a question."""
IN_UNLIKELY = [
    seen(0.31, (50, 50, 250, 250)),
    seen(0.08, (400, 50, 600, 250)),
    seen(0.97, (700, 50, 900, 250)),
]
LENIENT = Policy(categories={"face": {"auto_redact_at": 0.2, "review_at": 0.05}})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    sees = {
        WIDTH: [*FACES, JEWEL, *UNSURE],
        LARGE: IN_LARGE,
        CROWD: IN_CROWD,
        ALL: IN_ALL,
        UNLIKELY: IN_UNLIKELY,
    }
    batches = {
        "holiday": [(f"p{at:02}.png", waiting.png(WIDTH, HEIGHT, at)) for at in range(COUNT)],
        "large": [("large.jpg", waiting.jpeg(LARGE, 3000))],
        "crowd": [(f"crowd{at}.png", waiting.png(CROWD, 750, at)) for at in range(12)],
        "most": [("most.png", waiting.png(ALL, 1000))],
    }
    for batch, files in batches.items():
        waiting.lay(folder, files, sees, batch=batch)
    files = [("unlikely.png", waiting.png(UNLIKELY, 700))]
    waiting.lay(folder, files, sees, batch="unlikely", policy=LENIENT)
    return folder


@pytest.fixture
def desk(app: App, page: Page) -> Desk:
    return fresh(Desk(app, page).open())


def fresh(desk: Desk) -> Desk:
    """A picture of the first batch that nobody has touched: skipped ones come last."""
    while not desk.name.startswith("p") or desk.dropped() or len(desk.lines()) != 11:
        desk.leave("s")
    return desk.saved()


def only(desk: Desk, batch: str) -> Desk:
    """Work on one batch, from its first picture on."""
    desk.press("q")
    chosen = desk.page.get_by_role("combobox", name="Batch")
    option = chosen.locator("option", has_text=batch)
    chosen.select_option(option.get_attribute("value"))
    desk.press("q")  # at once: what was chosen is on its way, and is not lost
    expect(chosen).to_have_count(0)
    is_there = desk.page.locator(".source").inner_text().endswith(f"· {batch}")
    return desk.saved() if is_there else desk.leave("s").saved()


@pytest.fixture
def contexts(app: App, browser: Browser) -> Iterator[list]:
    opened: list = []
    yield opened
    for context in opened:
        context.close()


def another_browser(app: App, browser: Browser, contexts: list, **how: object) -> Page:
    page = entered(app, browser, **how)
    contexts.append(page.context)
    return page


# Never wrong


def test_a_burst_of_keys_arrives_in_order_on_the_boxes_that_were_selected(desk: Desk):
    """Four times: next box, drop it; the last is kept again. The server is busy all the while."""
    desk.press("j", "d", "j", "d", "j", "d", "j", "d", apart_ms=80)
    assert desk.dropped() == {1, 2, 3, 4}

    desk.press("k", "d", "k", "d", "j", "j", "d", "d", apart_ms=80)

    assert desk.dropped() == {1, 4}
    desk.saved().page.reload()
    expect(desk.page.locator(SHOWN)).to_be_visible()
    assert desk.dropped() == {1, 4}


def test_keys_pressed_while_a_verdict_is_on_its_way_touch_no_other_picture(desk: Desk):
    before = desk.name

    desk.press("j", "d").press_at_once("a", "d", "a", "x", "2", "Delete")

    expect(desk.page.locator(".source", has_text=before)).to_have_count(0)
    expect(desk.page.locator(SHOWN)).to_be_visible()
    expect(desk.page.get_by_text("5 keys pressed before this picture was there")).to_be_visible()
    assert desk.dropped() == set()
    desk.page.reload()
    expect(desk.page.locator(SHOWN)).to_be_visible()
    assert desk.dropped() == set()


def test_a_key_for_the_last_picture_that_comes_as_the_next_appears_does_nothing(desk: Desk):
    """A hand that was on its way when the picture changed; so for the second of two clicks."""
    before = desk.name
    desk.page.evaluate(
        """() => {
            const root = [...document.querySelectorAll("*")]
              .find((one) => one.shadowRoot?.querySelector(".review")).shadowRoot;
            const [source, canvas] = [root.querySelector(".source"), root.querySelector("canvas")];
            const before = source.textContent;
            const strike = (key) => window.dispatchEvent(
              new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
            const look = () => {
              const isThere = source.textContent !== before && canvas.dataset.shows === "before";
              if (!isThere) return requestAnimationFrame(look);
              ["j", "d", "a"].forEach(strike);
              root.querySelector("button.primary").click();
            };
            look();
        }"""
    )

    desk.leave("a")

    expect(desk.page.get_by_text("3 keys pressed before this picture was there")).to_be_visible()
    assert desk.name != before
    shown = desk.name
    desk.press("j", "d").saved()  # and from now on they act
    assert (desk.name, len(desk.dropped())) == (shown, 1)


def test_a_message_whose_answer_is_lost_is_sent_again(desk: Desk):
    """A run of the page that ends early has taken the message, and tells nobody."""
    before = desk.name
    desk.page.evaluate(
        """() => {
            const socket = WebSocket.prototype.send;
            WebSocket.prototype.send = function () { WebSocket.prototype.send = socket; };
        }"""
    )

    desk.press("s")

    expect(desk.page.locator(".source", has_text=before)).to_have_count(0)
    expect(desk.page.locator(SHOWN)).to_be_visible()


def test_no_box_can_be_rotated(desk: Desk):
    """No handle but eight on the edges, and every one leaves a box that is straight."""
    before = desk.lines()
    desk.click(215, 65)
    (number,) = desk.selected()

    desk.drag((215, 0), (300, 60))  # where other canvases have the handle to turn a box

    assert len(desk.lines()) == len(before) + 1  # it drew a box instead
    desk.press("u")
    desk.click(215, 65).click(215, 65)
    desk.drag((260, 110), (280, 130))
    desk.saved()
    assert desk.selected() == [number]
    assert desk.lines() == before


def test_deleting_a_group_deletes_it(desk: Desk):
    desk.page.keyboard.down("Shift")
    desk.drag((300, 10), (790, 120))
    desk.page.keyboard.up("Shift")
    group = desk.selected()
    assert len(group) == 3

    desk.press("Delete")

    assert desk.dropped() == set(group)
    desk.saved().page.reload()
    expect(desk.page.locator(SHOWN)).to_be_visible()
    assert desk.dropped() == set(group)


def test_what_was_said_of_a_picture_goes_with_it(desk: Desk):
    name = desk.name
    desk.press("j", "d").saved()
    assert "Dropped box" in desk.status

    desk.leave("s")

    expect(desk.page.locator(".status")).to_have_text(
        f"Skipped {name}; it comes again after the others."
    )
    desk.press("q")
    desk.page.locator(".entries li:not(.is-current) button:enabled").last.click()
    expect(desk.page.locator(".status")).to_be_hidden()
    desk.press("q")


def test_undo_takes_back_edits_of_this_picture_one_by_one(desk: Desk):
    before = desk.lines()
    desk.press("j", "d", "j", "Delete", "ArrowRight")
    desk.drag((700, 520), (780, 590))
    assert len(desk.lines()) == len(before) + 1

    desk.press("u")
    assert len(desk.lines()) == len(before)
    assert desk.dropped() == {1, 2}
    desk.press("u")
    assert desk.dropped() == {1}
    desk.press("u")

    assert desk.lines() == before


def test_taking_a_verdict_back_names_the_picture_and_never_comes_from_a_reload(desk: Desk):
    accepted = desk.name
    desk.leave("a")
    desk.press("j", "d").saved().page.reload()
    expect(desk.page.locator(SHOWN)).to_be_visible()
    shown = desk.name

    desk.press("u")

    dialog = desk.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Take back {accepted}?")
    expect(dialog).to_contain_text("release will be withdrawn")  # whether it is there yet or not
    desk.press("d", "a", "Delete", "j")  # nothing acts behind it
    expect(dialog).to_be_visible()
    desk.press("Enter")  # the safe answer has the focus
    expect(dialog).to_have_count(0)
    assert desk.name == shown
    assert desk.dropped() == {1}

    busy = desk.page.get_by_text("being worked on right now")
    back = desk.page.locator(".source", has_text=accepted)
    for _ in range(60):
        desk.press("u")
        dialog.get_by_role("button", name="Take it back").click()
        expect(busy.or_(back).first).to_be_visible()
        expect(desk.page.get_by_role("button", name="Undo")).to_be_enabled()
        if back.is_visible():
            break
        desk.page.wait_for_timeout(1000)
    assert desk.name == accepted


def test_digits_choose_what_is_drawn_and_relabel_only_when_asked(desk: Desk):
    desk.press("j", "3")
    assert desk.lines()[0] == "1 tattoo"
    assert "next box is drawn as jewelry" in desk.status
    desk.drag((700, 520), (780, 590))
    assert desk.lines()[-1] == "12 jewelry"

    desk.click(650, 450)
    assert desk.selected() == [1]
    desk.press("r")
    assert "Relabel box 1 (tattoo)" in desk.status
    desk.press("4")

    assert desk.lines()[0] == "1 other"
    assert "Relabelled box 1 (tattoo): now other" in desk.status
    desk.press("1")
    assert desk.lines()[0] == "1 other"


@pytest.mark.parametrize("away", ["reload", "other page"])
def test_a_box_drawn_just_before_leaving_is_there_afterwards(desk: Desk, away: str):
    before = len(desk.lines())
    name = desk.name

    desk.drag((700, 520), (780, 590))
    if away == "reload":
        desk.page.reload()
    else:
        desk.page.goto(f"{desk.app.address}/Release")
        expect(desk.page.get_by_role("heading", name="Release")).to_be_visible()
        desk.open()

    expect(desk.page.locator("li.line")).to_have_count(before + 1)
    assert desk.name == name
    desk.saved()


def test_two_browsers_are_two_reviewers_with_pictures_of_their_own(
    app: App, desk: Desk, browser: Browser, contexts: list
):
    other = Desk(app, another_browser(app, browser, contexts))
    other.page.goto(f"{app.address}/Review")
    taken = desk.reviewer.upper()
    other.page.get_by_role("textbox", name="Your name").fill(taken)
    other.page.get_by_role("button", name="Begin").click()
    expect(
        other.page.get_by_text(f"Somebody reviews as {taken} in another browser")
    ).to_be_visible()

    other.page.get_by_role("textbox", name="Your name").fill("Bo")
    other.page.get_by_role("button", name="Begin").click()

    expect(other.page.locator(SHOWN)).to_be_visible()
    assert other.name != desk.name
    name = other.name
    other.page.reload()  # the name is asked once
    expect(other.page.locator(SHOWN)).to_be_visible()
    assert other.name == name


# Seen


def test_canvas_and_list_show_one_selection(desk: Desk):
    desk.click(365, 65)
    (clicked,) = desk.selected()
    line = desk.page.locator("li.is-selected")
    expect(line).to_be_in_viewport()

    desk.page.locator("li.line").nth(6).locator(".line-name").click()

    assert desk.selected() == [int(desk.lines()[6].split()[0])]
    assert desk.selected() != [clicked]


def test_overlapping_boxes_are_reached_in_turn(desk: Desk):
    seen_boxes = []
    for _ in range(3):
        desk.click(65, 65)
        seen_boxes += desk.selected()

    names = {line.split()[0]: line.split()[1] for line in desk.lines()}
    assert [names[str(one)] for one in seen_boxes] == ["jewelry", "face", "jewelry"]


def test_wheel_zooms_about_the_mouse_and_space_pans(desk: Desk):
    spot = desk.at(215, 65)
    desk.page.mouse.move(*spot)
    desk.page.mouse.wheel(0, -400)
    expect(desk.page.get_by_role("button", name=re.compile("^Fit"))).to_have_count(0)
    assert desk.at(215, 65) == pytest.approx(spot, abs=2)

    before, lines = desk.at(0, 0), desk.lines()
    desk.page.keyboard.down(" ")
    desk.page.mouse.move(500, 400)
    desk.page.mouse.down()
    desk.page.mouse.move(450, 380, steps=4)
    desk.page.mouse.up()
    desk.page.keyboard.up(" ")

    assert desk.at(0, 0) == pytest.approx((before[0] - 50, before[1] - 20), abs=2)
    assert desk.lines() == lines


def test_a_zoomed_large_picture_gets_its_own_pixels(app: App, page: Page):
    desk = only(Desk(app, page).open(), "large")
    before = desk.lines()

    desk.page.mouse.move(*desk.at(650, 650))
    desk.page.mouse.wheel(0, -600)
    expect(desk.page.locator("canvas.stage[data-detail=shown]")).to_be_visible()
    desk.drag((1000, 600), (1060, 660))

    assert len(desk.lines()) == len(before) + 1
    desk.saved()


def test_labels_hide_and_boxes_dim(desk: Desk):
    def picture() -> bytes:
        desk.page.wait_for_timeout(100)
        return desk.canvas.screenshot()

    whole = picture()
    desk.press("l")
    unlabelled = picture()
    desk.press("b")
    dimmed = picture()
    desk.press("b", "l")

    assert len({whole, unlabelled, dimmed}) == 3
    assert picture() == whole


_PATCH = """(canvas, [left, top, right, bottom]) => {
    const [scale, x, y] = JSON.parse(canvas.dataset.view);
    const ratio = window.devicePixelRatio * scale;
    const place = [left - x, top - y, right - left, bottom - top].map((one) => one * ratio);
    return [...canvas.getContext("2d").getImageData(...place.map(Math.round)).data].join();
}"""


def test_what_goes_around_the_boxes_is_hatched_and_follows_the_edits(desk: Desk):
    """The margin of the last unsure tattoo, beside its box and free of other marks."""
    beside, inside = (588, 420, 597, 480), (620, 420, 680, 480)

    def seen_at(place: tuple[int, int, int, int]) -> str:
        desk.page.wait_for_timeout(150)
        return desk.canvas.evaluate(_PATCH, place)

    hatched, clear = seen_at(beside), seen_at(inside)
    expect(desk.page.get_by_text("Hatched: margins go too")).to_be_visible()

    desk.click(650, 450).press("d", "Escape").saved()

    assert seen_at(beside) != hatched  # the answer came, and with it what goes now
    assert seen_at(inside) == clear  # what is in a box is never hatched
    desk.press("u").saved()
    assert seen_at(beside) == hatched
    desk.page.get_by_text("Many at once").click()
    for name in ("Drop 8 face", "Drop 2 tattoo", "Drop 1 jewelry"):
        desk.page.get_by_role("button", name=name).click()
    desk.page.get_by_text("Many at once").click()
    desk.saved()
    expect(desk.page.get_by_text("Hatched: margins go too")).to_be_hidden()


def test_after_is_shown_where_before_was_without_a_jump(desk: Desk):
    place, view = desk.canvas.bounding_box(), desk.canvas.get_attribute("data-view")

    desk.page.keyboard.down("p")
    expect(desk.page.locator("canvas.stage[data-shows=after]")).to_be_visible()
    assert desk.canvas.bounding_box() == place
    assert desk.canvas.get_attribute("data-view") == view
    desk.page.wait_for_timeout(500)
    desk.page.keyboard.up("p")
    expect(desk.page.locator(SHOWN)).to_be_visible()  # held: only as long as that

    desk.press("p")
    expect(desk.page.locator("canvas.stage[data-shows=after]")).to_be_visible()
    desk.press("p")
    expect(desk.page.locator(SHOWN)).to_be_visible()


def test_the_share_that_goes_follows_the_edits_and_more_than_half_is_asked_once(
    app: App, page: Page
):
    desk = only(Desk(app, page).open(), "most")
    assert re.fullmatch(r"2 will be removed, [5-9]\d\s% of the picture", desk.extent)
    name = desk.name

    asked_at_once = """() => {
        const how = {key: "a", bubbles: true, cancelable: true};
        window.dispatchEvent(new KeyboardEvent("keydown", how));
        return [...document.querySelectorAll("*")]
          .some((one) => one.shadowRoot?.querySelector("dialog[open]"));
    }"""
    assert desk.page.evaluate(asked_at_once)
    dialog = desk.page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"\d\d\s% of this picture would be removed"))
    expect(dialog).to_contain_text("Is that right?")
    desk.press("Enter")
    expect(dialog).to_have_count(0)
    assert desk.name == name

    desk.press("j", "j", "d").saved()
    assert re.fullmatch(r"1 will be removed, \d\s% of the picture", desk.extent)
    desk.press("u").saved().press("a")
    expect(dialog).to_be_visible()
    desk.press("a", "d", "y")  # of these the question takes one
    expect(desk.page.locator(".source")).not_to_contain_text(name)


_PURPLE = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4)
      count += data[at] === 0x8e && data[at + 1] === 0x44 && data[at + 2] === 0xad;
    return count;
}"""


def test_the_name_of_one_box_does_not_hide_that_of_another(desk: Desk):
    purple = desk.canvas.evaluate(_PURPLE)  # the only jewelry's name and outline
    assert purple > 500

    desk.press("2").drag((50, 50), (140, 130)).saved()

    desk.page.wait_for_timeout(100)
    assert desk.canvas.evaluate(_PURPLE) > 0.8 * purple


def test_how_likely_each_box_is_stands_in_the_list_and_what_is_unlikely_is_marked(
    app: App, page: Page
):
    page.add_init_script(
        """window.written = [];
        const write = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
          window.written.push(text);
          return write.call(this, text, ...place);
        };"""
    )

    desk = only(Desk(app, page).open(), "unlikely")

    assert [text.replace("\u00a0", " ") for text in page.locator(".note").all_inner_texts()] == [
        "8 % likely · asks",
        "97 % likely",
        "31 % likely",
    ]
    assert set(page.evaluate("written")) >= {"1 face ?", "2 face", "3 face ?"}
    assert "2 face ?" not in page.evaluate("written")
    desk.drag((400, 400), (500, 500)).saved()
    assert page.locator(".note").last.inner_text() == "drawn"
    assert "4 face" in page.evaluate("written")
    expect(page.get_by_role("button", name="Drop 1 that asks")).to_have_count(0)
    page.get_by_text("Many at once").click()
    expect(page.get_by_role("button", name="Drop 1 that asks")).to_be_visible()


# Many at once


def test_many_boxes_are_dropped_at_once_and_taken_back_in_one_step(desk: Desk):
    desk.press("n")
    assert desk.dropped() == {1, 2}
    desk.press("u")
    assert desk.dropped() == set()

    desk.page.get_by_text("Many at once").click()
    desk.page.get_by_role("button", name="Drop 8 face").click()
    assert len(desk.dropped()) == 8
    desk.press("u")

    slider = desk.page.get_by_role("slider")
    slider.evaluate(
        "it => { it.value = '0.905'; it.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    assert len(desk.selected()) > 2  # shown before it is done
    slider.evaluate("it => it.dispatchEvent(new Event('change', {bubbles: true}))")
    dropped = desk.dropped()
    assert {1, 2} < dropped
    assert len(dropped) < 11
    desk.press("u")
    assert desk.dropped() == set()
    desk.page.get_by_text("Many at once").click()


def test_reasons_are_grouped(desk: Desk):
    reasons = desk.page.locator(".reasons li").all_inner_texts()

    assert reasons == ["asks about 2 tattoos"]


# A queue


def test_the_strip_shows_what_waits_jumps_filters_and_orders(desk: Desk):
    desk.press("q")
    strip = desk.page.locator(".entries li")
    expect(strip.locator("img").first).to_be_visible()
    expect(desk.page.locator(".entries li.is-current")).to_have_count(1)

    desk.page.get_by_role("combobox", name="Order").select_option("as uploaded")
    expect(desk.page.get_by_role("combobox", name="Order")).to_have_value("as uploaded")
    target = desk.page.locator(".entries li:not(.is-current) button:enabled").last
    name = target.inner_text().strip()
    target.click()
    expect(desk.page.locator(".source")).to_contain_text(name)

    desk.page.get_by_role("combobox", name="Shows").select_option("jewelry")
    expect(desk.page.locator(".entries")).not_to_contain_text("crowd")
    assert "jewelry" in {line.split()[1] for line in desk.leave("s").lines()}
    desk.page.get_by_role("combobox", name="Shows").select_option("")
    desk.page.get_by_role("combobox", name="Order").select_option("most risk first")
    desk.press("q")
    expect(desk.page.locator(".queue")).to_be_hidden()


def test_the_queue_is_chosen_by_keys_alone(desk: Desk):
    desk.press("q")
    order = desk.page.get_by_role("combobox", name="Order")
    order.locator("option").nth(2).wait_for(state="attached")
    offered = order.locator("option").evaluate_all("all => all.map(one => one.value)")
    assert order.input_value() == offered[0]

    order.focus()
    desk.press("ArrowDown", "ArrowDown")  # past the second, which the first press chose
    assert order.input_value() == offered[2]
    desk.press("Escape").saved()

    expect(order).to_have_value(offered[2])
    desk.press("ArrowUp")  # for the picture again
    assert order.input_value() == offered[2]
    order.select_option(offered[0])
    desk.press("q").saved()
    expect(desk.page.locator(".queue")).to_be_hidden()


# It fits


def measure(page: Page) -> None:
    """Make the measures of `layout.js` known to the page."""
    page.evaluate(Path(__file__).with_name("layout.js").read_text())


FITS = [
    pytest.param({"viewport": {"width": 1280, "height": 800}}, id="1280x800"),
    pytest.param({"viewport": {"width": 1024, "height": 768}}, id="1024x768"),
    pytest.param(
        {"viewport": {"width": 853, "height": 533}, "device_scale_factor": 1.5}, id="150 percent"
    ),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("how", FITS)
def test_everything_fits_and_can_be_read(
    app: App, browser: Browser, contexts: list, page: Page, how: dict, scheme: str
):
    desk = Desk(app, another_browser(app, browser, contexts, color_scheme=scheme, **how))
    desk.open(f"Eve {how['viewport']['width']} {scheme}")
    desk.press("j", "d", "j").saved()
    seen_as = f"{how['viewport']['width']}-{scheme}.png"
    desk.page.screenshot(path=app.shots / f"review-{seen_as}")

    measure(desk.page)
    laid_out = desk.page.evaluate("laidOut()")
    assert laid_out["cut"] == []
    assert not laid_out["overflows"]
    assert not laid_out["underHeader"]
    assert laid_out["counterLines"] < 1.7
    assert laid_out["stage"][0] > how["viewport"]["width"] * 0.55
    assert laid_out["stage"][1] > how["viewport"]["height"] * 0.6
    assert laid_out["list"] > 60
    assert desk.page.evaluate("tooFaint()") == []

    desk.page.get_by_text("Many at once").click()
    desk.press("r", "q")
    expect(desk.page.locator(".entries li").first).to_be_visible()
    desk.page.screenshot(path=app.shots / f"review-queue-{seen_as}")
    laid_out = desk.page.evaluate("laidOut()")
    assert laid_out["cut"] == []
    assert not laid_out["overflows"]
    assert desk.page.evaluate("tooFaint()") == []
    desk.press("s")  # leaves the picture to others


def test_everything_has_a_name_and_accept_is_two_tabs_away(desk: Desk):
    for role in ("button", "slider", "img", "combobox"):
        for one in desk.page.locator(".review").get_by_role(role).all():
            assert one.evaluate("it => it.getAttribute('aria-label') || it.textContent.trim()")
    expect(desk.page.get_by_role("img", name=desk.name)).to_be_visible()

    name = desk.name
    desk.press("Tab")
    measure(desk.page)
    if "Accept" not in desk.page.evaluate("focused()"):
        desk.press("Tab")
    assert "Accept" in desk.page.evaluate("focused()")
    desk.press("Enter")
    expect(desk.page.locator(".source", has_text=name)).to_have_count(0)


# Fast


def test_how_long_keys_and_verdicts_take(app: App, page: Page):
    """Prints; a time depends on the machine and asserts nothing."""
    desk = only(Desk(app, page).open(), "crowd")
    measure(page)
    page.evaluate("timeKeys()")
    desk.press("j", "d", "j", "ArrowRight", "j", "d", "l", "b", apart_ms=80)
    page.wait_for_timeout(1500)
    keys = page.evaluate("took")
    verdicts = []
    for _ in range(3):
        waited = page.evaluate_handle("({answer: untilAnswered()})")
        page.keyboard.press("a")
        verdicts.append(waited.evaluate("one => one.answer")[1])
        page.wait_for_timeout(1500)
        if not desk.name.startswith("crowd"):
            break

    print(  # noqa: T201
        f"\n20 boxes: key to painted, median {statistics.median(keys):.0f} ms, most"
        f" {max(keys):.0f}; accept to the next picture, ms:"
        f" {', '.join(f'{one:.0f}' for one in verdicts)}"
    )
    assert len(keys) == 8
    assert verdicts


def test_no_browser_asked_anybody_else_or_complained(app: App):
    assert not app.outside
    assert not app.complaints
