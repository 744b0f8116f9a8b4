// The board as it changes: the server sends its rows, the page shows them.

import { toast } from "../base/faces.js";

const board = document.getElementById("board");

if (board) {
  const states = () =>
    new Map([...board.querySelectorAll("tr[data-outlet]")].map((r) => [r.dataset.outlet, r.dataset.state]));
  const source = new EventSource(board.dataset.events);
  let lost = false;
  source.addEventListener("board", (event) => {
    lost = false;
    const before = states();
    const focused = document.activeElement?.closest("tr[data-outlet]")?.dataset.outlet;
    board.innerHTML = event.data;
    for (const row of board.querySelectorAll("tr[data-outlet]")) {
      if (before.size && before.get(row.dataset.outlet) !== row.dataset.state) row.classList.add("changed");
      if (row.dataset.outlet === focused) row.querySelector("button")?.focus();
    }
  });
  source.addEventListener("error", () => {
    if (!lost) toast(board.dataset.lost);
    lost = true;
  });
  window.addEventListener("pagehide", () => source.close());
}
