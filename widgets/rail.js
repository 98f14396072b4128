// The side rail: "If I stop now, what survives?" The transaction and its savepoints, nested as they are.
import { h, keepOne, setText } from "./dom.js";
import { callButton, lookButton } from "./calls.js";
import { outsideBrief } from "./compare.js";

const ASK = "Nobody was asked yet. The answer comes from a connection of its own.";
const PAST = "What others saw then was not recorded.";
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function drawFrames(app, frames) {
  const [frame, ...inner] = frames;
  const { name, rows, statements, state } = frame;
  const said = rows ? `${plural(rows, "row")} written` : statements ? plural(statements, "statement") : "nothing yet";
  const fate = state === "failed" ? "! failed" : rows ? "lost" : "";
  const button = (text, verb) => callButton(app, text, verb, { detail: { name }, quiet: true });
  return h(
    "div",
    { class: `nbs-frame nbs-frame-${state}`, "data-frame": name },
    h("div", { class: "nbs-row" }, h("b", { title: name }, name), h("span", {}, frame.cell ?? "")),
    h("div", { class: "nbs-row nbs-dim" }, h("span", {}, said), h("span", {}, fate)),
    frame.kind === "savepoint"
      ? h(
          "div",
          { class: "nbs-frame-verbs", role: "group", "aria-label": `Savepoint ${name}` },
          button("roll back to", "rollback to"),
          button("release", "release"),
        )
      : null,
    inner.length ? drawFrames(app, inner) : null,
  );
}

function verdict({ transaction, lanes, cards }, alive) {
  const rows = transaction.frames.reduce((sum, frame) => sum + (frame.rows ?? 0), 0);
  const pending = lanes.find((lane) => lane.state === "pending")?.count ?? 0;
  const dirty = Object.values(cards).filter((card) => card.flags.includes("dirty")).length;
  const unsent = [pending ? `${pending} pending` : null, dirty ? `${dirty} dirty` : null].filter(Boolean).join(", ");
  const opened = transaction.frames.length ? "This transaction has written nothing." : "No transaction is open.";
  const lost = rows ? `${plural(rows, "row")} of this transaction ${alive ? "would be" : "were"} lost.` : opened;
  const never = alive ? "Not sent yet" : "Never sent";
  return { survives: "Only what was committed.", lost, unsent: unsent ? `${never}: ${unsent}.` : "" };
}

/** "What does everyone else see?", in a few rows: the last answer, which is asked for here and after each cell then. */
function makeElse(app) {
  const place = h("div", { "aria-live": "polite" });
  const button = (text, name, press) =>
    lookButton(app, text, { code: () => "%session outside", focus: `rail ${name}`, press });
  const look = button("Look", "look outside", () => app.watchOutside());
  const open = button("Row by row", "open outside", () => app.show("outside"));
  const bar = h("div", { class: "nbs-frame-verbs" }, look, open);
  return {
    node: h("section", { class: "nbs-else", "aria-label": "What does everyone else see?" }, [
      h("h3", {}, "What does everyone else see?"),
      place,
      bar,
    ]),
    update() {
      const past = app.pastEvent !== null;
      const report = (!past && app.reports.outside) || null;
      const brief = report ? outsideBrief(report, app.snapshot.as_of.event) : { says: past ? PAST : ASK, rows: [] };
      keepOne(place, brief, drawElse);
      look.hidden = !app.live || past;
      open.hidden = report === null;
    },
  };
}

function drawElse({ says, rows }) {
  const head = h("tr", {}, ["table", "you", "others"].map((text) => h("th", { scope: "col" }, text)));
  const row = ({ table, here, outside, same }) =>
    h("tr", { class: same ? "" : "nbs-changed" }, [
      h("th", { scope: "row" }, table),
      h("td", {}, here),
      h("td", {}, same ? outside : `${outside} ≠`),
    ]);
  const table = h("table", { class: "nbs-else-table" }, h("thead", {}, head), h("tbody", {}, rows.map(row)));
  return h("div", {}, h("p", { class: "nbs-verdict" }, says), rows.length ? table : null);
}

/** The rail. */
export function makeRail(app) {
  const survives = h("strong", {});
  const lost = h("span", {});
  const unsent = h("span", {});
  const stack = h("div", { class: "nbs-stack" });
  const name = h("input", {
    type: "text",
    placeholder: "name",
    spellcheck: "false",
    "aria-label": "Name of the new savepoint",
    "data-focus": "savepoint name",
    oninput: () => app.draw(),
  });
  const set = h("span", {});
  const others = makeElse(app);
  const form = h("form", { class: "nbs-set" }, name, set);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    drawSet(); // who types fast presses Enter before the next frame
    set.querySelector("button").click();
  });
  const healthOf = ({ session, transaction }) => [app.live, session, transaction.state, app.pastEvent];
  const drawSet = () => {
    const wanted = name.value.trim();
    const options = { detail: wanted ? { name: wanted } : {}, quiet: true, kind: "nbs-in-rail" };
    const data = { wanted, health: healthOf(app.snapshot) };
    keepOne(set, data, () => callButton(app, "Set savepoint", "savepoint", options));
  };
  app.onAnswer(({ verb, ok }) => {
    if (verb !== "savepoint" || !ok) return;
    name.value = "";
    app.draw();
  });
  return {
    node: h(
      "aside",
      { class: "nbs-rail", "aria-label": "Transaction stack" },
      h(
        "div",
        { class: "nbs-survives" },
        h("h3", {}, "If I stop now, what survives?"),
        h("p", { class: "nbs-verdict" }, survives, " ", lost, " ", unsent),
        stack,
        form,
      ),
      others.node,
    ),
    update() {
      const { snapshot } = app;
      const told = verdict(snapshot, (app.live || app.replays) && snapshot.session.open);
      setText(survives, told.survives);
      setText(lost, told.lost);
      setText(unsent, told.unsent);
      const { frames } = snapshot.transaction;
      const data = frames.length ? { frames, health: healthOf(snapshot) } : null;
      keepOne(stack, data, () => drawFrames(app, frames));
      others.update();
      drawSet();
    },
  };
}
