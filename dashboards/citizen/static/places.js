// Which neighbourhoods this device cares for: cells of about one kilometre, never a position.

const REACH_M = 1100; // the cell one is in, and the ring around it
const MOST = 60;
const DEGREE_M = 111320;

/** Metres between two places given in degrees; good enough for a town. */
export function apart([east, north], [toEast, toNorth]) {
  const across = (east - toEast) * Math.cos((north * Math.PI) / 180);
  return Math.hypot(across, north - toNorth) * DEGREE_M;
}

/** The cells of a grid [[cell, longitude, latitude], …] around a place; [] where it is outside. */
export function around(grid, place) {
  const near = grid.filter(([, ...middle]) => apart(place, middle) <= REACH_M);
  return near.map(([cell]) => cell);
}

/** The part of the form: `chosen()` gives the cells ticked, `fill(cells)` ticks them. */
export function choosing(root, words) {
  if (!root) return undefined;
  const grid = JSON.parse(root.dataset.grid || "[]");
  const boxes = () => [...root.querySelectorAll("[name=places]")];
  const other = root.querySelector("[data-other]");
  const says = root.querySelector("#around-says");
  const cellsOf = (box) => box.value.split(" ").filter(Boolean);

  function more(cells) {
    const box = other.querySelector("input");
    box.value = cells.join(" ");
    box.checked = cells.length > 0;
    other.hidden = cells.length === 0;
  }

  function fill(cells) {
    const kept = new Set(cells);
    const named = boxes().filter((box) => !other.contains(box));
    for (const box of named) box.checked = cellsOf(box).every((cell) => kept.has(cell));
    const shown = new Set(named.filter((box) => box.checked).flatMap(cellsOf));
    more(cells.filter((cell) => !shown.has(cell)));
  }

  const chosen = () => {
    const ticked = boxes().filter((box) => box.checked);
    return [...new Set(ticked.flatMap(cellsOf))].slice(0, MOST);
  };

  function here({ coords }) {
    const found = around(grid, [coords.longitude, coords.latitude]);
    says.textContent = found.length ? words.around.replace("{num}", found.length) : words.outside;
    if (found.length) more([...new Set([...cellsOf(other.querySelector("input")), ...found])]);
  }

  const button = root.querySelector("[data-around]");
  if (button && "geolocation" in navigator) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const nowhere = () => (says.textContent = words.nowhere);
      navigator.geolocation.getCurrentPosition(here, nowhere, { maximumAge: 6e5, timeout: 15000 });
    });
  }
  return { chosen, fill };
}
