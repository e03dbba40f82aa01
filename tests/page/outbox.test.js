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
    response.end(JSON.stringify({ error: "because", progress: null }));
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

/** A storage as browsers have it. */
function makeStorage() {
  /** @type {Map<string, string>} */
  const items = new Map();
  return {
    get length() {
      return items.size;
    },
    key: (at) => [...items.keys()][at] ?? null,
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  };
}

/** An outbox, and a way to wait for its state. */
function open(storage, dataset = "flights") {
  const refusals = [];
  const states = [];
  let waiters = [];
  const outbox = openOutbox(dataset, storage, {
    changed(state, waiting) {
      states.push(state);
      waiters = waiters.filter(([wanted, resolve]) => state !== wanted || void resolve(waiting));
    },
    refused: (letter, reason) => refusals.push([letter.taskHash, reason]),
  });
  const until = (state) => new Promise((resolve) => waiters.push([state, resolve]));
  return { outbox, refusals, states, until };
}

const answer = (hash, key = `key-${hash}`) => ({
  ...{ _task_hash: hash, _input_hash: hash, image: "", answer: "accept", _answer_key: key },
});
const keys = () => received.map((one) => one.answers?.[0]._answer_key ?? `undo ${one._task_hash}`);

test("answers are sent one after another, in order, and then forgotten", async () => {
  const storage = makeStorage();
  const { outbox, until } = open(storage);
  outbox.answer("me", answer(1));
  outbox.answer("me", answer(2));
  assert.equal(storage.length, 2);
  await until("saved");
  assert.deepEqual(keys(), ["key-1", "key-2"]);
  assert.equal(received[0].session_id, "me");
  assert.equal(storage.length, 0);
});

test("a server that fails is asked again, with the same key", async () => {
  statuses = [503, 500];
  const { outbox, until } = open(makeStorage());
  outbox.answer("me", answer(1));
  await until("retrying");
  assert.deepEqual(outbox.taskHashes(), [1]);
  await until("saved");
  assert.deepEqual(keys(), ["key-1", "key-1", "key-1"]);
});

test("what was not sent before a reload is sent after it, to its own dataset alone", async () => {
  const storage = makeStorage();
  const before = open(storage);
  before.outbox.pause();
  before.outbox.answer("me", answer(1));
  before.outbox.answer("me", answer(2));
  const other = open(storage, "others");
  assert.equal(other.outbox.waiting(), 0);
  const after = open(storage);
  assert.equal(after.outbox.waiting(), 2);
  after.outbox.answer("me", answer(3));
  await after.until("saved");
  assert.deepEqual(keys(), ["key-1", "key-2", "key-3"]);
});

test("an answer that never left is taken back without the server; one that left is undone there", async () => {
  const { outbox, until } = open(makeStorage());
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
  const { outbox, refusals, until } = open(makeStorage());
  outbox.answer("me", answer(1));
  outbox.answer("me", answer(2));
  await until("saved");
  assert.deepEqual(keys(), ["key-1", "key-2"]);
  assert.deepEqual(refusals, [[1, "because"]]);
});
