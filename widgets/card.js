// The object card: per attribute what is committed, what is current, and what a flush would write.
import { h, keepOne, setText } from "./dom.js";
import { flagTags, stateBadge } from "./board.js";
import { callButton } from "./calls.js";

const VERBS = ["add", "delete", "expunge", "refresh", "expire"];
const KINDS = { column: "column", one: "to one", many: "to many" };
const NOT_CHOSEN = "Choose an object here, or open one from the board.";
const GONE = "This object is no longer on the board: nothing holds it, or newer ones took its place.";
const TELLS = {
  expired: "expired: read again when touched",
  "not loaded": "not loaded: never read",
  "not set": "not set",
};

function valueCell(text, changed, tag) {
  if (text === null) return h("td", { class: "nbs-none" }, "—");
  return h("td", {}, h(changed ? tag : "span", { class: "nbs-value", title: text }, text));
}

function drawAttribute({ name, kind, status, committed, current, changed }) {
  return h(
    "tr",
    { class: changed ? "nbs-changed" : "" },
    h("th", { scope: "row" }, name, h("small", {}, KINDS[kind] ?? kind)),
    valueCell(committed, changed, "del"),
    h("td", { class: "nbs-arrow", "aria-hidden": "true" }, changed ? "→" : ""),
    valueCell(current, changed, "ins"),
    h("td", { class: "nbs-status" }, changed ? "* changed" : (TELLS[status] ?? status)),
  );
}

function drawMove({ before, after, trigger, cause, cell, event }) {
  const move = `Last move: ${before} → ${after} (${trigger}), because `;
  return h("p", { class: "nbs-dim" }, move, h("code", {}, cause), ` · ${cell ?? "between cells"} · event ${event}`);
}

function drawHolders(holders) {
  const names = holders.map((name, index) => [index ? ", " : "", h("code", {}, name)]);
  return h("p", { class: "nbs-dim" }, "Held by ", names);
}

function headCell(text) {
  return text ? h("th", { scope: "col" }, text) : h("td", {});
}

function drawObject(app, { card }) {
  return h(
    "article",
    { class: "nbs-object", "aria-label": `Object card of ${card.label}` },
    h("h3", {}, stateBadge(card.state), h("span", { class: "nbs-label" }, card.label), card.state, flagTags(card)),
    card.moved ? drawMove(card.moved) : null,
    card.holders?.length ? drawHolders(card.holders) : null,
    h(
      "div",
      { class: "nbs-verbs", role: "group", "aria-label": `Verbs for ${card.label}` },
      VERBS.map((verb) => callButton(app, verb, verb, { card })),
    ),
    h(
      "div",
      { class: "nbs-scroll", tabindex: "0", role: "region", "aria-label": "Attributes", "data-focus": "attributes" },
      h(
        "table",
        { class: "nbs-attributes" },
        h("thead", {}, h("tr", {}, ["attribute", "committed", "", "current", "status"].map(headCell))),
        h("tbody", {}, card.attributes.map(drawAttribute)),
      ),
    ),
  );
}

/** The object card's view, with a field to choose the object. */
export function makeCardView(app) {
  const choice = h("select", { "data-focus": "choice", onchange: () => app.open(Number(choice.value)) });
  const place = h("div", {});
  const note = h("p", { class: "nbs-hint" });
  let listed = "";

  function listCards(cards) {
    const options = cards.map((card) => [card.token, `${card.label} · ${card.state}`]);
    const json = JSON.stringify([options, app.token]);
    if (json === listed) return;
    listed = json;
    const option = ([token, text]) => h("option", { value: token }, text);
    choice.replaceChildren(h("option", { value: "" }, "choose…"), ...options.map(option));
    choice.value = cards.some((card) => card.token === app.token) ? String(app.token) : "";
  }

  return {
    node: h("div", { class: "nbs-pad" }, h("label", { class: "nbs-field" }, "Object ", choice), note, place),
    update() {
      const { snapshot, token } = app;
      const card = app.chosenCard();
      listCards(snapshot.lanes.flatMap((lane) => lane.tokens).map((each) => snapshot.cards[each]).filter(Boolean));
      note.hidden = card !== null;
      setText(note, token === null ? NOT_CHOSEN : GONE);
      // Health and liveness change what the buttons may do, so they are part of what the card is drawn from.
      const health = [app.live, snapshot.session, snapshot.transaction.state, app.pastEvent];
      keepOne(place, card && { card, health }, (data) => drawObject(app, data));
    },
  };
}
