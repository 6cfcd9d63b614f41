// The review: one row after the other, each labelled with a key, the next ones already here.

import { get, hasToken, keepToken, post, Refused, takeToken } from "./api.js";
import { Completion } from "./completion.js";
import { element, show } from "./content.js";

const NAME = "seatrial-reviewer";
const SINGLE_KEYS = "seatrial-single-keys";
const AHEAD = 6;
const BATCH = 12;
const AGAIN_MS = 30000;   // until the sample is asked for rows that are new
const TAG_KEYS = ["a", "d", "f", "g", "h", "j"];

const at = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });

const state = {
  reviewer: localStorage.getItem(NAME) || "",
  question: null,
  queue: [],      // rows that are here, the first is shown
  given: [],      // rows that were answered, the last one last
  cursor: "",     // where the next rows begin
  more: true,
  tags: new Set(),
  fetching: null,
  waiting: 0,     // orders on their way
  outbox: Promise.resolve(),
  unknown: "",    // a class that was typed and is not known, until it is confirmed
};

const completion = new Completion(at("typed"), at("found"), {
  chosen: (index) => give(state.question.classes[index]),
  unknown: confirmUnknown,
});

// ---- rows ----

async function fill() {
  if (state.fetching || !state.more || state.queue.length >= AHEAD) return;
  state.fetching = get("rows", { reviewer: state.reviewer, after: state.cursor, limit: BATCH });
  try {
    const answer = await state.fetching;
    const here = new Set([...state.queue, ...state.given].map(key));
    const wasEmpty = !state.queue.length;
    state.queue.push(...answer.rows.filter((row) => !here.has(key(row))));
    state.cursor = answer.after;
    state.more = answer.more;
    state.fetching = null;
    if (wasEmpty) draw();
  } catch (error) {
    complain(error);
  } finally {
    state.fetching = null;
  }
}

function key(row) {
  return `${row.id}/${row.row}`;
}

function draw() {
  const row = state.queue[0];
  const content = at("content");
  at("alert").textContent = "";
  at("hint").textContent = "";
  state.unknown = "";
  state.tags = new Set(row ? row.tags || [] : []);
  drawTags();
  at("over").hidden = Boolean(row);
  at("answer").hidden = !(row && row.answer);
  at("about").replaceChildren();
  content.replaceChildren();
  setEnabled(Boolean(row));
  if (!row) {
    drawOver();
    return;
  }
  at("about").replaceChildren(
    element("span", {}, element("span", { class: "figure" }, row.time)),
    element("span", {}, `request ${row.id.slice(0, 12)}, row ${row.row}`),
    row.status === "answered" ? "" : element("span", {}, `status: ${row.status.replace("_", " ")}`),
  );
  show(content, row.input);
  if (row.answer) show(at("answered"), row.answer);
  const place = at("row");
  place.scrollTop = 0;
  place.classList.remove("fresh");
  requestAnimationFrame(() => place.classList.add("fresh"));
  completion.clear();
  at("typed").value = "";
  focusEntry();
}

function drawOver() {
  const [title, words] = at("over").children;
  if (state.fetching || state.more) {
    title.textContent = "One moment";
    words.textContent = "The next rows are on their way.";
  } else {
    title.textContent = "Nothing is left to review";
    words.textContent = "You have seen every row of the sample. Thank you. As more requests come, more rows are drawn, and shown here.";
    clearTimeout(state.again);
    state.again = setTimeout(() => { state.more = true; state.cursor = ""; fill(); }, AGAIN_MS);
  }
}

function setEnabled(enabled) {
  for (const one of document.querySelectorAll("#choices button, #tags button, #add-tag, #skip, #typed")) one.disabled = !enabled;
}

// Before the first letter of a label is typed, single keys act; in a list of many names, letters are typed.
function focusEntry() {
  if (document.querySelector("dialog[open]")) return;
  if (!at("entry").hidden && state.question.mode !== "judged") at("typed").focus({ preventScroll: true });
  else at("row").focus({ preventScroll: true });
}

// ---- answers ----

function give(label, { skipped = false, added = false, right = false } = {}) {
  const row = state.queue[0];
  if (!row) return;
  const order = {
    id: row.id, row: row.row, reviewer: state.reviewer, tags: [...state.tags], skipped, right, new: added,
    label: skipped || right ? null : label,
  };
  state.queue.shift();
  state.given.push(row);
  if (state.question.mode === "judged") closeCorrection();
  send(() => post("label", order), { row, done: (answer) => drawLast(order, answer) });
  draw();
  fill();
}

