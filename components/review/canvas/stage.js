// Stage: the picture with its boxes on a canvas, and what the mouse does there.

const SMALLEST_PX = 6; // a box with a shorter side, on the stage, is a slip of the mouse
const STILL_PX = 3; // the mouse moved less than this: a click
const HANDLE_PX = 4.5;
const GRIP_PX = 8;
const LABEL_PX = 13;
const HATCH_PX = 12; // from one line to the next
const HANDLES = [
  [0, 0, "nwse"], [0.5, 0, "ns"], [1, 0, "nesw"], [1, 0.5, "ew"],
  [1, 1, "nwse"], [0.5, 1, "ns"], [0, 1, "nesw"], [0, 0.5, "ew"],
];

class Stage {
  constructor(app) {
    this.app = app;
    this.drag = null;
    this.isSpace = false;
    this.canvas = element("canvas", { class: "stage", role: "img" });
    this.canvas.addEventListener("pointerdown", (event) => this.down(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerup", (event) => this.up(event));
    this.canvas.addEventListener("pointercancel", () => this.cancel());
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.node = element("div", { class: "stage-frame" }, this.canvas);
    this.resized = new ResizeObserver(() => this.fitCanvas());
    this.resized.observe(this.node);
  }

  close() {
    this.resized.disconnect();
  }

  fitCanvas() {
    const { clientWidth: width, clientHeight: height } = this.node;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.app.view?.resize(width, height);
    this.paint();
    this.app.viewed();
  }

  point(event) {
    const place = this.canvas.getBoundingClientRect();
    return [event.clientX - place.left, event.clientY - place.top];
  }

  // Mouse

  down(event) {
    if (!this.app.isEditable && !this.isSpace && event.button !== 1) return;
    event.preventDefault();
    this.app.focus();
    const start = this.point(event);
    const at = this.app.view.toPicture(start);
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = { start, at, now: at, mode: this.modeAt(event, at), moved: false };
  }

  modeAt(event, at) {
    const { boxes } = this.app;
    if (this.isSpace || event.button === 1) return { kind: "pan" };
    if (event.shiftKey) return { kind: "band" };
    const handle = this.handleAt(at);
    if (handle) return { kind: "resize", ...handle };
    const hit = boxes.at(at).find((number) => boxes.selected.has(number) && !boxes.items[number].dropped);
    return hit == null ? { kind: "draw" } : { kind: "move" };
  }

  handleAt([x, y]) {
    const { boxes, view } = this.app;
    const [number] = boxes.selected;
    if (boxes.selected.size !== 1 || boxes.items[number].dropped) return null;
    const [x0, y0, x1, y1] = boxes.items[number].box;
    const near = HANDLES.find(([across, down]) =>
      Math.abs(x - (x0 + across * (x1 - x0))) * view.scale <= GRIP_PX &&
      Math.abs(y - (y0 + down * (y1 - y0))) * view.scale <= GRIP_PX);
    return near ? { number, handle: near } : null;
  }

  move(event) {
    const here = this.point(event);
    if (!this.drag) {
      this.point_to(here);
      return;
    }
    const { drag } = this;
    const [dx, dy] = [here[0] - drag.start[0], here[1] - drag.start[1]];
    drag.moved ||= Math.hypot(dx, dy) >= STILL_PX;
    if (!drag.moved) return;
    if (drag.mode.kind === "pan") {
      const last = drag.last || drag.start;
      this.app.view.pan(last[0] - here[0], last[1] - here[1]);
      drag.last = here;
      this.app.viewed();
    }
    drag.now = this.app.view.toPicture(here);
    this.paint();
  }

  up(event) {
    if (!this.drag) return;
    this.move(event);
    this.finish();
  }

  /** End what the mouse has begun, as if it were let go here. */
  finish() {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    const { boxes, view } = this.app;
    const { kind, number } = drag.mode;
    const slack = STILL_PX / view.scale;
    if (kind === "pan") return;
    if (!drag.moved) {
      if (kind === "band") boxes.at(drag.at, slack).slice(0, 1).forEach((one) => boxes.toggle(one));
      else boxes.click(drag.at, slack);
      this.app.selected();
    } else if (kind === "band") {
      const band = this.shape(drag);
      boxes.select([...boxes.selected, ...boxes.items.keys()].filter((one) =>
        boxes.selected.has(one) || (!boxes.items[one].dropped && overlap(boxes.items[one].box, band) > 0)));
      this.app.selected();
    } else if (kind === "move") {
      const chosen = this.movable;
      boxes.shift(chosen, drag.now[0] - drag.at[0], drag.now[1] - drag.at[1]) &&
        this.app.edited(`Moved ${boxes.inWords}.`);
    } else if (kind === "resize") {
      boxes.resize(number, this.shape(drag)) && this.app.edited(`Resized ${boxes.named(number)}.`);
    } else this.drawn(this.shape(drag));
    this.paint();
  }

  drawn(box) {
    const { boxes, view, category } = this.app;
    const [x0, y0, x1, y1] = clipped(ordered(box), boxes.size);
    if (Math.min(x1 - x0, y1 - y0) * view.scale < SMALLEST_PX) return;
    const before = boxes.items;
    const number = boxes.draw(box, category);
    if (number < 0) return;
    boxes.select([number]);
    if (boxes.items === before) this.app.selected(`${boxes.named(number)} covers this already.`);
    else this.app.edited(`${before.length < boxes.items.length ? "Drew" : "Widened"} ${boxes.named(number)}.`);
  }

  get movable() {
    const { boxes } = this.app;
    return [...boxes.selected].filter((number) => !boxes.items[number].dropped);
  }

  /** What the drag makes of its box, in picture pixels. */
  shape({ mode, at, now }) {
    if (mode.kind !== "resize") return ordered([...at, ...now]);
    const box = [...this.app.boxes.items[mode.number].box];
    const [across, down] = mode.handle;
    if (across !== 0.5) box[across ? 2 : 0] += now[0] - at[0];
    if (down !== 0.5) box[down ? 3 : 1] += now[1] - at[1];
    return ordered(box);
  }

  cancel() {
    const was = this.drag;
    this.drag = null;
    this.paint();
    return Boolean(was);
  }

  wheel(event) {
    if (!this.app.view) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 33 : 1;
    this.app.view.zoomAt(this.point(event), Math.exp((-event.deltaY * lines) / 400));
    this.app.viewed();
    this.paint();
  }

  point_to(here) {
    if (!this.app.view || !this.app.boxes) return;
    const at = this.app.view.toPicture(here);
    const handle = this.handleAt(at);
    const { boxes } = this.app;
    const onSelected = boxes.at(at).some((one) => boxes.selected.has(one));
    this.canvas.style.cursor = this.isSpace ? "grab"
      : handle ? `${handle.handle[2]}-resize` : onSelected ? "move" : "crosshair";
  }

  // Painting

  paint() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    const { app, canvas } = this;
    const context = canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!app.view) return;
    const { view } = app;
    canvas.dataset.view = JSON.stringify([view.scale, view.left, view.top]);
    canvas.dataset.size = JSON.stringify(view.size);
    const put = (image, [x0, y0, x1, y1]) => {
      const [left, top] = view.toStage([x0, y0]);
      context.drawImage(image, left, top, (x1 - x0) * view.scale, (y1 - y0) * view.scale);
    };
    context.imageSmoothingQuality = "high";
    context.imageSmoothingEnabled = view.scale < 4;
    const whole = [0, 0, ...view.size];
    const after = app.isCompared && app.previewImage;
    if (after) put(after, whole);
    else {
      if (app.image) put(app.image, whole);
      if (app.detail) put(app.detail.image, app.detail.rect);
      this.drawMargins(context, ratio);
      this.drawBoxes(context);
    }
    canvas.dataset.detail = app.detail && !after ? "shown" : "";
    canvas.dataset.shows = after ? "after" : app.image ? "before" : "nothing";
    canvas.dataset.takesKeys = !app.isBusy;
    if (app.image) app.painted();
  }

