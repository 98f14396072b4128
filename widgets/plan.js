// The flush plan: what would go out, in which order, and why in that order. Nothing has been sent.
import { h, keepList, keepOne, setText } from "./dom.js";
import { lookButton } from "./calls.js";

const WOULD_SEND = "A flush would send this, in this order. Nothing has been sent.";

/** How deep a step lies below the steps it waits for: drawn as its indent. */
function depths(steps) {
  const depth = new Map();
  for (const { number, after } of steps) {
    depth.set(number, Math.max(-1, ...after.map((each) => depth.get(each) ?? -1)) + 1);
  }
  return depth;
}

function drawParameter([name, value]) {
  const kind = value.startsWith("key of ") ? "nbs-key" : "";
  return h("div", {}, h("dt", {}, name), h("dd", { class: kind, title: value }, value));
}

function drawStep({ step, depth }) {
  const { number, verb, table, label, parameters, count, after, reasons } = step;
  const why = reasons.length ? reasons.join("; ") : "needs its key";
  return h(
    "li",
    { class: "nbs-step", style: `--depth:${Math.min(depth, 4)}` },
    h("span", { class: "nbs-number" }, `${number}.`),
    h("b", { class: `nbs-verb nbs-verb-${verb.toLowerCase()}` }, verb),
    h("span", { class: "nbs-table" }, table),
    h("span", { class: "nbs-label", title: label }, label),
    count > 1 ? h("span", { class: "nbs-times" }, `× ${count}`) : null,
    after.length ? h("p", { class: "nbs-after" }, "↳ ", h("b", {}, `after ${after.join(", ")}`), `: ${why}`) : null,
    parameters.length ? h("dl", { class: "nbs-parameters" }, parameters.map(drawParameter)) : null,
  );
}

function drawSkipped([label, reason]) {
  return h("li", {}, h("span", { class: "nbs-label" }, label), ` ${reason}`);
}

function drawRest({ skipped, notes }) {
  return h(
    "div",
    { class: "nbs-rest" },
    skipped.length ? [h("h3", {}, "Not sent"), h("ul", {}, skipped.map(drawSkipped))] : null,
    notes.length ? [h("h3", {}, "Notes"), h("ul", {}, notes.map((note) => h("li", {}, note)))] : null,
  );
}

/** The plan's view. */
export function makePlan(app) {
  const says = h("p", { class: "nbs-says" });
  const steps = h("ol", { class: "nbs-steps" });
  const rest = h("div", {});
  const code = () => `${app.snapshot.session.name}.flush_plan()`;
  const again = lookButton(app, "Plan again", { code, focus: "plan again", press: () => app.askPlan() });
  return {
    node: h("div", { class: "nbs-pad" }, h("div", { class: "nbs-bar" }, says, again), steps, rest),
    update() {
      const plan = app.snapshot.plan ?? { steps: [], skipped: [], notes: [] };
      const depth = depths(plan.steps);
      again.title = code();
      setText(says, plan.steps.length ? WOULD_SEND : "A flush would send nothing.");
      const items = plan.steps.map((step) => ({ step, depth: depth.get(step.number) }));
      keepList(steps, items, ({ step }) => step.number, drawStep);
      const { skipped, notes } = plan;
      keepOne(rest, skipped.length || notes.length ? { skipped, notes } : null, drawRest);
    },
  };
}
