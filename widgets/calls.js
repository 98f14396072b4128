// What a button stands for: the call it makes, whether it can be made now, and the button itself.
import { h } from "./dom.js";

const WHOLE_SESSION = {
  flush: (session) => `${session}.flush()`,
  commit: (session) => `${session}.commit()`,
  rollback: (session) => `${session}.rollback()`,
  savepoint: (session, { name }) => `${session}.begin_nested(${name ? `name=${JSON.stringify(name)}` : ""})`,
  "rollback to": (session, { name }) => `%session rollback ${name}`,
  release: (session, { name }) => `%session release ${name}`,
};

/** The code a button stands for, as one would type it in a cell. */
export function callText(snapshot, verb, detail = {}) {
  const session = snapshot.session.name;
  const write = WHOLE_SESSION[verb];
  return write ? write(session, detail) : `${session}.${verb}(obj)  # obj: ${detail.label}`;
}

const NEEDS_HEALTH = new Set(["flush", "commit", "savepoint", "release", "delete", "refresh"]);
const LEGAL_FROM = {
  add: ["transient", "detached"],
  delete: ["persistent", "detached"],
  expunge: ["pending", "persistent"],
  refresh: ["persistent"],
  expire: ["persistent"],
};

/** Why a verb cannot be used now, in a sentence; or null when it can. */
export function whyNot(snapshot, live, verb, card = null) {
  if (!live) return "The kernel is gone: nothing can be sent.";
  if (!snapshot.session.open) return "The session is closed.";
  const failed = snapshot.transaction.state === "failed";
  if (failed && NEEDS_HEALTH.has(verb)) return "The transaction failed: only a rollback helps.";
  const legal = LEGAL_FROM[verb];
  if (!card || !legal || legal.includes(card.state)) return null;
  return `${card.label} is ${card.state}; ${verb} needs it ${legal.join(" or ")}.`;
}

/**
 * A button that stands for a call. Pointing at it or focusing it puts the code on the call line, to be copied there.
 * One that cannot be used stays focusable and says why: "why can I not commit?" is a question worth an answer.
 */
export function callButton(app, text, verb, { detail = {}, card = null, quiet = false, kind = "" } = {}) {
  const code = callText(app.snapshot, verb, { ...detail, label: card?.label });
  let reason = whyNot(app.snapshot, app.live, verb, card);
  if (app.replays) reason = "This page is a record: there is no session behind it.";
  else if (app.pastEvent !== null) reason = "This is the past: go back to now first.";
  const point = () => app.point(code);
  const press = () => {
    if (reason) app.say(reason, false);
    else app.act(verb, { ...detail, ...(card ? { token: card.token } : {}) }, code);
  };
  return h(
    "button",
    {
      type: "button",
      class: `nbs-button ${kind}`,
      title: reason ? `${code}\n${reason}` : code,
      "aria-disabled": reason ? "true" : null,
      "data-verb": verb,
      "data-focus": `verb ${verb} ${detail.name ?? ""} ${card?.token ?? ""} ${kind}`,
      onpointerenter: point,
      onfocus: point,
      onclick: press,
    },
    h("span", { class: "nbs-button-text" }, text),
    quiet ? null : h("code", { "aria-hidden": "true" }, code.split("  #")[0]),
  );
}

/** A button that only looks. Pointing at it, or focusing it, puts on the call line what one would type instead. */
export function lookButton(app, text, { code, focus, press, label = null }) {
  const point = () => app.point(code());
  const props = { type: "button", class: "nbs-button", title: code(), "aria-label": label, "data-focus": focus };
  return h(
    "button",
    { ...props, onpointerenter: point, onfocus: point, onclick: press },
    h("span", { class: "nbs-button-text" }, text),
  );
}
