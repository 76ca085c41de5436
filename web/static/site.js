// What a page cannot do without a script, and can do without: telling screen readers what changed, and keeping the
// focus near where the reader was. Everything else works by links and forms.
(() => {
  "use strict";

  document.documentElement.classList.add("with-scripts");

  const announce = (root) => {
    const changed = root.querySelector("[data-announce]");
    const counted = root.closest("[data-announce-count]") || root.querySelector("[data-announce-count]");
    const said = changed ? changed.textContent : counted ? counted.dataset.announceCount : "";
    const announcement = document.getElementById("announcement");
    if (announcement && said) announcement.textContent = said.replace(/\s+/g, " ").trim();
  };

  // A list that was replaced takes its pressed link with it: the focus then goes to the list, not to the page's top.
  document.addEventListener("htmx:after:swap", (event) => {
    const context = event.detail.ctx;
    const target = context && context.target;
    const now = target && target.id ? document.getElementById(target.id) : null;
    if (!now) return;
    announce(now);
    const lost = document.activeElement === document.body || document.activeElement === null;
    const wanted = now.querySelector("[autofocus]");
    if (wanted) wanted.focus();
    else if (lost && now.hasAttribute("tabindex")) {
      now.focus({ preventScroll: true });
      if (now.getBoundingClientRect().top < 0) now.scrollIntoView();
    }
  });
})();
