// A field that completes to one of many names, as the ARIA pattern "combobox" asks.

import { element } from "./content.js";

const SHOWN = 9;

/** Names that fit what was typed: beginnings first, then beginnings of words, then the rest. */
export function matches(names, typed) {
  const wanted = typed.trim().toLowerCase();
  const ranked = names.map((name, index) => {
    const at = name.toLowerCase().indexOf(wanted);
    if (at < 0) return null;
    const before = at > 0 ? name[at - 1] : "";
    const rank = name.toLowerCase() === wanted ? 0 : at === 0 ? 1 : /[\s_.:/-]/.test(before) ? 2 : 3;
    return { index, rank };
  });
  return ranked.filter(Boolean).sort((a, b) => a.rank - b.rank || a.index - b.index).map((one) => one.index);
}

export class Completion {
  constructor(field, list, { chosen, unknown }) {
    this.field = field;
    this.list = list;
    this.chosen = chosen;
    this.unknown = unknown;
    this.names = [];
    this.found = [];
    this.at = 0;
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-controls", list.id);
    field.setAttribute("aria-autocomplete", "list");
    field.addEventListener("input", () => { this.at = 0; this.draw(); });
    field.addEventListener("blur", () => this.close());
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const item = event.target.closest("li");
      if (item) this.chosen(Number(item.dataset.index));
    });
  }

  offer(names) {
    this.names = names;
    this.clear();
  }

  clear() {
    this.field.value = "";
    this.at = 0;
    this.close();
  }

  close() {
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }

  draw() {
    const typed = this.field.value;
    this.found = typed.trim() ? matches(this.names, typed).slice(0, SHOWN) : [];
    this.list.replaceChildren(...this.found.map((index, place) => element(
      "li", { id: `${this.list.id}-${place}`, role: "option", "aria-selected": String(place === this.at), "data-index": String(index) },
      this.names[index])));
    this.list.hidden = !this.found.length;
    this.field.setAttribute("aria-expanded", String(this.found.length > 0));
    if (this.found.length) this.field.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`);
    else this.field.removeAttribute("aria-activedescendant");
  }

  /** Takes a key; says whether it was one of ours. */
  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : this.found.length - 1;
      if (this.found.length) this.at = (this.at + step) % this.found.length;
      this.draw();
    } else if (event.key === "Enter") {
      this.enter();
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  }

  enter() {
    const typed = this.field.value.trim();
    if (!typed) return;
    const found = this.list.hidden ? matches(this.names, typed) : this.found;
    if (found.length) this.chosen(found[this.list.hidden ? 0 : this.at]);
    else this.unknown(typed);
  }
}
