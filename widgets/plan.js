// The flush plan: what would go out, in which order, and why in that order. Nothing has been sent.
import { h, keepList, keepOne, setText } from "./dom.js";

/** How deep a step lies below the steps it waits for: drawn as its indent. */
function depths(steps) {
  const depth = new Map();
  for (const { number, after } of steps) depth.set(number, Math.max(-1, ...after.map((each) => depth.get(each) ?? -1)) + 1);
  return depth;
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
    parameters.length
      ? h("dl", { class: "nbs-parameters" }, parameters.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", { class: value.startsWith("key of ") ? "nbs-key" : "", title: value }, value))))
      : null,
  );
}

function drawRest({ skipped, notes }) {
  return h(
    "div",
    { class: "nbs-rest" },
    skipped.length ? [h("h4", {}, "Not sent"), h("ul", {}, skipped.map(([label, reason]) => h("li", {}, h("span", { class: "nbs-label" }, label), ` ${reason}`)))] : null,
    notes.length ? [h("h4", {}, "Notes"), h("ul", {}, notes.map((note) => h("li", {}, note)))] : null,
  );
}

/** The plan's view. */
export function makePlan(app) {
  const says = h("p", { class: "nbs-says" });
  const steps = h("ol", { class: "nbs-steps" });
  const rest = h("div", {});
  const code = () => `${app.snapshot.session.name}.flush_plan()`;
  const again = h(
    "button",
    { type: "button", class: "nbs-button", "data-focus": "plan again", onpointerenter: () => app.point(code()), onfocus: () => app.point(code()), onclick: () => app.askPlan() },
    h("span", { class: "nbs-button-text" }, "Plan again"),
  );
  return {
    node: h("div", { class: "nbs-pad" }, h("div", { class: "nbs-bar" }, says, again), steps, rest),
    update() {
      const plan = app.snapshot.plan ?? { steps: [], skipped: [], notes: [] };
      const depth = depths(plan.steps);
      again.title = code();
      setText(says, plan.steps.length ? "A flush would send this, in this order. Nothing has been sent." : "A flush would send nothing.");
      keepList(steps, plan.steps.map((step) => ({ step, depth: depth.get(step.number) })), ({ step }) => step.number, drawStep);
      keepOne(rest, plan.skipped.length || plan.notes.length ? { skipped: plan.skipped, notes: plan.notes } : null, drawRest);
    },
  };
}
