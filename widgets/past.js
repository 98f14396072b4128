// Time travel: the record of a session, replayed in the page. Knows data only: nothing is asked of a database.
import { merged } from "./store.js";

/** The record, and the place in it that is looked at; null: the present. */
export function makePast() {
  let record = null;
  let snapshots = []; // snapshots[i]: after frame i; made when first looked at, from the nearest one before it
  let at = null;

  function snapshotAt(index) {
    let known = index;
    while (known >= 0 && !snapshots[known]) known -= 1;
    let snapshot = known < 0 ? record.base : snapshots[known];
    for (let next = known + 1; next <= index; next += 1) {
      snapshot = merged(snapshot, record.frames[next].patch);
      if (next === index || next % 25 === 0) snapshots[next] = snapshot;
    }
    return snapshot;
  }

  return {
    /** Takes a record; the place looked at stays, by its event. */
    load(data) {
      const event = at === null ? null : record.frames[at].event;
      record = data;
      snapshots = [];
      at = null;
      if (event !== null) this.go(this.indexOf(event));
    },
    get loaded() {
      return record !== null && record.frames.length > 0;
    },
    get frames() {
      return record?.frames ?? [];
    },
    get index() {
      return at;
    },
    get snapshot() {
      return at === null ? null : snapshotAt(at);
    },
    get event() {
      return at === null ? null : record.frames[at].event;
    },
    /** The last frame of an event, or of the one before it. */
    indexOf(event) {
      let found = 0;
      for (const [index, frame] of record.frames.entries()) {
        if (frame.event > event) break;
        found = index;
      }
      return found;
    },
    /** The frame of the event before, or after, the one that is looked at; null: after the last there is now. */
    beside(step) {
      const frames = record?.frames ?? [];
      const event = at === null ? Infinity : frames[at].event;
      if (step < 0) return this.indexOf((at === null ? frames.at(-1).event : event) - 1);
      const next = frames.find((frame) => frame.event > event);
      return next ? this.indexOf(next.event) : null;
    },
    go(index) {
      at = index === null || !record?.frames.length ? null : Math.max(0, Math.min(index, record.frames.length - 1));
    },
  };
}
