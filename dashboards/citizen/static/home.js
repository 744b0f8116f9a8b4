// The stations that this device follows, with what they say now, ahead of all the others.

import { learn, settle } from "./live.js";
import * as memory from "./memory.js";

const EVERY_MS = 60_000;
const section = document.getElementById("followed");

async function show() {
  const wanted = memory.codes();
  section.hidden = wanted.length === 0;
  if (!wanted.length) return;
  const now = document.getElementById("followed-now");
  try {
    const query = new URLSearchParams(wanted.map((code) => ["s", code]));
    const answer = await fetch(`/suivies?${query}`, { cache: "no-cache" });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("followed-now");
    const copy = answer.headers.has("x-tambour-copy");
    document.getElementById("copy").hidden = !copy;
    if (!copy) {
      learn(answer);
      // A station that is no more is not asked for again.
      const known = fresh.dataset.codes.trim().split(" ").map(decodeURIComponent);
      for (const code of wanted) if (!known.includes(code)) memory.unfollow(code);
    }
    fresh.removeAttribute("data-live"); // this page asks by itself
    if (fresh.innerHTML !== now.innerHTML) now.replaceWith(fresh);
  } catch {
    if (now.hasAttribute("aria-busy")) {
      now.replaceChildren(document.getElementById("followed-failed").content.cloneNode(true));
    }
  }
  settle();
}

show();
setInterval(() => document.visibilityState === "visible" && show(), EVERY_MS);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && show());
window.addEventListener("online", show);
window.addEventListener("pageshow", (event) => event.persisted && show());
navigator.serviceWorker?.addEventListener("message", ({ data }) => data?.type === "told" && show());
