// The SQL log: what was sent, with what values, how often, and which call made it necessary.
import { h, keepList, makeFiltered } from "./dom.js";
import { lookButton } from "./calls.js";

const isRepeated = (repeats, { cause, cell }) => repeats.some((each) => each.cause === cause && each.cell === cell);

function drawParams(params, executions) {
  const values = params.map((value) => h("code", { title: value }, value));
  return h("div", { class: "nbs-params" }, values, executions > 1 ? h("span", {}, " first set") : null);
}

function drawEntry({ entry, repeated }) {
  const { n, sql, params, executions, rows, cause, cell, event, internal, error } = entry;
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
      repeated ? h("span", { class: "nbs-flag nbs-flag-repeat" }, "N+1") : null,
      h("b", {}, facts.join(" · ")),
      h("span", {}, cause || "—"),
      h("span", {}, `${cell ?? "between cells"} · event ${event}`),
    ),
  );
}

/** One N+1: what was touched, where, and the query that does with one statement what took so many. */
function drawRepeat(app, { repeat, filterBy }) {
  const { attribute, cause, count, cell, line, fix } = repeat;
  const code = () => fix;
  const where = `${cell} ${cause}`;
  const ways = [
    ["show them", "repeat", `Show the statements of ${attribute}`, () => filterBy(cause)],
    ["to the call line", "fix", `Put the query for ${attribute} on the call line`, () => app.point(fix)],
  ];
  const button = ([text, name, label, press]) =>
    lookButton(app, text, { code, focus: `${name} ${where}`, label, press });
  return h(
    "li",
    { class: "nbs-repeat" },
    h("b", { class: "nbs-verb nbs-verb-repeat" }, "N+1"),
    h("span", { class: "nbs-repeat-says" }, h("code", {}, attribute), ` was loaded ${count} times, a statement each`),
    h("span", { class: "nbs-dim" }, [cell, line].filter(Boolean).join(", ")),
    h(
      "span",
      { class: "nbs-repeat-fix" },
      "once for all: ",
      h("code", {}, fix),
      ways.map(button),
    ),
  );
}

/** The log's view, with a filter and a switch for the engine's own statements. */
export function makeSqlLog(app) {
  const list = h("ol", { class: "nbs-log" });
  const repeated = h("ul", { class: "nbs-repeats", "aria-label": "Repeated loads" });
  const textsOf = ({ sql, cause, cell, error, params }) => [sql, cause, cell ?? "", error ?? "", ...params];
  const told = { name: "statements", label: "Statements", list, textsOf, above: repeated };
  const shell = makeFiltered({ ...told, draw: () => app.draw() });
  return {
    node: shell.node,
    update() {
      const { log, log_total: total, repeats = [] } = app.snapshot;
      const shown = log.filter(shell.matches);
      const kept = total > log.length ? `, the last ${log.length} kept here` : "";
      const nothing = total ? "No statement matches." : "No statement was sent yet.";
      repeated.hidden = repeats.length === 0;
      const groupKey = ({ cell, cause, first }) => `${cell} ${cause} ${first}`;
      keepList(repeated, repeats, groupKey, (repeat) => drawRepeat(app, { repeat, filterBy: shell.filterBy }));
      const items = shown.map((entry) => ({ entry, repeated: isRepeated(repeats, entry) }));
      shell.redraw(shown.length, `${shown.length} shown of ${total}${kept}`, nothing, true, () =>
        keepList(list, items, ({ entry }) => entry.n, drawEntry),
      );
    },
  };
}
