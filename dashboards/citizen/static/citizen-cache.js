/* The offline shell, loaded by sw.js: what was read last can be read again without a network.
 *
 * Pages and lists: from the network, else as kept. Files with a hash in their address: as kept, else
 * from the network. Nothing of the API or the office is ever kept. */
"use strict";

const PAGES = "tambour-pages-1";
const FILES = "tambour-files-1";
const MOST_PAGES = 60;
const PATIENCE = 4000; // a bad network is worse than none: after this the kept page is shown

const isPage = (path) => path === "/" || path === "/privacy" || /^\/(s|p)\/[^/]+\/?(notices)?$/.test(path);
const isFile = (path) => /^\/static\/(vendor\/)?[0-9a-f]{12}\//.test(path);

self.addEventListener("install", (event) =>
  event.waitUntil(caches.open(PAGES).then((cache) => cache.add("/offline"))),
);

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (isFile(url.pathname)) event.respondWith(file(event.request));
  else if (isPage(url.pathname)) event.respondWith(page(event.request));
});

async function file(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await (await caches.open(FILES)).put(request, answer.clone());
  return answer;
}

async function page(request) {
  const cache = await caches.open(PAGES);
  const key = new URL(request.url).pathname;
  const fresh = fetch(request).then(async (answer) => {
    if (answer.ok && !answer.redirected) {
      await cache.put(key, answer.clone());
      await prune(cache);
    }
    return answer;
  });
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  try {
    const answer = await Promise.race([fresh, late]);
    if (answer) return answer;
  } catch {
    return (await cache.match(key)) || (await cache.match("/offline")) || Response.error();
  }
  return (await cache.match(key)) || fresh;
}

/* Keys are in the order they were put: the oldest go first; the files of older releases too. */
async function prune(cache) {
  const keys = (await cache.keys()).filter((k) => new URL(k.url).pathname !== "/offline");
  for (const key of keys.slice(0, Math.max(0, keys.length - MOST_PAGES))) await cache.delete(key);
  const files = await caches.open(FILES);
  const stored = await files.keys();
  for (const key of stored.slice(0, Math.max(0, stored.length - 40))) await files.delete(key);
}
