// Review: one page of it in one browser tab. It owns the boxes of the picture that is shown; the
// server gets each state, and gives the next picture.

const HOLD_MS = 400; // a key or button held longer compares only while it is held
const DETAIL_AFTER_MS = 250;
const LOW_PX = 400;
const SEEN_MS = 150; // nobody answers to a picture sooner after it was painted
const pages = new WeakMap();

class Review {
  constructor(root) {
    this.link = new Link();
    this.categories = [];
    this.category = "face";
    this.isLabelled = true;
    this.boxes = null;
    this.saidCount = null;
    this.early = 0;
    this.isUnseen = true;
    this.stage = new Stage(this);
    this.list = new List(this);
    this.tools = new Tools(this);
    this.queue = new Queue(this);
    this.dialogs = new Dialogs(this);
    this.status = element("p", { class: "status", role: "status", "aria-live": "polite", hidden: true });
    this.problem = element("p", { class: "problem", role: "alert", hidden: true });
    this.node = element("section", { class: "review", tabindex: "-1", "aria-label": "Review" },
      this.tools.bar,
      element("div", { class: "middle" }, element("div", { class: "picture" }, this.stage.node, this.problem, this.status), this.tools.side),
      this.queue.node,
      this.dialogs.node);
    root.append(this.node);
    this.keys = new Keys(this);
    this.sized = () => this.fill();
    window.addEventListener("resize", this.sized);
    this.fill();
    this.focus();
  }

  close() {
    this.link.close();
    this.keys.close();
    this.stage.close();
    this.queue.close();
    clearTimeout(this.detailTimer);
    clearTimeout(this.seenTimer);
    window.removeEventListener("resize", this.sized);
    this.node.remove();
  }

  /** Take the height that the window leaves, so that the page itself never scrolls. */
  fill() {
    const top = this.node.getBoundingClientRect().top + (document.querySelector(".stMain")?.scrollTop || 0);
    this.node.style.height = `${Math.max(window.innerHeight - top - 8, 320)}px`;
  }

  // In a low window the queue and what drops many at once have no room together: the newer stays.

  makeRoomForQueue() {
    const { side, many } = this.tools;
    if (this.queue.isOpen && side.scrollHeight > side.clientHeight + 1) many.open = false;
  }

  makeRoomForMany() {
    if (this.queue.isOpen && this.tools.side.clientHeight < LOW_PX) this.toggleQueue();
  }

  focus() {
    this.node.focus({ preventScroll: true });
  }

  // What the server says

  update(data) {
    this.categories = data.categories;
    this.keyTable = data.keys;
    if (data.cookie) document.cookie = data.cookie;
    if (data.ack) this.link.taken(data.ack);
    const isOther = data.claim.key !== this.claimKey;
    if (isOther) this.load(data);
    this.hide(this.broken || data.problem || "");
    this.extent = data.extent;
    this.last = data.last;
    this.tools.counter.textContent = data.counter;
    this.takePictures(data);
    this.queue.render(data.queue, { choice: data.choice, isNewest: this.link.isSaved });
    this.makeRoomForQueue();
    if (isOther || this.link.isSaved) this.deciding = null;
    if (this.saidCount !== null && data.said.count !== this.saidCount) this.say(data.said.text);
    else if (this.saidCount === null && data.said.text) this.say(data.said.text);
    this.saidCount = data.said.count;
    if (data.confirm && !isOther && data.confirm.number === this.asked) this.confirmAccept(data.confirm.text);
    this.render();
    this.fill();
  }

  load(data) {
    this.claimKey = data.claim.key;
    this.claim = data.claim;
    this.dialogs.close();
    this.stage.cancel();
    const items = data.claim.items.map((item) => ({ ...item }));
    this.boxes = new Boxes(items, data.claim.size);
    this.view = new View(data.claim.size);
    this.isCompared = this.isLabelling = false;
    this.previewAsked = this.detailAsked = 0;
    this.image = this.detail = this.previewImage = this.previewOf = this.base = null;
    this.imageName = this.broken = "";
    this.isUnseen = true;
    clearTimeout(this.seenTimer);
    this.seenTimer = 0;
    this.list.clear();
    this.say(""); // what was said was about another
    this.tools.open(data.claim);
    this.stage.fitCanvas();
    const left = Link.left(data.claim.picture, data.claim.plan);
    if (left) this.restore(left);
    this.focus();
  }

