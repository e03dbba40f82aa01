/** What is not at the server yet, in words. Pure. */

/**
 * @typedef {object} Unsent
 * @property {boolean} gone  Whether the server has not answered for a while.
 * @property {boolean} failing  Whether sending failed when it was last tried.
 * @property {readonly string[]} answers  Files whose answers, or their taking back, are unsent.
 * @property {number} drafts  Images whose edits are unsent.
 * @property {string} refused  Why the browser keeps nothing; "" where it does.
 * @property {string} noDrafts  Why the server keeps no drafts; "" where it does.
 */

const NAMED = 3;

/**
 * What is said about it; "" where there is nothing to say.
 * @param {Unsent} unsent
 */
export function unsentText({ gone, failing, answers, drafts, refused, noDrafts }) {
  const away = gone || (failing && answers.length > 0) || drafts > 0;
  const words = [];
  if (away) words.push(`The server does not answer. ${waiting(answers, drafts)}`);
  if (refused && away) words.push(`Keep this tab open: this browser keeps nothing (${refused}).`);
  else if (refused) words.push(`This browser keeps nothing (${refused}): what is not sent ends with the tab.`);
  else if (away) words.push("What you do is kept in this browser and sent as soon as the server is back.");
  if (noDrafts && !away) words.push(`The server refused to keep a draft: ${noDrafts}.`);
  return words.join(" ");
}

/** @param {readonly string[]} answers @param {number} drafts */
function waiting(answers, drafts) {
  if (!answers.length && !drafts) return "Nothing is unsent.";
  const named = answers.slice(0, NAMED).join(", ");
  const more = answers.length > NAMED ? `, and ${answers.length - NAMED} more` : "";
  const parts = [];
  if (answers.length) parts.push(`${count(answers.length, "answer")} (${named}${more})`);
  if (drafts) parts.push(`the work on ${count(drafts, "image")}`);
  return `Not sent yet: ${parts.join(" and ")}.`;
}

/** @param {number} number @param {string} noun */
function count(number, noun) {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}
