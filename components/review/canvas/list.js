// List: the boxes as lines beside the picture; it follows the selection, and a click selects.

class List {
  constructor(app) {
    this.app = app;
    this.rows = new Map();
    this.node = element("ol", { class: "list", "aria-label": "Boxes" });
  }

  render() {
    const { boxes } = this.app;
    const order = boxes.order;
    for (const number of this.rows.keys()) {
      if (number >= boxes.items.length) {
        this.rows.get(number).line.remove();
        this.rows.delete(number);
      }
    }
    order.forEach((number, place) => {
      const row = this.rows.get(number) || this.row(number);
      if (this.node.children[place] !== row.line) this.node.insertBefore(row.line, this.node.children[place] || null);
      this.update(row, number);
    });
    const last = [...boxes.selected].pop();
    if (last != null && this.shown !== last) this.rows.get(last)?.line.scrollIntoView({ block: "nearest" });
    this.shown = last;
  }

  clear() {
    this.rows.clear();
    this.node.replaceChildren();
    this.shown = null;
  }

  row(number) {
    const act = (work) => (event) => {
      this.app.focus();
      work(event);
    };
    const name = element("span", { class: "name" });
    const note = element("span", { class: "note" });
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    const hold = { onmousedown: (event) => event.preventDefault() };
    const choose = element("button", {
      type: "button", class: "line-name", ...hold,
      onclick: act((event) => this.app.choose(number, event.shiftKey || event.ctrlKey || event.metaKey)),
    }, swatch, name, note);
    const toggle = element("button", {
      type: "button", class: "line-toggle", ...hold, onclick: act(() => this.app.toggle([number])),
    });
    const line = element("li", {}, choose, toggle);
    const row = { line, name, note, swatch, choose, toggle };
    this.rows.set(number, row);
    return row;
  }

  update({ line, name, note, swatch, choose, toggle }, number) {
    const { boxes } = this.app;
    const item = boxes.items[number];
    const isSelected = boxes.selected.has(number);
    line.className = `line${isSelected ? " is-selected" : ""}${item.dropped ? " is-dropped" : ""}`;
    line.dataset.box = JSON.stringify(item.box);
    name.textContent = `${number + 1} ${item.category}`;
    note.textContent = item.dropped ? "dropped" : `${item.certainty}${item.review ? " · asks" : ""}`;
    swatch.style.background = this.app.colour(item.category);
    choose.setAttribute("aria-pressed", isSelected);
    toggle.textContent = item.dropped ? "Keep" : "Drop";
    toggle.setAttribute("aria-label", `${item.dropped ? "Keep" : "Drop"} ${boxes.named(number)}`);
  }
}
