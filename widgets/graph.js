// The relationship graph: which objects are linked; and, tried out, what a deed would do to the others.
import { h, keepList, keepOne, setText } from "./dom.js";
import { flagTags, stateBadge } from "./board.js";
import { lookButton } from "./calls.js";

const DEEDS = ["delete", "add", "merge", "expunge", "refresh"];
const NO_LINKS = "No object with relationships is shown on the board.";

function drawLink(app, { name, kind, status, current, changed, tokens }, cards) {
  const told = tokens.map((token) => cards[token]?.label).filter(Boolean);
  const text = current === null ? (status === "not set" ? "not set" : "not loaded") : current;
  const nothing = current === null || current === "None" || current === "none";
  return h(
    "li",
    { class: changed ? "nbs-changed" : "" },
    h("code", { class: "nbs-edge-name" }, name),
    h("span", { "aria-hidden": "true" }, nothing ? " – " : kind === "many" ? " ⇉ " : " → "),
    nothing || !told.length
      ? h("span", { class: nothing ? "nbs-none" : "" }, text)
      : tokens
          .filter((token) => cards[token])
          .map((token) =>
            h(
              "button",
              {
                type: "button",
                class: `nbs-node nbs-is-${cards[token].state}`,
                title: `Open the card of ${cards[token].label} (${cards[token].state})`,
                "data-focus": `node ${name} ${token}`,
                onclick: () => app.open(token),
              },
              cards[token].label,
            ),
          ),
    changed ? h("span", { class: "nbs-flag nbs-flag-dirty" }, "* changed") : null,
  );
}

function drawNode(app, { card, links, cards, chosen }) {
  return h(
    "li",
    { class: `nbs-graph-node ${chosen ? "nbs-chosen" : ""}` },
    h(
      "div",
      { class: "nbs-graph-head" },
      stateBadge(card.state),
      h("span", { class: "nbs-label" }, card.label),
      flagTags(card),
      lookButton(app, "try out", {
        code: () => `%session graph ${app.deed()} obj  # obj: ${card.label}`,
        focus: `try ${card.token}`,
        label: `Try out on ${card.label}`,
        press: () => app.tryOut(card.token),
      }),
    ),
    h("ul", {}, links.map((link) => drawLink(app, link, cards))),
  );
}

function flatTree(tree, depth = 0) {
  return [{ ...tree, depth }, ...tree.children.flatMap((child) => flatTree(child, depth + 1))];
}

function drawCascade(app, { deed, tree, complete }) {
  const nodes = flatTree(tree);
  const reached = nodes.filter(({ token }) => token).length - 1;
  const call = `session.${deed}(${tree.label})`;
  const says = ` would reach ${reached} other ${reached === 1 ? "object" : "objects"}. Nothing was done.`;
  const item = (node) =>
    h(
      "li",
      { class: node.unloaded ? "nbs-unloaded" : "", style: `--depth:${Math.min(node.depth, 12)}` },
      node.state ? stateBadge(node.state) : null,
      node.label ? h("b", { class: "nbs-label" }, node.label) : null,
      h("span", {}, ` ${node.effect} `),
      node.rule ? h("span", { class: "nbs-dim" }, `${node.rule}${node.along ? ` over ${node.along}` : ""}`) : null,
    );
  return h(
    "section",
    { class: "nbs-cascade", "aria-label": "Tried out" },
    h("h3", {}, h("code", {}, call), says),
    complete ? null : h("p", { class: "nbs-dim" }, "More would have to be loaded to say everything."),
    h("ul", {}, nodes.slice(0, 200).map(item)),
    nodes.length > 200 ? h("p", { class: "nbs-dim" }, `… ${nodes.length - 200} more`) : null,
  );
}

/** The graph's view. */
export function makeGraph(app) {
  const deed = h(
    "select",
    { "data-focus": "deed", onchange: () => (app.tried ? app.tryOut(app.tried) : null) },
    DEEDS.map((name) => h("option", { value: name }, name)),
  );
  const note = h("p", { class: "nbs-hint" }, NO_LINKS);
  const list = h("ul", { class: "nbs-graph" });
  const place = h("div", { "aria-live": "polite" });
  const says = h("p", { class: "nbs-says" });
  app.deed = () => deed.value;
  return {
    node: h(
      "div",
      { class: "nbs-pad" },
      h("div", { class: "nbs-bar" }, h("label", { class: "nbs-field" }, "Deed to try ", deed), says),
      place,
      note,
      list,
    ),
    update() {
      const { lanes, cards } = app.snapshot;
      const shown = lanes.flatMap(({ tokens }) => tokens).map((token) => cards[token]).filter(Boolean);
      const brief = Object.fromEntries(shown.map(({ token, label, state }) => [token, { label, state }]));
      const nodes = shown
        .map((card) => ({
          card: { token: card.token, label: card.label, state: card.state, flags: card.flags },
          links: card.attributes.filter(({ kind }) => kind !== "column"),
          chosen: card.token === app.tried,
        }))
        .filter(({ links }) => links.length)
        .map((node) => {
          const named = node.links.flatMap(({ tokens }) => tokens);
          return { ...node, cards: Object.fromEntries(named.filter((t) => brief[t]).map((t) => [t, brief[t]])) };
        });
      setText(says, "A dry run: it follows what is loaded, and loads and sends nothing.");
      note.hidden = nodes.length > 0;
      keepOne(place, app.pastEvent === null ? app.cascade : null, (data) => drawCascade(app, data));
      keepList(list, nodes, ({ card }) => card.token, (node) => drawNode(app, node));
    },
  };
}
