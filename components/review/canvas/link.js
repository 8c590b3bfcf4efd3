// Link: messages to the server. Each holds the whole state it was made on; they are kept, in order,
// until the server says that it has taken them, so that nothing is lost when several are sent while
// it works. The newest state also lies in the tab's own storage until then: a reload sends it again.

const PENDING = "lethe-review-pending";
const PENDING_MS = 600_000;
const AGAIN_MS = 4_000;
const AGAIN_MOST_MS = 60_000;

class Link {
  constructor() {
    this.mount = Array.from(crypto.getRandomValues(new Uint8Array(12)), (one) =>
      one.toString(16).padStart(2, "0")).join("");
    this.number = 0;
    this.waiting = [];
    this.write = null;
    this.posts = 0;
    this.timer = 0;
  }

  close() {
    clearTimeout(this.timer);
  }

  get isSaved() {
    return !this.waiting.length;
  }

  /** Send a state; returns its number. */
  send(message) {
    this.number += 1;
    const made = { ...message, mount: this.mount, number: this.number };
    const last = this.waiting[this.waiting.length - 1];
    if (last && last.act === "save" && last.picture === made.picture) this.waiting.pop(); // this one holds it
    this.waiting.push(made);
    this.keep();
    this.post(AGAIN_MS);
    return this.number;
  }

  /** Write what waits; again, ever more seldom, while no answer comes: a run of the page that other
   * messages ended may have taken it and told nobody. The server does each number once. */
  post(pause) {
    clearTimeout(this.timer);
    if (!this.waiting.length) return;
    this.posts += 1;
    this.write?.("message", { messages: this.waiting, posts: this.posts });
    this.timer = setTimeout(() => this.post(Math.min(2 * pause, AGAIN_MOST_MS)), pause);
  }

  taken({ mount, number }) {
    if (mount !== this.mount) return;
    this.waiting = this.waiting.filter((one) => one.number > number);
    if (!this.waiting.length) clearTimeout(this.timer);
    this.keep();
  }

  keep() {
    const last = this.waiting.filter((one) => one.picture).pop();
    try {
      if (!last) sessionStorage.removeItem(PENDING);
      else {
        const { picture, plan, boxes } = last;
        sessionStorage.setItem(PENDING, JSON.stringify({ picture, plan, boxes, at: Date.now() }));
      }
    } catch {
      // storage may be full or forbidden; then a reload within the moment of sending loses it
    }
  }

  /** The boxes of this picture that were sent and not taken before a reload; null when none. */
  static left(picture, plan) {
    try {
      const kept = JSON.parse(sessionStorage.getItem(PENDING));
      const isOurs = kept?.picture === picture && kept.plan === plan;
      return isOurs && Date.now() - kept.at < PENDING_MS ? kept.boxes : null;
    } catch {
      return null;
    }
  }
}
