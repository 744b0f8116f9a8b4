/* Following stations from a page: `state`, `subscribe`, `change`, `unsubscribe`.
 *
 * What fails is a PushTrouble whose `code` says the case; `says(code, language)` is its sentence.
 * The token that stands for this device lives in the service worker's memory, which needs it when
 * the browser renews the subscription while no page is open.
 */

const settings = { api: "/api/v1", worker: "/sw.js", scope: "/", patience: 20000 };

/** Change where the API and the service worker are. */
export const configure = (more) => Object.assign(settings, more);

const SAYS = {
  fr: {
    unsupported: "Ce navigateur ne reçoit pas de notifications. Les annonces restent lisibles ici.",
    insecure: "Les notifications demandent une adresse en https. Les annonces restent lisibles ici.",
    install:
      "Sur iPhone et iPad, ajoutez d'abord cette page à l'écran d'accueil (Partager, puis « Sur l'écran d'accueil »), ouvrez-la de là, puis abonnez-vous.",
    denied:
      "Les notifications de ce site sont bloquées. Autorisez-les dans les réglages du navigateur, puis réessayez.",
    dismissed: "Vous n'avez pas répondu à la demande du navigateur. Rien n'a changé.",
    service:
      "Le service de notifications de votre navigateur ne répond pas. Rien n'a changé ; réessayez plus tard.",
    network: "Le serveur des annonces ne répond pas. Rien n'a changé ; réessayez plus tard.",
    busy: "Trop de demandes en peu de temps. Rien n'a changé ; réessayez dans une minute.",
    refused: "L'abonnement n'a pas été accepté.",
  },
  en: {
    unsupported: "This browser does not receive notifications. The notices can still be read here.",
    insecure: "Notifications need an https address. The notices can still be read here.",
    install:
      "On iPhone and iPad, first add this page to the Home Screen (Share, then “Add to Home Screen”), open it from there, then subscribe.",
    denied: "Notifications of this site are blocked. Allow them in the browser's settings, then try again.",
    dismissed: "You did not answer the browser's question. Nothing has changed.",
    service: "Your browser's notification service does not answer. Nothing has changed; try again later.",
    network: "The notice server does not answer. Nothing has changed; try again later.",
    busy: "Too many requests in a short time. Nothing has changed; try again in a minute.",
    refused: "The subscription was not accepted.",
  },
  es: {
    unsupported: "Este navegador no recibe notificaciones. Los avisos se pueden leer aquí.",
    insecure: "Las notificaciones requieren una dirección https. Los avisos se pueden leer aquí.",
    install:
      "En iPhone y iPad, añada primero esta página a la pantalla de inicio (Compartir, «Añadir a pantalla de inicio»), ábrala desde allí y suscríbase.",
    denied:
      "Las notificaciones de este sitio están bloqueadas. Permítalas en los ajustes del navegador e inténtelo de nuevo.",
    dismissed: "No respondió a la pregunta del navegador. Nada ha cambiado.",
    service:
      "El servicio de notificaciones de su navegador no responde. Nada ha cambiado; inténtelo más tarde.",
    network: "El servidor de avisos no responde. Nada ha cambiado; inténtelo más tarde.",
    busy: "Demasiadas solicitudes en poco tiempo. Nada ha cambiado; inténtelo en un minuto.",
    refused: "La suscripción no fue aceptada.",
  },
};

/** The sentence of a case, in the page's language unless another is given. */
export function says(code, language = document.documentElement.lang) {
  const said = SAYS[String(language || "fr").slice(0, 2)] || SAYS.fr;
  return said[code] || said.refused;
}

export class PushTrouble extends Error {
  /** `errors`: [{field, reason}] when the hub refused. */
  constructor(code, { errors = [], cause } = {}) {
    super(says(code), { cause });
    this.name = "PushTrouble";
    this.code = code;
    this.errors = errors;
  }
}

const onApple = () =>
  /iPad|iPhone|iPod/.test(navigator.userAgent) ||
  (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);

/** Why this browser cannot be told, or "". */
export function obstacle() {
  if (onApple() && !navigator.standalone && !("PushManager" in window)) return "install";
  if (!window.isSecureContext) return "insecure";
  const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  return able ? "" : "unsupported";
}

/**
 * Where this device stands: {code, ...what it follows}. Codes: "on", "waiting" (for its confirmation),
 * "off", or an obstacle ("unsupported", "insecure", "install", "denied").
 */
export async function state() {
  const stopped = obstacle();
  if (stopped) return { code: stopped };
  if (Notification.permission === "denied") return { code: "denied" };
  const registration = await navigator.serviceWorker.getRegistration(settings.scope);
  const subscription = await registration?.pushManager.getSubscription();
  if (!subscription) return { code: "off" };
  const kept = await ask("recall");
  if (!kept) return { code: "off" };
  const answer = await call("GET", "/subscriptions/me", undefined, kept.token);
  if (answer.status === 401) return { code: "off" };
  const seen = await read(answer);
  return { ...seen, code: seen.state === "new" ? "waiting" : "on" };
}

