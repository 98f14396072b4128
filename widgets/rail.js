// The side rail: "If I stop now, what survives?" The transaction and its savepoints, nested as they are.
import { h, keepOne, setText } from "./dom.js";
import { callButton } from "./calls.js";

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
    node: h(
      "aside",
      { class: "nbs-rail", "aria-label": "Transaction stack" },
      h("h3", {}, "If I stop now, what survives?"),
      h("p", { class: "nbs-verdict" }, survives, " ", lost, " ", unsent),
      stack,
      form,
    ),
    update() {
      const { snapshot } = app;
      const told = verdict(snapshot, (app.live || app.replays) && snapshot.session.open);
      setText(survives, told.survives);
      setText(lost, told.lost);
      setText(unsent, told.unsent);
      const health = [app.live, snapshot.session, snapshot.transaction.state, app.pastEvent];
      const { frames } = snapshot.transaction;
      keepOne(stack, frames.length ? { frames, health } : null, (data) => drawFrames(app, data.frames));
      const wanted = name.value.trim();
      const options = { detail: wanted ? { name: wanted } : {}, quiet: true, kind: "nbs-in-rail" };
      keepOne(set, { wanted, health }, () => callButton(app, "Set savepoint", "savepoint", options));
    },
  };
}
