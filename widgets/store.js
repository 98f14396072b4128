// The latest snapshot in the page: the synced traitlet, then patches. Knows the widget model and nothing of the page.

const EVENTS_KEPT = 1000; // events of the timeline kept in the page
const LOG_KEPT = 500; // statements kept in the page; the kernel keeps its own, and `log_total` counts them all

/** Merges a patch into a snapshot, as nbsession/notebook/recording/snapshots.py documents it. Changes neither. */
export function merged(snapshot, { kind, ...patch }) {
  const next = { ...snapshot, ...patch };
  if (patch.cards) next.cards = { ...snapshot.cards, ...patch.cards };
  if (patch.lanes || patch.cards) {
    const shown = new Set(next.lanes.flatMap((lane) => lane.tokens.map(String)));
    next.cards = Object.fromEntries(Object.entries(next.cards).filter(([token]) => shown.has(token)));
  }
  if (patch.log) {
    const byNumber = new Map([...snapshot.log, ...patch.log].map((entry) => [entry.n, entry]));
    next.log = [...byNumber.values()].sort((a, b) => a.n - b.n).slice(-LOG_KEPT);
  }
  if (patch.timeline) {
    const byEvent = new Map([...snapshot.timeline, ...patch.timeline].map((event) => [event.event, event]));
    next.timeline = [...byEvent.values()].sort((a, b) => a.event - b.event).slice(-EVENTS_KEPT);
  }
  return next;
}

/**
 * Follows a model: once for all the places where one widget is displayed. The model keeps the merged snapshot (which is
 * not sent back), so that a display opened late, or a notebook saved with its widgets, has what the patches made.
 */
export function followModel(model) {
  const observers = new Set();
  const tell = (message) => observers.forEach((observer) => observer(message));
  /** Asks for everything, if the kernel knows more than is here. */
  const ask = () => model.send({ kind: "show", view: "board", revision: model.get("snapshot").revision });
  const onSnapshot = () => tell({ kind: "snapshot" });
  const onMessage = (message) => {
    if (message.kind !== "patch") return tell(message);
    const { since, ...patch } = message;
    const snapshot = model.get("snapshot");
    if (patch.revision <= snapshot.revision) return undefined;
    if (since > snapshot.revision) ask(); // a patch before this one was lost: draw this one
    return model.set("snapshot", merged(snapshot, patch));
  };
  model.on("change:snapshot", onSnapshot);
  model.on("msg:custom", onMessage);
  try {
    ask(); // what was sent before the page listened is lost
  } catch {
    // no kernel: a saved notebook, an exported page
  }
  return {
    get snapshot() {
      return model.get("snapshot");
    },
    subscribe(observer) {
      observers.add(observer);
      return () => observers.delete(observer);
    },
    close() {
      model.off("change:snapshot", onSnapshot);
      model.off("msg:custom", onMessage);
    },
  };
}