  /** Hatch, faintly, what goes around the boxes too: the rectangles of the last answer without the
   * boxes, which stay clear to be looked at. */
  drawMargins(context, ratio) {
    const { app } = this;
    const rects = app.extent?.rects || [];
    this.canvas.dataset.margins = rects.length;
    if (!rects.length) return;
    const { width, height } = this.canvas;
    this.layer ||= document.createElement("canvas");
    Object.assign(this.layer, { width, height }); // which clears it
    const layer = this.layer.getContext("2d");
    const path = (boxes, inset = 0) => {
      const made = new Path2D();
      for (const [x0, y0, x1, y1] of boxes) {
        const [left, top] = app.view.toStage([x0, y0]).map((one) => one * ratio + inset);
        const [right, bottom] = app.view.toStage([x1, y1]).map((one) => one * ratio - inset);
        if (right > left && bottom > top) made.rect(left, top, right - left, bottom - top);
      }
      return made;
    };
    const outer = path(rects);
    layer.fillStyle = "rgb(255 255 255 / 0.6)";
    layer.fill(outer);
    layer.globalCompositeOperation = "destination-out";
    layer.fillStyle = "#000000";
    layer.fill(path(rects, ratio)); // what is left is the outline of them all
    layer.globalCompositeOperation = "source-over";
    layer.fillStyle = this.hatch(layer, ratio);
    layer.fill(outer);
    layer.globalCompositeOperation = "destination-out";
    layer.fillStyle = "#000000";
    layer.fill(path(app.boxes.kept.map((item) => item.box)));
    context.globalAlpha = app.isDimmed ? 0.3 : 1;
    context.drawImage(this.layer, 0, 0, width / ratio, height / ratio);
    context.globalAlpha = 1;
  }

