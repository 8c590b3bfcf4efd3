// Elements: a small way to write them down, and to say things.

/** An element with attributes, listeners (`onclick`) and children; `text` is its text. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** A button that leaves the focus where it is when it is clicked, so that Space still pans. */
function button(label, key, act, attributes = {}) {
  const children = [element("span", { text: label })];
  if (key) children.push(element("kbd", { text: key, "aria-hidden": "true" }));
  return element(
    "button",
    {
      type: "button",
      onclick: act,
      onmousedown: (event) => event.preventDefault(),
      "aria-keyshortcuts": key || null,
      ...attributes,
    },
    ...children
  );
}

/** `1 box`, `3 boxes`. */
function counted(count, noun, plural = `${noun}s`) {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** A share, 0..1, in whole percent. */
function inPercent(share) {
  return `${Math.round(share * 100)}\u00a0%`;
}

/** Black or white, whichever is read better on a colour given as `#rrggbb`. */
function readableOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue; // WCAG 2.2, relative luminance
  return luminance > 0.179 ? "#000000" : "#ffffff";
}
