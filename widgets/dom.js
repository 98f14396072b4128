// Builds elements and keeps lists in step with data. Knows the page; knows nothing of sessions.
// Values become text nodes and attributes only: no string is ever parsed as HTML in this folder.

/** An element. Properties named `on…` listen; null and false are left out; strings among the children become text. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Sets text only when it differs, so that a live region speaks once for one message. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const drawnFrom = new WeakMap(); // element → the JSON it was drawn from

/**
 * Makes the children of `parent` follow `items`. A child whose item did not change stays the same element: a click that
 * began before a patch still ends on it, and its highlight does not start again.
 */
export function keepList(parent, items, keyOf, make) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  items.forEach((item, index) => {
    const key = String(keyOf(item));
    const json = JSON.stringify(item);
    let node = old.get(key);
    if (!node || drawnFrom.get(node) !== json) {
      const fresh = make(item);
      fresh.dataset.key = key;
      drawnFrom.set(fresh, json);
      node?.replaceWith(fresh);
      node = fresh;
    }
    old.delete(key);
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  old.forEach((node) => node.remove());
}

/** One element inside `parent`, drawn again only when `data` changed; nothing when `data` is null. */
export function keepOne(parent, data, make) {
  keepList(parent, data === null ? [] : [data], () => "only", make);
}

/** Runs `draw` and gives the focus back to the element with the same `data-focus`, if drawing took it away. */
export function keepFocus(root, draw) {
  const page = root.getRootNode();
  const held = root.contains(page.activeElement) ? page.activeElement.dataset.focus : undefined;
  draw();
  if (held === undefined || root.contains(page.activeElement)) return;
  root.querySelector(`[data-focus="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

/** A scrolling list with a filter and a switch for the engine's own entries: `matches` asks `textsOf` of each. */
export function makeFiltered({ name, label, list, textsOf, draw, above = null }) {
  const placeholder = "text, cause or In[n]";
  const filter = h("input", { type: "search", placeholder, "data-focus": `${name} filter`, oninput: draw });
  const internal = h("input", { type: "checkbox", "data-focus": `${name} internal`, onchange: draw });
  const tally = h("span", { class: "nbs-dim", role: "status" });
  const region = { tabindex: "0", role: "region", "aria-label": label, "data-focus": name };
  const scroll = h("div", { class: "nbs-scroll nbs-log-scroll", ...region }, list);
  const note = h("p", { class: "nbs-hint" });
  const field = (...parts) => h("label", { class: "nbs-field" }, ...parts);
  const bar = h("div", { class: "nbs-bar" }, field("Filter ", filter), field(internal, " internal"), tally);
  return {
    node: h("div", { class: "nbs-pad" }, bar, above, note, scroll),
    matches(entry) {
      const wanted = filter.value.trim().toLowerCase();
      return (internal.checked || !entry.internal) && textsOf(entry).join("\n").toLowerCase().includes(wanted);
    },
    /** Shows only what holds a text. */
    filterBy(text) {
      filter.value = text;
      draw();
    },
    /** Says how many are shown, redraws the list, and follows the newest unless the reader scrolled up. */
    redraw(count, told, nothing, follow, redrawList) {
      const atEnd = scroll.scrollTop + scroll.clientHeight >= scroll.scrollHeight - 8;
      setText(tally, told);
      note.hidden = count > 0;
      scroll.hidden = count === 0;
      setText(note, nothing);
      redrawList();
      if (atEnd && follow) scroll.scrollTop = scroll.scrollHeight;
    },
  };
}

/** Copies text, also where the page has no clipboard permission (http, old browsers). True if it worked. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = h("textarea", { "aria-hidden": "true", style: "position:fixed;opacity:0" });
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}
