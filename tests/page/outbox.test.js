import assert from "node:assert/strict";
import { createServer } from "node:http";
import { afterEach, beforeEach, test } from "node:test";

import { openOutbox } from "../../src/teachbox/web/static/desk/outbox.js";

/** What the server was sent, and how it answers: one status after another, then 200. */
let received = [];
let statuses = [];
/** @type {import("node:http").Server} */
let server;
const realFetch = globalThis.fetch;

beforeEach(async () => {
  received = [];
  statuses = [];
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ path: request.url, ...JSON.parse(body) });
    response.writeHead(statuses.shift() ?? 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ error: "because", progress: null, saved: [{ id: received.length }] }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  const base = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`;
  globalThis.fetch = (path, options) => realFetch(base + path, options);
});

afterEach(() => {
  globalThis.fetch = realFetch;
  server.closeAllConnections();
  server.close();
});

/** What a vault keeps: letters by key. */
function makeVault() {
  /** @type {Map<string, any>} */
  const letters = new Map();
  return {
    letters,
    put: (_table, key, letter) => void letters.set(key, structuredClone(letter)),
    drop: (_table, key) => void letters.delete(key),
    trouble: () => "",
  };
}

/** An outbox over what a vault keeps, and a way to wait for its state. */
function open(vault) {
  const refusals = [];
  const states = [];
  const given = [];
  let waiters = [];
  const outbox = openOutbox(vault, [...vault.letters.values()], {
    changed(state, waiting) {
      states.push(state);
      waiters = waiters.filter(([wanted, resolve]) => state !== wanted || void resolve(waiting));
    },
    refused: (letter, reason) => refusals.push([letter.taskHash, reason]),
    put: () => {},
    given: (letter, { saved }) => given.push([letter.key, saved]),
  });
  const until = (state) => new Promise((resolve) => waiters.push([state, resolve]));
  return { outbox, refusals, states, given, until };
}

const answer = (hash, key = `key-${hash}`) => ({
  ...{ _task_hash: hash, _input_hash: hash, image: "", answer: "accept", _answer_key: key },
});
const keys = () => received.map((one) => one.answers?.[0]._answer_key ?? `undo ${one._task_hash}`);

test("answers are sent one after another, in order, and then forgotten", async () => {
  const vault = makeVault();
  const { outbox, until } = open(vault);
  outbox.answer("me", answer(1));
  outbox.answer("me", answer(2));
  assert.equal(vault.letters.size, 2);
  await until("saved");
  assert.deepEqual(keys(), ["key-1", "key-2"]);
  assert.equal(received[0].session_id, "me");
  assert.equal(vault.letters.size, 0);
});

test("a server that fails is asked again, with the same key", async () => {
  statuses = [503, 500];
  const { outbox, until } = open(makeVault());
  outbox.answer("me", answer(1));
  await until("retrying");
  assert.deepEqual(outbox.taskHashes(), [1]);
  await until("saved");
  assert.deepEqual(keys(), ["key-1", "key-1", "key-1"]);
});

test("what was not sent before a reload is sent after it, in its order", async () => {
  const vault = makeVault();
  const before = open(vault);
  before.outbox.pause();
  before.outbox.answer("me", answer(1));
  before.outbox.answer("me", answer(2));
  const after = open(vault);
  assert.equal(after.outbox.waiting(), 2);
  after.outbox.answer("me", answer(3));
  await after.until("saved");
  assert.deepEqual(keys(), ["key-1", "key-2", "key-3"]);
});

test("an answer that never left is taken back without the server; one that left is undone there", async () => {
  const { outbox, until } = open(makeVault());
  outbox.pause();
  outbox.answer("me", answer(1));
  outbox.undo("me", answer(1));
  assert.equal(outbox.waiting(), 0);
  outbox.resume();
  outbox.answer("me", answer(2));
  outbox.undo("me", answer(2));
  outbox.answer("me", answer(2, "again"));
  await until("saved");
  assert.deepEqual(keys(), ["key-2", "undo 2", "again"]);
});

test("what the server refuses is not sent again, and does not stop what comes after it", async () => {
  statuses = [400];
  const { outbox, refusals, until } = open(makeVault());
  outbox.answer("me", answer(1));
  outbox.answer("me", answer(2));
  await until("saved");
  assert.deepEqual(keys(), ["key-1", "key-2"]);
  assert.deepEqual(refusals, [[1, "because"]]);
});

test("an undo carries a key of its own, and the server's word about an answer is handed on", async () => {
  const { outbox, given, until } = open(makeVault());
  outbox.answer("me", answer(1));
  await until("saved");
  outbox.undo("me", answer(1));
  await until("saved");
  assert.match(received[1]._answer_key, /^[0-9a-f]{32}$/);
  assert.deepEqual(given, [["key-1", [{ id: 1 }]]]);
});

test("what waits is named, and what is answered is known", () => {
  const { outbox } = open(makeVault());
  outbox.pause();
  outbox.answer("me", { ...answer(1), meta: { file: "one.jpg" } });
  outbox.answer("me", answer(2));
  assert.deepEqual(outbox.files(), ["one.jpg", "an image"]);
  assert.deepEqual(outbox.answered(), [1, 2]);
});
