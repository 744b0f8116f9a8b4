// What this device follows, and one tap to stop each of it or everything.

import * as memory from "./memory.js";
import { during, paint, push, standing, tell } from "./notify.js";

const device = document.getElementById("device");
const says = document.getElementById("says");
const words = document.getElementById("device-words").dataset;
const list = document.getElementById("list");

let stands = { code: "off" };

const told = () => stands.code === "on" || stands.code === "waiting";

/* What the device keeps, and what the hub would tell it of beside. */
function followed() {
  const kept = memory.stations();
  const more = (stations) => stations.filter((code) => !kept.some((one) => one.code === code));
  return [...kept, ...more(stands.stations || []).map((code) => ({ code, name: code }))];
}

function show() {
  const all = followed();
  list.replaceChildren(
    ...all.map((one) => {
      const row = document.getElementById("row").content.firstElementChild.cloneNode(true);
      const link = row.querySelector("a");
      link.href = `/s/${encodeURIComponent(one.code)}/`;
      link.textContent = one.name || one.code;
      const stop = row.querySelector("button");
      stop.id = `stop-${one.code}`;
      link.id = `name-${one.code}`;
      stop.setAttribute("aria-labelledby", `${stop.id} ${link.id}`);
      stop.addEventListener("click", () => during(stop, says, () => leave(one.code)));
      return row;
    }),
  );
  document.getElementById("none").hidden = all.length > 0;
  document.getElementById("forget").hidden = all.length === 0 && !told();
  paint(device, stands);
  device.hidden = false;
}

async function leave(code) {
  const rest = followed().filter((one) => one.code !== code).map((one) => one.code);
  if (told()) stands = await tell(rest);
  memory.unfollow(code);
  says.textContent = words.left;
  show();
  document.getElementById("list-title").focus();
}

document.getElementById("forget").addEventListener("click", (event) =>
  during(event.currentTarget, says, async () => {
    stands = await push.unsubscribe();
    memory.forget();
    says.textContent = words.gone;
    show();
  }),
);

device.querySelector("[data-stop]").addEventListener("click", (event) =>
  during(event.currentTarget, says, async () => {
    stands = await push.unsubscribe();
    says.textContent = words.stopped;
    show();
  }),
);

show();
stands = await standing();
show();
