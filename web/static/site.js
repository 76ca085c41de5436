// What a page can do without, and does better with: telling screen readers what changed, and keeping the focus near
// where the reader was. Everything else works by links and forms.
(() => {
  "use strict";

  document.documentElement.classList.add("with-scripts");

  const announce = (root) => {
    const changed = root.querySelector("[data-announce]");
    const counted = root.closest("[data-announce-count]");
    const said = changed ? changed.textContent : counted ? counted.dataset.announceCount : "";
    const announcement = document.getElementById("announcement");
    if (announcement && said) announcement.textContent = said.replace(/\s+/g, " ").trim();
  };

  // What is shown once is copied by a button, which says so; where the browser lets no page copy, it is selected.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    const text = document.getElementById(button.dataset.copies);
    getSelection().selectAllChildren(text);
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      if (!document.execCommand("copy")) return;
    }
    button.textContent = button.dataset.copied;
    document.getElementById("announcement").textContent = button.dataset.copied;
  });

  // What asks for the focus gets it. A list that was turned to another page is read from its beginning.
  document.addEventListener("htmx:after:swap", (event) => {
    const { target, sourceElement } = event.detail.ctx;
    const now = target && target.id ? document.getElementById(target.id) : null;
    if (!now) return;
    announce(now);
    const wanted = now.querySelector("[autofocus]");
    const turned = sourceElement && sourceElement.matches("[rel=next], [rel=prev]");
    if (wanted) wanted.focus();
    else if (turned || document.activeElement === document.body) now.focus({ preventScroll: true });
    if (turned) now.scrollIntoView();
  });
})();
