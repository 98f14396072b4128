// The dashboard: one instrument made of a header, tabbed views, a rail and a strip, all drawn from one snapshot: that
// of now, or that of an earlier moment.
// The page never changes a session: a button sends the name of a call to the kernel and shows the kernel's answer.
import { h, keepFocus, setText } from "./dom.js";
import { followModel } from "./store.js";
import { makeApp } from "./app.js";
import { makeCallLine, updateHead } from "./head.js";
import { makeBoard } from "./board.js";
import { makeCardView } from "./card.js";
import { makePlan } from "./plan.js";
import { makeSqlLog } from "./sql.js";
import { makeScrubber, makeTimeline } from "./timeline.js";
import { makeIdentity } from "./identity.js";
import { makeGraph } from "./graph.js";
import { makeChanges, makeOutside } from "./compare.js";
import { makeRail } from "./rail.js";
import { makeMoves } from "./moves.js";
import { followDock } from "./dock.js";

const VIEWS = {
  board: { title: "Board", make: makeBoard, tally: () => "" },
  card: { title: "Card", make: makeCardView, tally: (snapshot, app) => app.chosenCard()?.label ?? "" },
  plan: { title: "Plan", make: makePlan, tally: ({ plan }) => plan?.steps.length || "" },
  sql: { title: "SQL", make: makeSqlLog, tally: ({ log_total: total }) => total || "" },
  timeline: { title: "Timeline", make: makeTimeline, tally: (snapshot, app) => app.present.as_of.event || "" },
  changes: { title: "Changes", make: makeChanges, tally: () => "" },
  outside: { title: "Outside", make: makeOutside, tally: () => "" },
  identity: { title: "Identity map", make: makeIdentity, tally: ({ lanes }) => lanes[2]?.count || "" },
  graph: { title: "Graph", make: makeGraph, tally: () => "" },
};
let dashboards = 0; // so that ids are the page's own when several dashboards are shown

function makeTabs(app, id) {
  const tabs = Object.entries(VIEWS).map(([name, view]) => {
    const tally = h("span", { class: "nbs-tally" });
    const node = h(
      "button",
      {
        type: "button",
        role: "tab",
        class: "nbs-tab",
        id: `${id}-tab-${name}`,
        "aria-controls": `${id}-panel-${name}`,
        "data-focus": `tab ${name}`,
        onclick: () => app.show(name),
      },
      view.title,
      tally,
    );
    return { name, node, tally, view };
  });
  const walkTabs = (event) => {
    const at = tabs.findIndex(({ name }) => name === app.view);
    const target = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const { name, node } = tabs[(target + tabs.length) % tabs.length];
    app.show(name);
    node.focus();
  };
  const props = { class: "nbs-tabs", role: "tablist", "aria-label": "Views", onkeydown: walkTabs };
  return {
    node: h("div", props, tabs.map(({ node }) => node)),
    update() {
      for (const { name, node, tally, view } of tabs) {
        node.setAttribute("aria-selected", String(name === app.view));
        node.tabIndex = name === app.view ? 0 : -1;
        setText(tally, String(view.tally(app.snapshot, app)));
      }
    },
  };
}

function render({ model, el }, store) {
  const id = `nbs-${(dashboards += 1)}`;
  let frame = 0;
  let commLive = true;
  let draw = () => {};
  const redraw = () => {
    if (!frame) frame = requestAnimationFrame(() => draw());
  };
  const app = makeApp(model, store, redraw, Object.keys(VIEWS));
  const line = makeCallLine();
  app.useLine(line);

  const headPlace = h("div", {});
  const bannerPlace = h("div", {});
  const tabs = makeTabs(app, id);
  const rail = makeRail(app);
  const moves = makeMoves(app);
  const scrubber = makeScrubber(app);
  const panels = Object.entries(VIEWS).map(([name, view]) => {
    const part = view.make(app);
    const props = { role: "tabpanel", id: `${id}-panel-${name}`, "aria-labelledby": `${id}-tab-${name}` };
    return { name, node: h("div", { class: "nbs-panel", ...props }, part.node), part };
  });
  // Lumino, which runs JupyterLab's shortcuts, would take keys pressed here for commands of the notebook ("d d" deletes
  // a cell), unless the very element that has the focus says no.
  const keepKeys = (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  const root = h(
    "section",
    { class: "nbs", onfocusin: keepKeys },
    headPlace,
    line.node,
    bannerPlace,
    tabs.node,
    scrubber.node,
    h("div", { class: "nbs-body" }, h("div", { class: "nbs-panels" }, panels.map(({ node }) => node)), rail.node),
    moves.node,
  );

  draw = () => {
    frame = 0;
    app.live = !app.replays && commLive && !el.closest(".jupyter-widgets-disconnected");
    root.setAttribute("aria-label", `Dashboard of ${app.snapshot.session.name}`);
    root.classList.toggle("nbs-stale", !app.replays && (!app.live || !app.snapshot.session.open));
    root.classList.toggle("nbs-past", app.pastEvent !== null);
    keepFocus(root, () => {
      updateHead(app, headPlace, bannerPlace);
      tabs.update();
      scrubber.update();
      panels.forEach(({ name, node, part }) => {
        node.hidden = name !== app.view;
        if (!node.hidden) part.update();
      });
      rail.update();
      moves.update();
    });
  };
  let lookedAt = store.snapshot.as_of.cell;
  const stop = store.subscribe((message) => {
    if (message.kind === "answer") app.answered(message);
    if (message.kind === "record" || message.kind === "report") app.told(message);
    const { running, as_of: asOf } = store.snapshot;
    if (!running && asOf.cell !== lookedAt) {
      lookedAt = asOf.cell;
      app.askAgain();
    }
    redraw();
  });
  const onView = () => app.show(VIEWS[model.get("view")] ? model.get("view") : "board");
  // ipywidgets' word for a kernel that went or came back. It is called on the view, whose model knows which; a display
  // that never had a kernel (a saved notebook) only has ipywidgets' class for it.
  const onLive = function () {
    commLive = this?.model?.comm_live ?? commLive;
    redraw();
  };
  model.on("change:view", onView);
  model.on("comm_live_update", onLive);
  draw();
  const frameOfWidth = h("div", { class: "nbs-frame-of-width" }, root);
  el.append(frameOfWidth);
  const leaveDock = followDock(model, el, frameOfWidth);
  if (!app.replays) app.show(app.view);
  return () => {
    stop();
    leaveDock();
    cancelAnimationFrame(frame);
    model.off("change:view", onView);
    model.off("comm_live_update", onLive);
  };
}

export default () => {
  let store = null; // one for all displays of one widget: anywidget calls this function once a model
  return {
    initialize({ model }) {
      store = followModel(model);
      return () => store.close();
    },
    render: (place) => render(place, store),
  };
};
