/** The page: makes its parts and joins them. What a person can do is in `keys/commands.js`, what is shown in `screen.js`. */

import { namesOf } from "./boxes/renames.js";
import { createStage } from "./canvas/stage.js";
import { openImages } from "./canvas/images.js";
import { Refused, Unreachable, addLabel } from "./desk/api.js";
import { asksMore, mayEdit, viewsOf } from "./desk/asked.js";
import { configOf } from "./desk/config.js";
import { createDesk } from "./desk/desk.js";
import { openHistory } from "./desk/history.js";
import { openLimits } from "./desk/limits.js";
import { openDrafts } from "./desk/drafts.js";
import { newKey, openOutbox } from "./desk/outbox.js";
import { openSettings } from "./desk/settings.js";
import { storageOr } from "./desk/storage.js";
import { askEarly, createSupply, firstProject } from "./desk/supply.js";
import { unsentText } from "./desk/unsent.js";
import { openVault } from "./desk/vault.js";
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
import { createLater, loadQuestion } from "./panels/later.js";
import { showNotice } from "./panels/notices.js";
import { createConflicts } from "./panels/overtaken.js";
import { createRail } from "./panels/rail.js";
import { showParts } from "./panels/shown.js";
import { ANSWERS, boxText, createScreen, sayBoxes } from "./screen.js";

/** @import { Label, Project } from "./types.js" */

