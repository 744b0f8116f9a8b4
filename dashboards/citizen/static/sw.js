/* The citizen app's service worker: it shows what is pushed, and keeps the subscription alive.
 *
 * Browsers demand that every push shows something, so a withdrawal is a visible replacement under
 * the same tag. The order in which pushes arrive is not the order in which they were sent: the last
 * revision seen of each publication is kept, only a higher one makes a sound, and a lower one is
 * answered by showing the higher one again. What has expired on the way is never shown as current.
 * The payload is described in docs/push.md.
 */
"use strict";

const DATABASE = "tambour";
const KEEP_DAYS = 60;
const TOKEN_TRIES = 20;
const ICON = "/static/citizen/icon-192.png";
const BADGE = "/static/citizen/badge-96.png";

const WORDS = {
  fr: {
    past: "Annonce passée",
    pastBody: "Cette annonce n'est plus en vigueur.",
    unreadable: "Nouvelle annonce",
    unreadableBody: "Ouvrez la page pour la lire.",
    confirmed: "Abonnement confirmé",
    confirmedBody: "Cet appareil recevra les annonces.",
    unconfirmed: "Abonnement à confirmer",
    unconfirmedBody: "La confirmation n'a pas abouti. Ouvrez la page et abonnez-vous de nouveau.",
  },
  en: {
    past: "Past notice",
    pastBody: "This notice is no longer in force.",
    unreadable: "New notice",
    unreadableBody: "Open the page to read it.",
    confirmed: "Subscription confirmed",
    confirmedBody: "This device will receive the notices.",
    unconfirmed: "Subscription to confirm",
    unconfirmedBody: "The confirmation did not go through. Open the page and subscribe again.",
  },
  es: {
    past: "Aviso pasado",
    pastBody: "Este aviso ya no está en vigor.",
    unreadable: "Nuevo aviso",
    unreadableBody: "Abra la página para leerlo.",
    confirmed: "Suscripción confirmada",
    confirmedBody: "Este dispositivo recibirá los avisos.",
    unconfirmed: "Suscripción por confirmar",
    unconfirmedBody: "La confirmación no se completó. Abra la página y suscríbase de nuevo.",
  },
};

const words = (lang) => WORDS[String(lang || "fr").slice(0, 2)] || WORDS.fr;

/* Hook for the offline shell: registered as /sw.js?offline=/static/…, that script is loaded here. */
const offline = new URL(self.location.href).searchParams.get("offline");
if (offline && /^\/static\/[\w./-]+\.js$/.test(offline)) importScripts(offline);

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/* Memory: "seen" by publication, "kept" by name (the subscription's token, key and wishes). */

let opened = null;

function open() {
  opened ||= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("seen", { keyPath: "publication" });
      request.result.createObjectStore("kept");
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => {
        request.result.close();
        opened = null;
      };
      resolve(request.result);
    };
    request.onerror = () => {
      opened = null;
      reject(request.error);
    };
  });
  return opened;
}

/* One transaction; `work(store, answer)` asks, and gives what it found to `answer`. */
async function transact(name, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    let found;
    const transaction = database.transaction(name, mode);
    transaction.oncomplete = () => resolve(found);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
    work(transaction.objectStore(name), (value) => (found = value));
  });
}

const keep = (name, value) => transact("kept", "readwrite", (store) => store.put(value, name));
const forget = (name) => transact("kept", "readwrite", (store) => store.delete(name));
const recall = (name) =>
  transact("kept", "readonly", (store, answer) => {
    const request = store.get(name);
    request.onsuccess = () => answer(request.result);
  });

/* A withdrawal ranks above the revision it goes with. */
const rank = (message) => 2 * message.revision + (message.intent === "withdraw" ? 1 : 0);

/* {fresh, current}: whether this is news, and what is current now. Read and written in one
 * transaction: two pushes of one publication may arrive together. */
async function claim(message) {
  try {
    return await transact("seen", "readwrite", (store, answer) => {
      const request = store.get(message.publication);
      request.onsuccess = () => {
        const seen = request.result;
        if (seen && seen.rank >= rank(message)) {
          answer({ fresh: false, current: seen.message });
          return;
        }
        store.put({
          publication: message.publication,
          rank: rank(message),
          message,
          at: Date.now(),
        });
        answer({ fresh: true, current: message });
      };
    });
  } catch {
    return { fresh: true, current: message }; // without a memory, better twice than never
  }
}

function prune() {
  const before = Date.now() - KEEP_DAYS * 86400e3;
  return transact("seen", "readwrite", (store) => {
    store.openCursor().onsuccess = (event) => {
      const cursor = event.target.result;
      if (!cursor) return;
      if (cursor.value.at < before) cursor.delete();
      cursor.continue();
    };
  }).catch(() => {});
}

/* Showing. */

