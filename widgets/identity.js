// The identity map: which object stands for which row, who holds it, and whether it may vanish.
import { h, keepList, setText } from "./dom.js";
import { flagTags } from "./board.js";

const ONE_ROW = "One row, one object: a second query for a row gives the object that is here, with the values it has.";
const NO_ROWS = "The identity map is empty: no object of this session has a row.";

function keptHow({ grip, flags, holders }) {
  if (grip !== "strong") return holders.length ? "weakly" : "weakly: goes when nothing else holds it";
  if (flags.includes("dirty")) return "strongly: it has changes to write";
  return `strongly: ${flags.includes("to delete") ? "it is to be deleted" : "this session keeps all it has"}`;
}

function drawKept(app, card) {
  const link = {
    type: "button",
    class: "nbs-link",
    title: `Open the card of ${card.label}`,
    "data-focus": `identity ${card.token}`,
    onclick: () => app.open(card.token),
  };
  const holders = card.holders.map((name, index) => [index ? ", " : "", h("code", {}, name)]);
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("code", {}, `${card.cls} ${card.key ?? ""}`)),
    h("td", {}, h("button", link, card.label), " ", flagTags(card)),
    h("td", {}, holders.length ? holders : h("span", { class: "nbs-none" }, "no variable")),
    h("td", {}, keptHow(card)),
  );
}

/** The identity map's view. */
export function makeIdentity(app) {
  const body = h("tbody", {});
  const says = h("p", { class: "nbs-dim" }, ONE_ROW);
  const more = h("p", { class: "nbs-dim" });
  const note = h("p", { class: "nbs-hint" }, NO_ROWS);
  const heads = ["row", "object", "held by", "kept by the session"].map((text) => h("th", { scope: "col" }, text));
  const table = h("table", { class: "nbs-table-view" }, h("thead", {}, h("tr", {}, heads)), body);
  const region = { tabindex: "0", role: "region", "aria-label": "Identity map", "data-focus": "identity map" };
  const scroll = h("div", { class: "nbs-scroll", ...region }, table);
  return {
    node: h("div", { class: "nbs-pad" }, says, note, scroll, more),
    update() {
      const { lanes, cards } = app.snapshot;
      const lane = lanes.find(({ state }) => state === "persistent");
      const rows = lane.tokens.map((token) => cards[token]).filter(Boolean);
      note.hidden = rows.length > 0;
      scroll.hidden = rows.length === 0;
      keepList(body, rows, ({ token }) => token, (card) => drawKept(app, card));
      const hidden = lane.count - rows.length;
      setText(more, hidden > 0 && rows.length ? `… ${hidden} more, not shown` : "");
    },
  };
}
