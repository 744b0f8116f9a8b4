// The page without this script is complete; with it, it follows the street as things arrive.
const now = document.getElementById("now");
const live = document.getElementById("live");
const lang = document.body.dataset.lang;
let shown = -1;
let busy = false;
let again = false;

const rows = () => new Set([...now.querySelectorAll("[data-row]")].map((row) => row.dataset.row));

function toTheLast() {
  for (const screen of now.querySelectorAll(".screen")) screen.scrollTop = screen.scrollHeight;
}

async function refresh() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const answer = await fetch(`/now?lang=${lang}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const before = rows();
    const open = [...now.querySelectorAll("details")].map((details) => details.open);
    now.innerHTML = await answer.text();
    now.querySelectorAll("details").forEach((details, n) => { details.open = open[n] ?? false; });
    for (const row of now.querySelectorAll("[data-row]")) {
      if (!before.has(row.dataset.row)) row.classList.add("fresh");
    }
    toTheLast();
  } finally {
    busy = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

const events = new EventSource("/events");
events.onopen = () => {
  live.textContent = live.dataset.live;
  live.classList.remove("off");
};
events.onerror = () => {
  live.textContent = live.dataset.off;
  live.classList.add("off");
};
events.onmessage = (event) => {
  const version = Number(event.data);
  if (shown !== -1 && version !== shown) refresh();
  shown = version;
};
toTheLast();