  /** A light line beside a dark one, seen on any ground, which repeats without a seam. */
  hatch(context, ratio) {
    const side = Math.round(HATCH_PX * ratio);
    const tile = Object.assign(document.createElement("canvas"), { width: side, height: side });
    const drawn = tile.getContext("2d");
    drawn.lineWidth = ratio;
    for (const [colour, shift] of [["rgb(255 255 255 / 0.4)", 0], ["rgb(0 0 0 / 0.25)", ratio]]) {
      drawn.strokeStyle = colour;
      drawn.beginPath();
      for (const at of [-side, 0, side]) {
        drawn.moveTo(at + shift - 1, side + 1);
        drawn.lineTo(at + shift + side + 1, -1);
      }
      drawn.stroke();
    }
    return context.createPattern(tile, "repeat");
  }

  drawBoxes(context) {
    const { boxes, isDimmed } = this.app;
    const selected = (number) => boxes.selected.has(number);
    const numbers = [...boxes.items.keys()].filter((n) => !boxes.items[n].dropped || selected(n));
    numbers.sort((one, other) => selected(one) - selected(other));
    const taken = [];
    for (const draw of [(one) => this.drawBox(context, one), (one) => this.drawLabel(context, one, taken)]) {
      for (const number of numbers) {
        context.globalAlpha = isDimmed && !selected(number) ? 0.3 : 1;
        draw(number);
      }
    }
    context.globalAlpha = 1;
    if (this.drag?.moved && ["draw", "band"].includes(this.drag.mode.kind)) {
      const isBand = this.drag.mode.kind === "band";
      context.setLineDash(isBand ? [3, 3] : []);
      this.outline(context, this.shape(this.drag), isBand ? "#ffffff" : this.app.colour(this.app.category), 2);
      context.setLineDash([]);
    }
  }

