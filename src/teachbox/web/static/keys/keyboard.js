/** Listens to the keyboard: presses become commands; some keys mean something only while they are held. */

import { commandsOf } from "./keymap.js";
import { strokeOf } from "./stroke.js";

/** @import { Keys } from "./keymap.js" */

/**
 * @typedef {object} Hold
 * @property {(on: boolean) => void} hold
 * @property {() => boolean} [used]  Whether the key was needed for that; if not, its other command is done when it is let go.
 */

/**
 * @param {() => Keys} keys
 * @param {(command: string, again: boolean) => boolean} perform  False where the command means nothing now: the browser
 *   does with the key what it does.
 * @param {Record<string, Hold>} holds  By command.
 * @param {(event: KeyboardEvent) => boolean} isElsewhere  Whether the key belongs to what has the focus.
 */
export function listenToKeys(keys, perform, holds, isElsewhere) {
  /** @type {{code: string, hold: Hold, press: string[]} | null} */
  let held = null;

  /** @param {boolean} press  Whether to do the key's other command. */
  function letGo(press) {
    if (!held) return;
    const { hold, press: commands } = held;
    held = null;
    hold.hold(false);
    if (press && !hold.used?.()) commands.some((command) => perform(command, false));
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || isElsewhere(event)) return;
    const commands = commandsOf(strokeOf(event), keys());
    const holding = commands.find((command) => command in holds);
    const press = commands.filter((command) => !(command in holds));
    if (holding) {
      event.preventDefault();
      if (event.repeat) return;
      letGo(false);
      held = { code: event.code, hold: /** @type {Hold} */ (holds[holding]), press };
      held.hold.hold(true);
    } else if (press.some((command) => perform(command, event.repeat))) {
      event.preventDefault();
    }
  });
  document.addEventListener("keyup", (event) => {
    if (held?.code === event.code) letGo(true);
  });
  addEventListener("blur", () => letGo(false));
}