  /** Say why there is no picture; "" where there is one. Without one nothing can be accepted. */
  hide(text) {
    this.isHidden = Boolean(text);
    this.problem.hidden = !text;
    this.problem.textContent = text;
    if (text) this.painted();
  }

  /** The picture is on the screen: keys act on it from when somebody can have seen it. */
  painted() {
    if (this.isUnseen) this.seenTimer ||= setTimeout(() => this.seen(), SEEN_MS);
  }

  seen() {
    this.isUnseen = false;
    if (this.early) this.say(`${counted(this.early, "key")} pressed before this picture was there did nothing.`);
    this.early = 0;
    this.viewed();
    this.render();
  }

  /** Boxes that were sent in the moment of a reload, and did not arrive. */
  restore(left) {
    const known = this.boxes.items;
    const items = left.map((one, at) => {
      const same = known[at] && JSON.stringify(known[at].box) === JSON.stringify(one.box);
      const old = known[at] || { score: null, certainty: "drawn", review: false };
      return { ...old, ...one, box: same ? known[at].box : one.box };
    });
    this.boxes.items = items;
    this.send("save");
  }

  takePictures({ image, preview, detail, ack }) {
    // a run of the page that other messages ended has lost what it made: ask again
    const isLost = (asked, made) =>
      asked && !made && !this.isHidden && ack.mount === this.link.mount && ack.number >= asked;
    if (isLost(this.previewAsked, preview)) this.previewAsked = this.isCompared ? this.send("preview") : 0;
    if (isLost(this.detailAsked, detail)) {
      this.detailAsked = 0;
      this.viewed();
    }
    if (image && image.name !== this.imageName) {
      this.imageName = image.name;
      this.picture(image.url, (made) => (this.image = made));
    } else if (!this.imageName && !this.isHidden && this.wanted !== this.claimKey) {
      this.wanted = this.claimKey; // this tab held it no more
      this.send("save");
    }
    if (preview && preview.number === this.previewAsked) {
      this.previewAsked = 0;
      this.picture(preview.url, (made) => {
        this.previewImage = made;
        this.say("");
        this.render();
      });
    }
    if (detail && detail.number === this.detailAsked) {
      this.detailAsked = 0;
      this.picture(detail.url, (made) => (this.detail = { image: made, rect: detail.rect }));
    }
  }

  picture(url, take) {
    const made = new Image();
    const key = this.claimKey;
    made.onload = () => {
      if (key !== this.claimKey) return;
      take(made);
      this.stage.paint();
    };
    made.onerror = () => {
      if (key !== this.claimKey || this.image) return;
      this.broken = "The picture did not arrive. Load the page again, or skip it.";
      this.hide(this.broken);
      this.render();
    };
    made.src = url;
  }

  // What is sent

  send(act, extra = {}) {
    const boxes = this.boxes.items.map(({ box, category, dropped }) => ({ box, category, dropped }));
    const number = this.link.send({
      act, boxes, picture: this.claim.picture, plan: this.claim.plan,
      has: this.imageName ? [this.imageName] : [], ...extra,
    });
    this.tools.render();
    return number;
  }

  /** Send what ends the work on this picture; until the answer no key touches another. */
  decide(act, extra = {}) {
    this.stage.finish();
    this.deciding = act;
    this.early = 0;
    this.asked = this.send(act, extra);
    this.render();
  }

  get isReady() {
    return Boolean(this.boxes);
  }

  get isBusy() {
    return Boolean(this.deciding) || this.isUnseen;
  }

  get isEditable() {
    return this.isReady && !this.isBusy && !this.isCompared && !this.isHidden && !this.dialogs.isOpen;
  }

  tooEarly() {
    this.early += 1;
    this.say("Wait for the picture: keys act on nothing that nobody can have seen yet.");
  }

  // After something was done

  edited(text) {
    this.stopCompare();
    this.previewImage = null;
    this.send("save");
    this.say(text);
    this.render();
  }

  selected(text) {
    this.isLabelling = false;
    const last = [...this.boxes.selected].pop();
    if (last != null) this.view.reveal(this.boxes.items[last].box);
    this.viewed();
    if (text) this.say(text);
    this.render();
  }

