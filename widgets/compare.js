// Two views of what this transaction changed: beside what everyone else sees, and row by row for a review before a
// commit. Only these ask the database: on request, and after each cell while the tab is open.
import { h, keepOne, setText } from "./dom.js";
import { lookButton } from "./calls.js";

const WRITTEN_BY = { session: "by a flush", SQL: "by SQL of your own", others: "by somebody else, committed" };
const BY_OTHERS = "Committed by somebody else meanwhile, not seen here";
const SEEN_AFTER_COMMIT = "A flush sends rows to this transaction only; others see them after commit().";
const CHANGE_SIGNS = { INSERT: "+", UPDATE: "*", DELETE: "−" };
const TYPED = { outside: "%session outside", changes: "%session diff" };
const BRIEF_ROWS = 6;
const countText = (count) => (count < 0 ? "no table" : count.toLocaleString("en"));
const rowsText = (count) => (count === 1 ? "1 row" : `${count.toLocaleString("en")} rows`);
const dimCode = (text) => h("code", { class: "nbs-dim" }, text);

function tableOf(heads, rows) {
  const head = h("tr", {}, heads.map((text) => h("th", { scope: "col" }, text)));
  return h("table", { class: "nbs-table-view" }, h("thead", {}, head), h("tbody", {}, rows));
}

function differing(row, side) {
  const [mine, other] = side === "here" ? [row.here, row.outside] : [row.outside, row.here];
  if (mine === null) return h("span", { class: "nbs-none" }, "no row");
  const shown = Object.entries(mine).filter(([name, value]) => other === null || value !== other[name]);
  return shown.map(([name, value]) => h("div", {}, dimCode(name), " ", h("code", {}, value)));
}

function comparedRows(table) {
  const changed = table.here !== table.outside || table.rows.length > 0;
  const notes = [table.note, table.more ? `… ${rowsText(table.more)} more` : ""].filter(Boolean).join("; ");
  const head = h(
    "tr",
    { class: changed ? "nbs-changed" : "" },
    h("th", { scope: "row" }, h("b", {}, table.table)),
    h("td", { "data-head": "here" }, countText(table.here)),
    h("td", { "data-head": "outside" }, countText(table.outside)),
    h("td", { class: "nbs-dim" }, notes),
  );
  const rows = table.rows.map((row) =>
    h(
      "tr",
      {},
      h("th", { scope: "row", class: "nbs-indented" }, h("code", {}, row.label)),
      h("td", { "data-head": "here" }, differing(row, "here")),
      h("td", { "data-head": "outside" }, differing(row, "outside")),
      h("td", { class: "nbs-dim" }, WRITTEN_BY[row.by] ?? row.by),
    ),
  );
  return [head, ...rows];
}

function outsideVerdict(tables) {
  const count = tables.reduce((sum, { rows, more }) => sum + rows.length + more, 0);
  if (count) return `${rowsText(count)} ${count === 1 ? "is" : "are"} not the same outside. ${SEEN_AFTER_COMMIT}`;
  const uneven = tables.some(({ here, outside }) => here !== outside);
  if (uneven) return `Tables are not the same outside. ${SEEN_AFTER_COMMIT}`;
  return "Everyone else sees what this session sees.";
}

/** The outside report in a sentence and a row a table, those that differ first; an old one says so. */
export function outsideBrief({ as_of: asOf, comparison: { possible, why_not: why, tables } }, event) {
  if (!possible) return { says: why, rows: [] };
  const brief = tables.map(({ table, here, outside, rows, more }) => {
    const same = here === outside && !rows.length && !more;
    return { table, here: countText(here), outside: countText(outside), same };
  });
  const rows = [...brief.filter(({ same }) => !same), ...brief.filter(({ same }) => same)].slice(0, BRIEF_ROWS);
  const differ = brief.filter(({ same }) => !same).length;
  const found = differ ? `${differ} of ${brief.length} tables not the same.` : "The same as you.";
  return { says: `${found}${asOf.event < event ? ` As of event ${asOf.event}; look again.` : ""}`, rows };
}

function drawTwoSides({ comparison: { possible, why_not: why, tables } }) {
  if (!possible) return h("p", { class: "nbs-hint" }, `Nothing can be seen from outside: ${why}`);
  const heads = ["table, row", "this session", "everyone else", "written"];
  const says = h("p", { class: "nbs-verdict-line" }, outsideVerdict(tables));
  return h("div", {}, says, tableOf(heads, tables.flatMap(comparedRows)));
}

