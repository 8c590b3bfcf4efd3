// Boxes of one picture, in its pixels: [x0, y0, x1, y1]. Every edit makes new values, so that undo
// is going back to old ones. A dropped box stays in the list; its number never changes.

const SAME_IOU = 0.9; // two boxes of one category that overlap this much are one
const UNDO_STEPS = 500;

const within = (value, low, high) => Math.min(Math.max(value, low), high);
const areaOf = ([x0, y0, x1, y1]) => Math.max(x1 - x0, 0) * Math.max(y1 - y0, 0);
const ordered = ([x0, y0, x1, y1]) => [
  Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1),
];
const clipped = ([x0, y0, x1, y1], [width, height]) => [
  within(x0, 0, width), within(y0, 0, height), within(x1, 0, width), within(y1, 0, height),
];
const hull = (one, other) => [
  Math.min(one[0], other[0]), Math.min(one[1], other[1]),
  Math.max(one[2], other[2]), Math.max(one[3], other[3]),
];

function overlap(one, other) {
  const shared = areaOf([
    Math.max(one[0], other[0]), Math.max(one[1], other[1]),
    Math.min(one[2], other[2]), Math.min(one[3], other[3]),
  ]);
  return shared / (areaOf(one) + areaOf(other) - shared) || 0;
}

class Boxes {
  constructor(items, size) {
    this.items = items;
    this.size = size;
    this.selected = new Set();
    this.past = [];
  }

  get kept() {
    return this.items.filter((item) => !item.dropped);
  }

  /** True where nobody is sure of it: what asks, and what is less likely than not. */
  static isUnsure({ review, score }) {
    return review || (score != null && score < 0.5);
  }

  /** Numbers in the order of the list: what needs review first. */
  get order() {
    const numbers = this.items.map((_, number) => number);
    return [
      ...numbers.filter((number) => this.items[number].review),
      ...numbers.filter((number) => !this.items[number].review),
    ];
  }

  named(number) {
    return `box ${number + 1} (${this.items[number].category})`;
  }

  /** The selected boxes in words: `box 2 (face)`, `3 boxes`. */
  get inWords() {
    const chosen = [...this.selected];
    return chosen.length === 1 ? this.named(chosen[0]) : counted(chosen.length, "box", "boxes");
  }

  replaced(items) {
    const same = items.length === this.items.length && items.every((one, at) => one === this.items[at]);
    if (same) return false;
    this.past = [...this.past.slice(1 - UNDO_STEPS), this.items];
    this.items = items;
    return true;
  }

  changed(numbers, change) {
    const chosen = new Set(numbers);
    return this.replaced(
      this.items.map((item, number) => {
        if (!chosen.has(number)) return item;
        const made = { ...item, ...change(item) };
        return Object.keys(made).every((key) => made[key] === item[key]) ? item : made;
      })
    );
  }

  undo() {
    if (!this.past.length) return false;
    this.items = this.past.pop();
    this.selected = new Set([...this.selected].filter((number) => number < this.items.length));
    return true;
  }

  /** Add a box; one that nearly repeats another of its kind widens that. Returns its number or -1. */
  draw(box, category) {
    const drawn = clipped(ordered(box), this.size);
    if (!areaOf(drawn)) return -1;
    const twin = this.items.findIndex(
      (item) => !item.dropped && item.category === category && overlap(item.box, drawn) >= SAME_IOU
    );
    if (twin >= 0) {
      const wider = hull(this.items[twin].box, drawn);
      const more = Math.max(
        wider[2] - wider[0] - (this.items[twin].box[2] - this.items[twin].box[0]),
        wider[3] - wider[1] - (this.items[twin].box[3] - this.items[twin].box[1])
      );
      if (more >= 1) this.changed([twin], () => ({ box: wider }));
      return twin;
    }
    this.replaced([
      ...this.items,
      { box: drawn, category, score: null, certainty: "drawn", review: false, dropped: false },
    ]);
    return this.items.length - 1;
  }

  /** Shift boxes together, as far as all of them stay in the picture. */
  shift(numbers, dx, dy) {
    const [across, down] = this.shiftable(numbers, dx, dy);
    if (!across && !down) return false;
    return this.changed(numbers, ({ box: [x0, y0, x1, y1] }) => ({
      box: [x0 + across, y0 + down, x1 + across, y1 + down],
    }));
  }

  shiftable(numbers, dx, dy) {
    for (const number of numbers) {
      const [x0, y0, x1, y1] = this.items[number].box;
      dx = within(dx, Math.min(-x0, 0), Math.max(this.size[0] - x1, 0));
      dy = within(dy, Math.min(-y0, 0), Math.max(this.size[1] - y1, 0));
    }
    return [dx, dy];
  }

  resize(number, box) {
    const inside = clipped(ordered(box), this.size);
    return areaOf(inside) > 0 && this.changed([number], () => ({ box: inside }));
  }

  drop(numbers, dropped = true) {
    return this.changed(numbers, () => ({ dropped }));
  }

  relabel(numbers, category) {
    return this.changed(numbers, () => ({ category }));
  }

  select(numbers) {
    this.selected = new Set(numbers);
  }

  toggle(number) {
    if (!this.selected.delete(number)) this.selected.add(number);
  }

  /** The box after, or before, the one selected last, in the order of the list. */
  step(by, { add = false } = {}) {
    if (!this.items.length) return;
    const last = [...this.selected].pop();
    const at = last == null ? (by > 0 ? -1 : 0) : this.order.indexOf(last);
    const next = this.order[(at + by + this.items.length) % this.items.length];
    if (add) this.selected.delete(next);
    this.selected = new Set(add ? [...this.selected, next] : [next]);
  }

  /** Numbers of the boxes at a point, the smallest first; dropped ones only while selected. */
  at([x, y], slack = 0) {
    const hits = this.items
      .map((item, number) => [item, number])
      .filter(([item, number]) => !item.dropped || this.selected.has(number))
      .filter(([{ box: [x0, y0, x1, y1] }]) =>
        x >= x0 - slack && x <= x1 + slack && y >= y0 - slack && y <= y1 + slack);
    return hits.sort(([one], [other]) => areaOf(one.box) - areaOf(other.box)).map(([, number]) => number);
  }

  /** Select the box at a point; where several lie, the next one at each click. */
  click(point, slack) {
    const hits = this.at(point, slack);
    const chosen = [...this.selected];
    const at = chosen.length === 1 ? hits.indexOf(chosen[0]) : -1;
    this.select(hits.length ? [hits[(at + 1) % hits.length]] : []);
  }
}
