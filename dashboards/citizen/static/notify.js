// Where notifications stand on this device, said by the parts marked `data-when="off on …"`.

import { here } from "./live.js";
import * as push from "./push.js";

push.configure({ worker: here.dataset.worker });

const CODES = ["off", "on", "waiting"];

/** Show the parts of `root` that go with a state of push.js; an obstacle is said in words. */
export function paint(root, { code }) {
  const state = CODES.includes(code) ? code : "blocked";
  root.dataset.state = state;
  for (const part of root.querySelectorAll("[data-when]")) {
    part.hidden = !part.dataset.when.split(" ").includes(state);
  }
  const says = root.querySelector("#notify-blocked");
  if (says) says.textContent = state === "blocked" ? push.says(code) : "";
}

/** The state, and again when the service worker has confirmed it. A server that does not answer
 * does not undo what the browser holds. */
export async function standing() {
  try {
    return await push.state();
  } catch {
    return { code: "on", unknown: true };
  }
}

/** The sentence for what went wrong. */
export const trouble = (error) => push.says(error?.code || "network");

/** Do something for a button: once at a time, and say what went wrong in `status`. */
export async function during(button, status, work) {
  if (button?.getAttribute("aria-disabled") === "true") return undefined;
  button?.setAttribute("aria-disabled", "true");
  try {
    return await work();
  } catch (error) {
    status.textContent = trouble(error);
    return undefined;
  } finally {
    button?.removeAttribute("aria-disabled");
  }
}

/** Tell the hub what this device now follows; leaving the last station ends the subscription. */
export async function tell(stations) {
  return stations.length ? push.change({ stations }) : push.unsubscribe();
}

export { push };
