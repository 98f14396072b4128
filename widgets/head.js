// The top of the instrument: which session, where its transaction stands, the four verbs, the call line, the banner.
import { copyText, h, keepOne, setText } from "./dom.js";
import { callButton } from "./calls.js";

const NO_CALL = "Point at a button: the call it stands for appears here.";

function statePill({ session, transaction }, live) {
  if (!live) return { mark: "–", word: "kernel gone", kind: "gone" };
  if (!session.open) return { mark: "–", word: "closed", kind: "gone" };
  const since = transaction.since ? ` · since ${transaction.since}` : "";
  if (transaction.state === "failed") return { mark: "!", word: `failed${since}`, kind: "failed" };
  if (transaction.state === "prepared") return { mark: "◐", word: `prepared${since}`, kind: "active" };
  if (transaction.state === "active") return { mark: "●", word: `in transaction${since}`, kind: "active" };
  return { mark: "○", word: "idle", kind: "idle" };
}

function drawPill(kind, mark, word) {
  return h("span", { class: `nbs-pill ${kind}` }, h("span", { class: "nbs-dot", "aria-hidden": "true" }, mark), word);
}

function drawHead(app, { session, pill, savepoints, running }) {
  const buttons = [
    callButton(app, "Savepoint", "savepoint"),
    callButton(app, "Roll back", "rollback", { kind: pill.kind === "failed" ? "nbs-go" : "" }),
    callButton(app, "Flush", "flush"),
    callButton(app, "Commit", "commit", { kind: pill.kind === "failed" ? "" : "nbs-go" }),
  ];
  return h(
    "div",
    { class: "nbs-head" },
    h(
      "div",
      { class: "nbs-title" },
      h("h2", { class: "nbs-name" }, session.name),
      h("span", { class: "nbs-database" }, `${session.dialect} · ${session.database}`),
    ),
    drawPill(`nbs-pill-${pill.kind}`, pill.mark, pill.word),
    savepoints ? h("span", { class: "nbs-pill" }, savepoints === 1 ? "1 savepoint" : `${savepoints} savepoints`) : null,
    running ? drawPill("nbs-running", "▶", "a cell is running") : null,
    h("div", { class: "nbs-verbs", role: "group", "aria-label": "The session's verbs" }, buttons),
  );
}

function bannerData({ session, transaction, as_of }, live) {
  const seen = as_of.cell ? `What you see is the state as of ${as_of.cell}. ` : "";
  if (!live) {
    const text = `The kernel is gone or was restarted. ${seen}Run the notebook again.`;
    return { kind: "gone", title: "No live session", text };
  }
  if (!session.open) {
    const text = `Its connection was given back; what was not committed is gone. ${seen}`;
    return { kind: "gone", title: "This session is closed", text };
  }
  if (transaction.state !== "failed") return null;
  const error = transaction.error ?? { type: "Error", message: "a flush failed", cell: null, advice: "" };
  return { kind: "failed", title: `The transaction failed${error.cell ? ` in ${error.cell}` : ""}`, error };
}

function drawBanner(app, { kind, title, text, error }) {
  return h(
    "div",
    { class: `nbs-banner nbs-banner-${kind}`, role: kind === "failed" ? "alert" : "status" },
    h("span", { class: "nbs-banner-mark", "aria-hidden": "true" }, kind === "failed" ? "!" : "–"),
    h(
      "div",
      { class: "nbs-banner-text" },
      h("strong", {}, title),
      error ? h("code", { class: "nbs-error" }, `${error.type}: ${error.message}`) : null,
      h("span", {}, error ? error.advice : text),
    ),
    error ? callButton(app, "Roll back", "rollback", { kind: "nbs-go nbs-in-banner", quiet: true }) : null,
  );
}

/** The line between header and views: the call last pointed at, a copy button, and the kernel's last answer. */
export function makeCallLine() {
  const code = h("code", { class: "nbs-code" }, NO_CALL);
  const copied = h("span", { class: "nbs-copied", role: "status" });
  const props = { type: "button", class: "nbs-copy", hidden: true, title: "Copy this call", "data-focus": "copy" };
  const copy = h("button", props, "Copy");
  const answer = h("span", { class: "nbs-answer", role: "status", "aria-live": "polite" });
  copy.addEventListener("click", async () => {
    setText(copied, (await copyText(code.textContent)) ? "copied" : "select it and copy");
  });
  return {
    node: h("div", { class: "nbs-line" }, h("div", { class: "nbs-line-call" }, code, copy, copied), answer),
    point(text) {
      setText(code, text);
      setText(copied, "");
      code.classList.add("nbs-real");
      copy.hidden = false;
    },
    say(text, ok) {
      setText(answer, ok ? text : `! ${text}`);
      answer.classList.toggle("nbs-bad", !ok);
    },
  };
}

/** Draws header and banner into their places. */
export function updateHead(app, headPlace, bannerPlace) {
  const { snapshot } = app;
  const live = app.live || Boolean(app.replays);
  const { session, transaction, running } = snapshot;
  const savepoints = transaction.frames.filter((frame) => frame.kind === "savepoint").length;
  const data = { session, pill: statePill(snapshot, live), savepoints, running: running && live, past: app.pastEvent };
  keepOne(headPlace, data, () => drawHead(app, data));
  const banner = bannerData(snapshot, live);
  keepOne(bannerPlace, banner && { ...banner, past: app.pastEvent }, (shown) => drawBanner(app, shown));
}
