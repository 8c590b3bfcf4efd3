// Measures of the review page, for its browser tests: what is cut, what scrolls, what is too faint.

(() => {
  const root = () =>
    [...document.querySelectorAll("*")].find((one) => one.shadowRoot?.querySelector(".review"))?.shadowRoot;
  const isShown = (one) => one.checkVisibility();

  window.laidOut = () => {
    const main = document.querySelector(".stMain");
    const controls = "button, .counter, .extent, .saved, .list, canvas, select, input";
    const isCut = (one) => {
      const box = one.getBoundingClientRect();
      const isOut = box.left < 0 || box.top < 0 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5;
      return isOut || (one.scrollWidth > one.clientWidth + 1 && !one.matches(".list, select, input"));
    };
    const counter = root().querySelector(".counter");
    const header = document.querySelector("header")?.getBoundingClientRect().bottom ?? 0;
    return {
      cut: [...root().querySelectorAll(controls)]
        .filter((one) => isShown(one) && !one.closest(".list .line, .entries"))
        .filter(isCut)
        .map((one) => `${one.className} ${one.textContent.slice(0, 40)}`),
      overflows: [document.scrollingElement, main].some(
        (one) => one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1),
      counterLines: counter.offsetHeight / parseFloat(getComputedStyle(counter).lineHeight),
      underHeader: root().querySelector(".bar").getBoundingClientRect().top < header,
      stage: [root().querySelector("canvas").clientWidth, root().querySelector("canvas").clientHeight],
      list: root().querySelector(".list").clientHeight,
    };
  };

  const paper = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    paper.clearRect(0, 0, 1, 1);
    paper.fillStyle = colour;
    paper.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = paper.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((one, at) => one * top[3] + under[at] * (1 - top[3]));
  const behind = (one) => {
    const layers = [];
    for (let at = one; at; at = at.parentElement || at.getRootNode().host) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((one) =>
      one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };

  /** Texts with a contrast below 4.5 (WCAG 2.2). */
  window.tooFaint = () =>
    [...root().querySelectorAll(".review *")]
      .filter((one) => isShown(one) && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
      .map((one) => {
        const under = behind(one);
        const text = over(rgba(getComputedStyle(one).color), under);
        const [high, low] = [luminance(text), luminance(under)].sort((a, b) => b - a);
        return [(high + 0.05) / (low + 0.05), one.textContent.slice(0, 40)];
      })
      .filter(([ratio]) => ratio < 4.5);

  window.focused = () => root().activeElement?.textContent ?? "";

  // Hears every key first: the page, whose own ear is older, ends each of its keys there.
  let heard = () => {};
  const own = Event.prototype.stopImmediatePropagation;
  Event.prototype.stopImmediatePropagation = function () {
    if (this.type === "keydown") heard(this, true);
    return own.call(this);
  };
  window.addEventListener("keydown", (event) => heard(event, false), true);
  const hear = (ear) => {
    const others = heard;
    heard = (...what) => {
      others(...what);
      ear(...what);
    };
  };

  /** From now on, the milliseconds from each key that did something to the second frame after it. */
  window.timeKeys = () => {
    window.took = [];
    hear((event, didSomething) => {
      const done = () => took.push(performance.now() - event.timeStamp);
      if (didSomething) requestAnimationFrame(() => requestAnimationFrame(done));
    });
  };

  /** What the next key leads to (`next` picture, a `question`, the `end`, `nothing`) and the milliseconds until then. */
  window.untilAnswered = () =>
    new Promise((done) => {
      const before = root().querySelector(".source").textContent;
      let start = Infinity; // the driver may take its time before it presses the key
      hear((event) => (start = Math.min(start, event.timeStamp)));
      const isAsking = () => Boolean(root().querySelector("dialog[open]"));
      let wasAsking = isAsking(); // what is answered now is no answer
      const answer = () => {
        if (!root()?.querySelector(".source")) return "end";
        wasAsking &&= isAsking();
        if (isAsking() && !wasAsking) return "question";
        const isThere = root().querySelector(".source").textContent !== before &&
          root().querySelector("canvas").dataset.shows === "before";
        if (isThere) return "next";
        const isIdle = !isAsking() && root().querySelector("canvas").dataset.takesKeys === "true";
        return isIdle && performance.now() - start > 1000 && "nothing";
      };
      const look = () => {
        const what = answer();
        if (what) done([what, performance.now() - start]);
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
})();
