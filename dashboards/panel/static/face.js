// Asks the twin once a second; the picture is fetched again only when a dot changed.
const face = document.getElementById("face");
const words = (id, text) => {
  const node = document.getElementById(id);
  if (node.textContent !== text) node.textContent = text;
};
let dots = "", items = "";

async function look() {
  try {
    const answer = await fetch("state.json", { cache: "no-store", signal: AbortSignal.timeout(4000) });
    const state = await answer.json();
    const seen = state.dots.join("\n");
    if (seen !== dots) {
      dots = seen;
      face.src = `face.png?at=${encodeURIComponent(state.now)}-${state.page ? state.page.index : 0}`;
      face.alt = state.lines.join(" / ") || "Face éteinte";
    }
    for (const id of ["doing", "link", "plan", "key"]) words(id, state.says[id]);
    document.getElementById("link").className = state.online ? "up" : "down";
    if (state.items_html !== items) {
      items = state.items_html;
      document.getElementById("items").innerHTML = items;
    }
  } catch {
    words("link", "Le jumeau ne répond pas : cette page montre le dernier état connu.");
    document.getElementById("link").className = "down";
  }
  setTimeout(look, 1000);
}
look();