/**
 * Follow stations: {stations, categories, language, minSeverity, cells}. Call it from a click: browsers ask
 * for the permission only then. Gives the state.
 */
export async function subscribe(wanted) {
  const stopped = obstacle();
  if (stopped) throw new PushTrouble(stopped);
  const permission = await Notification.requestPermission();
  if (permission === "denied") throw new PushTrouble("denied");
  if (permission !== "granted") throw new PushTrouble("dismissed");
  const wishes = asWishes(wanted);
  const registration = await register();
  const { key } = await read(await call("GET", "/push/key"));
  const kept = await ask("recall");
  let subscription = await subscribeUnder(registration, key);
  let answer = kept?.token
    ? await call("PATCH", "/subscriptions/me", { ...device(subscription, key), ...wishes }, kept.token)
    : undefined;
  if (!answer || answer.status === 401) {
    answer = await call("POST", "/subscriptions", { ...device(subscription, key), ...wishes });
  }
  if (answer.status === 409) {
    // Registered with keys we no longer have: a new subscription has a new endpoint.
    await subscription.unsubscribe();
    subscription = await subscribeUnder(registration, key);
    answer = await call("POST", "/subscriptions", { ...device(subscription, key), ...wishes });
  }
  const seen = await read(answer);
  const token = seen.token || kept?.token;
  await ask("remember", { api: new URL(settings.api, location.href).href, token, key, wishes });
  return { ...seen, token: undefined, code: seen.state === "new" ? "waiting" : "on" };
}

/** Change some of the wishes; the rest stays. */
export async function change(wanted) {
  const kept = await ask("recall");
  if (!kept) return subscribe(wanted);
  const wishes = asWishes(wanted);
  const seen = await read(await call("PATCH", "/subscriptions/me", wishes, kept.token));
  await ask("remember", { ...kept, wishes: { ...kept.wishes, ...wishes } });
  return { ...seen, code: seen.state === "new" ? "waiting" : "on" };
}

/** Leave: the hub forgets this device, then the browser does. */
export async function unsubscribe() {
  if (obstacle()) return { code: "off" };
  const registration = await navigator.serviceWorker.getRegistration(settings.scope);
  const kept = registration ? await ask("recall") : undefined;
  if (kept?.token) {
    const answer = await call("DELETE", "/subscriptions/me", undefined, kept.token);
    if (answer.status !== 401 && !answer.ok) await read(answer);
  }
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe();
  if (kept) await ask("forget");
  return { code: "off" };
}

function asWishes({ stations, categories, language, minSeverity, cells } = {}) {
  const wishes = { stations, categories, language, min_severity: minSeverity, cells };
  return Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));
}

const device = (subscription, key) => {
  const { endpoint, keys } = subscription.toJSON();
  return { endpoint, keys, key };
};

const bytes = (base64url) =>
  Uint8Array.from(atob(base64url.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

async function register() {
  try {
    await navigator.serviceWorker.register(settings.worker, { scope: settings.scope });
    return await navigator.serviceWorker.ready;
  } catch (cause) {
    throw new PushTrouble("network", { cause });
  }
}

/* The browser's subscription under the hub's present key; one under an old key is renewed. */
async function subscribeUnder(registration, key) {
  const wanted = bytes(key);
  const present = await registration.pushManager.getSubscription();
  const under = present && new Uint8Array(present.options.applicationServerKey || []);
  if (present && under.length === wanted.length && under.every((b, n) => b === wanted[n])) {
    return present;
  }
  await present?.unsubscribe();
  const asked = registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: wanted,
  });
  // Where its push service cannot be reached a browser may wait for ever.
  const late = new Promise((_, reject) => setTimeout(reject, settings.patience, "late"));
  try {
    return await Promise.race([asked, late]);
  } catch (cause) {
    throw new PushTrouble(cause?.name === "NotAllowedError" ? "denied" : "service", { cause });
  }
}

async function call(method, path, body, token) {
  try {
    return await fetch(settings.api + path, {
      method,
      cache: "no-store",
      headers: {
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
      },
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch (cause) {
    throw new PushTrouble("network", { cause });
  }
}

async function read(answer) {
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 429) throw new PushTrouble("busy");
  throw new PushTrouble(answer.status >= 500 ? "network" : "refused", { errors: problem.errors });
}

/* Ask the service worker's memory; without a worker there is none. */
async function ask(type, subscription) {
  if (!(await navigator.serviceWorker.getRegistration(settings.scope))) return undefined;
  const registration = await navigator.serviceWorker.ready;
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.value));
    registration.active.postMessage({ type, subscription }, [port2]);
  });
}
