// Puts a display beside the code: a panel at the edge of the page, for which the application makes room.
// Knows the page and its shell; knows no session.
import { h } from "./dom.js";

const BESIDE = 900; // pixels of a page from which there is room beside the code; below it the panel lies under the code
const LEAST = 320;
const STEP = 40;
const SHARE = { beside: 0.42, under: 0.45 };
const ELSEWHERE = "nbs-docks-elsewhere";

/** What has to give way: the shell of JupyterLab and Notebook, else the page's body. */
const shellOfPage = () => document.querySelector("#main") ?? document.body;

/** Can a panel stay in sight here? Not where an output is a page of its own (VS Code), or a shadow tree (marimo). */
const canDock = (home) =>
  home.getRootNode() === document && (document.querySelector("#main") !== null || window.top === window);

function makeHandle(resize) {
  const props = {
    class: "nbs-dock-handle",
    role: "separator",
    tabindex: "0",
    "aria-label": "Size of the dashboard",
    title: "Drag, or use the arrow keys",
  };
  const handle = h("div", props);
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    resize(innerWidth < BESIDE ? innerHeight - event.clientY : innerWidth - event.clientX);
  });
  handle.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: 1, ArrowUp: 1, ArrowRight: -1, ArrowDown: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const { width, height } = handle.parentElement.getBoundingClientRect();
    resize((innerWidth < BESIDE ? height : width) + way * STEP);
  });
  return handle;
}

/**
 * Follows the model's word on whether this display is docked.
 *
 * @param home the place in the output where the display is when it is not.
 * @param content what is docked.
 * @returns what ends it.
 */
export function followDock(model, home, content) {
  let wanted = null; // the size a person chose
  let docked = false;
  const back = h("button", { type: "button", class: "nbs-undock", "data-focus": "undock" }, "Put it back");
  const note = h("p", { class: "nbs-dock-note" });
  const handle = makeHandle((size) => {
    wanted = size;
    makeRoom();
  });
  const panel = h("aside", { class: "nbs-dock", "aria-label": "Dashboard beside the code" }, handle, back);

  function makeRoom() {
    const beside = innerWidth >= BESIDE;
    const whole = beside ? innerWidth : innerHeight;
    const usual = whole * SHARE[beside ? "beside" : "under"];
    const size = Math.round(Math.min(Math.max(wanted ?? usual, LEAST), whole - LEAST));
    panel.classList.toggle("nbs-dock-under", !beside);
    handle.setAttribute("aria-orientation", beside ? "vertical" : "horizontal");
    handle.setAttribute("aria-valuenow", String(Math.round((100 * size) / whole)));
    Object.assign(panel.style, beside ? { width: `${size}px`, height: "" } : { width: "", height: `${size}px` });
    const shell = shellOfPage();
    shell.style.width = beside ? `calc(100% - ${size}px)` : "";
    shell.style.height = beside ? "" : `calc(100% - ${size}px)`;
  }
  const relayout = () => window.dispatchEvent(new Event("resize")); // Lumino measures its shell again
  const onResize = () => docked && makeRoom();
  function bringBack() {
    if (!docked) return;
    docked = false;
    panel.remove();
    note.remove();
    home.append(content);
    if (!document.querySelector(".nbs-dock")) Object.assign(shellOfPage().style, { width: "", height: "" });
    relayout();
  }
  function takeOut() {
    if (docked || home.closest(".jupyter-widgets-disconnected")) return; // a saved notebook, opened without a kernel
    if (!canDock(home)) {
      note.textContent = "Outputs are pages of their own here: the dashboard cannot stay beside the code.";
      home.prepend(note);
      return;
    }
    document.querySelector(".nbs-dock")?.dispatchEvent(new Event(ELSEWHERE)); // one at a time
    docked = true;
    panel.append(content);
    document.body.append(panel);
    note.textContent = "The dashboard is beside the code.";
    home.append(note);
    makeRoom();
    relayout();
  }
  const follow = () => (model.get("docked") ? takeOut() : bringBack());
  back.addEventListener("click", () => {
    model.set("docked", false);
    model.save_changes();
    bringBack();
  });
  panel.addEventListener(ELSEWHERE, bringBack);
  window.addEventListener("resize", onResize);
  model.on("change:docked", follow);
  const first = requestAnimationFrame(follow); // when the display has its place in the page
  return () => {
    cancelAnimationFrame(first);
    model.off("change:docked", follow);
    window.removeEventListener("resize", onResize);
    bringBack();
  };
}
