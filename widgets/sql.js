// The SQL log: what was sent, with what values, how often, and which call made it necessary.
import { h, keepList, setText } from "./dom.js";

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
  const filter = h("input", {
    type: "search",
    placeholder: "text, cause or In[n]",
    "data-focus": "filter",
    oninput: () => app.draw(),
  });
  const internal = h("input", { type: "checkbox", "data-focus": "internal", onchange: () => app.draw() });
  const tally = h("span", { class: "nbs-dim", role: "status" });
  const list = h("ol", { class: "nbs-log" });
  const region = { tabindex: "0", role: "region", "aria-label": "Statements", "data-focus": "statements" };
  const scroll = h("div", { class: "nbs-scroll nbs-log-scroll", ...region }, list);
  const note = h("p", { class: "nbs-hint" });

  const matches = (entry) => {
    const wanted = filter.value.trim().toLowerCase();
    const texts = [entry.sql, entry.cause, entry.cell ?? "", entry.error ?? "", ...entry.params];
    return (internal.checked || !entry.internal) && texts.join("\n").toLowerCase().includes(wanted);
  };
  return {
    node: h(
      "div",
      { class: "nbs-pad" },
      h(
        "div",
        { class: "nbs-bar" },
        h("label", { class: "nbs-field" }, "Filter ", filter),
        h("label", { class: "nbs-field" }, internal, " internal"),
        tally,
      ),
      note,
      scroll,
    ),
    update() {
      const { log, log_total: total } = app.snapshot;
      const shown = log.filter(matches);
      const atEnd = scroll.scrollTop + scroll.clientHeight >= scroll.scrollHeight - 8;
      const kept = total > log.length ? `, the last ${log.length} kept here` : "";
      setText(tally, `${shown.length} shown of ${total}${kept}`);
      note.hidden = shown.length > 0;
      scroll.hidden = shown.length === 0;
      setText(note, total ? "No statement matches." : "No statement was sent yet.");
      keepList(list, shown, (entry) => entry.n, drawEntry);
      if (atEnd) scroll.scrollTop = scroll.scrollHeight; // follow the newest, unless the reader scrolled up
    },
  };
}
