// The state board: five lanes, read left to right as an object's life.
import { h, keepList, keepOne, setText } from "./dom.js";

export const LETTERS = { transient: "T", pending: "P", persistent: "S", deleted: "X", detached: "D" };
const FLAG_MARKS = { dirty: "*", expired: "~", failed: "!", "to delete": "×" };
const WAY_ON = { transient: "add →", pending: "flush →", persistent: "delete →", deleted: "commit →" };

/** A state's badge: letter in its shape. The word stands beside it, so it is hidden from screen readers. */
export function stateBadge(state) {
  return h("b", { class: `nbs-badge nbs-is-${state}`, "aria-hidden": "true" }, LETTERS[state] ?? "?");
}

/** The flags of a card, each as mark and word. */
export function flagTags(card) {
  const tag = (flag) => {
    const kind = flag.replace(" ", "-");
    return h("span", { class: `nbs-flag nbs-flag-${kind}` }, `${FLAG_MARKS[flag] ?? ""} ${flag}`);
  };
  return card.flags.map(tag);
}

function summaryOf(card) {
  const told = (a) => a.changed && a.kind === "column" && a.committed !== null && a.current !== null;
  const change = card.attributes?.find(told);
  if (!change) return h("span", { class: "nbs-summary" }, card.summary);
  const values = [h("del", {}, change.committed), " → ", h("ins", {}, change.current)];
  return h("span", { class: "nbs-summary" }, `${change.name} `, values);
}

function whyMoved({ cause, cell }) {
  return h("span", { class: "nbs-why", title: `${cause || "—"} · ${cell}` }, h("code", {}, cause || "—"));
}

function drawCard(app, { card, just }) {
  const { moved } = card;
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: `nbs-card nbs-is-${card.state} ${just ? "nbs-just" : ""}`,
        "data-token": card.token,
        "data-focus": `card ${card.token}`,
        title: `Open the card of ${card.label}`,
        onclick: () => app.open(card.token),
      },
      h("span", { class: "nbs-label" }, card.label),
      h("span", { class: "nbs-flags" }, flagTags(card)),
      summaryOf(card),
      just ? [h("span", { class: "nbs-why" }, `${moved.before} → ${moved.after}`), whyMoved(moved)] : null,
    ),
  );
}

function makeLane(state) {
  const parts = {
    title: h("span", {}),
    count: h("span", { class: "nbs-count" }),
    says: h("p", { class: "nbs-says-state" }),
    cards: h("ul", { class: "nbs-cards" }),
    more: h("p", { class: "nbs-more" }),
  };
  const way = h("span", { class: "nbs-way", "aria-hidden": "true" }, WAY_ON[state] ?? "");
  parts.node = h(
    "section",
    { class: `nbs-lane nbs-lane-${state}`, "data-state": state },
    h("h3", {}, stateBadge(state), parts.title, parts.count, way),
    parts.says,
    parts.cards,
    parts.more,
  );
  return parts;
}

function drawHint({ name }) {
  return h(
    "div",
    { class: "nbs-hint" },
    h("strong", {}, "Nothing here yet."),
    " Call a mapped class and its object appears under Transient; ",
    h("code", {}, `${name}.add(obj)`),
    " moves it to Pending.",
  );
}

function walk(event) {
  const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
  const card = event.target.closest?.(".nbs-card");
  if (!step || !card) return;
  event.preventDefault();
  const lists = [...event.currentTarget.querySelectorAll(".nbs-cards")];
  const lanes = lists.map((list) => [...list.querySelectorAll(".nbs-card")]).filter((cards) => cards.length);
  const lane = lanes.findIndex((cards) => cards.includes(card));
  const target = lanes[(lane + step[0] + lanes.length) % lanes.length];
  const row = lanes[lane].indexOf(card);
  const wanted = step[0] ? Math.min(row, target.length - 1) : (row + step[1] + target.length) % target.length;
  target[wanted].focus();
}

/** The board. */
export function makeBoard(app) {
  const lanes = new Map();
  const place = h("div", { class: "nbs-lanes", onkeydown: walk });
  const hint = h("div", {});
  return {
    node: h("div", {}, hint, place),
    update() {
      const { snapshot } = app;
      const empty = snapshot.lanes.every((lane) => lane.count === 0) && snapshot.as_of.event === 0;
      keepOne(hint, empty && app.live && snapshot.session.open ? { name: snapshot.session.name } : null, drawHint);
      for (const lane of snapshot.lanes) {
        if (!lanes.has(lane.state)) {
          lanes.set(lane.state, makeLane(lane.state));
          place.append(lanes.get(lane.state).node);
        }
        const parts = lanes.get(lane.state);
        const cards = lane.tokens.map((token) => snapshot.cards[token]).filter(Boolean);
        const items = cards.map((card) => ({ card, just: app.justMoved(card) }));
        parts.node.classList.toggle("nbs-empty", lane.count === 0);
        setText(parts.title, lane.title);
        setText(parts.count, lane.count.toLocaleString("en"));
        setText(parts.says, lane.says);
        setText(parts.more, lane.more ? `… ${lane.more.toLocaleString("en")} more, not shown` : "");
        keepList(parts.cards, items, ({ card }) => card.token, (item) => drawCard(app, item));
      }
    },
  };
}
