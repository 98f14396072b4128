// The side rail: "If I stop now, what survives?" The transaction and its savepoints, nested as they are.
import { h, keepOne, setText } from "./dom.js";
import { callButton } from "./calls.js";

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function drawFrames(app, frames) {
  const [frame, ...inner] = frames;
  const savepoint = frame.kind === "savepoint";
  const written = frame.rows || frame.statements ? [frame.rows ? `${plural(frame.rows, "row")} written` : plural(frame.statements, "statement"), "lost"] : ["nothing yet", ""];
  return h(
    "div",
    { class: `nbs-frame nbs-frame-${frame.state}`, "data-frame": frame.name },
    h("div", { class: "nbs-row" }, h("b", { title: frame.name }, frame.name), h("span", {}, frame.cell ?? "")),
    h("div", { class: "nbs-row nbs-dim" }, h("span", {}, written[0]), h("span", {}, frame.state === "failed" ? "! failed" : written[1])),
    savepoint
      ? h(
          "div",
          { class: "nbs-frame-verbs", role: "group", "aria-label": `Savepoint ${frame.name}` },
          callButton(app, "roll back to", "rollback to", { detail: { name: frame.name }, quiet: true }),
          callButton(app, "release", "release", { detail: { name: frame.name }, quiet: true }),
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
  return { survives: "Only what was committed.", lost, unsent: unsent ? `${alive ? "Not sent yet" : "Never sent"}: ${unsent}.` : "" };
}

/** The rail. */
export function makeRail(app) {
  const survives = h("strong", {});
  const lost = h("span", {});
  const unsent = h("span", {});
  const stack = h("div", { class: "nbs-stack" });
  const name = h("input", { type: "text", placeholder: "name", "aria-label": "Name of the new savepoint", "data-focus": "savepoint name", spellcheck: "false", oninput: () => app.draw() });
  const set = h("span", {});
  const form = h("form", { class: "nbs-set" }, name, set);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    set.querySelector("button").click();
  });
  app.onAnswer(({ verb, ok }) => {
    if (verb !== "savepoint" || !ok) return;
    name.value = "";
    app.draw();
  });
  return {
    node: h("aside", { class: "nbs-rail", "aria-label": "Transaction stack" }, h("h3", {}, "If I stop now, what survives?"), h("p", { class: "nbs-verdict" }, survives, " ", lost, " ", unsent), stack, form),
    update() {
      const { snapshot } = app;
      const told = verdict(snapshot, app.live && snapshot.session.open);
      setText(survives, told.survives);
      setText(lost, told.lost);
      setText(unsent, told.unsent);
      const health = [app.live, snapshot.session, snapshot.transaction.state];
      const { frames } = snapshot.transaction;
      keepOne(stack, frames.length ? { frames, health } : null, (data) => drawFrames(app, data.frames));
      const wanted = name.value.trim();
      keepOne(set, { wanted, health }, () => callButton(app, "Set savepoint", "savepoint", { detail: wanted ? { name: wanted } : {}, quiet: true, kind: "nbs-in-rail" }));
    },
  };
}