function undo() {
  const row = state.given.pop();
  if (!row) {
    at("hint").textContent = "There is nothing to undo since this page was opened.";
    return;
  }
  state.queue.unshift(row);
  send(() => post("undo", { id: row.id, row: row.row, reviewer: state.reviewer }), {
    done: () => at("last").replaceChildren(element("p", { class: "soft" }, "Withdrawn. Label it again.")),
  });
  draw();
}

// One after the other, so that an undo never overtakes its label.
function send(order, { row, done }) {
  state.waiting += 1;
  state.outbox = state.outbox.then(async () => {
    try {
      const answer = await order();
      done(answer);
      drawProgress(answer.progress);
    } catch (error) {
      takeBack(row);
      complain(error);
    } finally {
      state.waiting -= 1;
    }
  });
}

function takeBack(row) {
  if (!row || !state.given.includes(row)) return;
  state.given = state.given.filter((one) => one !== row);
  state.queue.unshift(row);
  draw();
}

function confirmUnknown(typed) {
  const label = parsed(typed);
  if (label === null) return;
  if (state.unknown === typed) {
    give(label, { added: true });
  } else {
    state.unknown = typed;
    at("hint").textContent = `“${typed}” is not among the known labels. Press Enter again to give it all the same.`;
  }
}

// Labels are of the type of the known ones: a text "1" and a number 1 are never equal.
function parsed(typed) {
  const known = state.question.classes[0];
  if (known === undefined || typeof known === "string") return typed;
  if (typeof known === "number") return toNumber(typed);
  at("hint").textContent = "This label is none of the known ones.";
  return null;
}

function toNumber(typed) {
  const value = Number(typed.trim().replace(",", "."));
  if (typed.trim() && Number.isFinite(value)) return value;
  at("hint").textContent = `“${typed}” is no number. Write it like 12.5 or 3e4.`;
  return null;
}

// ---- what was said ----

function drawLast(order, answer) {
  const parts = [];
  const said = order.skipped ? "skipped" : order.right ? "right" : nameOf(answer.label);
  parts.push(element("p", {}, "You: ", element("strong", {}, said), order.tags.length ? ` (${order.tags.join(", ")})` : ""));
  if (!order.skipped) {
    const place = element("div", { class: "content" });
    if (answer.answer) {
      show(place, answer.answer);
      parts.push(element("p", {}, answer.right === null ? "" : element("span", { class: answer.right ? "agrees" : "differs" }, answer.right ? "✓ The model was right" : "✗ The model was wrong"), answer.confidence === null ? "" : element("span", { class: "soft" }, ` confidence ${number.format(answer.confidence)}`)));
      parts.push(element("p", { class: "soft" }, answer.status === "answered" ? "It answered:" : `It was ${answer.status.replace("_", " ")}; held back:`), place);
    } else {
      parts.push(element("p", {}, `There was no answer: ${answer.status.replace("_", " ")}.`));
    }
  }
  for (const other of answer.others) {
    const word = other.skipped ? "skipped" : nameOf(other.label);
    const same = !other.skipped && !order.skipped && JSON.stringify(other.label) === JSON.stringify(answer.label);
    parts.push(element("p", {}, `${other.reviewer}: `, element("strong", {}, word),
      other.skipped || order.skipped ? "" : element("span", { class: same ? "agrees" : "differs" }, same ? " ✓ agrees" : " ✗ differs")));
  }
  at("last").replaceChildren(...parts);
}

function nameOf(label) {
  if (label === "") return "wrong, and nobody knows what would be right";
  return typeof label === "string" ? label : JSON.stringify(label);
}

