// The latest snapshot in the page: the synced traitlet, then patches. Knows the widget model; knows nothing of the page.

const LOG_KEPT = 500; // statements kept in the page; the kernel keeps its own, and `log_total` counts them all

/** Merges a patch into a snapshot, as nbsession/notebook/snapshots.py documents it. Neither argument is changed. */
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
  return next;
}

/**
 * Follows a model: one store for all the places where one widget is displayed, so that a display opened late starts from
 * what the patches made and not from the first snapshot.
 */
export function followModel(model) {
  let snapshot = model.get("snapshot");
  const observers = new Set();
  const tell = (what) => observers.forEach((observer) => observer(what));

  const onSnapshot = () => {
    snapshot = model.get("snapshot");
    tell({ kind: "snapshot" });
  };
  const onMessage = (message) => {
    if (message.kind === "patch") {
      if (message.revision <= snapshot.revision) return;
      // A hole in the numbers: a patch was lost (sent before the page listened). Draw this one, ask for everything.
      if (message.revision > snapshot.revision + 1) model.send({ kind: "show", view: "board" });
      snapshot = merged(snapshot, message);
    }
    tell(message);
  };
  model.on("change:snapshot", onSnapshot);
  model.on("msg:custom", onMessage);
  return {
    get snapshot() {
      return snapshot;
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
