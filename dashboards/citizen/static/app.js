// Following, being told, and reading without a network. Every page is whole without this file.

import { toast } from "../base/faces.js";
import * as push from "./push.js";

const FOLLOWED = "tambour.followed";
const WORKER = "/sw.js?offline=/static/citizen/citizen-cache.js";
push.configure({ worker: WORKER });

// --- the service worker, for reading without a network ---
if ("serviceWorker" in navigator && window.isSecureContext) {
  navigator.serviceWorker.register(WORKER, { scope: "/" }).catch(() => {});
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data?.type === "told") refresh();
  });
}
const offline = document.getElementById("offline");
const network = () => { offline.hidden = navigator.onLine; };
window.addEventListener("online", () => { network(); refresh(); });
window.addEventListener("offline", network);
network();

// --- the stations followed on this device: [{code, name}] ---
const followed = () => {
  try {
    return JSON.parse(localStorage.getItem(FOLLOWED)) || [];
  } catch {
    return [];
  }
};
const keep = (stations) => {
  try {
    localStorage.setItem(FOLLOWED, JSON.stringify(stations));
  } catch {
    // a private window keeps nothing; following lasts as long as the page
  }
};

// --- what is over is not shown as current, even on a page kept for days ---
function markOver() {
  const list = document.getElementById("notices");
  for (const notice of document.querySelectorAll("li[data-expires]")) {
    if (new Date(notice.dataset.expires) <= new Date() && !notice.dataset.over) {
      notice.dataset.over = "yes";
      notice.classList.add("quiet");
      const said = document.createElement("p");
      said.textContent = list?.dataset.over || "";
      notice.prepend(said);
    }
  }
}

// --- the open page stays up to date: the feed says cheaply whether anything changed ---
let seen = "";
async function refresh() {
  const list = document.getElementById("notices");
  if (!list || !navigator.onLine) return markOver();
  try {
    if (list.dataset.feed) {
      const feed = await fetch(list.dataset.feed, { cache: "no-cache" });
      const tag = feed.headers.get("etag") || "";
      if (feed.ok && tag && tag === seen) return markOver();
      seen = tag;
    }
    const answer = await fetch(list.dataset.refresh, { cache: "no-cache" });
    if (answer.ok) list.innerHTML = await answer.text();
  } catch {
    // without a network the page stays as it is
  }
  markOver();
}
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
setInterval(() => document.visibilityState === "visible" && refresh(), 60_000);
markOver();

// --- the first page: what my stations say ---
const mine = document.getElementById("followed");
if (mine) {
  const list = mine.querySelector("[data-list]");
  const stations = followed();
  mine.hidden = !stations.length;
  for (const { code, name } of stations) {
    const part = document.createElement("section");
    const title = document.createElement("h3");
    const link = document.createElement("a");
    link.href = `/s/${encodeURIComponent(code)}/`;
    link.textContent = name;
    title.append(link);
    const body = document.createElement("div");
    part.append(title, body);
    list.append(part);
    fetch(`${link.href}notices`)
      .then(async (answer) => { if (answer.ok) body.innerHTML = await answer.text(); })
      .catch(() => {})
      .finally(markOver);
  }
}

// --- a station's page: follow it ---
const follow = document.getElementById("follow");
if (follow) {
  follow.hidden = false;
  const button = follow.querySelector("[data-follow]");
  const { code, name } = follow.dataset;
  const isFollowed = () => followed().some((s) => s.code === code);
  const show = () => {
    button.setAttribute("aria-pressed", String(isFollowed()));
    button.textContent = isFollowed() ? button.dataset.on : button.dataset.off;
  };
  button.addEventListener("click", async () => {
    const others = followed().filter((s) => s.code !== code);
    keep(isFollowed() ? others : [...others, { code, name }]);
    show();
    const now = await push.state().catch(() => ({ code: "off" }));
    if (now.code === "on" || now.code === "waiting") {
      await push.change({ stations: followed().map((s) => s.code) }).catch((e) => toast(e.message));
    }
  });
  show();
}

// --- a station's page: be told ---
const tell = document.getElementById("tell");
if (tell) {
  tell.hidden = false;
  const form = document.getElementById("wishes");
  const says = document.getElementById("tell-says");
  const subscribe = document.getElementById("subscribe");
  const save = document.getElementById("save-wishes");
  const leave = document.getElementById("unsubscribe");
  const wishes = () => {
    const { code, name } = follow.dataset;
    if (!followed().some((s) => s.code === code)) {
      keep([...followed(), { code, name }]);
      const button = follow.querySelector("[data-follow]");
      button.setAttribute("aria-pressed", "true");
      button.textContent = button.dataset.on;
    }
    const given = new FormData(form);
    return {
      stations: followed().map((s) => s.code),
      categories: given.getAll("category"),
      language: given.get("language"),
    };
  };
  const show = (now) => {
    const on = now.code === "on" || now.code === "waiting";
    const stopped = !on && now.code !== "off";
    subscribe.hidden = on || stopped;
    save.hidden = leave.hidden = !on;
    says.textContent = stopped ? push.says(now.code) : says.dataset[now.code] || "";
    for (const box of form.querySelectorAll("[name=category]")) {
      if (now.categories) box.checked = now.categories.includes(box.value);
    }
    if (now.language) form.elements.language.value = now.language;
    form.dataset.state = now.code;
  };
  const attempt = async (work, done) => {
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    try {
      show(await work());
      if (done) says.textContent = done;
    } catch (trouble) {
      says.textContent = trouble.message;
    }
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => push.subscribe(wishes()));
  });
  save.addEventListener("click", () => attempt(() => push.change(wishes()), says.dataset.saved));
  leave.addEventListener("click", () => attempt(() => push.unsubscribe(), says.dataset.left));
  push.state().then(show, () => show({ code: "off" }));
}
