// View: which part of the picture the stage shows, and the way between the two.

const LARGEST = 4; // a small picture is shown no larger than this, unless zoomed
const CLOSEST = 16;

class View {
  constructor(size) {
    this.size = size;
    this.stage = [1, 1];
    this.isFit = true;
    this.scale = 1;
    this.left = 0;
    this.top = 0;
  }

  get fitScale() {
    const [width, height] = this.size;
    return Math.min(this.stage[0] / width, this.stage[1] / height, LARGEST);
  }

  /** `Fit`, or the size in percent of the picture's own. */
  get words() {
    return this.isFit ? "Fit" : `${Math.round(this.scale * 100)} %`;
  }

  resize(width, height) {
    const centre = this.centre;
    this.stage = [width, height];
    if (this.isFit) this.fit();
    else this.show(this.scale, centre);
  }

  get centre() {
    return [
      this.left + this.stage[0] / this.scale / 2,
      this.top + this.stage[1] / this.scale / 2,
    ];
  }

  fit() {
    this.show(this.fitScale, [this.size[0] / 2, this.size[1] / 2]);
  }

  /** Show the picture at a scale, with a picture point in the middle as far as there is picture. */
  show(scale, [x, y]) {
    this.scale = within(scale, this.fitScale, Math.max(CLOSEST, this.fitScale));
    this.isFit = this.scale <= this.fitScale * 1.001;
    const place = (length, room, at) => {
      const shown = room / this.scale;
      return shown >= length ? (length - shown) / 2 : within(at - shown / 2, 0, length - shown);
    };
    this.left = place(this.size[0], this.stage[0], x);
    this.top = place(this.size[1], this.stage[1], y);
  }

  /** Zoom by a factor, keeping the picture point under a stage point where it is. */
  zoomAt([x, y], factor) {
    const [px, py] = this.toPicture([x, y]);
    const scale = within(this.scale * factor, this.fitScale, Math.max(CLOSEST, this.fitScale));
    this.show(scale, [
      px - x / scale + this.stage[0] / scale / 2,
      py - y / scale + this.stage[1] / scale / 2,
    ]);
  }

  zoomAround(factor) {
    this.zoomAt([this.stage[0] / 2, this.stage[1] / 2], factor);
  }

  /** Fit, then 100 %, then 200 %, then fit again. */
  cycle(at) {
    const next = this.isFit ? [1, 2] : this.scale < 1.99 ? [2] : [];
    const scale = next.find((one) => one > this.fitScale * 1.001);
    if (scale) this.show(scale, at || this.centre);
    else this.fit();
  }

  pan(dx, dy) {
    const [x, y] = this.centre;
    this.show(this.scale, [x + dx / this.scale, y + dy / this.scale]);
  }

  /** Bring a box into view when it is not wholly in it. */
  reveal([x0, y0, x1, y1]) {
    const [a, b] = this.toStage([x0, y0]);
    const [c, d] = this.toStage([x1, y1]);
    const isIn = a >= 0 && b >= 0 && c <= this.stage[0] && d <= this.stage[1];
    if (!isIn) this.show(this.scale, [(x0 + x1) / 2, (y0 + y1) / 2]);
  }

  toStage([x, y]) {
    return [(x - this.left) * this.scale, (y - this.top) * this.scale];
  }

  toPicture([x, y]) {
    return [x / this.scale + this.left, y / this.scale + this.top];
  }

  get window() {
    return [...this.toPicture([0, 0]), ...this.toPicture(this.stage)];
  }
}