  viewed() {
    clearTimeout(this.detailTimer);
    this.tools.zooms.firstChild.textContent = this.view?.words || "Fit";
    this.stage.paint();
    if (!this.image || !this.isReady) return;
    const ratio = window.devicePixelRatio || 1;
    const held = this.image.naturalWidth / this.view.size[0];
    const isFine = held >= 1 || held >= this.view.scale * ratio * 0.9;
    if (!isFine) this.detailTimer = setTimeout(() => this.askDetail(), DETAIL_AFTER_MS);
  }

  askDetail() {
    if (this.isBusy || this.isCompared) return;
    const [x0, y0, x1, y1] = this.view.window;
    const rect = this.detail?.rect;
    const isHeld = rect && rect[0] <= Math.max(x0, 0) && rect[1] <= Math.max(y0, 0) &&
      rect[2] >= Math.min(x1, this.view.size[0]) && rect[3] >= Math.min(y1, this.view.size[1]);
    if (!isHeld) this.detailAsked = this.send("detail", { window: [x0, y0, x1, y1] });
  }

  render() {
    if (!this.boxes) return;
    this.list.render();
    this.tools.render();
    this.stage.paint();
    const { boxes } = this;
    this.stage.canvas.setAttribute("aria-label",
      `${this.claim.source}: ${counted(boxes.kept.length, "box", "boxes")} will be removed` +
      (boxes.selected.size ? `; selected ${boxes.inWords}` : ""));
  }

  say(text) {
    this.status.textContent = text;
    this.status.hidden = !text;
  }

  // What keys and buttons do

  /** A button's work, under the conditions that hold for keys. */
  press(name, ...rest) {
    if (!this.isReady || this.isBusy || this.dialogs.isOpen) return;
    this.stage.finish();
    this[name](...rest);
  }

  accept() {
    if (this.isHidden) this.say("Not accepted: nobody can see it. Skip or reject it.");
    else if (this.link.isSaved && this.extent?.question) this.confirmAccept(this.extent.question);
    else this.decide("accept");
  }

  confirmAccept(text) {
    this.asked = 0;
    this.dialogs.ask(text, "Is that right? The hatched margins are part of it.", "Accept it", "Look again", () =>
      this.decide("accept", { confirmed: true }));
  }

  skip() {
    this.decide("skip");
  }

  reject() {
    this.decide("reject");
  }

  undo() {
    if (this.boxes.undo()) {
      this.edited("Took back the last edit.");
      return;
    }
    if (!this.last) {
      this.say("There is nothing to undo.");
      return;
    }
    this.dialogs.ask(`Take back ${this.last.name}?`, this.last.text, "Take it back", "Leave it", () =>
      this.decide("reopen", { target: this.last.picture }));
  }

  open(picture) {
    this.stage.finish();
    if (this.isReady && !this.isBusy) this.decide("open", { target: picture });
  }

  choose(number, add) {
    if (add) this.boxes.toggle(number);
    else this.boxes.select(this.boxes.selected.size === 1 && this.boxes.selected.has(number) ? [] : [number]);
    this.selected();
  }

  step(by, how) {
    this.boxes.step(by, how);
    this.selected();
  }

  toggle(numbers) {
    if (!numbers.length) return this.say("Select a box first.");
    const dropped = numbers.some((number) => !this.boxes.items[number].dropped);
    const words = numbers.length === 1 ? this.boxes.named(numbers[0]) : counted(numbers.length, "box", "boxes");
    if (this.boxes.drop(numbers, dropped)) this.edited(`${dropped ? "Dropped" : "Kept"} ${words}.`);
  }

  drop(numbers) {
    if (!numbers.length) return this.say("Select a box first.");
    const words = this.boxes.inWords;
    if (this.boxes.drop(numbers)) this.edited(`Dropped ${words}.`);
  }

  dropWhere(holds, words) {
    const numbers = [...this.boxes.items.keys()].filter((at) =>
      !this.boxes.items[at].dropped && holds(this.boxes.items[at]));
    if (this.boxes.drop(numbers)) this.edited(`Dropped ${counted(numbers.length, "box", "boxes")} ${words}.`);
    else this.say(`No box ${words}.`);
  }

  dropUnsure() {
    this.dropWhere((item) => item.review, "that needed review");
  }

  dropCategory(category) {
    this.dropWhere((item) => item.category === category, `of ${category}`);
  }

  keepAll() {
    const numbers = [...this.boxes.items.keys()];
    if (this.boxes.drop(numbers, false)) this.edited("Kept all boxes.");
  }