/** @param {Project} project */
async function openPage(project) {
  const views = viewsOf(project);
  const editable = mayEdit(views);
  // What takes long goes on side by side: the worker for images, the first tasks, and what the browser has kept.
  let opened = false;
  const images = openImages(() => opened && show());
  const early = askEarly(project);
  void early.then((asked) => asked?.tasks[0] && images.expect(asked.tasks[0].image));
  const vault = await openVault(`teachbox/${project.dataset}`, () => indexedDB, () => show());
  const [letters, work, bases, asking] = await Promise.all([
    vault.all("letters"),
    vault.all("drafts"),
    vault.all("bases"),
    asksMore(views) ? loadQuestion(views) : null,
  ]);
  const stored = storageOr(() => localStorage);
  const config = configOf(project);
  showParts(config, editable);
  const colors = new Map(Object.entries(config.custom_theme.labels ?? {}).map(([name, color]) => [name, labelColor(color)]));
  showColors();
  /** @param {string} name */
  const colorOf = (name) => colors.get(name) ?? labelColor(undefined);

  function showColors() {
    for (const { name, color, was = [] } of project.labels) for (const each of [name, ...was]) colors.set(each, labelColor(color));
  }

  /** The labels as they are from now on: here or elsewhere one was added, renamed or recoloured. @param {readonly Label[]} labels */
  function takeLabels(labels) {
    if (JSON.stringify(labels) === JSON.stringify(project.labels)) return;
    project.labels.splice(0, Infinity, ...labels);
    showColors();
    limits.rename(namesOf(labels));
    desk.relabelled();
    renew();
    later.relabelled();
    show();
  }

  /** A label that was typed and is not there yet. @param {string} name */
  async function addTyped(name) {
    try {
      const { id, labels } = await addLabel(name);
      takeLabels(labels);
      desk.chooseLabel(labels.findIndex((label) => label.id === id));
      announce(`Added: ${name}`);
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
      desk.refuse(`The label “${name}” was not added: ${error.message}`);
      show();
    }
  }

  const later = createLater(project, (answered, id) => desk.open(answered, id), colorOf, takeLabels);
  const person = new URLSearchParams(location.search).get("session") ?? "";
  const limits = openLimits(person, stored, project.threshold ?? 0, () => show());
  const doubts = createDoubts(() => show());
  const session = project.session_id;
  const drafts = openDrafts(session, vault, { work, bases }, () => show());
  const conflicts = createConflicts(project.dataset, ({ mine, id, theirs }) => {
    const of = { session_id: theirs.session_id, id: theirs.id };
    outbox.answer(session, { ...theirs.task, _answer_key: newKey(), _base_answer: id, _version_of: of });
    announce(`The answer of ${theirs.session_id} to ${mine.meta?.file ?? "the image"} counts`);
  });
  const outbox = openOutbox(vault, letters, {
    changed(state, waiting) {
      showSaved(state, waiting);
      // The server may know only now that this was the last image.
      if (state === "saved" && desk.isEmpty()) supply.refill();
      if (state === "saved") later.refresh();
      show();
    },
    refused: (letter, reason) => desk.takeBack(letter, reason),
    put: (letter) => letter.answer && letter.session === session && drafts.done(letter.taskHash),
    given({ answer }, { saved: [saved] }) {
      if (answer && saved?.overtook) conflicts.add({ mine: answer, id: saved.id, theirs: saved.overtook });
    },
  });
  const desk = createDesk(project, {
    outbox,
    history: openHistory(project.dataset, storageOr(() => sessionStorage), config.history_length),
    pictureOf: images.get,
    isBusy: () => stage.isBusy(),
    changed(arrived) {
      drafts.keep(desk.entries());
      show(arrived);
    },
    say: announce,
    sayBoxes,
    lacking: () => supply.refill(),
    skipped(taskHash) {
      drafts.later(taskHash);
      supply.skip(taskHash);
    },
    closed: drafts.done,
    words: (task) => question?.words(task) ?? "",
    restore: drafts.restore,
    limits: limits.get,
  });
  const settings = openSettings(person, stored, () => {
    stage.repaint();
    rail.show();
  }, config);
  /** The image is darkened before a person's own brightness. */
  function look() {
    const own = settings.get();
    return { ...own, brightness: own.brightness * (1 - config.darken_image) };
  }

  const personal = openPersonal(person, stored, showAllKeys);
  const stage = createStage(
    part("stage"),
    /** @type {HTMLCanvasElement} */ (part("canvas")),
    part("box-body"),
    part("handles"),
    { editable, colorOf, newLabel: desk.labelName, edit: desk.edit, wishPart: images.wish, look, describe: boxText, beneath: (context, scene) => question?.paint?.(context, scene), doubts: doubts.of },
  );
  const supply = createSupply(project, desk, outbox, drafts, () => show(), takeLabels, early);
  const keysBefore = editable ? 10 : 0;
  const question = asking?.createQuestion(views, config, desk, keysBefore, colorOf) ?? null;
  const { show, renew } = createScreen(project, desk, supply, stage, images, colorOf, limits, doubts, question, trouble);

  function trouble() {
    const [gone, failing, answers] = [supply.gone(), outbox.isFailing(), outbox.files()];
    return unsentText({ gone, failing, answers, drafts: drafts.unsent(), refused: vault.trouble(), noDrafts: drafts.refusal() });
  }

  /** @param {string} command */
  const keyOf = (command) => writtenStroke(personal.keys()[command]?.[0] ?? "");

  function showAllKeys() {
    showKeys(keyOf);
    rail.showKeys();
  }

  function save() {
    outbox.flush();
    drafts.flush();
    flashSaved();
    announce(outbox.waiting() ? "Not everything is saved yet" : "Everything is saved");
  }

  /** @param {number} place @param {boolean} again */
  function choose(place, again) {
    if (again) return true;
    return (question?.choose(place) ?? false) || (editable && desk.chooseLabel(place));
  }

  const labelPalette = createLabelPalette(project.labels, desk.chooseLabel, addTyped);
  const dialogs = {
    help: createKeyHelp(personal).open,
    nameLabel: () => editable && labelPalette.open(),
    editLabels: () => editable && later.labels(),
    instructions: () => config.instructions && later.instructions(),
    history: later.history,
    progress: later.progress,
  };
  const { perform, holds } = createCommands(desk, stage, settings, limits, dialogs, save, choose);
  const rail = createRail(perform, stage.peek, keyOf, settings.get, settings.set, settings.tools);
  for (const answer of ANSWERS) onPress(answer, () => perform(answer));
  onPress("undo", desk.undo);
  for (const command of ["skip", "flag", "help", "instructions", "edit-labels", "clear-suggestions"]) onPress(command, () => perform(command));
  onPress("delete", desk.deleteSelected);
  listenToKeys(personal.keys, perform, holds, isForFocused);
  addEventListener("online", outbox.flush);
  document.addEventListener("visibilitychange", () => document.hidden && drafts.flush());
  addEventListener("beforeunload", (event) => {
    if (outbox.isAtRisk()) event.preventDefault();
  });
  // What is answered already is no draft, should the page have ended between the two.
  outbox.answered().forEach(drafts.done);
  desk.resume(drafts.begun());
  rail.show();
  showAllKeys();
  supply.open();
  opened = true;
  show();
}

try {
  showNotice({ title: "Loading", text: "", busy: true });
  await openPage(await firstProject());
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  showNotice({ title: "The server refused the page", text: error.message });
}