function changedPairs({ here, outside }) {
  const names = [...new Set([...Object.keys(outside ?? {}), ...Object.keys(here ?? {})])];
  const pairs = names.map((name) => [name, outside?.[name] ?? "", here?.[name] ?? ""]);
  return pairs.filter(([, before, now]) => before !== now);
}

function drawValue([name, before, now]) {
  const old = before ? h("del", {}, before) : null;
  const fresh = now ? h("ins", {}, now) : null;
  return h("div", {}, dimCode(name), " ", old, old && fresh ? " → " : "", fresh);
}

function drawChange({ verb, label, where, values }) {
  return h(
    "tr",
    {},
    h("td", {}, h("b", { class: `nbs-verb nbs-verb-${verb.toLowerCase()}` }, `${CHANGE_SIGNS[verb]} ${verb}`)),
    h("th", { scope: "row" }, h("code", {}, label)),
    h("td", {}, values.map(drawValue)),
    h("td", { class: "nbs-dim" }, where),
  );
}

function reviewVerdict(sent, unsent, possible) {
  const parts = [sent ? `${rowsText(sent)} changed in this transaction` : "", unsent ? `${unsent} not sent yet` : ""];
  const told = parts.filter(Boolean).join(" and ");
  if (told) return `${told}: session.commit() keeps all of it, session.rollback() none.`;
  return possible ? "Nothing has changed since BEGIN." : "";
}

function drawReview({ comparison: { possible, why_not: why, tables }, waiting }) {
  const verbOf = (row) => (row.outside === null ? "INSERT" : row.here === null ? "DELETE" : "UPDATE");
  const sent = tables.flatMap(({ table, rows }) =>
    rows.filter(({ by }) => by !== "others").map((row) => {
      const where = `${table}, ${WRITTEN_BY[row.by]}`;
      return { verb: verbOf(row), label: row.label, where, values: changedPairs(row) };
    }),
  );
  const unsent = waiting.map(({ what, label, values }) => ({ verb: what, label, where: "not sent yet", values }));
  const more = tables.reduce((sum, table) => sum + table.more, 0);
  const theirs = tables.flatMap(({ rows: all }) => all.filter(({ by }) => by === "others").map(({ label }) => label));
  const rows = [...sent, ...unsent].map(drawChange);
  const blind = `Rows that were sent cannot be compared: ${why}`;
  return h(
    "div",
    {},
    h("p", { class: "nbs-verdict-line" }, reviewVerdict(sent.length + more, unsent.length, possible)),
    possible ? null : h("p", { class: "nbs-dim" }, blind),
    rows.length ? tableOf(["change", "row", "before → after", "where it stands"], rows) : null,
    more ? h("p", { class: "nbs-dim" }, `… ${rowsText(more)} more`) : null,
    theirs.length ? h("p", { class: "nbs-dim" }, `${BY_OTHERS}: ${theirs.slice(0, 6).join(", ")}.`) : null,
  );
}

function makeReport(app, view, title, draw) {
  const says = h("p", { class: "nbs-says" });
  const region = { tabindex: "0", role: "region", "aria-label": title, "data-focus": view };
  const place = h("div", { class: "nbs-scroll", ...region });
  const note = h("p", { class: "nbs-hint" });
  const code = () => TYPED[view];
  const again = lookButton(app, "Look again", { code, focus: `${view} again`, press: () => app.askReport(view) });
  const whyNothing = () => {
    if (app.pastEvent !== null) return "What others saw then was not recorded.";
    return app.live ? "Looking …" : "Nobody can be asked: there is no live session.";
  };
  return {
    node: h("div", { class: "nbs-pad" }, h("div", { class: "nbs-bar" }, says, again), note, place),
    update() {
      const report = (app.pastEvent === null && app.reports[view]) || null;
      const when = report && `As of ${report.as_of.cell ?? "now"} · event ${report.as_of.event}`;
      setText(says, when ? `${when}; asked on a connection of its own.` : "");
      note.hidden = report !== null;
      place.hidden = report === null;
      setText(note, whyNothing());
      keepOne(place, report, draw);
    },
  };
}

/** What this session sees beside what everyone else sees. */
export const makeOutside = (app) => makeReport(app, "outside", "Outside view", drawTwoSides);

/** Everything changed since BEGIN, sent or waiting. */
export const makeChanges = (app) => makeReport(app, "changes", "Changes since BEGIN", drawReview);
