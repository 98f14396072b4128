// What the parts of one display share: the snapshot, what is chosen, what was told, and the ways to act. Draws nothing.
import { makePast } from "./past.js";

const REPORTS = ["outside", "changes"]; // views that ask the database

/** What the parts share: the snapshot, what is chosen in this display, and the ways to act. */
export function makeApp(model, store, redraw, views) {
  const answerObservers = [];
  const past = makePast();
  let line = null;
  if (model.get("record")) past.load(model.get("record"));
  return {
    view: views.includes(model.get("view")) ? model.get("view") : "board",
    token: null, // the object that was opened
    detail: null, // its card as the kernel told it, for an object that the board does not show
    move: null,
    live: true,
    replays: model.get("record") ?? null, // an exported page: there is a record and no kernel
    past,
    reports: {}, // what was told last of the views that ask the database
    cascade: null, // what was tried out last
    tried: null, // on which object
    outsideWatched: false, // is what others see asked for after each cell?
    /** What is shown: now, or the moment that was travelled to. */
    get snapshot() {
      return past.snapshot ?? store.snapshot;
    },
    get present() {
      return store.snapshot;
    },
    get pastEvent() {
      return past.event;
    },
    useLine(callLine) {
      line = callLine;
    },
    draw: redraw,
    point: (code) => line.point(code),
    say: (text, ok) => line.say(text, ok),
    onAnswer: (observer) => answerObservers.push(observer),
    answered(answer) {
      if (answer.text) line.say(answer.text, answer.ok);
      if (answer.card) this.detail = answer.card;
      answerObservers.forEach((observer) => observer(answer));
    },
    /** The card of the chosen object: the board's, or for one that the board does not show, what the kernel told. */
    chosenCard() {
      const shown = this.snapshot.cards[this.token];
      const detail = this.detail?.token === this.token && past.event === null ? this.detail : null;
      return shown && (shown.attributes.length || !detail) ? shown : detail;
    },
    justMoved({ moved }) {
      return moved !== null && moved.cell === this.snapshot.as_of.cell;
    },
    send(message) {
      try {
        model.send(message);
        return true;
      } catch {
        line.say("The kernel is gone: nothing was sent.", false);
        return false;
      }
    },
    act(verb, detail, code) {
      line.point(code);
      const sent = this.send({ kind: "action", verb, ...detail });
      const when = store.snapshot.running ? "queued until the running cell ends" : "sent …";
      if (sent) line.say(`${verb}: ${when}`, true);
    },
    askPlan() {
      if (this.live && past.event === null) this.send({ kind: "plan" });
    },
    /** Asks what others see, and again after each cell from now on. */
    watchOutside() {
      this.outsideWatched = true;
      this.askReport("outside");
    },
    askReport(view) {
      if (this.live && past.event === null) this.send({ kind: "report", view });
    },
    tryOut(token) {
      this.tried = token;
      if (this.live && past.event === null) this.send({ kind: "report", view: "graph", token, deed: this.deed() });
      redraw();
    },
    told(message) {
      if (message.kind === "record") past.load(message);
      else if (message.view === "graph") this.cascade = message.cascade;
      else this.reports = { ...this.reports, [message.view]: message };
    },
    /** Puts every view to the moment after a frame of the record; null: back to now. */
    travel(index) {
      past.go(index);
      redraw();
    },
    travelTo(event) {
      if (past.loaded) this.travel(past.indexOf(event));
    },
    /** A cell has ended: what was asked for is asked again. */
    askAgain() {
      const wanted = new Set(REPORTS.includes(this.view) ? [this.view] : []);
      if (this.outsideWatched) wanted.add("outside");
      wanted.forEach((view) => this.askReport(view));
      if (this.view === "timeline" && this.live) this.send({ kind: "record" });
    },
    show(name) {
      this.view = name;
      if (name === "plan") this.askPlan();
      if (REPORTS.includes(name)) this.askReport(name);
      if (name === "timeline" && this.live) this.send({ kind: "record" });
      redraw();
    },
    open(token) {
      this.token = token || null;
      if (this.token && this.live && past.event === null) this.send({ kind: "show", view: "card", token: this.token });
      this.show("card");
    },
    chooseMove(key) {
      this.move = this.move === key ? null : key;
      redraw();
    },
  };
}