  isBelow(item) {
    return item.score != null && item.score < this.belowAt;
  }

  /** What the slider would drop, selected so that it is seen. */
  previewBelow(at) {
    if (!this.isReady || this.isBusy) return;
    this.belowAt = at;
    this.boxes.select([...this.boxes.items.keys()].filter((one) =>
      !this.boxes.items[one].dropped && this.isBelow(this.boxes.items[one])));
    this.tools.below.textContent = inPercent(at);
    this.render();
  }

  dropBelow() {
    this.previewBelow(Number(this.tools.limit.value));
    if (this.isReady && !this.isBusy) this.dropWhere((item) => this.isBelow(item), `with a score below ${inPercent(this.belowAt)}`);
  }

  askLabel() {
    if (!this.boxes.selected.size) return this.say("Select a box first.");
    this.isLabelling = !this.isLabelling;
    const choices = this.categories.map((one, at) => `${at + 1} ${one.value}`).join(", ");
    this.say(this.isLabelling ? `Relabel ${this.boxes.inWords}: ${choices}. Esc leaves it.` : "");
    this.render();
  }

  digit(category) {
    if (this.isLabelling) {
      this.isLabelling = false;
      const words = this.boxes.inWords;
      if (this.boxes.relabel([...this.boxes.selected], category)) this.edited(`Relabelled ${words}: now ${category}.`);
      else this.say(`Nothing to change: ${words}.`);
    } else {
      this.category = category;
      this.say(`The next box is drawn as ${category}. To change a box, select it and press R.`);
    }
    this.render();
  }

  arrow(dx, dy, by) {
    const numbers = this.stage.movable;
    if (numbers.length) {
      if (this.boxes.shift(numbers, dx * by, dy * by)) this.edited(`Shifted ${this.boxes.inWords}.`);
    } else {
      this.view.pan((dx * this.view.stage[0]) / 2, (dy * this.view.stage[1]) / 2);
      this.viewed();
    }
  }

  zoom() {
    const last = [...this.boxes.selected].pop();
    const box = last == null ? null : this.boxes.items[last].box;
    this.view.cycle(box && [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]);
    this.viewed();
  }

  zoomBy(factor) {
    this.view.zoomAround(factor);
    this.viewed();
  }

  toggleLabels() {
    this.isLabelled = !this.isLabelled;
    this.render();
  }

  toggleDim() {
    this.isDimmed = !this.isDimmed;
    this.render();
  }

  toggleQueue() {
    if (!this.isReady) return;
    this.queue.toggle();
    this.tools.queue.setAttribute("aria-expanded", this.queue.isOpen);
  }

  startCompare() {
    if (this.isCompared) {
      this.stopCompare();
      return;
    }
    this.isCompared = true;
    this.comparedAt = performance.now();
    if (!this.previewImage) {
      this.say("Making the picture as it would be released …");
      this.previewAsked = this.send("preview");
    }
    this.render();
  }

  endCompare() {
    if (this.isCompared && performance.now() - this.comparedAt > HOLD_MS && this.comparedAt) this.stopCompare();
    this.comparedAt = 0;
  }

  stopCompare() {
    this.isCompared = false;
    this.render();
  }

  escape() {
    if (this.stage.cancel()) return;
    if (this.isLabelling) this.askLabel();
    else if (this.isCompared) this.stopCompare();
    else {
      this.boxes.select([]);
      this.selected();
    }
  }

  help() {
    if (!this.dialogs.isOpen) this.dialogs.help(this.keyTable);
  }

  colour(category) {
    return this.categories.find((one) => one.value === category).colour;
  }

  get font() {
    return getComputedStyle(this.node).fontFamily;
  }
}

/** Streamlit calls this with each new state of the server. */
export default function ({ parentElement, data, setStateValue }) {
  let page = pages.get(parentElement);
  if (!page) {
    page = new Review(parentElement);
    pages.set(parentElement, page);
  }
  page.link.write = setStateValue;
  const style = getComputedStyle(page.node);
  const primary = style.getPropertyValue("--st-primary-color").trim();
  if (/^#[0-9a-f]{6}$/i.test(primary)) page.node.style.setProperty("--on-primary", readableOn(primary));
  page.update(data);
  return () => {
    if (page.node.isConnected) return; // Streamlit cleans up after calls that others followed
    page.close();
    pages.delete(parentElement);
  };
}
