/** The page: makes its parts and joins them. What a person can do is in `keys/commands.js`, what is shown in `screen.js`. */

import { createStage } from "./canvas/stage.js";
import { openImages } from "./canvas/images.js";
import { Refused } from "./desk/api.js";
import { createDesk } from "./desk/desk.js";
import { openHistory } from "./desk/history.js";
import { openLimits } from "./desk/limits.js";
import { openOutbox } from "./desk/outbox.js";
import { openSettings } from "./desk/settings.js";
import { createSupply, findProject } from "./desk/supply.js";
import { createCommands } from "./keys/commands.js";
import { listenToKeys } from "./keys/keyboard.js";
import { openPersonal } from "./keys/personal.js";
import { writtenStroke } from "./keys/stroke.js";
import { labelColor } from "./panels/colors.js";
import { createDoubts } from "./panels/doubts.js";
import { announce, isForFocused, onPress, part } from "./panels/dom.js";
import { flashSaved, showSaved } from "./panels/header.js";
import { createKeyHelp, showKeys } from "./panels/key_help.js";
import { createLabelPalette } from "./panels/label_palette.js";
import { showNotice } from "./panels/notices.js";
import { createRail } from "./panels/rail.js";
import { ANSWERS, boxText, createScreen, sayBoxes } from "./screen.js";

/** @import { Project } from "./types.js" */

/** @param {Project} project */
function openPage(project) {
  const colors = new Map(project.labels.map((label) => [label.name, labelColor(label.color)]));
  /** @param {string} name */
  const colorOf = (name) => colors.get(name) ?? labelColor(undefined);

  const person = new URLSearchParams(location.search).get("session") ?? "";
  const limits = openLimits(person, localStorage, project.threshold ?? 0, () => show());
  const doubts = createDoubts(() => show());
  const images = openImages(() => show());
  const outbox = openOutbox(project.dataset, localStorage, {
    changed(state, waiting) {
      showSaved(state, waiting);
      // The server may know only now that this was the last image.
      if (state === "saved" && desk.isEmpty()) supply.refill();
    },
    refused: (letter, reason) => desk.takeBack(letter, reason),
  });
  const desk = createDesk(project, {
    outbox,
    history: openHistory(project.dataset, sessionStorage),
    pictureOf: images.get,
    isBusy: () => stage.isBusy(),
    changed: (arrived) => show(arrived),
    say: announce,
    sayBoxes,
    lacking: () => supply.refill(),
    skipped: (taskHash) => supply.skip(taskHash),
    limits: limits.get,
  });
  const settings = openSettings(person, localStorage, () => {
    stage.repaint();
    rail.show();
  });
  const personal = openPersonal(person, localStorage, showAllKeys);
  const stage = createStage(
    part("stage"),
    /** @type {HTMLCanvasElement} */ (part("canvas")),
    part("box-body"),
    part("handles"),
    { colorOf, newLabel: desk.labelName, edit: desk.edit, wishPart: images.wish, look: settings.get, describe: boxText, doubts: doubts.of },
  );
  const supply = createSupply(project, desk, outbox, () => show());
  const show = createScreen(project, desk, supply, stage, images, colorOf, limits, doubts);

  /** @param {string} command */
  const keyOf = (command) => writtenStroke(personal.keys()[command]?.[0] ?? "");

  function showAllKeys() {
    showKeys(keyOf);
    rail.showKeys();
  }

  function save() {
    outbox.flush();
    flashSaved();
    announce(outbox.waiting() ? "Not everything is saved yet" : "Everything is saved");
  }

  const dialogs = { help: createKeyHelp(personal).open, nameLabel: createLabelPalette(project.labels, desk.chooseLabel).open };
  const { perform, holds } = createCommands(desk, stage, settings, limits, dialogs, save);
  const rail = createRail(perform, keyOf, settings.get, settings.set);
  for (const answer of ANSWERS) onPress(answer, () => perform(answer));
  onPress("undo", desk.undo);
  for (const command of ["skip", "flag", "help"]) onPress(command, () => perform(command));
  onPress("delete", desk.deleteSelected);
  listenToKeys(personal.keys, perform, holds, isForFocused);
  addEventListener("online", outbox.flush);
  addEventListener("beforeunload", (event) => {
    if (outbox.isAtRisk()) event.preventDefault();
  });
  rail.show();
  showAllKeys();
  supply.open();
  show();
}

try {
  showNotice({ title: "Loading", text: "", busy: true });
  openPage(await findProject());
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  showNotice({ title: "The server refused the page", text: error.message });
}
