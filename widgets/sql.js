// The SQL log: what was sent, with what values, how often, and which call made it necessary.
import { h, keepList, makeFiltered } from "./dom.js";

function drawParams(params, executions) {
  const values = params.map((value) => h("code", { title: value }, value));
  return h("div", { class: "nbs-params" }, values, executions > 1 ? h("span", {}, " first set") : null);
}

function drawEntry({ n, sql, params, executions, rows, cause, cell, event, internal, error }) {
  const facts = [
    executions > 1 ? `× ${executions}` : null,
    rows === null ? null : rows === 1 ? "1 row" : `${rows} rows`,
    internal ? "internal" : null,
  ].filter(Boolean);
  return h(
    "li",
    { class: `nbs-entry ${internal ? "nbs-internal" : ""}` },
    h("span", { class: "nbs-number" }, String(n)),
    h(
      "div",
      { class: "nbs-statement" },
      h("code", { class: "nbs-sql" }, sql),
      params.length ? drawParams(params, executions) : null,
      error ? h("code", { class: "nbs-error" }, `! ${error}`) : null,
    ),
    h(
      "div",
      { class: "nbs-facts" },
      h("b", {}, facts.join(" · ")),
      h("span", {}, cause || "—"),
      h("span", {}, `${cell ?? "between cells"} · event ${event}`),
    ),
  );
}

/** The log's view, with a filter and a switch for the engine's own statements. */
export function makeSqlLog(app) {
  const list = h("ol", { class: "nbs-log" });
  const textsOf = ({ sql, cause, cell, error, params }) => [sql, cause, cell ?? "", error ?? "", ...params];
  const shell = makeFiltered({ name: "statements", label: "Statements", list, textsOf, draw: () => app.draw() });
  return {
    node: shell.node,
    update() {
      const { log, log_total: total } = app.snapshot;
      const shown = log.filter(shell.matches);
      const kept = total > log.length ? `, the last ${log.length} kept here` : "";
      const nothing = total ? "No statement matches." : "No statement was sent yet.";
      shell.redraw(shown.length, `${shown.length} shown of ${total}${kept}`, nothing, true, () =>
        keepList(list, shown, (entry) => entry.n, drawEntry),
      );
    },
  };
}
