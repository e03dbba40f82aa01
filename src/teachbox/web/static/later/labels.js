/** The labels, to be added to, renamed and recoloured while people label. */

import { Refused, Unreachable, addLabel, changeLabel } from "../desk/api.js";
import { announce, element } from "../panels/dom.js";

/** @import { Label } from "../types.js" */

const LONGEST = 100;

/**
 * @param {readonly Label[]} labels  As they are now: the list changes.
 * @param {(labels: readonly Label[]) => void} take  Told what the server says they are.
 */
export function createLabelEditor(labels, take) {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", ""));
  dialog.id = "label-editor";
  dialog.setAttribute("aria-labelledby", "label-editor-title");
  dialog.innerHTML = `
    <div class="dialog-head"><h2 id="label-editor-title">Labels</h2><button type="button">Close</button></div>
    <p class="label-note">Boxes keep their label when it is renamed. A detector that trains beside learns a new one from
      its next round on.</p>
    <form class="label-row label-new">
      <input type="color" name="color" class="unset" aria-label="Colour of the new label"
        title="Colour: the next of the palette, or one of your own" />
      <input type="text" name="name" aria-label="Name of the new label" placeholder="A new label" maxlength="${LONGEST}"
        autocomplete="off" spellcheck="false" autofocus />
      <button type="submit">Add</button>
    </form>
    <p class="label-said" role="alert"></p>
    <div class="label-rows" role="group" aria-label="Labels there are"></div>`;
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const rows = /** @type {HTMLElement} */ (dialog.querySelector(".label-rows"));
  const said = /** @type {HTMLElement} */ (dialog.querySelector(".label-said"));
  const newName = /** @type {HTMLInputElement} */ (form.elements.namedItem("name"));
  const newColor = /** @type {HTMLInputElement} */ (form.elements.namedItem("color"));
  /** Whether a colour was chosen for the new label; else the server takes the next of the palette. */
  let colored = false;
  /** Rows by the id of their label. @type {Map<number, ReturnType<typeof rowOf>>} */
  const made = new Map();

  /**
   * Ask the server for a change; false, with its reason on the page, where it was not done.
   * @param {Promise<{labels: readonly Label[]}>} asked
   * @param {string} done  What to say then.
   */
  async function ask(asked, done) {
    try {
      const told = await asked;
      take(told.labels);
      said.textContent = "";
      announce(done);
      return true;
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Refused)) throw error;
      const away = error instanceof Unreachable ? "Not changed, the server does not answer: " : "";
      said.textContent = `${away}${error.message}`;
      return false;
    }
  }

  async function add() {
    const name = newName.value.trim();
    if (!name) return newName.focus();
    if (!(await ask(addLabel(name, colored ? newColor.value : ""), `Added: ${name}`))) return newName.select();
    newName.value = "";
    colored = false;
    newColor.classList.add("unset");
    rows.lastElementChild?.scrollIntoView({ block: "nearest" });
    return newName.focus();
  }

  /** @param {number} id */
  function rowOf(id) {
    const row = element("div", "label-row");
    const [color, name] = ["color", "text"].map((type) => {
      const input = /** @type {HTMLInputElement} */ (element("input", ""));
      input.type = type;
      return input;
    });
    if (!color || !name) throw new Error("a row has two fields");
    Object.assign(name, { maxLength: LONGEST, autocomplete: "off", spellcheck: false });
    color.title = "Colour";
    const label = () => labels.find((one) => one.id === id);

    async function rename() {
      const before = label()?.name ?? "";
      const wanted = name?.value.trim() ?? "";
      if (wanted === before) return show();
      if (await ask(changeLabel({ id, name: wanted }), `${before} is called ${wanted} now`)) return show();
      return name?.select();
    }

    name.addEventListener("change", () => void rename());
    name.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || name.value === label()?.name) return;
      // The first one gives the change up, the next closes.
      event.preventDefault();
      name.value = label()?.name ?? "";
      said.textContent = "";
    });
    color.addEventListener("change", () => void ask(changeLabel({ id, color: color.value }), `${label()?.name}: new colour`));
    row.append(color, name);
    return {
      row,
      /** @param {Label} told */
      show(told) {
        color.value = told.color;
        color.ariaLabel = `Colour of ${told.name}`;
        name.ariaLabel = `Name of ${told.name}`;
        // Who is typing is not written over.
        if (document.activeElement !== name || !dialog.open) name.value = told.name;
        name.title = told.was?.length ? `Before: ${told.was.join(", ")}` : "";
      },
    };
  }

  function show() {
    for (const label of labels) {
      const row = made.get(label.id) ?? rowOf(label.id);
      made.set(label.id, row);
      if (!row.row.isConnected) rows.append(row.row);
      row.show(label);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void add();
  });
  newColor.addEventListener("input", () => {
    colored = true;
    newColor.classList.remove("unset");
  });
  dialog.querySelector("button")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);

  return {
    /** What is open is shown as it now is. */
    show,
    open() {
      said.textContent = "";
      show();
      dialog.showModal();
      newName.focus();
    },
  };
}