function drawProgress(progress) {
  const bar = at("bar");
  bar.max = Math.max(progress.total, 1);
  bar.value = progress.mine;
  at("count").textContent = `${number.format(progress.mine)} of ${number.format(progress.total)}`;
  const standing = progress.standing;
  const parts = [];
  if (standing.headline) parts.push(element("p", { class: "headline figure" }, standing.headline));
  for (const line of standing.lines) parts.push(element("p", {}, line));
  if (standing.narrower.length) {
    parts.push(element("table", {},
      element("caption", { class: "apart" }, "How many more labels narrow it to what"),
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "more labels"), element("th", { scope: "col" }, "known to about"))),
      element("tbody", {}, ...standing.narrower.map((one) => element("tr", {}, element("td", {}, `+${number.format(one.more)}`), element("td", {}, `± ${one.points.toFixed(1)} points`))))));
  }
  at("standing").replaceChildren(...parts);
  at("agreement").replaceChildren(...progress.agreement.map((line) => element("p", {}, line)));
}

function complain(error) {
  if (error instanceof Refused && (error.status === 401 || error.status === 403)) enter(error.message);
  else at("alert").textContent = error.message;
}

// ---- tags ----

function drawTags() {
  const known = [...new Set([...state.question.tags, ...state.tags])];
  at("tags").replaceChildren(...known.map((tag, place) => element("button", {
    type: "button", class: "small", "aria-pressed": String(state.tags.has(tag)), onclick: () => toggle(tag),
  }, ...(TAG_KEYS[place] ? [element("kbd", { "aria-hidden": "true" }, TAG_KEYS[place]), " "] : []), tag)));
}

function toggle(tag) {
  if (!state.queue.length) return;
  if (!state.tags.delete(tag)) state.tags.add(tag);
  drawTags();
}

function openTag() {
  at("tag-entry").hidden = false;
  at("tag-typed").value = "";
  at("tag-typed").focus();
}

function closeTag() {
  at("tag-entry").hidden = true;
  focusEntry();
}

at("tag-typed").addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === "Escape") {
    const tag = at("tag-typed").value.trim();
    if (event.key === "Enter" && tag) {
      if (!state.question.tags.includes(tag)) state.question.tags.push(tag);
      if (!state.tags.has(tag)) toggle(tag);
    }
    closeTag();
    event.preventDefault();
  }
  event.stopPropagation();
});

// ---- the way of answering ----

function prepare() {
  const { mode, names } = state.question;
  const choices = at("choices");
  const digits = digitKeys();
  at("question").textContent = state.question.ask;
  if (mode === "judged") at("last").replaceChildren(element("p", { class: "soft" }, "None yet."));
  const buttons = mode === "judged" ? ["Right", "Wrong"] : mode === "choices" ? names : [];
  choices.hidden = !buttons.length;
  choices.replaceChildren(...buttons.map((name, place) => element("button", { type: "button", onclick: () => choose(place) },
    digits[place] === name ? null : element("kbd", { "aria-hidden": "true" }, digits[place]), element("span", {}, name))));
  at("entry").hidden = mode === "choices" || mode === "judged";
  at("typed-label").textContent = { number: "Number, then Enter", typed: "Label, then Enter", judged: "What would have been right, then Enter" }[mode] || "Label";
  at("typed").placeholder = { number: "A number, then Enter", typed: `Type a few letters of one of ${names.length} labels, then Enter`, judged: "What would have been right? Enter alone: not known" }[mode] || "";
  at("typed").inputMode = mode === "number" ? "decimal" : "text";
  completion.offer(mode === "typed" ? names : []);
  const rows = [
    ...(mode === "choices" ? [[digits.join(" "), "the label with that digit"]] : []),
    ...(mode === "typed" ? [["letters", "complete a label; ↑ ↓ choose, Enter gives it"], ["Esc", "leave the field, so that single keys act; / returns"]] : []),
    ...(mode === "number" ? [["digits", "the number; Enter gives it"]] : []),
    ...(mode === "judged" ? [["1", "the answer is right"], ["2", "it is wrong: write what would have been right, or nothing; then Enter"]] : []),
    ...state.question.tags.slice(0, TAG_KEYS.length).map((tag, place) => [TAG_KEYS[place], `tag: ${tag}`]),
    ["#", "another tag"], ["s", "skip: it cannot be told"], ["u", "undo: label the last row again"],
    ["Space", "scroll a long row"], ["?", "these keys"],
  ];
  at("keys").replaceChildren(...rows.flatMap(([name, what]) => [element("dt", {}, element("kbd", {}, name)), element("dd", {}, what)]));
}

function digitKeys() {
  return state.question.mode === "choices" ? state.question.keys : state.question.mode === "judged" ? ["1", "2"] : [];
}