const isPast = (message) => message.expires > 0 && message.expires * 1000 <= Date.now();

function show(message, fresh) {
  const past = isPast(message);
  const said = words(message.lang);
  const silent = past || !fresh || Boolean(message.quiet);
  const grave = message.severity === "Severe" || message.severity === "Extreme";
  return self.registration.showNotification(past ? said.past : message.title, {
    body: past ? [message.station, said.pastBody].filter(Boolean).join("\n") : message.body,
    tag: message.tag,
    lang: message.lang,
    icon: ICON,
    badge: BADGE,
    silent,
    renotify: !silent,
    requireInteraction: grave && !past && message.intent !== "withdraw",
    timestamp: message.sent * 1000,
    data: {
      url: message.url,
      publication: message.publication,
      revision: message.revision,
      intent: message.intent,
      expires: past ? 0 : message.expires,
      fresh,
    },
  });
}

/* No timer outlives a service worker: what expired meanwhile is put away at the next push. */
async function putAwayPast() {
  for (const notification of await self.registration.getNotifications()) {
    if (isPast(notification.data || {})) notification.close();
  }
}

async function received(data) {
  let message;
  try {
    message = data.json();
  } catch {
    message = {};
  }
  if (typeof message.confirm === "string") return confirmed(message);
  if (!message.publication || !message.title) {
    const said = words(message.lang || self.navigator.language);
    return self.registration.showNotification(said.unreadable, {
      body: said.unreadableBody,
      tag: "tambour-unreadable",
      icon: ICON,
      data: { url: self.registration.scope },
    });
  }
  const { fresh, current } = await claim(message);
  await show(current, fresh);
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages) page.postMessage({ type: "told", publication: message.publication });
  await Promise.allSettled([putAwayPast(), prune()]);
}

self.addEventListener("push", (event) => event.waitUntil(received(event.data)));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(visit((event.notification.data || {}).url || self.registration.scope));
});

async function visit(address) {
  const url = new URL(address, self.registration.scope);
  if (url.protocol !== "https:" && url.protocol !== "http:") return;
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = pages.find((page) => page.url === url.href);
  if (there) {
    await there.focus();
    return;
  }
  await self.clients.openWindow(url.href);
}

/* The subscription. `kept.subscription` is {api, token, key, wishes}, set by push.js. */

function call(kept, method, path, body) {
  return fetch(kept.api + path, {
    method,
    headers: {
      "Content-Type": "application/json",
      ...(kept.token ? { Authorization: `Bearer ${kept.token}` } : {}),
    },
    body: JSON.stringify(body),
  });
}

/* The confirmation may overtake the answer that holds the token: wait for it a little. */
async function confirmed(message) {
  let kept;
  for (let n = 0; n < TOKEN_TRIES && !kept?.token; n += 1) {
    if (n) await new Promise((resolve) => setTimeout(resolve, 250));
    kept = await recall("subscription").catch(() => undefined);
  }
  let good = false;
  if (kept?.token) {
    good = await call(kept, "PATCH", "/subscriptions/me", { confirm: message.confirm })
      .then((answer) => answer.ok)
      .catch(() => false);
  }
  const said = words(message.lang);
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages) page.postMessage({ type: "confirmed", good });
  await self.registration.showNotification(good ? said.confirmed : said.unconfirmed, {
    body: good ? said.confirmedBody : said.unconfirmedBody,
    tag: "tambour-confirm",
    icon: ICON,
    silent: true,
    data: { url: self.registration.scope },
  });
}

const bytes = (base64url) =>
  Uint8Array.from(atob(base64url.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

/* The browser replaced the subscription: the hub keeps row, token and wishes. */
async function renew(event) {
  const kept = await recall("subscription");
  if (!kept) return;
  const subscription =
    event.newSubscription ||
    (await self.registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: bytes(kept.key),
    }));
  const device = { ...subscription.toJSON(), key: kept.key };
  let answer = await call(kept, "PATCH", "/subscriptions/me", device);
  if (answer.status === 401) {
    delete kept.token;
    answer = await call(kept, "POST", "/subscriptions", { ...device, ...kept.wishes });
  }
  if (!answer.ok) throw new Error(`renewal answered ${answer.status}`);
  const { token } = await answer.json();
  if (token) await keep("subscription", { ...kept, token });
}

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

/* What the page asks for, answered on the port it sent along. */
self.addEventListener("message", (event) => {
  const port = event.ports[0];
  const { type, subscription } = event.data || {};
  const work = {
    remember: () => keep("subscription", subscription),
    recall: () => recall("subscription"),
    forget: () => forget("subscription"),
  }[type];
  if (!port || !work) return;
  event.waitUntil(
    work().then(
      (value) => port.postMessage({ value }),
      (error) => port.postMessage({ error: String(error) }),
    ),
  );
});
