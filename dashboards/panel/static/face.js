// Asks the twin twice a second; the picture is fetched again only when what it shows changed.
const face = document.getElementById("face"), board = document.getElementById("board");
const dots = Number(board.dataset.dots);
const lang = document.documentElement.lang;
let picture = "", items = "", scale = 0;

const words = (id, text) => {
  const node = document.getElementById(id);
  if (node.textContent !== text) node.textContent = text;
};

// An LED is a whole number of the screen's pixels wide, or the dots would beat against its grid.
function fit() {
  const style = getComputedStyle(board);
  const room = board.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const wanted = Math.min(16, Math.max(2, Math.floor(room * devicePixelRatio / dots)));
  if (wanted === scale) return false;
  scale = wanted;
  face.style.width = `${dots * scale / devicePixelRatio}px`;
  return true;
}

async function draw() {
  const next = new Image();
  next.src = `face.png?scale=${scale}&of=${encodeURIComponent(picture)}`;
  await next.decode();
  face.src = next.src;
}

async function look() {
  try {
    const answer = await fetch(`live.json?lang=${lang}`, { cache: "no-store", signal: AbortSignal.timeout(4000) });
    const live = await answer.json();
    const turned = live.picture !== picture;
    picture = live.picture;
    if (fit() || turned) await draw();
    face.alt = live.says.alt;
    for (const id of ["doing", "link", "plan", "key", "page"]) words(id, live.says[id]);
    document.getElementById("link").className = live.online ? "up" : "down";
    document.body.classList.toggle("alert", live.alert);
    document.body.classList.toggle("dark", live.dark);
    if (live.items_html !== items) {
      items = live.items_html;
      document.getElementById("items").innerHTML = items;
    }
  } catch {
    words("link", document.body.dataset.mute);
    document.getElementById("link").className = "down";
  }
  setTimeout(look, 500);
}
look();
