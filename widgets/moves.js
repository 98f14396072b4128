// The strip of the last moves, under everything: which call, in which cell, moved what.
import { h, keepList, setText } from "./dom.js";
import { LETTERS } from "./board.js";

const moveKey = (move) => `${move.event} ${move.token} ${move.after}`;
const moveName = (move) => (move.count > 1 ? `${move.label} and ${move.count - 1} more` : move.label);

function byCell(moves) {
  const groups = [];
  for (const move of moves) {
    const last = groups.at(-1);
    if (last && last.cell === move.cell) last.moves.push(move);
    else groups.push({ cell: move.cell, moves: [move] });
  }
  return groups;
}

function drawGroup(app, { cell, moves, chosen }) {
  const dot = (move) =>
    h(
      "button",
      {
        type: "button",
        class: `nbs-move nbs-is-${move.after}`,
        "aria-pressed": String(moveKey(move) === chosen),
        "aria-label": `event ${move.event}: ${moveName(move)} ${move.before} to ${move.after}`,
        title: `${move.event}. ${moveName(move)} ${move.before} → ${move.after} · ${move.cause}`,
        "data-focus": `move ${moveKey(move)}`,
        onclick: () => app.chooseMove(moveKey(move)),
      },
      LETTERS[move.after] ?? "?",
      move.count > 1 ? h("small", {}, `×${move.count}`) : null,
    );
  const title = h("span", { class: "nbs-cell" }, cell ?? "between cells");
  return h("li", {}, title, h("span", { class: "nbs-dots" }, moves.map(dot)));
}

function drawSentence(app, { move, now, onBoard }) {
  const where = ` · ${move.cell ?? "between cells"}`;
  const because = h("span", { class: "nbs-dim" }, " because ", h("code", {}, move.cause || "—"), where);
  const link = {
    type: "button",
    class: "nbs-link",
    title: `Open the card of ${move.label}`,
    "data-focus": `sentence ${moveKey(move)}`,
    onclick: () => app.open(move.token),
  };
  const label = onBoard ? h("button", link, move.label) : h("b", {}, move.label);
  return h(
    "li",
    { value: move.event, class: now ? "nbs-now" : "" },
    h("span", { class: "nbs-event" }, `${move.event}. `),
    label,
    move.count > 1 ? ` and ${move.count - 1} more:` : "",
    ` ${move.before} → ${move.after}`,
    because,
  );
}

/** The strip. */
export function makeMoves(app) {
  const track = h("ol", { class: "nbs-track", "aria-label": "The last moves, by cell" });
  const told = h("ol", { class: "nbs-told" });
  const stamp = h("span", { class: "nbs-stamp" });
  let newest = null;
  const row = h("div", { class: "nbs-trackrow" }, track, stamp);
  return {
    node: h("footer", { class: "nbs-strip", "aria-label": "The last moves" }, row, told),
    update() {
      const { moves, as_of: asOf, cards } = app.snapshot;
      const chosenAt = moves.findIndex((move) => moveKey(move) === app.move);
      const at = chosenAt < 0 ? moves.length - 1 : chosenAt;
      const chosen = at < 0 ? null : moveKey(moves[at]);
      const holds = (group) => group.moves.some((move) => moveKey(move) === chosen);
      const groups = byCell(moves).map((group) => ({ ...group, chosen: holds(group) ? chosen : null }));
      keepList(track, groups, (group) => moveKey(group.moves[0]), (group) => drawGroup(app, group));
      const recent = moves.slice(Math.max(0, at - 2), at + 1).reverse();
      const sentences = recent.map((move) => {
        return { move, now: moveKey(move) === chosen, onBoard: cards[move.token] !== undefined };
      });
      keepList(told, sentences, ({ move }) => moveKey(move), (item) => drawSentence(app, item));
      setText(stamp, `as of ${asOf.cell ? `${asOf.cell} · ` : ""}event ${asOf.event}`);
      const last = moves.length ? moveKey(moves.at(-1)) : null;
      if (last !== newest) track.scrollLeft = track.scrollWidth;
      newest = last;
    },
  };
}
