// Dialogs: questions that are answered before anything else goes on. No key acts behind one.

class Dialogs {
  constructor(app) {
    this.app = app;
    this.node = element("dialog", { "aria-labelledby": "dialog-title" });
    this.node.addEventListener("close", () => app.focus());
    this.node.addEventListener("keydown", (event) => {
      const isPlain = !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey;
      if (isPlain && event.key.toLowerCase() === "y") this.yes?.click();
    });
  }

  get isOpen() {
    return this.node.open || Boolean(document.querySelector("[data-testid=stDialog]"));
  }

  /** Ask whether to go on; the safe answer has the focus. */
  ask(title, text, yes, no, act) {
    const answer = (work) => () => {
      this.node.close();
      work?.();
    };
    const safe = button(no, "Esc", answer(), { class: "quiet" });
    const sure = button(yes, "Y", answer(act), { class: "primary" });
    this.show(title, element("p", { text }), safe, sure);
    this.yes = sure;
    safe.focus();
  }

  help(keys) {
    const rows = keys.map(([key, does]) =>
      element("tr", {}, element("th", { scope: "row", text: key }), element("td", { text: does })));
    const close = button("Close", "", () => this.node.close(), { class: "quiet" });
    this.show("Keys", element("div", { class: "help" }, element("table", {}, ...rows)), close);
    close.focus();
  }

  show(title, content, ...answers) {
    this.yes = null;
    this.node.replaceChildren(
      element("h2", { id: "dialog-title", text: title }),
      content,
      element("div", { class: "answers" }, ...answers)
    );
    this.node.showModal();
  }

  close() {
    if (this.node.open) this.node.close();
  }
}
