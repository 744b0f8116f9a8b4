// Follow a station, and be told of its notices.

import { here } from "./live.js";
import * as memory from "./memory.js";
import { choosing } from "./places.js";
import { during, paint, push, standing, tell } from "./notify.js";

const code = here.dataset.station;
const name = document.querySelector("h1").textContent;
const bar = document.getElementById("follow");
const says = document.getElementById("follow-says");
const card = document.getElementById("notify");
const form = document.getElementById("wishes");
const status = document.getElementById("notify-says");
const words = document.getElementById("notify-words").dataset;

const places = choosing(form.querySelector("#places"), words);

let stands = { code: "off" };

function show() {
  const followed = memory.follows(code);
  bar.hidden = false;
  bar.querySelector("[data-follow]").hidden = followed;
  bar.querySelector("[data-followed]").hidden = !followed;
  bar.querySelector("[data-unfollow]").hidden = !followed;
  card.hidden = !followed;
  paint(card, stands);
}

/* What the hub knows of the wishes, on the form. */
function fill({ categories, language, min_severity: severity, cells = [] }) {
  if (!language) return;
  form.elements.language.value = language;
  form.elements.min_severity.value = severity === "Extreme" ? "Severe" : severity;
  for (const box of form.querySelectorAll("[name=categories]")) {
    box.checked = categories.includes(box.value);
  }
  places?.fill(cells);
}

const wishes = () => ({
  categories: [...form.querySelectorAll("[name=categories]:checked")].map((box) => box.value),
  language: form.elements.language.value,
  minSeverity: form.elements.min_severity.value,
  ...(places ? { cells: places.chosen() } : {}),
});

const told = () => stands.code === "on" || stands.code === "waiting";

bar.querySelector("[data-follow]").addEventListener("click", (event) => {
  says.textContent = "";
  return during(event.currentTarget, says, async () => {
    await ready;
    if (told()) await tell([...new Set([...memory.codes(), code])]);
    memory.follow(code, name);
    show();
    bar.querySelector("[data-unfollow]").focus({ preventScroll: true });
  });
});

bar.querySelector("[data-unfollow]").addEventListener("click", (event) => {
  says.textContent = "";
  return during(event.currentTarget, says, async () => {
    await ready;
    if (told()) stands = await tell(memory.codes().filter((one) => one !== code));
    memory.unfollow(code);
    show();
    bar.querySelector("[data-follow]").focus({ preventScroll: true });
  });
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  status.textContent = button.value === "start" ? words.asking : "";
  return during(button, status, async () => {
    const wanted = wishes();
    if (button.value === "save") {
      stands = await push.change(wanted);
      status.textContent = words.saved;
    } else {
      stands = await start(wanted);
      status.textContent = stands.code === "on" ? words.started : "";
    }
    show();
  });
});

/* A station that was closed meanwhile must not keep this one from being told. */
async function start(wanted) {
  const all = [...new Set([...memory.codes(), code])];
  try {
    return await push.subscribe({ ...wanted, stations: all });
  } catch (error) {
    if (!error.errors?.some(({ field }) => field === "stations") || all.length === 1) throw error;
    return push.subscribe({ ...wanted, stations: [code] });
  }
}

card.querySelector("[data-stop]").addEventListener("click", (event) =>
  during(event.currentTarget, status, async () => {
    stands = await push.unsubscribe();
    status.textContent = words.stopped;
    show();
  }),
);

navigator.serviceWorker?.addEventListener("message", async ({ data }) => {
  if (data?.type !== "confirmed") return;
  stands = await standing();
  show();
  status.textContent = data.good ? words.started : words.unconfirmed;
});

/* Where this device stands is known a moment after the page is there; a tap waits for it. */
const ready = standing().then((known) => {
  stands = known;
  if (told() && stands.stations?.includes(code) && !memory.follows(code)) memory.follow(code, name);
  fill(stands);
  show();
});

show();