function choose(place) {
  const { mode, classes } = state.question;
  if (!state.queue.length) return;
  if (mode === "choices" && place < classes.length) give(classes[place]);
  if (mode === "judged" && place === 0) give(null, { right: true });
  if (mode === "judged" && place === 1) openCorrection();
}

function openCorrection() {
  at("entry").hidden = false;
  at("typed").value = "";
  at("typed").focus();
}

function closeCorrection() {
  at("entry").hidden = true;
}

function enterTyped() {
  const typed = at("typed").value;
  const { mode } = state.question;
  // Nothing typed: it is wrong, and nobody knows what would have been right.
  if (!typed.trim() && mode !== "judged") return;
  const label = mode === "number" ? toNumber(typed) : typed;
  if (label !== null) give(label);
}

// ---- keys ----

const COMMANDS = {
  s: () => give(null, { skipped: true }),
  u: undo,
  "?": () => help(),
  "#": openTag,
  "/": () => { if (!at("entry").hidden) at("typed").focus(); },
};

function help() {
  at("help").showModal();
}

function inField(event) {
  const { mode } = state.question;
  const { key: pressed, target } = event;
  if (mode === "typed" && completion.key(event)) return true;
  if (pressed === "Enter") {
    enterTyped();
    event.preventDefault();
    return true;
  }
  if (pressed === "Escape") {
    if (mode === "judged") closeCorrection();
    at("row").focus({ preventScroll: true });
    event.preventDefault();
    return true;
  }
  // A number has no letters but e, and no name begins with these: they act as everywhere.
  const free = mode === "number" ? !/^[0-9.,eE+-]$/.test(pressed) : !target.value && (pressed === "?" || pressed === "#");
  return !free;
}

function isTyping(event) {
  return event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
}

function hearKey(event) {
  if (!state.question || document.querySelector("dialog[open]") || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !(isTyping(event) && event.target.value)) {
    event.preventDefault();
    undo();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event) && (event.target.id !== "typed" || inField(event))) return;
  if (event.key.length !== 1 || !at("single-keys").checked) return;
  if (act(event.key)) event.preventDefault();
}

function act(pressed) {
  const digit = digitKeys().indexOf(pressed);
  const tag = TAG_KEYS.indexOf(pressed.toLowerCase());
  const command = COMMANDS[pressed] || COMMANDS[pressed.toLowerCase()];
  if (digit >= 0) choose(digit);
  else if (tag >= 0 && tag < at("tags").children.length) at("tags").children[tag].click();
  else if (command) command();
  else return false;
  return true;
}

// ---- beginning ----

function enter(complaint = "") {
  const dialog = at("entering");
  at("name").value = state.reviewer;
  at("token-part").hidden = !complaint && hasToken();
  at("entering-alert").textContent = complaint;
  if (!dialog.open) dialog.showModal();
}

async function begin() {
  try {
    state.question = await get("question", {});
    at("who").textContent = state.reviewer;
    prepare();
    Object.assign(state, { queue: [], given: [], cursor: "", more: true });
    draw();
    drawProgress(await get("progress", { reviewer: state.reviewer }));
    await fill();
    draw();
  } catch (error) {
    complain(error);
  }
}

at("entering-form").addEventListener("submit", () => {
  state.reviewer = at("name").value.trim().normalize("NFC");
  localStorage.setItem(NAME, state.reviewer);
  if (at("token").value) keepToken(at("token").value.trim());
  at("token").value = "";
  begin();
});
at("entering").addEventListener("cancel", (event) => { if (!state.question) event.preventDefault(); });
at("single-keys").checked = localStorage.getItem(SINGLE_KEYS) !== "off";
at("single-keys").addEventListener("change", (event) => localStorage.setItem(SINGLE_KEYS, event.target.checked ? "on" : "off"));
at("who").addEventListener("click", () => enter());
at("ask").addEventListener("click", help);
at("close-help").addEventListener("click", () => at("help").close());
at("help").addEventListener("close", focusEntry);
at("add-tag").addEventListener("click", openTag);
at("skip").addEventListener("click", () => give(null, { skipped: true }));
at("undo").addEventListener("click", undo);
document.addEventListener("keydown", hearKey);
window.addEventListener("beforeunload", (event) => { if (state.waiting) event.preventDefault(); });
setEnabled(false);
takeToken();
if (state.reviewer && hasToken()) begin();
else enter();
