// Keys: what each does. They act at once, on what is selected now, whatever the server is doing.

const WORDS_TYPED_IN = "input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable=true]";
const ONCE = new Set(["a", "s", "x", "d", "n", "p", "l", "b", "q", "h", "r", "z", "u", "delete"]);
const ARROWS = { ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowDown: [0, 1] };

class Keys {
  constructor(app) {
    this.app = app;
    this.down = (event) => this.pressed(event);
    this.up = (event) => this.released(event);
    // in the capture phase: before Streamlit's own keys, of which R loads the page again
    window.addEventListener("keydown", this.down, true);
    window.addEventListener("keyup", this.up, true);
  }

  close() {
    window.removeEventListener("keydown", this.down, true);
    window.removeEventListener("keyup", this.up, true);
  }

  pressed(event) {
    const [target] = event.composedPath();
    if (this.app.dialogs.isOpen || target.matches?.(WORDS_TYPED_IN)) return;
    if (event.altKey || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() !== "a")) return;
    const isControl = target.matches?.("button, a, summary, input");
    if (isControl && (event.key === " " || event.key === "Enter")) return; // the control's own
    if (target.matches?.("input[type=range]") && event.key in ARROWS) return;
    if (!this.act(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  released(event) {
    if (event.key === " ") this.app.stage.isSpace = false;
    if (event.key.toLowerCase() === "p") this.app.endCompare();
  }

  /** Do what a key does; false where it does nothing here. */
  act(event) {
    const { app } = this;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) return this.selectAll();
    if (key === " ") {
      app.stage.isSpace = true;
      return true;
    }
    if (key === "h") return app.help(), true;
    if (key === "q") return event.repeat || app.toggleQueue(), true;
    const work = this.table(event)[key];
    if (!work) return false;
    if (event.repeat && ONCE.has(key.toLowerCase())) return true;
    if (app.isBusy) app.tooEarly();
    else if (app.isReady) {
      app.stage.finish(); // what the mouse has begun counts as done
      work();
    }
    return true;
  }

  table({ key, shiftKey }) {
    const { app } = this;
    const arrow = ARROWS[key];
    return {
      a: () => app.accept(),
      s: () => app.skip(),
      x: () => app.reject(),
      u: () => app.undo(),
      j: () => app.step(1, { add: shiftKey }),
      k: () => app.step(-1, { add: shiftKey }),
      d: () => app.toggle([...app.boxes.selected]),
      Delete: () => app.drop([...app.boxes.selected]),
      Backspace: () => app.drop([...app.boxes.selected]),
      n: () => app.dropUnsure(),
      r: () => app.askLabel(),
      p: () => app.startCompare(),
      l: () => app.toggleLabels(),
      b: () => app.toggleDim(),
      z: () => app.zoom(),
      "+": () => app.zoomBy(1.5),
      "=": () => app.zoomBy(1.5),
      "-": () => app.zoomBy(1 / 1.5),
      Escape: () => app.escape(),
      ...Object.fromEntries(app.categories.map((one, at) => [`${at + 1}`, () => app.digit(one.value)])),
      ...(arrow ? { [key]: () => app.arrow(...arrow, shiftKey ? 1 : 8) } : {}),
    };
  }

  selectAll() {
    const { app } = this;
    if (!app.isReady || app.isBusy) return false;
    app.boxes.select([...app.boxes.items.keys()].filter((one) => !app.boxes.items[one].dropped));
    app.selected(`Selected ${app.boxes.inWords}.`);
    return true;
  }
}
