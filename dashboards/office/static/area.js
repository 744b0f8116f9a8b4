// Draw the area on a map without tiles: the outline of the territory, a circle or an outline.
// The same can be given in numbers, below the map.

const holder = document.querySelector("[data-area]");
const value = document.getElementById("area-value");
const { L } = window;

if (holder && L) {
  holder.hidden = false;
  const help = holder.querySelector("[data-area-help]");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const map = L.map("map", {
    attributionControl: false, keyboard: true, zoomSnap: 0.25, minZoom: 5, maxZoom: 19,
  });
  const territory = JSON.parse(document.getElementById("territory").textContent);
  const land = territory && L.geoJSON(territory, {
    style: { color: colour("--edge"), weight: 2, fillColor: colour("--surface"), fillOpacity: 1 },
  }).addTo(map);
  const zone = { color: colour("--brass"), weight: 3, fillOpacity: 0.3 };
  let drawn = null;
  let tool = "";
  let points = [];
  let sketch = null;

  const home = land ? land.getBounds() : L.latLngBounds([[41, -5], [51.5, 9.5]]);
  map.fitBounds(home, { padding: [12, 12] });

  const say = (text) => { help.textContent = text; };
  const put = (geometry) => {
    drawn?.remove();
    drawn = geometry && L.geoJSON(geometry, { style: zone }).addTo(map);
    value.value = geometry ? JSON.stringify(geometry) : "";
    for (const name of ["latitude", "longitude", "radius"]) {
      document.getElementById(`area_${name}`).value = "";
    }
    value.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const stop = () => {
    tool = "";
    points = [];
    sketch?.remove();
    sketch = null;
    for (const button of holder.querySelectorAll("[data-draw]")) button.removeAttribute("aria-pressed");
    say(help.dataset.idle);
  };
  const round = (n) => Math.round(n * 1e6) / 1e6;

  /** A polygon around a point; the same 48 corners as the server draws. */
  const circle = (centre, metres) => {
    const dy = metres / 111195;
    const dx = dy / Math.max(Math.cos((centre.lat * Math.PI) / 180), 0.01);
    const ring = Array.from({ length: 48 }, (_, n) => {
      const turn = (2 * Math.PI * n) / 48;
      return [round(centre.lng + dx * Math.cos(turn)), round(centre.lat + dy * Math.sin(turn))];
    });
    return { type: "Polygon", coordinates: [[...ring, ring[0]]] };
  };
  const outline = (corners) => {
    const ring = corners.map((p) => [round(p.lng), round(p.lat)]);
    return { type: "Polygon", coordinates: [[...ring, ring[0]]] };
  };

  map.on("click", ({ latlng }) => {
    if (tool === "circle") {
      if (!points.length) points = [latlng];
      else {
        put(circle(points[0], Math.max(points[0].distanceTo(latlng), 10)));
        stop();
      }
    } else if (tool === "polygon") {
      const near = points.length > 2 &&
        map.latLngToContainerPoint(points[0]).distanceTo(map.latLngToContainerPoint(latlng)) < 18;
      if (near) {
        put(outline(points));
        stop();
        return;
      }
      points.push(latlng);
    } else return;
    sketch?.remove();
    if (points.length) {
      sketch = L.layerGroup([
        ...points.map((p) => L.circleMarker(p, { ...zone, radius: 7 })),
        L.polyline(points, zone),
      ]).addTo(map);
    }
  });

  for (const button of holder.querySelectorAll("[data-draw]")) {
    button.addEventListener("click", () => {
      stop();
      if (button.dataset.draw === "clear") {
        put(null);
        return;
      }
      tool = button.dataset.draw;
      button.setAttribute("aria-pressed", "true");
      say(help.dataset[tool]);
    });
  }

  if (value.value) {
    try {
      const known = JSON.parse(value.value);
      drawn = L.geoJSON(known, { style: zone }).addTo(map);
      map.fitBounds(drawn.getBounds().extend(home), { padding: [12, 12] });
    } catch {
      value.value = "";
    }
  }
  say(help.dataset.idle);
}
