// A page that stays right while it is open: it takes away what has expired, looks for news every
// minute, says when it is a copy, and keeps the service worker for reading without a network.

import { toast } from "../base/faces.js";
import * as memory from "./memory.js";

const EVERY_MS = 60_000;
const STALE_MS = 30_000;
const LONGEST_MS = 2 ** 31 - 1;

export const here = document.getElementById("here");

/** The hub's time, as well as it is known: this device's clock may be hours off. */
export const now = () => Date.now() + (memory.skew() ?? Number(here.dataset.skew));

let timer;

/** Take away what has expired, show what comes in its place; then again at the next expiry. */
export function settle() {
  let next = Infinity;
  for (const part of document.querySelectorAll("[data-expires]")) {
    const ends = Number(part.dataset.expires);
    if (ends <= now()) part.remove();
    else next = Math.min(next, ends);
  }
  for (const part of document.querySelectorAll("[data-after][hidden]")) {
    const starts = Number(part.dataset.after);
    if (starts <= now()) part.hidden = false;
    else next = Math.min(next, starts);
  }
  for (const list of document.querySelectorAll("[data-notices]")) {
    const empty = !list.querySelector("[data-expires]");
    list.querySelector(".coming")?.toggleAttribute("hidden", empty);
    const instead = list.parentElement.querySelector("[data-empty]");
    if (instead) instead.hidden = !empty;
  }
  // "Today" on a page of yesterday is another day.
  if (new Date(now()).toDateString() !== new Date(Number(here.dataset.now)).toDateString()) {
    for (const time of document.querySelectorAll("time[data-full]")) {
      time.textContent = time.dataset.full;
    }
  }
  clearTimeout(timer);
  if (next < Infinity) timer = setTimeout(settle, Math.min(next - now() + 50, LONGEST_MS));
}

/** Learn from an answer how far this device's clock is off (RFC 9110 section 6.6.1, Date). */
export function learn(answer) {
  const said = Date.parse(answer.headers.get("date") || "");
  if (!said) return;
  const off = said - Date.now();
  memory.keepSkew((Math.abs(off) > 5000 ? off : 0) + Number(here.dataset.skew));
}

let tag;

// The feed is bytes in the server's memory: asking for it costs nobody anything. A station without
// a website has no feed; then the page itself is asked.
async function changed() {
  for (const address of [here.dataset.feed, location.href]) {
    if (!address) continue;
    const answer = await fetch(address, { cache: "no-cache" });
    if (answer.status === 404 && address === here.dataset.feed) {
      here.dataset.feed = "";
      continue;
    }
    if (!answer.ok && answer.status !== 404) throw new Error(answer.status);
    learn(answer);
    const seen = answer.headers.get("etag");
    const news = seen !== tag;
    tag = seen;
    return news;
  }
  return false;
}

async function replace() {
  const answer = await fetch(location.href, { cache: "no-cache" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  here.dataset.now = page.getElementById("here").dataset.now;
  const said = (part) =>
    [...part.querySelectorAll("[data-publication]")]
      .map((one) => `${one.dataset.publication}.${one.dataset.revision}`).join() || part.textContent;
  let news = false;
  for (const old of document.querySelectorAll("[data-live][id]")) {
    const fresh = page.getElementById(old.id);
    if (!fresh || fresh.innerHTML === old.innerHTML) continue;
    news ||= said(fresh) !== said(old);
    const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    old.replaceWith(fresh);
    if (focused) fresh.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
  if (news) toast(document.getElementById("updated").content.textContent);
}

let looking = false;

/** Look for news; without a network the page says that it is a copy. */
export async function look() {
  if (looking) return;
  looking = true;
  try {
    if (await changed()) await replace();
    document.getElementById("copy")?.setAttribute("hidden", "");
  } catch {
    document.getElementById("copy")?.removeAttribute("hidden");
  } finally {
    looking = false;
    settle();
  }
}

/** Look when it may matter: a copy at once, then each minute while somebody reads. */
function watch() {
  const age = () => now() - Number(here.dataset.now);
  if (age() > STALE_MS) look();
  setInterval(() => document.visibilityState === "visible" && look(), EVERY_MS);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      settle();
      look();
    }
  });
  window.addEventListener("focus", () => age() > STALE_MS && look());
  window.addEventListener("online", look);
  window.addEventListener("offline", () => document.getElementById("copy")?.removeAttribute("hidden"));
  navigator.serviceWorker?.addEventListener("message", ({ data }) => data?.type === "told" && look());
}

// After the page is there, so that a slow network carries the page first.
async function keepForLater() {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register(here.dataset.worker, { scope: "/" });
  const { active } = await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller) active.postMessage({ type: "keep", url: location.href });
}

settle();
if (document.querySelector("[data-live]")) watch();
if (document.readyState === "complete") keepForLater().catch(() => {});
else window.addEventListener("load", () => keepForLater().catch(() => {}));
