// Queue: what waits, as a strip of small pictures, and which of it comes in what order.

class Queue {
  constructor(app) {
    this.app = app;
    this.isOpen = null; // until the server says
    this.choice = null;
    const choice = (name, label) => element("label", { class: "choice" },
      element("span", { class: "small", text: label }),
      (this[name] = element("select", {
        onchange: () => this.choose(name),
        onpointerdown: () => (this.isByKeys = false),
        onkeydown: () => (this.isByKeys = true),
        onkeyup: (event) => ["Enter", "Escape"].includes(event.key) && this.leave(name),
      })));
    this.choices = element("div", { class: "choices" },
      choice("order", "Order"), choice("batch", "Batch"), choice("kind", "Reason"), choice("category", "Shows"));
    this.entries = element("ul", { class: "entries", "aria-label": "Waiting pictures" });
    this.note = element("p", { class: "small", hidden: true });
    this.node = element("div", { class: "queue", hidden: true }, this.choices, this.note, this.entries);
  }

  /** What is sent: the browser's own choice, whatever an older answer says. */
  get options() {
    return { ...this.choice, open: this.isOpen ? "1" : "" };
  }

  toggle() {
    this.isOpen = !this.isOpen;
    this.node.hidden = !this.isOpen;
    this.app.send("choose", { options: this.options });
  }

  choose(name) {
    this.choice = { ...this.choice, [name]: this[name].value };
    if (!this.isByKeys) this.leave(name); // an arrow key chooses what it passes on its way
    this.app.send("choose", { options: this.options });
  }

  leave(name) {
    this[name].blur();
    this.app.focus();
  }

  /** Show the server's answer; one that is older than what was chosen since changes no choice. */
  render(data, { choice, isNewest }) {
    this.isOpen ??= Boolean(data);
    this.node.hidden = !this.isOpen;
    clearTimeout(this.timer);
    if (isNewest || !this.choice) this.choice = choice;
    if (!data) return;
    for (const name of ["order", "batch", "kind", "category"]) {
      this.offer(this[name], data.facets[name]);
      this[name].value = this.choice[name];
    }
    this.note.textContent = data.note;
    this.note.hidden = !data.note;
    this.entries.replaceChildren(...data.entries.map((entry) => this.entry(entry)));
    this.entries.querySelector(".is-current")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (data.pending && this.isOpen) {
      this.timer = setTimeout(() => this.app.deciding || this.app.send("choose", { options: this.options }), 700);
    }
  }

  /** Give a select its options; none is changed under the hand of who is choosing. */
  offer(select, options) {
    const made = JSON.stringify(options);
    if (select.dataset.offers === made || (select.matches(":focus") && select.options.length)) return;
    select.dataset.offers = made;
    select.replaceChildren(...options.map(([value, text]) => element("option", { value, text })));
  }

  entry({ id, name, why, thumbnail, isCurrent, isTaken }) {
    const picture = thumbnail
      ? element("img", { src: thumbnail, alt: "" })
      : element("span", { class: "no-thumbnail", "aria-hidden": "true" });
    const label = `${name}, ${why}${isCurrent ? ", shown now" : isTaken ? ", with somebody else" : ""}`;
    return element("li", { class: isCurrent ? "is-current" : "" }, element("button", {
      type: "button", title: label, "aria-label": label, disabled: isCurrent || isTaken,
      onmousedown: (event) => event.preventDefault(),
      onclick: () => this.app.open(id),
    }, picture, element("span", { class: "small", text: name })));
  }

  close() {
    clearTimeout(this.timer);
  }
}