  boxNow(number) {
    const { boxes } = this.app;
    const { box } = boxes.items[number];
    const { drag } = this;
    if (!drag?.moved) return box;
    if (drag.mode.kind === "resize" && drag.mode.number === number) return this.shape(drag);
    if (drag.mode.kind === "move" && boxes.selected.has(number)) {
      const [dx, dy] = boxes.shiftable(this.movable, drag.now[0] - drag.at[0], drag.now[1] - drag.at[1]);
      return [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];
    }
    return box;
  }

  drawBox(context, number) {
    const { boxes } = this.app;
    const item = boxes.items[number];
    const box = this.boxNow(number);
    const isSelected = boxes.selected.has(number);
    const colour = this.colourOf(item);
    if (isSelected) {
      this.outline(context, box, "#000000", 7);
      this.outline(context, box, "#ffffff", 5);
    } else this.outline(context, box, "rgb(255 255 255 / 0.7)", 4); // seen on its own colour too
    context.setLineDash(item.review || item.dropped ? [6, 4] : []);
    this.outline(context, box, colour, isSelected ? 3 : 2);
    context.setLineDash([]);
    if (isSelected && boxes.selected.size === 1 && !item.dropped) this.drawHandles(context, box, colour);
  }

  outline(context, [x0, y0, x1, y1], colour, width) {
    const [left, top] = this.app.view.toStage([x0, y0]);
    const [right, bottom] = this.app.view.toStage([x1, y1]);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(left, top, right - left, bottom - top);
  }

  drawHandles(context, [x0, y0, x1, y1], colour) {
    for (const [across, down] of HANDLES) {
      const [x, y] = this.app.view.toStage([x0 + across * (x1 - x0), y0 + down * (y1 - y0)]);
      context.fillStyle = "#ffffff";
      context.fillRect(x - HANDLE_PX, y - HANDLE_PX, 2 * HANDLE_PX, 2 * HANDLE_PX);
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.strokeRect(x - HANDLE_PX, y - HANDLE_PX, 2 * HANDLE_PX, 2 * HANDLE_PX);
    }
  }

  colourOf(item) {
    return item.dropped ? "#9aa5a3" : this.app.colour(item.category);
  }

  /** Write a box's name at it, where no other name stands (`taken`) as far as there is such a place. */
  drawLabel(context, number, taken) {
    const { boxes, isLabelled } = this.app;
    if (!isLabelled && !boxes.selected.has(number)) return;
    const item = boxes.items[number];
    const colour = this.colourOf(item);
    const text = `${number + 1} ${item.category}${Boxes.isUnsure(item) ? " ?" : ""}${item.dropped ? " dropped" : ""}`;
    context.font = `600 ${LABEL_PX}px ${this.app.font}`;
    const width = context.measureText(text).width + 8;
    const height = LABEL_PX + 6;
    const { view } = this.app;
    const [x0, y0, x1, y1] = this.boxNow(number);
    const [left, top] = view.toStage([x0, y0]);
    const [right, bottom] = view.toStage([x1, y1]);
    const places = [
      [left, top - height - 3], [right - width, top - height - 3], [left, bottom + 3],
      [right - width, bottom + 3], [left, top + 3], [right - width, bottom - height - 3],
    ].map(([x, y]) => [
      within(x, 0, Math.max(view.stage[0] - width, 0)), within(y, 0, Math.max(view.stage[1] - height, 0)),
    ]);
    const isFree = ([x, y]) => taken.every(([otherX, otherY, otherWidth]) =>
      Math.abs(y - otherY) >= height || x >= otherX + otherWidth || x + width <= otherX);
    const [x, y] = places.find(isFree) || places[0];
    taken.push([x, y, width]);
    context.fillStyle = colour;
    context.fillRect(x, y, width, height);
    context.fillStyle = readableOn(colour);
    context.textBaseline = "middle";
    context.fillText(text, x + 4, y + height / 2 + 0.5);
  }
}
