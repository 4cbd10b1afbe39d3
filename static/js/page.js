// Small behaviours of every page; each page works without them.

document.documentElement.classList.add("js");

function menu() {
  const burger = document.querySelector("[data-burger]");
  const nav = document.querySelector("[data-nav]");
  if (!burger || !nav) return;
  burger.addEventListener("click", () => {
    const open = nav.classList.toggle("is-open");
    burger.setAttribute("aria-expanded", String(open));
  });
  document.addEventListener("click", (event) => {
    for (const details of document.querySelectorAll(".bar details[open]")) {
      if (!details.contains(event.target)) details.open = false;
    }
  });
}

/** Forms with data-confirm ask once, in a dialog, before they are sent. */
function confirmations() {
  document.addEventListener("submit", (event) => {
    const sentence = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
    if (!sentence || event.target.dataset.confirmed) return;
    event.preventDefault();
    const dialog = document.getElementById("confirm");
    dialog.querySelector("[data-sentence]").textContent = sentence;
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      event.target.dataset.confirmed = "1";
      event.target.requestSubmit(event.submitter);
      delete event.target.dataset.confirmed;
    }, { once: true });
    dialog.showModal();
  });
}

/** Buttons with data-copy copy the text of the element they name. */
function copying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    const before = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = before; }, 1500);
  });
}

/** A checkbox with data-select-all selects the others of its form; data-selected shows how many are. */
function selecting() {
  const count = () => {
    for (const output of document.querySelectorAll("[data-selected]")) {
      const form = document.getElementById(output.dataset.selected);
      output.textContent = form.querySelectorAll("[data-row]:checked").length;
    }
  };
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-select-all]");
    if (all) {
      for (const box of all.form.querySelectorAll("[data-row]")) box.checked = all.checked;
    }
    if (all || event.target.matches("[data-row]")) count();
  });
}

/** A button with data-check chooses that value in every group of its form; nothing is sent. */
function checkingAll() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-check]");
    if (!button) return;
    for (const radio of button.form.querySelectorAll("input[type=radio]")) {
      radio.checked ||= radio.value === button.dataset.check;
    }
  });
}

/** A button with data-fill writes its text into the field it names. */
function filling() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    if (!button) return;
    const field = document.getElementById(button.dataset.fill);
    field.value = button.textContent.trim();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
}

/** Selects with data-submit send their form when they change. */
function submitting() {
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
}

/** A button with data-add clones the template it names to the end of its list; data-remove removes a row. */
function rows() {
  document.addEventListener("click", (event) => {
    const add = event.target.closest("[data-add]");
    if (add) {
      const template = document.getElementById(add.dataset.add);
      const list = document.getElementById(add.dataset.list);
      const html = template.innerHTML.replaceAll("__prefix__", String(list.children.length));
      list.insertAdjacentHTML("beforeend", html);
      const total = document.getElementById(add.dataset.total ?? "");
      if (total) total.value = String(list.children.length);
      list.lastElementChild.querySelector("input, select")?.focus();
    }
    const remove = event.target.closest("[data-remove]");
    if (remove) {
      const row = remove.closest("[data-row-box]");
      const flag = row.querySelector("input[name$='-DELETE']");
      if (flag) { flag.checked = true; row.hidden = true; } else { row.remove(); }
    }
  });
}

/** In the queue: j and k move, x selects, v looks, Enter opens, a and r decide, c claims, ? tells the keys. */
function queueKeys() {
  const table = document.querySelector("[data-keys]");
  if (!table) return;
  let at = -1;
  const lines = [...table.querySelectorAll("tbody tr")];
  const help = document.querySelector("[data-keys-help]");
  document.querySelector("[data-keys-open]")?.addEventListener("click", () => help?.showModal());
  const form = table.closest("form");
  const act = (key) => {
    if (at >= 0 && !form.querySelector("[data-row]:checked")) lines[at].querySelector("[data-row]")?.click();
    if (!form.querySelector("[data-row]:checked")) return;
    form.querySelector("[data-verdict]").value = { a: "approve", r: "refuse" }[key] ?? "";
    form.requestSubmit(form.querySelector(key === "c" ? "[value=claim]" : "[data-decide]"));
  };
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea") || event.ctrlKey || event.metaKey) return;
    if (event.key === "j") at = Math.min(at + 1, lines.length - 1);
    else if (event.key === "k") at = Math.max(at - 1, 0);
    else if (event.key === "x" && at >= 0) lines[at].querySelector("[data-row]")?.click();
    else if (event.key === "v" && at >= 0) lines[at].querySelector("[data-look]")?.click();
    else if (event.key === "?") help?.showModal();
    else if ("arc".includes(event.key)) act(event.key);
    else if (event.key === "Enter" && at >= 0 && event.target === document.body) lines[at].querySelector("a")?.click();
    else return;
    lines.forEach((line, n) => line.classList.toggle("is-current", n === at));
    lines[at]?.scrollIntoView({ block: "nearest" });
  });
}

/** Filters stand open beside the results, and closed above them on narrow screens. */
function filters() {
  if (window.matchMedia("(min-width: 901px)").matches) return;
  for (const box of document.querySelectorAll("details.filters")) box.open = false;
}

menu();
filters();
confirmations();
copying();
selecting();
checkingAll();
submitting();
filling();
rows();
queueKeys();
