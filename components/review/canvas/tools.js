// Tools: the bar of decisions, and beside the picture why it is here, what goes, and many at once.

class Tools {
  constructor(app) {
    this.app = app;
    this.accept = button("Accept and next", "A", () => app.press("accept"), { class: "primary" });
    this.skip = button("Skip", "S", () => app.press("skip"));
    this.reject = button("Reject", "X", () => app.press("reject"));
    this.undo = button("Undo", "U", () => app.press("undo"));
    this.compare = button("Compare", "P", () => {}, {
      title: "Before and after, at the same place: hold to compare, click to switch",
      onpointerdown: () => app.press("startCompare"),
      onpointerup: () => app.endCompare(),
      onclick: (event) => event.detail === 0 && app.press("startCompare"), // by the keyboard
    });
    this.queue = button("Queue", "Q", () => app.toggleQueue(), { "aria-expanded": "false" });
    this.helps = button("Keys", "H", () => app.help());
    this.counter = element("p", { class: "counter" });
    this.bar = element("div", { class: "bar", role: "toolbar", "aria-label": "Decide" },
      this.accept, this.skip, this.reject, this.undo, this.compare, this.queue, this.helps, this.counter);

    this.reasons = element("ul", { class: "reasons", "aria-label": "Why this picture is here" });
    this.note = element("p", { class: "small", hidden: true });
    this.source = element("p", { class: "small source" });
    this.kinds = element("div", { class: "kinds", role: "group", "aria-labelledby": "draw-as" });
    this.extent = element("p", { class: "extent" });
    this.margins = element("p", { class: "small margins" });
    this.saved = element("span", { class: "small saved" });
    this.unsure = button("Drop what asks", "N", () => app.press("dropUnsure"));
    this.limit = element("input", {
      type: "range", min: "0", max: "1", step: "0.01", value: "0", "aria-label": "Drop boxes with a score below",
      oninput: () => app.previewBelow(Number(this.limit.value)),
      onchange: () => app.dropBelow(),
    });
    this.below = element("span", { class: "small below" });
    this.drops = element("div", { class: "drops", role: "group", "aria-label": "Drop a category" });
    this.many = element("details", { class: "many" },
      element("summary", {
        text: "Many at once", onmousedown: (event) => event.preventDefault(), onclick: () => app.makeRoomForMany(),
      }),
      element("div", { class: "row" }, this.unsure, button("Keep all", "", () => app.press("keepAll"))),
      element("label", { class: "row slider" }, element("span", { class: "small", text: "Below" }), this.limit, this.below),
      this.drops);
    this.labels = button("Labels", "L", () => app.press("toggleLabels"));
    this.dim = button("Dim", "B", () => app.press("toggleDim"));
    this.zooms = button("Fit", "Z", () => app.press("zoom"));
    this.relabel = button("Relabel", "R", () => app.press("askLabel"));
    this.side = element("div", { class: "side" },
      element("div", {}, this.reasons, this.note, element("div", { class: "row spread" }, this.source, this.saved)),
      element("div", { class: "draws" }, element("p", { class: "small", id: "draw-as", text: "Draw as" }), this.kinds),
      element("div", {}, this.extent, this.margins),
      this.many,
      app.list.node,
      element("div", { class: "row" }, this.labels, this.dim, this.zooms, this.relabel));
  }

  open(data) {
    const { app } = this;
    this.reasons.replaceChildren(...data.reasons.map((one) =>
      element("li", { class: one.grave ? "is-grave" : "", title: one.detail, text: one.text })));
    this.note.hidden = !data.note;
    this.note.textContent = data.note || "";
    this.source.textContent = data.source;
    this.source.title = data.source;
    this.kinds.replaceChildren(...app.categories.map((one, at) => {
      const made = button(one.label, `${at + 1}`, () => app.press("digit", one.value));
      made.prepend(element("span", { class: "swatch", style: `background:${one.colour}`, "aria-hidden": "true" }));
      made.dataset.category = one.value;
      return made;
    }));
    this.limit.value = "0";
    this.below.textContent = inPercent(0);
  }

  render() {
    const { app } = this;
    const { boxes } = app;
    const isReady = app.isReady && !app.isBusy;
    this.accept.disabled = !isReady || app.isHidden;
    for (const one of [this.skip, this.reject, this.undo, this.compare]) one.disabled = !isReady;
    if (!boxes) return;
    for (const one of this.kinds.children) {
      one.setAttribute("aria-pressed", one.dataset.category === app.category);
    }
    const kept = boxes.kept.length;
    const share = app.extent ? `, ${app.link.isSaved ? app.extent.share : "…"} of the picture` : ""; // no line more or less
    this.extent.textContent = boxes.items.length ? `${kept} will be removed${share}` : "Nothing is marked.";
    this.margins.textContent = app.extent?.isWidened
      ? "Hatched: margins, wider as this JPEG looks saved twice" : "Hatched: margins go too";
    this.margins.hidden = !app.extent?.rects.length;
    this.saved.textContent = app.link.isSaved ? "Saved" : "Saving …";
    const unsure = boxes.kept.filter((item) => item.review).length;
    this.unsure.firstChild.textContent = `Drop ${unsure} that ${unsure === 1 ? "asks" : "ask"}`;
    this.unsure.disabled = !unsure;
    this.drops.replaceChildren(...app.categories
      .map((one) => [one, boxes.kept.filter((item) => item.category === one.value).length])
      .filter(([, count]) => count)
      .map(([one, count]) => button(`Drop ${count} ${one.value}`, "", () => app.press("dropCategory", one.value))));
    this.labels.setAttribute("aria-pressed", app.isLabelled);
    this.dim.setAttribute("aria-pressed", app.isDimmed);
    this.compare.setAttribute("aria-pressed", app.isCompared);
    this.zooms.firstChild.textContent = app.view?.words || "Fit";
    this.relabel.disabled = !boxes.selected.size;
    this.relabel.setAttribute("aria-pressed", app.isLabelling);
  }
}
