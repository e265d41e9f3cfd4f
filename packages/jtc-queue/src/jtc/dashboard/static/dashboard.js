"use strict";
// Pages work without this. It keeps them up to date, tells times as "5 s ago", and
// remembers the theme.
(() => {
  const root = document.documentElement;
  const THEMES = ["system", "light", "dark"];
  const SIGNS = { system: "◐", light: "☀", dark: "☾" };
  const SLOWEST = 15;

  // Storage may be forbidden; then a choice lasts as long as the page.
  const kept = (name) => {
    try { return localStorage.getItem(`jtc.${name}`); } catch { return null; }
  };
  const keep = (name, value) => {
    try { localStorage.setItem(`jtc.${name}`, value); } catch { /* see above */ }
  };

  // -- theme: before the page is drawn, or it would flash -------------------------

  let theme = THEMES.includes(kept("theme")) ? kept("theme") : "system";

  const showTheme = () => {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (!button) return;
    button.textContent = SIGNS[theme];
    button.setAttribute("aria-label", `Theme: ${theme === "system" ? "as the system" : theme}`);
  };
  showTheme();

  // -- times ----------------------------------------------------------------------

  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

  const span = (seconds) => {
    const first = UNITS.findIndex(([size]) => seconds >= size);
    if (first < 0) return "0 s";
    const parts = [];
    for (const [size, unit] of UNITS.slice(first, first + 2)) {
      const count = Math.floor(seconds / size);
      seconds -= count * size;
      if (count) parts.push(`${count} ${unit}`);
    }
    return parts.join(" ");
  };

  // By how much the server's clock is ahead of this machine's.
  let ahead = 0;

  const tellTime = (element) => {
    const at = Date.parse(element.dateTime);
    if (Number.isNaN(at)) return;
    const passed = Math.round((Date.now() + ahead - at) / 1000);
    const text = Math.abs(passed) < 1 ? "now" : passed > 0 ? `${span(passed)} ago` : `in ${span(-passed)}`;
    if (!element.title) element.title = element.textContent;
    if (element.textContent !== text) element.textContent = text;
  };
  const tellTimes = () => document.querySelectorAll("time").forEach(tellTime);

  // -- change what is different, and leave all else as it is ------------------------
  // So focus, selection, ticks, what is typed, what is open and the scroll stay.

  const STAYS = { DETAILS: ["open"], INPUT: ["value", "checked", "hidden"], OPTION: ["selected"], TIME: ["title"] };
  // Not node.id: of a form with a field called id that is the field.
  const keyOf = (node) =>
    node.nodeType === 1 ? node.getAttribute("id") || node.dataset.key || node.getAttribute("aria-labelledby") : null;
  const isAlike = (one, other) =>
    one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

  const morphAttributes = (now, wish) => {
    const stays = wish.type === "hidden" ? [] : STAYS[now.nodeName] || [];
    for (const { name, value } of wish.attributes) {
      if (!stays.includes(name) && now.getAttribute(name) !== value) now.setAttribute(name, value);
    }
    for (const { name } of [...now.attributes]) {
      if (!wish.hasAttribute(name) && !stays.includes(name)) now.removeAttribute(name);
    }
  };

  const morph = (now, wish) => {
    if (now.nodeType !== 1) {
      if (now.nodeValue !== wish.nodeValue) now.nodeValue = wish.nodeValue;
      return;
    }
    const isSameTime = now.nodeName === "TIME" && now.dateTime === wish.dateTime;
    morphAttributes(now, wish);
    if (isSameTime) return;
    if (now.nodeName === "TIME") now.removeAttribute("title");
    morphChildren(now, wish);
  };

  const AHEAD = 4;

  const isAmong = (wanted, siblings) => siblings.some((one) => one && isAlike(one, wanted));

  const next = (node) => {
    const found = [];
    for (let one = node; one && found.length < AHEAD; one = one.nextSibling) found.push(one);
    return found;
  };

  // What stands for a node without a key: the one that is there, or one soon behind it
  // when those between are gone.
  const standsFor = (wanted, at) => {
    if (!at || isAlike(at, wanted)) return at;
    if (isAmong(at, next(wanted.nextSibling))) return null;
    return next(at).find((one) => isAlike(one, wanted));
  };

  const morphChildren = (now, wish) => {
    const keyed = new Map();
    for (const child of now.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
    let at = now.firstChild;
    let wanted = wish.firstChild;
    while (wanted) {
      const following = wanted.nextSibling;
      const key = keyOf(wanted);
      const found = key ? keyed.get(key) : standsFor(wanted, at);
      keyed.delete(key);
      if (found && isAlike(found, wanted)) {
        // Moved it would lose the focus; mostly what is before it is gone.
        while (at && at !== found && !keyed.has(keyOf(at))) at = drop(at);
        if (at === found) at = at.nextSibling;
        else now.insertBefore(found, at);
        morph(found, wanted);
      } else {
        now.insertBefore(wanted, at);
      }
      wanted = following;
    }
    while (at) at = drop(at);
  };

  const drop = (node) => {
    const following = node.nextSibling;
    node.remove();
    return following;
  };

  // -- keep the page up to date -----------------------------------------------------

  let etag = null;
  let timer = null;
  let failures = 0;
  let isLive = kept("live") !== "no";
  const main = () => document.getElementById("main");
  const every = () => Number(main()?.dataset.live) || 0;

  const plan = () => {
    clearTimeout(timer);
    if (!isLive || !every() || document.hidden) return;
    // What is ticked would be pushed off the page by newer ones.
    if (ticks().some((one) => one.checked)) { timer = setTimeout(plan, 1000); return; }
    const wait = Math.min(every() * 2 ** failures, SLOWEST);
    timer = setTimeout(update, wait * 1000);
  };

  const update = async () => {
    clearTimeout(timer);
    const where = location.href;
    try {
      const headers = { "JTC-Fragment": "1" };
      if (etag) headers["If-None-Match"] = etag;
      const reply = await fetch(where, { headers, cache: "no-store", redirect: "error" });
      if (reply.status === 404) { location.reload(); return; }
      if (!reply.ok && reply.status !== 304) throw new Error(String(reply.status));
      learnClock(reply);
      if (reply.status === 200) {
        const text = await reply.text();
        // Paused or gone while the answer was under way.
        const isTicked = ticks().some((one) => one.checked);
        if (isLive && !isTicked && where === location.href) show(text, reply.headers.get("ETag"));
      }
      failures = 0;
    } catch {
      failures += 1;
    }
    document.getElementById("away").hidden = failures < 2;
    plan();
  };

  const show = (text, tag) => {
    const parsed = new DOMParser().parseFromString(`<main>${text}</main>`, "text/html");
    morphChildren(main(), parsed.querySelector("main"));
    etag = tag;
    tellTimes();
    showTicked();
  };

  const learnClock = (reply) => {
    const at = Date.parse(reply.headers.get("Date") || "");
    // The header is cut to whole seconds.
    if (!Number.isNaN(at)) ahead = Math.abs(at + 500 - Date.now()) < 1500 ? 0 : at + 500 - Date.now();
  };

  const showLive = () => {
    const button = document.getElementById("live");
    if (!button) return;
    button.hidden = !every();
    button.setAttribute("aria-pressed", String(isLive));
    button.title = isLive ? "This page keeps itself up to date: press to stop" : "Press to keep this page up to date";
  };

  // -- tick all -----------------------------------------------------------------------

  const ticks = () => [...document.querySelectorAll('#chosen input[name="id"]')];

  const showTicked = () => {
    const all = document.getElementById("all");
    if (!all) return;
    all.hidden = false;
    const ticked = ticks().filter((one) => one.checked).length;
    all.checked = ticked > 0 && ticked === ticks().length;
    all.indeterminate = ticked > 0 && !all.checked;
  };

  document.addEventListener("change", (event) => {
    if (event.target.id === "all") for (const one of ticks()) one.checked = event.target.checked;
    if (event.target.closest("#chosen")) showTicked();
  });

  // -- start ---------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input:not([type=checkbox]), select, textarea");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const search = document.getElementById("search");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  document.addEventListener("DOMContentLoaded", () => {
    showTheme();
    showLive();
    showTicked();
    tellTimes();
    setInterval(() => { if (!document.hidden) tellTimes(); }, 1000);
    const themeButton = document.getElementById("theme");
    if (themeButton) {
      themeButton.hidden = false;
      themeButton.addEventListener("click", () => {
        theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
        keep("theme", theme);
        showTheme();
      });
    }
    document.getElementById("live")?.addEventListener("click", () => {
      isLive = !isLive;
      keep("live", isLive ? "yes" : "no");
      showLive();
      if (isLive) update();
      else clearTimeout(timer);
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden || !isLive || !every()) clearTimeout(timer);
      else update();
    });
    // Back from the browser's cache: what is shown may be old.
    window.addEventListener("pageshow", (event) => { if (event.persisted && isLive && every()) update(); });
    plan();
  });
})();
