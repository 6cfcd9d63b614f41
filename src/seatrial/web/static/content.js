// Shows what strangers wrote. Everything becomes text nodes; nothing is ever read as markup.

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") made.className = value;
    else if (key in made && key !== "role") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const count = new Intl.NumberFormat("en");

function text(shown) {
  const runs = shown.runs.map(([characters, hidden]) => hidden
    ? element("span", { class: "hidden-run", title: "Characters that cannot be seen" }, characters)
    : characters);
  if (!shown.runs.length) runs.push(element("span", { class: "none" }, "empty text"));
  const made = element("div", { class: "text", dir: "auto" }, ...runs);
  return shown.cut ? element("div", {}, made, cut(shown.cut, "characters")) : made;
}

function cut(number, what) {
  return element("p", { class: "cut" }, `${count.format(number)} more ${what} are not shown.`);
}

function table(shown) {
  const rows = shown.cells.map(([name, value, number]) => element("tr", {},
    element("th", { scope: "row" }, text(name)),
    element("td", { class: number ? "number" : "" },
      value === null ? element("span", { class: "none" }, "missing") : text(value))));
  const made = element("table", {}, element("tbody", {}, ...rows));
  return element("div", {}, made, shown.cut ? cut(shown.cut, "columns") : null);
}

function chat(shown) {
  const turns = shown.turns.map((turn) => element("li", { class: `turn ${turn.side}` },
    element("div", { class: "who" }, text(turn.who)), text(turn.said)));
  return element("div", {}, shown.cut ? cut(shown.cut, "earlier messages") : null,
    element("ol", { class: "chat" }, ...turns));
}

const TINY = 96;

function image(shown) {
  const made = element("img", { alt: "The image to label", src: shown.url, decoding: "async" });
  if (Math.max(shown.width, shown.height) <= TINY) made.className = "tiny";
  return element("figure", { class: "picture" }, made,
    element("figcaption", {}, `${shown.width} × ${shown.height} pixels`));
}

const KINDS = {
  text, table, chat, image,
  nothing: (shown) => element("p", { class: "none" }, shown.why),
};

/** Puts an input or an answer into a place of the page. */
export function show(place, shown) {
  place.replaceChildren(KINDS[shown.as](shown));
}
