// The timeline: every event, under the call that caused it, and the scrubber that puts all views back to one of them.
import { h, keepList, keepOne, makeFiltered } from "./dom.js";

const EVENT_SIGNS = { move: "→", mark: "·", change: "✎", sql: "›", flush: "»", transaction: "≡" };
const EVENT_WORDS = { move: "state", change: "attribute", sql: "SQL" };

function drawEvent(app, { event, chosen }) {
  const { event: number, kind, text, error, within } = event;
  const press = () => app.travelTo(number);
  return h(
    "li",
    { class: `nbs-happened nbs-kind-${kind} ${within ? "nbs-within" : ""} ${error ? "nbs-broken" : ""}` },
    h(
      "button",
      {
        type: "button",
        class: "nbs-goto",
        title: `Put every view back to event ${number}`,
        "aria-pressed": String(chosen),
        "data-focus": `event ${number}`,
        onclick: press,
      },
      String(number),
    ),
    h("span", { class: "nbs-sign", title: EVENT_WORDS[kind] ?? kind }, EVENT_SIGNS[kind] ?? "?"),
    h("span", { class: kind === "sql" || kind === "flush" ? "nbs-text nbs-code-text" : "nbs-text" }, text),
    error ? h("span", { class: "nbs-error" }, `! ${error}`) : null,
  );
}

function acts(events) {
  const groups = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (last && last.cell === event.cell && last.cause === event.cause) last.events.push(event);
    else groups.push({ cell: event.cell, cause: event.cause, first: event.event, events: [event] });
  }
  return groups;
}

function drawAct(app, { cell, cause, events, chosen }) {
  return h(
    "li",
    { class: "nbs-act" },
    h("div", { class: "nbs-act-head" }, h("b", {}, cell ?? "between cells"), h("code", {}, cause || "set by hand")),
    h("ol", {}, events.map((event) => drawEvent(app, { event, chosen: event.event === chosen }))),
  );
}

/** The timeline's view. */
export function makeTimeline(app) {
  const list = h("ol", { class: "nbs-acts" });
  const textsOf = ({ text, cause, cell, error }) => [text, cause, cell ?? "", error ?? ""];
  const shell = makeFiltered({ name: "events", label: "Events", list, textsOf, draw: () => app.draw() });
  return {
    node: shell.node,
    update() {
      const { timeline } = app.present; // the whole story, also while an earlier moment is shown
      const shown = timeline.filter(shell.matches);
      const chosen = app.pastEvent;
      const groups = acts(shown).map((act) => ({
        ...act,
        chosen: act.events.some(({ event }) => event === chosen) ? chosen : null,
      }));
      const nothing = timeline.length ? "No event matches." : "Nothing has happened yet.";
      shell.redraw(shown.length, `${shown.length} of ${timeline.length} events`, nothing, chosen === null, () =>
        keepList(list, groups, ({ first }) => first, (act) => drawAct(app, act)),
      );
    },
  };
}

function drawScrubber(app, { past, first, event, cell }) {
  const go = (text, label, target, off) =>
    h(
      "button",
      {
        type: "button",
        class: "nbs-step-button",
        "aria-label": label,
        title: label,
        "aria-disabled": off ? "true" : null,
        "data-focus": `scrub ${label}`,
        onclick: () => off || app.travel(target()),
      },
      text,
    );
  const told = past ? `event ${event}${cell ? ` · ${cell}` : ""}` : "now";
  return h(
    "div",
    { class: `nbs-scrub ${past ? "nbs-in-past" : ""}`, role: "group", "aria-label": "Time travel" },
    go("|◂", "First event", () => 0, first),
    go("◂", "One event back", () => app.past.beside(-1), first),
    go("▸", "One event on", () => app.past.beside(1), !past),
    go("▸|", "Back to now", () => null, !past),
    h("span", { class: "nbs-when" }, past ? h("b", {}, "As it was after ") : null, told),
    past ? h("span", { class: "nbs-dim" }, "Every view shows that moment. Nothing can be done in the past.") : null,
  );
}

/** The scrubber: a slider over the record, shown on the timeline and wherever the past is looked at. */
export function makeScrubber(app) {
  const buttons = h("div", {});
  const slider = h("input", {
    type: "range",
    class: "nbs-slider",
    min: "0",
    "aria-label": "Moment",
    "data-focus": "moment",
    oninput: () => app.travel(Number(slider.value) >= Number(slider.max) ? null : Number(slider.value)),
  });
  const node = h("div", { class: "nbs-scrubber" }, slider, buttons);
  return {
    node,
    update() {
      const { frames } = app.past;
      const past = app.pastEvent !== null;
      node.hidden = !frames.length || !(past || app.view === "timeline");
      if (node.hidden) return;
      const index = past ? app.past.index : frames.length;
      slider.max = String(frames.length);
      if (Number(slider.value) !== index) slider.value = String(index);
      const cell = past ? frames[index].cell : null;
      slider.setAttribute("aria-valuetext", past ? `event ${app.pastEvent}` : "now");
      const data = { past, first: past && app.pastEvent === frames[0].event, event: app.pastEvent, cell };
      keepOne(buttons, data, () => drawScrubber(app, data));
    },
  };
}
