/* Reading without a network, loaded into the service worker (sw.js?offline=…).
 *
 * Files of a release are kept under its name and served from there. Pages are asked of the network
 * first; after PATIENCE_MS, or without a network, the last copy is shown, and the page itself takes
 * away what has expired meanwhile (live.js). Only citizens' pages are kept, never the office's.
 */
"use strict";

const HERE = new URL(self.location.href).searchParams.get("offline");
const FILES = `tambour-files-${HERE.split("/")[2]}`;
const PAGES = "tambour-pages-1";
const MOST_PAGES = 40;
const PATIENCE_MS = 5000;
const WITHOUT = "/hors-ligne";
const KEPT = /^\/(?:$|s\/[^/]+\/$|p\/[^/]+$|agenda(?:\/[^/.]+)?$|suivies$|abonnement$|vie-privee$)/;
const LASTING = /^\/static\/(?:vendor\/)?[0-9a-f]{12}\//;

const isPage = (url) =>
  KEPT.test(url.pathname) && (url.search === "" || url.pathname === "/suivies");

/* The shell: the page shown without a network, the first page, and every file they name. */
async function prepare() {
  const pages = await caches.open(PAGES);
  const files = await caches.open(FILES);
  const named = new Set();
  for (const address of [WITHOUT, "/", "/abonnement"]) {
    const answer = await fetch(address, { cache: "no-cache" });
    if (!answer.ok) continue;
    for (const [name] of (await answer.clone().text()).matchAll(/\/static\/[\w./-]+/g)) {
      if (LASTING.test(name)) named.add(name);
    }
    await pages.put(address, answer);
  }
  await Promise.allSettled([...named].map((name) => files.add(name)));
}

async function keepPage(address, answer) {
  if (!answer.ok || answer.redirected) return;
  const pages = await caches.open(PAGES);
  await pages.delete(address, { ignoreVary: true }); // the order of keys is the order of reading
  await pages.put(address, answer);
  const kept = (await pages.keys()).filter(({ url }) => !url.endsWith(WITHOUT));
  for (const old of kept.slice(0, -MOST_PAGES)) await pages.delete(old, { ignoreVary: true });
}

const copyOf = async (address) => {
  const copy = await (await caches.open(PAGES)).match(address, { ignoreVary: true });
  if (!copy) return undefined;
  const headers = new Headers(copy.headers);
  headers.set("x-tambour-copy", "yes");
  return new Response(copy.body, { status: copy.status, headers });
};

async function page(event, url) {
  const { request } = event;
  const fresh = fetch(request).then((answer) => {
    if (isPage(url)) event.waitUntil(keepPage(url.href, answer.clone()).catch(() => {}));
    return answer;
  });
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, "late"));
  try {
    const first = await Promise.race([fresh, late]);
    if (first !== "late") return first;
    const copy = await copyOf(url.href);
    if (copy) fresh.catch(() => {});
    return copy || (await fresh);
  } catch (error) {
    const copy = await copyOf(url.href);
    if (copy) return copy;
    if (request.mode !== "navigate") throw error;
    return (await copyOf(WITHOUT)) || Response.error();
  }
}

/* A page asks by itself for what is new: it must know when there is no network. */
async function news(event, url) {
  const answer = await fetch(event.request);
  event.waitUntil(keepPage(url.href, answer.clone()).catch(() => {}));
  return answer;
}

async function file(event, url) {
  const files = await caches.open(FILES);
  const kept = await files.match(url.href, { ignoreVary: true });
  if (kept) return kept;
  try {
    const answer = await fetch(event.request);
    if (answer.ok) event.waitUntil(files.put(url.href, answer.clone()).catch(() => {}));
    return answer;
  } catch (error) {
    // A copy of a page may name the files of an older release.
    const name = url.pathname.replace(LASTING, "/");
    const same = (await files.keys()).find((one) => new URL(one.url).pathname.replace(LASTING, "/") === name);
    if (same) return files.match(same, { ignoreVary: true });
    throw error;
  }
}

self.addEventListener("install", (event) => event.waitUntil(prepare().catch(() => {})));

self.addEventListener("activate", (event) =>
  event.waitUntil(
    caches.keys().then((names) =>
      Promise.all(
        names
          .filter((name) => name.startsWith("tambour-") && name !== FILES && name !== PAGES)
          .map((name) => caches.delete(name)),
      ),
    ),
  ),
);

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (LASTING.test(url.pathname)) event.respondWith(file(event, url));
  else if (request.mode === "navigate" ? KEPT.test(url.pathname) : url.pathname === "/suivies") {
    event.respondWith(page(event, url));
  } else if (isPage(url)) event.respondWith(news(event, url));
});

/* The page that registered this worker was loaded before it could be kept. */
self.addEventListener("message", (event) => {
  const { type, url } = event.data || {};
  if (type !== "keep" || !isPage(new URL(url))) return;
  event.waitUntil(fetch(url).then((answer) => keepPage(url, answer)).catch(() => {}));
});
