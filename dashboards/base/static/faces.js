// Enhancements every face shares. Each page works without this file.

const toasts = document.getElementById("toasts");

/** Say something for a moment; a screen reader reads it aloud. */
export function toast(text, seconds = 6) {
  const box = document.createElement("div");
  box.className = "toast";
  box.append(text);
  toasts.append(box);
  setTimeout(() => box.remove(), seconds * 1000);
}

// The summary of errors takes the focus, so that it is read first.
document.getElementById("errors")?.focus();

// A link or button that opens a dialog names it; without a script the link leads to a page instead.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog) {
    event.preventDefault();
    dialog.showModal();
  }
  const closer = event.target.closest("[data-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog")?.close();
  }
});

// Tabs: without a script all panels are shown, one under the other, each under its heading.
for (const tabs of document.querySelectorAll("[data-tabs]")) {
  const buttons = [...tabs.querySelectorAll("[role=tab]")];
  const panels = buttons.map((b) => document.getElementById(b.getAttribute("aria-controls")));
  const choose = (index, focus) => {
    buttons.forEach((button, i) => {
      button.setAttribute("aria-selected", String(i === index));
      button.tabIndex = i === index ? 0 : -1;
      panels[i].hidden = i !== index;
    });
    if (focus) buttons[index].focus();
  };
  tabs.querySelector(".tab-row").hidden = false;
  for (const heading of tabs.querySelectorAll("[data-without-script]")) heading.hidden = true;
  buttons.forEach((button, i) => {
    button.addEventListener("click", () => choose(i));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) choose((i + step + buttons.length) % buttons.length, true);
      if (event.key === "Home") choose(0, true);
      if (event.key === "End") choose(buttons.length - 1, true);
    });
  });
  // A panel that holds an error is the first seen.
  choose(Math.max(0, panels.findIndex((panel) => panel.querySelector("[aria-invalid=true]"))));
}

// Letters counted where a length matters.
for (const counted of document.querySelectorAll("[data-limit]")) {
  const meter = document.createElement("span");
  meter.className = "meter";
  meter.setAttribute("aria-hidden", "true"); // the field's hint says the limit
  counted.after(meter);
  const count = () => {
    meter.textContent = `${counted.value.length} / ${counted.dataset.limit}`;
    meter.classList.toggle("over", counted.value.length > Number(counted.dataset.limit));
  };
  counted.addEventListener("input", count);
  count();
}

// A form is sent once: a second click while it is under way does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 4000);
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
